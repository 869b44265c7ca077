//! The target is observed once more, and must give the same plan, byte for byte.

use std::path::Path;

use super::refusal::Refusal;
use super::trusted::Trusted;
use crate::causes;
use crate::config::Target;
use crate::document::effect::FileChange;
use crate::observe::directory;
use crate::plan::{self, Plan};

/// Observes the target again, as it was before `written` was written, and compares the plan that
/// follows byte for byte.
///
/// # Errors
/// [`Refusal::Stale`], which names what differs.
pub fn same_bytes(
    plan: &Plan,
    trusted: &Trusted,
    project: &Path,
    written: &[FileChange],
) -> Result<(), Refusal> {
    let proposal = plan.document().proposal.clone();
    let target = trusted
        .config
        .target(&proposal.environment, &proposal.target)
        .map_err(|error| Refusal::Target(Box::new(error)))?;
    let stale = |differences| Refusal::Stale { plan: plan.digest(), differences, readable: true };
    let observed = match target {
        Target::Directory(target) => {
            directory::Tree::read_before(project, target, &trusted.config.limits, written)
                .and_then(|tree| directory::observe_tree(proposal, target, tree))
        }
        Target::Kubernetes(_) | Target::Cloudformation(_) => {
            return Err(stale(vec!["the target is of another kind now".to_owned()]));
        }
    };
    let observed = observed.map_err(|error| {
        if error.is_of_the_state() {
            let differences = error.each().map(|error| causes::line(error)).collect();
            let readable = error.is_of_an_operation();
            Refusal::Stale { plan: plan.digest(), differences, readable }
        } else {
            Refusal::Unobservable(Box::new(error))
        }
    })?;
    let again = match Plan::make(observed) {
        Ok(again) => again,
        Err(error) => return Err(stale(vec![format!("it cannot be planned again: {error}")])),
    };
    if again.bytes() == plan.bytes() {
        return Ok(());
    }
    Err(stale(plan::differences(plan.document(), again.document())))
}
