//! One request about one object, built without I/O.

use serde_json::Value;

use super::kinds::Kind;
use crate::document::operation::Propagation;

/// Under which name fields are owned.
pub const FIELD_MANAGER: &str = "countersign";

/// Where an object stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Its kind, as the cluster serves it.
    pub kind: Kind,
    /// Namespace; empty where the kind has none.
    pub namespace: String,
    /// Name.
    pub name: String,
}

/// What is to be done to an object. A body never lacks its preconditions: `metadata.uid` and
/// `metadata.resourceVersion` of the object that was read, or `resourceVersion: "1"` without a uid
/// for one that must not exist yet.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Server-side apply: the fields to own, as this manager.
    Apply {
        /// The body.
        body: Value,
        /// Whether fields of other managers are taken over.
        force: bool,
    },
    /// RFC 7396. Its preconditions stand in its `metadata`.
    Merge(Value),
    /// RFC 6902. It begins with a `test` of uid and resourceVersion.
    Operations(Value),
    /// Creation by POST: for objects of the ledger and reviews.
    Create(Value),
    /// The whole object: for objects of the ledger.
    Replace(Value),
    /// Deletion.
    Delete {
        /// uid of the object that goes.
        uid: String,
        /// The state of it that was read.
        resource_version: String,
        /// What happens to dependents.
        propagation: Propagation,
    },
}

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The object.
    pub place: Place,
    /// What is to be done.
    pub change: Change,
}
