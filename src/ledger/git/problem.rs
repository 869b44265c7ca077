//! What is wrong with a branch, or with what a remote says about it.

use thiserror::Error;

use super::super::store::{Name, StoreError};

/// Why a branch is no ledger, or was not written.
#[derive(Debug, Error)]
pub(super) enum Problem {
    /// It belongs to something else.
    #[error("it has no head.json, so it is no ledger; name another branch, or make the ledger")]
    NoLedger,
    /// The ledger would be made among the files of something else.
    #[error("it has files that are no ledger's, like {0:?}; name a branch of the ledger's own")]
    Occupied(String),
    /// A ledger has nothing but files.
    #[error("{0:?} in it is a symlink or submodule, which no ledger has")]
    Surprise(String),
    /// Something stands where a record is to be.
    #[error("the place of record {0} is taken by something else")]
    Misplaced(Name),
    /// The remote says no.
    #[error("the remote refuses the push: {0}")]
    Refused(String),
    /// The remote could not do it, again and again.
    #[error("the remote did not take the push, {tries} times: {said}")]
    Busy {
        /// How often.
        tries: u32,
        /// In its words.
        said: String,
    },
    /// The branch that goes along is elsewhere.
    #[error("it is no longer at commit {0}; fetch it, and plan again on top of it")]
    Elsewhere(String),
    /// The push has no answer, and neither has the question after it.
    #[error("{lost}; and afterwards: {after}")]
    Lost {
        /// What became of the push.
        lost: String,
        /// What became of the attempt to read back.
        after: String,
    },
    /// The remote did not take the push, or not the second one, and cannot be asked which.
    #[error("the remote did not take the push: {said}; and afterwards: {after}")]
    Unseen {
        /// In its words.
        said: String,
        /// What became of the attempt to read back.
        after: String,
    },
    /// Another process has its turn for too long.
    #[error("another process has been fetching into this clone for {0} seconds")]
    Turn(u64),
    /// No number by chance.
    #[error("the system gives no random bytes")]
    Random,
}

impl Problem {
    pub(super) fn into_error(self, place: &str) -> StoreError {
        match self {
            Self::Misplaced(name) => StoreError::Damaged(name),
            Self::NoLedger
            | Self::Occupied(_)
            | Self::Surprise(_)
            | Self::Refused(_)
            | Self::Busy { .. }
            | Self::Elsewhere(_)
            | Self::Turn(_)
            | Self::Random => super::unusable(place, self),
            Self::Lost { .. } | Self::Unseen { .. } => {
                StoreError::Unknown { place: place.to_owned(), source: Box::new(self) }
            }
        }
    }
}
