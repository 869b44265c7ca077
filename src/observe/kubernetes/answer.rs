//! What the answer to a rehearsal means for the operation.

use serde_json::Value;

use super::error::ObserveError;
use super::observer::Observer;
use super::request::{NOT_PRESENT, Version};
use super::subject::Subject;
use crate::document::ident::Pointer;
use crate::document::operation::{Action, Patch};
use crate::remote::kubernetes::{Answer, Failure, Place, Reason, Refused};

/// What the cluster says to a rehearsal.
#[derive(Debug)]
pub(super) enum Asked {
    /// What would be, and what it warns of (not filtered yet).
    Result {
        /// The object, or of a deletion whatever the cluster says.
        object: Value,
        /// As they came.
        warnings: Vec<String>,
    },
    /// The object is not as it was read.
    Moved,
    /// Fields belong to others: field as the server spells it, and manager.
    Conflict(Vec<(String, String)>),
    /// Fields that cannot be changed.
    Immutable(Vec<Pointer>),
    /// It would be refused.
    Blocked(String),
    /// It cannot be said.
    Unpreviewable(String),
}

/// The meaning of an answer.
///
/// # Errors
/// An error of the operation where its request is at fault, else the failure itself.
pub(super) async fn meaning(
    observer: &Observer,
    subject: &Subject,
    place: &Place,
    live: Option<&Value>,
    answer: Result<Answer, Failure>,
) -> Result<Asked, ObserveError> {
    let refused = match answer {
        Ok(Answer { object, warnings }) => return Ok(Asked::Result { object, warnings }),
        Err(Failure::Refused(refused)) => refused,
        Err(failure @ Failure::Unanswered(_)) => return Err(observer.failed(failure)),
    };
    let said = observer.vault().filter(&refused.message);
    let of_operation = |message: String| ObserveError::Operation {
        operation: subject.operation.id.clone(),
        message: format!("{}: {message}", subject.resource.id()),
    };
    match &refused.reason {
        Reason::Conflict(fields) => Ok(Asked::Conflict(fields.clone())),
        Reason::Changed | Reason::OtherObject | Reason::Exists => Ok(Asked::Moved),
        Reason::Absent if live.is_some() => Ok(Asked::Moved),
        Reason::Absent => Err(of_operation(NOT_PRESENT.to_owned())),
        Reason::NamespaceAbsent => {
            Err(of_operation(format!("namespace {} is not there", place.namespace)))
        }
        Reason::NamespaceEnding => {
            Ok(Asked::Blocked(format!("namespace {} is being deleted", place.namespace)))
        }
        Reason::KindAbsent => Err(of_operation("the cluster does not serve its kind".to_owned())),
        Reason::Immutable(paths) => Ok(Asked::Immutable(paths.clone())),
        Reason::NoDryRun => Ok(Asked::Unpreviewable(said)),
        Reason::Denied => Ok(Asked::Blocked(format!("denied: {said}"))),
        Reason::Forbidden => {
            let Refused { verb, what, .. } = &*refused;
            let operation = subject.operation.id.clone();
            Err(ObserveError::Forbidden { operation, request: format!("{verb} {what}") })
        }
        // A `test` of a JSON patch that fails is no conflict to the server: whether it was the one of
        // the version is seen by looking.
        Reason::Invalid | Reason::Malformed | Reason::Other
            if is_json_patch(&subject.operation.action) && moved(observer, place, live).await? =>
        {
            Ok(Asked::Moved)
        }
        Reason::Invalid | Reason::Malformed => {
            Err(of_operation(format!("the cluster refuses it: {said}")))
        }
        Reason::Other => {
            let status = refused.status;
            Err(of_operation(format!("the cluster refuses it ({status}): {said}")))
        }
        Reason::Unauthorized | Reason::Busy | Reason::Expired => {
            Err(observer.failed(Failure::Refused(refused)))
        }
    }
}

fn is_json_patch(action: &Action) -> bool {
    match action {
        Action::Patch(body) => matches!(body.patch, Patch::Operations(_)),
        Action::Apply(_) | Action::Delete(_) | Action::Stack(_) => false,
    }
}

/// Whether the object is another one now, or in another state.
async fn moved(
    observer: &Observer,
    place: &Place,
    live: Option<&Value>,
) -> Result<bool, ObserveError> {
    let now = observer.read(place).await?;
    Ok(now.as_ref().and_then(Version::of) != live.and_then(Version::of))
}
