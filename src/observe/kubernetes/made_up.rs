//! What only the cluster decides, and only when it is asked in earnest: a rehearsal shows a value
//! there, and the next one another.

use std::collections::BTreeSet;

use serde_json::Value;

use super::path;
use crate::document::ident::Pointer;
use crate::document::operation::{Action, ResourceRef};

/// Places per group and kind that are made up anew each time; `*` stands for any item or member.
/// Source: the strategies and allocators of Kubernetes 1.36.
const KNOWN: [(&str, &str, &[&str]); 3] = [
    (
        "",
        "Service",
        &["spec/clusterIP", "spec/clusterIPs", "spec/ports/*/nodePort", "spec/healthCheckNodePort"],
    ),
    (
        "batch",
        "Job",
        &[
            "spec/selector/matchLabels/controller-uid",
            "spec/selector/matchLabels/batch.kubernetes.io~1controller-uid",
            "spec/template/metadata/labels/controller-uid",
            "spec/template/metadata/labels/batch.kubernetes.io~1controller-uid",
        ],
    ),
    // Who asks; whoever applies may be another user than whoever plans.
    (
        "certificates.k8s.io",
        "CertificateSigningRequest",
        &["spec/username", "spec/uid", "spec/groups", "spec/extra"],
    ),
];

/// The places of a rehearsed object that are made up, sorted: the known ones of its kind that it had
/// not before, and those in which two rehearsals differ; without what the operation sets.
pub(super) fn made_up(
    action: &Action,
    resource: &ResourceRef,
    before: &Value,
    after: &Value,
    again: Option<&Value>,
) -> Vec<Pointer> {
    let mut found = BTreeSet::new();
    let kind = (resource.group(), resource.kind.as_str());
    for (group, known, patterns) in &KNOWN {
        for pattern in patterns.iter().filter(|_| (*group, *known) == kind) {
            let segments: Vec<&str> = pattern.split('/').collect();
            matching(after, &segments, &Pointer::default(), &mut found);
        }
    }
    found.retain(|place| before.pointer(place.as_str()).is_none() && !is_none(after, place));
    if let Some(again) = again {
        differing(after, again, &Pointer::default(), &mut found);
    }
    found.retain(|place| !path::sets(action, &path::steps(place, after), after));
    found.into_iter().collect()
}

/// A Service that asks for no address has none made up.
fn is_none(object: &Value, place: &Pointer) -> bool {
    match object.pointer(place.as_str()) {
        Some(Value::Array(items)) => items.iter().all(|item| item == "None"),
        Some(value) => value == "None",
        None => true,
    }
}

fn matching(value: &Value, pattern: &[&str], at: &Pointer, found: &mut BTreeSet<Pointer>) {
    let Some((first, rest)) = pattern.split_first() else {
        found.insert(at.clone());
        return;
    };
    match value {
        Value::Array(items) if *first == "*" => {
            for (index, item) in items.iter().enumerate() {
                matching(item, rest, &at.join(&index.to_string()), found);
            }
        }
        Value::Object(map) => {
            let member = first.replace("~1", "/");
            if let Some(inner) = map.get(&member) {
                matching(inner, rest, &at.join(&member), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {}
    }
}

/// The innermost places in which two values differ. A list of plain values differs as a whole, and
/// so does one that is longer than the other.
fn differing(a: &Value, b: &Value, at: &Pointer, found: &mut BTreeSet<Pointer>) {
    match (a, b) {
        _ if a == b => {}
        (Value::Object(one), Value::Object(other)) => {
            let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for name in names {
                let null = Value::Null;
                let (a, b) = (one.get(name).unwrap_or(&null), other.get(name).unwrap_or(&null));
                differing(a, b, &at.join(name), found);
            }
        }
        (Value::Array(one), Value::Array(other))
            if one.len() == other.len() && one.iter().chain(other).all(Value::is_object) =>
        {
            for (index, (a, b)) in one.iter().zip(other).enumerate() {
                differing(a, b, &at.join(&index.to_string()), found);
            }
        }
        _ => {
            found.insert(at.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(body: Value, after: &Value, again: Option<&Value>) -> Vec<String> {
        let resource = ResourceRef::of(after).unwrap();
        let places = made_up(&Action::Apply(body), &resource, &Value::Null, after, again);
        places.iter().map(ToString::to_string).collect()
    }

    fn service(spec: Value) -> Value {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec})
    }

    #[test]
    fn addresses_and_ports_of_a_service_are_made_up_unless_they_are_asked_for() {
        let after = service(json!({"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"],
            "ports": [{"port": 80, "nodePort": 30001}, {"port": 81, "nodePort": 30002}]}));
        let asked = service(json!({"ports": [{"port": 80, "nodePort": 30001}, {"port": 81}]}));
        assert_eq!(
            found(asked, &after, None),
            ["/spec/clusterIP", "/spec/clusterIPs", "/spec/ports/1/nodePort"]
        );
        let headless = service(json!({"clusterIP": "None", "clusterIPs": ["None"]}));
        assert!(found(service(json!({"clusterIP": "None"})), &headless, None).is_empty());
    }

    #[test]
    fn where_two_rehearsals_differ_is_made_up_at_the_innermost_place() {
        let pod = |volume: &str, args: Value| {
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {
                "volumes": [{"name": volume}], "args": args, "same": 1}})
        };
        let (one, two) = (pod("token-1", json!(["x", "1"])), pod("token-2", json!(["x", "2"])));
        assert_eq!(found(json!({}), &one, Some(&two)), ["/spec/args", "/spec/volumes/0/name"]);
        assert!(found(json!({}), &one, Some(&one)).is_empty());
    }
}
