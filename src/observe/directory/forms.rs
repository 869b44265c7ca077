//! Whether a kind has a namespace, from every source that a tree has: the kinds of Kubernetes'
//! own groups, and definitions of others. An object of the other form would pass for one in a
//! namespace that it is not in, and so past the scope of its target.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::document::ident::ResourceId;
use crate::manifest::object::{self, is_cluster_scoped};

/// Group and kind.
type Kind = (String, String);

/// What an object of a kind has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Namespaced,
    Cluster,
}

impl Form {
    fn of(id: &ResourceId) -> Self {
        if id.namespace.is_empty() { Self::Cluster } else { Self::Namespaced }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Namespaced => "namespaced",
            Self::Cluster => "cluster-scoped",
        })
    }
}

/// What is known of kinds, each fact with the first object that says so.
#[derive(Clone, Debug, Default)]
pub(super) struct Forms {
    defined: BTreeMap<Kind, BTreeMap<Form, ResourceId>>,
    seen: BTreeMap<Kind, BTreeMap<Form, ResourceId>>,
}

fn kind_of(id: &ResourceId) -> Kind {
    (id.group.clone(), id.kind.clone())
}

impl Forms {
    /// Takes note of an object: its own form, and what it says of others if it is a
    /// CustomResourceDefinition.
    pub(super) fn note(&mut self, id: &ResourceId, value: &Value) {
        if is_cluster_scoped(&id.group, &id.kind).is_none() {
            let forms = self.seen.entry(kind_of(id)).or_default();
            forms.entry(Form::of(id)).or_insert_with(|| id.clone());
        }
        if let Some((kind, form)) = definition(id, value) {
            let forms = self.defined.entry(kind).or_default();
            forms.entry(form).or_insert_with(|| id.clone());
        }
    }

    /// Whether the form of this kind is known for certain.
    pub(super) fn knows(&self, id: &ResourceId) -> bool {
        is_cluster_scoped(&id.group, &id.kind).is_some() || self.defined.contains_key(&kind_of(id))
    }

    /// Why an object cannot have the form that it has: a definition says otherwise.
    pub(super) fn against(&self, id: &ResourceId) -> Option<String> {
        let other = self.defined.get(&kind_of(id))?.iter().find(|(form, _)| **form != Form::of(id));
        let (form, by) = other?;
        Some(format!("{id} is {}, and {by} says that its kind is {form}", Form::of(id)))
    }

    /// Why an object has not the form of its kind: a definition, or another object.
    pub(super) fn unlike(&self, id: &ResourceId) -> Option<String> {
        let other = || {
            self.seen.get(&kind_of(id))?.iter().find(|(form, _)| **form != Form::of(id)).map(
                |(form, other)| {
                    format!("{id} is {}, and {other} of the same kind is {form}", Form::of(id))
                },
            )
        };
        self.against(id).or_else(other)
    }

    /// Why a definition cannot stand: objects of its kind, or another definition, have another form.
    pub(super) fn unfit(&self, id: &ResourceId, value: &Value) -> Option<String> {
        let (kind, form) = definition(id, value)?;
        let all = [&self.seen, &self.defined];
        let (other, by) = all
            .into_iter()
            .filter_map(|known| known.get(&kind)?.iter().find(|(other, _)| **other != form))
            .next()?;
        Some(format!("{id} says that {} is {form}, and by {by} it is {other}", kind.1))
    }
}

/// The kind that a CustomResourceDefinition defines. One that the API would not take, because its
/// name or its scope is wrong, defines nothing, and none decides about a kind of Kubernetes' own.
fn definition(id: &ResourceId, value: &Value) -> Option<(Kind, Form)> {
    if (id.group.as_str(), id.kind.as_str()) != ("apiextensions.k8s.io", "CustomResourceDefinition")
    {
        return None;
    }
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
    let (group, kind) = (text("/spec/group")?, text("/spec/names/kind")?);
    if id.name != format!("{}.{group}", text("/spec/names/plural")?) {
        return None;
    }
    let form = match text("/spec/scope")? {
        "Namespaced" => Form::Namespaced,
        "Cluster" => Form::Cluster,
        _ => return None,
    };
    let own = object::is_cluster_scoped(group, kind).is_some();
    (!own).then(|| ((group.to_owned(), kind.to_owned()), form))
}
