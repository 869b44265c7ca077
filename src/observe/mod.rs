//! A proposal and a live target become what was observed. Reads and rehearses, never writes.

pub mod directory;
pub mod kubernetes;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::config::Limits;
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
    /// How `after` came about.
    pub preview: Preview,
    /// What only the target will decide.
    pub unknown: Vec<Pointer>,
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
    /// Kind; `*` stands for every kind of a namespace.
    pub kind: String,
    /// The namespace; empty: the whole cluster.
    pub namespace: String,
}
