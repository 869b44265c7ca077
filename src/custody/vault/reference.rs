//! A reference to an entry, `{"$secret": "name"}`: where a proposal has one, and where its entry may
//! go.

use std::collections::BTreeSet;

use serde_json::Value;
use thiserror::Error;

use super::{VaultError, listed};
use crate::config::Secret;
use crate::document::ident::{Label, Pointer, ResourceId};
use crate::document::operation::{Action, Operation, Patch};
use crate::document::proposal::Proposal;

/// The one member of a reference.
pub const MEMBER: &str = "$secret";
/// Members of a Secret that hold values. The server moves what is written to the second into the
/// first.
pub const HOLDERS: [&str; 2] = ["data", "stringData"];

/// A value with the member of a reference, and not the shape of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("`$secret` does not name one entry")]
pub struct BadReference;

/// The entry that a value refers to; `None` if it is no reference.
pub fn reference(value: &Value) -> Option<Result<Label, BadReference>> {
    let map = value.as_object()?;
    let name = map.get(MEMBER)?;
    let name = name.as_str().filter(|_| map.len() == 1).and_then(|name| name.parse().ok());
    Some(name.ok_or(BadReference))
}

/// One reference of a proposal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The entry.
    pub name: Label,
    /// The object that gets its value.
    pub resource: ResourceId,
    /// Where in that object.
    pub at: Pointer,
}

impl Reference {
    /// As the configuration spells places: `Kind/namespace/name#/pointer`.
    pub(super) fn place(&self) -> String {
        place(&self.resource, &self.at)
    }
}

/// Every reference of an operation, in the order of its places. A stack's parameters are not among
/// them: whoever makes a target of stacks asks for those.
pub fn references(operation: &Operation) -> Vec<Reference> {
    let Some(resource) = operation.action.resource().filter(|resource| resource.is_secret()) else {
        return Vec::new();
    };
    let body = match &operation.action {
        Action::Apply(body) => body,
        Action::Patch(patch) => match &patch.patch {
            Patch::Merge(body) | Patch::Operations(body) => body,
        },
        Action::Delete(_) | Action::Stack(_) => return Vec::new(),
    };
    let id = resource.id();
    let mut found = Vec::new();
    for (at, value) in held(body) {
        if let Some(Ok(name)) = reference(value) {
            found.push(Reference { name, resource: id.clone(), at });
        }
    }
    found
}

/// Whether a proposal reads or writes a Secret, so that values have to be masked.
pub fn touches_a_secret(proposal: &Proposal) -> bool {
    let resources = proposal.operations.iter().filter_map(|operation| operation.action.resource());
    resources.into_iter().any(|resource| resource.is_secret())
}

/// Every value that the body of a Secret brings, with its place: a body that is applied, a merge
/// patch, or the operations of a JSON patch.
pub(super) fn held(body: &Value) -> Vec<(Pointer, &Value)> {
    let mut found = Vec::new();
    match body {
        Value::Array(operations) => {
            for operation in operations {
                let path = operation.get("path").and_then(Value::as_str).unwrap_or_default();
                if let (Ok(path), Some(value)) = (path.parse::<Pointer>(), operation.get("value")) {
                    held_at(&path, value, &mut found);
                }
            }
        }
        Value::Object(members) => {
            for holder in HOLDERS {
                if let Some(value) = members.get(holder) {
                    held_at(&Pointer::default().join(holder), value, &mut found);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found
}

/// What a place of a Secret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Site {
    /// `/data`, `/stringData`: a map of values.
    Map,
    /// `/data/x`: one value.
    Value,
    /// Anything else.
    Elsewhere,
}

impl Site {
    pub(super) fn of(at: &Pointer) -> Self {
        let segments: Vec<_> = at.segments().collect();
        match segments.as_slice() {
            [holder] if HOLDERS.contains(&holder.as_str()) => Self::Map,
            [holder, _] if HOLDERS.contains(&holder.as_str()) => Self::Value,
            _ => Self::Elsewhere,
        }
    }
}

fn held_at<'v>(at: &Pointer, value: &'v Value, found: &mut Vec<(Pointer, &'v Value)>) {
    match Site::of(at) {
        Site::Map => {
            let map = value.as_object().into_iter().flatten();
            found.extend(map.map(|(key, value)| (at.join(key), value)));
        }
        Site::Value => found.push((at.clone(), value)),
        Site::Elsewhere => {}
    }
}

/// Where the server keeps what is written to a place.
pub(super) fn stored_at(at: &Pointer) -> Pointer {
    let mut segments = at.segments();
    match segments.next() {
        Some(first) if first == "stringData" => {
            segments.fold(Pointer::default().join("data"), |at, segment| at.join(&segment))
        }
        Some(_) | None => at.clone(),
    }
}

/// `Kind/namespace/name#/pointer`, where the server keeps it.
pub(super) fn place(resource: &ResourceId, at: &Pointer) -> String {
    written(resource, &stored_at(at))
}

/// `Kind/namespace/name#/pointer`, where it was written.
pub(super) fn written(resource: &ResourceId, at: &Pointer) -> String {
    let ResourceId { group: _, kind, namespace, name } = resource;
    format!("{kind}/{namespace}/{name}#{at}")
}

/// The places of an entry, each as [`place`] spells it.
pub(super) fn places(secret: &Secret) -> BTreeSet<String> {
    let stored = |place: &String| match place.split_once('#') {
        Some((object, at)) => match at.parse::<Pointer>() {
            Ok(at) => format!("{object}#{}", stored_at(&at)),
            Err(_) => place.clone(),
        },
        None => place.clone(),
    };
    secret.pointers.iter().map(stored).collect()
}

/// Refuses an entry that is not for this target.
pub(super) fn check_target(
    name: &Label,
    secret: &Secret,
    target: &Label,
) -> Result<(), VaultError> {
    match secret.targets.contains(target) {
        true => Ok(()),
        false => Err(VaultError::Target {
            name: name.clone(),
            target: target.clone(),
            targets: listed(secret.targets.iter().map(Label::as_str)),
        }),
    }
}

/// Refuses an entry that is not for this place.
pub(super) fn check_place(
    name: &Label,
    places: &BTreeSet<String>,
    place: &str,
) -> Result<(), VaultError> {
    match places.contains(place) {
        true => Ok(()),
        false => Err(VaultError::Place {
            name: name.clone(),
            place: place.to_owned(),
            places: listed(places.iter().map(String::as_str)),
        }),
    }
}
