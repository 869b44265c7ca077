//! From a kubeconfig and the name of a context to a connection that trusts one authority only.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// How to reach a cluster. Credentials stay where the kubeconfig says they are.
#[derive(Clone, Debug)]
pub struct Access {
    /// Kubeconfig files, merged as `kubectl` does: what an earlier one says wins. Files that are not
    /// there are passed over; if none is there, the service account of the pod is used, in a pod.
    pub kubeconfig: Vec<PathBuf>,
    /// Name of the context.
    pub context: String,
    /// How long to wait for one answer.
    pub patience: Duration,
}

/// Why there is no connection. Says nothing that a credential plugin printed.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// A kubeconfig cannot be read.
    #[error("{path} cannot be read as a kubeconfig: {message}")]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// No kubeconfig has the context.
    #[error("no kubeconfig has a context {context:?}; there are {known}")]
    Context {
        /// What was asked for.
        context: String,
        /// The contexts that there are.
        known: String,
    },
    /// There is neither a kubeconfig nor a pod's service account.
    #[error("there is no kubeconfig (looked for {looked}), and this is no pod of a cluster")]
    Nothing {
        /// Where it was looked for.
        looked: String,
    },
    /// The context cannot be used as it is.
    #[error("context {context:?}: {message}")]
    Unusable {
        /// The context.
        context: String,
        /// Why.
        message: String,
    },
    /// The context trusts another certificate authority than the one that is pinned.
    #[error("context {context:?} trusts {found}, and the target is pinned to {pinned}")]
    Authority {
        /// The context.
        context: String,
        /// Digests of the authorities that the context names.
        found: String,
        /// The digest that is pinned.
        pinned: String,
    },
}
