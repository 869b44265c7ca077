//! The applies of a plan as they are recorded, and what they leave an approval worth. Reads only.

use super::Ledger;
use super::error::LedgerError;
use super::lock::Lock;
use super::record::{self, Claim, PlanRecord, Round};
use super::store::{Found, Name, Version};
use crate::document::ident::Digest;
use crate::document::statement::ApprovalId;

/// What an approval is still worth to a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApprovalUse {
    /// It has not been spent.
    Unspent,
    /// It was spent by this plan's own round, which has not finished: it still counts for a resume.
    Resumable {
        /// The round.
        apply_id: ApprovalId,
    },
    /// It is worth nothing.
    Spent {
        /// The plan that spent it, or claimed it in order to.
        plan: Digest,
    },
}

impl Lock {
    /// What an approval is worth to the plan of this lock, as far as applies of this plan go: that
    /// no other plan spends it too is found out when it is spent.
    pub fn approval_use(&self, approval: &ApprovalId) -> ApprovalUse {
        let record = self.known.plan.as_ref().map(|(record, _)| record);
        record.map_or(ApprovalUse::Unspent, |record| used(record, approval))
    }
}

impl Ledger {
    /// What an approval is worth to a plan now; changes nothing.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`], [`LedgerError::Unusable`].
    pub fn approval_use(
        &self,
        plan: Digest,
        approval: &ApprovalId,
    ) -> Result<ApprovalUse, LedgerError> {
        let names = [record::claim(approval), record::plan(&plan)];
        let found = self.home.store.read(&names).map_err(|error| self.failed(error))?;
        let [claim, of_plan] = &names;
        let mut found = found.into_iter();
        let claimed = self.claim_of(claim, approval, found.next().flatten())?;
        let record = self.of_plan(of_plan, &plan, found.next().flatten())?;
        if let Some(other) = claimed.filter(|claimed| *claimed != plan) {
            return Ok(ApprovalUse::Spent { plan: other });
        }
        let found = record.map_or(ApprovalUse::Unspent, |(record, _)| used(&record, approval));
        if found != ApprovalUse::Unspent || claimed.is_none() || !self.is_listed(&plan, approval)? {
            return Ok(found);
        }
        // Tied to the plan, which does not have it: a process died before it spent, or it was spent
        // since the record was read, or the record is older than the receipt.
        match self.plan_record(&plan)?.map(|(record, _)| used(&record, approval)) {
            Some(ApprovalUse::Unspent) | None => {
                Err(self
                    .damaged(&record::plan(&plan), "an approval that a receipt lists is not in it"))
            }
            Some(found) => Ok(found),
        }
    }

    /// Every apply of a plan, oldest first; none if there was none.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`], [`LedgerError::Unusable`].
    pub fn rounds(&self, plan: Digest) -> Result<Vec<Round>, LedgerError> {
        Ok(self.plan_record(&plan)?.map(|(record, _)| record.rounds).unwrap_or_default())
    }

    /// The plan that an approval is tied to, if it is.
    pub(super) fn claimed_by(&self, approval: &ApprovalId) -> Result<Option<Digest>, LedgerError> {
        let name = record::claim(approval);
        let found = self.home.read(&name).map_err(|error| self.failed(error))?;
        self.claim_of(&name, approval, found)
    }

    fn claim_of(
        &self,
        name: &Name,
        approval: &ApprovalId,
        found: Option<Found>,
    ) -> Result<Option<Digest>, LedgerError> {
        match self.decoded::<Claim>(name, found)? {
            Some((found, _)) if found.approval != *approval => Err(self.misplaced(name)),
            Some((found, _)) => Ok(Some(found.plan)),
            None => Ok(None),
        }
    }

    pub(super) fn plan_record(
        &self,
        plan: &Digest,
    ) -> Result<Option<(PlanRecord, Version)>, LedgerError> {
        let name = record::plan(plan);
        let found = self.home.read(&name).map_err(|error| self.failed(error))?;
        self.of_plan(&name, plan, found)
    }

    /// The record of a plan as it was read.
    pub(super) fn of_plan(
        &self,
        name: &Name,
        plan: &Digest,
        found: Option<Found>,
    ) -> Result<Option<(PlanRecord, Version)>, LedgerError> {
        let found = self.decoded::<PlanRecord>(name, found)?;
        if found.as_ref().is_some_and(|(found, _)| found.plan != *plan) {
            return Err(self.misplaced(name));
        }
        if let Some(memory) = &self.home.memory {
            memory.check_plan(plan, found.as_ref().map(|(found, _)| found))?;
        }
        Ok(found)
    }
}

/// Refuses a plan with an unfinished round, unless it is to be resumed.
pub(super) fn refuse_begun(record: &PlanRecord, resume: bool) -> Result<(), LedgerError> {
    match record.open_round() {
        Some(open) if !resume => Err(LedgerError::Begun {
            plan: record.plan,
            apply_id: open.apply_id.clone(),
            started_at: open.started_at,
        }),
        Some(_) | None => Ok(()),
    }
}

/// An open round has the approvals of all that it resumes, so only it has to be asked.
pub(super) fn used(record: &PlanRecord, approval: &ApprovalId) -> ApprovalUse {
    if let Some(open) = record.open_round().filter(|open| open.approvals.contains(approval)) {
        return ApprovalUse::Resumable { apply_id: open.apply_id.clone() };
    }
    if record.rounds.iter().any(|round| round.approvals.contains(approval)) {
        return ApprovalUse::Spent { plan: record.plan };
    }
    ApprovalUse::Unspent
}
