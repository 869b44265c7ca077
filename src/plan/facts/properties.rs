//! Facts about one other object each: the volume behind a claim, the rules of a role, the state of
//! an owner, what a namespace or a definition holds.

use std::collections::BTreeSet;

use serde_json::Value;

use super::graph::{Graph, Side};
use super::links::key;
use super::needs::{self, Lists};
use super::{Coverage, fill, rows};
use crate::document::effect::{
    ContentFact, Facts, InstanceFact, Known, OwnerFact, OwnerState, RoleFact, VolumeFact,
};
use crate::document::ident::ResourceId;
use crate::manifest::object::is_builtin;
use crate::plan::class::verb::Verb;
use crate::plan::judgement::Case;
use crate::plan::shape::{claim_templates, group_of, id, list, ordinals, size, text};

/// Ordinals of a StatefulSet whose claims are looked at one by one; beyond, they count as unread.
pub(crate) const MAX_ORDINALS: usize = 1_000;

/// What `case` calls for.
pub(super) fn of_case(graph: &Graph<'_>, case: &Case<'_>, facts: &mut Facts) {
    let verb = fill::verb_of(case);
    let goes = verb.goes();
    let differs = |pointer: &str| case.before.pointer(pointer) != case.after.pointer(pointer);
    let own = &case.id;
    if !case.after.is_null() && differs("/metadata/ownerReferences") {
        owners(graph, case, facts);
    }
    // The object may go by way of its owners or its last finalizer, too.
    let ends = goes || differs("/metadata/ownerReferences") || differs("/metadata/finalizers");
    match (own.group.as_str(), own.kind.as_str()) {
        ("", "PersistentVolumeClaim") if ends && verb != Verb::Create => {
            facts.volumes.push(volume(graph, own));
        }
        ("snapshot.storage.k8s.io", "VolumeSnapshot") if ends && verb != Verb::Create => {
            facts.volumes.push(snapshot(graph, own));
        }
        ("apps", "StatefulSet") => {
            // An update that has to be a replacement is judged as both.
            let verbs = [Verb::of(case.actions), verb];
            let names: BTreeSet<ResourceId> =
                verbs.into_iter().flat_map(|verb| endangered_claims(case, verb)).collect();
            facts.volumes.extend(names.iter().map(|name| volume(graph, name)));
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding")
            if !case.after.is_null() =>
        {
            facts.roles.extend(role(graph, case));
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") if ends => {
            let definition = case.before;
            let (group, kind) =
                (text(definition, "/spec/group"), text(definition, "/spec/names/kind"));
            let lacking = graph.lacks(|lists| {
                if let Some(node) = graph.node(own) {
                    needs::dependents(node, rows::INSTANCE, lists);
                }
            });
            let some = graph.of_kind(group, kind).any(|(_, node)| node.before.is_some());
            let some = known(graph, some, lacking);
            facts.instances.push(InstanceFact { crd: own.clone(), some });
        }
        ("", "Namespace") if ends && verb != Verb::Create => {
            facts.contents.push(contents(graph, &own.name));
        }
        _ => {}
    }
}

/// What is not in a tree may be elsewhere; what is in no list is not, unless the list is `lacking`.
fn known(graph: &Graph<'_>, found: bool, lacking: bool) -> Known {
    match (found, graph.target) {
        (true, _) => Known::Yes,
        (false, Coverage::Whole) if !lacking => Known::No,
        (false, Coverage::Whole | Coverage::Tree) => Known::Unread,
    }
}

/// Claims that go with a change of their StatefulSet, by the rule that names them.
pub(crate) fn endangered_claims(case: &Case<'_>, verb: Verb) -> Vec<ResourceId> {
    let deletes = |object: &Value, when: &str| {
        text(object, &format!("/spec/persistentVolumeClaimRetentionPolicy/{when}")) == "Delete"
    };
    let (before, after) = (ordinals(case.before), ordinals(case.after));
    let either = |when| deletes(case.before, when) || deletes(case.after, when);
    let lost: Vec<i64> = match verb {
        Verb::Delete | Verb::Replace if either("whenDeleted") => {
            before.take(MAX_ORDINALS).collect()
        }
        Verb::Update if either("whenScaled") => {
            // Removed from below or from above: two ranges, of which only the ends are walked.
            let below = before.start..after.start.min(before.end);
            let above = after.end.max(before.start)..before.end;
            below.chain(above).take(MAX_ORDINALS).collect::<BTreeSet<_>>().into_iter().collect()
        }
        Verb::Create | Verb::Update | Verb::Delete | Verb::Replace | Verb::Nothing => Vec::new(),
    };
    let own = &case.id;
    claim_templates(case.before)
        .flat_map(|claim| {
            let named = move |ordinal: &i64| format!("{claim}-{}-{ordinal}", own.name);
            lost.iter().map(named)
        })
        .map(|name| id("", "PersistentVolumeClaim", &own.namespace, &name))
        .collect()
}

fn volume(graph: &Graph<'_>, claim: &ResourceId) -> VolumeFact {
    let node = graph.node(claim);
    let planned = node.is_some_and(|node| node.changed);
    let lacking = graph.lacks(|lists| {
        needs::volumes(lists);
        if !planned {
            needs::named(lists, key(claim));
        }
    });
    let unmounted = graph.lacks(|lists| needs::pods(lists, &claim.namespace));
    let object = node.and_then(|node| node.before);
    let tied = graph.dependencies(claim, &[rows::VOLUME]).into_iter().next();
    let named = object.map(|object| text(object, "/spec/volumeName")).unwrap_or_default();
    let volume = tied.map_or_else(|| named.to_owned(), |edge| edge.to.name);
    let policies = graph.node(&id("", "PersistentVolume", "", &volume)).map(|node| {
        let policy = |side| node.on(side).map(|pv| text(pv, "/spec/persistentVolumeReclaimPolicy"));
        // The worse of what is and what will be.
        let [before, after] = Side::BOTH.map(policy);
        if after == Some("Delete") { after } else { before.or(after) }.unwrap_or_default()
    });
    let mounts = !graph.tied(claim, &[rows::CLAIM]).is_empty();
    VolumeFact {
        claim: claim.clone(),
        bound: known(graph, !volume.is_empty(), lacking),
        reclaim: policies.unwrap_or_default().to_owned(),
        mounted: known(graph, mounts, unmounted),
        volume,
    }
}

/// The content behind a snapshot, told as the volume behind a claim is.
fn snapshot(graph: &Graph<'_>, own: &ResourceId) -> VolumeFact {
    let lacking = graph.lacks(needs::snapshot_contents);
    let mut edges = graph.dependencies(own, &[rows::SNAPSHOT]).into_iter();
    let content = edges.find(|edge| edge.to.kind == "VolumeSnapshotContent").map(|edge| edge.to);
    let node = content.as_ref().and_then(|content| graph.node(content));
    let policy = node.and_then(|node| node.before).map(|c| text(c, "/spec/deletionPolicy"));
    VolumeFact {
        claim: own.clone(),
        bound: known(graph, content.is_some(), lacking),
        reclaim: policy.unwrap_or_default().to_owned(),
        mounted: Known::No,
        volume: content.map(|content| content.name).unwrap_or_default(),
    }
}

/// The rules behind a binding; nothing if the role is itself part of the plan.
fn role(graph: &Graph<'_>, case: &Case<'_>) -> Option<RoleFact> {
    let role = bound_role(&case.id, case.after)?;
    let node = graph.node(&role);
    if node.is_some_and(|node| node.changed) {
        return None;
    }
    let lacking = graph.lacks(|lists| needs::named(lists, key(&role)));
    let object = node.and_then(|node| node.before);
    // A cluster fills in the rules of an aggregated role; a tree does not know them.
    let opaque = object.is_some_and(|o| o.get("aggregationRule").is_some());
    let present = match (opaque, graph.target) {
        (true, Coverage::Tree) => Known::Unread,
        (true | false, _) => known(graph, object.is_some(), lacking),
    };
    let rules = match present {
        Known::Yes => object.and_then(|object| object.get("rules")).cloned(),
        Known::No | Known::Unread => None,
    };
    let rules = rules.filter(Value::is_array).unwrap_or_else(|| Value::Array(Vec::new()));
    Some(RoleFact { role, present, rules })
}

/// The role that a binding names.
pub(crate) fn bound_role(binding: &ResourceId, object: &Value) -> Option<ResourceId> {
    let (kind, name) = (text(object, "/roleRef/kind"), text(object, "/roleRef/name"));
    let namespace = if kind == "Role" { binding.namespace.as_str() } else { "" };
    let named = !kind.is_empty() && !name.is_empty();
    named.then(|| id(&binding.group, kind, namespace, name))
}

fn owners(graph: &Graph<'_>, case: &Case<'_>, facts: &mut Facts) {
    let references = |object: &Value| -> BTreeSet<String> {
        let all = list(object, "/metadata/ownerReferences").iter();
        all.map(|owner| text(owner, "/uid").to_owned()).collect()
    };
    let old = references(case.before);
    for owner in list(case.after, "/metadata/ownerReferences") {
        let uid = text(owner, "/uid");
        if old.contains(uid) {
            continue;
        }
        let state = match graph.target {
            Coverage::Tree => OwnerState::Unread,
            Coverage::Whole => owner_state(graph, &case.id, owner),
        };
        facts.owners.push(OwnerFact { object: case.id.clone(), uid: uid.to_owned(), state });
    }
}

fn owner_state(graph: &Graph<'_>, object: &ResourceId, owner: &Value) -> OwnerState {
    let group = group_of(text(owner, "/apiVersion"));
    let (kind, name) = (text(owner, "/kind"), text(owner, "/name"));
    let wanted = |lists: &mut Lists| {
        needs::named(lists, (group, kind, &object.namespace, name));
    };
    let lacking = graph.lacks(wanted);
    // What lives in another namespace is no owner: the garbage collector does not look there.
    let near = |space: &str| space.is_empty() || space == object.namespace;
    let found = graph.by_uid(text(owner, "/uid")).filter(|node| near(&node.id.namespace));
    match found {
        Some(node) => {
            let same = (node.id.group.as_str(), node.id.kind.as_str(), node.id.name.as_str())
                == (group, kind, name);
            match (node.after.is_some(), same) {
                (false, _) => OwnerState::Absent,
                (true, true) => OwnerState::Present,
                (true, false) => OwnerState::Foreign,
            }
        }
        None => {
            let spaces = [object.namespace.as_str(), ""];
            let named = spaces.iter().any(|ns| graph.node(&id(group, kind, ns, name)).is_some());
            match (named, lacking) {
                (true, _) => OwnerState::Foreign,
                (false, true) => OwnerState::Unread,
                (false, false) => OwnerState::Absent,
            }
        }
    }
}

fn contents(graph: &Graph<'_>, namespace: &str) -> ContentFact {
    let mut cases = BTreeSet::new();
    let lacking = graph.lacks(|lists| needs::contents(lists, namespace));
    // The live namespace may hold more than its folder says.
    if lacking || graph.target == Coverage::Tree {
        cases.insert("unreadable");
    }
    for node in graph.in_namespace(namespace) {
        let Some(object) = node.before else { continue };
        let controlled = fill::is_controlled(object);
        let case = match (node.id.group.as_str(), node.id.kind.as_str()) {
            ("", "PersistentVolumeClaim") => {
                let fact = volume(graph, node.id);
                match (fact.bound, fact.reclaim.as_str()) {
                    (Known::No, _) | (Known::Yes, "Retain") => "other",
                    (Known::Yes, "Delete") => "volume-delete",
                    (Known::Yes | Known::Unread, _) => "volume-unread",
                }
            }
            ("", "Secret") if !controlled => "secret",
            (group, _) if !is_builtin(group) => "custom",
            _ if node.workload.is_some() && size(node.id, object) > 0 => "workload",
            _ => "other",
        };
        cases.insert(case);
    }
    ContentFact {
        namespace: namespace.to_owned(),
        cases: cases.into_iter().map(str::to_owned).collect(),
    }
}
