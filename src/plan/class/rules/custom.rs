//! Kinds that the tables do not know, and custom resources that stand for something elsewhere.

use serde_json::Value;

use crate::plan::class::changed::Changed;
use crate::plan::class::look::{Findings, Look};
use crate::plan::class::table::short::{A, D, M, R, SURE, UNREAD};
use crate::plan::class::verb::Verb;
use crate::plan::shape::{annotation, list, text};

/// Creation, deletion and replacement of a kind that no table knows.
pub(in crate::plan::class) fn whole(look: &Look<'_>, out: &mut Findings) {
    match look.verb {
        Verb::Create => out.add(A, UNREAD, "unknown.create", "a controller may act on it"),
        Verb::Delete | Verb::Replace => {
            out.add(D, UNREAD, "unknown.delete", "what it stands for may go with it");
        }
        Verb::Update | Verb::Nothing => {}
    }
}

/// An update that no row knows. `known`: the kind has rows, so that its labels are only labels.
pub(in crate::plan::class) fn update(changed: &Changed<'_>, known: bool, out: &mut Findings) {
    let mut segments = changed.segments.iter().map(String::as_str);
    let path = &changed.pointer;
    if segments.next() == Some("metadata") || path.as_str() == "/apiVersion" {
        out.at(path, M, UNREAD, "unknown.metadata", "a controller may read it");
        return;
    }
    let key = changed.segments.last().map_or("", String::as_str);
    if !known && shrinks(key, changed.before, changed.after) {
        out.at(path, D, UNREAD, "unknown.fewer", "members that go may take their volumes along");
        return;
    }
    out.at(path, R, UNREAD, "unknown.update", "a controller may restart what it runs");
}

const COUNTS: [&str; 4] = ["replicas", "size", "count", "instances"];
const SETS: [&str; 4] = ["nodeSets", "instances", "nodePools", "nodes"];

/// Whether a number of members falls, at a member of that name or anywhere in a list.
fn shrinks(key: &str, before: Option<&Value>, after: Option<&Value>) -> bool {
    let Some(before) = before else { return false };
    match before {
        Value::Number(old) if COUNTS.contains(&key) => {
            let new = after.and_then(Value::as_i64);
            new.is_none_or(|new| old.as_i64().is_none_or(|old| new < old))
        }
        Value::Array(old) => {
            let new = after.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let fewer = SETS.contains(&key) && new.len() < old.len();
            fewer
                || old.iter().enumerate().any(|(place, item)| {
                    // A member is known by its name, or else by its place.
                    let name = text(item, "/name");
                    let named = new.iter().find(|other| text(other, "/name") == name);
                    let other = if name.is_empty() { new.get(place) } else { named };
                    (other.is_some() || SETS.contains(&key)) && shrinks("", Some(item), other)
                })
        }
        Value::Object(old) => old.iter().any(|(name, value)| {
            let other = after.and_then(|after| after.get(name));
            shrinks(name, Some(value), other)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

pub(super) fn judge(look: &Look<'_>, out: &mut Findings) {
    if !look.verb.goes() {
        return;
    }
    let before = look.before();
    let group = look.group();
    if outside_kept(group, before) == Some(false) {
        let says = "what it stands for outside the cluster is deleted";
        out.add(D, SURE, "custom.outside", says);
    }
    let cascades = match (group, look.kind()) {
        ("argoproj.io", "Application") => {
            let held = list(before, "/metadata/finalizers").iter().filter_map(Value::as_str);
            held.into_iter().any(|name| name.starts_with("resources-finalizer.argocd.argoproj.io"))
        }
        ("kustomize.toolkit.fluxcd.io", "Kustomization") => {
            // Without the member, the controller does not prune; a tree need not show its default.
            before.pointer("/spec/prune") != Some(&Value::Bool(false))
        }
        ("helm.toolkit.fluxcd.io", "HelmRelease") => true,
        _ => false,
    };
    if cascades {
        out.add(D, UNREAD, "custom.cascade", "everything that it manages goes with it");
    }
    if group == "elasticsearch.k8s.elastic.co"
        && text(before, "/spec/volumeClaimDeletePolicy") == "DeleteOnScaledownOnly"
    {
        out.add(M, SURE, "custom.claims-kept", "its claims stay");
    }
}

/// Whether the live object says that the thing outside stays; `None` for other kinds. What the plan
/// itself writes does not count.
fn outside_kept(group: &str, live: &Value) -> Option<bool> {
    let said = if group.ends_with(".services.k8s.aws") {
        annotation(live, "services.k8s.aws/deletion-policy")
    } else if group.ends_with(".cnrm.cloud.google.com") {
        annotation(live, "cnrm.cloud.google.com/deletion-policy")
    } else if group.ends_with(".crossplane.io") || group.ends_with(".upbound.io") {
        text(live, "/spec/deletionPolicy")
    } else {
        return None;
    };
    Some(matches!(said.to_ascii_lowercase().as_str(), "orphan" | "retain" | "abandon"))
}
