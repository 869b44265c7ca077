//! Why the ledger says no.

use thiserror::Error;

use super::lock::LockView;
use super::record::TargetKey;
use super::store::{Name, StoreError};
use crate::clock::Instant;
use crate::document::canonical::CanonicalError;
use crate::document::ident::{Digest, Label};
use crate::document::statement::{ApprovalId, StatementError};

/// Why the ledger did not do what it was asked. Nothing was recorded then, unless said otherwise.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// There is no ledger there. Making one is a command of its own.
    #[error("there is no ledger at {0}")]
    Missing(String),
    /// There is one already.
    #[error("there is a ledger at {0} already, and it stays as it is")]
    Exists(String),
    /// It is another project's.
    #[error("the ledger at {place} belongs to project {found}, not {wanted}")]
    Foreign {
        /// Where it is.
        place: String,
        /// Whose it is.
        found: Label,
        /// Whose was wanted.
        wanted: Label,
    },
    /// It was written by another version of this program.
    #[error("the ledger at {place} has format {found}; this program reads format {known}")]
    Format {
        /// Where it is.
        place: String,
        /// Its format.
        found: u32,
        /// The one that is known.
        known: u32,
    },
    /// A record does not hold what it must hold.
    #[error("the ledger record {record} at {place} is damaged")]
    Damaged {
        /// Where the ledger is.
        place: String,
        /// The record.
        record: Name,
        /// What is wrong with it.
        source: Damage,
    },
    /// It cannot be read or written.
    #[error("the ledger at {place} cannot be used")]
    Unusable {
        /// Where it is.
        place: String,
        /// Why: names the file or address.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What stands there now does not follow from what this machine saw there before.
    #[error("the ledger at {place} is not the one that was there before: {what}")]
    Rewound {
        /// Where it is.
        place: String,
        /// What is missing in it now.
        what: String,
    },
    /// The branch that was to get a commit in the same stroke did not take it.
    #[error("branch {branch} did not take the commit; neither it nor the ledger was changed")]
    Branch {
        /// The branch.
        branch: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Its answer to a write was lost, and it cannot be read back. The write may have happened.
    #[error("whether the ledger at {place} was written is not known")]
    Unknown {
        /// Where it is.
        place: String,
        /// What became of the answer, and of the attempt to read back.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Others kept changing the same record.
    #[error("the ledger record {0} kept changing while it was to be written; nothing was recorded")]
    Contended(Name),
    /// The target is locked.
    #[error(
        "target {} is locked by {} for plan {} since {}",
        .0.target, .0.lock.holder.principal, .0.lock.plan, .0.lock.holder.since
    )]
    Held(Box<Held>),
    /// Another process is at this moment taking or leaving the lock.
    #[error("target {0} is being locked or unlocked by another process")]
    Busy(TargetKey),
    /// No lock has this id.
    #[error("no target is locked with the lock id {0}")]
    NoLock(ApprovalId),
    /// The lock that a value stands for is no longer there, or can be somebody else's by now: a person
    /// took it away, or it was not renewed in time.
    #[error("the lock on target {0} is lost: somebody unlocked it, or its lease ended unrenewed")]
    Lost(TargetKey),
    /// An earlier apply of the same plan was begun and has not ended.
    #[error("plan {plan} was begun at {started_at} (apply {apply_id}) and has not ended")]
    Begun {
        /// The plan.
        plan: Digest,
        /// The round that was begun.
        apply_id: ApprovalId,
        /// When.
        started_at: Instant,
    },
    /// There is nothing to give up.
    #[error("nothing of plan {0} is begun and unfinished")]
    NothingBegun(Digest),
    /// An approval was spent before.
    #[error("approval {approval} was spent by plan {plan}")]
    Spent {
        /// The approval.
        approval: ApprovalId,
        /// The plan that spent it, or claimed it in order to.
        plan: Digest,
    },
    /// A spend of nothing: no approval, no authority.
    #[error("no approval was given to spend")]
    NoApproval,
    /// This id names another round already.
    #[error("apply id {0} is in the ledger already")]
    ApplyId(ApprovalId),
    /// The plan was begun on another target, which one digest cannot have.
    #[error("plan {plan} was begun on another target, {recorded}")]
    Target {
        /// The plan.
        plan: Digest,
        /// As recorded.
        recorded: TargetKey,
    },
    /// A value of another ledger.
    #[error("the ledger was handed what another ledger gave out")]
    Mismatch,
    /// The trust root is older than one that an apply has gone by.
    #[error(
        "trust root version {offered} is older than version {seen}, which was applied with before"
    )]
    TrustRolledBack {
        /// The highest that was seen.
        seen: u64,
        /// The one offered.
        offered: u64,
    },
    /// Two trust roots say that they are the same version.
    #[error("trust root version {version} has digest {offered}; it was {seen} before")]
    TrustDiffers {
        /// The version.
        version: u64,
        /// Digest that was seen.
        seen: Digest,
        /// Digest offered.
        offered: Digest,
    },
    /// A receipt that is not the next one of its target, or not of this apply.
    #[error("the receipt does not belong here: {0}")]
    Receipt(&'static str),
    /// Not a receipt at all.
    #[error("the receipt cannot be read")]
    ReceiptUnread(#[source] Box<StatementError>),
}

/// A lock that stands in the way.
#[derive(Clone, Debug)]
pub struct Held {
    /// The target.
    pub target: TargetKey,
    /// The lock.
    pub lock: LockView,
    /// Whether the process that holds it is alive.
    pub life: Life,
}

/// Whether the holder of a lock is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It is.
    Alive,
    /// It is not.
    Gone,
    /// Nobody looked: the lock cannot be had either way.
    Unknown,
}

/// What is wrong with a record.
#[derive(Debug, Error)]
pub enum Damage {
    /// Not canonical, or not the expected document.
    #[error("{0}")]
    Unread(Box<CanonicalError>),
    /// Stands under another name than its content has.
    #[error("it stands under a name that is not its own")]
    Misplaced,
    /// Contradicts itself or another record.
    #[error("{0}")]
    Contradicts(&'static str),
}

impl LedgerError {
    /// What a store that cannot be used means for the ledger at `place`.
    pub fn store(error: StoreError, place: &str) -> Self {
        match error {
            StoreError::Conflict(name) => Self::Contended(name),
            StoreError::Missing(place) => Self::Missing(place),
            StoreError::Rewound { place, what } => Self::Rewound { place, what },
            StoreError::Unusable { place, source } => Self::Unusable { place, source },
            StoreError::Branch { branch, source } => Self::Branch { branch, source },
            StoreError::Unknown { place, source } => Self::Unknown { place, source },
            StoreError::Damaged(record) => Self::Damaged {
                place: place.to_owned(),
                record,
                source: Damage::Contradicts("it has bytes that no ledger writes"),
            },
        }
    }
}
