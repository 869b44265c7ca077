//! What is known of a Kubernetes object before any cluster is asked: its identity, where its file
//! stands, and what may not be written in it.

use serde_json::Value;
use thiserror::Error;

use super::kinds;
pub use super::kinds::{is_builtin, is_cluster_scoped};
use crate::document::ident::Pointer;
use crate::document::operation::{ResourceRef, is_secret_kind};

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
    /// An object that other readers take for a list of objects.
    #[error("{0} has a top-level `items`, and readers take whatever has one for a list of objects")]
    Items(String),
    /// A kind that differs from a known one in the case of its letters alone.
    #[error("kind {kind} is spelled {known}")]
    Spelling {
        /// What stands there.
        kind: String,
        /// The kind as the API spells it.
        known: &'static str,
    },
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

/// Items of a list, whatever its name; `None` for everything else. kubectl and every other reader on
/// the unstructured decoder of apimachinery takes each document with a top-level `items` for a list,
/// so nothing that has one is an object: see [`identity`].
pub fn list_items(value: &Value) -> Option<&Vec<Value>> {
    let kind = value.get("kind")?.as_str()?;
    let items = value.get("items")?.as_array()?;
    kind.ends_with("List").then_some(items)
}

/// Whether a value has a top-level `items` of any type, in any case of its letters: readers differ
/// in whether the case matters.
pub fn has_items(value: &Value) -> bool {
    value.as_object().is_some_and(|members| members.keys().any(|name| is_items(name)))
}

/// Whether some reader takes a member of this name for `items`. Source: Go, `encoding/json`, which
/// folds the case of names, that of U+017F too.
pub fn is_items(name: &str) -> bool {
    name.to_uppercase() == "ITEMS"
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
    if has_items(value) {
        return Err(ObjectError::Items(kind));
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
    if let Some(known) = kinds::respelled(group, kind) {
        return Err(ObjectError::Spelling { kind: kind.clone(), known });
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
    let text = |member| value.get(member).and_then(Value::as_str).unwrap_or_default();
    let group = text("apiVersion").split_once('/').map_or("", |(group, _)| group);
    let secret = is_secret_kind(group, text("kind"));
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

/// Whether a document of a tree says nothing to a cluster: Kustomize's own, and no list to anybody.
pub fn is_inert(value: &Value) -> bool {
    is_kustomization(value) && !has_items(value)
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
