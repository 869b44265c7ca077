//! The data of the rules: for each kind what a creation, an update of a pointer, a deletion and a
//! replacement mean. One row, one meaning; what needs code stands in `rules`, and its row here is
//! the least that holds.

mod access;
mod cluster;
mod config;
mod custom;
mod generic;
mod network;
mod storage;
mod workload;

use serde_json::Value;

use super::changed::{Changed, fit};
use crate::document::effect::{Certainty, Class, Flag};

/// Short names, so that a row stays on a line.
pub(crate) mod short {
    use super::{Certainty, Class};
    pub(crate) const D: Class = Class::DataLoss;
    pub(crate) const O: Class = Class::Outage;
    pub(crate) const R: Class = Class::Disruptive;
    pub(crate) const M: Class = Class::Mutating;
    pub(crate) const A: Class = Class::Additive;
    pub(crate) const N: Class = Class::None;
    pub(crate) const SURE: Certainty = Certainty::Certain;
    pub(crate) const MAY: Certainty = Certainty::Possible;
    pub(crate) const UNREAD: Certainty = Certainty::Unknown;
}

/// What a change of the object as a whole means.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole {
    pub(crate) class: Class,
    pub(crate) certainty: Certainty,
    pub(crate) flags: &'static [Flag],
    pub(crate) says: &'static str,
}

const fn whole(class: Class, certainty: Certainty, says: &'static str) -> Whole {
    Whole { class, certainty, flags: &[], says }
}

impl Whole {
    const fn flag(mut self, flags: &'static [Flag]) -> Self {
        self.flags = flags;
        self
    }
}

/// A condition on the two values of a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    /// There was nothing.
    Added,
    /// There will be nothing.
    Removed,
    /// The new value is this word (`true`, `false` or a text).
    Becomes(&'static str),
    /// The old value was this word.
    Leaves(&'static str),
    /// The integer falls; absent is the default.
    Lowered(i64),
    /// The integer rises; absent is the default.
    Raised(i64),
}

impl When {
    fn holds(self, changed: &Changed<'_>) -> bool {
        let word = |side: Option<&Value>, word: &str| match side {
            Some(Value::String(text)) => text == word,
            Some(Value::Bool(value)) => word == if *value { "true" } else { "false" },
            Some(_) | None => false,
        };
        let size = |side: Option<&Value>, default: i64| match side {
            None | Some(Value::Null) => Some(default),
            Some(value) => value.as_i64(),
        };
        let both = |default| Some((size(changed.before, default)?, size(changed.after, default)?));
        match self {
            Self::Always => true,
            Self::Added => changed.before.is_none(),
            Self::Removed => changed.after.is_none(),
            Self::Becomes(wanted) => word(changed.after, wanted),
            Self::Leaves(wanted) => word(changed.before, wanted),
            Self::Lowered(default) => both(default).is_some_and(|(old, new)| new < old),
            Self::Raised(default) => both(default).is_some_and(|(old, new)| new > old),
        }
    }
}

/// What an update of one pointer means.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) path: &'static str,
    pub(crate) when: When,
    pub(crate) class: Class,
    pub(crate) certainty: Certainty,
    pub(crate) flags: &'static [Flag],
    /// Whether code gives the class, so that the row itself adds none.
    pub(crate) by_code: bool,
    /// The last part of the rule's name.
    pub(crate) rule: &'static str,
    pub(crate) says: &'static str,
}

const fn row(
    path: &'static str,
    class: Class,
    certainty: Certainty,
    rule: &'static str,
    says: &'static str,
) -> Row {
    Row { path, when: When::Always, class, certainty, flags: &[], by_code: false, rule, says }
}

/// The least that code has to say about a pointer.
const fn least(path: &'static str, rule: &'static str) -> Row {
    row(path, Class::Mutating, Certainty::Certain, rule, "")
}

impl Row {
    const fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }
    const fn flag(mut self, flags: &'static [Flag]) -> Self {
        self.flags = flags;
        self
    }
    const fn by_code(mut self) -> Self {
        self.by_code = true;
        self
    }
}

/// Every row of one kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    pub(crate) group: &'static str,
    /// `*` for every kind of the group.
    pub(crate) kind: &'static str,
    pub(crate) create: Whole,
    pub(crate) update: &'static [Row],
    pub(crate) delete: Whole,
    pub(crate) replace: Whole,
}

/// The rows of a kind, if it is known.
pub(crate) fn rows(group: &str, kind: &str) -> Option<&'static Rows> {
    let all = || all().filter(|rows| group_fits(rows.group, group));
    all().find(|rows| rows.kind == kind).or_else(|| all().find(|rows| rows.kind == "*"))
}

fn group_fits(pattern: &str, group: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(end) => group.ends_with(end),
        None => pattern == group,
    }
}

/// Every kind of the tables.
pub(crate) fn all() -> impl Iterator<Item = &'static Rows> {
    let tables: [&'static [Rows]; 7] = [
        workload::ROWS,
        network::ROWS,
        config::ROWS,
        storage::ROWS,
        access::ROWS,
        cluster::ROWS,
        custom::ROWS,
    ];
    tables.into_iter().flatten()
}

/// The row that fits a changed pointer best: the more exact pattern, then the one with a
/// condition, then the one of the kind itself.
pub(crate) fn best(rows: Option<&'static Rows>, changed: &Changed<'_>) -> Option<&'static Row> {
    let own = rows.map_or(&[][..], |rows| rows.update);
    let own = own.iter().map(|row| (row, 1));
    let all = own.chain(generic::UPDATE.iter().map(|row| (row, 0)));
    let fitting = all.filter_map(|(row, kind)| {
        let score = fit(row.path, &changed.segments).filter(|_| row.when.holds(changed))?;
        Some(((score, row.when != When::Always, kind), row))
    });
    // Of equals the worse, so that the order of the rows means nothing.
    fitting.max_by_key(|(score, row)| (*score, row.class, row.certainty)).map(|(_, row)| row)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn updates() -> impl Iterator<Item = (&'static str, &'static Row)> {
        let own = all().flat_map(|rows| rows.update.iter().map(|row| (rows.kind, row)));
        own.chain(generic::UPDATE.iter().map(|row| ("any", row)))
    }

    #[test]
    fn no_kind_has_two_entries_and_no_pointer_two_rows() {
        let mut kinds = BTreeSet::new();
        for rows in all() {
            assert!(kinds.insert((rows.group, rows.kind)), "{}/{}", rows.group, rows.kind);
            let mut paths = BTreeSet::new();
            for row in rows.update {
                let key = (row.path, format!("{:?}", row.when));
                assert!(paths.insert(key), "{} {}", rows.kind, row.path);
            }
        }
    }

    #[test]
    fn a_clause_is_short_and_a_row_that_disturbs_has_one() {
        let wholes = all().flat_map(|rows| {
            [rows.create, rows.delete, rows.replace]
                .map(|whole| (rows.kind, whole.class, whole.says))
        });
        for (kind, class, says) in
            wholes.chain(updates().map(|(kind, row)| (kind, row.class, row.says)))
        {
            assert!(says.len() <= 60, "{kind}: {says}");
            assert!(class < Class::Disruptive || !says.is_empty(), "{kind} {class:?}");
            assert!(
                !says.ends_with('.') && !says.starts_with(char::is_uppercase)
                    || says.starts_with("DaemonSet"),
                "{says}"
            );
        }
    }

    #[test]
    fn patterns_are_pointers_from_the_root() {
        for (kind, row) in updates() {
            assert!(row.path.starts_with('/') && !row.path.ends_with('/'), "{kind} {}", row.path);
            let middle = row.path.strip_suffix("**").unwrap_or(row.path);
            assert!(!middle.contains("**"), "{kind} {}", row.path);
        }
    }

    #[test]
    fn a_creation_is_never_worse_than_an_outage_and_never_nothing() {
        for rows in all() {
            let class = rows.create.class;
            assert!((Class::Additive..=Class::Outage).contains(&class), "{}", rows.kind);
        }
    }
}
