//! What a cluster did not do for a ledger, and who can change that.

use std::time::Duration;

use thiserror::Error;

use super::Ended;
use crate::ledger::store::Name;
use crate::remote::kubernetes::{ConnectError, Failure, Reason};

/// Why a namespace cannot be used as a ledger.
#[derive(Debug, Error)]
pub enum NamespaceError {
    /// There is no connection to the cluster that is pinned.
    #[error(transparent)]
    Connect(ConnectError),
    /// The context leads elsewhere.
    #[error("context {context:?} leads to cluster {found}, and the ledger is in cluster {pinned}")]
    Cluster {
        /// The context.
        context: String,
        /// The cluster there.
        found: String,
        /// The one that is pinned.
        pinned: String,
    },
    /// The request failed.
    #[error(transparent)]
    Failed(Failure),
    /// The caller may not do this.
    #[error(
        "the user of the context lacks a right; the Role of a ledger is in its namespace {namespace}, and gone with it if that was deleted"
    )]
    Forbidden {
        /// The namespace.
        namespace: String,
        /// The request.
        source: Failure,
    },
    /// A rule of the cluster says no.
    #[error("the cluster does not take it, and says: {says}")]
    Denied {
        /// The server's words.
        says: String,
        /// The request.
        source: Failure,
    },
    /// No answer in time.
    #[error("nothing came within {:.1} s", .0.as_secs_f32())]
    Overdue(Duration),
    /// The request was broken off by a fault of this program.
    #[error("a request was broken off")]
    Broken,
    /// The caller lacks rights that every apply needs.
    #[error(
        "the user of the context may not {lacking} in namespace {namespace}; the README has the Role that a ledger needs"
    )]
    Rights {
        /// Verbs and resources.
        lacking: String,
        /// The namespace.
        namespace: String,
    },
    /// The namespace is not there, and the caller may not make it.
    #[error(
        "there is no namespace {0}, and the user of the context may not make it; an administrator runs `kubectl create namespace {0}`"
    )]
    Absent(String),
    /// More bytes than a record may have.
    #[error("{object} is larger than {most} bytes, the most that it may have")]
    TooLarge {
        /// The object.
        object: String,
        /// The limit, in bytes.
        most: usize,
    },
    /// A record of bytes that are no text.
    #[error("the record {0} is no text")]
    NoText(Name),
    /// A record whose name no object can have.
    #[error("no object can have the name of the record {0}")]
    Unnameable(Name),
    /// The API server gave no uid or version.
    #[error("the cluster tells no version of {0}")]
    Unversioned(String),
    /// An object stands under the name of a record and is none, or not whole.
    #[error("{object} is not the record {record}: {what}")]
    Damaged {
        /// The object.
        object: String,
        /// The record.
        record: Name,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl NamespaceError {
    pub(super) fn of(ended: Ended, namespace: &str) -> Self {
        let failure = match ended {
            Ended::Overdue(time) => return Self::Overdue(time),
            Ended::Failed(failure) => failure,
        };
        let says = match &failure {
            Failure::Refused(refused) => match refused.reason {
                Reason::Forbidden => {
                    return Self::Forbidden { namespace: namespace.to_owned(), source: failure };
                }
                // Nothing secret is ever sent here, so the answer can quote nothing secret.
                Reason::Denied | Reason::Invalid | Reason::NamespaceEnding | Reason::Other => {
                    refused.message.clone()
                }
                Reason::Conflict(_)
                | Reason::Changed
                | Reason::OtherObject
                | Reason::Exists
                | Reason::Absent
                | Reason::NamespaceAbsent
                | Reason::KindAbsent
                | Reason::Immutable(_)
                | Reason::Malformed
                | Reason::NoDryRun
                | Reason::Unauthorized
                | Reason::Busy
                | Reason::Expired => String::new(),
            },
            Failure::Unanswered(_) => String::new(),
        };
        match says.is_empty() {
            true => Self::Failed(failure),
            false => Self::Denied { says, source: failure },
        }
    }
}
