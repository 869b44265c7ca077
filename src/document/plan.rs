//! The plan document: what was asked and what it does, in one canonical byte string.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::effect::Effect;
use super::proposal::Proposal;

/// The version of the derivation: of classes, graph, normalisation, and file texts. Another
/// version refuses with "plan again".
pub const RULES: u32 = 1;

/// Version of every document of this project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// The only one.
    #[default]
    #[serde(rename = "countersign/v1")]
    V1,
}

/// The kind of a plan document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PlanKind {
    /// The only one.
    #[default]
    Plan,
}

/// `plan.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Plan")]
pub struct PlanDocument {
    /// `countersign/v1`.
    pub api_version: ApiVersion,
    /// `Plan`.
    pub kind: PlanKind,
    /// Version of the derivation; [`RULES`] when made here.
    pub rules: u32,
    /// What was asked.
    pub proposal: Proposal,
    /// What it does.
    pub effect: Effect,
}
