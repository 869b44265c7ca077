//! The target is observed once more, and must give the same plan, byte for byte.

use super::refusal::Refusal;
use super::trusted::Trusted;
use crate::config::Target;
use crate::document::effect::FileChange;
use crate::observe::{self, ObserveError, Outside, directory};
use crate::plan::{self, Plan, PlanError, Worse};

/// Observes the target again and compares the plan that follows byte for byte.
///
/// A round that goes on (`resumes`) has written some of it already. The files of a folder that are as
/// they will be count as they were before it. Of a cluster, the objects are looked at one by one by
/// whoever goes on; here it must be the same cluster, and what stands around the changes must not have
/// become worse.
///
/// # Errors
/// [`Refusal::Stale`], which names what differs; [`Refusal::Unobservable`], [`Refusal::Unreadable`].
pub fn same_bytes(
    plan: &Plan,
    trusted: &Trusted,
    outside: &Outside<'_>,
    resumes: bool,
) -> Result<(), Refusal> {
    let proposal = plan.document().proposal.clone();
    let target = trusted
        .config
        .target(&proposal.environment, &proposal.target)
        .map_err(|error| Refusal::Target(Box::new(error)))?;
    let again = match (target, resumes) {
        (Target::Directory(folder), true) => {
            let written: &[FileChange] = &plan.document().effect.files;
            directory::Tree::read_before(outside.project, folder, outside.limits, written)
                .and_then(|tree| directory::observe_tree(proposal, folder, tree))
                .map_err(|error| PlanError::Observe(error.into()))
                .and_then(|observed| Ok(Plan::make(observed)?))
        }
        (Target::Kubernetes(_), true) => return goes_on(plan, target, outside),
        (Target::Directory(_) | Target::Kubernetes(_) | Target::Cloudformation(_), _) => {
            plan::plan(proposal, target, outside)
        }
    };
    match again {
        Ok(again) if again.bytes() == plan.bytes() => Ok(()),
        Ok(again) => {
            let (then, now) = (plan.document(), again.document());
            Err(match plan::unread(then, now) {
                unread if unread.is_empty() => stale(plan, plan::differences(then, now)),
                unread => Refusal::Unreadable(unread),
            })
        }
        Err(PlanError::Observe(error)) => Err(unobserved(plan, error)),
        Err(PlanError::Make(error)) => {
            Err(stale(plan, vec![format!("it cannot be planned again: {error}")]))
        }
    }
}

/// Whether a plan of a cluster that is half-way may go on.
fn goes_on(plan: &Plan, target: &Target, outside: &Outside<'_>) -> Result<(), Refusal> {
    observe::identify(target, outside).map_err(|error| unobserved(plan, error))?;
    match plan.worse_by_now(target, outside) {
        Ok(Worse { known, unread }) => match (known.is_empty(), unread.is_empty()) {
            (true, true) => Ok(()),
            (true, false) => Err(Refusal::Unreadable(unread)),
            (false, _) => Err(stale(plan, Worse { known, unread }.lines())),
        },
        Err(error) => Err(stale(plan, vec![format!("it cannot be judged again: {error}")])),
    }
}

fn stale(plan: &Plan, differences: Vec<String>) -> Refusal {
    Refusal::Stale { plan: plan.digest(), differences, readable: true }
}

fn unobserved(plan: &Plan, error: ObserveError) -> Refusal {
    if error.is_of_another_target() {
        return Refusal::OtherTarget(Box::new(error));
    }
    if !error.is_of_the_state() {
        return Refusal::Unobservable(Box::new(error));
    }
    let readable = error.is_of_an_operation();
    Refusal::Stale { plan: plan.digest(), differences: error.lines(), readable }
}
