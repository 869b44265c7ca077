//! Which lists of a cluster hold the other end of a row: what depends on an object, and what it
//! depends on. Kinds that the cluster does not serve may be named; nothing is read of them then.

use std::collections::BTreeSet;

use super::graph::{Graph, Node};
use super::{links, rows};
use crate::manifest::object::{is_builtin, is_cluster_scoped};
use crate::observe::ListOf;
use crate::plan::shape::{Workload, claim_templates, controller, group_of, list, text};

/// Lists that are asked for.
pub(super) type Lists = BTreeSet<ListOf>;

/// Group and kind.
type Of = (&'static str, &'static str);

const PVC: Of = ("", "PersistentVolumeClaim");
const PV: Of = ("", "PersistentVolume");
const POD: Of = ("", "Pod");
const SERVICE: Of = ("", "Service");
const INGRESS: Of = ("networking.k8s.io", "Ingress");
const GATEWAY: Of = ("gateway.networking.k8s.io", "Gateway");
const NETWORK_POLICY: Of = ("networking.k8s.io", "NetworkPolicy");
const BUDGET: Of = ("policy", "PodDisruptionBudget");
const STATEFUL_SET: Of = ("apps", "StatefulSet");
const CLUSTER_ROLE: Of = ("rbac.authorization.k8s.io", "ClusterRole");
const ROLE_BINDING: Of = ("rbac.authorization.k8s.io", "RoleBinding");
const CLUSTER_ROLE_BINDING: Of = ("rbac.authorization.k8s.io", "ClusterRoleBinding");
const DEFINITION: Of = ("apiextensions.k8s.io", "CustomResourceDefinition");
const SNAPSHOT: Of = ("snapshot.storage.k8s.io", "VolumeSnapshot");
const SNAPSHOT_CONTENT: Of = ("snapshot.storage.k8s.io", "VolumeSnapshotContent");

/// Kinds with pods. One that a controller owns is no node of the graph: it follows its owner.
const PODS: [Of; 8] = [
    ("apps", "Deployment"),
    STATEFUL_SET,
    ("apps", "DaemonSet"),
    ("apps", "ReplicaSet"),
    ("", "ReplicationController"),
    ("batch", "Job"),
    ("batch", "CronJob"),
    POD,
];

/// Those whose pods a Service can send to.
const SERVING: [Of; 7] = [
    ("apps", "Deployment"),
    STATEFUL_SET,
    ("apps", "DaemonSet"),
    ("apps", "ReplicaSet"),
    ("", "ReplicationController"),
    ("batch", "Job"),
    POD,
];

/// Those that a controller restarts when their configuration changes.
const RELOADED: [Of; 4] =
    [("apps", "Deployment"), STATEFUL_SET, ("apps", "DaemonSet"), ("batch", "CronJob")];

/// Autoscalers. The first two have a say over the number of pods.
const SCALERS: [Of; 3] = [
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("keda.sh", "ScaledObject"),
    ("autoscaling.k8s.io", "VerticalPodAutoscaler"),
];

const ROUTES: [Of; 5] = [
    ("gateway.networking.k8s.io", "HTTPRoute"),
    ("gateway.networking.k8s.io", "GRPCRoute"),
    ("gateway.networking.k8s.io", "TCPRoute"),
    ("gateway.networking.k8s.io", "TLSRoute"),
    ("gateway.networking.k8s.io", "UDPRoute"),
];

const WEBHOOKS: [Of; 2] = [
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
];

const BINDINGS: [Of; 2] = [
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
];

/// Namespaced kinds that people give an owner which does not control them. What the owner controls
/// follows it and is never named. Secrets are not listed for this: whoever plans need not be able
/// to read them all.
const OWNED: [Of; 15] = [
    ("", "ConfigMap"),
    PVC,
    SERVICE,
    ("", "ServiceAccount"),
    ("apps", "DaemonSet"),
    ("apps", "Deployment"),
    STATEFUL_SET,
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("batch", "CronJob"),
    ("batch", "Job"),
    INGRESS,
    NETWORK_POLICY,
    BUDGET,
    ("rbac.authorization.k8s.io", "Role"),
    ROLE_BINDING,
];

/// Everywhere in the cluster.
const ANYWHERE: &str = "";

fn one(lists: &mut Lists, (group, kind): (&str, &str), namespace: &str) {
    lists.insert(ListOf {
        group: group.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
    });
}

fn all(lists: &mut Lists, kinds: &[Of], namespace: &str) {
    for kind in kinds {
        one(lists, *kind, namespace);
    }
}

/// The list that holds one named object.
pub(super) fn named(lists: &mut Lists, (group, kind, namespace, _): links::Key<'_>) {
    // The name of a kind that has no namespace may come with that of whoever names it.
    let namespace = if is_cluster_scoped(group, kind) == Some(true) { ANYWHERE } else { namespace };
    one(lists, (group, kind), namespace);
}

/// Everything in a namespace.
pub(super) fn contents(lists: &mut Lists, namespace: &str) {
    one(lists, ("", "*"), namespace);
}

/// Every Namespace.
pub(super) fn namespaces(lists: &mut Lists) {
    one(lists, ("", "Namespace"), ANYWHERE);
}

/// Everything with pods in a namespace.
pub(super) fn pods(lists: &mut Lists, namespace: &str) {
    all(lists, &PODS, namespace);
}

/// Pods in a namespace.
pub(super) fn bare_pods(lists: &mut Lists, namespace: &str) {
    one(lists, POD, namespace);
}

/// Definitions of kinds.
pub(super) fn definitions(lists: &mut Lists) {
    one(lists, DEFINITION, ANYWHERE);
}

/// Network policies that may take a pod of whatever namespace.
pub(super) fn policies(lists: &mut Lists) {
    one(lists, NETWORK_POLICY, ANYWHERE);
}

/// What takes a namespace by its labels.
pub(super) fn takers(lists: &mut Lists) {
    policies(lists);
    all(lists, &WEBHOOKS, ANYWHERE);
    all(lists, &BINDINGS, ANYWHERE);
}

/// Volumes.
pub(super) fn volumes(lists: &mut Lists) {
    one(lists, PV, ANYWHERE);
}

/// What stands behind snapshots.
pub(super) fn snapshot_contents(lists: &mut Lists) {
    one(lists, SNAPSHOT_CONTENT, ANYWHERE);
}

/// What decides how large a workload is.
pub(super) fn scalers(lists: &mut Lists, namespace: &str) {
    let [hpa, keda, _] = SCALERS;
    all(lists, &[hpa, keda], namespace);
}

/// What may depend on `node` over a row. Nothing where the row never ends at such an object.
pub(super) fn dependents(node: &Node<'_>, row: &str, lists: &mut Lists) {
    let id = node.id;
    let ns = id.namespace.as_str();
    let (group, kind) = (id.group.as_str(), id.kind.as_str());
    let objects = || node.before.into_iter().chain(node.after);
    let is = |of: Of| (group, kind) == of;
    match row {
        rows::NAMESPACE if is(("", "Namespace")) => contents(lists, &id.name),
        rows::OWNER if !ns.is_empty() => all(lists, &OWNED, ns),
        rows::INSTANCE if is(DEFINITION) => {
            for object in objects() {
                let of = (text(object, "/spec/group"), text(object, "/spec/names/kind"));
                one(lists, of, ANYWHERE);
            }
        }
        rows::API if is(("apiregistration.k8s.io", "APIService")) => {
            for object in objects() {
                one(lists, (text(object, "/spec/group"), "*"), ANYWHERE);
            }
        }
        rows::CONFIG if is(("", "ConfigMap")) => pods(lists, ns),
        rows::SECRET if is(("", "Secret")) => pods(lists, ns),
        rows::RELOAD if matches!((group, kind), ("", "ConfigMap" | "Secret")) => {
            all(lists, &RELOADED, ns);
        }
        rows::TLS if is(("", "Secret")) => {
            one(lists, INGRESS, ns);
            one(lists, GATEWAY, ANYWHERE);
        }
        rows::CLAIM if is(PVC) => pods(lists, ns),
        rows::RECLAIM if is(PVC) => volumes(lists),
        rows::SNAPSHOT if is(PVC) => one(lists, SNAPSHOT, ns),
        rows::SNAPSHOT if is(SNAPSHOT_CONTENT) => one(lists, SNAPSHOT, ANYWHERE),
        rows::VOLUME if is(PV) => claims_of_volume(node, lists),
        rows::STORAGE_CLASS if group == "storage.k8s.io" && kind.ends_with("Class") => {
            one(lists, PVC, ANYWHERE);
        }
        rows::DRIVER if is(("storage.k8s.io", "CSIDriver")) => {
            volumes(lists);
            one(lists, ("storage.k8s.io", "VolumeAttachment"), ANYWHERE);
        }
        rows::PINNED if is(("", "Node")) => volumes(lists),
        rows::NODE if is(("", "Node")) => pods(lists, ANYWHERE),
        rows::PRIORITY if is(("scheduling.k8s.io", "PriorityClass")) => pods(lists, ANYWHERE),
        rows::RUNTIME if is(("node.k8s.io", "RuntimeClass")) => pods(lists, ANYWHERE),
        rows::RESOURCE_CLAIM if group == "resource.k8s.io" && kind.starts_with("ResourceClaim") => {
            pods(lists, ns);
        }
        rows::ACCOUNT if is(("", "ServiceAccount")) => pods(lists, ns),
        rows::SUBJECT if is(ROLE_BINDING) || is(CLUSTER_ROLE_BINDING) => accounts(node, lists),
        rows::GRANTS if is(("rbac.authorization.k8s.io", "Role")) => {
            one(lists, ROLE_BINDING, ns);
        }
        rows::GRANTS if is(CLUSTER_ROLE) => {
            all(lists, &[ROLE_BINDING, CLUSTER_ROLE_BINDING], ANYWHERE);
        }
        rows::AGGREGATES if is(CLUSTER_ROLE) => one(lists, CLUSTER_ROLE, ANYWHERE),
        rows::SELECTS | rows::PORT if Workload::is(id) => one(lists, SERVICE, ns),
        rows::SLICE if is(SERVICE) => one(lists, ("discovery.k8s.io", "EndpointSlice"), ns),
        rows::GOVERNS if is(SERVICE) => one(lists, STATEFUL_SET, ns),
        rows::BACKEND if is(SERVICE) => {
            one(lists, INGRESS, ns);
            all(lists, &ROUTES, ANYWHERE);
        }
        rows::CALLBACK if is(SERVICE) => {
            all(lists, &WEBHOOKS, ANYWHERE);
            one(lists, ("apiregistration.k8s.io", "APIService"), ANYWHERE);
            definitions(lists);
        }
        rows::CLASS if is(("networking.k8s.io", "IngressClass")) => {
            one(lists, INGRESS, ANYWHERE);
        }
        rows::CLASS if is(("gateway.networking.k8s.io", "GatewayClass")) => {
            one(lists, GATEWAY, ANYWHERE);
        }
        rows::PARENT if is(GATEWAY) => all(lists, &ROUTES, ANYWHERE),
        rows::SCALED if SCALERS.contains(&(group, kind)) => scaled(node, lists),
        rows::SCALES if Workload::is(id) || !is_builtin(group) && !ns.is_empty() => {
            all(lists, &SCALERS, ns);
        }
        rows::BUDGET if is(BUDGET) => pods(lists, ns),
        rows::POLICY if is(NETWORK_POLICY) => pods(lists, ns),
        rows::QUOTA if matches!((group, kind), ("", "ResourceQuota" | "LimitRange")) => {
            pods(lists, ns);
            all(lists, &[PVC, SERVICE], ns);
        }
        rows::RETENTION | rows::SHED
            if is(STATEFUL_SET) && objects().any(|set| claim_templates(set).next().is_some()) =>
        {
            one(lists, PVC, ns);
        }
        rows::ADOPTS if adopts(node) => bare_pods(lists, ns),
        rows::CONTROLS if is(POD) => {
            for owner in objects().filter_map(controller) {
                let group = group_of(text(owner, "/apiVersion"));
                named(lists, (group, text(owner, "/kind"), ns, text(owner, "/name")));
            }
        }
        rows::BINDS if group == "admissionregistration.k8s.io" && kind.ends_with("Policy") => {
            all(lists, &BINDINGS, ANYWHERE);
        }
        _ => {}
    }
}

/// What `node` may depend on over a row.
pub(super) fn dependencies(node: &Node<'_>, row: &str, lists: &mut Lists) {
    let ns = node.id.namespace.as_str();
    let of = (node.id.group.as_str(), node.id.kind.as_str());
    match row {
        rows::SELECTS | rows::PORT if of == SERVICE => all(lists, &SERVING, ns),
        rows::BUDGET if node.workload.is_some() => one(lists, BUDGET, ns),
        rows::SCALED if Workload::is(node.id) => scalers(lists, ns),
        rows::VOLUME if of == PVC => volumes(lists),
        rows::SNAPSHOT if of == SNAPSHOT => snapshot_contents(lists),
        rows::BACKEND | rows::BACKEND_PORT | rows::CALLBACK => {
            for object in node.before.into_iter().chain(node.after) {
                for link in links::of(node.id, object).iter().filter(|link| link.row == row) {
                    named(lists, link.to);
                }
            }
        }
        _ => {}
    }
}

/// Whether a controller is new, and takes over pods that nobody owns.
fn adopts(node: &Node<'_>) -> bool {
    let kind = (node.id.group.as_str(), node.id.kind.as_str());
    let takes =
        matches!(kind, ("apps", "ReplicaSet" | "StatefulSet") | ("", "ReplicationController"));
    takes && node.changed && node.before.is_none()
}

/// Claims are where the volume says that they are; without a word of it, anywhere.
fn claims_of_volume(node: &Node<'_>, lists: &mut Lists) {
    for volume in node.before.into_iter().chain(node.after) {
        one(lists, PVC, text(volume, "/spec/claimRef/namespace"));
    }
}

fn accounts(node: &Node<'_>, lists: &mut Lists) {
    for binding in node.before.into_iter().chain(node.after) {
        let subjects = list(binding, "/subjects").iter();
        for subject in subjects.filter(|one| text(one, "/kind") == "ServiceAccount") {
            let named = text(subject, "/namespace");
            let space = if named.is_empty() { &node.id.namespace } else { named };
            if !space.is_empty() {
                one(lists, ("", "ServiceAccount"), space);
            }
        }
    }
}

/// What an autoscaler scales.
fn scaled(node: &Node<'_>, lists: &mut Lists) {
    for object in node.before.into_iter().chain(node.after) {
        for link in links::of(node.id, object).iter().filter(|link| link.row == rows::SCALED) {
            named(lists, link.from);
        }
    }
}

impl<'a> Graph<'a> {
    /// Says that the lists are needed. Only whoever finds out what to read listens.
    pub(super) fn ask(&self, lists: impl FnOnce(&mut Lists)) {
        if let Some(asked) = &self.asked {
            lists(&mut asked.borrow_mut());
        }
    }

    /// As [`Graph::ask`]; whether one of them could not be read.
    pub(super) fn lacks(&self, lists: impl Fn(&mut Lists)) -> bool {
        self.ask(&lists);
        if self.unread.is_empty() {
            return false;
        }
        let mut needed = Lists::new();
        lists(&mut needed);
        needed.iter().any(|needed| self.unread.iter().any(|unread| meet(needed, unread)))
    }

    /// Says that whatever depends on an object over these rows is needed.
    pub(super) fn ask_dependents(&self, node: &Node<'_>, rows: &[&str]) {
        self.ask(|lists| rows.iter().for_each(|row| dependents(node, row, lists)));
    }

    /// Says that whatever an object depends on over these rows is needed.
    pub(super) fn ask_dependencies(&self, node: &Node<'_>, rows: &[&str]) {
        self.ask(|lists| rows.iter().for_each(|row| dependencies(node, row, lists)));
    }
}

/// Whether everything that one list holds is in another.
pub(super) fn covers(wide: &ListOf, narrow: &ListOf) -> bool {
    let space = wide.namespace == narrow.namespace || wide.namespace.is_empty();
    match (wide.kind.as_str(), wide.namespace.is_empty()) {
        // Everything in a namespace, of whatever group; without one, everything of a group.
        ("*", false) => wide.namespace == narrow.namespace,
        ("*", true) => wide.group == narrow.group,
        _ => (&wide.group, &wide.kind) == (&narrow.group, &narrow.kind) && space,
    }
}

/// Whether two lists may hold the same object.
fn meet(one: &ListOf, other: &ListOf) -> bool {
    let space =
        one.namespace == other.namespace || one.namespace.is_empty() || other.namespace.is_empty();
    let wild = |list: &ListOf, of: &ListOf| {
        list.kind == "*" && (!list.namespace.is_empty() || list.group == of.group)
    };
    let same = (&one.group, &one.kind) == (&other.group, &other.kind);
    space && (same || wild(one, other) || wild(other, one))
}
