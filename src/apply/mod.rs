//! `Authorized` becomes a receipt: the only writer of targets. Every write is recorded in the ledger
//! before it begins; whatever happens, the receipt says what was done.

pub mod directory;

use std::path::Path;

use thiserror::Error;

use crate::clock::Instant;
use crate::document::effect::TargetIdentity;
use crate::document::ident::{Digest, Label};
use crate::document::statement::{
    ApprovalId, Outcome, Receipt, ReceiptItem, Statement, StatementError,
};
use crate::files::{self, FileError};
use crate::gate::{Authorized, Parts};
use crate::ledger::{Ledger, LedgerError};
use crate::plan::Plan;
use crate::trust::envelope;
use crate::trust::sign::{Sign, SignError};

/// Why there is no receipt. What was done to the target before is in the ledger's journal.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// The target's folder cannot be opened. Nothing was changed.
    #[error("the target's folder cannot be opened; nothing was changed")]
    Target(#[from] FileError),
    /// The receipt cannot be written down.
    #[error("the receipt cannot be made")]
    Statement(#[from] StatementError),
    /// The receipt cannot be signed.
    #[error("the receipt cannot be signed")]
    Sign(#[from] SignError),
    /// The ledger does not take the receipt.
    #[error("the ledger did not take the receipt")]
    Ledger(#[from] Box<LedgerError>),
    /// This version applies directories only.
    #[error("this version applies `directory` targets only")]
    Kind,
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
    /// Told after each file: done, and of how many.
    pub progress: &'a dyn Fn(usize, usize),
}

/// What was done.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The receipt.
    pub receipt: Receipt,
    /// Its envelope, as it stands in the ledger.
    pub envelope: Vec<u8>,
}

/// Applies a plan that may be applied, and consumes the permission.
///
/// # Errors
/// [`ApplyError`] only where no receipt could be made; a failed write is an outcome, not an error.
pub fn apply(authorized: Authorized, world: World<'_>) -> Result<Applied, ApplyError> {
    let parts = authorized.consume();
    let path = match &parts.plan.document().effect.target {
        TargetIdentity::Directory { path, .. } => path,
        TargetIdentity::Kubernetes { .. } | TargetIdentity::Cloudformation { .. } => {
            return Err(ApplyError::Kind);
        }
    };
    let folder = files::open_folder(world.project)?.folder(path)?;
    let files = parts.plan.files_in_order();
    let report = directory::execute(&directory::Job {
        files: &files,
        folder: &folder,
        ledger: world.ledger,
        spent: &parts.spent,
        clock: world.clock,
        expires_at: parts.expires_at,
        resume: parts.resume,
        interrupted: world.interrupted,
        progress: world.progress,
    });
    let Parts { plan, spent, lock, started_at, applier, policy, trust_version, approvals, .. } =
        parts;
    let said = Said {
        principal: applier,
        apply_id: spent.apply_id().clone(),
        outcome: report.outcome,
        started_at,
        policy_digest: policy,
        trust_version,
        approvals: approvals.into_iter().collect(),
        items: report.items,
        reason: String::new(),
    };
    let (receipt, envelope) = receipt(&plan, said, &world)?;
    world.ledger.finish(spent, lock, report.outcome, &envelope).map_err(Box::new)?;
    Ok(Applied { receipt, envelope })
}

/// What a receipt says beyond what the plan and the ledger know.
pub struct Said {
    /// Principal that applied.
    pub principal: Label,
    /// Round of the ledger's record.
    pub apply_id: ApprovalId,
    /// How it ended.
    pub outcome: Outcome,
    /// When it began.
    pub started_at: Instant,
    /// Digest of the policies.
    pub policy_digest: Digest,
    /// Version of the trust root.
    pub trust_version: u64,
    /// Approvals spent, sorted.
    pub approvals: Vec<ApprovalId>,
    /// Per file.
    pub items: Vec<ReceiptItem>,
    /// What a person said of it.
    pub reason: String,
}

/// Makes and signs the receipt of a plan.
///
/// # Errors
/// [`ApplyError`].
pub fn receipt(
    plan: &Plan,
    said: Said,
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
    let previous = world.ledger.head(&crate::gate::target_key(plan)).map_err(Box::new)?;
    let receipt = Receipt {
        principal,
        apply_id,
        outcome,
        started_at,
        finished_at: (world.clock)(),
        generator: crate::GENERATOR.to_owned(),
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
