//! What is signed: in-toto Statement v1 with exactly one subject, and the three predicates of this
//! project. Integers in predicates are strings, because some readers turn numbers into doubles.
//! Format: in-toto attestation framework, spec/v1/statement.md.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::canonical::{self, CanonicalError};
use super::ident::{Digest, Label};
use crate::clock::Instant;

/// `payloadType` of every envelope.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// What writes statements, as they say.
pub const GENERATOR: &str = concat!("countersign ", env!("CARGO_PKG_VERSION"));
/// `_type` of every statement.
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// Name of the one subject.
const SUBJECT: &str = "plan.json";

/// Why bytes are not the statement that was expected.
#[derive(Debug, Error)]
pub enum StatementError {
    /// Not strict JSON, not in its canonical bytes, or an unknown, missing or misshapen member.
    #[error("the statement cannot be read")]
    Read(#[source] CanonicalError),
    /// `_type` is another.
    #[error("the statement's _type is {0:?}, not {STATEMENT_TYPE:?}")]
    Type(String),
    /// `predicateType` is another.
    #[error("the statement's predicateType is {found:?}, not {wanted:?}")]
    PredicateType {
        /// What stands there.
        found: String,
        /// What was asked for.
        wanted: &'static str,
    },
    /// Not exactly one subject `plan.json`.
    #[error("the statement must have exactly one subject, named {SUBJECT:?}")]
    Subject,
}

/// Something that is said about a plan.
pub trait Predicate: Serialize + serde::de::DeserializeOwned {
    /// Its `predicateType`, compared exactly.
    const TYPE: &'static str;
}

/// A statement about the plan with digest `plan`.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement<P> {
    /// Digest of `plan.json`.
    pub plan: Digest,
    /// What is said.
    pub predicate: P,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: serde_json::Value,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    name: String,
    digest: Sha256,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sha256 {
    sha256: Digest,
}

impl<P: Predicate> Statement<P> {
    /// The bytes that are signed: canonical, without a final line feed.
    ///
    /// # Errors
    /// [`StatementError::Read`] if the predicate has no canonical form.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StatementError> {
        let Self { plan, predicate } = self;
        let predicate = serde_json::to_value(predicate)
            .map_err(|error| StatementError::Read(CanonicalError::Shape(error)))?;
        let subject = Subject { name: SUBJECT.to_owned(), digest: Sha256 { sha256: *plan } };
        let written = Written {
            kind: STATEMENT_TYPE.to_owned(),
            subject: vec![subject],
            predicate_type: P::TYPE.to_owned(),
            predicate,
        };
        canonical::to_jcs(&written).map_err(StatementError::Read)
    }

    /// Reads the very bytes whose signature was verified, and only those that
    /// [`Statement::to_bytes`] gives: a signature over another spelling is not one over this.
    ///
    /// # Errors
    /// [`StatementError`], for anything but the one expected statement.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StatementError> {
        let value = canonical::read_jcs(bytes).map_err(StatementError::Read)?;
        let shape = |error| StatementError::Read(CanonicalError::Shape(error));
        // Derived readers also take an array for a struct: only objects are statements.
        let objects = value.is_object() && value.get("predicate").is_some_and(|p| p.is_object());
        let written: Written = serde_json::from_value(value).map_err(shape)?;
        if written.kind != STATEMENT_TYPE {
            return Err(StatementError::Type(written.kind));
        }
        if written.predicate_type != P::TYPE {
            let found = written.predicate_type;
            return Err(StatementError::PredicateType { found, wanted: P::TYPE });
        }
        let [subject] = written.subject.as_slice() else {
            return Err(StatementError::Subject);
        };
        if subject.name != SUBJECT || !objects {
            return Err(StatementError::Subject);
        }
        let plan = subject.digest.sha256;
        let predicate = serde_json::from_value(written.predicate).map_err(shape)?;
        Ok(Self { plan, predicate })
    }
}

/// Who planned, from what: evidence, and everything volatile that the plan itself leaves out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Planned {
    /// Principal that planned: the plan's `planner`.
    pub principal: Label,
    /// When.
    pub planned_at: Instant,
    /// `countersign <version>`.
    pub generator: String,
    /// `provider/name` of the model; empty if none was named.
    pub model: String,
    /// SHA-256 of the prompt; empty if none was given.
    pub prompt_digest: String,
    /// SHA-256 of what the model wrote, as it was read.
    pub input_digest: Digest,
    /// Commit of the project, if it is a Git checkout; else empty.
    pub commit: String,
}

impl Predicate for Planned {
    const TYPE: &'static str = "urn:countersign:planner:v1";
}

/// A person's yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Yes.
    Approve,
    /// No: refuses until withdrawn by the same principal.
    Reject,
}

/// One principal's decision about one plan under one policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approval {
    /// Yes or no.
    pub decision: Decision,
    /// Random; spent once.
    pub approval_id: ApprovalId,
    /// Who: must be the principal of the key.
    pub principal: Label,
    /// When it was made. A claim.
    pub approved_at: Instant,
    /// No write begins after this.
    pub expires_at: Instant,
    /// Digest of the policies that judged the plan.
    pub policy_digest: Digest,
    /// Version of the trust root, as a decimal number.
    pub trust_version: String,
    /// What rendered the plan for the approver. Evidence.
    pub renderer: String,
    /// Why, in the approver's words.
    pub reason: String,
}

impl Predicate for Approval {
    const TYPE: &'static str = "urn:countersign:approval:v1";
}

/// 128 random bits, as 32 lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[0-9a-f]{32}$"))]
pub struct ApprovalId(String);

/// An approval id of another shape.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is not an id (32 lower-case hexadecimal digits)")]
pub struct ApprovalIdError(String);

impl ApprovalId {
    /// The id made of these random bits.
    pub fn from_random(bits: [u8; 16]) -> Self {
        Self(bits.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The 32 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for ApprovalId {
    type Err = ApprovalIdError;
    fn from_str(text: &str) -> Result<Self, ApprovalIdError> {
        let good = text.len() == 32 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        if good { Ok(Self(text.to_owned())) } else { Err(ApprovalIdError(text.to_owned())) }
    }
}

impl TryFrom<String> for ApprovalId {
    type Error = ApprovalIdError;
    fn try_from(text: String) -> Result<Self, ApprovalIdError> {
        text.parse()
    }
}

impl From<ApprovalId> for String {
    fn from(id: ApprovalId) -> Self {
        id.0
    }
}

impl std::fmt::Display for ApprovalId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for ApprovalId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// How an apply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything was written.
    Applied,
    /// Everything was written, and something did not become ready in time.
    NotReady,
    /// Nothing was written.
    FailedClean,
    /// Some was written.
    Partial,
    /// The result of a write is not known.
    Indeterminate,
    /// A partial apply was given up by a person.
    Abandoned,
}

impl Outcome {
    /// The word that stands for it in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::NotReady => "not-ready",
            Self::FailedClean => "failed-clean",
            Self::Partial => "partial",
            Self::Indeterminate => "indeterminate",
            Self::Abandoned => "abandoned",
        }
    }
}

/// What became of one change (of one file, for a directory).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// Written by this apply.
    Written,
    /// An earlier part of this apply had written it.
    AlreadyWritten,
    /// Not begun.
    NotWritten,
    /// Begun, and failed.
    Failed,
}

/// One line of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceiptItem {
    /// Resource id, or path of a file.
    pub item: String,
    /// What became of it.
    pub fate: Fate,
    /// SHA-256 of the (masked) result; empty if it is gone or not written.
    pub digest: String,
    /// Why it failed, or is not ready; else empty.
    pub because: String,
}

/// What apply did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Receipt {
    /// Principal that applied.
    pub principal: Label,
    /// Round of the ledger's record: names the receipt.
    pub apply_id: ApprovalId,
    /// How it ended.
    pub outcome: Outcome,
    /// When it began.
    pub started_at: Instant,
    /// When it ended.
    pub finished_at: Instant,
    /// `countersign <version>`.
    pub generator: String,
    /// Environment of the plan.
    pub environment: Label,
    /// Target of the plan.
    pub target: Label,
    /// Digest of the policies.
    pub policy_digest: Digest,
    /// Version of the trust root, as a decimal number.
    pub trust_version: String,
    /// Approvals spent, sorted.
    pub approvals: Vec<ApprovalId>,
    /// Per change or file, in the order of execution.
    pub items: Vec<ReceiptItem>,
    /// SHA-256 of the payload of the previous receipt of this target; empty for the first.
    pub previous: String,
    /// What a person said of it (abandon); else empty.
    pub reason: String,
}

impl Predicate for Receipt {
    const TYPE: &'static str = "urn:countersign:receipt:v1";
}
