//! One holder per target. A lock is a value: whoever has it may spend and finish, and either uses
//! it up. Dropping it leaves the record, which a person or `resume` then deals with.

use std::thread::sleep;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Ledger;
use super::error::{Held, LedgerError};
use super::record::{self, LockRecord, PlanRecord, TargetKey};
use super::store::{Liveness, Presence};
use crate::clock::Instant;
use crate::document::ident::{Digest, Label};
use crate::document::statement::ApprovalId;

/// How often, and how long apart, a hold is asked for before its holder counts as alive: others
/// have it for a moment only to find out whether somebody is.
const ASKS: u32 = 5;
const BETWEEN: Duration = Duration::from_millis(20);

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Holder {
    /// Principal that applies.
    pub principal: Label,
    /// Machine, for people.
    pub host: String,
    /// Process there, for people.
    pub pid: u32,
    /// Since when.
    pub since: Instant,
}

/// A lock as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LockView {
    /// Its id; what [`Ledger::unlock`] takes.
    pub id: ApprovalId,
    /// The plan that it was taken for.
    pub plan: Digest,
    /// Who holds it.
    pub holder: Holder,
}

/// A target that is locked for this process. Made by [`Ledger::lock`] only.
#[derive(Debug)]
pub struct Lock {
    pub(super) target: TargetKey,
    pub(super) id: ApprovalId,
    pub(super) plan: Digest,
    /// Ends with this value, on purpose after everything that is written with it.
    _alive: Box<dyn Presence>,
}

impl Lock {
    /// The locked target.
    pub fn target(&self) -> &TargetKey {
        &self.target
    }

    /// The plan that it is locked for.
    pub fn plan(&self) -> Digest {
        self.plan
    }

    /// Its id.
    pub fn id(&self) -> &ApprovalId {
        &self.id
    }
}

impl Ledger {
    /// Locks a target for a plan; `id` is 128 random bits. A lock whose process is gone is taken over
    /// by anybody where its plan had begun nothing, or had ended; where it is half-way, by the same
    /// plan with `resume`.
    ///
    /// # Errors
    /// [`LedgerError::Held`] or [`LedgerError::Busy`] by anybody else; [`LedgerError::Begun`] if the plan was begun and
    /// `resume` is not set; [`LedgerError::Unusable`].
    pub fn lock(
        &self,
        target: &TargetKey,
        plan: Digest,
        id: ApprovalId,
        holder: Holder,
        resume: bool,
    ) -> Result<Lock, LedgerError> {
        let alive = self.present(target)?;
        let new = LockView { id: id.clone(), plan, holder };
        self.change(&record::lock(target), |found: Option<&LockRecord>| {
            if let Some(lock) = self.holder(found, target)? {
                let same = resume && lock.plan == plan;
                // Only the living begin: once nobody is, what is recorded stays as it is.
                if alive.is_none() || (!same && self.is_half_done(lock.plan)?) {
                    return Err(held(target, lock, alive.is_none()));
                }
            }
            if alive.is_none() {
                return Err(LedgerError::Busy(target.clone()));
            }
            self.refuse_begun(plan, resume)?;
            Ok(Some(LockRecord { target: target.clone(), held: Some(new.clone()) }))
        })?;
        let alive = alive.ok_or_else(|| LedgerError::Busy(target.clone()))?;
        Ok(Lock { target: target.clone(), id, plan, _alive: alive })
    }

    /// Gives a lock back, for an apply that was refused or has not begun. Where the plan is
    /// half-way (a resume that was refused), the record of the lock stays, for the next resume.
    ///
    /// # Errors
    /// [`LedgerError::Unusable`]; the lock's record stays then.
    pub fn release(&self, lock: Lock) -> Result<(), LedgerError> {
        if self.is_half_done(lock.plan)? { Ok(()) } else { self.free(&lock.target, &lock.id) }
    }

    /// Whether the target may be half-way with this plan.
    fn is_half_done(&self, plan: Digest) -> Result<bool, LedgerError> {
        Ok(self.plan_record(&plan)?.is_some_and(|(found, _): (PlanRecord, _)| {
            found.rounds.last().is_some_and(|round| round.state.may_be_half_done())
        }))
    }

    /// Takes a lock away whose process is gone: a person's decision. Gives back what it was.
    ///
    /// # Errors
    /// [`LedgerError::NoLock`]; [`LedgerError::Held`] while its process is alive;
    /// [`LedgerError::Unusable`].
    pub fn unlock(&self, id: &ApprovalId) -> Result<Held, LedgerError> {
        let all = self.locks()?;
        let found = all.into_iter().find(|(_, lock)| lock.id == *id);
        let (target, lock) = found.ok_or_else(|| LedgerError::NoLock(id.clone()))?;
        let Some(_nobody_else) = self.present(&target)? else {
            return Err(held(&target, &lock, true));
        };
        self.free(&target, id)?;
        Ok(Held { target, lock, alive: false })
    }

    /// Every lock that is held, by target.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`], [`LedgerError::Unusable`].
    pub fn locks(&self) -> Result<Vec<(TargetKey, LockView)>, LedgerError> {
        let mut locks = Vec::new();
        for name in self.home.store.names(&record::locks()).map_err(|error| self.failed(error))? {
            let Some((found, _)) = self.get::<LockRecord>(&name)? else {
                continue;
            };
            if name != record::lock(&found.target) {
                return Err(self.misplaced(&name));
            }
            locks.extend(found.held.map(|held| (found.target, held)));
        }
        Ok(locks)
    }

    /// Whether the record still says that the target is locked by this lock.
    pub(super) fn still_holds(
        &self,
        target: &TargetKey,
        id: &ApprovalId,
    ) -> Result<(), LedgerError> {
        let found = self.get::<LockRecord>(&record::lock(target))?.map(|(found, _)| found);
        match self.holder(found.as_ref(), target)? {
            Some(lock) if lock.id == *id => Ok(()),
            Some(_) | None => Err(LedgerError::Lost(target.clone())),
        }
    }

    /// Frees the target if it is locked by this lock; it may be free already.
    pub(super) fn free(&self, target: &TargetKey, id: &ApprovalId) -> Result<(), LedgerError> {
        self.change(&record::lock(target), |found: Option<&LockRecord>| {
            match self.holder(found, target)? {
                Some(lock) if lock.id == *id => {
                    Ok(Some(LockRecord { target: target.clone(), held: None }))
                }
                Some(_) | None => Ok(None),
            }
        })?;
        Ok(())
    }

    fn holder<'a>(
        &self,
        found: Option<&'a LockRecord>,
        target: &TargetKey,
    ) -> Result<Option<&'a LockView>, LedgerError> {
        match found {
            Some(found) if found.target != *target => Err(self.misplaced(&record::lock(target))),
            Some(found) => Ok(found.held.as_ref()),
            None => Ok(None),
        }
    }

    fn present(&self, target: &TargetKey) -> Result<Option<Box<dyn Presence>>, LedgerError> {
        let name = record::presence(target);
        for ask in 0..ASKS {
            let Liveness::Held(holds) = self.home.store.liveness() else { return Ok(None) };
            let held = holds.hold(&name).map_err(|error| self.failed(error))?;
            if held.is_some() {
                return Ok(held);
            }
            if ask + 1 < ASKS {
                sleep(BETWEEN);
            }
        }
        Ok(None)
    }
}

fn held(target: &TargetKey, lock: &LockView, alive: bool) -> LedgerError {
    LedgerError::Held(Box::new(Held { target: target.clone(), lock: lock.clone(), alive }))
}
