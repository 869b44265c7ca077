//! The derived members of a plan, as a pure function of the rest of it: whoever makes a plan and
//! whoever reads one runs this same code.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::class;
use super::files::{self, FilesError, Written};
use super::judgement::{Case, Judgement};
use super::radius;
use super::settle::{self, Own, Settled};
use super::waves::{self, Item, OrderError};
use crate::document::effect::{
    Change, Effect, Facts, FileChange, PreviewState, Stack, Step, TargetIdentity,
};
use crate::document::ident::{Label, ResourceId};
use crate::document::proposal::Proposal;
use crate::observe::{ObserveError, ObservedChange};

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
    /// A kind of target that this version does not plan, or what belongs to another kind.
    #[error("this version plans no such target")]
    Target,
    /// A namespace that the target's identity does not have, or has without need.
    #[error("the namespaces of the target are not those of the changes: {0:?}")]
    Namespaces(String),
    /// What stands around the changes cannot be read.
    #[error("what stands around the changes cannot be read")]
    Surroundings(#[source] Box<ObserveError>),
}

/// Everything that is derived from but the facts: the proposal and the observed members.
pub(super) struct Basis<'a> {
    pub(super) proposal: &'a Proposal,
    pub(super) target: TargetIdentity,
    /// Sorted by id.
    pub(super) changes: Vec<ObservedChange>,
    pub(super) files: BTreeMap<String, Option<String>>,
    pub(super) stack: Option<Stack>,
    pub(super) masking: String,
}

/// What the rules rest on besides the changes, and what of it could not be read.
pub(super) struct Around {
    pub(super) facts: Facts,
    pub(super) unresolved: BTreeSet<String>,
}

/// An effect, and what is derived beside it without being stored.
pub(super) struct Derived {
    pub(super) effect: Effect,
    pub(super) judgements: Vec<Judgement>,
    /// Paths of the files in the order of execution: a file comes with the first of its objects.
    pub(super) order: Vec<String>,
}

/// The whole effect, on the facts that are given for the cases: extracted by who makes a plan, and
/// as they are stored by who reads one.
///
/// # Errors
/// [`DeriveError`].
pub(super) fn derive(
    basis: Basis<'_>,
    around: impl FnOnce(&[Case<'_>]) -> Result<Around, DeriveError>,
) -> Result<Derived, DeriveError> {
    let Basis { proposal, target, changes, files, stack, masking } = basis;
    match &target {
        TargetIdentity::Directory { .. } if stack.is_none() => {}
        TargetIdentity::Kubernetes { namespaces, .. } if stack.is_none() && files.is_empty() => {
            settle::kubernetes::namespaces(namespaces, &changes)?;
        }
        TargetIdentity::Directory { .. }
        | TargetIdentity::Kubernetes { .. }
        | TargetIdentity::Cloudformation { .. } => return Err(DeriveError::Target),
    }
    let settled = settle::settle(proposal, &target, &changes)?;
    let cases: Vec<Case<'_>> = settled.iter().map(Settled::case).collect();
    let Around { facts, unresolved } = around(&cases)?;
    let judgements = class::classify(&cases, &facts);
    let impact = radius::impact(&cases, &judgements, &facts, &unresolved);
    let written = match &target {
        TargetIdentity::Directory { .. } => files::written(&cases, files)?,
        TargetIdentity::Kubernetes { .. } | TargetIdentity::Cloudformation { .. } => Vec::new(),
    };
    let items: Vec<Item<'_>> = settled
        .iter()
        .map(|one| Item {
            operation: &one.seen.operation,
            id: &one.own.id,
            depends_on: &one.own.needs,
            deletes: one.own.actions == [Step::Delete],
            acts: !one.own.actions.is_empty(),
        })
        .collect();
    let waves = waves::waves(&items)?;
    let ids: BTreeSet<&ResourceId> = settled.iter().map(|one| &one.own.id).collect();
    let complete = settled.iter().all(|one| previewed(one, &ids))
        && impact.unresolved.is_empty()
        && !impact.truncated;
    drop(cases);
    let owns: Vec<Own> = settled.into_iter().map(|one| one.own).collect();
    let parts = changes.into_iter().zip(owns).zip(&judgements);
    let changes = parts.map(|((seen, own), judged)| change(seen, own, judged));
    let order = order(&waves, &written);
    let masking = match &target {
        // A folder takes no secrets.
        TargetIdentity::Directory { .. } => String::new(),
        TargetIdentity::Kubernetes { .. } | TargetIdentity::Cloudformation { .. } => masking,
    };
    let effect = Effect {
        target,
        masking,
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

/// Whether it is known what the change makes, or will be known before it is made.
fn previewed(one: &Settled<'_>, ids: &BTreeSet<&ResourceId>) -> bool {
    match one.own.preview.state {
        PreviewState::Server | PreviewState::Local => true,
        PreviewState::Deferred => {
            one.own.preview.by.parse::<ResourceId>().is_ok_and(|by| ids.contains(&by))
        }
        PreviewState::Blocked | PreviewState::Unpreviewable => false,
    }
}

fn change(seen: ObservedChange, own: Own, judged: &Judgement) -> Change {
    let Own { id, actions, preview, replace_paths, without_effect, propagation, needs: _ } = own;
    let ObservedChange {
        operation,
        resource,
        before,
        after,
        preview: _,
        unknown,
        replace_paths: _,
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
        without_effect,
        propagation: propagation.map_or("", settle::word).to_owned(),
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
