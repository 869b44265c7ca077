//! The members of trust.json as they stand in the file, before any rule was looked at.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Instant;
use crate::document::canonical::CanonicalError;
use crate::document::effect::Class;
use crate::document::ident::Label;
use crate::document::statement::ApprovalId;

use super::{Fingerprint, RootError};

const API_VERSION: &str = "countersign/v1";
const KIND: &str = "TrustRoot";

/// The file. Members stand in the order of their names, as they are written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Written {
    pub(super) api_version: String,
    pub(super) expires_at: Instant,
    pub(super) kind: String,
    pub(super) limits: Limits,
    pub(super) principals: Vec<WrittenPrincipal>,
    pub(super) quorum: Vec<WrittenEntry>,
    pub(super) revoked: Revoked,
    pub(super) version: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) approval_max_hours: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WrittenPrincipal {
    pub(super) id: Label,
    pub(super) keys: Vec<String>,
    pub(super) machine: bool,
    /// Empty for a person.
    pub(super) owner: String,
    pub(super) roles: Vec<Label>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WrittenEntry {
    pub(super) class: Class,
    pub(super) environment: Label,
    pub(super) requester_may_approve: bool,
    pub(super) require: Vec<WrittenDemand>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WrittenDemand {
    pub(super) count: u32,
    pub(super) role: Label,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Revoked {
    pub(super) approvals: Vec<ApprovalId>,
    pub(super) keys: Vec<Fingerprint>,
}

impl Written {
    /// A file of this kind with nothing in it yet.
    pub(super) fn new(version: u64, expires_at: Instant, approval_max_hours: u32) -> Self {
        Self {
            api_version: API_VERSION.to_owned(),
            expires_at,
            kind: KIND.to_owned(),
            limits: Limits { approval_max_hours },
            principals: Vec::new(),
            quorum: Vec::new(),
            revoked: Revoked { approvals: Vec::new(), keys: Vec::new() },
            version,
        }
    }

    /// The one spelling.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, RootError> {
        // Through a `Value`, whose maps are sorted whatever the order of the fields above.
        let shape = |error| RootError::Read(CanonicalError::Shape(error));
        let value = serde_json::to_value(self).map_err(shape)?;
        let mut bytes = serde_json::to_vec_pretty(&value).map_err(shape)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// Reads the members; their meaning is not looked at.
pub(super) fn read(value: Value) -> Result<Written, RootError> {
    // Before the rest, so that another document is named as such.
    for (member, wanted) in [("apiVersion", API_VERSION), ("kind", KIND)] {
        let found = value.get(member).and_then(Value::as_str).unwrap_or_default();
        if found != wanted {
            return Err(RootError::Document { member, found: found.to_owned(), wanted });
        }
    }
    serde_json::from_value(value).map_err(|error| RootError::Read(CanonicalError::Shape(error)))
}
