//! `Authorized` becomes a receipt: the only writer of targets. Every write is recorded in the ledger
//! before it begins; whatever happens, the receipt says what was done.

pub mod commit;
pub mod directory;
mod error;
pub mod kubernetes;
mod receipt;
mod report;
mod run;
mod target;

use crate::causes;
use crate::clock::Instant;
use crate::config::Config;
use crate::document::effect::{FileChange, TargetIdentity};
use crate::document::ident::{Digest, Label};
use crate::document::statement::{ApprovalId, Outcome, Receipt};
use crate::gate::{Authorized, Parts};
use crate::ledger::{Holder, Ledger, LedgerError, Spent};
use crate::observe::Outside;
use crate::plan::Plan;
use crate::trust::quorum::Standing;
use crate::trust::sign::Sign;

use receipt::{Said, receipt};
use target::Way;

pub use error::ApplyError;
pub use receipt::receipt_name;
pub use report::{ItemReport, Report, Stop};
pub use run::Run;

/// What the apply needs of the world.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// The ledger that the approvals were spent in.
    pub ledger: &'a Ledger,
    /// The trusted configuration, which says what the target of a plan is.
    pub config: &'a Config,
    /// The way to the target: the project's folder, or the cluster.
    pub outside: &'a Outside<'a>,
    /// Signs the receipt.
    pub signer: &'a dyn Sign,
    /// Reads the clock.
    pub clock: &'a dyn Fn() -> Instant,
    /// Whether somebody asked to stop.
    pub interrupted: &'a dyn Fn() -> bool,
    /// Is told what is being waited for, and why.
    pub progress: &'a dyn Fn(&str),
    /// What the result is committed on top of; `None`: nothing is committed.
    pub commit: Option<&'a commit::Base>,
}

/// What was done.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The receipt.
    pub receipt: Receipt,
    /// What its items are, for people: `file`, `object`.
    pub items: &'static str,
    /// Its envelope, as it stands in the ledger.
    pub envelope: Vec<u8>,
    /// Why it stopped before its end, outermost cause first; empty if it did not.
    pub stop: Vec<String>,
    /// Whether it stopped because somebody asked for it.
    pub interrupted: bool,
    /// The commit that the branch got; `None` if it was not to get one, or not everything was
    /// applied.
    pub landed: Option<commit::Landed>,
}

/// Applies a plan that may be applied, and consumes the permission.
///
/// # Errors
/// [`ApplyError`] only where no receipt could be made; a failed write is an outcome, not an error.
pub fn apply(authorized: Authorized, world: World<'_>) -> Result<Applied, ApplyError> {
    let parts = authorized.consume();
    let recheck = |_| still_holds(&parts.plan, &world);
    let run = Run {
        ledger: world.ledger,
        spent: &parts.spent,
        expires_at: parts.expires_at,
        now: world.clock,
        interrupted: world.interrupted,
        progress: world.progress,
        recheck: &recheck,
    };
    let report = execute(&parts.plan, &run, &world);
    let stop = report.stop().map(told);
    let interrupted = matches!(report.stop(), Some(Stop::Interrupted));
    let Parts { plan, spent, started_at, applier, policy, trust_version, standing, .. } = parts;
    let said = Said {
        principal: applier,
        apply_id: spent.apply_id().clone(),
        outcome: report.outcome(),
        started_at,
        policy_digest: policy,
        trust_version,
        approvals: spent.approvals().iter().cloned().collect(),
        items: report.lines(),
        reason: String::new(),
    };
    let (receipt, envelope) = receipt(&plan, said, spent.lock().previous(), &world)?;
    let landed = land(&plan, spent, (&receipt, &envelope), &standing, &world)?;
    let (items, stop) = (items(&plan), stop.unwrap_or_default());
    Ok(Applied { receipt, items, envelope, stop, interrupted, landed })
}

/// Ends the round with its receipt. Where the result is to be committed and all of it was applied,
/// the branch gets it in the same stroke; a part of a change never gets into the branch.
fn land(
    plan: &Plan,
    spent: Spent,
    (receipt, envelope): (&Receipt, &[u8]),
    standing: &Standing,
    world: &World<'_>,
) -> Result<Option<commit::Landed>, ApplyError> {
    let base = world.commit.filter(|_| receipt.outcome == Outcome::Applied);
    let Some(base) = base else {
        world.ledger.finish(spent, envelope, None).map_err(unrecorded)?;
        return Ok(None);
    };
    let committed = base.commit(plan, envelope, &commit::Told { receipt, standing });
    let committed = committed.map_err(|error| ApplyError::Uncommitted(Box::new(error)))?;
    let finished = world.ledger.finish(spent, envelope, Some(base.along(&committed)));
    finished.map_err(|error| {
        let unknown = matches!(error, LedgerError::Unknown { .. });
        let kind = if unknown { ApplyError::Adrift } else { ApplyError::Unlanded };
        kind(Box::new(error))
    })?;
    Ok(Some(base.follow(&committed)))
}

fn unrecorded(error: LedgerError) -> ApplyError {
    ApplyError::Unrecorded(Box::new(error))
}

/// Makes the changes of the plan, the way its target is reached.
fn execute(plan: &Plan, run: &Run<'_>, world: &World<'_>) -> Report {
    match target::way(plan, world.config, world.outside) {
        Ok(Way::Directory(Ok(folder))) => directory::execute(&files(plan), &folder, run),
        Ok(Way::Directory(Err(error))) => directory::unopened(&files(plan), error),
        Ok(Way::Kubernetes(place)) => kubernetes::execute(plan, run, place),
        Err(stop) => target::unknown(plan, stop),
    }
}

/// What the rounds `ids` left behind. Nothing is written.
fn given_up(plan: &Plan, ids: &[ApprovalId], world: &World<'_>) -> Report {
    match target::way(plan, world.config, world.outside) {
        Ok(Way::Directory(Ok(folder))) => directory::given_up(&files(plan), &folder, ids),
        Ok(Way::Directory(Err(error))) => directory::unopened(&files(plan), error),
        Ok(Way::Kubernetes(place)) => kubernetes::given_up(plan, place),
        Err(stop) => target::unknown(plan, stop),
    }
}

/// Whether the changes would still do what they were said to do, and no worse.
fn still_holds(plan: &Plan, world: &World<'_>) -> Result<(), String> {
    let proposal = &plan.document().proposal;
    let target = world.config.target(&proposal.environment, &proposal.target);
    let target = target.map_err(|error| causes::line(&error))?;
    match plan.worse_by_now(target, world.outside) {
        Ok(worse) => match worse.lines() {
            lines if lines.is_empty() => Ok(()),
            lines => Err(lines.join("; ")),
        },
        Err(error) => Err(causes::line(&error)),
    }
}

/// What is written one by one.
fn items(plan: &Plan) -> &'static str {
    match &plan.document().effect.target {
        TargetIdentity::Directory { .. } => "file",
        TargetIdentity::Kubernetes { .. } | TargetIdentity::Cloudformation { .. } => "object",
    }
}

fn files(plan: &Plan) -> Vec<FileChange> {
    plan.files_in_order().into_iter().cloned().collect()
}

/// Why an apply stopped, outermost first.
fn told(stop: &Stop) -> Vec<String> {
    let mut told = vec![stop.to_string()];
    told.extend(causes::of(stop));
    told
}

/// Gives up a round of this plan that began and did not finish: a receipt that says so, and the
/// target is free again. Nothing is written to it.
///
/// # Errors
/// [`ApplyError`], [`LedgerError::NothingBegun`] among them.
pub fn abandon(
    plan: &Plan,
    giving_up: GivingUp<'_>,
    world: World<'_>,
) -> Result<Applied, ApplyError> {
    let GivingUp { applier, host, process, ids, policy, trust_version, reason } = giving_up;
    let now = (world.clock)();
    let target = crate::gate::target_key(plan);
    let holder =
        Holder { principal: applier.clone(), host: host.to_owned(), pid: process, since: now };
    let (apply_id, lock_id) = ids;
    let refused = |error| ApplyError::Ledger(Box::new(error));
    let rounds = world.ledger.rounds(plan.digest()).map_err(refused)?;
    let Some(open) = rounds.last().filter(|round| round.state.is_open()) else {
        return Err(refused(LedgerError::NothingBegun(plan.digest())));
    };
    let lock = world.ledger.lock(&target, plan.digest(), lock_id, holder, true).map_err(refused)?;
    let ids: Vec<ApprovalId> = rounds.iter().map(|round| round.apply_id.clone()).collect();
    let report = given_up(plan, &ids, &world);
    let said = Said {
        principal: applier,
        apply_id: apply_id.clone(),
        outcome: Outcome::Abandoned,
        started_at: open.started_at,
        policy_digest: policy,
        trust_version,
        approvals: open.approvals.iter().cloned().collect(),
        items: report.lines(),
        reason: reason.to_owned(),
    };
    let (receipt, envelope) = receipt(plan, said, lock.previous(), &world)?;
    world.ledger.abandon(lock, &apply_id, &envelope, now).map_err(unrecorded)?;
    let stop = report.stop().map(told).unwrap_or_default();
    let items = items(plan);
    Ok(Applied { receipt, items, envelope, stop, interrupted: false, landed: None })
}

/// What is needed to give up, besides the plan.
pub struct GivingUp<'a> {
    /// Principal of the applier.
    pub applier: Label,
    /// Host and process, for the lock.
    pub host: &'a str,
    /// Process id.
    pub process: u32,
    /// Random ids: of the round that ends it, and of the lock.
    pub ids: (ApprovalId, ApprovalId),
    /// Digest of the policies in force.
    pub policy: Digest,
    /// Version of the trust root in force.
    pub trust_version: u64,
    /// Why, in a person's words.
    pub reason: &'a str,
}
