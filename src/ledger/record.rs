//! The records of the ledger as they are written: canonical JSON, every member always present,
//! unknown members refused.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::lock::LockView;
use super::store::Name;
use crate::clock::Instant;
use crate::document::ident::{Digest, Label};
use crate::document::statement::{ApprovalId, Outcome};

/// The format of all records.
pub(super) const FORMAT: u32 = 2;

/// A target: its environment and its name there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetKey {
    /// The environment.
    pub environment: Label,
    /// The target's name in it.
    pub target: Label,
}

impl fmt::Display for TargetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.environment, self.target)
    }
}

/// `head`: whose ledger this is. Never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Head {
    pub(super) format: u32,
    pub(super) project: Label,
    pub(super) id: ApprovalId,
    pub(super) created_at: Instant,
}

/// `lock/<environment>/<target>`: who may write to the target; nobody if null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LockRecord {
    pub(super) target: TargetKey,
    pub(super) held: Option<LockView>,
    /// Id of the lock that was given back, so that no two states of the record are the same bytes:
    /// who finds the record as it was read knows that nobody held the lock meanwhile.
    pub(super) freed: Option<ApprovalId>,
}

impl LockRecord {
    pub(super) fn held(target: TargetKey, lock: LockView) -> Self {
        Self { target, held: Some(lock), freed: None }
    }

    pub(super) fn free(target: TargetKey, lock: &ApprovalId) -> Self {
        Self { target, held: None, freed: Some(lock.clone()) }
    }
}

/// `approval/<id>`: the one plan that an approval can be spent by. Never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Claim {
    pub(super) approval: ApprovalId,
    pub(super) plan: Digest,
}

/// `plan/<digest>`: every apply of a plan. Approvals are spent when they stand here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PlanRecord {
    pub(super) plan: Digest,
    pub(super) target: TargetKey,
    /// In the order in which they were begun; all but the last have ended.
    pub(super) rounds: Vec<Round>,
}

/// One apply of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Round {
    /// Its id, which names its receipt and its journal.
    pub apply_id: ApprovalId,
    /// Approvals it spent, those of the rounds that it resumes included.
    pub approvals: BTreeSet<ApprovalId>,
    /// When it was begun.
    pub started_at: Instant,
    /// The branch that gets what it changes, in the same stroke as its end; null if none does.
    pub branch: Option<String>,
    /// How far it came.
    pub state: RoundState,
}

/// How far a round came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "is",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum RoundState {
    /// Begun; no receipt yet. Its process is at work, or gone.
    Begun,
    /// Ended before its end, with a receipt. It can be resumed or abandoned.
    Stopped {
        /// How.
        outcome: Outcome,
        /// Digest of the payload of its receipt.
        receipt: Digest,
    },
    /// The round after it goes on with its work and has its approvals.
    Resumed,
    /// Ended for good, with a receipt. Its approvals are worth nothing any more.
    Finished {
        /// How.
        outcome: Outcome,
        /// Digest of the payload of its receipt.
        receipt: Digest,
    },
}

impl RoundState {
    /// Whether the round can still be resumed.
    pub fn is_open(&self) -> bool {
        match self {
            Self::Begun | Self::Stopped { .. } => true,
            Self::Resumed | Self::Finished { .. } => false,
        }
    }

    /// Digest of the receipt that it ended with, if it did.
    pub(super) fn receipt(&self) -> Option<Digest> {
        match self {
            Self::Stopped { receipt, .. } | Self::Finished { receipt, .. } => Some(*receipt),
            Self::Begun | Self::Resumed => None,
        }
    }

    /// Whether the target may be half-way: nobody else may write to it before a person decides.
    pub fn may_be_half_done(&self) -> bool {
        match self {
            Self::Begun => true,
            Self::Stopped { outcome, .. } => match outcome {
                Outcome::Partial | Outcome::Indeterminate => true,
                Outcome::Applied
                | Outcome::NotReady
                | Outcome::FailedClean
                | Outcome::Abandoned => false,
            },
            Self::Resumed | Self::Finished { .. } => false,
        }
    }
}

impl PlanRecord {
    /// The round that can be resumed.
    pub(super) fn open_round(&self) -> Option<&Round> {
        self.rounds.last().filter(|round| round.state.is_open())
    }

    /// The rounds whose work the open one goes on with, oldest first, itself last.
    pub(super) fn open_chain(&self) -> &[Round] {
        if self.open_round().is_none() {
            return &[];
        }
        let before = self.rounds.len().saturating_sub(1);
        let resumed = self.rounds.get(..before).unwrap_or_default().iter().rev();
        let resumed = resumed.take_while(|round| round.state == RoundState::Resumed).count();
        self.rounds.get(before.saturating_sub(resumed)..).unwrap_or_default()
    }
}

/// `trust`: the highest version of the trust root that an apply went by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TrustRecord {
    pub(super) version: u64,
    pub(super) digest: Digest,
}

/// One line of `journal/<apply id>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "is",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum Line {
    /// A write may have been made from here on.
    Begun {
        /// Resource id, or path of a file.
        item: String,
        /// Digest of what was there; null if nothing.
        before: Option<Digest>,
        /// Digest of what will be there; null if nothing.
        after: Option<Digest>,
    },
    /// The write was made.
    Done {
        /// As in the line that began it.
        item: String,
    },
}

pub(super) fn head() -> Name {
    Name::of(&[&"head"])
}

pub(super) fn trust() -> Name {
    Name::of(&[&"trust"])
}

pub(super) fn locks() -> Name {
    Name::of(&[&"lock"])
}

pub(super) fn lock(target: &TargetKey) -> Name {
    Name::of(&[&"lock", &target.environment, &target.target])
}

/// What the living holder of a lock holds besides its record.
pub(super) fn presence(target: &TargetKey) -> Name {
    Name::of(&[&target.environment, &target.target])
}

pub(super) fn plans() -> Name {
    Name::of(&[&"plan"])
}

pub(super) fn plan(digest: &Digest) -> Name {
    Name::of(&[&"plan", digest])
}

pub(super) fn claim(approval: &ApprovalId) -> Name {
    Name::of(&[&"approval", approval])
}

pub(super) fn journal(apply_id: &ApprovalId) -> Name {
    Name::of(&[&"journal", apply_id])
}

pub(super) fn all_receipts() -> Name {
    Name::of(&[&"receipt"])
}

pub(super) fn receipts(target: &TargetKey) -> Name {
    Name::of(&[&"receipt", &target.environment, &target.target])
}

pub(super) fn receipt(target: &TargetKey, number: u64) -> Name {
    // Wide enough that the order of the names is the order of the numbers.
    let number = format!("{number:012}");
    Name::of(&[&"receipt", &target.environment, &target.target, &number])
}
