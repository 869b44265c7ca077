//! Rows of the reference that no numbered case shows: one live object, and what each change of it is.

use serde_json::{Value, json};

use super::trial::{Table, Trial};

/// What is done to one live object.
pub(crate) enum Do {
    Create,
    Delete,
    Replace(&'static str, Value),
    Set(&'static str, Value),
}

pub(crate) fn object(version: &str, kind: &str, namespace: &str, rest: Value) -> Value {
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}});
    if !namespace.is_empty() {
        object["metadata"]["namespace"] = json!(namespace);
    }
    for (key, value) in rest.as_object().unwrap() {
        if key == "metadata" {
            object["metadata"].as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        } else {
            object[key] = value.clone();
        }
    }
    object
}

fn trial(live: &Value, what: Do) -> Trial {
    let resource = countersign::document::operation::ResourceRef::of(live).unwrap();
    let name = resource.id().to_string();
    let shop = Trial::shop();
    match what {
        Do::Create => shop.create(live.clone()),
        Do::Delete => shop.with(live.clone()).delete(&name),
        Do::Replace(pointer, value) => shop.with(live.clone()).replace(&name, &[(pointer, value)]),
        Do::Set(pointer, value) => shop.with(live.clone()).update(&name, pointer, value),
    }
}

pub(crate) fn rows(section: &str, live: &Value, rows: Vec<(Do, &str, &str)>) {
    let mut table = Table::default();
    for (place, (what, class, flags)) in rows.into_iter().enumerate() {
        let case = format!("{section} {} row {place}", live["kind"]);
        table.row(&case, &trial(live, what), class, flags);
    }
    table.end();
}

pub(crate) fn core(kind: &str, namespace: &str, rest: Value) -> Value {
    object("v1", kind, namespace, rest)
}
