//! Steps 1 to 6: everything that can be checked offline, without credentials. All that is wrong is
//! found at once; the first in the order of the gate gives the code.

use std::path::Path;

use super::approval::{self, Against, ApprovalFault};
use super::papers::Papers;
use super::refusal::{Refusal, Refused};
use super::trusted::Trusted;
use crate::clock::Instant;
use crate::config::{DirectoryTarget, Target};
use crate::document::effect::{Class, PreviewState, TargetIdentity};
use crate::document::ident::ResourceId;
use crate::document::statement::{Approval, ApprovalId, Planned, Statement};
use crate::ledger::{ApprovalUse, Ledger};
use crate::plan::Plan;
use crate::policy::judge::{WorkerLimits, judge};
use crate::policy::verdict::Verdict;
use crate::trust::envelope::Envelope;
use crate::trust::principal::PLANNER;
use crate::trust::quorum::{self, Demand, Question, QuorumError, Standing};
use crate::trust::root::TrustRoot;

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
    planned: Option<Planned>,
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

    /// Who planned, if that could be verified.
    pub fn planned(&self) -> Option<&Planned> {
        self.planned.as_ref()
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
        let Self { plan, verdict, approvals, standing, refusals, trust, planned: _ } = self;
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
    let planned = match planned_by(&plan, papers, &trusted.root) {
        Ok(planned) => Some(planned),
        Err(refusal) => {
            refusals.push(refusal);
            None
        }
    };
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
    let approvals = report(approvals, standing.as_ref(), &mut refusals);
    Ok(Examined { plan, planned, verdict, approvals, standing, refusals, trust })
}

/// What stands against a trust root that loads: its end, and what applies have seen before. The
/// check of step 2 on its own; it gives no permission.
pub fn against_trust(root: &TrustRoot, ledger: Option<&Ledger>, now: Instant) -> Vec<Refusal> {
    let (version, at) = (root.version(), root.expires_at());
    let mut refusals = Vec::new();
    if root.is_expired(now) {
        refusals.push(Refusal::TrustExpired { version, at });
    }
    match ledger.map(Ledger::trust_seen) {
        None | Some(Ok(None)) => {}
        Some(Ok(Some((seen, _)))) if seen > version => {
            refusals.push(Refusal::TrustRolledBack { version, seen });
        }
        Some(Ok(Some((seen, digest)))) if seen == version && digest != root.digest() => {
            refusals.push(Refusal::TrustForked { version });
        }
        Some(Ok(Some(_))) => {}
        Some(Err(error)) => refusals.push(Refusal::Ledger(Box::new(error))),
    }
    refusals
}

/// Whether the plan is of this project, its target declared, and everything in it within reach.
fn target(plan: &Plan, trusted: &Trusted, refusals: &mut Vec<Refusal>) {
    let proposal = &plan.document().proposal;
    let effect = &plan.document().effect;
    if proposal.project != trusted.config.name {
        let (found, wanted) = (proposal.project.clone(), trusted.config.name.clone());
        refusals.push(Refusal::Project { found, wanted });
    }
    match trusted.config.target(&proposal.environment, &proposal.target) {
        Err(error) => refusals.push(Refusal::Target(Box::new(error))),
        Ok(target) => {
            let live = identity(&trusted.config.name, target);
            if live.as_ref() != Some(&effect.target) {
                refusals.push(Refusal::TargetDiffers {
                    target: proposal.target.clone(),
                    live: live.as_ref().map_or_else(|| "of another kind".to_owned(), shown),
                    planned: shown(&effect.target),
                });
            }
            if let Target::Directory(directory) = target {
                let objects = outside(effect.changes.iter().map(|change| &change.id), directory);
                if !objects.is_empty() {
                    let target = proposal.target.clone();
                    refusals.push(Refusal::OutOfScope { target, objects });
                }
            }
        }
    }
    if !effect.complete {
        let mut why: Vec<String> = Vec::new();
        for change in &effect.changes {
            let state = change.preview.state;
            if !matches!(state, PreviewState::Server | PreviewState::Local) {
                why.push(format!("{}: {}", change.id, change.preview.because));
            }
        }
        why.extend(effect.impact.unresolved.iter().map(|read| format!("unresolved: {read}")));
        if effect.impact.truncated {
            why.push("its blast radius is larger than what is listed".to_owned());
        }
        refusals.push(Refusal::Incomplete(why));
    }
}

/// What a target of the configuration is, as far as that needs no look at it.
fn identity(project: &crate::document::ident::Label, target: &Target) -> Option<TargetIdentity> {
    match target {
        Target::Directory(directory) => Some(TargetIdentity::Directory {
            project: project.clone(),
            path: directory.path.as_str().to_owned(),
        }),
        Target::Kubernetes(_) | Target::Cloudformation(_) => None,
    }
}

fn shown(identity: &TargetIdentity) -> String {
    match identity {
        TargetIdentity::Directory { project, path } => {
            format!("folder {path:?} of project {project}")
        }
        TargetIdentity::Kubernetes { cluster_uid, .. } => format!("cluster {cluster_uid}"),
        TargetIdentity::Cloudformation { account, region, stack, .. } => {
            format!("stack {stack} in {account}/{region}")
        }
    }
}

fn outside<'c>(
    ids: impl Iterator<Item = &'c ResourceId>,
    target: &DirectoryTarget,
) -> Vec<ResourceId> {
    ids.filter(|id| !target.covers(id)).cloned().collect()
}

/// Who planned, by the statement beside the plan: the check of step 3 on its own; it gives no
/// permission.
///
/// # Errors
/// [`Refusal`], one for each way in which the statement is not as it must be.
pub fn planned_by(plan: &Plan, papers: &Papers, root: &TrustRoot) -> Result<Planned, Refusal> {
    let planner = &plan.document().proposal.planner;
    let version = root.version();
    let principal =
        root.principal(planner).filter(|found| found.roles().any(|role| role.as_str() == PLANNER));
    if principal.is_none() {
        return Err(Refusal::PlannerUnknown { planner: planner.clone(), version });
    }
    let bytes = papers.planner.as_ref().ok_or(Refusal::PlannerMissing)?;
    let unsigned =
        |source| Refusal::PlannerSignature { planner: planner.clone(), source: Box::new(source) };
    let keys = root.keys_of(planner);
    let envelope = Envelope::parse(bytes).map_err(unsigned)?;
    let verified = envelope.verify(&keys).map_err(unsigned)?;
    let statement = Statement::<Planned>::from_bytes(verified.payload())
        .map_err(|error| Refusal::PlannerStatement(Box::new(error)))?;
    let Statement { plan: subject, predicate } = statement;
    if subject != plan.digest() {
        return Err(Refusal::PlannerSubject(subject));
    }
    if predicate.principal != *planner {
        return Err(Refusal::PlannerUnknown { planner: predicate.principal, version });
    }
    Ok(predicate)
}

fn weigh(
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
fn count(
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

/// Adds what the count says to the refusals.
fn report(
    approvals: Vec<Weighed>,
    standing: Option<&Standing>,
    refusals: &mut Vec<Refusal>,
) -> Vec<Weighed> {
    let Some(standing) = standing else {
        return approvals;
    };
    if !standing.rejected.is_empty() {
        refusals.push(Refusal::Rejected(standing.rejected.clone()));
    }
    if standing.missing.is_empty() {
        return approvals;
    }
    if approvals.iter().all(|weighed| weighed.result.is_ok()) {
        refusals.push(Refusal::BelowQuorum(standing.clone()));
        return approvals;
    }
    let told = |weighed: &Weighed| match &weighed.result {
        Ok(_) => None,
        Err(fault) => Some((weighed.name.clone(), fault.to_string())),
    };
    let faults = approvals.iter().filter_map(told).collect();
    let unknown =
        approvals.iter().any(|w| matches!(w.result, Err(ApprovalFault::UnknownKey { .. })));
    let spent = approvals.iter().any(|w| matches!(w.result, Err(ApprovalFault::Spent(_))));
    refusals.push(Refusal::BadApproval { standing: standing.clone(), faults, unknown, spent });
    approvals
}
