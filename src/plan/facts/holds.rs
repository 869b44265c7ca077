//! What takes a changed object by its labels, where that may differ between the two graphs: network
//! policies over workloads, policies and admission over namespaces.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::graph::{Graph, Node, Side};
use super::wide::{peers, with_name};
use super::{needs, rows};
use crate::document::effect::Edge;
use crate::document::ident::ResourceId;
use crate::plan::selector::{matches, required};
use crate::plan::shape::{id, list};

/// Policies and budgets whose hold over a workload may change with its labels, and admission whose
/// hold over a namespace may: edges from the changed object.
pub(super) fn holds(graph: &Graph<'_>, from: &ResourceId) -> Vec<Edge> {
    let Some(node) = graph.node(from) else { return Vec::new() };
    let mut edges: BTreeSet<Edge> = BTreeSet::new();
    if node.workload.is_some() {
        graph.ask(needs::policies);
        for policy in graph.policies_by_labels(node) {
            edges.extend(held(
                policy,
                |object, side| {
                    let pods = node.pod_labels(side)?;
                    covers(policy.id, object, node, graph, side, pods)
                },
                from,
            ));
        }
    }
    if (from.group.as_str(), from.kind.as_str()) == ("", "Namespace") {
        graph.ask(needs::takers);
        for (_, policy) in graph.of_kind("networking.k8s.io", "NetworkPolicy") {
            edges.extend(held(
                policy,
                |object, side| {
                    let own = with_name(from, node.on(side)?);
                    let taken = peers(object).filter_map(|peer| peer.get("namespaceSelector"));
                    taken
                        .into_iter()
                        .any(|s| matches(s, own.as_ref()))
                        .then_some(rows::POLICY_NAMESPACE)
                },
                from,
            ));
        }
        for kind in [
            "ValidatingWebhookConfiguration",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicyBinding",
            "MutatingAdmissionPolicyBinding",
        ] {
            for (_, hook) in graph.of_kind("admissionregistration.k8s.io", kind) {
                edges.extend(held(
                    hook,
                    |object, side| {
                        let own = with_name(from, node.on(side)?);
                        let hooks = list(object, "/webhooks").iter();
                        let selectors = hooks.map(|hook| hook.get("namespaceSelector"));
                        let bound = kind
                            .ends_with("Binding")
                            .then(|| object.pointer("/spec/matchResources/namespaceSelector"));
                        let takes = |s: Option<&Value>| s.is_none_or(|s| matches(s, own.as_ref()));
                        selectors.chain(bound).any(takes).then_some(rows::ADMITS_NAMESPACE)
                    },
                    from,
                ));
            }
        }
    }
    edges.into_iter().collect()
}

/// An edge to `holder` if what `hold` says differs between the sides.
fn held(
    holder: &Node<'_>,
    hold: impl Fn(&Value, Side) -> Option<&'static str>,
    from: &ResourceId,
) -> Vec<Edge> {
    let [before, after] = Side::BOTH.map(|side| holder.on(side).and_then(|o| hold(o, side)));
    if before == after {
        return Vec::new();
    }
    let rows: BTreeSet<_> = before.into_iter().chain(after).collect();
    rows.into_iter()
        .map(|row| Edge {
            from: from.clone(),
            to: holder.id.clone(),
            by: row.to_owned(),
            optional: false,
            before: before == Some(row),
            after: after == Some(row),
        })
        .collect()
}

/// How a policy takes a workload, the stronger way first.
fn covers(
    policy: &ResourceId,
    object: &Value,
    node: &Node<'_>,
    graph: &Graph<'_>,
    side: Side,
    pods: Option<&Map<String, Value>>,
) -> Option<&'static str> {
    let same = policy.namespace == node.id.namespace;
    let own = object.pointer("/spec/podSelector");
    if same && own.is_none_or(|selector| matches(selector, pods)) {
        return Some(rows::POLICY);
    }
    if peers(object).any(|peer| peer.get("namespaceSelector").is_some()) {
        graph.ask(needs::namespaces);
    }
    let space = graph.node(&id("", "Namespace", "", &node.id.namespace));
    let space = space.and_then(|space| with_name(space.id, space.on(side)?));
    let peer = peers(object).any(|peer| {
        let by_pods = peer.get("podSelector").is_none_or(|s| matches(s, pods));
        let by_space = match peer.get("namespaceSelector") {
            Some(selector) => matches(selector, space.as_ref()),
            None => same && peer.get("podSelector").is_some(),
        };
        by_pods && by_space
    });
    peer.then_some(rows::POLICY_PEER)
}

/// Network policies by a label that their selectors ask of pods; those that take pods whatever
/// their labels are not among them. An empty namespace stands for any.
#[derive(Default)]
pub(super) struct Policies<'a> {
    by_label: BTreeMap<(&'a str, &'a str, &'a str), Vec<u32>>,
    others: BTreeMap<&'a str, Vec<u32>>,
}

impl<'a> Policies<'a> {
    pub(super) fn add(&mut self, node: &Node<'a>, place: u32) {
        let id = node.id;
        if (id.group.as_str(), id.kind.as_str()) != ("networking.k8s.io", "NetworkPolicy") {
            return;
        }
        for object in node.before.into_iter().chain(node.after) {
            let own = object.pointer("/spec/podSelector").map(|pods| (id.namespace.as_str(), pods));
            let peers = peers(object).filter_map(|peer| {
                let space =
                    if peer.get("namespaceSelector").is_some() { "" } else { &id.namespace };
                Some((space, peer.get("podSelector")?))
            });
            for (space, pods) in own.into_iter().chain(peers) {
                let places = match required(pods) {
                    Some((key, value)) => self.by_label.entry((space, key, value)).or_default(),
                    None if list(pods, "/matchExpressions").is_empty() => continue,
                    None => self.others.entry(space).or_default(),
                };
                if places.last() != Some(&place) {
                    places.push(place);
                }
            }
        }
    }

    /// Places of the policies that may take a workload by labels that it has or will have.
    pub(super) fn of(&self, node: &Node<'a>) -> BTreeSet<u32> {
        let mut found = BTreeSet::new();
        for space in ["", node.id.namespace.as_str()] {
            found.extend(self.others.get(space).into_iter().flatten());
            for side in Side::BOTH {
                for (key, value) in node.pod_labels(side).flatten().into_iter().flatten() {
                    let label = (space, key.as_str(), value.as_str().unwrap_or_default());
                    found.extend(self.by_label.get(&label).into_iter().flatten());
                }
            }
        }
        found
    }
}
