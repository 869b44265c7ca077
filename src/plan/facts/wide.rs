//! Dependents that are looked up, not kept: what a namespace holds, what a policy or quota reaches,
//! what a definition or a default serves. A whole kind is one pattern, never thousands of names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::graph::{Graph, Node, Side, by, pattern};
use super::{needs, rows};
use crate::document::effect::Edge;
use crate::document::ident::ResourceId;
use crate::manifest::object::is_builtin;
use crate::plan::selector::{matches, required};
use crate::plan::shape::{annotation, labels, list, members, template, text, yes};

/// Collects dependents of one node over both sides, on the rows that are wanted.
struct Found<'g> {
    to: &'g ResourceId,
    wants: &'g dyn Fn(&str) -> bool,
    edges: BTreeMap<(ResourceId, String), [bool; 2]>,
}

impl Found<'_> {
    fn add(&mut self, from: &ResourceId, row: &str, side: Side) {
        if from == self.to || !(self.wants)(row) {
            return;
        }
        let sides = self.edges.entry((from.clone(), by(row, ""))).or_default();
        let [before, after] = sides;
        match side {
            Side::Before => *before = true,
            Side::After => *after = true,
        }
    }

    fn into_edges(self) -> impl Iterator<Item = Edge> {
        let to = self.to.clone();
        self.edges.into_iter().map(move |((from, by), [before, after])| Edge {
            from,
            to: to.clone(),
            by,
            optional: false,
            before,
            after,
        })
    }
}

/// Everything that depends on `to` by a rule that takes many, on the rows that are wanted.
pub(super) fn dependents(
    graph: &Graph<'_>,
    to: &ResourceId,
    wants: &dyn Fn(&str) -> bool,
) -> Vec<Edge> {
    let Some(node) = graph.node(to) else { return Vec::new() };
    let mut found = Found { to, wants, edges: BTreeMap::new() };
    for side in Side::BOTH {
        if let Some(object) = node.on(side) {
            on_one_side(graph, node, object, side, &mut found);
        }
    }
    found.into_edges().collect()
}

fn on_one_side(
    graph: &Graph<'_>,
    node: &Node<'_>,
    object: &Value,
    side: Side,
    found: &mut Found<'_>,
) {
    let id = node.id;
    match (id.group.as_str(), id.kind.as_str()) {
        ("", "Namespace") => {
            let held = graph.in_namespace(&id.name).filter(|other| !other.owned);
            for other in held.filter(|other| other.on(side).is_some()) {
                found.add(other.id, rows::NAMESPACE, side);
            }
        }
        ("networking.k8s.io", "NetworkPolicy") => {
            let peers = (found.wants)(rows::POLICY_PEER);
            for (from, row) in policed(graph, id, object, side, peers) {
                found.add(from, row, side);
            }
        }
        ("", "ResourceQuota" | "LimitRange") => {
            for other in graph.in_namespace(&id.namespace).filter(|other| !other.owned) {
                if other.on(side).is_some() && bounded(id, object, other) {
                    found.add(other.id, rows::QUOTA, side);
                }
            }
        }
        ("scheduling.k8s.io", "PriorityClass") if yes(object, "/globalDefault") => {
            for other in graph.nodes.iter().filter(|other| other.workload.is_some()) {
                let named =
                    other.on(side).and_then(|o| template(&other.id.group, &other.id.kind, o));
                if named.is_some_and(|t| text(t, "/spec/priorityClassName").is_empty()) {
                    found.add(other.id, rows::PRIORITY, side);
                }
            }
        }
        ("storage.k8s.io", "StorageClass")
            if annotation(object, "storageclass.kubernetes.io/is-default-class") == "true" =>
        {
            unclassed(
                graph,
                ("", "PersistentVolumeClaim"),
                "/spec/storageClassName",
                rows::STORAGE_CLASS,
                side,
                found,
            );
        }
        ("networking.k8s.io", "IngressClass")
            if annotation(object, "ingressclass.kubernetes.io/is-default-class") == "true" =>
        {
            unclassed(
                graph,
                ("networking.k8s.io", "Ingress"),
                "/spec/ingressClassName",
                rows::CLASS,
                side,
                found,
            );
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            let (group, kind) = (text(object, "/spec/group"), text(object, "/spec/names/kind"));
            for (_, other) in graph.of_kind(group, kind).filter(|(_, other)| !other.owned) {
                if other.on(side).is_some() {
                    found.add(other.id, rows::INSTANCE, side);
                }
            }
        }
        ("apiregistration.k8s.io", "APIService") => {
            let (group, version) = (text(object, "/spec/group"), text(object, "/spec/version"));
            let served =
                if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
            for other in graph.nodes.iter().filter(|other| other.id.group == group && !other.owned)
            {
                if other.on(side).is_some_and(|o| text(o, "/apiVersion") == served) {
                    found.add(other.id, rows::API, side);
                }
            }
        }
        ("admissionregistration.k8s.io", _) if (found.wants)(rows::ADMITS) => {
            for from in admitted(graph, object) {
                found.add(&from, rows::ADMITS, side);
            }
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            for from in groups(id, object) {
                found.add(&from, rows::SUBJECT, side);
            }
        }
        _ => {}
    }
}

fn unclassed(
    graph: &Graph<'_>,
    (group, kind): (&str, &str),
    at: &str,
    row: &str,
    side: Side,
    found: &mut Found<'_>,
) {
    for (_, other) in graph.of_kind(group, kind) {
        // An empty name asks for no class at all.
        if other.on(side).is_some_and(|object| object.pointer(at).is_none()) {
            found.add(other.id, row, side);
        }
    }
}

/// Whether a quota or limit range has a say over an object.
fn bounded(quota: &ResourceId, object: &Value, other: &Node<'_>) -> bool {
    if other.workload.is_some() {
        return true;
    }
    let hard = |part: &str| members(object, "/spec/hard").any(|(key, _)| key.contains(part));
    let limits = || list(object, "/spec/limits").iter();
    match (quota.kind.as_str(), other.id.group.as_str(), other.id.kind.as_str()) {
        ("ResourceQuota", "", "PersistentVolumeClaim") => {
            hard("storage") || hard("persistentvolumeclaims")
        }
        ("ResourceQuota", "", "Service") => hard("services"),
        ("LimitRange", "", "PersistentVolumeClaim") => {
            limits().any(|limit| text(limit, "/type") == "PersistentVolumeClaim")
        }
        _ => false,
    }
}

/// Workloads under a network policy, and those that it names as peers, if those are asked for.
fn policed<'g>(
    graph: &'g Graph<'_>,
    policy: &ResourceId,
    object: &Value,
    side: Side,
    with_peers: bool,
) -> Vec<(&'g ResourceId, &'static str)> {
    let mut found = Vec::new();
    let everything = Value::Object(Map::new());
    let own = object.pointer("/spec/podSelector").unwrap_or(&everything);
    let mut take = |namespace: &str, selector: &Value, row| {
        graph.ask(|lists| needs::pods(lists, namespace));
        for (_, other, _) in graph.taken(namespace, required(selector), side) {
            if other.pod_labels(side).is_some_and(|pods| matches(selector, pods)) {
                found.push((other.id, row));
            }
        }
    };
    take(&policy.namespace, own, rows::POLICY);
    for peer in peers(object).filter(|_| with_peers) {
        let pods = peer.get("podSelector");
        match peer.get("namespaceSelector") {
            Some(spaces) => {
                graph.ask(needs::namespaces);
                for (_, space) in graph.of_kind("", "Namespace") {
                    if space
                        .on(side)
                        .is_some_and(|s| matches(spaces, with_name(space.id, s).as_ref()))
                    {
                        take(&space.id.name, pods.unwrap_or(&everything), rows::POLICY_PEER);
                    }
                }
            }
            None => {
                if let Some(pods) = pods {
                    take(&policy.namespace, pods, rows::POLICY_PEER);
                }
            }
        }
    }
    found
}

pub(super) fn peers(policy: &Value) -> impl Iterator<Item = &Value> {
    [("/spec/ingress", "/from"), ("/spec/egress", "/to")].into_iter().flat_map(|(rules, peers)| {
        list(policy, rules).iter().flat_map(move |rule| list(rule, peers))
    })
}

/// Labels of a namespace with the one that the server adds.
pub(super) fn with_name(id: &ResourceId, object: &Value) -> Option<Map<String, Value>> {
    let mut all = labels(object).cloned().unwrap_or_default();
    all.insert("kubernetes.io/metadata.name".to_owned(), Value::String(id.name.clone()));
    Some(all)
}

/// One pattern for each kind that admission rules name.
fn admitted(graph: &Graph<'_>, object: &Value) -> BTreeSet<ResourceId> {
    let hooks = list(object, "/webhooks").iter().flat_map(|hook| list(hook, "/rules"));
    let constraint = list(object, "/spec/matchConstraints/resourceRules").iter();
    let bound = list(object, "/spec/matchResources/resourceRules").iter();
    let mut kinds = BTreeSet::new();
    for rule in hooks.chain(constraint).chain(bound) {
        for group in list(rule, "/apiGroups").iter().filter_map(Value::as_str) {
            for resource in list(rule, "/resources").iter().filter_map(Value::as_str) {
                let plural = resource.split('/').next().unwrap_or_default();
                kinds.insert(pattern(group, &kind_of(graph, group, plural), ""));
            }
        }
    }
    kinds
}

/// Groups that a binding names, as the accounts in them.
fn groups(binding: &ResourceId, object: &Value) -> BTreeSet<ResourceId> {
    let subjects = list(object, "/subjects").iter();
    let named = subjects.filter(|subject| text(subject, "/kind") == "Group");
    named
        .filter_map(|subject| match text(subject, "/name") {
            "system:serviceaccounts" | "system:authenticated" => {
                Some(pattern("", "ServiceAccount", &binding.namespace))
            }
            group => {
                let namespace = group.strip_prefix("system:serviceaccounts:")?;
                Some(pattern("", "ServiceAccount", namespace))
            }
        })
        .collect()
}

/// The kind behind a plural, from the definitions of the tree or the built-in kinds; the plural
/// itself where neither knows it.
fn kind_of(graph: &Graph<'_>, group: &str, plural: &str) -> String {
    if !is_builtin(group) && group != "*" && plural != "*" {
        graph.ask(needs::definitions);
    }
    let defined = graph.of_kind("apiextensions.k8s.io", "CustomResourceDefinition");
    let mut defined = defined.filter_map(|(_, node)| node.before.or(node.after));
    let of_definition = |object: &&Value| {
        text(object, "/spec/group") == group && text(object, "/spec/names/plural") == plural
    };
    if let Some(definition) = defined.find(of_definition) {
        return text(definition, "/spec/names/kind").to_owned();
    }
    let known = PLURALS.iter().find(|(name, _)| *name == plural);
    known.map_or(plural, |(_, kind)| kind).to_owned()
}

/// Plurals of the built-in kinds that admission rules name most.
const PLURALS: [(&str, &str); 32] = [
    ("pods", "Pod"),
    ("services", "Service"),
    ("configmaps", "ConfigMap"),
    ("secrets", "Secret"),
    ("namespaces", "Namespace"),
    ("nodes", "Node"),
    ("serviceaccounts", "ServiceAccount"),
    ("persistentvolumeclaims", "PersistentVolumeClaim"),
    ("persistentvolumes", "PersistentVolume"),
    ("endpoints", "Endpoints"),
    ("events", "Event"),
    ("replicationcontrollers", "ReplicationController"),
    ("resourcequotas", "ResourceQuota"),
    ("limitranges", "LimitRange"),
    ("deployments", "Deployment"),
    ("statefulsets", "StatefulSet"),
    ("daemonsets", "DaemonSet"),
    ("replicasets", "ReplicaSet"),
    ("jobs", "Job"),
    ("cronjobs", "CronJob"),
    ("ingresses", "Ingress"),
    ("ingressclasses", "IngressClass"),
    ("networkpolicies", "NetworkPolicy"),
    ("roles", "Role"),
    ("rolebindings", "RoleBinding"),
    ("clusterroles", "ClusterRole"),
    ("clusterrolebindings", "ClusterRoleBinding"),
    ("storageclasses", "StorageClass"),
    ("horizontalpodautoscalers", "HorizontalPodAutoscaler"),
    ("poddisruptionbudgets", "PodDisruptionBudget"),
    ("customresourcedefinitions", "CustomResourceDefinition"),
    ("endpointslices", "EndpointSlice"),
];
