//! Reads the objects of a proposal from a cluster and lets the cluster rehearse the operations.
//! Nothing is ever changed there.

use std::collections::BTreeSet;

use thiserror::Error;

use super::{ListOf, Observed, Surroundings};
use crate::config::KubernetesTarget;
use crate::custody::vault::Vault;
use crate::document::proposal::Proposal;
use crate::remote::kubernetes::{Access, Cluster};

/// How to reach the cluster of a target.
#[derive(Debug)]
pub struct Reach {
    /// The kubeconfig and its context.
    pub access: Access,
    /// The secrets that may go there.
    pub vault: Vault,
}

/// Why a cluster could not be observed.
#[derive(Debug, Error)]
pub enum ObserveError {}

impl ObserveError {
    /// Each reason on its own.
    pub fn each(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self)
    }

    /// Whether the context leads to another cluster than the one that is pinned.
    pub fn is_of_another_cluster(&self) -> bool {
        unimplemented!()
    }

    /// What to do next; empty where the error says it.
    pub fn hint(&self) -> &'static str {
        ""
    }

    /// Whether the state of the cluster is to blame, and not the reading of it: another cluster, or
    /// what was planned cannot be done to what is there.
    pub fn is_of_the_state(&self) -> bool {
        unimplemented!()
    }

    /// Whether operations are to blame: the cluster itself could be read.
    pub fn is_of_an_operation(&self) -> bool {
        unimplemented!()
    }
}

impl Reach {
    /// The connection to the cluster of this target: made at the first call, and proven to be to the
    /// cluster that is pinned.
    ///
    /// # Errors
    /// [`ObserveError`].
    pub fn cluster(&self, target: &KubernetesTarget) -> Result<&Cluster, ObserveError> {
        let _ = target;
        unimplemented!()
    }
}

/// Observes and rehearses every operation of a proposal.
///
/// # Errors
/// [`ObserveError`].
pub fn observe(
    proposal: Proposal,
    target: &KubernetesTarget,
    reach: &Reach,
) -> Result<Observed, ObserveError> {
    let _ = (proposal, target, reach);
    unimplemented!()
}

/// What stands around the changes, as far as it is wanted. A list that is refused or fails is
/// unresolved, which is not the same as empty.
///
/// # Errors
/// [`ObserveError`] where the cluster cannot be reached.
pub fn surroundings(
    wanted: &BTreeSet<ListOf>,
    target: &KubernetesTarget,
    reach: &Reach,
) -> Result<Surroundings, ObserveError> {
    let _ = (wanted, target, reach);
    unimplemented!()
}
