//! Who owns which field: `managedFields`, and the two spellings in which the API names fields,
//! read against the object that they are about.

use serde_json::{Map, Value};

use crate::document::ident::Pointer;

/// Who owns which fields of one object, from its `metadata.managedFields`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Managed {
    /// One per manager, operation and subresource.
    pub entries: Vec<ManagedEntry>,
}

/// What one manager owns.
#[derive(Clone, Debug, PartialEq)]
pub struct ManagedEntry {
    /// Name of the manager.
    pub manager: String,
    /// `Apply` or `Update`.
    pub operation: String,
    /// `status`, `scale` ...; empty for the object itself.
    pub subresource: String,
    /// The fields, resolved against the object (list items by their keys become indexes), leaves only.
    pub fields: Vec<Pointer>,
}

impl Managed {
    /// Reads what an object says of its managers; entries that cannot be resolved are left out.
    pub fn of(object: &Value) -> Self {
        let managed = object.pointer("/metadata/managedFields").and_then(Value::as_array);
        let text = |entry: &Value, name| {
            entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let entry = |entry: &Value| {
            let mut fields = Vec::new();
            if let Some(Value::Object(owned)) = entry.get("fieldsV1") {
                leaves(owned, object, &Pointer::default(), &mut fields);
            }
            fields.sort();
            ManagedEntry {
                manager: text(entry, "manager"),
                operation: text(entry, "operation"),
                subresource: text(entry, "subresource"),
                fields,
            }
        };
        Self { entries: managed.map_or_else(Vec::new, |all| all.iter().map(entry).collect()) }
    }

    /// The field of a conflict's cause (`.spec.template.spec.containers[name="web"].image`) as a
    /// pointer into this object; where the object lacks it, the segments as they are spelled.
    pub fn pointer(field: &str, object: &Value) -> Pointer {
        resolve(field, object).unwrap_or_else(|| spelled(field))
    }
}

/// A field in the spelling of validation (`spec.containers[0].image`, `data[key]`) or of a conflict,
/// as a pointer: dots and brackets part the segments.
pub(super) fn spelled(field: &str) -> Pointer {
    let mut at = Pointer::default();
    let mut rest = field;
    loop {
        rest = rest.strip_prefix('.').unwrap_or(rest);
        if rest.is_empty() {
            return at;
        }
        let (segment, after) = match rest.strip_prefix('[') {
            Some(inner) => bracket(inner).unwrap_or((inner, "")),
            None => rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len())),
        };
        at = at.join(segment);
        rest = after;
    }
}

/// The owned fields beneath a value that own nothing further beneath them.
fn leaves(owned: &Map<String, Value>, value: &Value, at: &Pointer, found: &mut Vec<Pointer>) {
    let beneath = owned.iter().filter(|(name, _)| name.as_str() != ".");
    let mut parent = false;
    for (name, inner) in beneath {
        parent = true;
        let Some((segment, child)) = step(name, value) else {
            continue;
        };
        let at = at.join(&segment);
        match inner {
            Value::Object(inner) => leaves(inner, child, &at, found),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => {
                found.push(at);
            }
        }
    }
    if !parent && *at != Pointer::default() {
        found.push(at.clone());
    }
}

/// One path element of `fieldsV1`: a field, the keys of a list's item, its value, or its index.
fn step<'v>(name: &str, value: &'v Value) -> Option<(String, &'v Value)> {
    let (sort, text) = name.split_once(':')?;
    let (index, child) = match sort {
        "f" => return Some((text.to_owned(), value.as_object()?.get(text)?)),
        "k" => {
            let keys: Map<String, Value> = serde_json::from_str(text).ok()?;
            let same = |item: &Value| keys.iter().all(|(key, value)| item.get(key) == Some(value));
            value.as_array()?.iter().enumerate().find(|(_, item)| same(item))?
        }
        "v" => {
            let wanted: Value = serde_json::from_str(text).ok()?;
            value.as_array()?.iter().enumerate().find(|(_, item)| **item == wanted)?
        }
        "i" => {
            let index: usize = text.parse().ok()?;
            (index, value.as_array()?.get(index)?)
        }
        _ => return None,
    };
    Some((index.to_string(), child))
}

/// A conflict's field in the object. A name may hold dots, so that only the object tells where it
/// ends.
fn resolve(field: &str, value: &Value) -> Option<Pointer> {
    let mut segments = Vec::new();
    segments_of(field, value, &mut segments)
        .then(|| segments.iter().fold(Pointer::default(), |at, segment: &String| at.join(segment)))
}

fn segments_of(field: &str, value: &Value, segments: &mut Vec<String>) -> bool {
    if field.is_empty() {
        return true;
    }
    if let Some(rest) = field.strip_prefix('.') {
        let Some(object) = value.as_object() else {
            return false;
        };
        let begins = |name: &&String| {
            let after = rest.strip_prefix(name.as_str());
            after.is_some_and(|after| after.is_empty() || after.starts_with(['.', '[']))
        };
        let mut names: Vec<_> = object.keys().filter(begins).collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        return names.into_iter().any(|name| {
            let (Some(after), Some(child)) = (rest.strip_prefix(name.as_str()), object.get(name))
            else {
                return false;
            };
            segments.push(name.clone());
            let found = segments_of(after, child, segments);
            if !found {
                segments.pop();
            }
            found
        });
    }
    let Some((inner, after)) = field.strip_prefix('[').and_then(bracket) else {
        return false;
    };
    let Some((index, child)) = item(inner, value) else {
        return false;
    };
    let before = segments.len();
    segments.push(index.to_string());
    let found = segments_of(after, child, segments);
    if !found {
        segments.truncate(before);
    }
    found
}

/// What stands in brackets, and what follows; a quoted text may hold brackets of its own.
fn bracket(inner: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, letter) in inner.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ']' if !quoted => return Some((inner.get(..at)?, inner.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

/// The item of a list that `name="web",port=80`, `="value"` or `3` names.
fn item<'v>(inner: &str, list: &'v Value) -> Option<(usize, &'v Value)> {
    let list = list.as_array()?;
    if let Ok(index) = inner.parse::<usize>() {
        return Some((index, list.get(index)?));
    }
    if let Some(text) = inner.strip_prefix('=') {
        let wanted: Value = serde_json::from_str(text).ok()?;
        return list.iter().enumerate().find(|(_, item)| **item == wanted);
    }
    let mut keys = Vec::new();
    let mut rest = inner;
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let mut values = serde_json::Deserializer::from_str(after).into_iter::<Value>();
        let value = values.next()?.ok()?;
        rest = after.get(values.byte_offset()..)?;
        rest = rest.strip_prefix(',').unwrap_or(rest);
        keys.push((key, value));
    }
    let same = |item: &Value| keys.iter().all(|(key, value)| item.get(key) == Some(value));
    list.iter().enumerate().find(|(_, item)| same(item))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment() -> Value {
        json!({
            "metadata": {
                "labels": {"app": "web", "app.kubernetes.io/name": "web", "a.b": "c"},
                "finalizers": ["x/y", "z"],
                "managedFields": [
                    {"manager": "countersign", "operation": "Apply", "fieldsV1": {
                        "f:metadata": {"f:labels": {".": {}, "f:app.kubernetes.io/name": {}},
                            "f:finalizers": {".": {}, "v:\"z\"": {}}},
                        "f:spec": {"f:template": {"f:spec": {
                            "f:containers": {"k:{\"name\":\"web\"}": {".": {}, "f:image": {},
                                "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {
                                    ".": {}, "f:containerPort": {}}}}},
                            "f:volumes": {"k:{\"name\":\"gone\"}": {".": {}}}}}},
                    }},
                    {"manager": "hpa", "operation": "Update", "subresource": "scale",
                        "fieldsV1": {"f:spec": {"f:replicas": {}, "f:args": {"i:1": {}},
                            "f:selector": {".": {}}}}},
                    {"manager": "odd"},
                ],
            },
            "spec": {
                "replicas": 2, "args": ["a", "b"], "selector": {},
                "template": {"spec": {"containers": [
                    {"name": "side", "image": "b"},
                    {"name": "web", "image": "a", "ports": [
                        {"containerPort": 80, "protocol": "UDP"},
                        {"containerPort": 80, "protocol": "TCP"}]},
                ]}},
            },
        })
    }

    #[test]
    fn every_managers_fields_are_found_in_the_object() {
        let managed = Managed::of(&deployment());
        let shown: Vec<_> = managed
            .entries
            .iter()
            .map(|entry| {
                let fields = entry.fields.iter().map(Pointer::as_str).collect::<Vec<_>>();
                (entry.manager.as_str(), entry.subresource.as_str(), fields)
            })
            .collect();
        let ours = vec![
            "/metadata/finalizers/1",
            "/metadata/labels/app.kubernetes.io~1name",
            "/spec/template/spec/containers/1/image",
            "/spec/template/spec/containers/1/ports/1/containerPort",
        ];
        let theirs = vec!["/spec/args/1", "/spec/replicas", "/spec/selector"];
        assert_eq!(
            shown,
            [("countersign", "", ours), ("hpa", "scale", theirs), ("odd", "", vec![])]
        );
    }

    #[test]
    fn a_conflicts_field_is_found_whatever_dots_and_brackets_it_holds() {
        let cases = [
            (".spec.replicas", "/spec/replicas"),
            (
                ".spec.template.spec.containers[name=\"web\"].image",
                "/spec/template/spec/containers/1/image",
            ),
            (
                ".spec.template.spec.containers[name=\"web\"].ports[containerPort=80,protocol=\"TCP\"].protocol",
                "/spec/template/spec/containers/1/ports/1/protocol",
            ),
            (".metadata.labels.app.kubernetes.io/name", "/metadata/labels/app.kubernetes.io~1name"),
            (".metadata.labels.a.b", "/metadata/labels/a.b"),
            (".metadata.finalizers[=\"x/y\"]", "/metadata/finalizers/0"),
            (".spec.args[1]", "/spec/args/1"),
            // What the object lacks.
            (".spec.paused", "/spec/paused"),
            (".spec.containers[name=\"a]b\"].image", "/spec/containers/name=\"a]b\"/image"),
            ("", ""),
        ];
        for (field, pointer) in cases {
            assert_eq!(Managed::pointer(field, &deployment()).as_str(), pointer, "{field}");
        }
    }

    #[test]
    fn a_field_of_validation_is_parted_at_dots_and_brackets() {
        let cases = [
            ("spec.selector", "/spec/selector"),
            ("spec.containers[0].image", "/spec/containers/0/image"),
            ("data[a.b/c]", "/data/a.b~1c"),
            ("spec[", "/spec/"),
            ("", ""),
        ];
        for (field, pointer) in cases {
            assert_eq!(spelled(field).as_str(), pointer, "{field}");
        }
    }
}
