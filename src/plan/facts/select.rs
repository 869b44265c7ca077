//! Links that no object names: by labels, and by the rule that names the claims of a StatefulSet.

use std::collections::BTreeSet;

use serde_json::Value;

use super::graph::{Graph, Node, Side, Tie, at, narrow};
use super::links::{Key, key};
use super::rows;
use crate::document::ident::ResourceId;
use crate::plan::selector::{map_matches, map_required, matches, required};
use crate::plan::shape::{
    claim_templates, controller, group_of, labels, list, ordinals, size, template, text,
};

impl<'a> Graph<'a> {
    /// Links by labels: Services and budgets with workloads, aggregated roles with their parts,
    /// what a new controller adopts.
    pub(super) fn selected(&self, node: &Node<'a>, side: Side, ties: &mut Vec<Tie<'a>>) {
        let (Some(object), Some(own)) = (node.on(side), self.find(key(node.id))) else { return };
        let sides = [(side == Side::Before, false), (side == Side::After, false)];
        let mut push = |from, to, row, part| ties.push(Tie { to, from, row, part, sides });
        match (node.id.group.as_str(), node.id.kind.as_str()) {
            ("", "Service") => {
                let Some(selector) = object.pointer("/spec/selector") else { return };
                let ports: Vec<&'a str> = list(object, "/spec/ports")
                    .iter()
                    .map(|port| text(port, "/targetPort"))
                    .filter(|name| !name.is_empty())
                    .collect();
                for (place, other, _) in
                    self.taken(&node.id.namespace, map_required(selector), side)
                {
                    let Some(pods) = other.pod_labels(side) else { continue };
                    let Some(target) = other.on(side) else { continue };
                    if !map_matches(selector, pods) || size(other.id, target) == 0 {
                        continue;
                    }
                    push(own, place, rows::SELECTS, "");
                    for port in ports.iter().filter(|port| declares(other.id, target, port)) {
                        push(own, place, rows::PORT, port);
                    }
                }
            }
            ("policy", "PodDisruptionBudget") => {
                let Some(selector) = object.pointer("/spec/selector") else { return };
                if selector.is_null() {
                    return;
                }
                for (place, other, _) in self.taken(&node.id.namespace, required(selector), side) {
                    if other.pod_labels(side).is_some_and(|pods| matches(selector, pods)) {
                        push(place, own, rows::BUDGET, "");
                    }
                }
            }
            ("rbac.authorization.k8s.io", "ClusterRole") => {
                for selector in list(object, "/aggregationRule/clusterRoleSelectors") {
                    for (place, other) in self.of_kind(&node.id.group, "ClusterRole") {
                        let Some(role) = other.on(side) else { continue };
                        if place != own && matches(selector, labels(role)) {
                            push(own, place, rows::AGGREGATES, "");
                        }
                    }
                }
            }
            ("apps", "ReplicaSet" | "StatefulSet") | ("", "ReplicationController")
                if node.changed && node.before.is_none() =>
            {
                self.adopted(node, object, own, side, &mut push);
            }
            ("", "Pod") if node.changed => {
                if let Some(place) = self.controlling(node, object, side) {
                    push(place, own, rows::CONTROLS, "");
                }
            }
            _ => {}
        }
    }

    /// The controller of a pod, if its selector takes the pod.
    fn controlling(&self, node: &Node<'a>, pod: &'a Value, side: Side) -> Option<u32> {
        let owner = controller(pod)?;
        let group = group_of(text(owner, "/apiVersion"));
        let (kind, name) = (text(owner, "/kind"), text(owner, "/name"));
        let place = self.find((group, kind, &node.id.namespace, name))?;
        let selector = self.nodes.get(at(place))?.on(side)?.pointer("/spec/selector")?;
        matches(selector, labels(pod)).then_some(place)
    }

    /// Bare pods that a new controller takes over.
    fn adopted(
        &self,
        node: &Node<'a>,
        object: &'a Value,
        own: u32,
        side: Side,
        push: &mut dyn FnMut(u32, u32, &'static str, &'a str),
    ) {
        let Some(selector) = object.pointer("/spec/selector") else { return };
        let plain = node.id.kind == "ReplicationController";
        let ordinals = ordinals(object);
        for (place, other) in self.of_kind("", "Pod") {
            if other.id.namespace != node.id.namespace || other.before.is_none() || other.owned {
                continue;
            }
            let Some(pods) = other.pod_labels(side) else { continue };
            let takes = if plain { map_matches(selector, pods) } else { matches(selector, pods) };
            let ordinal = ordinal(&other.id.name, &node.id.name);
            let fits =
                node.id.kind != "StatefulSet" || ordinal.is_some_and(|n| ordinals.contains(&n));
            if takes && fits {
                push(place, own, rows::ADOPTS, "");
            }
        }
    }

    /// Claims that a StatefulSet names by rule.
    pub(super) fn retained(&self, node: &Node<'a>, ties: &mut Vec<Tie<'a>>) {
        if node.id.kind != "StatefulSet" || node.id.group != "apps" {
            return;
        }
        let Some(own) = self.find(key(node.id)) else { return };
        let absent = Value::Null;
        let ranges = Side::BOTH.map(|side| ordinals(node.on(side).unwrap_or(&absent)));
        let [before, after] = &ranges;
        let policy = |side, name: &str| {
            let at = format!("/spec/persistentVolumeClaimRetentionPolicy/{name}");
            node.on(side).is_some_and(|set| text(set, &at) == "Delete")
        };
        let mut stems = BTreeSet::new();
        for side in Side::BOTH {
            stems.extend(node.on(side).into_iter().flat_map(claim_templates));
        }
        for template in stems {
            let stem = format!("{template}-{}", node.id.name);
            for (place, ordinal) in self.claims_of(&node.id.namespace, &stem) {
                let mounts = Side::BOTH.map(|side| {
                    let range = match side {
                        Side::Before => before,
                        Side::After => after,
                    };
                    let named = node.on(side).into_iter().flat_map(claim_templates);
                    range.contains(&ordinal) && named.into_iter().any(|name| name == template)
                });
                let tie = |from, to, row, sides: [bool; 2]| Tie {
                    to,
                    from,
                    row,
                    part: "",
                    sides: sides.map(|stands| (stands, false)),
                };
                let [was, will] = mounts;
                if was || will {
                    ties.push(tie(own, place, rows::CLAIM, mounts));
                }
                let deleted = Side::BOTH.map(|side| policy(side, "whenDeleted"));
                if was && deleted.contains(&true) {
                    ties.push(tie(place, own, rows::RETENTION, deleted));
                }
                let scaled =
                    policy(Side::Before, "whenScaled") || policy(Side::After, "whenScaled");
                if was && !after.contains(&ordinal) && node.after.is_some() && scaled {
                    ties.push(tie(place, own, rows::SHED, [true, false]));
                }
            }
        }
    }

    /// Claims in a namespace that are named `<stem>-<ordinal>`.
    fn claims_of(&self, namespace: &str, stem: &str) -> Vec<(u32, i64)> {
        let from: Key<'_> = ("", "PersistentVolumeClaim", namespace, stem);
        let all = narrow(&self.by_key).range(from..);
        all.take_while(|((group, kind, ns, name), _)| {
            (*group, *kind, *ns) == (from.0, from.1, from.2) && name.starts_with(stem)
        })
        .filter_map(|((_, _, _, name), place)| Some((*place, ordinal(name, stem)?)))
        .collect()
    }
}

/// The ordinal in a name `<stem>-<ordinal>`.
fn ordinal(name: &str, stem: &str) -> Option<i64> {
    let digits = name.strip_prefix(stem)?.strip_prefix('-')?;
    let plain = digits.bytes().all(|c| c.is_ascii_digit())
        && (digits.len() == 1 || !digits.starts_with('0'));
    plain.then(|| digits.parse().ok())?
}

/// Whether the pods of a workload name a port so.
fn declares(id: &ResourceId, object: &Value, port: &str) -> bool {
    template(&id.group, &id.kind, object).is_some_and(|template| {
        ["/spec/containers", "/spec/initContainers"]
            .into_iter()
            .flat_map(|at| list(template, at))
            .flat_map(|container| list(container, "/ports"))
            .any(|declared| text(declared, "/name") == port)
    })
}
