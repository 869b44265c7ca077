//! The trusted configuration, countersign.toml: environments, targets, scopes, secrets, limits.

mod check;
mod ledger;
mod overlap;
mod path;
mod place;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::document::ident::{Label, Pointer, ResourceId};

pub use ledger::{GitLedger, KubernetesLedger, Ledger, LocalLedger, ObjectStoreLedger};
pub use path::TargetPath;

/// Why a countersign.toml cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// Not TOML, or a member that is unknown, missing or misshapen.
    #[error("countersign.toml, line {line}: {message}{}", suggestion(.nearest))]
    Read {
        /// Line, from 1.
        line: usize,
        /// What the reader said.
        message: String,
        /// The known key that an unknown one is nearest to; empty if none is near.
        nearest: String,
    },
    /// Two targets of different environments can be the same thing.
    #[error(
        "targets {first} and {second} reach the same objects from two environments: a plan would choose its quorum"
    )]
    Overlap {
        /// `environment/target`.
        first: String,
        /// `environment/target`.
        second: String,
    },
    /// An environment that is not there.
    #[error("countersign.toml has no environment {name}; it has {known}")]
    Environment {
        /// What was asked for.
        name: Label,
        /// What there is.
        known: String,
    },
    /// A target that is not there.
    #[error("environment {environment} has no target {name}; it has {known}")]
    Target {
        /// The environment.
        environment: Label,
        /// What was asked for.
        name: Label,
        /// What there is.
        known: String,
    },
    /// A target that would hold what decides about plans, or lie in it.
    #[error("target {target}: its path {path} meets {reserved}, which decides about plans")]
    Reserved {
        /// `environment/target`.
        target: String,
        /// The target's path.
        path: TargetPath,
        /// What it meets.
        reserved: String,
    },
    /// A part that is readable and cannot be meant.
    #[error("countersign.toml, {part}: {message}")]
    Shape {
        /// The part, such as `secrets.db-password`.
        part: String,
        /// What is wrong with it.
        message: String,
    },
}

fn suggestion(nearest: &str) -> String {
    if nearest.is_empty() { String::new() } else { format!(" (did you mean `{nearest}`?)") }
}

/// countersign.toml, read and checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Config {
    /// Project name.
    pub name: Label,
    /// Environments by name.
    #[serde(default)]
    pub environments: BTreeMap<Label, Environment>,
    /// Secrets by name.
    #[serde(default)]
    pub secrets: BTreeMap<Label, Secret>,
    /// Policies.
    #[serde(default)]
    pub policy: Policy,
    /// The ledger of every target that has no other.
    #[serde(default)]
    pub ledger: Ledger,
    /// Limits of what is read.
    #[serde(default)]
    pub limits: Limits,
}

/// One environment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Environment {
    /// Targets by name.
    #[serde(default)]
    pub targets: BTreeMap<Label, Target>,
    /// The ledger of this environment, if another.
    pub ledger: Option<Ledger>,
}

/// One target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Target {
    /// A folder of manifests.
    Directory(DirectoryTarget),
    /// A Kubernetes cluster.
    Kubernetes(KubernetesTarget),
    /// CloudFormation stacks.
    Cloudformation(CloudformationTarget),
}

/// A folder of manifests, and which of its objects a plan may change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DirectoryTarget {
    /// The folder, relative to the project.
    pub path: TargetPath,
    /// Namespaces in scope; absent: all.
    pub namespaces: Option<Vec<Label>>,
    /// Whether objects without a namespace are in scope; absent: only where `namespaces` is absent
    /// too.
    pub cluster_scoped: Option<bool>,
    /// A ledger of its own.
    pub ledger: Option<Ledger>,
}

impl DirectoryTarget {
    /// Whether objects without a namespace are in scope. A target that names its namespaces does not
    /// take more than it names, unless it says so.
    pub fn takes_cluster_scoped(&self) -> bool {
        self.cluster_scoped.unwrap_or(self.namespaces.is_none())
    }

    /// Whether every object is in scope, so that it does not matter which have a namespace.
    pub fn takes_everything(&self) -> bool {
        self.namespaces.is_none() && self.takes_cluster_scoped()
    }

    /// Whether a plan may change this object.
    pub fn covers(&self, id: &ResourceId) -> bool {
        covers(self.namespaces.as_deref(), self.takes_cluster_scoped(), id)
    }
}

/// Whether an object lies in one of the namespaces (`None`: all), or has none and that is in scope.
fn covers(namespaces: Option<&[Label]>, cluster_scoped: bool, id: &ResourceId) -> bool {
    if id.namespace.is_empty() {
        return cluster_scoped;
    }
    let named = |name: &Label| name.as_str() == id.namespace;
    namespaces.is_none_or(|list| list.iter().any(named))
}

/// A cluster, as pinned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KubernetesTarget {
    /// Context of the kubeconfig.
    pub context: String,
    /// uid of namespace `kube-system`.
    pub cluster: String,
    /// Digest of the certificate authority's public key, as `init` writes it: `sha256:` and 64
    /// hexadecimal digits. A copy of a cluster has its uid too.
    pub ca: String,
    /// Namespaces in scope.
    pub namespaces: Vec<Label>,
    /// Whether objects without a namespace are in scope.
    #[serde(default)]
    pub cluster_scoped: bool,
    /// Fields left to others, as JSON pointers by kind.
    #[serde(default)]
    pub ignore: BTreeMap<String, Vec<Pointer>>,
    /// A ledger of its own.
    pub ledger: Option<Ledger>,
}

impl KubernetesTarget {
    /// Whether a plan may change this object. A Namespace has none, like any other object outside
    /// all of them: being named in `namespaces` lets what is in it be changed, and not itself.
    pub fn covers(&self, id: &ResourceId) -> bool {
        covers(Some(&self.namespaces), self.cluster_scoped, id)
    }
}

/// Stacks of one account and region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CloudformationTarget {
    /// Profile of the AWS configuration.
    pub profile: Option<String>,
    /// Account, twelve digits.
    pub account: String,
    /// Region.
    pub region: String,
    /// Stack names in scope; `*` at the end stands for any rest.
    pub stacks: Vec<String>,
    /// A ledger of its own.
    pub ledger: Option<Ledger>,
}

/// Where a secret value comes from, and where it may go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Secret {
    /// From this environment variable.
    pub env: Option<String>,
    /// From this file.
    pub file: Option<String>,
    /// From what this command prints.
    pub command: Option<Vec<String>>,
    /// Targets it may go to.
    pub targets: Vec<Label>,
    /// Places it may go to: `Kind/namespace/name#/pointer`.
    pub pointers: Vec<String>,
}

/// Which policies judge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Policy {
    /// Folders of the trusted side, after the built-in bundle.
    #[serde(default)]
    pub bundles: Vec<TargetPath>,
    /// Whether the built-in bundle judges too.
    #[serde(default = "yes")]
    pub builtin: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { bundles: Vec::new(), builtin: true }
    }
}

/// Limits of what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of all input of one plan.
    pub max_bytes: usize,
    /// Nesting.
    pub max_depth: usize,
    /// Operations of one plan.
    pub max_operations: usize,
    /// Bytes of all manifests of a target's folder.
    pub max_tree_bytes: usize,
    /// Bytes of a plan.
    pub max_plan_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 32 << 20,
            max_depth: 64,
            max_operations: 10_000,
            max_tree_bytes: 512 << 20,
            max_plan_bytes: 64 << 20,
        }
    }
}

fn yes() -> bool {
    true
}

impl Config {
    /// Reads countersign.toml.
    ///
    /// # Errors
    /// [`ConfigError`], with the line and the nearest known key.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|error| place::read_error(text, &error))?;
        check::shape(&config)?;
        check::reserved(&config)?;
        overlap::check(&config)?;
        Ok(config)
    }

    /// The environment, if there is just one.
    pub fn only_environment(&self) -> Option<Label> {
        let mut names = self.environments.keys();
        names.next().filter(|_| names.next().is_none()).cloned()
    }

    /// The ledger of a target: its own, else its environment's, else the project's.
    pub fn ledger_of(&self, environment: &Label, target: &Label) -> &Ledger {
        let environment = self.environments.get(environment);
        let target = environment.and_then(|environment| environment.targets.get(target));
        let own = target.and_then(|target| match target {
            Target::Directory(target) => target.ledger.as_ref(),
            Target::Kubernetes(target) => target.ledger.as_ref(),
            Target::Cloudformation(target) => target.ledger.as_ref(),
        });
        own.or(environment.and_then(|found| found.ledger.as_ref())).unwrap_or(&self.ledger)
    }

    /// One environment.
    ///
    /// # Errors
    /// [`ConfigError`], which lists what there is.
    pub fn environment(&self, name: &Label) -> Result<&Environment, ConfigError> {
        self.environments.get(name).ok_or_else(|| {
            let (name, known) = (name.clone(), listed(self.environments.keys()));
            ConfigError::Environment { name, known }
        })
    }

    /// One target.
    ///
    /// # Errors
    /// [`ConfigError`], which lists what there is.
    pub fn target(&self, environment: &Label, name: &Label) -> Result<&Target, ConfigError> {
        let found = self.environment(environment)?;
        found.targets.get(name).ok_or_else(|| {
            let (name, known) = (name.clone(), listed(found.targets.keys()));
            ConfigError::Target { environment: environment.clone(), name, known }
        })
    }
}

fn listed<'l>(names: impl Iterator<Item = &'l Label>) -> String {
    let names: Vec<_> = names.map(Label::as_str).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl std::fmt::Display for ConfigPlace<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.0, self.1)
    }
}

/// `environment/target`, for messages.
struct ConfigPlace<'c>(&'c Label, &'c Label);
