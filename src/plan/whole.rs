//! From a proposal to its plan: the way that planning, applying and checking live all take.

use thiserror::Error;

use super::{MakeError, Plan};
use crate::config::Target;
use crate::document::proposal::Proposal;
use crate::observe::{self, ObserveError, Outside};

/// Why a proposal gives no plan.
#[derive(Debug, Error)]
pub enum PlanError {
    /// The target could not be observed.
    #[error(transparent)]
    Observe(#[from] ObserveError),
    /// Nothing follows from what was observed.
    #[error(transparent)]
    Make(#[from] MakeError),
}

/// Observes the target of a proposal and makes the plan that follows. Nothing is changed.
///
/// # Errors
/// [`PlanError`].
pub fn plan(proposal: Proposal, target: &Target, outside: &Outside<'_>) -> Result<Plan, PlanError> {
    let observed = observe::observe(proposal, target, outside)?;
    Ok(match target {
        Target::Directory(_) | Target::Cloudformation(_) => Plan::make(observed)?,
        Target::Kubernetes(_) => {
            Plan::make_around(observed, |wanted| observe::surroundings(wanted, target, outside))?
        }
    })
}
