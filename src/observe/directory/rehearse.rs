//! What an operation makes of an object, in memory: the same function when planning, when applying
//! and when a plan is checked offline.

use serde_json::Value;

use super::patch::{self, Budget};
use super::{ObserveError, Tree};
use crate::config::DirectoryTarget;
use crate::document::effect::{Preview, PreviewState};
use crate::document::ident::{Label, ResourceId};
use crate::document::operation::{Action, Operation, Patch, Propagation, ResourceRef};
use crate::manifest::object;
use crate::manifest::size::{BODY_DEPTH, depth};
use crate::observe::ObservedChange;

/// The value of an operation's object afterwards, given its value before (null if absent). All
/// operations of one plan share a budget.
///
/// # Errors
/// Why it cannot be carried out, in words.
pub fn result_of(action: &Action, before: &Value, budget: &mut Budget) -> Result<Value, String> {
    let after = match action {
        Action::Apply(body) => body.clone(),
        Action::Delete(_) if before.is_null() => return Err("the object is not there".to_owned()),
        Action::Delete(body) => return deleted(body.propagation),
        Action::Patch(_) if before.is_null() => return Err("the object is not there".to_owned()),
        Action::Patch(body) => {
            let mut after = before.clone();
            match &body.patch {
                Patch::Merge(patch) => json_patch::merge(&mut after, patch),
                Patch::Operations(operations) => patch::patch(&mut after, operations, budget)?,
            }
            after
        }
        Action::Stack(_) => return Err("a folder of manifests has no stacks".to_owned()),
    };
    let wanted = action.resource().ok_or("the body names no object")?;
    let found = object::identity(&after).map_err(|error| error.to_string())?;
    if found.id() != wanted.id() {
        return Err(format!("it would turn {} into {}", wanted.id(), found.id()));
    }
    if depth(&after) > BODY_DEPTH {
        return Err(format!("it would nest deeper than {BODY_DEPTH} levels"));
    }
    if object::is_kustomization(&after) {
        return Err(
            "Kustomization files say how a tree is built and are not objects of it".to_owned()
        );
    }
    if object::holds_secret_values(&after) {
        return Err(
            "a Secret with values may not stand in a plan or a tree of manifests".to_owned()
        );
    }
    Ok(after)
}

/// What is left of a deleted object. Whoever brings the tree to a cluster deletes what is not in it,
/// in a way that the tree has no word for.
fn deleted(propagation: Propagation) -> Result<Value, String> {
    match propagation {
        Propagation::Background | Propagation::Foreground => Ok(Value::Null),
        Propagation::Orphan => Err("a folder of manifests cannot say that the dependents of an \
             object stay; leave `propagation: Orphan` out"
            .to_owned()),
    }
}

pub(super) fn change(
    operation: &Operation,
    tree: &Tree,
    budget: &mut Budget,
) -> Result<ObservedChange, ObserveError> {
    let refuse =
        |message: String| ObserveError::Operation { operation: operation.id.clone(), message };
    let named =
        operation.action.resource().ok_or_else(|| refuse("the body names no object".to_owned()))?;
    let named = object::check(named).map_err(|error| refuse(error.to_string()))?;
    let before = tree.object(&named.id()).cloned().unwrap_or_default();
    let after = result_of(&operation.action, &before, budget)
        .map_err(|message| refuse(format!("{}: {message}", named.id())))?;
    let preview = Preview { state: PreviewState::Local, because: String::new(), by: String::new() };
    Ok(ObservedChange {
        operation: operation.id.clone(),
        resource: resource_of(&before, &after).unwrap_or(named),
        before,
        after,
        preview,
        unknown: Vec::new(),
        replace_paths: Vec::new(),
        force: Vec::new(),
        warnings: Vec::new(),
        without_effect: Vec::new(),
        guard: Default::default(),
    })
}

/// The object with the version it will have, or had.
pub(super) fn resource_of(before: &Value, after: &Value) -> Option<ResourceRef> {
    object::identity(if after.is_null() { before } else { after }).ok()
}

pub(super) fn in_scope(
    operation: &Operation,
    id: &ResourceId,
    target: &DirectoryTarget,
    name: &Label,
) -> Result<(), ObserveError> {
    if target.covers(id) {
        return Ok(());
    }
    Err(ObserveError::Scope {
        operation: operation.id.clone(),
        id: Box::new(id.clone()),
        target: name.clone(),
    })
}
