//! A changed field in a few words: the shortest name that no other changed field of the object
//! shares, and values that cannot be taken for words of ours.

use std::collections::BTreeMap;

use serde_json::Value;

use super::neutral::Neutral;
use super::piece::Piece;
use crate::document::effect::Change;
use crate::document::ident::Pointer;
use crate::plan::diff::{self, FieldChange};

/// Members whose own members have names that anybody chooses: a field beneath one is never named
/// without it, so that an annotation `image` does not read as an image.
const FREE: [&str; 10] = [
    "annotations",
    "labels",
    "matchLabels",
    "nodeSelector",
    "data",
    "stringData",
    "binaryData",
    "parameters",
    "selector",
    "tags",
];

/// A changed field, in raw text that still has to be neutralised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Where it stands.
    pub path: Pointer,
    /// Short name, such as `image` or `containers[web].image`.
    pub label: String,
    /// What was there, as text.
    pub before: String,
    /// What will be there, as text.
    pub after: String,
}

impl Field {
    /// Characters that are left out of it.
    pub fn cut(&self) -> usize {
        self.shown_label().cut + self.shown_before().cut + self.shown_after().cut
    }

    /// The label, harmless.
    pub fn shown_label(&self) -> Neutral {
        Piece::Name(self.label.clone()).neutral()
    }

    /// What was there, harmless.
    pub fn shown_before(&self) -> Neutral {
        Piece::Value(self.before.clone()).neutral()
    }

    /// What will be there, harmless.
    pub fn shown_after(&self) -> Neutral {
        Piece::Value(self.after.clone()).neutral()
    }
}

/// The changed fields of a change that has an object on both sides; empty for others. What only
/// the target decides is left out.
pub(super) fn changed(change: &Change) -> Vec<Field> {
    let Change { before, after, unknown, sensitive, .. } = change;
    if before.is_null() || after.is_null() {
        return Vec::new();
    }
    let mut changes = diff::fields(before, after);
    changes.retain(|field| !unknown.iter().any(|path| field.path.is_within(path)));
    let labels = labels(&changes, before, after);
    let text = |value: &Option<Value>, path: &Pointer| match value {
        None => "(none)".to_owned(),
        Some(value) => {
            let hidden = sensitive.iter().any(|at| path.is_within(at) || at.is_within(path));
            if hidden { masked(value) } else { spelled(value) }
        }
    };
    let fields = changes.iter().zip(labels).map(|(change, label)| Field {
        path: change.path.clone(),
        label,
        before: text(&change.before, &change.path),
        after: text(&change.after, &change.path),
    });
    fields.collect()
}

/// One step of a pointer as a person reads it.
struct Segment {
    text: String,
    /// Whether it stands in brackets behind the one before it.
    bracket: bool,
}

fn labels(changes: &[FieldChange], before: &Value, after: &Value) -> Vec<String> {
    let paths: Vec<_> = changes
        .iter()
        .map(|change| segments(change, if change.after.is_some() { after } else { before }))
        .collect();
    let mut lengths: Vec<usize> = paths.iter().map(|(_, least)| *least).collect();
    loop {
        let labels: Vec<String> =
            paths.iter().zip(&lengths).map(|((path, _), length)| label(path, *length)).collect();
        let mut uses: BTreeMap<&str, u32> = BTreeMap::new();
        for label in &labels {
            *uses.entry(label).or_default() += 1;
        }
        let mut grown = false;
        for ((label, length), (path, _)) in labels.iter().zip(&mut lengths).zip(&paths) {
            if uses.get(label.as_str()).is_some_and(|n| *n > 1) && *length < path.len() {
                *length += 1;
                grown = true;
            }
        }
        if !grown {
            return labels;
        }
    }
}

/// The steps of a pointer, and how many of the last ones a label needs at least.
fn segments(change: &FieldChange, root: &Value) -> (Vec<Segment>, usize) {
    let names: Vec<String> = change.path.segments().collect();
    let (mut at, mut path, mut first) = (Some(root), Vec::new(), None);
    for (index, name) in names.iter().enumerate() {
        let is_last = index + 1 == names.len();
        let (text, bracket, next) = match at {
            Some(Value::Array(items)) => {
                let item = name.parse::<usize>().ok().and_then(|index| items.get(index));
                let text = item.and_then(diff::name).unwrap_or(name).to_owned();
                // The one item of a list needs no name, unless it is what changes.
                if (items.len() > 1 || is_last) && first.is_none() {
                    first = index.checked_sub(1);
                }
                (text, true, item)
            }
            at => {
                if FREE.contains(&name.as_str()) && !is_last && first.is_none() {
                    first = Some(index);
                }
                (name.clone(), !is_word(name), at.and_then(|value| value.get(name)))
            }
        };
        path.push(Segment { text, bracket });
        at = next;
    }
    let least = path.len() - first.unwrap_or(path.len().saturating_sub(1)).min(path.len());
    (path, least)
}

fn is_word(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
}

fn label(path: &[Segment], length: usize) -> String {
    let mut out = String::new();
    for Segment { text, bracket } in path.iter().skip(path.len().saturating_sub(length)) {
        match bracket {
            true => out.extend(["[", text, "]"]),
            false if out.is_empty() => out.push_str(text),
            false => out.extend([".", text]),
        }
    }
    out
}

/// A value in one line. A string stands bare only where it can be nothing else.
fn spelled(value: &Value) -> String {
    match value {
        Value::String(text) if text.starts_with("hmac-sha256:") => masked(value),
        Value::String(text) if text.contains('\n') => {
            format!("(text of {} lines)", text.lines().count())
        }
        Value::String(text) if is_bare(text) => text.clone(),
        Value::Object(members) if members.contains_key("$secret") => masked(value),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
        Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn is_bare(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '>' | '<' | '`');
    !text.is_empty()
        && !text.starts_with(['(', '{', '['])
        && !text.contains(odd)
        && serde_json::from_str::<Value>(text).is_err()
}

/// A value that nobody may read: that it is there, which secret it is, and the start of the keyed
/// digest, so that a change of it can be seen.
fn masked(value: &Value) -> String {
    let start = |text: &str| -> String {
        text.strip_prefix("hmac-sha256:").unwrap_or_default().chars().take(8).collect()
    };
    match value {
        Value::String(text) => format!("(masked {})", start(text)).replace(" )", ")"),
        Value::Object(members) => match members.get("$secret") {
            Some(secret) => {
                let text = |name| secret.get(name).and_then(Value::as_str).unwrap_or_default();
                format!("(secret {}, masked {})", text("name"), start(text("value")))
            }
            None => "(masked object)".to_owned(),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => "(masked)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(before: &Value, after: &Value) -> Vec<String> {
        labels(&diff::fields(before, after), before, after)
    }

    #[test]
    fn a_label_is_as_short_as_it_can_be_without_doubt() {
        let one = json!({"spec": {"containers": [{"name": "web", "image": "a"}], "replicas": 1}});
        let new = json!({"spec": {"containers": [{"name": "web", "image": "b"}], "replicas": 2}});
        assert_eq!(named(&one, &new), ["image", "replicas"]);
        let one = json!({"containers": [{"name": "a", "image": 1}, {"name": "b", "image": 1}]});
        let new = json!({"containers": [{"name": "a", "image": 2}, {"name": "b", "image": 2}]});
        assert_eq!(named(&one, &new), ["containers[a].image", "containers[b].image"]);
        let one = json!({"metadata": {"annotations": {"image": "1", "a.b/c": "1"}}});
        let new = json!({"metadata": {"annotations": {"image": "2", "a.b/c": "2"}}});
        assert_eq!(named(&one, &new), ["annotations[a.b/c]", "annotations.image"]);
        let one = json!({"a": {"max": 1}, "b": {"max": 1}});
        let new = json!({"a": {"max": 2}, "b": {"max": 2}});
        assert_eq!(named(&one, &new), ["a.max", "b.max"]);
        let one = json!({"args": ["a", "b"]});
        let new = json!({"args": ["a", "c"]});
        assert_eq!(named(&one, &new), ["args[1]"]);
    }

    #[test]
    fn a_string_that_could_be_something_else_is_quoted() {
        for (value, text) in [
            (json!("web:1.5"), "web:1.5"),
            (json!("5"), "\"5\""),
            (json!(5), "5"),
            (json!("true"), "\"true\""),
            (json!(""), "\"\""),
            (json!("a -> b"), "\"a -> b\""),
            (json!("a->b"), "\"a->b\""),
            (json!("(none)"), "\"(none)\""),
            (json!("a\nb"), "(text of 2 lines)"),
            (json!({"a": [1]}), "{\"a\":[1]}"),
            (json!("hmac-sha256:0123456789abcdef"), "(masked 01234567)"),
            (
                json!({"$secret": {"name": "db", "value": "hmac-sha256:0123456789abcdef"}}),
                "(secret db, masked 01234567)",
            ),
        ] {
            assert_eq!(spelled(&value), text);
        }
    }

    #[test]
    fn a_value_at_a_sensitive_pointer_is_never_spelled() {
        assert_eq!(masked(&json!("hunter2")), "(masked)");
        assert_eq!(masked(&json!({"password": "hunter2"})), "(masked object)");
    }
}
