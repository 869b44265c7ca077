//! The receipt of an apply: made from what is known of it, signed, and named.

use super::World;
use super::error::ApplyError;
use crate::clock::Instant;
use crate::document::ident::{Digest, Label};
use crate::document::statement::{ApprovalId, GENERATOR, Outcome, Receipt, ReceiptItem, Statement};
use crate::plan::Plan;
use crate::trust::envelope;

/// The name of the file that a receipt is kept in beside its plan.
pub fn receipt_name(receipt: &Receipt) -> String {
    let short: String = receipt.apply_id.as_str().chars().take(12).collect();
    match receipt.outcome {
        Outcome::Applied | Outcome::NotReady | Outcome::Abandoned => format!("{short}.intoto.json"),
        // A round that goes on writes another receipt later.
        Outcome::FailedClean | Outcome::Partial | Outcome::Indeterminate => {
            let time = receipt.finished_at.to_string().replace([':', '-'], "");
            format!("{short}-{time}.intoto.json")
        }
    }
}

/// What a receipt says beyond what the plan and the ledger know.
pub(super) struct Said {
    /// Principal that applied.
    pub(super) principal: Label,
    /// Round of the ledger's record.
    pub(super) apply_id: ApprovalId,
    /// How it ended.
    pub(super) outcome: Outcome,
    /// When it began.
    pub(super) started_at: Instant,
    /// Digest of the policies.
    pub(super) policy_digest: Digest,
    /// Version of the trust root.
    pub(super) trust_version: u64,
    /// Approvals spent, sorted.
    pub(super) approvals: Vec<ApprovalId>,
    /// Per change.
    pub(super) items: Vec<ReceiptItem>,
    /// What a person said of it.
    pub(super) reason: String,
}

/// Makes and signs the receipt of a plan.
pub(super) fn receipt(
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
