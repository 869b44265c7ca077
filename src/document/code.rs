//! The exit codes: one table, which the program, its JSON and its README share.

use serde::{Serialize, Serializer};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// Success.
    Ok,
    /// Input, I/O, policy engine or API failed, or a person declined.
    Error,
    /// There are changes (`plan --detailed-exitcode` only).
    ChangesPresent,
    /// Policies refuse.
    PolicyDenied,
    /// Below quorum.
    ApprovalRequired,
    /// Below quorum, and an approval that is there was refused; or rejected.
    ApprovalInvalid,
    /// The live state or the identity of the target differs.
    PlanStale,
    /// plan.json or its planner's statement is not what it must be.
    PlanIntegrity,
    /// Somebody else holds the target, or a round was begun.
    LockHeld,
    /// The plan cannot be applied at all.
    NotApplyable,
    /// Trust root or configuration does not load, is expired or rolled back.
    TrustInvalid,
    /// The ledger is missing, another project's, or cannot be written.
    LedgerUnusable,
    /// Failed before the first write took effect.
    ApplyFailedClean,
    /// Some writes landed.
    ApplyPartial,
    /// All writes landed, readiness failed.
    AppliedNotReady,
    /// The target rolled back by itself.
    RolledBack,
    /// The result of a write is unknown.
    Indeterminate,
    /// The command line is wrong.
    Usage,
    /// Interrupted before the first write.
    Interrupted,
}

impl Code {
    /// Every code, in the order of the table.
    pub const ALL: [Self; 19] = [
        Self::Ok,
        Self::Error,
        Self::ChangesPresent,
        Self::PolicyDenied,
        Self::ApprovalRequired,
        Self::ApprovalInvalid,
        Self::PlanStale,
        Self::PlanIntegrity,
        Self::LockHeld,
        Self::NotApplyable,
        Self::TrustInvalid,
        Self::LedgerUnusable,
        Self::ApplyFailedClean,
        Self::ApplyPartial,
        Self::AppliedNotReady,
        Self::RolledBack,
        Self::Indeterminate,
        Self::Usage,
        Self::Interrupted,
    ];

    /// The exit status of the process.
    pub fn number(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Error => 1,
            Self::ChangesPresent => 2,
            Self::PolicyDenied => 10,
            Self::ApprovalRequired => 11,
            Self::ApprovalInvalid => 12,
            Self::PlanStale => 13,
            Self::PlanIntegrity => 14,
            Self::LockHeld => 15,
            Self::NotApplyable => 16,
            Self::TrustInvalid => 17,
            Self::LedgerUnusable => 18,
            Self::ApplyFailedClean => 20,
            Self::ApplyPartial => 21,
            Self::AppliedNotReady => 22,
            Self::RolledBack => 23,
            Self::Indeterminate => 25,
            Self::Usage => 64,
            Self::Interrupted => 130,
        }
    }

    /// The word that stands in messages and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::ChangesPresent => "changes_present",
            Self::PolicyDenied => "policy_denied",
            Self::ApprovalRequired => "approval_required",
            Self::ApprovalInvalid => "approval_invalid",
            Self::PlanStale => "plan_stale",
            Self::PlanIntegrity => "plan_integrity",
            Self::LockHeld => "lock_held",
            Self::NotApplyable => "not_applyable",
            Self::TrustInvalid => "trust_invalid",
            Self::LedgerUnusable => "ledger_unusable",
            Self::ApplyFailedClean => "apply_failed_clean",
            Self::ApplyPartial => "apply_partial",
            Self::AppliedNotReady => "applied_not_ready",
            Self::RolledBack => "rolled_back",
            Self::Indeterminate => "indeterminate",
            Self::Usage => "usage",
            Self::Interrupted => "interrupted",
        }
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
