//! What `apply`, `delete` and `stack` hold: whole objects that say who they are, and nothing that
//! only a server or a trusted configuration may write.

use std::collections::BTreeMap;

use serde_json::Value;

use super::form::{Member, Members, nearest};
use super::operation::About;
use super::page::{Leaf, kind_of};
use super::secret;
use crate::document::ident::Pointer;
use crate::document::operation::{Action, DeleteBody, Propagation, ResourceRef, StackBody};
use crate::manifest::object::{self, ObjectError};
use crate::manifest::problem::Problem;
use crate::manifest::size::{self, BODY_DEPTH};

/// Members of a resource.
pub(super) const RESOURCE: [&str; 4] = ["apiVersion", "kind", "namespace", "name"];
/// Members of a delete.
pub(super) const DELETE: [&str; 5] = ["apiVersion", "kind", "namespace", "name", "propagation"];
/// Members of a stack.
pub(super) const STACK: [&str; 5] = ["name", "template", "parameters", "tags", "capabilities"];
/// Source: AWS CloudFormation API Reference, CreateStack, `Capabilities`.
const CAPABILITIES: [&str; 3] =
    ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"];

/// Why Kustomize's own files are refused.
pub(super) fn kustomization() -> Problem {
    Problem::new("a Kustomization says how manifests are built and is no object itself")
        .hint("give what it builds: `kustomize build DIR | countersign plan -f -`")
}

/// Reads the body of an `apply`: a whole object.
pub(super) fn apply(
    value: Value,
    at: &Pointer,
    leaf: &mut Leaf<'_, '_>,
) -> Option<(Action, About)> {
    if !value.is_object() {
        leaf.refuse(at, format!("{}, where an object is expected", kind_of(&value)), "");
        return None;
    }
    if object::is_kustomization(&value) {
        let Problem { message, hint, .. } = kustomization();
        leaf.refuse(at, message, &hint);
        return None;
    }
    for pointer in object::server_owned(&value) {
        let whole = pointer.segments().fold(at.clone(), |at, segment| at.join(&segment));
        server_owned(&whole, &pointer, leaf);
    }
    depth(&value, at, leaf);
    let resource = match object::identity(&value) {
        Ok(resource) => resource,
        Err(error) => {
            identity_error(&error, at, true, leaf);
            return None;
        }
    };
    secret::body(&value, &resource, at, leaf);
    let about = About::Object(resource.id());
    Some((Action::Apply(value), about))
}

/// Reports a field that only the server writes.
pub(super) fn server_owned(at: &Pointer, field: &Pointer, leaf: &mut Leaf<'_, '_>) {
    let (message, hint) = if field.as_str() == "/metadata/generateName" {
        ("`generateName` leaves the name to the server".to_owned(), "give `metadata.name`")
    } else {
        (format!("{field} is written by the server alone"), "leave it out")
    };
    leaf.refuse_member(at, message, hint);
}

/// Reports a value that is too deep for the plan that would hold it.
pub(super) fn depth(value: &Value, at: &Pointer, leaf: &mut Leaf<'_, '_>) {
    if size::depth(value) > BODY_DEPTH {
        leaf.refuse(at, format!("nested deeper than {BODY_DEPTH} levels"), "");
    }
}

/// Reports why a value names no object. In an object, name and namespace stand in its metadata; in
/// a reference to one they do not.
fn identity_error(
    error: &ObjectError,
    at: &Pointer,
    within_metadata: bool,
    leaf: &mut Leaf<'_, '_>,
) {
    let member = |name: &str| {
        let parts = name.split('.').filter(|part| within_metadata || *part != "metadata");
        parts.fold(at.clone(), |at, part| at.join(part))
    };
    let (place, hint) = match error {
        ObjectError::Missing(name) => (member(name), "every object says who it is"),
        ObjectError::Name { member: name, .. } => (member(name), "see `kubectl explain`"),
        ObjectError::NoNamespace { .. } => (member("metadata"), "write the namespace"),
        ObjectError::Namespaced { .. } => (member("metadata.namespace"), "leave it out"),
        ObjectError::List(_) => (at.clone(), "make each item an operation of its own"),
        ObjectError::Items(_) => (member("items"), "no object has such a member; leave it out"),
        ObjectError::Spelling { .. } => (member("kind"), "write it as the API does"),
    };
    let mut message = error.to_string();
    if !within_metadata {
        message = message.replace("metadata.", "");
    }
    leaf.refuse(&place, message, hint);
}

/// Reads how an object is named where its body does not stand.
pub(super) fn resource(members: &mut Members, leaf: &mut Leaf<'_, '_>) -> Option<ResourceRef> {
    let at = members.root();
    let mut need = |name: &str| match members.text(name, leaf) {
        Member::Given(text) => Some(text),
        Member::Missing => {
            leaf.refuse(&at, format!("`{name}` is missing"), &format!("write `{name}:`"));
            None
        }
        Member::Wrong => None,
    };
    let (api_version, kind, name) = (need("apiVersion"), need("kind"), need("name"));
    let namespace = match members.text("namespace", leaf) {
        Member::Given(text) => Some(text),
        Member::Missing => Some(String::new()),
        Member::Wrong => None,
    };
    let (api_version, kind, name, namespace) = (api_version?, kind?, name?, namespace?);
    if kind.ends_with("List") {
        let hint = "name each object in an operation of its own";
        leaf.refuse(&at, format!("{kind} is a list, not an object"), hint);
        return None;
    }
    let named = ResourceRef { api_version, kind, namespace, name };
    if object::is_kustomization(&serde_json::json!({"apiVersion": named.api_version})) {
        let Problem { message, hint, .. } = kustomization();
        leaf.refuse(&at, message, &hint);
        return None;
    }
    match object::check(named) {
        Ok(resource) => Some(resource),
        Err(error) => {
            identity_error(&error, &at, false, leaf);
            None
        }
    }
}

/// Reads the body of a `delete`: the name of an object.
pub(super) fn delete(
    value: Value,
    at: &Pointer,
    leaf: &mut Leaf<'_, '_>,
) -> Option<(Action, About)> {
    let mut members = Members::open(value, at, &DELETE, leaf)?;
    let place = members.at("propagation");
    let propagation = match members.text("propagation", leaf) {
        Member::Missing => Some(Propagation::Background),
        Member::Wrong => None,
        Member::Given(text) => match text.as_str() {
            "Background" => Some(Propagation::Background),
            "Foreground" => Some(Propagation::Foreground),
            "Orphan" => Some(Propagation::Orphan),
            _ => {
                let hint = "write Background, Foreground or Orphan";
                leaf.refuse(&place, format!("{text:?} is no way to delete"), hint);
                None
            }
        },
    };
    let resource = resource(&mut members, leaf)?;
    let about = About::Object(resource.id());
    Some((Action::Delete(DeleteBody { resource, propagation: propagation? }), about))
}

/// Reads the body of a `stack`.
pub(super) fn stack(
    value: Value,
    at: &Pointer,
    leaf: &mut Leaf<'_, '_>,
) -> Option<(Action, About)> {
    let mut members = Members::open(value, at, &STACK, leaf)?;
    let name = members.need("name", leaf).and_then(|(value, at)| stack_name(&value, &at, leaf));
    let template = members.need("template", leaf).and_then(|(value, at)| match value {
        Value::Null | Value::Object(_) => {
            depth(&value, &at, leaf);
            secret::none(&value, &at, leaf);
            Some(value)
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            let message = format!("{}, where a template is expected", kind_of(&value));
            leaf.refuse(&at, message, "write it as a map; null deletes the stack");
            None
        }
    });
    let hidden = secret::no_echo(template.as_ref());
    let mut parameters = BTreeMap::new();
    for (name, value, at) in entries(&mut members, "parameters", leaf) {
        if let Some(value) = secret::parameter(value, hidden.contains(&name), &at, leaf) {
            parameters.insert(name, value);
        }
    }
    let mut tags = BTreeMap::new();
    for (name, value, at) in entries(&mut members, "tags", leaf) {
        match value {
            Value::String(text) => {
                tags.insert(name, text);
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => {
                leaf.refuse(&at, format!("{}, where a text is expected", kind_of(&value)), "");
            }
        }
    }
    let capabilities = capabilities(&mut members, leaf);
    let (name, template) = (name?, template?);
    let about = About::Stack(name.clone());
    Some((Action::Stack(StackBody { name, template, parameters, tags, capabilities }), about))
}

/// Source: AWS CloudFormation API Reference, CreateStack, `StackName`.
fn stack_name(value: &Value, at: &Pointer, leaf: &mut Leaf<'_, '_>) -> Option<String> {
    let name = value.as_str().unwrap_or_default();
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.len() <= 128
        && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
    if !good {
        let hint = "a letter, then letters, digits and -, 128 at most";
        leaf.refuse(at, format!("{name:?} is not the name of a stack"), hint);
    }
    good.then(|| name.to_owned())
}

fn entries(
    members: &mut Members,
    name: &str,
    leaf: &mut Leaf<'_, '_>,
) -> Vec<(String, Value, Pointer)> {
    match members.take(name) {
        None => Vec::new(),
        Some((Value::Object(map), at)) => map
            .into_iter()
            .map(|(name, value)| {
                let at = at.join(&name);
                (name, value, at)
            })
            .collect(),
        Some((value, at)) => {
            leaf.refuse(&at, format!("{}, where a map is expected", kind_of(&value)), "");
            Vec::new()
        }
    }
}

fn capabilities(members: &mut Members, leaf: &mut Leaf<'_, '_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    match members.take("capabilities") {
        None => {}
        Some((Value::Array(items), at)) => {
            for (index, item) in items.iter().enumerate() {
                let text = item.as_str().unwrap_or_default();
                if CAPABILITIES.contains(&text) && !found.iter().any(|known| known == text) {
                    found.push(text.to_owned());
                    continue;
                }
                let near = nearest(text, CAPABILITIES.into_iter()).unwrap_or("CAPABILITY_IAM");
                let message = format!("{text:?} is not a capability, or stands twice");
                let hint = format!("did you mean `{near}`?");
                leaf.refuse(&at.join(&index.to_string()), message, &hint);
            }
        }
        Some((value, at)) => {
            leaf.refuse(&at, format!("{}, where a list is expected", kind_of(&value)), "");
        }
    }
    found
}
