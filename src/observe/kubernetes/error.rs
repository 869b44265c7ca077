//! Why a cluster could not be observed. No error carries a body, and every text of the server has
//! gone through the filter of secret values.

use thiserror::Error;

use crate::document::ident::{Label, ResourceId};
use crate::remote::kubernetes::{ConnectError, Failure, Permission};

/// Why a cluster could not be observed.
#[derive(Debug, Error)]
pub enum ObserveError {
    /// There is no connection.
    #[error("there is no connection to the cluster")]
    Connect(#[source] Box<ConnectError>),
    /// The context leads to another cluster than the one that is pinned.
    #[error(transparent)]
    OtherCluster(Box<OtherCluster>),
    /// The cluster gave no answer, or one that this has no use for.
    #[error("the cluster cannot be observed")]
    Failure(#[source] Box<Failure>),
    /// The caller may not do what a plan needs.
    #[error(transparent)]
    Rights(Box<Rights>),
    /// A request was refused for a permission that the cluster had said to be there, or was not
    /// asked about.
    #[error("operation {operation}: {request} is forbidden to the user of this context")]
    Forbidden {
        /// The operation.
        operation: Label,
        /// Verb and object.
        request: String,
    },
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
    /// Several operations, each for a reason of its own.
    #[error("{} operations cannot be carried out", .0.len())]
    Several(Vec<ObserveError>),
    /// The thread of the connection broke off, which no input of this program causes.
    #[error("observing the cluster was broken off by a fault of this program")]
    BrokenOff,
}

/// Two clusters that should be one.
#[derive(Debug, Error)]
#[error("context {context:?} is cluster {found}, and target {target} is pinned to {pinned}")]
pub struct OtherCluster {
    /// The context.
    pub context: String,
    /// uid of the cluster that answered.
    pub found: String,
    /// The target.
    pub target: Label,
    /// uid of the cluster that the target is pinned to.
    pub pinned: String,
}

/// Permissions that a plan needs and the caller lacks.
#[derive(Debug, Error)]
#[error(
    "the user of context {context:?} may not {}",
    list(.lacking)
)]
pub struct Rights {
    /// The context.
    pub context: String,
    /// What is lacking, sorted.
    pub lacking: Vec<Permission>,
}

/// Permissions that are named in a message; the rest is counted.
const SHOWN: usize = 5;

fn list(lacking: &[Permission]) -> String {
    let mut words: Vec<String> = lacking.iter().take(SHOWN).map(permission).collect();
    let rest = lacking.len().saturating_sub(SHOWN);
    if rest > 0 {
        words.push(format!("{rest} more"));
    }
    words.join(", ")
}

/// `patch deployments.apps in namespace shop`.
fn permission(one: &Permission) -> String {
    let Permission { verb, kind, namespace, name } = one;
    let mut words = format!("{verb} {}", plural(&kind.plural, &kind.group));
    if !name.is_empty() {
        words.push_str(&format!(" {name}"));
    }
    if kind.namespaced && !namespace.is_empty() {
        words.push_str(&format!(" in namespace {namespace}"));
    }
    words
}

/// `deployments.apps`, and `pods` of the core group.
pub(super) fn plural(plural: &str, group: &str) -> String {
    if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") }
}

impl ObserveError {
    /// One error of several.
    pub(super) fn of(mut errors: Vec<Self>) -> Option<Self> {
        match (errors.pop(), errors.is_empty()) {
            (None, _) => None,
            (Some(only), true) => Some(only),
            (Some(last), false) => {
                errors.push(last);
                Some(Self::Several(errors))
            }
        }
    }

    /// Whether the context leads to another cluster than the one that is pinned.
    pub fn is_of_another_cluster(&self) -> bool {
        match self {
            Self::OtherCluster(_) => true,
            Self::Connect(error) => matches!(**error, ConnectError::Authority { .. }),
            Self::Failure(_)
            | Self::Rights(_)
            | Self::Forbidden { .. }
            | Self::Operation { .. }
            | Self::Scope { .. }
            | Self::Several(_)
            | Self::BrokenOff => false,
        }
    }

    /// What to do next; empty where the error says it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::OtherCluster(_) => {
                "let the context of countersign.toml name the cluster that is pinned, or pin the \
                 other one with `countersign init --context`"
            }
            Self::Rights(_) | Self::Forbidden { .. } => {
                "the rights that planning and applying take are in fixtures/kubernetes/target-role.yaml \
                 (README, \"On a cluster\")"
            }
            Self::Scope { .. } => {
                "the target's `namespaces` and `cluster-scoped` in countersign.toml say what may be \
                 changed"
            }
            Self::Several(errors) => {
                let hints = errors.iter().map(Self::hint);
                hints.into_iter().find(|hint| !hint.is_empty()).unwrap_or_default()
            }
            Self::Connect(error) if matches!(**error, ConnectError::Authority { .. }) => {
                "if the cluster's authority was renewed, pin the new one with `countersign init \
                 --context`; if not, this is another cluster"
            }
            Self::Connect(_) | Self::Failure(_) | Self::Operation { .. } | Self::BrokenOff => "",
        }
    }

    /// Whether operations are to blame, and not the cluster.
    pub fn is_of_an_operation(&self) -> bool {
        match self {
            Self::Operation { .. } | Self::Scope { .. } => true,
            Self::Several(errors) => errors.iter().all(Self::is_of_an_operation),
            Self::Connect(_)
            | Self::OtherCluster(_)
            | Self::Failure(_)
            | Self::Rights(_)
            | Self::Forbidden { .. }
            | Self::BrokenOff => false,
        }
    }

    /// Each reason on its own.
    pub fn each(&self) -> impl Iterator<Item = &Self> {
        let (several, one) = match self {
            Self::Several(errors) => (errors.as_slice(), None),
            Self::Connect(_)
            | Self::OtherCluster(_)
            | Self::Failure(_)
            | Self::Rights(_)
            | Self::Forbidden { .. }
            | Self::Operation { .. }
            | Self::Scope { .. }
            | Self::BrokenOff => (&[][..], Some(self)),
        };
        several.iter().chain(one)
    }

    /// Whether the state of the cluster is to blame, and not the reading of it: it is another one,
    /// or what was planned cannot be done to what is there.
    pub fn is_of_the_state(&self) -> bool {
        match self {
            Self::OtherCluster(_) | Self::Operation { .. } | Self::Scope { .. } => true,
            Self::Connect(error) => matches!(**error, ConnectError::Authority { .. }),
            Self::Several(errors) => errors.iter().all(Self::is_of_the_state),
            Self::Failure(_) | Self::Rights(_) | Self::Forbidden { .. } | Self::BrokenOff => false,
        }
    }
}
