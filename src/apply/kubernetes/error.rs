//! Why an object was not written as planned, and whether it was touched. Every text of the server
//! has gone through the filter of secret values.

use thiserror::Error;

use crate::observe::kubernetes::ObserveError;

/// Why an object was not written as planned.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The record is of another change.
    #[error("the change is not the one that was recorded")]
    Unrecorded,
    /// There is no request for it.
    #[error("nothing was sent: {0}")]
    Unmade(String),
    /// It could not be looked at, or rehearsed, right before it was to be written.
    #[error("nothing was sent: {0}")]
    Unseen(String),
    /// A rehearsal right before it gave something else than was planned.
    #[error("nothing was sent: a rehearsal now gives another result than was planned, at {0}")]
    Rehearsed(String),
    /// Other fields would be taken over from other managers than was planned.
    #[error("nothing was sent: {0}")]
    Taken(String),
    /// The cluster said no.
    #[error("the cluster refused, and nothing was changed: {0}")]
    Refused(String),
    /// The request did not get there, or was lost there.
    #[error("the request had no effect: {0}")]
    Lost(String),
    /// It was written, and the result is not what was planned.
    #[error("it was written, and the result differs from the plan at {0}")]
    Differs(String),
    /// It was written, and what came of it cannot be said.
    #[error("it was written, and the result cannot be compared with the plan: {0}")]
    Unread(String),
    /// Whether it was written is not known.
    #[error("whether it was written is not known: {0}")]
    Unknown(String),
    /// The first half of a replacement was made, and not the second.
    #[error("it was deleted, and not created again: {0}")]
    Halved(String),
    /// A fault of this program.
    #[error(
        "it was broken off by a fault of this program, and whether it was written is not known"
    )]
    Broken,
}

/// What is known to have come of a write that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touched {
    No,
    Yes,
    Unknown,
}

impl WriteError {
    pub(super) fn touched(&self) -> Touched {
        match self {
            Self::Unrecorded
            | Self::Unmade(_)
            | Self::Unseen(_)
            | Self::Rehearsed(_)
            | Self::Taken(_)
            | Self::Refused(_)
            | Self::Lost(_) => Touched::No,
            Self::Differs(_) | Self::Unread(_) | Self::Halved(_) => Touched::Yes,
            Self::Unknown(_) | Self::Broken => Touched::Unknown,
        }
    }
}

/// Why a cluster cannot be used at all.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// It is not reached, or is another one than the one that is pinned.
    #[error(transparent)]
    Unreached(Box<ObserveError>),
    /// It gives no answer that is of use.
    #[error("{0}")]
    Unanswered(String),
    /// It does not serve a kind that the plan has objects of.
    #[error("it does not serve {kind} of {api_version}")]
    Unserved {
        /// The kind.
        kind: String,
        /// Its group and version.
        api_version: String,
    },
    /// The plan is not one that a cluster can be asked to carry out.
    #[error("{0}")]
    Plan(String),
    /// The thread of the connection broke off, which no input of this program causes.
    #[error("it was broken off by a fault of this program")]
    Broken,
}
