//! `Authorized` becomes a receipt: the only writer of targets. Every write is recorded in the ledger
//! before it begins; whatever happens, the receipt says what was done.

pub mod commit;
pub mod directory;

use std::path::Path;

use thiserror::Error;

use crate::causes;
use crate::clock::Instant;
use crate::document::code::Code;
use crate::document::effect::{FileChange, TargetIdentity};
use crate::document::ident::{Digest, Label};
use crate::document::statement::{
    ApprovalId, GENERATOR, Outcome, Receipt, ReceiptItem, Statement, StatementError,
};
use crate::files::{self, FileError, Folder};
use crate::gate::{Authorized, Parts};
use crate::git::GitError;
use crate::ledger::{Holder, Ledger, LedgerError, Spent};
use crate::plan::Plan;
use crate::trust::envelope::{self, SealError};
use crate::trust::quorum::Standing;
use crate::trust::sign::Sign;

/// Why there is no receipt. What was done to the target before is in the ledger's journal.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// The receipt cannot be written down.
    #[error("the receipt cannot be made")]
    Statement(#[from] StatementError),
    /// The receipt cannot be signed.
    #[error("the receipt cannot be signed")]
    Sign(#[from] SealError),
    /// The ledger refuses to begin. Nothing was done.
    #[error("the ledger refuses")]
    Ledger(#[source] Box<LedgerError>),
    /// The ledger does not take the receipt of what was done.
    #[error("the ledger did not take the receipt")]
    Unrecorded(#[source] Box<LedgerError>),
    /// The commit cannot be made. The branch is as it was.
    #[error("the commit cannot be made; the files are written in this checkout only")]
    Uncommitted(#[source] Box<GitError>),
    /// Branch and ledger did not take what was to land in both of them. They are as they were.
    #[error("nothing was committed; the files are written in this checkout only")]
    Unlanded(#[source] Box<LedgerError>),
    /// It is not known whether branch and ledger took what was to land in both of them.
    #[error("whether the commit landed is not known; the files are written in this checkout")]
    Adrift(#[source] Box<LedgerError>),
}

impl ApplyError {
    /// The exit code. Without a receipt nobody can say how far it came but the ledger's journal.
    pub fn code(&self) -> Code {
        match self {
            Self::Statement(_) | Self::Sign(_) | Self::Unrecorded(_) | Self::Adrift(_) => {
                Code::Indeterminate
            }
            // Where it commits, the target is the branch, and the checkout only a way to it.
            Self::Uncommitted(_) | Self::Unlanded(_) => Code::ApplyFailedClean,
            Self::Ledger(error) => error.code(),
        }
    }

    /// What to do next; `{plan}` stands for the plan's folder.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Statement(_) | Self::Sign(_) => {
                "mend the cause, then `countersign apply {plan} --resume`: the ledger knows what was begun"
            }
            Self::Unrecorded(error) if matches!(**error, LedgerError::Unusable { .. }) => {
                "see that the ledger is there, writable, and not full; then `countersign apply {plan} --resume`"
            }
            Self::Uncommitted(_) => {
                "mend the cause, then `countersign apply {plan} --resume --commit`"
            }
            Self::Unlanded(error) if matches!(**error, LedgerError::Branch { .. }) => {
                "take the files back (`git stash -u`), check out what the branch is at now, then `countersign apply {plan} --resume --commit`"
            }
            Self::Unlanded(_) => {
                "mend the cause, then `countersign apply {plan} --resume --commit`, here or in another checkout"
            }
            Self::Ledger(error) | Self::Unrecorded(error) | Self::Adrift(error) => error.hint(),
        }
    }
}

/// What the apply needs of the world.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// The ledger that the approvals were spent in.
    pub ledger: &'a Ledger,
    /// The project's folder.
    pub project: &'a Path,
    /// Signs the receipt.
    pub signer: &'a dyn Sign,
    /// Reads the clock.
    pub clock: &'a dyn Fn() -> Instant,
    /// Whether somebody asked to stop.
    pub interrupted: &'a dyn Fn() -> bool,
    /// What the result is committed on top of; `None`: nothing is committed.
    pub commit: Option<&'a commit::Base>,
}

/// What was done.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The receipt.
    pub receipt: Receipt,
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
    let files: Vec<FileChange> = parts.plan.files_in_order().into_iter().cloned().collect();
    let run = directory::Run {
        ledger: world.ledger,
        spent: &parts.spent,
        expires_at: parts.expires_at,
        now: world.clock,
        interrupted: world.interrupted,
    };
    let report = match target_folder(&parts.plan, world.project) {
        Ok(folder) => directory::execute(&files, &folder, &run),
        Err(error) => directory::unopened(&files, error),
    };
    let stop = report.stop().map(told);
    let interrupted = matches!(report.stop(), Some(directory::Stop::Interrupted));
    let Parts { plan, spent, started_at, applier, policy, trust_version, standing, .. } = parts;
    let said = Said {
        principal: applier,
        apply_id: spent.apply_id().clone(),
        outcome: report.outcome(),
        started_at,
        policy_digest: policy,
        trust_version,
        approvals: spent.approvals().iter().cloned().collect(),
        items: report.items(),
        reason: String::new(),
    };
    let (receipt, envelope) = receipt(&plan, said, spent.lock().previous(), &world)?;
    let landed = land(&plan, spent, (&receipt, &envelope), &standing, &world)?;
    Ok(Applied { receipt, envelope, stop: stop.unwrap_or_default(), interrupted, landed })
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

/// The name of the file that a receipt is kept in beside its plan.
pub fn receipt_name(receipt: &Receipt) -> String {
    let short: String = receipt.apply_id.as_str().chars().take(12).collect();
    match receipt.outcome {
        Outcome::Applied | Outcome::Abandoned => format!("{short}.intoto.json"),
        // A round that goes on writes another receipt later.
        Outcome::FailedClean | Outcome::Partial | Outcome::Indeterminate => {
            let time = receipt.finished_at.to_string().replace([':', '-'], "");
            format!("{short}-{time}.intoto.json")
        }
    }
}

fn unrecorded(error: LedgerError) -> ApplyError {
    ApplyError::Unrecorded(Box::new(error))
}

/// The root of a directory target. What is of another kind is not opened: the gate lets no plan of
/// one through.
fn target_folder(plan: &Plan, project: &Path) -> Result<Folder, FileError> {
    match &plan.document().effect.target {
        TargetIdentity::Directory { path, .. } => files::open_folder(project)?.folder(path),
        TargetIdentity::Kubernetes { .. } | TargetIdentity::Cloudformation { .. } => {
            Err(FileError::Surprise { path: project.to_owned(), what: "not a directory target" })
        }
    }
}

/// Why an apply stopped, outermost first.
fn told(stop: &directory::Stop) -> Vec<String> {
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
    let files: Vec<FileChange> = plan.files_in_order().into_iter().cloned().collect();
    let ids: Vec<ApprovalId> = rounds.iter().map(|round| round.apply_id.clone()).collect();
    let report = match target_folder(plan, world.project) {
        Ok(folder) => directory::given_up(&files, &folder, &ids),
        Err(error) => directory::unopened(&files, error),
    };
    let said = Said {
        principal: applier,
        apply_id: apply_id.clone(),
        outcome: Outcome::Abandoned,
        started_at: open.started_at,
        policy_digest: policy,
        trust_version,
        approvals: open.approvals.iter().cloned().collect(),
        items: report.items(),
        reason: reason.to_owned(),
    };
    let (receipt, envelope) = receipt(plan, said, lock.previous(), &world)?;
    world.ledger.abandon(lock, &apply_id, &envelope, now).map_err(unrecorded)?;
    let stop = report.stop().map(told).unwrap_or_default();
    Ok(Applied { receipt, envelope, stop, interrupted: false, landed: None })
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

/// What a receipt says beyond what the plan and the ledger know.
struct Said {
    /// Principal that applied.
    principal: Label,
    /// Round of the ledger's record.
    apply_id: ApprovalId,
    /// How it ended.
    outcome: Outcome,
    /// When it began.
    started_at: Instant,
    /// Digest of the policies.
    policy_digest: Digest,
    /// Version of the trust root.
    trust_version: u64,
    /// Approvals spent, sorted.
    approvals: Vec<ApprovalId>,
    /// Per file.
    items: Vec<ReceiptItem>,
    /// What a person said of it.
    reason: String,
}

/// Makes and signs the receipt of a plan.
fn receipt(
    plan: &Plan,
    said: Said,
    previous: Option<Digest>,
    world: &World<'_>,
) -> Result<(Receipt, Vec<u8>), ApplyError> {
    let Said {
        principal,
        apply_id,
        outcome,
        started_at,
        policy_digest,
        trust_version,
        approvals,
        items,
        reason,
    } = said;
    let proposal = &plan.document().proposal;
    let receipt = Receipt {
        principal,
        apply_id,
        outcome,
        started_at,
        finished_at: (world.clock)(),
        generator: GENERATOR.to_owned(),
        environment: proposal.environment.clone(),
        target: proposal.target.clone(),
        policy_digest,
        trust_version: trust_version.to_string(),
        approvals,
        items,
        previous: previous.map(|digest| digest.to_string()).unwrap_or_default(),
        reason,
    };
    let statement = Statement { plan: plan.digest(), predicate: receipt };
    let envelope = envelope::seal(&statement.to_bytes()?, world.signer)?;
    Ok((statement.predicate, envelope))
}
