//! What follows from one operation and what the target said about its object, before the changes are
//! judged together. A change that contradicts its operation is refused.

mod directory;
pub(super) mod kubernetes;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::derive::DeriveError;
use super::judgement::Case;
use crate::document::effect::{Preview, Step, TargetIdentity};
use crate::document::ident::{Label, Pointer, ResourceId};
use crate::document::operation::{Operation, Propagation, ResourceRef};
use crate::document::proposal::Proposal;
use crate::observe::ObservedChange;
use crate::observe::directory::Budget;

/// One change with the members that follow from its operation alone.
pub(super) struct Settled<'s> {
    pub(super) seen: &'s ObservedChange,
    pub(super) own: Own,
}

/// Those members.
pub(super) struct Own {
    pub(super) id: ResourceId,
    pub(super) actions: Vec<Step>,
    pub(super) preview: Preview,
    pub(super) replace_paths: Vec<Pointer>,
    pub(super) without_effect: Vec<Pointer>,
    /// Of a deletion, where the target lets it be chosen.
    pub(super) propagation: Option<Propagation>,
    /// Operations that come before it: those it names, and the one that makes what it needs.
    pub(super) needs: Vec<Label>,
}

impl Settled<'_> {
    /// As the rules see it.
    pub(super) fn case(&self) -> Case<'_> {
        Case {
            id: self.own.id.clone(),
            resource: &self.seen.resource,
            actions: &self.own.actions,
            preview: &self.own.preview,
            before: &self.seen.before,
            after: &self.seen.after,
            unknown: &self.seen.unknown,
            uid: self.seen.guard.get("uid").map_or("", String::as_str),
            propagation: self.own.propagation,
        }
    }
}

/// Pairs changes with operations and settles what follows from each pair.
pub(super) fn settle<'s>(
    proposal: &Proposal,
    target: &TargetIdentity,
    changes: &'s [ObservedChange],
) -> Result<Vec<Settled<'s>>, DeriveError> {
    let mut operations: BTreeMap<&Label, &Operation> = BTreeMap::new();
    for operation in &proposal.operations {
        if operations.insert(&operation.id, operation).is_some() {
            return Err(DeriveError::Pairing(operation.id.clone()));
        }
    }
    let makers: BTreeMap<String, &Label> =
        changes.iter().map(|seen| (seen.resource.id().to_string(), &seen.operation)).collect();
    let mut settled = Vec::with_capacity(changes.len());
    let mut ids = BTreeSet::new();
    let mut budget = Budget::default();
    for seen in changes {
        let unpaired = || DeriveError::Pairing(seen.operation.clone());
        let operation = operations.remove(&seen.operation).ok_or_else(unpaired)?;
        same_object(operation, seen)?;
        let own = match target {
            TargetIdentity::Directory { .. } => directory::own(operation, seen, &mut budget)?,
            TargetIdentity::Kubernetes { .. } => kubernetes::own(operation, seen, &makers)?,
            TargetIdentity::Cloudformation { .. } => return Err(DeriveError::Target),
        };
        if !ids.insert(own.id.clone()) {
            return Err(unpaired());
        }
        settled.push(Settled { seen, own });
    }
    match operations.into_keys().next() {
        Some(left) => Err(DeriveError::Pairing(left.clone())),
        None => Ok(settled),
    }
}

/// Whether the change is of the object that its operation names, in the form that it has.
fn same_object(operation: &Operation, seen: &ObservedChange) -> Result<(), DeriveError> {
    let object = if seen.after.is_null() { &seen.before } else { &seen.after };
    if ResourceRef::of(object).as_ref() != Some(&seen.resource) {
        return Err(wrong(operation, "`resource` does not name the object that changes"));
    }
    let named = operation.action.resource().map(|resource| resource.id());
    match named.as_ref() == Some(&seen.resource.id()) {
        true => Ok(()),
        false => Err(wrong(operation, "the change is of another object than the operation")),
    }
}

fn wrong(operation: &Operation, message: &str) -> DeriveError {
    DeriveError::Result { operation: operation.id.clone(), message: message.to_owned() }
}

/// What is done, from what is there and what will be.
fn steps(before: &Value, after: &Value, replaces: bool) -> Vec<Step> {
    match (before, after) {
        (before, after) if before == after && !replaces => vec![],
        (Value::Null, _) => vec![Step::Create],
        (_, Value::Null) => vec![Step::Delete],
        _ if replaces => vec![Step::Delete, Step::Create],
        _ => vec![Step::Update],
    }
}

/// The word for a propagation in a document.
pub(super) fn word(propagation: Propagation) -> &'static str {
    match propagation {
        Propagation::Background => "Background",
        Propagation::Foreground => "Foreground",
        Propagation::Orphan => "Orphan",
    }
}
