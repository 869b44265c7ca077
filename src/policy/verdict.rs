//! What the policies say of a plan.

use serde::{Deserialize, Serialize};

use crate::document::ident::{Digest, Label};

/// One `deny` or `warn`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Finding {
    /// Name of the rule: the package without `data.`, and the `id` of the finding where it has one.
    pub rule: String,
    /// What it says. Text of the policy's author, who may quote the plan: untrusted.
    pub message: String,
    /// Id of the change it is about; empty for the plan as a whole.
    pub change: String,
    /// File of the rule, as `bundle/path`.
    pub file: String,
    /// Line of the rule in it, from 1.
    pub line: u32,
}

/// One `require_approval`: raises the quorum.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Raise {
    /// The role.
    pub role: Label,
    /// How many people of it, at least one.
    pub count: u32,
    /// Who asks for it, and why.
    pub finding: Finding,
}

/// The verdict on the bytes of one plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verdict {
    /// Digest of the plan that was judged.
    pub plan: Digest,
    /// Digest of the policies that judged it.
    pub policy: Digest,
    /// What refuses it, sorted.
    pub deny: Vec<Finding>,
    /// What a person should know, sorted.
    pub warn: Vec<Finding>,
    /// What raises the quorum, sorted.
    pub require_approval: Vec<Raise>,
    /// How many rules were asked.
    pub rules: u32,
}

impl Verdict {
    /// Whether nothing refuses it.
    pub fn passes(&self) -> bool {
        self.deny.is_empty()
    }
}
