//! What the API server's answer to a request means. Every answer that has a name in the recipe has
//! one here; whatever has none is [`Reason::Other`], which nothing takes for a yes.

use std::time::Duration;

use serde_json::Value;
use thiserror::Error;

use crate::document::ident::Pointer;

/// A request that succeeded.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The object, or the Status of a deletion.
    pub object: Value,
    /// What the server warned of (`Warning` headers, without code and agent). Untrusted text.
    pub warnings: Vec<String>,
}

/// Why a request gave nothing.
#[derive(Clone, Debug, Error)]
pub enum Failure {
    /// The server said no. Nothing was changed.
    #[error(transparent)]
    Refused(Box<Refused>),
    /// No answer came, or one that does not say (5xx, half of one). Whether the request landed is
    /// not known.
    #[error(transparent)]
    Unanswered(Box<Unanswered>),
}

/// What the server said no with.
#[derive(Clone, Debug, Error)]
#[error("{verb} {what}: {reason_words}{}", code(*.status))]
pub struct Refused {
    /// The verb, as the API's authorisation has it.
    pub verb: &'static str,
    /// The object or list, for people.
    pub what: String,
    /// HTTP status; 0 for what was not sent, because no address can be made for it.
    pub status: u16,
    /// What it means.
    pub reason: Reason,
    /// That, in words of ours.
    pub reason_words: String,
    /// The server's own words. Untrusted, and may repeat what was sent: to be filtered before it is
    /// shown where a Secret was sent.
    pub message: String,
    /// Its causes, as they came.
    pub causes: Vec<Cause>,
    /// When it may be asked again, if it said so.
    pub retry_after: Option<Duration>,
}

fn code(status: u16) -> String {
    if status == 0 { String::new() } else { format!(" ({status})") }
}

/// One cause of a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// `FieldValueInvalid`, `FieldManagerConflict` ...
    pub reason: String,
    /// The field, in the server's spelling.
    pub field: String,
    /// The server's words. As untrusted as those of the whole.
    pub message: String,
}

/// What a refusal means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Fields belong to other managers (409): field in the server's spelling, and manager.
    Conflict(Vec<(String, String)>),
    /// The object was changed since it was read (409).
    Changed,
    /// The object is another one than the one read, or is gone (409 or 422 about the uid).
    OtherObject,
    /// The object exists already (409).
    Exists,
    /// The object is not there (404).
    Absent,
    /// Its namespace is not there (404).
    NamespaceAbsent,
    /// Its namespace is being deleted (403).
    NamespaceEnding,
    /// The kind is not served (404).
    KindAbsent,
    /// Fields that cannot be changed (422), as pointers where they could be told.
    Immutable(Vec<Pointer>),
    /// The object is not valid (422).
    Invalid,
    /// The body is not in the form of its kind (400, strict decoding).
    Malformed,
    /// A webhook on the way does not support dry runs (400).
    NoDryRun,
    /// The caller lacks a permission (403).
    Forbidden,
    /// An admission rule says no: a quota, a policy, a webhook (403 and others).
    Denied,
    /// The caller is nobody (401).
    Unauthorized,
    /// The server asks for patience (429), longer than was waited.
    Busy,
    /// A list took too long and has to begin anew (410).
    Expired,
    /// Anything else.
    Other,
}

/// A request that nobody answered in a way that says what happened.
#[derive(Clone, Debug, Error)]
#[error("{verb} {what}: {message}")]
pub struct Unanswered {
    /// The verb.
    pub verb: &'static str,
    /// The object or list, for people.
    pub what: String,
    /// What happened instead; never what was sent.
    pub message: String,
    /// Whether it certainly did not reach the server (no connection was made).
    pub unsent: bool,
    /// Whether somebody answered who could not prove to be the server that is trusted.
    pub untrusted: bool,
}

impl Failure {
    /// What a refusal means; `None` where nothing was answered.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Refused(refused) => Some(&refused.reason),
            Self::Unanswered(_) => None,
        }
    }
}

impl Reason {
    /// That, in words of ours.
    pub(super) fn words(&self) -> &'static str {
        match self {
            Self::Conflict(_) => "other managers own some of its fields",
            Self::Changed => "it was changed since it was read",
            Self::OtherObject => "it is another object than the one that was read, or is gone",
            Self::Exists => "it exists already",
            Self::Absent => "it is not there",
            Self::NamespaceAbsent => "its namespace is not there",
            Self::NamespaceEnding => "its namespace is being deleted",
            Self::KindAbsent => "the cluster does not serve its kind",
            Self::Immutable(_) => "a field of it cannot be changed",
            Self::Invalid => "it is not valid",
            Self::Malformed => "what was sent is not in the form of its kind",
            Self::NoDryRun => "a webhook on the way does not support dry runs",
            Self::Forbidden => "a permission is missing",
            Self::Denied => "an admission rule says no",
            Self::Unauthorized => "the server does not accept the credentials",
            Self::Busy => "the server is too busy",
            Self::Expired => "the list took too long",
            Self::Other => "refused",
        }
    }
}
