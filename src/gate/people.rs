//! Steps 5 and 6: what was meant as an approval is weighed, and the people behind it are counted.

use super::approval::{self, Against, ApprovalFault};
use super::examine::Weighed;
use super::papers::Papers;
use super::refusal::Refusal;
use super::trusted::Trusted;
use crate::clock::Instant;
use crate::document::effect::Class;
use crate::document::statement::{Approval, ApprovalId};
use crate::ledger::{ApprovalUse, Ledger};
use crate::plan::Plan;
use crate::policy::verdict::Verdict;
use crate::trust::quorum::{self, Demand, Question, QuorumError, Standing};

pub(super) fn weigh(
    plan: &Plan,
    papers: &Papers,
    trusted: &Trusted,
    ledger: Option<&Ledger>,
    now: Instant,
    refusals: &mut Vec<Refusal>,
) -> Vec<Weighed> {
    let digest = plan.digest();
    let unread = std::cell::RefCell::new(None);
    // An unfinished round of this very plan may go on with what it spent.
    let spent = |id: &ApprovalId| match ledger.map(|ledger| ledger.approval_use(digest, id)) {
        None | Some(Ok(ApprovalUse::Unspent | ApprovalUse::Resumable { .. })) => false,
        Some(Ok(ApprovalUse::Spent { .. })) => true,
        Some(Err(error)) => {
            unread.replace(Some(error));
            true
        }
    };
    let policy = trusted.bundle.digest();
    let against = Against { plan: digest, policy, root: &trusted.root, now, spent: &spent };
    let mut seen: Vec<Approval> = Vec::new();
    let weigh = |paper: &super::papers::Paper| {
        let result = approval::judge(paper, &against);
        Weighed { name: paper.name.clone(), result }
    };
    let once = |weighed: &Weighed| match &weighed.result {
        // The same statement in two envelopes is one approval. The id alone does not make it the
        // same: who reuses an id must not hide what somebody else said.
        Ok(approval) if seen.contains(approval) => false,
        Ok(approval) => {
            seen.push(approval.clone());
            true
        }
        Err(_) => true,
    };
    let weighed = papers.approvals.iter().map(weigh).filter(once).collect();
    if let Some(error) = unread.into_inner() {
        refusals.push(Refusal::Ledger(Box::new(error)));
    }
    weighed
}

/// Counts the people behind these statements.
pub(super) fn count(
    plan: &Plan,
    trusted: &Trusted,
    verdict: Option<&Verdict>,
    statements: &[Approval],
) -> Result<Standing, QuorumError> {
    let document = plan.document();
    let worst = document.effect.changes.iter().map(|change| change.class).max();
    let raised: Vec<Demand> = verdict
        .map(|verdict| verdict.require_approval.iter())
        .into_iter()
        .flatten()
        .map(|raise| Demand { role: raise.role.clone(), count: raise.count })
        .collect();
    let proposal = &document.proposal;
    let question = Question {
        environment: &proposal.environment,
        worst: worst.unwrap_or(Class::None),
        raised: &raised,
        planner: &proposal.planner,
        requested_by: proposal.requested_by.as_ref(),
        statements,
    };
    quorum::count(&trusted.root, &question)
}

/// What the count has against a plan.
pub(super) fn against(standing: &Standing, approvals: &[Weighed]) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if !standing.rejected.is_empty() {
        refusals.push(Refusal::Rejected(standing.rejected.clone()));
    }
    if standing.missing.is_empty() {
        return refusals;
    }
    let faults: Vec<(&str, &ApprovalFault)> = approvals
        .iter()
        .filter_map(|weighed| Some((weighed.name.as_str(), weighed.result.as_ref().err()?)))
        .collect();
    if faults.is_empty() {
        refusals.push(Refusal::BelowQuorum(standing.clone()));
        return refusals;
    }
    let unknown = faults.iter().any(|(_, f)| matches!(f, ApprovalFault::UnknownKey { .. }));
    let spent = faults.iter().any(|(_, fault)| matches!(fault, ApprovalFault::Spent(_)));
    let told = |(name, fault): &(&str, &ApprovalFault)| ((*name).to_owned(), fault.to_string());
    let faults = faults.iter().map(told).collect();
    refusals.push(Refusal::BadApproval { standing: standing.clone(), faults, unknown, spent });
    refusals
}
