//! Dependents that are looked up, not kept: what a namespace holds, what a policy or quota reaches,
//! what a definition or a default serves. A whole kind is one pattern, never thousands of names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::graph::{Graph, Node, Side, by, pattern};
use super::rows;
use crate::document::effect::Edge;
use crate::document::ident::ResourceId;
use crate::plan::selector::{matches, required};
use crate::plan::shape::{annotation, id, labels, list, members, template, text, yes};

/// Collects dependents of one node over both sides.
struct Found<'g> {
    to: &'g ResourceId,
    edges: BTreeMap<(ResourceId, String), [bool; 2]>,
}

impl Found<'_> {
    fn add(&mut self, from: &ResourceId, row: &str, side: Side) {
        if from == self.to {
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

/// Everything that depends on `to` by a rule that takes many.
pub(super) fn dependents(graph: &Graph<'_>, to: &ResourceId) -> Vec<Edge> {
    let Some(node) = graph.node(to) else { return Vec::new() };
    let mut found = Found { to, edges: BTreeMap::new() };
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
            for (from, row) in policed(graph, id, object, side) {
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
        ("admissionregistration.k8s.io", _) => {
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

/// Workloads under a network policy, and those that it names as peers.
fn policed<'g>(
    graph: &'g Graph<'_>,
    policy: &ResourceId,
    object: &Value,
    side: Side,
) -> Vec<(&'g ResourceId, &'static str)> {
    let mut found = Vec::new();
    let everything = Value::Object(Map::new());
    let own = object.pointer("/spec/podSelector").unwrap_or(&everything);
    let mut take = |namespace: &str, selector: &Value, row| {
        for (_, other, _) in graph.taken(namespace, required(selector), side) {
            if other.pod_labels(side).is_some_and(|pods| matches(selector, pods)) {
                found.push((other.id, row));
            }
        }
    };
    take(&policy.namespace, own, rows::POLICY);
    for peer in peers(object) {
        let pods = peer.get("podSelector");
        match peer.get("namespaceSelector") {
            Some(spaces) => {
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

fn peers(policy: &Value) -> impl Iterator<Item = &Value> {
    [("/spec/ingress", "/from"), ("/spec/egress", "/to")].into_iter().flat_map(|(rules, peers)| {
        list(policy, rules).iter().flat_map(move |rule| list(rule, peers))
    })
}

/// Labels of a namespace with the one that the server adds.
fn with_name(id: &ResourceId, object: &Value) -> Option<Map<String, Value>> {
    let mut all = labels(object).cloned().unwrap_or_default();
    all.insert("kubernetes.io/metadata.name".to_owned(), Value::String(id.name.clone()));
    Some(all)
}

/// Policies and budgets whose hold over a workload may change with its labels, and admission whose
/// hold over a namespace may: edges from the changed object.
pub(super) fn holds(graph: &Graph<'_>, from: &ResourceId) -> Vec<Edge> {
    let Some(node) = graph.node(from) else { return Vec::new() };
    let mut edges: BTreeSet<Edge> = BTreeSet::new();
    if node.workload.is_some() {
        for (_, policy) in graph.of_kind("networking.k8s.io", "NetworkPolicy") {
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
