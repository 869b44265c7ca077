//! What each operation is about, settled before any object is read: its kind as the cluster serves
//! it, that it lies within the scope, and what the plan itself has to make first.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::error::ObserveError;
use super::normal;
use super::path;
use super::request::NO_OBJECT;
use super::unshown::unshown;
use crate::config::KubernetesTarget;
use crate::document::ident::{Label, ResourceId};
use crate::document::operation::{Action, Operation, ResourceRef};
use crate::manifest::object;
use crate::remote::kubernetes::{Kind, Kinds, Place};

/// An operation, and what it is about.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) operation: Arc<Operation>,
    pub(super) resource: ResourceRef,
    pub(super) standing: Standing,
}

/// Whether the cluster can be asked about an object.
#[derive(Clone, Debug)]
pub(super) enum Standing {
    /// Its kind is served.
    Served(Place),
    /// The plan makes first what it needs.
    Deferred(Deferral),
}

/// Why an object cannot be asked about yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Deferral {
    /// `crd` or `namespace`.
    pub(super) because: &'static str,
    /// What makes it.
    pub(super) by: ResourceId,
}

/// What the operations of a plan make that others of them need.
#[derive(Debug, Default)]
pub(super) struct Makes {
    /// By group, version and kind: the definition, and whether its objects have a namespace.
    kinds: BTreeMap<(String, String, String), (ResourceId, bool)>,
    /// By name.
    namespaces: BTreeMap<String, ResourceId>,
}

impl Makes {
    pub(super) fn of(operations: &[Arc<Operation>]) -> Self {
        let mut makes = Self::default();
        for operation in operations {
            let Action::Apply(body) = &operation.action else { continue };
            let Some(resource) = ResourceRef::of(body) else { continue };
            match (resource.group(), resource.kind.as_str()) {
                ("", "Namespace") => {
                    makes.namespaces.insert(resource.name.clone(), resource.id());
                }
                ("apiextensions.k8s.io", "CustomResourceDefinition") => {
                    makes.define(body, &resource.id());
                }
                _ => {}
            }
        }
        makes
    }

    fn define(&mut self, body: &Value, id: &ResourceId) {
        let text = |at: &str| body.pointer(at).and_then(Value::as_str).map(str::to_owned);
        let (Some(group), Some(kind)) = (text("/spec/group"), text("/spec/names/kind")) else {
            return;
        };
        let namespaced = text("/spec/scope").as_deref() == Some("Namespaced");
        let versions = body.pointer("/spec/versions").and_then(Value::as_array);
        for version in versions.into_iter().flatten() {
            let served = version.get("served").and_then(Value::as_bool) == Some(true);
            if let Some(name) = version.get("name").and_then(Value::as_str).filter(|_| served) {
                let key = (group.clone(), name.to_owned(), kind.clone());
                self.kinds.insert(key, (id.clone(), namespaced));
            }
        }
    }

    fn kind(&self, resource: &ResourceRef) -> Option<&(ResourceId, bool)> {
        let version = resource.api_version.rsplit('/').next().unwrap_or_default();
        let key = (resource.group().to_owned(), version.to_owned(), resource.kind.clone());
        self.kinds.get(&key)
    }

    /// What makes this namespace.
    pub(super) fn namespace(&self, name: &str) -> Option<&ResourceId> {
        self.namespaces.get(name)
    }
}

/// The subjects of all operations, in their order.
///
/// # Errors
/// Everything that is wrong with them.
pub(super) fn subjects(
    operations: &[Arc<Operation>],
    kinds: &Kinds,
    target: &KubernetesTarget,
    name: &Label,
) -> Result<Vec<Subject>, ObserveError> {
    let makes = Makes::of(operations);
    let mut seen: BTreeMap<ResourceId, &Label> = BTreeMap::new();
    let (mut found, mut wrong) = (Vec::with_capacity(operations.len()), Vec::new());
    for operation in operations {
        match subject(operation, kinds, &makes, target, name) {
            Ok(subject) => {
                let id = subject.resource.id();
                if let Some(first) = seen.insert(id.clone(), &operation.id) {
                    let message =
                        format!("{id} is already changed by operation {first}; merge the two");
                    wrong
                        .push(ObserveError::Operation { operation: operation.id.clone(), message });
                }
                found.push(subject);
            }
            Err(error) => wrong.push(error),
        }
    }
    ObserveError::of(wrong).map_or(Ok(found), Err)
}

/// The subject of one operation.
///
/// # Errors
/// [`ObserveError::Operation`], [`ObserveError::Scope`].
pub(super) fn subject(
    operation: &Arc<Operation>,
    kinds: &Kinds,
    makes: &Makes,
    target: &KubernetesTarget,
    name: &Label,
) -> Result<Subject, ObserveError> {
    let refuse =
        |message: String| ObserveError::Operation { operation: operation.id.clone(), message };
    let named = operation.action.resource().ok_or_else(|| refuse(NO_OBJECT.to_owned()))?;
    let resource = object::check(named).map_err(|error| refuse(error.to_string()))?;
    let id = resource.id();
    let served = kinds.find(&resource.api_version, &resource.kind);
    let (namespaced, standing) = match (served, makes.kind(&resource)) {
        (Some(kind), _) => (kind.namespaced, Standing::Served(place(kind, &resource))),
        (None, Some((by, namespaced))) if matches!(operation.action, Action::Apply(_)) => {
            let deferral = Deferral { because: "crd", by: by.clone() };
            (*namespaced, Standing::Deferred(deferral))
        }
        (None, _) => {
            let ResourceRef { api_version, kind, .. } = &resource;
            return Err(refuse(format!(
                "{id}: the cluster does not serve {kind} of {api_version}"
            )));
        }
    };
    match (namespaced, resource.namespace.is_empty()) {
        (true, true) => {
            return Err(refuse(format!("{id} has no metadata.namespace, and none is assumed")));
        }
        (false, false) => {
            return Err(refuse(format!("{id} has a namespace, and its kind is cluster-scoped")));
        }
        (true, false) | (false, true) => {}
    }
    if !target.covers(&id) {
        let (operation, target) = (operation.id.clone(), name.clone());
        return Err(ObserveError::Scope { operation, id: Box::new(id), target });
    }
    if let Some(pointer) = unshown(&operation.action) {
        return Err(refuse(format!(
            "{id}: {pointer} is what no plan shows, and the operation sets it"
        )));
    }
    for pointer in normal::ignored(target, &resource) {
        let live = Value::Null;
        if path::sets(&operation.action, &path::steps(&pointer, &live), &live) {
            return Err(refuse(format!(
                "{id}: target {name} leaves {pointer} to others (`ignore`), and the operation sets it"
            )));
        }
    }
    Ok(Subject { operation: Arc::clone(operation), resource, standing })
}

fn place(kind: &Kind, resource: &ResourceRef) -> Place {
    Place { kind: kind.clone(), namespace: resource.namespace.clone(), name: resource.name.clone() }
}
