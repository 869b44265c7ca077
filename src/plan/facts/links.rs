//! What one object refers to by name: every exact row of the table that one object alone shows.

use serde_json::Value;

use super::rows;
use crate::document::ident::ResourceId;
use crate::plan::shape::{
    Workload, containers, controller, group_of, label, list, members, reloads, template, text, yes,
};

/// A name without a copy of it: group, kind, namespace, name.
pub(crate) type Key<'a> = (&'a str, &'a str, &'a str, &'a str);

/// One dependence as an object shows it.
pub(crate) struct Link<'a> {
    /// The dependent.
    pub(crate) from: Key<'a>,
    /// What it depends on.
    pub(crate) to: Key<'a>,
    /// The row.
    pub(crate) row: &'static str,
    /// The part of the other object; empty for the whole.
    pub(crate) part: &'a str,
    /// Whether the dependent says that it can do without.
    pub(crate) optional: bool,
}

/// Takes links as they are found.
pub(crate) struct Links<'a> {
    own: Key<'a>,
    found: Vec<Link<'a>>,
}

pub(crate) fn key(id: &ResourceId) -> Key<'_> {
    (&id.group, &id.kind, &id.namespace, &id.name)
}

impl<'a> Links<'a> {
    fn to(&mut self, row: &'static str, group: &'a str, kind: &'a str, name: &'a str) {
        self.within(row, group, kind, self.own.2, name);
    }

    fn within(
        &mut self,
        row: &'static str,
        group: &'a str,
        kind: &'a str,
        namespace: &'a str,
        name: &'a str,
    ) {
        self.push(self.own, (group, kind, namespace, name), row, "", false);
    }

    fn push(
        &mut self,
        from: Key<'a>,
        to: Key<'a>,
        row: &'static str,
        part: &'a str,
        optional: bool,
    ) {
        if !from.3.is_empty() && !to.3.is_empty() {
            self.found.push(Link { from, to, row, part, optional });
        }
    }
}

/// Every link that `object` shows, in its own direction or the other.
pub(crate) fn of<'a>(id: &'a ResourceId, object: &'a Value) -> Vec<Link<'a>> {
    let mut links = Links { own: key(id), found: Vec::new() };
    let (group, kind) = (id.group.as_str(), id.kind.as_str());
    let workload = Workload::of(group, kind);
    // What a controller owns follows its owner, and its name does not last.
    if (workload.is_none() || controller(object).is_none())
        && let Some(template) = template(group, kind, object)
    {
        // What restarts on a change of configuration is rolled by a controller; the others cannot be.
        let rolled = !matches!(
            workload,
            Some(
                Workload::Pod
                    | Workload::Job
                    | Workload::ReplicaSet
                    | Workload::ReplicationController
            )
        );
        pod(&mut links, template, rolled && reloads(object));
    }
    match (group, kind) {
        ("apps", "StatefulSet") => {
            links.to(rows::GOVERNS, "", "Service", text(object, "/spec/serviceName"))
        }
        ("", "PersistentVolumeClaim") => claim(&mut links, object),
        ("", "PersistentVolume") => volume(&mut links, object),
        ("storage.k8s.io", "VolumeAttachment") => {
            links.within(rows::DRIVER, group, "CSIDriver", "", text(object, "/spec/attacher"));
        }
        ("snapshot.storage.k8s.io", "VolumeSnapshot") => {
            let source = |name| text(object, name);
            links.to(
                rows::SNAPSHOT,
                "",
                "PersistentVolumeClaim",
                source("/spec/source/persistentVolumeClaimName"),
            );
            for name in
                ["/spec/source/volumeSnapshotContentName", "/status/boundVolumeSnapshotContentName"]
            {
                links.within(rows::SNAPSHOT, group, "VolumeSnapshotContent", "", source(name));
            }
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            binding(&mut links, object)
        }
        ("discovery.k8s.io", "EndpointSlice")
            if controller(object).is_none() && managed_by(object).is_empty() =>
        {
            links.to(rows::SLICE, "", "Service", label(object, "kubernetes.io/service-name"));
        }
        ("networking.k8s.io", "Ingress") => ingress(&mut links, object),
        ("gateway.networking.k8s.io", "Gateway") => gateway(&mut links, object),
        ("gateway.networking.k8s.io", _) if kind.ends_with("Route") => route(&mut links, object),
        ("autoscaling", "HorizontalPodAutoscaler") => {
            scaler(&mut links, object, "/spec/scaleTargetRef")
        }
        ("autoscaling.k8s.io", "VerticalPodAutoscaler") => {
            scaler(&mut links, object, "/spec/targetRef")
        }
        ("keda.sh", "ScaledObject") => scaler(&mut links, object, "/spec/scaleTargetRef"),
        ("apiregistration.k8s.io", "APIService") => {
            callback(&mut links, object.pointer("/spec/service"))
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            let webhook = object.pointer("/spec/conversion/webhook/clientConfig/service");
            callback(
                &mut links,
                webhook.or_else(|| object.pointer("/spec/conversion/webhookClientConfig/service")),
            );
        }
        (
            "admissionregistration.k8s.io",
            "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration",
        ) => {
            for webhook in list(object, "/webhooks") {
                callback(&mut links, webhook.pointer("/clientConfig/service"));
            }
        }
        (
            "admissionregistration.k8s.io",
            "ValidatingAdmissionPolicyBinding" | "MutatingAdmissionPolicyBinding",
        ) => {
            let policy = kind.strip_suffix("Binding").unwrap_or(kind);
            links.within(rows::BINDS, group, policy, "", text(object, "/spec/policyName"));
        }
        _ => {}
    }
    links.found
}

/// Who keeps an EndpointSlice up to date; empty for one made by hand.
pub(crate) fn managed_by(object: &Value) -> &str {
    let by = label(object, "endpointslice.kubernetes.io/managed-by");
    if by.ends_with("controller.k8s.io") { by } else { "" }
}

fn pod<'a>(links: &mut Links<'a>, template: &'a Value, reloads: bool) {
    let own = links.own;
    let ns = own.2;
    let first = links.found.len();
    let reference = |links: &mut Links<'a>, row, source: &'a Value, name: &str, part: &'a str| {
        let kind = if row == rows::CONFIG { "ConfigMap" } else { "Secret" };
        links.push(own, ("", kind, ns, text(source, name)), row, part, yes(source, "/optional"));
    };
    for volume in list(template, "/spec/volumes") {
        let projected = list(volume, "/projected/sources").iter();
        for source in projected.chain([volume]) {
            let config = source.get("configMap").map(|s| (rows::CONFIG, s, "/name"));
            let secret = source.get("secret").map(|s| {
                (
                    rows::SECRET,
                    s,
                    if s.get("secretName").is_some() { "/secretName" } else { "/name" },
                )
            });
            for (row, source, name) in config.into_iter().chain(secret) {
                reference(links, row, source, name, "");
                for item in list(source, "/items") {
                    reference(links, row, source, name, text(item, "/key"));
                }
            }
        }
        let csi = volume.pointer("/csi/nodePublishSecretRef");
        // The older drivers stand each under its own name.
        let legacy = members(volume, "").filter_map(|(_, source)| source.get("secretRef"));
        for source in csi.into_iter().chain(legacy) {
            reference(links, rows::SECRET, source, "/name", "");
        }
        links.to(rows::SECRET, "", "Secret", text(volume, "/azureFile/secretName"));
        let claim = text(volume, "/persistentVolumeClaim/claimName");
        links.to(rows::CLAIM, "", "PersistentVolumeClaim", claim);
    }
    for container in containers(template) {
        for from in list(container, "/env") {
            for (row, at) in [
                (rows::CONFIG, "/valueFrom/configMapKeyRef"),
                (rows::SECRET, "/valueFrom/secretKeyRef"),
            ] {
                if let Some(source) = from.pointer(at) {
                    reference(links, row, source, "/name", "");
                    reference(links, row, source, "/name", text(source, "/key"));
                }
            }
        }
        for from in list(container, "/envFrom") {
            for (row, at) in [(rows::CONFIG, "/configMapRef"), (rows::SECRET, "/secretRef")] {
                if let Some(source) = from.pointer(at) {
                    reference(links, row, source, "/name", "");
                }
            }
        }
    }
    for secret in list(template, "/spec/imagePullSecrets") {
        // A pull without it goes on, and may still find the image on the node.
        links.push(own, ("", "Secret", ns, text(secret, "/name")), rows::SECRET, "", true);
    }
    if reloads {
        let found = links.found.iter().skip(first);
        let named = |link: &&Link<'a>| matches!(link.row, rows::CONFIG | rows::SECRET);
        let again: Vec<_> = found.filter(named).map(|link| link.to).collect();
        for to in again {
            links.push(own, to, rows::RELOAD, "", true);
        }
    }
    let account = ["/spec/serviceAccountName", "/spec/serviceAccount"];
    let account = account.iter().map(|at| text(template, at)).find(|name| !name.is_empty());
    links.to(rows::ACCOUNT, "", "ServiceAccount", account.unwrap_or("default"));
    let priority = text(template, "/spec/priorityClassName");
    links.within(rows::PRIORITY, "scheduling.k8s.io", "PriorityClass", "", priority);
    let runtime = text(template, "/spec/runtimeClassName");
    links.within(rows::RUNTIME, "node.k8s.io", "RuntimeClass", "", runtime);
    links.within(rows::NODE, "", "Node", "", text(template, "/spec/nodeName"));
    for claim in list(template, "/spec/resourceClaims") {
        for (kind, name) in [
            ("ResourceClaim", "/resourceClaimName"),
            ("ResourceClaimTemplate", "/resourceClaimTemplateName"),
        ] {
            links.to(rows::RESOURCE_CLAIM, "resource.k8s.io", kind, text(claim, name));
        }
    }
}

fn claim<'a>(links: &mut Links<'a>, object: &'a Value) {
    links.within(rows::VOLUME, "", "PersistentVolume", "", text(object, "/spec/volumeName"));
    for (kind, name) in [
        ("StorageClass", "/spec/storageClassName"),
        ("VolumeAttributesClass", "/spec/volumeAttributesClassName"),
    ] {
        links.within(rows::STORAGE_CLASS, "storage.k8s.io", kind, "", text(object, name));
    }
}

fn volume<'a>(links: &mut Links<'a>, object: &'a Value) {
    let own = links.own;
    let claim = (
        "",
        "PersistentVolumeClaim",
        text(object, "/spec/claimRef/namespace"),
        text(object, "/spec/claimRef/name"),
    );
    links.push(claim, own, rows::VOLUME, "", false);
    if text(object, "/spec/persistentVolumeReclaimPolicy") == "Delete" {
        links.push(own, claim, rows::RECLAIM, "", false);
    }
    links.within(rows::DRIVER, "storage.k8s.io", "CSIDriver", "", text(object, "/spec/csi/driver"));
    for term in list(object, "/spec/nodeAffinity/required/nodeSelectorTerms") {
        for wanted in list(term, "/matchExpressions") {
            if text(wanted, "/key") == "kubernetes.io/hostname" && text(wanted, "/operator") == "In"
            {
                for node in list(wanted, "/values") {
                    links.within(rows::PINNED, "", "Node", "", node.as_str().unwrap_or_default());
                }
            }
        }
    }
}

fn binding<'a>(links: &mut Links<'a>, object: &'a Value) {
    let own = links.own;
    let kind = text(object, "/roleRef/kind");
    let namespace = if kind == "Role" { own.2 } else { "" };
    let role = (own.0, kind, namespace, text(object, "/roleRef/name"));
    let subjects = list(object, "/subjects");
    links.push(own, role, rows::GRANTS, "", subjects.is_empty());
    for subject in subjects.iter().filter(|subject| text(subject, "/kind") == "ServiceAccount") {
        let named = text(subject, "/namespace");
        let namespace = if named.is_empty() { own.2 } else { named };
        let account = ("", "ServiceAccount", namespace, text(subject, "/name"));
        links.push(account, own, rows::SUBJECT, "", false);
    }
}

fn ingress<'a>(links: &mut Links<'a>, object: &'a Value) {
    let rules = list(object, "/spec/rules").iter();
    let paths = rules.flat_map(|rule| list(rule, "/http/paths"));
    let backends = paths.filter_map(|path| path.get("backend"));
    for backend in backends.chain(object.pointer("/spec/defaultBackend")) {
        let to = ("", "Service", links.own.2, text(backend, "/service/name"));
        links.push(links.own, to, rows::BACKEND, "", false);
        let port = text(backend, "/service/port/name");
        if !port.is_empty() {
            links.push(links.own, to, rows::BACKEND_PORT, port, false);
        }
    }
    for tls in list(object, "/spec/tls") {
        links.to(rows::TLS, "", "Secret", text(tls, "/secretName"));
    }
    let class = text(object, "/spec/ingressClassName");
    links.within(rows::CLASS, "networking.k8s.io", "IngressClass", "", class);
}

fn gateway<'a>(links: &mut Links<'a>, object: &'a Value) {
    let own = links.own;
    links.within(rows::CLASS, own.0, "GatewayClass", "", text(object, "/spec/gatewayClassName"));
    for listener in list(object, "/spec/listeners") {
        for reference in list(listener, "/tls/certificateRefs") {
            links.push(own, referred(reference, "", "Secret", own.2), rows::TLS, "", false);
        }
    }
}

fn route<'a>(links: &mut Links<'a>, object: &'a Value) {
    let own = links.own;
    for parent in list(object, "/spec/parentRefs") {
        links.push(own, referred(parent, own.0, "Gateway", own.2), rows::PARENT, "", false);
    }
    for rule in list(object, "/spec/rules") {
        let filters = list(rule, "/filters").iter();
        let mirrors = filters.filter_map(|filter| filter.pointer("/requestMirror/backendRef"));
        for backend in list(rule, "/backendRefs").iter().chain(mirrors) {
            links.push(own, referred(backend, "", "Service", own.2), rows::BACKEND, "", false);
        }
    }
}

/// A reference with the defaults that its place gives it.
fn referred<'a>(
    reference: &'a Value,
    group: &'a str,
    kind: &'a str,
    namespace: &'a str,
) -> Key<'a> {
    let or = |pointer: &str, default: &'a str| {
        reference.pointer(pointer).and_then(Value::as_str).unwrap_or(default)
    };
    (or("/group", group), or("/kind", kind), or("/namespace", namespace), text(reference, "/name"))
}

fn scaler<'a>(links: &mut Links<'a>, object: &'a Value, at: &str) {
    let own = links.own;
    let Some(target) = object.pointer(at) else { return };
    // A ScaledObject may leave kind and version to their defaults.
    let version = target.get("apiVersion").and_then(Value::as_str);
    let kind = target.get("kind").and_then(Value::as_str).unwrap_or("Deployment");
    let workload = (group_of(version.unwrap_or("apps/v1")), kind, own.2, text(target, "/name"));
    links.push(workload, own, rows::SCALED, "", false);
    links.push(own, workload, rows::SCALES, "", false);
}

fn callback<'a>(links: &mut Links<'a>, service: Option<&'a Value>) {
    if let Some(service) = service {
        let (namespace, name) = (text(service, "/namespace"), text(service, "/name"));
        links.within(rows::CALLBACK, "", "Service", namespace, name);
    }
}
