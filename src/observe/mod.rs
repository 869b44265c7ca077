//! A proposal and a live target become what was observed. Reads and rehearses, never writes.

pub mod directory;
pub mod kubernetes;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use thiserror::Error;

use crate::causes;
use crate::config::{Limits, Target};
use crate::document::effect::{Forced, Preview, Stack, TargetIdentity};
use crate::document::ident::{Label, Pointer, ResourceId};
use crate::document::operation::ResourceRef;
use crate::document::proposal::Proposal;

/// Everything that a target said about a proposal.
#[derive(Clone, Debug)]
pub struct Observed {
    /// What was asked.
    pub proposal: Proposal,
    /// The target, as identified now.
    pub target: TargetIdentity,
    /// One per object that an operation names.
    pub changes: Vec<ObservedChange>,
    /// Text of each file that a change touches, by path; `None` where there is none.
    pub files: BTreeMap<String, Option<String>>,
    /// The stack, for CloudFormation.
    pub stack: Option<Stack>,
    /// Id of the key that masks the secrets among the changes; empty if there are none.
    pub masking: String,
    /// Every other object that the target showed.
    pub surroundings: Surroundings,
}

/// What a target said about one object.
#[derive(Clone, Debug)]
pub struct ObservedChange {
    /// The operation that names it.
    pub operation: Label,
    /// The object.
    pub resource: ResourceRef,
    /// As it is; null if absent.
    pub before: Value,
    /// As it will be; null if it goes.
    pub after: Value,
    /// How `after` came about. A deferred change says by which change of the plan it can be made; a
    /// replacement is deferred `because` of `replace`, `by` its own id.
    pub preview: Preview,
    /// What only the target will decide. Nothing stands there in `after`: it would be another value
    /// each time.
    pub unknown: Vec<Pointer>,
    /// Paths that the target says cannot be changed in place, of a change that is blocked by that or
    /// replaces its object. Empty for a folder: there it is derived.
    pub replace_paths: Vec<Pointer>,
    /// Fields taken over from other managers.
    pub force: Vec<Forced>,
    /// What the target warned of.
    pub warnings: Vec<String>,
    /// Asked for, and without effect because somebody else holds it.
    pub without_effect: Vec<Pointer>,
    /// What ties the change to this very object.
    pub guard: BTreeMap<String, String>,
}

/// What stands around the changes.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Every live object that was seen, the changed ones included.
    pub objects: BTreeMap<ResourceId, Value>,
    /// Reads that were needed and refused.
    pub unresolved: BTreeSet<String>,
    /// The same, as the lists that they were: what is missing from one of them may exist.
    pub unread: BTreeSet<ListOf>,
}

/// Why a target could not be observed.
#[derive(Debug, Error)]
pub enum ObserveError {
    /// A folder of manifests.
    #[error(transparent)]
    Directory(#[from] directory::ObserveError),
    /// A cluster.
    #[error(transparent)]
    Kubernetes(#[from] kubernetes::ObserveError),
    /// A kind of target that this version does not plan.
    #[error("this version plans no `cloudformation` targets")]
    Unplanned,
    /// A cluster, and nothing that says how to reach it.
    #[error("nothing says how to reach the cluster")]
    Unreachable,
}

impl ObserveError {
    /// Each reason on its own, in one line.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Directory(error) => error.each().map(|error| causes::line(error)).collect(),
            Self::Kubernetes(error) => error.each().map(|error| causes::line(error)).collect(),
            Self::Unplanned | Self::Unreachable => vec![self.to_string()],
        }
    }

    /// Whether the target is not the one that is pinned.
    pub fn is_of_another_target(&self) -> bool {
        match self {
            Self::Kubernetes(error) => error.is_of_another_cluster(),
            Self::Directory(_) | Self::Unplanned | Self::Unreachable => false,
        }
    }

    /// What to do next; empty where the error says it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Kubernetes(error) => error.hint(),
            Self::Directory(_) | Self::Unplanned | Self::Unreachable => "",
        }
    }

    /// Whether the state of the target is to blame, and not the reading of it: what was planned
    /// cannot be done to what is there.
    pub fn is_of_the_state(&self) -> bool {
        match self {
            Self::Directory(error) => error.is_of_the_state(),
            Self::Kubernetes(error) => error.is_of_the_state(),
            Self::Unplanned | Self::Unreachable => false,
        }
    }

    /// Whether operations are to blame: the target itself could be read.
    pub fn is_of_an_operation(&self) -> bool {
        match self {
            Self::Directory(error) => error.is_of_an_operation(),
            Self::Kubernetes(error) => error.is_of_an_operation(),
            Self::Unplanned | Self::Unreachable => false,
        }
    }
}

/// Observes a target of whatever kind. What stands around the changes of a cluster is read later,
/// once it is known what is wanted.
///
/// # Errors
/// [`ObserveError`]; nothing is ever written.
pub fn observe(
    proposal: Proposal,
    target: &Target,
    outside: &Outside<'_>,
) -> Result<Observed, ObserveError> {
    match target {
        Target::Directory(target) => {
            Ok(directory::observe(proposal, outside.project, target, outside.limits)?)
        }
        Target::Kubernetes(target) => {
            let reach = outside.kubernetes.as_ref().ok_or(ObserveError::Unreachable)?;
            Ok(kubernetes::observe(proposal, target, reach)?)
        }
        Target::Cloudformation(_) => Err(ObserveError::Unplanned),
    }
}

/// Whether the target is the one that is pinned, without a look at its objects.
///
/// # Errors
/// [`ObserveError`].
pub fn identify(target: &Target, outside: &Outside<'_>) -> Result<(), ObserveError> {
    match target {
        Target::Kubernetes(target) => {
            let reach = outside.kubernetes.as_ref().ok_or(ObserveError::Unreachable)?;
            reach.cluster(target)?;
            Ok(())
        }
        // A folder is where it is.
        Target::Directory(_) => Ok(()),
        Target::Cloudformation(_) => Err(ObserveError::Unplanned),
    }
}

/// What stands around the changes of a cluster, as far as it is wanted.
///
/// # Errors
/// [`ObserveError`].
pub fn surroundings(
    wanted: &BTreeSet<ListOf>,
    target: &Target,
    outside: &Outside<'_>,
) -> Result<Surroundings, ObserveError> {
    match target {
        Target::Kubernetes(target) if !wanted.is_empty() => {
            let reach = outside.kubernetes.as_ref().ok_or(ObserveError::Unreachable)?;
            Ok(kubernetes::surroundings(wanted, target, reach)?)
        }
        Target::Directory(_) | Target::Kubernetes(_) | Target::Cloudformation(_) => {
            Ok(Surroundings::default())
        }
    }
}

/// What observing needs of the world besides the target itself.
#[derive(Debug)]
pub struct Outside<'a> {
    /// The project's folder, beneath which a directory target lies.
    pub project: &'a Path,
    /// Limits of what is read.
    pub limits: &'a Limits,
    /// How to reach the cluster, for a Kubernetes target.
    pub kubernetes: Option<kubernetes::Reach>,
}

/// A list that has to be read before class and radius can be settled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListOf {
    /// API group; empty for the core API.
    pub group: String,
    /// Kind; `*` stands for every kind of a namespace, or, for the whole cluster, of the group.
    pub kind: String,
    /// The namespace; empty: the whole cluster.
    pub namespace: String,
}
