//! All approvals of an apply are spent by one write, or none is. `Spent` says that they were, and
//! only this file makes one.

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::Ledger;
use super::error::LedgerError;
use super::lock::Lock;
use super::record::{self, Claim, Line, PlanRecord, Round, RoundState};
use super::store::{Journal, StoreError, Version};
use crate::clock::Instant;
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

/// The approvals of one apply are spent, and its target is locked. Not to be copied, stored or made
/// elsewhere:
///
/// ```compile_fail
/// fn twice(spent: countersign::ledger::Spent) {
///     let again = spent.clone();
/// }
/// ```
/// ```compile_fail
/// let forged = countersign::ledger::Spent::default();
/// ```
/// ```compile_fail
/// fn forged(lock: countersign::ledger::Lock) -> countersign::ledger::Spent {
///     countersign::ledger::Spent { lock, ..unreachable!() }
/// }
/// ```
/// ```compile_fail
/// fn stored(spent: &countersign::ledger::Spent) -> String {
///     serde_json::to_string(spent).unwrap()
/// }
/// ```
///
/// What may be done with one is to look at it, and to hand it on:
///
/// ```
/// fn looked_at(spent: countersign::ledger::Spent) -> countersign::ledger::Spent {
///     println!("{}", spent.apply_id());
///     spent
/// }
/// ```
#[derive(Debug)]
pub struct Spent {
    pub(super) lock: Lock,
    pub(super) ledger: ApprovalId,
    pub(super) round: Round,
    pub(super) journal: Mutex<Box<dyn Journal>>,
    earlier: Vec<ApprovalId>,
    begun_before: BTreeSet<String>,
}

impl Spent {
    /// Id of this round: names its receipt.
    pub fn apply_id(&self) -> &ApprovalId {
        &self.round.apply_id
    }

    /// When it was begun.
    pub fn started_at(&self) -> Instant {
        self.round.started_at
    }

    /// What it spent, the approvals of the rounds that it resumes included.
    pub fn approvals(&self) -> &BTreeSet<ApprovalId> {
        &self.round.approvals
    }

    /// The lock it holds.
    pub fn lock(&self) -> &Lock {
        &self.lock
    }

    /// The unfinished rounds that this one resumes, oldest first.
    pub fn resumes(&self) -> &[ApprovalId] {
        &self.earlier
    }

    /// What those rounds had begun to write, whether or not it was written.
    pub fn begun_before(&self) -> &BTreeSet<String> {
        &self.begun_before
    }
}

/// What the one write gave.
struct Committed {
    round: Round,
    earlier: Vec<ApprovalId>,
    begun_before: BTreeSet<String>,
    journal: Box<dyn Journal>,
}

impl Ledger {
    /// Spends the whole counted set of approvals for the plan and target of `lock`, and begins a
    /// round with the id `apply_id` (128 random bits). With `resume`, an unfinished round of the same
    /// plan is gone on with, and its approvals count. If it refuses, the lock is given back as
    /// [`Ledger::release`] does.
    ///
    /// # Errors
    /// [`LedgerError::Spent`] if one of them was spent by another plan or a round that finished;
    /// [`LedgerError::Begun`] if the plan has an unfinished round and `resume` is not set;
    /// [`LedgerError::Lost`], [`LedgerError::NoApproval`], [`LedgerError::ApplyId`],
    /// [`LedgerError::Unusable`]. Nothing was spent then.
    pub fn spend(
        &self,
        lock: Lock,
        approvals: &BTreeSet<ApprovalId>,
        apply_id: ApprovalId,
        resume: bool,
        now: Instant,
    ) -> Result<Spent, LedgerError> {
        let new = Round {
            apply_id,
            approvals: approvals.clone(),
            started_at: now,
            state: RoundState::Begun,
        };
        match self.commit(&lock, &new, resume) {
            Ok(Committed { round, earlier, begun_before, journal }) => {
                let (journal, ledger) = (Mutex::new(journal), self.id().clone());
                Ok(Spent { lock, ledger, round, journal, earlier, begun_before })
            }
            Err(refusal) => {
                // The refusal says more than a lock that stays, which everybody can see.
                let _lock_may_stay = self.release(lock);
                Err(refusal)
            }
        }
    }

    /// What an approval is worth to a plan now; changes nothing.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`], [`LedgerError::Unusable`].
    pub fn approval_use(
        &self,
        plan: Digest,
        approval: &ApprovalId,
    ) -> Result<ApprovalUse, LedgerError> {
        let claimed = self.claimed_by(approval)?;
        if let Some(other) = claimed.filter(|claimed| *claimed != plan) {
            return Ok(ApprovalUse::Spent { plan: other });
        }
        let record = self.plan_record(&plan)?.map(|(record, _)| record);
        Ok(record.map_or(ApprovalUse::Unspent, |record| used(&record, approval)))
    }

    /// Every apply of a plan, oldest first; none if there was none.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`], [`LedgerError::Unusable`].
    pub fn rounds(&self, plan: Digest) -> Result<Vec<Round>, LedgerError> {
        Ok(self.plan_record(&plan)?.map(|(record, _)| record.rounds).unwrap_or_default())
    }

    /// Everything up to and with the one write that spends.
    fn commit(&self, lock: &Lock, new: &Round, resume: bool) -> Result<Committed, LedgerError> {
        if new.approvals.is_empty() {
            return Err(LedgerError::NoApproval);
        }
        self.still_holds(&lock.target, &lock.id)?;
        let found = self.plan_record(&lock.plan)?.map(|(record, _)| record);
        let earlier: Vec<_> = found.as_ref().map_or(&[][..], PlanRecord::open_chain).to_vec();
        let earlier: Vec<_> = earlier.into_iter().map(|round| round.apply_id).collect();
        // Refused before anything is written, if it will be; decided again when it is written.
        self.next(found.as_ref(), lock, new, resume)?;
        let begun_before = self.begun_by(&earlier)?;
        for approval in &new.approvals {
            self.claim(approval, lock.plan)?;
        }
        let journal = match self.home.journals.start(&record::journal(&new.apply_id)) {
            Ok(journal) => journal,
            Err(StoreError::Conflict(_)) => return Err(LedgerError::ApplyId(new.apply_id.clone())),
            Err(error) => return Err(self.failed(error)),
        };
        let name = record::plan(&lock.plan);
        let written = self.change(&name, |found: Option<&PlanRecord>| {
            self.next(found, lock, new, resume).map(Some)
        })?;
        let round = written.and_then(|mut record| record.rounds.pop());
        let round = round.ok_or_else(|| self.damaged(&name, "it is not there after a write"))?;
        Ok(Committed { round, earlier, begun_before, journal })
    }

    /// The record with the new round, or why there cannot be one.
    fn next(
        &self,
        found: Option<&PlanRecord>,
        lock: &Lock,
        new: &Round,
        resume: bool,
    ) -> Result<PlanRecord, LedgerError> {
        let fresh =
            || PlanRecord { plan: lock.plan, target: lock.target.clone(), rounds: Vec::new() };
        let mut record = found.cloned().unwrap_or_else(fresh);
        if record.target != lock.target {
            return Err(LedgerError::Target { plan: lock.plan, recorded: record.target });
        }
        refuse_begun(&record, resume)?;
        for approval in &new.approvals {
            match used(&record, approval) {
                ApprovalUse::Unspent | ApprovalUse::Resumable { .. } => {}
                ApprovalUse::Spent { plan } => {
                    return Err(LedgerError::Spent { approval: approval.clone(), plan });
                }
            }
        }
        let mut new = new.clone();
        if let Some(open) = record.rounds.last_mut().filter(|round| round.state.is_open()) {
            open.state = RoundState::Resumed;
            new.approvals.extend(open.approvals.iter().cloned());
        }
        record.rounds.push(new);
        Ok(record)
    }

    /// Ties an approval to the one plan that may spend it.
    fn claim(&self, approval: &ApprovalId, plan: Digest) -> Result<(), LedgerError> {
        let name = record::claim(approval);
        let claim = Claim { approval: approval.clone(), plan };
        self.change(&name, |found: Option<&Claim>| match found {
            None => Ok(Some(claim.clone())),
            Some(found) if *found == claim => Ok(None),
            Some(found) if found.approval != *approval => Err(self.misplaced(&name)),
            Some(found) => Err(LedgerError::Spent { approval: approval.clone(), plan: found.plan }),
        })?;
        Ok(())
    }

    fn claimed_by(&self, approval: &ApprovalId) -> Result<Option<Digest>, LedgerError> {
        let name = record::claim(approval);
        match self.get::<Claim>(&name)? {
            Some((found, _)) if found.approval != *approval => Err(self.misplaced(&name)),
            Some((found, _)) => Ok(Some(found.plan)),
            None => Ok(None),
        }
    }

    pub(super) fn plan_record(
        &self,
        plan: &Digest,
    ) -> Result<Option<(PlanRecord, Version)>, LedgerError> {
        let name = record::plan(plan);
        match self.get::<PlanRecord>(&name)? {
            Some((found, _)) if found.plan != *plan => Err(self.misplaced(&name)),
            found => Ok(found),
        }
    }

    pub(super) fn refuse_begun(&self, plan: Digest, resume: bool) -> Result<(), LedgerError> {
        match self.plan_record(&plan)? {
            Some((record, _)) => refuse_begun(&record, resume),
            None => Ok(()),
        }
    }

    /// What the journals of these rounds say was begun.
    fn begun_by(&self, rounds: &[ApprovalId]) -> Result<BTreeSet<String>, LedgerError> {
        let mut begun = BTreeSet::new();
        for apply_id in rounds {
            for line in self.journal_lines(apply_id)? {
                match line {
                    Line::Begun { item, .. } => begun.insert(item),
                    Line::Done { .. } => false,
                };
            }
        }
        Ok(begun)
    }
}

fn refuse_begun(record: &PlanRecord, resume: bool) -> Result<(), LedgerError> {
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
fn used(record: &PlanRecord, approval: &ApprovalId) -> ApprovalUse {
    if let Some(open) = record.open_round().filter(|open| open.approvals.contains(approval)) {
        return ApprovalUse::Resumable { apply_id: open.apply_id.clone() };
    }
    if record.rounds.iter().any(|round| round.approvals.contains(approval)) {
        return ApprovalUse::Spent { plan: record.plan };
    }
    ApprovalUse::Unspent
}
