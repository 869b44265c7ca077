//! Counts people, never signatures, in one function.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use thiserror::Error;

use crate::document::effect::Class;
use crate::document::ident::Label;
use crate::document::statement::{Approval, ApprovalId, Decision};

use super::places::Places;
use super::principal::{Principal, is_machine_role};
use super::root::TrustRoot;

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

/// Why the people of a plan cannot be counted. Each refuses.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QuorumError {
    /// The trust root does not name the environment.
    #[error("trust.json has no quorum for environment {0}")]
    Environment(Label),
    /// The plan's planner is nobody.
    #[error("the plan's planner {0} is not in trust.json")]
    Planner(Label),
    /// Whoever asked for the plan is nobody: nobody would be kept from approving their own wish.
    #[error("the plan was requested by {0}, who is not in trust.json")]
    Requester(Label),
    /// A policy asks for a machine's role.
    #[error("a policy asks for an approval by role {0}, which only machines have")]
    MachineRole(Label),
    /// A policy asks for a role that no person has.
    #[error("a policy asks for an approval by role {0}, which nobody in trust.json has")]
    RoleNobodyHas(Label),
    /// A policy asks for nobody.
    #[error("a policy asks for 0 approvals by role {0}; the least is 1")]
    CountZero(Label),
}

/// What is asked of the approvers of a plan, and what they said.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Environment of the plan.
    pub environment: &'a Label,
    /// Worst class of the plan.
    pub worst: Class,
    /// What policies ask for: raises what the trust root asks for, never lowers it.
    pub raised: &'a [Demand],
    /// Planner of the plan.
    pub planner: &'a Label,
    /// Who asked for the plan, if anybody said.
    pub requested_by: Option<&'a Label>,
    /// Statements about this plan whose signature, key, binding and window were checked, by the
    /// principal that each names. In any order.
    pub statements: &'a [Approval],
}

/// Counts. Machines never count; whoever asked for the plan and the people behind its planner
/// count only where the trust root lets them; each person fills at most one place; of a person's
/// statements the latest counts, at a tie the reject.
///
/// # Errors
/// [`QuorumError`].
pub fn count(root: &TrustRoot, question: &Question<'_>) -> Result<Standing, QuorumError> {
    let Question { environment, worst, raised, planner, requested_by, statements } = *question;
    let requirement = root
        .requirement(environment, worst)
        .ok_or_else(|| QuorumError::Environment(environment.clone()))?;
    let demands = raise(root, &requirement.demands, raised)?;

    let planner = root.principal(planner).ok_or_else(|| QuorumError::Planner(planner.clone()))?;
    let known = |id: &Label| root.principal(id).ok_or_else(|| QuorumError::Requester(id.clone()));
    let requester = requested_by.map(known).transpose()?;
    let own: BTreeSet<&Label> =
        [Some(planner), requester].into_iter().flatten().map(Principal::person).collect();

    // Who could approve: the people of a required role, without those whose plan it is.
    let eligible: BTreeMap<&Label, &Principal> = demands
        .keys()
        .flat_map(|role| root.people_of_role(role))
        .map(|person| (person.id(), person))
        .filter(|(id, _)| requirement.requester_may_approve || !own.contains(id))
        .collect();

    let latest = latest(statements);
    let said = |id: &Label| latest.get(id).map(|statement| statement.decision);
    let rejected = eligible.keys().filter(|id| said(id) == Some(Decision::Reject));
    let rejected = rejected.map(|id| (*id).clone()).collect();

    // Those who approved first: they stay seated. Then those who could, only to see which place of
    // somebody with several roles leaves the others most room.
    let mut places = Places::new(demands.iter().map(|(role, count)| (role, *count)));
    let (approved, others): (Vec<&Principal>, Vec<&Principal>) =
        eligible.values().partition(|person| said(person.id()) == Some(Decision::Approve));
    for person in approved.iter().chain(&others) {
        places.seat(person.id(), person.roles());
    }
    let approved: BTreeSet<&Label> = approved.iter().map(|person| person.id()).collect();

    let mut counted = Vec::new();
    let mut missing = Vec::new();
    for (role, wanted) in &demands {
        let mut open = *wanted;
        for person in places.seated(role).filter(|person| approved.contains(person)) {
            let Some(statement) = latest.get(person) else { continue };
            open = open.saturating_sub(1);
            counted.push(Counted {
                principal: person.clone(),
                role: role.clone(),
                approval: statement.approval_id.clone(),
                self_approved: own.contains(person),
            });
        }
        if open > 0 {
            let could = others.iter().filter(|person| person.has_role(role));
            let could = could.map(|person| person.id().clone()).collect();
            missing.push(Missing { role: role.clone(), count: open, could });
        }
    }
    let required = demands.into_iter().map(|(role, count)| Demand { role, count }).collect();
    Ok(Standing { required, counted, missing, rejected })
}

/// The trust root's demands and the policies', by maximum per role.
fn raise(
    root: &TrustRoot,
    base: &[Demand],
    raised: &[Demand],
) -> Result<BTreeMap<Label, u32>, QuorumError> {
    let mut demands: BTreeMap<Label, u32> = BTreeMap::new();
    for Demand { role, count } in base {
        demands.insert(role.clone(), *count);
    }
    for Demand { role, count } in raised {
        if is_machine_role(role) {
            return Err(QuorumError::MachineRole(role.clone()));
        }
        if *count == 0 {
            return Err(QuorumError::CountZero(role.clone()));
        }
        if root.people_of_role(role).next().is_none() {
            return Err(QuorumError::RoleNobodyHas(role.clone()));
        }
        let most = demands.entry(role.clone()).or_default();
        *most = (*most).max(*count);
    }
    Ok(demands)
}

/// Of each principal the statement that counts: the latest; at a tie the reject; among equals the
/// one with the lesser id, so that the order of the files decides nothing.
fn latest(statements: &[Approval]) -> BTreeMap<&Label, &Approval> {
    let rank = |statement: &Approval| {
        let id = std::cmp::Reverse(statement.approval_id.clone());
        (statement.approved_at, statement.decision, id)
    };
    let mut latest: BTreeMap<&Label, &Approval> = BTreeMap::new();
    for statement in statements {
        let kept = latest.entry(&statement.principal).or_insert(statement);
        if rank(statement) > rank(kept) {
            *kept = statement;
        }
    }
    latest
}
