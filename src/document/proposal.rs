//! What was asked, with every default made explicit: the half of a plan that nobody derives.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ident::Label;
use super::operation::Operation;

/// What the request was, in two untrusted texts: shown as a quotation, decides nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Intent {
    /// What a person asked for.
    pub request: String,
    /// What the model says its change does.
    pub summary: String,
}

/// The `proposal` of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Proposal {
    /// Project, as in the trusted configuration.
    pub project: Label,
    /// Name of the plan.
    pub name: Label,
    /// Environment, which chooses the quorum.
    pub environment: Label,
    /// Target of that environment.
    pub target: Label,
    /// Principal that signs the planner's statement.
    pub planner: Label,
    /// Person who asked, as a principal; `None` (empty text) if nobody said.
    #[serde(with = "optional_label")]
    #[schemars(with = "String")]
    pub requested_by: Option<Label>,
    /// The request, in words.
    pub intent: Intent,
    /// What is to be done, in the order asked.
    pub operations: Vec<Operation>,
}

mod optional_label {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::document::ident::Label;

    pub(super) fn serialize<S: Serializer>(label: &Option<Label>, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(label.as_ref().map_or("", Label::as_str))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Label>, D::Error> {
        let text = String::deserialize(d)?;
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(serde::de::Error::custom)
    }
}
