//! How deep and how large a value is, measured before it is copied.

use serde_json::Value;

use crate::document::canonical::MAX_DEPTH;

/// Deepest nesting of an object, so that the plan around it stays within its own limit.
pub const BODY_DEPTH: usize = MAX_DEPTH - 8;

/// How many lists and maps lie in each other.
pub fn depth(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or_default(),
    }
}

/// Bytes that a value takes in memory, roughly; `None` beyond `most`, found without looking at the
/// rest of it.
pub fn weight(value: &Value, most: usize) -> Option<usize> {
    fn take(value: &Value, left: usize) -> Option<usize> {
        let left = left.checked_sub(size_of::<Value>())?;
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => Some(left),
            Value::String(text) => left.checked_sub(text.len()),
            Value::Array(items) => items.iter().try_fold(left, |left, item| take(item, left)),
            Value::Object(members) => members.iter().try_fold(left, |left, (name, item)| {
                take(item, left.checked_sub(size_of::<String>() + name.len())?)
            }),
        }
    }
    take(value, most).map(|left| most - left)
}
