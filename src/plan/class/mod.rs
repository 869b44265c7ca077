//! The class, certainty and flags of every change: all rules run and the worst counts. What no rule
//! knows is judged as unknown, never as harmless.

pub(crate) mod changed;
mod immutable;
pub(crate) mod look;
mod rules;
mod table;
pub(crate) mod verb;

use serde_json::Value;

use self::look::{Findings, Index, Look};
use self::verb::Verb;
use super::judgement::{Case, Judgement};
use crate::custody::vault::HOLDERS;
use crate::document::effect::{Certainty, Class, Facts, PreviewState, Step};
use crate::document::ident::Pointer;
use crate::document::operation::ResourceRef;

pub use immutable::replace_paths;

static NOTHING: Value = Value::Null;

/// Judges every change, in the order of `cases`.
pub fn classify(cases: &[Case<'_>], facts: &Facts) -> Vec<Judgement> {
    let index = Index::of(cases, facts);
    cases.iter().map(|case| judge(case, &index)).collect()
}

fn judge<'a>(case: &'a Case<'a>, index: &'a Index<'a>) -> Judgement {
    let look = Look::at(case, index);
    let mut findings = Findings::default();
    if look.verb != Verb::Nothing {
        find(&look, index, &mut findings);
    }
    let least = match look.verb {
        Verb::Nothing => (Class::None, Certainty::Certain),
        // Only what makes no difference differs.
        Verb::Update => (Class::None, Certainty::Certain),
        Verb::Create => (Class::Additive, Certainty::Unknown),
        Verb::Delete | Verb::Replace => (Class::DataLoss, Certainty::Unknown),
    };
    let (class, certainty) = findings.worst().unwrap_or(least);
    let certainty = match (case.preview.state, look.verb) {
        (PreviewState::Server | PreviewState::Local, _) => certainty,
        (PreviewState::Deferred, Verb::Create) => certainty,
        (PreviewState::Deferred | PreviewState::Blocked | PreviewState::Unpreviewable, _) => {
            Certainty::Unknown
        }
    };
    let (flags, reasons) = findings.into_parts();
    Judgement { class, certainty, flags, reasons }
}

/// Everything that tables and code say about a change.
fn find<'a>(look: &Look<'a>, index: &'a Index<'a>, out: &mut Findings) {
    rows(look, out);
    rules::run(look, out);
    if let Some(certainty) = rules::meta::ends(look, out) {
        deletion(look, index, certainty, out);
    }
    if look.verb == Verb::Update {
        let paths = replace_paths(look.case.resource, look.before(), look.after());
        if let Some(path) = paths.first() {
            replacement(look, index, path, out);
        }
    }
}

/// What the tables say.
fn rows(look: &Look<'_>, out: &mut Findings) {
    let rows = table::rows(look.group(), look.kind());
    let name = look.kind().to_ascii_lowercase();
    let whole = |whole: &table::Whole, verb: &str, out: &mut Findings| {
        out.add(whole.class, whole.certainty, &format!("{name}.{verb}"), whole.says);
        out.flags(whole.flags);
    };
    match (look.verb, rows) {
        (Verb::Nothing, _) => {}
        (Verb::Create, Some(rows)) => whole(&rows.create, "create", out),
        (Verb::Delete, Some(rows)) => whole(&rows.delete, "delete", out),
        (Verb::Replace, Some(rows)) => whole(&rows.replace, "replace", out),
        (Verb::Create | Verb::Delete | Verb::Replace, None) => rules::custom::whole(look, out),
        (Verb::Update, _) => {
            let own = rows.filter(|rows| !rows.update.is_empty());
            for changed in &look.changed {
                let row = table::best(own, changed);
                // Of an unknown kind, even labels and annotations may be read by a controller.
                let row = row.filter(|row| own.is_some() || row.class == Class::None);
                let Some(row) = row else {
                    rules::custom::update(changed, own.is_some(), out);
                    continue;
                };
                out.flags(row.flags);
                if row.by_code {
                    continue;
                }
                let open = look.case.unknown.iter().any(|open| changed.pointer.is_within(open));
                let certainty = if open { Certainty::Unknown } else { row.certainty };
                let rule = format!("{name}.{}", row.rule);
                out.at(&changed.pointer, row.class, certainty, &rule, row.says);
            }
        }
    }
}

/// The object will go, though nobody asks for that: what a deletion would be.
fn deletion<'a>(look: &Look<'a>, index: &'a Index<'a>, certainty: Certainty, out: &mut Findings) {
    let before = if look.before().is_null() { look.after() } else { look.before() };
    let case = Case { actions: &[Step::Delete], before, after: &NOTHING, ..look.case.clone() };
    let mut inner = Findings::default();
    let look = Look::at(&case, index);
    rows(&look, &mut inner);
    rules::run(&look, &mut inner);
    out.absorb(inner, certainty);
}

/// A path that the server does not let change: what a replacement would be.
fn replacement<'a>(look: &Look<'a>, index: &'a Index<'a>, path: &Pointer, out: &mut Findings) {
    let case = Case { actions: &[Step::Delete, Step::Create], ..look.case.clone() };
    let look = Look::at(&case, index);
    let mut inner = Findings::default();
    rows(&look, &mut inner);
    rules::run(&look, &mut inner);
    if let Some((class, certainty)) = inner.worst() {
        let rule = format!("{}.immutable", look.kind().to_ascii_lowercase());
        out.at(path, class, certainty, &rule, "cannot be changed in place");
    }
    out.absorb(inner, Certainty::Certain);
}

/// Where values of a kind are secret: the members of `data` and `stringData` of a Secret that are
/// there on either side, sorted.
pub fn sensitive(resource: &ResourceRef, before: &Value, after: &Value) -> Vec<Pointer> {
    if !resource.is_secret() {
        return Vec::new();
    }
    let mut found = std::collections::BTreeSet::new();
    for object in [before, after] {
        for member in HOLDERS {
            let held = object.get(member).and_then(Value::as_object);
            for key in held.into_iter().flat_map(|map| map.keys()) {
                found.insert(Pointer::default().join(member).join(key));
            }
        }
    }
    found.into_iter().collect()
}
