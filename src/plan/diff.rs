//! What differs between two objects or two texts, as pure functions: field by field with JSON
//! pointers, and line by line as `diff -u` writes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Map, Value};
use similar::{Algorithm, DiffOp, capture_diff_slices, group_diff_ops};

use crate::document::ident::Pointer;

/// Unchanged lines around a change, as `diff -u` has them.
const CONTEXT: usize = 3;

/// One field that differs. Of a list whose items have names, a removed item stands at its old
/// index and everything else at the new one.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// Where it stands.
    pub path: Pointer,
    /// What was there; `None` if nothing was.
    pub before: Option<Value>,
    /// What will be there; `None` if nothing will.
    pub after: Option<Value>,
}

/// The fields that differ, sorted by pointer, each as small as can be said without losing the
/// order of a list: objects by member; lists by `name` where every item has one of its own and
/// those that stay keep their order; by index where the lengths agree; else the list as a whole.
pub fn fields(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare(&Pointer::default(), before, after, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn compare(path: &Pointer, before: &Value, after: &Value, found: &mut Vec<FieldChange>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => members(path, old, new, found),
        (Value::Array(old), Value::Array(new)) => items(path, old, new, found),
        _ if before == after => {}
        _ => found.push(FieldChange {
            path: path.clone(),
            before: Some(before.clone()),
            after: Some(after.clone()),
        }),
    }
}

fn members(
    path: &Pointer,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    found: &mut Vec<FieldChange>,
) {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        pair(&path.join(name), old.get(name), new.get(name), found);
    }
}

fn pair(path: &Pointer, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<FieldChange>) {
    match (old, new) {
        (Some(old), Some(new)) => compare(path, old, new, found),
        (None, None) => {}
        (old, new) => found.push(FieldChange {
            path: path.clone(),
            before: old.cloned(),
            after: new.cloned(),
        }),
    }
}

fn items(path: &Pointer, old: &[Value], new: &[Value], found: &mut Vec<FieldChange>) {
    if let (Some(old_names), Some(new_names)) = (by_name(old), by_name(new))
        && same_order(old, &new_names)
    {
        for (index, item) in new.iter().enumerate() {
            let twin = name(item).and_then(|name| old_names.get(name)).and_then(|at| old.get(*at));
            pair(&path.join(&index.to_string()), twin, Some(item), found);
        }
        for (index, item) in old.iter().enumerate() {
            if name(item).is_some_and(|name| !new_names.contains_key(name)) {
                pair(&path.join(&index.to_string()), Some(item), None, found);
            }
        }
    } else if old.len() == new.len() {
        for (index, (old, new)) in old.iter().zip(new).enumerate() {
            compare(&path.join(&index.to_string()), old, new, found);
        }
    } else {
        found.push(FieldChange {
            path: path.clone(),
            before: Some(old.into()),
            after: Some(new.into()),
        });
    }
}

/// The `name` of a list item, which is how Kubernetes tells most of them apart.
pub fn name(item: &Value) -> Option<&str> {
    item.get("name").and_then(Value::as_str)
}

/// Index by name; `None` if an item has no name or two share one.
fn by_name(list: &[Value]) -> Option<BTreeMap<&str, usize>> {
    let names: BTreeMap<_, _> =
        list.iter().enumerate().map(|(at, item)| Some((name(item)?, at))).collect::<Option<_>>()?;
    (!names.is_empty() && names.len() == list.len()).then_some(names)
}

/// Whether the items that stay keep their order.
fn same_order(old: &[Value], new: &BTreeMap<&str, usize>) -> bool {
    old.iter().filter_map(|item| new.get(name(item)?)).is_sorted()
}

/// What a line of a unified diff says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It stands in both texts.
    Both,
    /// It goes.
    Before,
    /// It comes.
    After,
}

impl Side {
    /// The first character of the line.
    pub fn sign(self) -> char {
        match self {
            Self::Both => ' ',
            Self::Before => '-',
            Self::After => '+',
        }
    }
}

/// One line of a hunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// In which text it stands.
    pub side: Side,
    /// The line, without its line feed. A carriage return is part of it.
    pub text: &'a str,
    /// Whether the text ends here without a line feed.
    pub unended: bool,
}

/// Changes that lie close together, with unchanged lines around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunk<'a> {
    /// `@@ -1,2 +1,3 @@`.
    pub header: String,
    /// The lines.
    pub lines: Vec<Line<'a>>,
}

/// The hunks that turn `before` into `after`, in order; none if they are equal. The work is
/// bounded by a heuristic and not by a clock, so the same texts always give the same hunks.
pub fn hunks<'a>(before: &'a str, after: &'a str) -> Vec<Hunk<'a>> {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let operations = capture_diff_slices(Algorithm::Myers, &old, &new);
    group_diff_ops(operations, CONTEXT).iter().map(|group| hunk(group, &old, &new)).collect()
}

fn hunk<'a>(group: &[DiffOp], old: &[&'a str], new: &[&'a str]) -> Hunk<'a> {
    let mut lines = Vec::new();
    let mut add = |side, text: &[&'a str]| {
        lines.extend(text.iter().map(|line| {
            let ended = line.strip_suffix('\n');
            Line { side, text: ended.unwrap_or(line), unended: ended.is_none() }
        }));
    };
    for operation in group {
        let removed = old.get(operation.old_range()).unwrap_or_default();
        let added = new.get(operation.new_range()).unwrap_or_default();
        match operation {
            DiffOp::Equal { .. } => add(Side::Both, removed),
            DiffOp::Delete { .. } | DiffOp::Insert { .. } | DiffOp::Replace { .. } => {
                add(Side::Before, removed);
                add(Side::After, added);
            }
        }
    }
    let range = |first: Option<usize>, last: Option<usize>| {
        let (start, end) = (first.unwrap_or_default(), last.unwrap_or_default());
        // An empty range names the line before it, and a length of one is left out.
        match end.saturating_sub(start) {
            0 => format!("{start},0"),
            1 => format!("{}", start + 1),
            length => format!("{},{length}", start + 1),
        }
    };
    let (first, last) = (group.first(), group.last());
    let removed = range(first.map(|o| o.old_range().start), last.map(|o| o.old_range().end));
    let added = range(first.map(|o| o.new_range().start), last.map(|o| o.new_range().end));
    Hunk { header: format!("@@ -{removed} +{added} @@"), lines }
}

/// The two lines above the hunks of a file. An absent text is `/dev/null`. A path with anything
/// but plain characters is quoted as Git does, so that it stays one line.
pub fn header(before: bool, after: bool, path: &str) -> [String; 2] {
    let side = |present: bool, letter: char| match present {
        true => quoted(&format!("{letter}/{path}")),
        false => "/dev/null".to_owned(),
    };
    [format!("--- {}", side(before, 'a')), format!("+++ {}", side(after, 'b'))]
}

fn quoted(path: &str) -> String {
    let plain = |c: u8| (c.is_ascii_graphic() || c == b' ') && c != b'"' && c != b'\\';
    if path.bytes().all(plain) {
        return path.to_owned();
    }
    let mut out = String::from("\"");
    for byte in path.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\{byte:03o}");
        }
    }
    out + "\""
}

/// The unified diff of one file, as `diff -u` writes it and `patch -p1` reads it; empty if the
/// texts are equal. `None` is a file that does not exist. The texts stand in it as they are: for a
/// person to read, it goes through `review`.
pub fn text(before: Option<&str>, after: Option<&str>, path: &str) -> String {
    if before == after {
        return String::new();
    }
    let mut out = String::new();
    for line in header(before.is_some(), after.is_some(), path) {
        out.push_str(&line);
        out.push('\n');
    }
    for hunk in hunks(before.unwrap_or_default(), after.unwrap_or_default()) {
        out.push_str(&hunk.header);
        out.push('\n');
        for line in hunk.lines {
            out.push(line.side.sign());
            out.push_str(line.text);
            out.push('\n');
            if line.unended {
                out.push_str("\\ No newline at end of file\n");
            }
        }
    }
    out
}
