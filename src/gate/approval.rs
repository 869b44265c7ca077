//! One approval: the signature over the received bytes first, then the strict reading of those very
//! bytes, then everything that it must be bound to.

use thiserror::Error;

use crate::clock::Instant;
use crate::document::ident::{Digest, Label};
use crate::document::statement::{Approval, ApprovalId, Decision, Statement, StatementError};
use crate::trust::envelope::{Envelope, EnvelopeError};
use crate::trust::fingerprint::Fingerprint;
use crate::trust::key::PublicKey;
use crate::trust::root::TrustRoot;
use crate::trust::sshsig::{self, SshsigError};

use super::papers::Paper;

/// Seconds by which the clocks of two people may differ.
pub const CLOCK_SKEW_SECONDS: i64 = 300;

/// Why an approval does not count.
#[derive(Debug, Error)]
pub enum ApprovalFault {
    /// A prepared statement without its signature.
    #[error("it is not signed: sign it with `ssh-keygen -Y sign -n approval.v1@countersign`")]
    Unsigned,
    /// Not an envelope, or its signature is by nobody in trust.json.
    #[error("{0}")]
    Envelope(EnvelopeError),
    /// Not a signature of `ssh-keygen`, or by nobody in trust.json.
    #[error("{0}")]
    Sshsig(SshsigError),
    /// Signed by a key that trust.json does not have.
    #[error("{key} is not in trust.json version {version}")]
    UnknownKey {
        /// As the envelope claims.
        key: String,
        /// Version of the trust root.
        version: u64,
    },
    /// Not a statement of an approval.
    #[error("{0}")]
    Statement(StatementError),
    /// For another plan.
    #[error("it is for plan {plan}, not for this one")]
    OtherPlan {
        /// Digest it is for.
        plan: Digest,
    },
    /// Under other policies.
    #[error("it was given under other policies (digest {policy})")]
    OtherPolicy {
        /// Digest of those.
        policy: Digest,
    },
    /// The principal it names does not own the key.
    #[error("it says it is {said}'s, but the key is {owner}'s")]
    Principal {
        /// As the statement says.
        said: Label,
        /// As trust.json says.
        owner: Label,
    },
    /// A machine cannot approve.
    #[error("{0} is a machine; only people approve")]
    Machine(Label),
    /// Made later than now.
    #[error("it is from the future: approved at {at}")]
    Future {
        /// When, as it says.
        at: Instant,
    },
    /// Too late.
    #[error("it expired at {at}")]
    Expired {
        /// When.
        at: Instant,
    },
    /// Valid for longer than the trust root lets anybody approve.
    #[error("it is valid for longer than the {most} hours that trust.json allows")]
    TooLong {
        /// The limit.
        most: u32,
    },
    /// Given under a trust root newer than the current one.
    #[error("it was given under trust.json version {theirs}; the current one is {ours}")]
    TrustNewer {
        /// As the statement says.
        theirs: String,
        /// The current version.
        ours: u64,
    },
    /// Its id is revoked.
    #[error("approval {0} is revoked")]
    Revoked(ApprovalId),
    /// Its key is revoked.
    #[error("key {0} is revoked")]
    RevokedKey(Fingerprint),
    /// Spent by an earlier apply.
    #[error("approval {0} is spent: an apply has used it")]
    Spent(ApprovalId),
}

/// What an approval is held against.
#[derive(Clone, Copy)]
pub struct Against<'a> {
    /// Digest of the plan.
    pub plan: Digest,
    /// Digest of the policies in force.
    pub policy: Digest,
    /// The trust root in force.
    pub root: &'a TrustRoot,
    /// Now.
    pub now: Instant,
    /// Whether an id was spent, and not by the plan's own unfinished round.
    pub spent: &'a dyn Fn(&ApprovalId) -> bool,
}

/// The approval that a paper holds, if it counts. It is no permission: people are counted, and an
/// [`super::Authorized`] is made, elsewhere.
///
/// # Errors
/// [`ApprovalFault`], the first that holds.
pub fn judge(paper: &Paper, against: &Against<'_>) -> Result<Approval, ApprovalFault> {
    let Against { plan, policy, root, now, spent } = against;
    let (bytes, key) = verified(paper, root)?;
    let statement = Statement::<Approval>::from_bytes(&bytes).map_err(ApprovalFault::Statement)?;
    let Statement { plan: subject, predicate: approval } = statement;
    if subject != *plan {
        return Err(ApprovalFault::OtherPlan { plan: subject });
    }
    let unknown = || ApprovalFault::UnknownKey {
        key: key.fingerprint().to_string(),
        version: root.version(),
    };
    let owner = root.holder_of(&key).ok_or_else(unknown)?;
    if *owner.id() != approval.principal {
        let (said, owner) = (approval.principal, owner.id().clone());
        return Err(ApprovalFault::Principal { said, owner });
    }
    if owner.is_machine() {
        return Err(ApprovalFault::Machine(owner.id().clone()));
    }
    if root.is_revoked_key(&key) {
        return Err(ApprovalFault::RevokedKey(key.fingerprint()));
    }
    if root.is_revoked_approval(&approval.approval_id) {
        return Err(ApprovalFault::Revoked(approval.approval_id));
    }
    // A no stands until the same person takes it back: neither time nor a new policy wears it out.
    match approval.decision {
        Decision::Reject => return Ok(approval),
        Decision::Approve => {}
    }
    if approval.policy_digest != *policy {
        return Err(ApprovalFault::OtherPolicy { policy: approval.policy_digest });
    }
    let version = approval.trust_version.parse::<u64>().ok();
    // One spelling only: not `+7`, not `07`.
    let version = version.filter(|version| version.to_string() == approval.trust_version);
    let newer = version.is_none_or(|version| version > root.version());
    if newer {
        let theirs = approval.trust_version;
        return Err(ApprovalFault::TrustNewer { theirs, ours: root.version() });
    }
    in_window(&approval, root, *now)?;
    if spent(&approval.approval_id) {
        return Err(ApprovalFault::Spent(approval.approval_id));
    }
    Ok(approval)
}

fn verified(paper: &Paper, root: &TrustRoot) -> Result<(Vec<u8>, PublicKey), ApprovalFault> {
    let keys = root.all_keys();
    let verified = match &paper.signature {
        Some(signature) => {
            let armored = String::from_utf8_lossy(signature);
            sshsig::verify(&armored, &paper.bytes, &keys).map_err(ApprovalFault::Sshsig)?
        }
        None if !paper.name.ends_with(".intoto.json") => return Err(ApprovalFault::Unsigned),
        None => {
            let envelope = Envelope::parse(&paper.bytes).map_err(ApprovalFault::Envelope)?;
            let claimed = envelope.named_key().to_owned();
            let known = keys.iter().any(|key| key.fingerprint().to_string() == claimed);
            envelope.verify(&keys).map_err(|error| match known || claimed.is_empty() {
                true => ApprovalFault::Envelope(error),
                false => ApprovalFault::UnknownKey { key: claimed, version: root.version() },
            })?
        }
    };
    Ok((verified.payload().to_vec(), verified.key().clone()))
}

/// Whether `now` lies in the window of an approval, and the window is one that may be given.
pub(super) fn in_window(
    approval: &Approval,
    root: &TrustRoot,
    now: Instant,
) -> Result<(), ApprovalFault> {
    if approval.approved_at.seconds_since(now) > CLOCK_SKEW_SECONDS {
        return Err(ApprovalFault::Future { at: approval.approved_at });
    }
    if approval.expires_at <= now {
        return Err(ApprovalFault::Expired { at: approval.expires_at });
    }
    let most = root.approval_max_hours();
    let given = approval.expires_at.seconds_since(approval.approved_at);
    let longest = i64::from(most).saturating_mul(3_600);
    if given > longest {
        return Err(ApprovalFault::TooLong { most });
    }
    Ok(())
}
