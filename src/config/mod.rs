//! The trusted configuration, countersign.toml: environments, targets, scopes, secrets, limits.

mod overlap;
mod path;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::document::ident::{Label, Pointer, ResourceId};

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
    /// A secret entry names a target that no environment has.
    #[error("secret {secret} names target {target}, which no environment has")]
    SecretTarget {
        /// The secret.
        secret: Label,
        /// The target.
        target: Label,
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
    /// Whether objects without a namespace are in scope.
    #[serde(default = "yes")]
    pub cluster_scoped: bool,
    /// A ledger of its own.
    pub ledger: Option<Ledger>,
}

impl DirectoryTarget {
    /// Whether a plan may change this object.
    pub fn covers(&self, id: &ResourceId) -> bool {
        if id.namespace.is_empty() {
            return self.cluster_scoped;
        }
        let named = |name: &Label| name.as_str() == id.namespace;
        self.namespaces.as_ref().is_none_or(|list| list.iter().any(named))
    }
}

/// A cluster, as pinned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct KubernetesTarget {
    /// Context of the kubeconfig.
    pub context: String,
    /// uid of namespace `kube-system`.
    pub cluster: String,
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

/// Where "once" is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ledger {
    /// The user's state folder, for one machine.
    #[default]
    Local,
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
        let config: Self = toml::from_str(text).map_err(|error| read_error(text, &error))?;
        overlap::check(&config)?;
        for (secret, entry) in &config.secrets {
            let known =
                |target| config.environments.values().any(|e| e.targets.contains_key(target));
            if let Some(target) = entry.targets.iter().find(|target| !known(target)) {
                let (secret, target) = (secret.clone(), target.clone());
                return Err(ConfigError::SecretTarget { secret, target });
            }
        }
        Ok(config)
    }

    /// The environment, if there is just one.
    pub fn only_environment(&self) -> Option<Label> {
        let mut names = self.environments.keys();
        names.next().filter(|_| names.next().is_none()).cloned()
    }

    /// The target of an environment, if it has just one.
    pub fn only_target(&self, environment: &Label) -> Option<Label> {
        let mut names = self.environments.get(environment)?.targets.keys();
        names.next().filter(|_| names.next().is_none()).cloned()
    }

    /// One target.
    ///
    /// # Errors
    /// [`ConfigError`], which lists what there is.
    pub fn target(&self, environment: &Label, name: &Label) -> Result<&Target, ConfigError> {
        let found = self.environments.get(environment).ok_or_else(|| {
            let (name, known) = (environment.clone(), listed(self.environments.keys()));
            ConfigError::Environment { name, known }
        })?;
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

fn read_error(text: &str, error: &toml::de::Error) -> ConfigError {
    let at = error.span().map_or(0, |span| span.start);
    let line = text.bytes().take(at).filter(|c| *c == b'\n').count() + 1;
    let message = error.message().to_owned();
    ConfigError::Read { line, nearest: nearest(&message), message }
}

/// The known key nearest to an unknown one, read from serde's message about it.
fn nearest(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    if !message.starts_with("unknown") {
        return String::new();
    }
    let unknown = quoted.next().unwrap_or_default();
    let scored = quoted.map(|known| (strsim::jaro_winkler(unknown, known), known));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(score, _)| *score > 0.7).map(|(_, known)| known.to_owned()).unwrap_or_default()
}

impl std::fmt::Display for ConfigPlace<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.0, self.1)
    }
}

/// `environment/target`, for messages.
struct ConfigPlace<'c>(&'c Label, &'c Label);
