//! No secret value is taken in. At a sensitive pointer stands a reference to an entry of the
//! trusted configuration, `{"$secret": "name"}`, and nowhere else does one mean anything. No
//! message repeats a value.

use std::collections::BTreeSet;

use serde_json::Value;

use super::page::{Leaf, kind_of};
pub(super) use crate::custody::vault::HOLDERS;
use crate::custody::vault::{MEMBER, reference};
use crate::document::ident::Pointer;
use crate::document::operation::ResourceRef;

const HINT: &str = "write `{\"$secret\": \"name\"}`, an entry of countersign.toml; a folder of manifests takes no secrets";

/// Checks an object, or a merge patch of one.
pub(super) fn body(value: &Value, resource: &ResourceRef, at: &Pointer, leaf: &mut Leaf<'_, '_>) {
    let Value::Object(map) = value else { return none(value, at, leaf) };
    let secret = resource.is_secret();
    for (name, value) in map {
        let at = at.join(name);
        if secret && HOLDERS.contains(&name.as_str()) {
            holder(value, &at, leaf);
        } else {
            none(value, &at, leaf);
        }
    }
    // What kubectl leaves there is the whole object once more, values included.
    let copy = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";
    if secret && value.pointer(copy).is_some() {
        let place = ["metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"]
            .iter()
            .fold(at.clone(), |at, part| at.join(part));
        leaf.refuse_member(
            &place,
            "an annotation that holds the values of a Secret",
            "leave it out",
        );
    }
}

/// Checks `data` or `stringData`: every value is a reference, or null.
pub(super) fn holder(value: &Value, at: &Pointer, leaf: &mut Leaf<'_, '_>) {
    match value {
        Value::Null => {}
        Value::Object(map) => {
            for (name, value) in map {
                held(value, &at.join(name), leaf);
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            leaf.refuse(at, format!("{}, where a map is expected", kind_of(value)), "");
        }
    }
}

/// Checks one value at a sensitive pointer.
pub(super) fn held(value: &Value, at: &Pointer, leaf: &mut Leaf<'_, '_>) {
    match reference(value) {
        _ if value.is_null() => {}
        Some(Ok(_)) => {}
        Some(Err(_)) => leaf.refuse(at, "`$secret` does not name one entry", HINT),
        None => leaf.refuse(at, "a literal secret value", HINT),
    }
}

/// Reports every reference where none means anything.
pub(super) fn none(value: &Value, at: &Pointer, leaf: &mut Leaf<'_, '_>) {
    if !anywhere(value) {
        return;
    }
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                none(item, &at.join(&index.to_string()), leaf);
            }
        }
        Value::Object(map) => {
            for (name, item) in map {
                let at = at.join(name);
                if name == MEMBER {
                    let hint = "only values of a Secret and NoEcho parameters take one";
                    leaf.refuse_member(&at, "`$secret` where no secret belongs", hint);
                } else {
                    none(item, &at, leaf);
                }
            }
        }
    }
}

/// Whether a reference stands anywhere in a value. Costs no pointer, unlike the search that names
/// its place.
fn anywhere(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        Value::Array(items) => items.iter().any(anywhere),
        Value::Object(map) => map.contains_key(MEMBER) || map.values().any(anywhere),
    }
}

/// Parameters of a template that must not be shown.
pub(super) fn no_echo(template: Option<&Value>) -> BTreeSet<String> {
    let declared = template.and_then(|t| t.get("Parameters")).and_then(Value::as_object);
    let hidden = |value: &Value| match value.get("NoEcho") {
        None | Some(Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.eq_ignore_ascii_case("false"),
        Some(_) => true,
    };
    declared
        .into_iter()
        .flatten()
        .filter(|(_, value)| hidden(value))
        .map(|(name, _)| name.clone())
        .collect()
}

/// One parameter of a stack, as the text that CloudFormation takes; `None` if it was refused.
pub(super) fn parameter(
    value: Value,
    hidden: bool,
    at: &Pointer,
    leaf: &mut Leaf<'_, '_>,
) -> Option<Value> {
    if hidden {
        held(&value, at, leaf);
        return value.is_object().then_some(value);
    }
    match value {
        Value::String(text) => Some(Value::String(text)),
        Value::Bool(_) => Some(Value::String(value.to_string())),
        Value::Number(ref number) if number.is_i64() || number.is_u64() => {
            Some(Value::String(number.to_string()))
        }
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            none(&value, at, leaf);
            leaf.refuse(at, format!("{}, where a text is expected", kind_of(&value)), "quote it");
            None
        }
    }
}
