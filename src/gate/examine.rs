//! Steps 1 to 6: everything that can be checked offline, without credentials. All that is wrong is
//! found at once; the first in the order of the gate gives the code.

use std::path::Path;

use super::approval::ApprovalFault;
use super::papers::Papers;
use super::people::{against, count, weigh};
use super::planner::planned_by;
use super::reach::{against_trust, target};
use super::refusal::{Refusal, Refused};
use super::trusted::Trusted;
use crate::clock::Instant;
use crate::document::statement::Approval;
use crate::ledger::Ledger;
use crate::plan::Plan;
use crate::policy::judge::{WorkerLimits, judge};
use crate::policy::verdict::Verdict;
use crate::trust::quorum::{QuorumError, Standing};

/// What the gate is asked about. Time and the worker's program are arguments.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The bytes of plan.json, read once.
    pub plan: &'a [u8],
    /// What lies beside it.
    pub papers: &'a Papers,
    /// The trusted side.
    pub trusted: &'a Trusted,
    /// The ledger; without one, nothing is known of spent approvals and seen trust roots.
    pub ledger: Option<&'a Ledger>,
    /// The program that runs the policy worker.
    pub worker: &'a Path,
    /// Now.
    pub now: Instant,
}

/// One paper and what is thought of it.
#[derive(Debug)]
pub struct Weighed {
    /// Name of the file.
    pub name: String,
    /// The approval, or why it does not count.
    pub result: Result<Approval, ApprovalFault>,
}

/// All that the offline checks found.
#[derive(Debug)]
pub struct Examined {
    plan: Plan,
    verdict: Option<Verdict>,
    approvals: Vec<Weighed>,
    standing: Option<Standing>,
    refusals: Vec<Refusal>,
    trust: (u64, crate::document::ident::Digest),
}

/// A plan with nothing offline against it.
#[derive(Debug)]
pub struct Cleared {
    pub(super) plan: Plan,
    pub(super) verdict: Verdict,
    pub(super) standing: Standing,
    /// The approvals that fill places.
    pub(super) counted: Vec<Approval>,
    pub(super) trust: (u64, crate::document::ident::Digest),
}

impl Cleared {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Who approved.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }
}

impl Examined {
    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What the policies say, if they could be asked.
    pub fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    /// Every paper that was meant as an approval.
    pub fn approvals(&self) -> &[Weighed] {
        &self.approvals
    }

    /// Where the plan stands with its approvers, if that could be counted.
    pub fn standing(&self) -> Option<&Standing> {
        self.standing.as_ref()
    }

    /// What stands against it, in the order of the gate.
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }

    /// Where the plan would stand with one more approval.
    ///
    /// # Errors
    /// [`QuorumError`].
    pub fn count_with(&self, trusted: &Trusted, more: &Approval) -> Result<Standing, QuorumError> {
        let valid = self.approvals.iter().filter_map(|weighed| weighed.result.as_ref().ok());
        let statements: Vec<Approval> = valid.chain([more]).cloned().collect();
        count(&self.plan, trusted, self.verdict.as_ref(), &statements)
    }

    /// When the first of the approvals that fill places expires; `None` without any.
    pub fn expires_at(&self) -> Option<Instant> {
        let standing = self.standing.as_ref()?;
        let valid = self.approvals.iter().filter_map(|weighed| weighed.result.as_ref().ok());
        valid.filter(|approval| fills(standing, approval)).map(|approval| approval.expires_at).min()
    }

    /// The plan, if nothing stands against it.
    ///
    /// # Errors
    /// [`Refused`] with everything that does.
    pub fn clear(self) -> Result<Cleared, Refused> {
        let Self { plan, verdict, approvals, standing, refusals, trust } = self;
        if let Some(refused) = Refused::of(refusals) {
            return Err(refused);
        }
        // Without a verdict or a standing there is a refusal that says why.
        let (Some(verdict), Some(standing)) = (verdict, standing) else {
            return Err(
                Refusal::Incomplete(vec!["it was not examined to the end".to_owned()]).into()
            );
        };
        let valid = approvals.into_iter().filter_map(|weighed| weighed.result.ok());
        let counted = valid.filter(|approval| fills(&standing, approval)).collect();
        Ok(Cleared { plan, verdict, standing, counted, trust })
    }
}

/// Whether an approval fills a place. The id alone does not say so: anybody who signs chooses theirs.
fn fills(standing: &Standing, approval: &Approval) -> bool {
    let same = (&approval.approval_id, &approval.principal);
    standing.counted.iter().any(|counted| (&counted.approval, &counted.principal) == same)
}

/// Runs steps 1 to 6.
///
/// # Errors
/// [`Refusal::Plan`] if the bytes are no plan: then there is nothing else to say.
pub fn examine(inputs: Inputs<'_>) -> Result<Examined, Refusal> {
    let Inputs { plan, papers, trusted, ledger, worker, now } = inputs;
    let plan = Plan::open(plan.to_vec()).map_err(|error| Refusal::Plan(Box::new(error)))?;
    let mut refusals = Vec::new();
    refusals.extend(against_trust(&trusted.root, ledger, now));
    target(&plan, trusted, &mut refusals);
    refusals.extend(planned_by(&plan, papers, &trusted.root).err());
    let asked = judge(worker, &trusted.bundle, plan.bytes(), WorkerLimits::default());
    let verdict = match asked {
        Ok(verdict) => {
            if !verdict.passes() {
                refusals.push(Refusal::Denied(verdict.deny.clone()));
            }
            Some(verdict)
        }
        Err(error) => {
            refusals.push(Refusal::NoVerdict(Box::new(error)));
            None
        }
    };
    let approvals = weigh(&plan, papers, trusted, ledger, now, &mut refusals);
    let statements: Vec<Approval> =
        approvals.iter().filter_map(|weighed| weighed.result.as_ref().ok()).cloned().collect();
    let standing = match count(&plan, trusted, verdict.as_ref(), &statements) {
        Ok(standing) => Some(standing),
        Err(error) => {
            refusals.push(Refusal::Quorum(Box::new(error)));
            None
        }
    };
    let trust = (trusted.root.version(), trusted.root.digest());
    if let Some(standing) = &standing {
        refusals.extend(against(standing, &approvals));
    }
    Ok(Examined { plan, verdict, approvals, standing, refusals, trust })
}
