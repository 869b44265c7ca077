//! The derived members of a plan, as a pure function of the rest of it: whoever makes a plan and
//! whoever reads one runs this same code.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use thiserror::Error;

use super::class;
use super::files::{self, FilesError, Written};
use super::judgement::{Case, Judgement};
use super::radius;
use super::waves::{self, Item, OrderError};
use crate::document::effect::{
    Change, Effect, Facts, FileChange, Forced, Preview, PreviewState, Stack, Step, TargetIdentity,
};
use crate::document::ident::{Label, Pointer, ResourceId};
use crate::document::operation::{Consent, Operation, ResourceRef};
use crate::document::proposal::Proposal;
use crate::observe::directory::{Budget, result_of};

/// Why nothing can be derived: the document contradicts itself, or its request cannot be met.
#[derive(Debug, Error)]
pub enum DeriveError {
    /// Changes and operations do not belong to each other one by one.
    #[error("operation {0} and the changes do not belong to each other one by one")]
    Pairing(Label),
    /// A change whose `after` is not what its operation makes of its `before`.
    #[error("operation {operation}: {message}")]
    Result {
        /// The operation.
        operation: Label,
        /// What is wrong.
        message: String,
    },
    /// Waves cannot be made.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// The files do not hold what the changes say.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// A kind of target that this version does not plan.
    #[error("this version plans `directory` targets only")]
    Target,
}

/// The members of a change that a target answers for.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) operation: Label,
    pub(super) resource: ResourceRef,
    pub(super) before: Value,
    pub(super) after: Value,
    pub(super) preview: Preview,
    pub(super) unknown: Vec<Pointer>,
    pub(super) force: Vec<Forced>,
    pub(super) warnings: Vec<String>,
    pub(super) without_effect: Vec<Pointer>,
    pub(super) guard: BTreeMap<String, String>,
}

/// Everything that is derived from but the facts: the proposal and the observed members.
pub(super) struct Basis<'a> {
    pub(super) proposal: &'a Proposal,
    pub(super) target: TargetIdentity,
    /// Sorted by id.
    pub(super) changes: Vec<Seen>,
    pub(super) files: BTreeMap<String, Option<String>>,
    pub(super) stack: Option<Stack>,
    pub(super) unresolved: BTreeSet<String>,
}

/// An effect, and what is derived beside it without being stored.
pub(super) struct Derived {
    pub(super) effect: Effect,
    pub(super) judgements: Vec<Judgement>,
    /// Paths of the files in the order of execution: a file comes with the first of its objects.
    pub(super) order: Vec<String>,
}

/// One change with the members that follow from its operation alone.
struct Settled<'s> {
    seen: &'s Seen,
    own: Own,
}

/// Those members.
struct Own {
    id: ResourceId,
    actions: Vec<Step>,
    preview: Preview,
    replace_paths: Vec<Pointer>,
}

impl Settled<'_> {
    /// As the rules see it.
    fn case(&self) -> Case<'_> {
        Case {
            id: self.own.id.clone(),
            resource: &self.seen.resource,
            actions: &self.own.actions,
            preview: &self.own.preview,
            before: &self.seen.before,
            after: &self.seen.after,
            unknown: &self.seen.unknown,
            // Whoever syncs a tree decides how dependents go; nothing in the tree says it.
            propagation: None,
        }
    }
}

/// Pairs changes with operations and settles what follows from each pair.
fn settle<'s>(proposal: &Proposal, changes: &'s [Seen]) -> Result<Vec<Settled<'s>>, DeriveError> {
    let mut operations: BTreeMap<&Label, &Operation> = BTreeMap::new();
    for operation in &proposal.operations {
        if operations.insert(&operation.id, operation).is_some() {
            return Err(DeriveError::Pairing(operation.id.clone()));
        }
    }
    let mut settled = Vec::with_capacity(changes.len());
    let mut ids = BTreeSet::new();
    let mut budget = Budget::default();
    for seen in changes {
        let unpaired = || DeriveError::Pairing(seen.operation.clone());
        let operation = operations.remove(&seen.operation).ok_or_else(unpaired)?;
        let own = settle_one(operation, seen, &mut budget)?;
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

fn settle_one(operation: &Operation, seen: &Seen, budget: &mut Budget) -> Result<Own, DeriveError> {
    let wrong = |message: &str| DeriveError::Result {
        operation: operation.id.clone(),
        message: message.to_owned(),
    };
    let after =
        result_of(&operation.action, &seen.before, budget).map_err(|message| wrong(&message))?;
    if after != seen.after {
        return Err(wrong("`after` is not what the operation makes of `before`"));
    }
    let object = if after.is_null() { &seen.before } else { &after };
    if ResourceRef::of(object).as_ref() != Some(&seen.resource) {
        return Err(wrong("`resource` does not name the object that changes"));
    }
    let named = operation.action.resource().map(|resource| resource.id());
    if named.as_ref() != Some(&seen.resource.id()) {
        return Err(wrong("the change is of another object than the operation"));
    }
    let observed_nothing = seen.unknown.is_empty()
        && seen.force.is_empty()
        && seen.warnings.is_empty()
        && seen.guard.is_empty();
    if !observed_nothing {
        return Err(wrong("a folder of manifests has no unknown, force, warnings or guard"));
    }
    let both = !seen.before.is_null() && !seen.after.is_null();
    let replace_paths = match both {
        true => class::replace_paths(&seen.resource, &seen.before, &seen.after),
        false => Vec::new(),
    };
    let blocked = !replace_paths.is_empty() && operation.replace == Consent::Refused;
    let because = match replace_paths.first() {
        Some(path) if blocked => {
            format!("{path} is immutable; the operation lacks `replace: allowed`")
        }
        Some(_) | None => String::new(),
    };
    let state = if blocked { PreviewState::Blocked } else { PreviewState::Local };
    let actions = match (&seen.before, &seen.after) {
        (before, after) if before == after => vec![],
        (Value::Null, _) => vec![Step::Create],
        (_, Value::Null) => vec![Step::Delete],
        _ if !replace_paths.is_empty() => vec![Step::Delete, Step::Create],
        _ => vec![Step::Update],
    };
    let preview = Preview { state, because, by: String::new() };
    Ok(Own { id: seen.resource.id(), actions, preview, replace_paths })
}

/// The whole effect, on the facts that are given for the cases: extracted by who makes a plan, and
/// as they are stored by who reads one.
///
/// # Errors
/// [`DeriveError`].
pub(super) fn derive(
    basis: Basis<'_>,
    facts: impl FnOnce(&[Case<'_>]) -> Facts,
) -> Result<Derived, DeriveError> {
    let Basis { proposal, target, changes, files, stack, unresolved } = basis;
    match &target {
        TargetIdentity::Directory { .. } if stack.is_none() => {}
        TargetIdentity::Directory { .. }
        | TargetIdentity::Kubernetes { .. }
        | TargetIdentity::Cloudformation { .. } => return Err(DeriveError::Target),
    }
    let settled = settle(proposal, &changes)?;
    let cases: Vec<Case<'_>> = settled.iter().map(Settled::case).collect();
    let facts = facts(&cases);
    let judgements = class::classify(&cases, &facts);
    let impact = radius::impact(&cases, &judgements, &facts, &unresolved);
    let written = files::written(&cases, files)?;
    let operations: BTreeMap<&Label, &Operation> =
        proposal.operations.iter().map(|operation| (&operation.id, operation)).collect();
    let items: Vec<Item<'_>> = settled
        .iter()
        .map(|one| Item {
            operation: &one.seen.operation,
            id: &one.own.id,
            depends_on: operations.get(&one.seen.operation).map_or(&[], |op| &op.depends_on),
            deletes: one.own.actions == [Step::Delete],
            acts: !one.own.actions.is_empty(),
        })
        .collect();
    let waves = waves::waves(&items)?;
    let previewed = |one: &Settled<'_>| one.own.preview.state == PreviewState::Local;
    let complete =
        settled.iter().all(previewed) && impact.unresolved.is_empty() && !impact.truncated;
    drop(cases);
    let owns: Vec<Own> = settled.into_iter().map(|one| one.own).collect();
    let parts = changes.into_iter().zip(owns).zip(&judgements);
    let changes = parts.map(|((seen, own), judged)| change(seen, own, judged));
    let order = order(&waves, &written);
    let effect = Effect {
        target,
        masking: String::new(),
        facts,
        changes: changes.collect(),
        files: written.into_iter().map(|file| file.change).collect::<Vec<FileChange>>(),
        stack,
        impact,
        waves,
        complete,
    };
    Ok(Derived { effect, judgements, order })
}

fn change(seen: Seen, own: Own, judged: &Judgement) -> Change {
    let Own { id, actions, preview, replace_paths } = own;
    let Seen {
        operation,
        resource,
        before,
        after,
        preview: _,
        unknown,
        force,
        warnings,
        without_effect: _,
        guard,
    } = seen;
    Change {
        id,
        operation,
        actions,
        class: judged.class,
        certainty: judged.certainty,
        flags: judged.flags.clone(),
        preview,
        sensitive: class::sensitive(&resource, &before, &after),
        resource,
        before,
        after,
        unknown,
        replace_paths,
        force,
        warnings,
        without_effect: Vec::new(),
        propagation: String::new(),
        guard,
    }
}

fn order(waves: &[Vec<ResourceId>], written: &[Written]) -> Vec<String> {
    let ranks: BTreeMap<&ResourceId, usize> = waves
        .iter()
        .enumerate()
        .flat_map(|(rank, wave)| wave.iter().map(move |id| (id, rank)))
        .collect();
    let first = |file: &Written| file.ids.iter().filter_map(|id| ranks.get(id)).min().copied();
    let mut files: Vec<_> =
        written.iter().map(|file| (first(file), file.change.path.clone())).collect();
    files.sort();
    files.into_iter().map(|(_, path)| path).collect()
}
