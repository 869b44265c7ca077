//! Reads a folder of manifests beneath one open folder handle, and rehearses operations on its
//! objects in memory. The result does not depend on the order of the folder.

mod forms;
mod patch;
mod rehearse;
mod tree;

use std::collections::BTreeMap;
use std::path::Path;

use thiserror::Error;

use super::{Observed, ObservedChange, Surroundings};
use crate::config::{DirectoryTarget, Limits};
use crate::document::effect::TargetIdentity;
use crate::document::ident::{Label, ResourceId};
use crate::document::operation::Operation;
use crate::document::proposal::Proposal;
use crate::files::FileError;
use crate::manifest::problem::Problem;

pub use patch::Budget;
pub use rehearse::result_of;
pub use tree::{Place, Tree};

/// Why a folder could not be observed.
#[derive(Debug, Error)]
pub enum ObserveError {
    /// A file or folder is missing, too large, or not a plain file or folder.
    #[error("the target's folder cannot be read")]
    Files(#[from] FileError),
    /// Folders in folders without end.
    #[error("{path} is nested deeper than folders are read")]
    Depth {
        /// Path beneath the target's folder.
        path: String,
    },
    /// A manifest that cannot be read.
    #[error("{path}: {problem}{}", hint(.problem))]
    Manifest {
        /// Path beneath the target's folder.
        path: String,
        /// The first thing that is wrong.
        problem: Problem,
    },
    /// An object that stands twice.
    #[error("{id} stands twice: in {first} and in {second}")]
    Twice {
        /// The object.
        id: Box<ResourceId>,
        /// One file.
        first: String,
        /// The other.
        second: String,
    },
    /// Several operations, each for a reason of its own.
    #[error("{} operations cannot be carried out", .0.len())]
    Several(Vec<ObserveError>),
    /// An operation that cannot be carried out on what is there.
    #[error("operation {operation}: {message}")]
    Operation {
        /// The operation.
        operation: Label,
        /// Why.
        message: String,
    },
    /// An object outside the target's scope.
    #[error("operation {operation}: {id} is outside the scope of target {target}")]
    Scope {
        /// The operation.
        operation: Label,
        /// The object.
        id: Box<ResourceId>,
        /// The target.
        target: Label,
    },
    /// A kind of which nobody says whether it has a namespace, so that the scope cannot be checked.
    #[error(
        "operation {operation}: whether {kind} has a namespace is not known, and target {target} is limited; put its CustomResourceDefinition into the tree, or let the target take all namespaces and cluster-scoped objects"
    )]
    ScopeUnknown {
        /// The operation.
        operation: Label,
        /// The kind.
        kind: String,
        /// The target.
        target: Label,
    },
    /// A file that may not be copied into a plan.
    #[error(
        "operation {operation}: {path} also holds a Secret with values, which no plan may hold; move it to a file of its own"
    )]
    SecretBeside {
        /// The operation.
        operation: Label,
        /// The file.
        path: String,
    },
}

impl ObserveError {
    /// Whether operations are to blame, and not the folder: the tree itself could be read.
    pub fn is_of_an_operation(&self) -> bool {
        match self {
            Self::Files(_) | Self::Depth { .. } | Self::Manifest { .. } | Self::Twice { .. } => {
                false
            }
            Self::Several(_)
            | Self::Operation { .. }
            | Self::Scope { .. }
            | Self::ScopeUnknown { .. }
            | Self::SecretBeside { .. } => true,
        }
    }

    /// Each reason on its own.
    pub fn each(&self) -> impl Iterator<Item = &Self> {
        let (several, one) = match self {
            Self::Several(errors) => (errors.as_slice(), None),
            Self::Files(_)
            | Self::Depth { .. }
            | Self::Manifest { .. }
            | Self::Twice { .. }
            | Self::Operation { .. }
            | Self::Scope { .. }
            | Self::ScopeUnknown { .. }
            | Self::SecretBeside { .. } => (&[][..], Some(self)),
        };
        several.iter().chain(one)
    }

    /// Whether the state of the folder is to blame, and not the reading of it: what was planned
    /// cannot be done to what is there.
    pub fn is_of_the_state(&self) -> bool {
        match self {
            // Something else stands where the plan saw a plain file or folder.
            Self::Files(error) => error.is_absent() || matches!(error, FileError::Surprise { .. }),
            Self::Depth { .. } => false,
            Self::Manifest { .. }
            | Self::Twice { .. }
            | Self::Operation { .. }
            | Self::Several(_)
            | Self::Scope { .. }
            | Self::ScopeUnknown { .. }
            | Self::SecretBeside { .. } => true,
        }
    }
}

fn hint(problem: &Problem) -> String {
    if problem.hint.is_empty() { String::new() } else { format!(" ({})", problem.hint) }
}

/// Observes the folder of `target` beneath `project`.
///
/// # Errors
/// [`ObserveError`]; nothing is ever written.
pub fn observe(
    proposal: Proposal,
    project: &Path,
    target: &DirectoryTarget,
    limits: &Limits,
) -> Result<Observed, ObserveError> {
    let tree = Tree::read(project, target, limits)?;
    observe_tree(proposal, target, tree)
}

/// Rehearses the operations of a proposal on a tree that was read.
///
/// # Errors
/// As [`observe`].
pub fn observe_tree(
    proposal: Proposal,
    target: &DirectoryTarget,
    tree: Tree,
) -> Result<Observed, ObserveError> {
    let mut changes = Vec::with_capacity(proposal.operations.len());
    let mut files = BTreeMap::new();
    let mut seen: BTreeMap<ResourceId, Label> = BTreeMap::new();
    let mut budget = Budget::default();
    let mut wrong = Vec::new();
    for operation in &proposal.operations {
        let change = match rehearsed(operation, &proposal, target, &tree, &mut budget) {
            Ok(change) => change,
            Err(error) => {
                wrong.push(error);
                continue;
            }
        };
        let id = change.resource.id();
        if let Some(first) = seen.insert(id.clone(), operation.id.clone()) {
            let message = format!("{id} is already changed by operation {first}; merge the two");
            wrong.push(ObserveError::Operation { operation: operation.id.clone(), message });
            continue;
        }
        if change.before != change.after {
            let path = tree.path_of(&change.resource);
            let text = tree.text(&path).map(str::to_owned);
            files.insert(path, text);
        }
        changes.push(change);
    }
    match (wrong.pop(), wrong.is_empty()) {
        (None, _) => {}
        (Some(only), true) => return Err(only),
        (Some(last), false) => {
            wrong.push(last);
            return Err(ObserveError::Several(wrong));
        }
    }
    check_forms(&changes, &tree, target, &proposal.target)?;
    let identity = TargetIdentity::Directory {
        project: proposal.project.clone(),
        path: target.path.as_str().to_owned(),
    };
    let surroundings = Surroundings { objects: tree.into_objects(), ..Surroundings::default() };
    let masking = String::new();
    Ok(Observed { proposal, target: identity, changes, files, stack: None, masking, surroundings })
}

/// What one operation does, if it can be done here.
fn rehearsed(
    operation: &Operation,
    proposal: &Proposal,
    target: &DirectoryTarget,
    tree: &Tree,
    budget: &mut Budget,
) -> Result<ObservedChange, ObserveError> {
    let change = rehearse::change(operation, tree, budget)?;
    rehearse::in_scope(operation, &change.resource.id(), target, &proposal.target)?;
    let path = tree.path_of(&change.resource);
    if change.before != change.after && tree.holds_secrets(&path) {
        return Err(ObserveError::SecretBeside { operation: operation.id.clone(), path });
    }
    Ok(change)
}

/// Whether every change is of an object in the form of its kind, as the tree and the definitions that
/// the same plan brings have it.
fn check_forms(
    changes: &[ObservedChange],
    tree: &Tree,
    target: &DirectoryTarget,
    name: &Label,
) -> Result<(), ObserveError> {
    let refuse = |change: &ObservedChange, message| {
        Err(ObserveError::Operation { operation: change.operation.clone(), message })
    };
    let mut forms = tree.forms().clone();
    for change in changes {
        let id = change.resource.id();
        if let Some(message) = forms.unlike(&id).or_else(|| forms.unfit(&id, &change.after)) {
            return refuse(change, message);
        }
        forms.note(&id, &change.after);
    }
    for change in changes {
        let id = change.resource.id();
        if !target.takes_everything() && !forms.knows(&id) {
            return Err(ObserveError::ScopeUnknown {
                operation: change.operation.clone(),
                kind: id.kind,
                target: name.clone(),
            });
        }
    }
    Ok(())
}
