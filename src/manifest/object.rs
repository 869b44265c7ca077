//! What is known of a Kubernetes object before any cluster is asked: its identity, where its file
//! stands, and what may not be written in it.

use serde_json::Value;
use thiserror::Error;

use crate::document::ident::Pointer;
use crate::document::operation::ResourceRef;

/// Why a value is not an object that can be changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ObjectError {
    /// A member that every object has is missing or not a text.
    #[error("{0} is missing, empty, or not a text")]
    Missing(&'static str),
    /// A name that the API would not take.
    #[error("{member} {text:?} is not a name that Kubernetes takes")]
    Name {
        /// The member.
        member: &'static str,
        /// What stands there.
        text: String,
    },
    /// A namespaced kind without a namespace.
    #[error("{kind} {name} has no metadata.namespace, and none is assumed")]
    NoNamespace {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
    },
    /// A cluster-scoped kind with a namespace.
    #[error("{kind} {name} has a metadata.namespace, but its kind is cluster-scoped")]
    Namespaced {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
    },
    /// A whole list where one object is expected.
    #[error("{0} is a list, not an object")]
    List(String),
}

/// Fields that only the server writes, with `generateName`, which leaves the identity open.
pub const SERVER_OWNED: [&str; 9] = [
    "/status",
    "/metadata/uid",
    "/metadata/resourceVersion",
    "/metadata/managedFields",
    "/metadata/generation",
    "/metadata/creationTimestamp",
    "/metadata/deletionTimestamp",
    "/metadata/selfLink",
    "/metadata/generateName",
];

/// Cluster-scoped kinds of the built-in API groups (Kubernetes 1.36, `kubectl api-resources`).
const CLUSTER_SCOPED: [(&str, &str); 35] = [
    ("", "ComponentStatus"),
    ("", "Namespace"),
    ("", "Node"),
    ("", "PersistentVolume"),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apiregistration.k8s.io", "APIService"),
    ("certificates.k8s.io", "CertificateSigningRequest"),
    ("certificates.k8s.io", "ClusterTrustBundle"),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
    ("gateway.networking.k8s.io", "GatewayClass"),
    ("internal.apiserver.k8s.io", "StorageVersion"),
    ("networking.k8s.io", "IPAddress"),
    ("networking.k8s.io", "IngressClass"),
    ("networking.k8s.io", "ServiceCIDR"),
    ("node.k8s.io", "RuntimeClass"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("resource.k8s.io", "DeviceClass"),
    ("resource.k8s.io", "DeviceTaintRule"),
    ("resource.k8s.io", "ResourceSlice"),
    ("scheduling.k8s.io", "PriorityClass"),
    ("snapshot.storage.k8s.io", "VolumeSnapshotClass"),
    ("snapshot.storage.k8s.io", "VolumeSnapshotContent"),
    ("storage.k8s.io", "CSIDriver"),
    ("storage.k8s.io", "CSINode"),
    ("storage.k8s.io", "StorageClass"),
    ("storage.k8s.io", "VolumeAttachment"),
    ("storage.k8s.io", "VolumeAttributesClass"),
];

/// Whether a kind has no namespace; `None` for kinds that are not built in.
pub fn is_cluster_scoped(group: &str, kind: &str) -> Option<bool> {
    if CLUSTER_SCOPED.contains(&(group, kind)) {
        return Some(true);
    }
    is_builtin(group).then_some(false)
}

/// Whether an API group is one of Kubernetes' own.
pub fn is_builtin(group: &str) -> bool {
    matches!(group, "" | "apps" | "batch" | "autoscaling" | "policy" | "extensions")
        || (group.ends_with(".k8s.io") && !group.contains(".x-k8s.io"))
            && !matches!(
                group,
                "gateway.networking.k8s.io" | "snapshot.storage.k8s.io" | "metrics.k8s.io"
            )
}

/// Items of a `List`; `None` for everything else.
pub fn list_items(value: &Value) -> Option<&Vec<Value>> {
    let kind = value.get("kind")?.as_str()?;
    let items = value.get("items")?.as_array()?;
    (kind.ends_with("List") && value.pointer("/metadata/name").is_none()).then_some(items)
}

/// Items of a `List`, or the value back.
///
/// # Errors
/// The value, if it is no list.
pub fn into_list_items(mut value: Value) -> Result<Vec<Value>, Value> {
    if list_items(&value).is_none() {
        return Err(value);
    }
    match value.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => Ok(items),
        Some(_) | None => Err(value),
    }
}

/// Who an object says it is, every part checked.
///
/// # Errors
/// [`ObjectError`], which names the member.
pub fn identity(value: &Value) -> Result<ResourceRef, ObjectError> {
    let text = |pointer: &str, member: &'static str| match value.pointer(pointer) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(_) | None => Err(ObjectError::Missing(member)),
    };
    let api_version = text("/apiVersion", "apiVersion")?;
    let kind = text("/kind", "kind")?;
    if list_items(value).is_some() {
        return Err(ObjectError::List(kind));
    }
    let name = text("/metadata/name", "metadata.name")?;
    let namespace = match value.pointer("/metadata/namespace") {
        None => String::new(),
        Some(_) => text("/metadata/namespace", "metadata.namespace")?,
    };
    check(ResourceRef { api_version, kind, namespace, name })
}

/// Checks each part of an identity, and the namespace against the kind.
///
/// # Errors
/// [`ObjectError`], which names the part.
pub fn check(resource: ResourceRef) -> Result<ResourceRef, ObjectError> {
    let ResourceRef { api_version, kind, namespace, name } = &resource;
    let wrong = |member, text: &str| Err(ObjectError::Name { member, text: text.to_owned() });
    let group = resource.group();
    let version = api_version.rsplit('/').next().unwrap_or_default();
    let group_good = group.is_empty() || subdomain(group);
    if !group_good
        || !label(version)
        || api_version.matches('/').count() > 1
        || api_version.starts_with('/')
    {
        return wrong("apiVersion", api_version);
    }
    if !kind.bytes().all(|c| c.is_ascii_alphanumeric()) || kind.len() > 63 || kind.is_empty() {
        return wrong("kind", kind);
    }
    // RBAC and a few system objects have colons and capitals: path segment names.
    let path_segment = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '_');
    let dots = matches!(name.as_str(), "." | "..");
    let rbac = group == "rbac.authorization.k8s.io";
    let good = if rbac { name.chars().all(path_segment) && !dots } else { subdomain(name) };
    if !good || name.len() > 253 || name.is_empty() {
        return wrong("metadata.name", name);
    }
    if !namespace.is_empty() && !label(namespace) {
        return wrong("metadata.namespace", namespace);
    }
    let (kind, name) = (kind.clone(), name.clone());
    match (is_cluster_scoped(group, &kind), namespace.is_empty()) {
        (Some(false), true) => Err(ObjectError::NoNamespace { kind, name }),
        (Some(true), false) => Err(ObjectError::Namespaced { kind, name }),
        (Some(_) | None, _) => Ok(resource),
    }
}

/// RFC 1123 label.
fn label(text: &str) -> bool {
    text.parse::<crate::document::ident::Label>().is_ok()
}

/// RFC 1123 subdomain.
fn subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(label)
}

/// Server-owned fields that an object carries.
pub fn server_owned(value: &Value) -> impl Iterator<Item = Pointer> + '_ {
    SERVER_OWNED
        .iter()
        .filter(|pointer| value.pointer(pointer).is_some())
        .filter_map(|pointer| pointer.parse().ok())
}

/// Whether an object is a Secret with values in it.
pub fn holds_secret_values(value: &Value) -> bool {
    let group = value.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    let secret =
        value.get("kind").and_then(Value::as_str) == Some("Secret") && !group.contains('/');
    let filled = |member: &str| match value.get(member) {
        Some(Value::Object(map)) => !map.is_empty(),
        Some(Value::Null) | None => false,
        Some(_) => true,
    };
    secret && (filled("data") || filled("stringData"))
}

/// Whether an object is Kustomize's own, which no cluster knows.
pub fn is_kustomization(value: &Value) -> bool {
    let group = value.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    group.split('/').next() == Some("kustomize.config.k8s.io")
}

/// Whether a file of this name is read as a manifest.
pub fn is_manifest_name(name: &str) -> bool {
    let ends = [".yaml", ".yml", ".json"];
    ends.iter().any(|end| name.ends_with(end))
}

/// Whether a file of this name (not a path) tells Kustomize how to build a tree. Such a file need
/// not say what it is. Source: Kustomize, `RecognizedKustomizationFileNames`.
pub fn is_kustomization_name(name: &str) -> bool {
    matches!(name, "kustomization.yaml" | "kustomization.yml" | "Kustomization")
}

/// The file for a new object: `<namespace>/<kind>-<name>.yaml`, lower case; `_cluster/` where it
/// has no namespace. Characters that not every file system takes become `_`.
pub fn default_path(resource: &ResourceRef) -> String {
    let folder = if resource.namespace.is_empty() { "_cluster" } else { &resource.namespace };
    let file = format!("{}-{}.yaml", resource.kind, resource.name).to_lowercase().replace(':', "_");
    format!("{folder}/{file}")
}
