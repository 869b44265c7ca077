//! Counts people, never signatures, in one function.

use serde::Serialize;

use crate::document::ident::Label;
use crate::document::statement::ApprovalId;

/// So many people of a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Demand {
    /// The role.
    pub role: Label,
    /// How many, at least one.
    pub count: u32,
}

/// An approval that fills a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// The person.
    pub principal: Label,
    /// The place it fills.
    pub role: Label,
    /// The statement.
    pub approval: ApprovalId,
    /// Whether the person also asked for or owns the planner of the plan.
    pub self_approved: bool,
}

/// A place that nobody fills yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Missing {
    /// The role.
    pub role: Label,
    /// How many more people.
    pub count: u32,
    /// Who could.
    pub could: Vec<Label>,
}

/// Where a plan stands with its approvers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// What is needed: the trust root's demands, raised by policy. Sorted by role.
    pub required: Vec<Demand>,
    /// Places filled, sorted by role and principal.
    pub counted: Vec<Counted>,
    /// Places open, sorted by role.
    pub missing: Vec<Missing>,
    /// Who said no and could have said yes, sorted.
    pub rejected: Vec<Label>,
}

impl Standing {
    /// Whether every place is filled and nobody said no.
    pub fn is_met(&self) -> bool {
        self.missing.is_empty() && self.rejected.is_empty()
    }
}
