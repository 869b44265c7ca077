//! What of an object counts: everything that somebody asked for or that has an effect, and nothing
//! that the server keeps its books with. Both sides of a change are seen through the same lens, so
//! that the same state always looks the same.

use serde_json::Value;

use super::path::{self, Steps};
use crate::config::KubernetesTarget;
use crate::document::ident::Pointer;
use crate::document::operation::{Action, ResourceRef};
use crate::remote::kubernetes::Managed;

/// Members of `metadata` that the server writes for itself.
const BOOKS: [&str; 8] = [
    "managedFields",
    "resourceVersion",
    "uid",
    "generation",
    "creationTimestamp",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// Annotations that repeat the object, or count its versions.
const ANNOTATIONS: [&str; 3] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
    // What `generation` is for a pod template; the server counts it up.
    "deprecated.daemonset.template.generation",
];

/// kapp's copies of the object: `kapp.k14s.io/original`, `…/original-diff-md5` and the like.
const COPIES: &str = "kapp.k14s.io/original";

/// An object without what the server keeps its books with.
pub fn normalised(object: &Value) -> Value {
    let Value::Object(members) = object else { return object.clone() };
    let kept = members.iter().filter(|(member, _)| *member != "status");
    let part = |(member, value): (&String, &Value)| {
        let value = if member == "metadata" { metadata(value) } else { value.clone() };
        (member.clone(), value)
    };
    Value::Object(kept.map(part).collect())
}

fn metadata(metadata: &Value) -> Value {
    let Value::Object(members) = metadata else { return metadata.clone() };
    let mut kept = serde_json::Map::new();
    for (member, value) in members {
        if BOOKS.contains(&member.as_str()) {
            continue;
        }
        let Some(annotations) = value.as_object().filter(|_| member == "annotations") else {
            kept.insert(member.clone(), value.clone());
            continue;
        };
        let own: serde_json::Map<_, _> = annotations
            .iter()
            .filter(|(name, _)| !is_book(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if !own.is_empty() {
            kept.insert(member.clone(), Value::Object(own));
        }
    }
    Value::Object(kept)
}

/// Whether an annotation is left out.
fn is_book(annotation: &str) -> bool {
    ANNOTATIONS.contains(&annotation) || annotation.starts_with(COPIES)
}

/// Whether [`normalised`] leaves out what stands at a place.
pub(super) fn is_unshown(place: &Pointer) -> bool {
    let segments: Vec<String> = place.segments().collect();
    match segments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["status", ..] => true,
        ["metadata", "annotations", annotation, ..] => is_book(annotation),
        ["metadata", member, ..] => BOOKS.contains(member),
        _ => false,
    }
}

/// Kinds with a subresource `scale` over `/spec/replicas`. Of a custom kind, the target's `ignore`
/// says it.
const SCALED: [(&str, &str); 4] = [
    ("", "ReplicationController"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
];

/// How the objects of one operation are looked at: normalised, without what the target's `ignore`
/// names, and without what others keep writing through a subresource and the operation does not set.
#[derive(Clone, Debug, Default)]
pub struct Lens {
    ignore: Vec<Pointer>,
    left: Vec<Steps>,
}

impl Lens {
    /// The lens for an operation on an object as it is (`None`: absent).
    pub fn of(target: &KubernetesTarget, action: &Action, live: Option<&Value>) -> Self {
        let resource = action.resource();
        let ignore = resource.map(|resource| ignored(target, &resource)).unwrap_or_default();
        let left = live.map(|live| left_to_others(action, live)).unwrap_or_default();
        Self { ignore, left }
    }

    /// What of an object counts.
    pub fn look(&self, object: &Value) -> Value {
        let mut seen = normalised(object);
        for pointer in &self.ignore {
            path::remove(&mut seen, pointer);
        }
        for steps in &self.left {
            if let Some(pointer) = path::pointer(steps, &seen) {
                path::remove(&mut seen, &pointer);
            }
        }
        seen
    }

    /// Whether a place of an object is not looked at.
    pub(super) fn passes_over(&self, pointer: &Pointer, object: &Value) -> bool {
        let steps = path::steps(pointer, object);
        self.ignore.iter().any(|ignored| pointer.is_within(ignored))
            || self.left.iter().any(|left| steps.starts_with(left))
    }
}

/// The fields of a kind that a target leaves to others. Entries are for `Kind`, whatever its group,
/// or for `group/Kind`.
pub(super) fn ignored(target: &KubernetesTarget, resource: &ResourceRef) -> Vec<Pointer> {
    let (group, kind) = (resource.group(), resource.kind.as_str());
    let names = |key: &str| match key.rsplit_once('/') {
        Some((of_group, of_kind)) => (of_group, of_kind) == (group, kind),
        None => key == kind,
    };
    let entries = target.ignore.iter().filter(|(key, _)| names(key));
    entries.flat_map(|(_, pointers)| pointers).cloned().collect()
}

/// Fields that somebody writes through a subresource (an autoscaler through `scale`) and that the
/// operation does not set.
fn left_to_others(action: &Action, live: &Value) -> Vec<Steps> {
    let through = |entry: &Value| {
        let subresource = entry.get("subresource").and_then(Value::as_str).unwrap_or_default();
        let fields = entry.get("fieldsV1").and_then(Value::as_object);
        !subresource.is_empty()
            && fields.is_some_and(|fields| fields.keys().any(|member| member != "f:status"))
    };
    let entries = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    let mut left: Vec<Steps> = scaled(action, live).into_iter().collect();
    if !entries.into_iter().flatten().any(through) {
        return left;
    }
    for entry in Managed::of(live).entries {
        for field in entry.fields.iter().filter(|_| !entry.subresource.is_empty()) {
            let steps = path::steps(field, live);
            if may_be_left(field, live) && !path::sets(action, &steps, live) {
                left.push(steps);
            }
        }
    }
    left.sort();
    left.dedup();
    left
}

/// The replicas that nobody owns and the operation does not set: the server does not write down who
/// scales an object whose replicas nobody owned before.
fn scaled(action: &Action, live: &Value) -> Option<Steps> {
    let resource = action.resource()?;
    let kind = (resource.group(), resource.kind.as_str());
    let place = Pointer::default().join("spec").join("replicas");
    let owns = |entry: &Value| entry.pointer("/fieldsV1/f:spec/f:replicas").is_some();
    let entries = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    let owned = entries.into_iter().flatten().any(owns);
    let steps = path::steps(&place, live);
    (SCALED.contains(&kind) && !owned && !path::sets(action, &steps, live)).then_some(steps)
}

/// What a subresource may take out of sight: one value of the specification, or one annotation.
/// Never a whole map, a label, an owner or a finalizer.
fn may_be_left(field: &Pointer, live: &Value) -> bool {
    let segments: Vec<String> = field.segments().collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let within = matches!(segments.as_slice(), ["spec", _, ..] | ["metadata", "annotations", _]);
    within && live.pointer(field.as_str()).is_some_and(|value| !value.is_object())
}
