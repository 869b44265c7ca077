//! Why an apply has no receipt. A write that failed is no such reason: it is an outcome.

use thiserror::Error;

use crate::document::code::Code;
use crate::document::statement::StatementError;
use crate::git::GitError;
use crate::ledger::LedgerError;
use crate::trust::envelope::SealError;

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
