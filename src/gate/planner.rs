//! Step 3: the planner that the plan names made it.

use super::papers::Papers;
use super::refusal::Refusal;
use crate::document::statement::{Planned, Statement};
use crate::plan::Plan;
use crate::trust::envelope::Envelope;
use crate::trust::principal::PLANNER;
use crate::trust::root::TrustRoot;

/// Who planned, by the statement beside the plan: the check of step 3 on its own; it gives no
/// permission.
///
/// # Errors
/// [`Refusal`], one for each way in which the statement is not as it must be.
pub fn planned_by(plan: &Plan, papers: &Papers, root: &TrustRoot) -> Result<Planned, Refusal> {
    let planner = &plan.document().proposal.planner;
    let version = root.version();
    let principal =
        root.principal(planner).filter(|found| found.roles().any(|role| role.as_str() == PLANNER));
    if principal.is_none() {
        return Err(Refusal::PlannerUnknown { planner: planner.clone(), version });
    }
    let bytes = papers.planner.as_ref().ok_or(Refusal::PlannerMissing)?;
    let unsigned =
        |source| Refusal::PlannerSignature { planner: planner.clone(), source: Box::new(source) };
    let keys = root.keys_of(planner);
    let envelope = Envelope::parse(bytes).map_err(unsigned)?;
    let verified = envelope.verify(&keys).map_err(unsigned)?;
    let statement = Statement::<Planned>::from_bytes(verified.payload())
        .map_err(|error| Refusal::PlannerStatement(Box::new(error)))?;
    let Statement { plan: subject, predicate } = statement;
    if subject != plan.digest() {
        return Err(Refusal::PlannerSubject(subject));
    }
    if predicate.principal != *planner {
        return Err(Refusal::PlannerUnknown { planner: predicate.principal, version });
    }
    Ok(predicate)
}
