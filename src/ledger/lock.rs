//! One holder per target. A lock is a value: whoever has it may spend and finish, and either uses
//! it up. Dropping it leaves the record, which a person or `resume` then deals with.

use std::thread::sleep;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::chain::Newest;
use super::error::{Held, LedgerError, Life};
use super::lease::{Lease, Recorded, Standing, Watched};
use super::record::{self, LockRecord, PlanRecord, TargetKey, TrustRecord};
use super::rounds::refuse_begun;
use super::store::{Change, Holds, Liveness, Presence, StoreError, Version};
use super::{Ledger, TRIES};
use crate::clock::{Instant, Moment};
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
    /// How its holder says that it is alive; null where the store knows by itself.
    pub lease: Option<Lease>,
}

/// A target that is locked for this process. Made by [`Ledger::lock`] only.
#[derive(Debug)]
pub struct Lock {
    pub(super) target: TargetKey,
    pub(super) id: ApprovalId,
    pub(super) plan: Digest,
    pub(super) known: Known,
    pub(super) standing: Standing,
    /// Ends with this value, on purpose after everything that is written with it.
    _alive: Option<Box<dyn Presence>>,
}

/// What was read with the lock. Nobody else changes it while the lock is held, and whoever writes
/// goes by the versions all the same.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) plan: Option<(PlanRecord, Version)>,
    pub(super) trust: Option<(TrustRecord, Version)>,
    pub(super) newest: Option<Newest>,
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

    /// Digest of the payload of the target's newest receipt, which the next one must name.
    pub fn previous(&self) -> Option<Digest> {
        self.known.newest.as_ref().map(|newest| newest.digest)
    }

    /// When the newest apply of the target ended, by the clock of whoever made it; `None` before
    /// the first.
    pub fn last_finished(&self) -> Option<Instant> {
        self.known.newest.as_ref().map(|newest| newest.finished_at)
    }
}

/// A lock record that is to be written, and the record that it replaces.
struct Taking {
    expected: Option<Version>,
    known: Known,
}

impl Ledger {
    /// Locks a target for a plan; `id` is 128 random bits. A lock whose process is gone is taken over
    /// by anybody where its plan had begun nothing, or had ended; where it is half-way, by the same
    /// plan with `resume`. In a shared store it takes up to a lease to find out whether a process is
    /// gone; a lock that is given back meanwhile is taken.
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
        let liveness = self.home.store.liveness();
        let (alive, lease) = match liveness {
            Liveness::Held(holds) => (self.present(holds, target)?, None),
            Liveness::Leased(length) => (None, Some(Lease::new(length, holder.since))),
        };
        let view = LockView { id: id.clone(), plan, holder, lease };
        for _ in 0..TRIES {
            let taking = match liveness {
                Liveness::Held(_) => self.take(target, plan, resume, |lock, free| {
                    // Only the living begin: once nobody is, what is recorded stays as it is.
                    match free && alive.is_some() {
                        true => Ok(None),
                        false if alive.is_none() => Err(held(target, lock, Life::Alive)),
                        false => Err(held(target, lock, Life::Gone)),
                    }
                }),
                Liveness::Leased(own) => self.take(target, plan, resume, |lock, free| match free {
                    true => self.watch(target, lock, own).map(Some),
                    false => Err(held(target, lock, Life::Unknown)),
                }),
            };
            let Some(Taking { expected, known }) = taking? else {
                continue;
            };
            if alive.is_none() && matches!(liveness, Liveness::Held(_)) {
                return Err(LedgerError::Busy(target.clone()));
            }
            let record = LockRecord::held(target.clone(), view.clone());
            let put = self.put(record::lock(target), &record, expected)?;
            let why = format!("Lock {target} for plan {plan}\n\n{}", by(&view));
            let sent = Moment::now();
            match self.home.store.write(&Change::of(why, put)) {
                Ok(versions) => {
                    let version = only(versions);
                    let home = (self.home.shared_store(), self.place());
                    let recorded = Recorded { view, version };
                    let standing = Standing::new(home, target.clone(), recorded, sent);
                    let target = target.clone();
                    return Ok(Lock { target, id, plan, known, standing, _alive: alive });
                }
                Err(StoreError::Conflict(_)) => self.refresh()?,
                Err(error) => return Err(self.failed(error)),
            }
        }
        Err(LedgerError::Contended(record::lock(target)))
    }

    /// Whether the lock can be taken now, and what stands there. `wait` is asked about a lock that
    /// is held, and whether it would be free if its holder were gone: it gives the version to take
    /// it over from (`None`: the one that was read), or the refusal. Gives nothing if everything has
    /// to be read again.
    fn take(
        &self,
        target: &TargetKey,
        plan: Digest,
        resume: bool,
        wait: impl Fn(&LockView, bool) -> Result<Option<Watched>, LedgerError>,
    ) -> Result<Option<Taking>, LedgerError> {
        let mut fresh = false;
        loop {
            let taking = self.looked_at(target, plan, resume, &wait);
            // That a holder is alive was seen just now: to watch it again would double the wait.
            let refused = match &taking {
                Err(LedgerError::Held(held)) => held.life != Life::Alive,
                Err(error) => matches!(error, LedgerError::Busy(_) | LedgerError::Begun { .. }),
                Ok(_) => false,
            };
            if !refused || fresh {
                return taking;
            }
            // Nobody is refused for what has changed since it was read.
            self.refresh()?;
            fresh = true;
        }
    }

    fn looked_at(
        &self,
        target: &TargetKey,
        plan: Digest,
        resume: bool,
        wait: &impl Fn(&LockView, bool) -> Result<Option<Watched>, LedgerError>,
    ) -> Result<Option<Taking>, LedgerError> {
        let (found, known) = self.known(target, plan)?;
        let (found, mut expected) = found.map_or((None, None), |(old, v)| (Some(old), Some(v)));
        let mut left = false;
        if let Some(lock) = self.holder(found.as_ref(), target)? {
            left = lock.plan == plan;
            let same = resume && lock.plan == plan;
            let free = same || !self.is_half_done(lock.plan)?;
            match wait(lock, free)? {
                None => {}
                Some(Watched::Gone(version)) => expected = Some(version),
                Some(Watched::Alive) => return Err(held(target, lock, Life::Alive)),
                Some(Watched::Changed) => return Ok(None),
            }
        }
        if let Some((record, _)) = &known.plan {
            refuse_begun(record, resume)?;
            // An apply that dies between its receipt and the end of its round leaves its lock.
            if !left {
                self.refuse_ended(record)?;
            }
        }
        Ok(Some(Taking { expected, known }))
    }

    /// What stands at a target's lock, and what goes with it for this plan.
    fn known(
        &self,
        target: &TargetKey,
        plan: Digest,
    ) -> Result<(Option<(LockRecord, Version)>, Known), LedgerError> {
        let names = [record::lock(target), record::plan(&plan), record::trust()];
        let found = self.home.store.read(&names).map_err(|error| self.failed(error))?;
        let [lock, of_plan, _] = &names;
        let mut found = found.into_iter();
        let lock = self.decoded(lock, found.next().flatten())?;
        let of_plan = self.of_plan(of_plan, &plan, found.next().flatten())?;
        let trust = self.of_trust(found.next().flatten())?;
        let record = of_plan.as_ref().map(|(record, _)| record);
        let newest = self.newest(target, (&plan, record))?;
        Ok((lock, Known { plan: of_plan, trust, newest }))
    }

    /// Gives a lock back, for an apply that was refused or has not begun. Where the plan is
    /// half-way (a resume that was refused), the record of the lock stays, for the next resume.
    ///
    /// # Errors
    /// [`LedgerError::Unusable`]; the lock's record stays then.
    pub fn release(&self, lock: Lock) -> Result<(), LedgerError> {
        if self.is_half_done(lock.plan)? {
            return Ok(());
        }
        self.give_back(&lock)
    }

    /// Frees the target of a lock that is still this one; somebody else's stays.
    pub(super) fn give_back(&self, lock: &Lock) -> Result<(), LedgerError> {
        let record = lock.standing.record();
        lock.standing.over();
        let (view, version) = (record.view.clone(), record.version.clone());
        drop(record);
        if self.free(&lock.target, &view, &version)? {
            return Ok(());
        }
        // A renewal may have landed whose answer was lost.
        self.refresh()?;
        match self.still_holds(lock) {
            Ok(()) => {
                let version = lock.standing.record().version.clone();
                self.free(&lock.target, &view, &version).map(drop)
            }
            Err(LedgerError::Lost(_)) => Ok(()),
            Err(error) => Err(error),
        }
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
    /// [`LedgerError::NoLock`]; [`LedgerError::Held`] while its process is alive, which takes a whole
    /// lease to find out in a shared store; [`LedgerError::Unusable`].
    pub fn unlock(&self, id: &ApprovalId) -> Result<Held, LedgerError> {
        self.refresh()?;
        let all = self.lock_records()?;
        let found = all.into_iter().find(|(_, lock, _)| lock.id == *id);
        let (target, lock, version) = found.ok_or_else(|| LedgerError::NoLock(id.clone()))?;
        let (_nobody_else, version) = match self.home.store.liveness() {
            Liveness::Held(holds) => match self.present(holds, &target)? {
                Some(presence) => (Some(presence), version),
                None => return Err(held(&target, &lock, Life::Alive)),
            },
            Liveness::Leased(own) => match self.watch(&target, &lock, own)? {
                Watched::Gone(version) => (None, version),
                Watched::Alive => return Err(held(&target, &lock, Life::Alive)),
                Watched::Changed => return Err(LedgerError::NoLock(id.clone())),
            },
        };
        if !self.free(&target, &lock, &version)? {
            return Err(LedgerError::Contended(record::lock(&target)));
        }
        Ok(Held { target, lock, life: Life::Gone })
    }

    /// Every lock that is held, by target.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`], [`LedgerError::Unusable`].
    pub fn locks(&self) -> Result<Vec<(TargetKey, LockView)>, LedgerError> {
        let records = self.lock_records()?.into_iter();
        Ok(records.map(|(target, lock, _)| (target, lock)).collect())
    }

    fn lock_records(&self) -> Result<Vec<(TargetKey, LockView, Version)>, LedgerError> {
        let mut locks = Vec::new();
        for (name, found, version) in self.all::<LockRecord>(&record::locks())? {
            if name != record::lock(&found.target) {
                return Err(self.misplaced(&name));
            }
            locks.extend(found.held.map(|held| (found.target, held, version)));
        }
        Ok(locks)
    }

    /// Frees the target if its lock is in this state; whether it was.
    fn free(
        &self,
        target: &TargetKey,
        lock: &LockView,
        version: &Version,
    ) -> Result<bool, LedgerError> {
        let name = record::lock(target);
        let free = LockRecord::free(target.clone(), &lock.id);
        let put = self.put(name, &free, Some(version.clone()))?;
        let why = format!("Give the lock of {target} back\n\n{}", by(lock));
        match self.home.store.write(&Change::of(why, put)) {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict(_)) => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
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

    fn present(
        &self,
        holds: &dyn Holds,
        target: &TargetKey,
    ) -> Result<Option<Box<dyn Presence>>, LedgerError> {
        let name = record::presence(target);
        for ask in 0..ASKS {
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

/// The one version of a change of one record.
fn only(versions: Vec<Version>) -> Version {
    versions.into_iter().next().unwrap_or_else(|| Version(String::new()))
}

/// The end of a change's reason: who did it, by the words of the lock.
pub(super) fn by(lock: &LockView) -> String {
    let Holder { principal, host, pid, .. } = &lock.holder;
    format!("Plan: {}\nLock: {}\nBy: {principal}, process {pid} on {host}\n", lock.plan, lock.id)
}

fn held(target: &TargetKey, lock: &LockView, life: Life) -> LedgerError {
    LedgerError::Held(Box::new(Held { target: target.clone(), lock: lock.clone(), life }))
}
