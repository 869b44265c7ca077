//! All approvals of an apply are spent by one write, or none is. `Spent` says that they were, and
//! only this file makes one.

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::error::LedgerError;
use super::lease::Recorded;
use super::lock::{Lock, LockView, by};
use super::memory::News;
use super::record::{self, Claim, Line, LockRecord, PlanRecord, Round, RoundState, TrustRecord};
use super::rounds::{ApprovalUse, refuse_begun, used};
use super::store::{Change, Journal, Name, StoreError, Version};
use super::{Ledger, TRIES, trust};
use crate::clock::{Instant, Moment};
use crate::document::ident::Digest;
use crate::document::statement::ApprovalId;

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

    /// Whether its lock is still held, for sure: no write begins without.
    ///
    /// # Errors
    /// [`LedgerError::Lost`].
    pub fn holds(&self) -> Result<(), LedgerError> {
        self.lock.alive()
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

/// What is to be spent, and for what.
#[derive(Clone, Debug)]
pub struct Spending {
    /// The whole counted set of approvals.
    pub approvals: BTreeSet<ApprovalId>,
    /// Id of the round: 128 random bits.
    pub apply_id: ApprovalId,
    /// Whether an unfinished round of the same plan is gone on with; its approvals count then.
    pub resume: bool,
    /// The branch that will get what is changed, if one will.
    pub branch: Option<String>,
    /// Version and digest of the trust root that the apply goes by.
    pub trust: (u64, Digest),
    /// The time.
    pub now: Instant,
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
    /// round. The trust root is recorded with it. If it refuses, the lock is given back as
    /// [`Ledger::release`] does.
    ///
    /// # Errors
    /// [`LedgerError::Spent`] if one of them was spent by another plan or a round that finished;
    /// [`LedgerError::Begun`] if the plan has an unfinished round and `resume` is not set;
    /// [`LedgerError::TrustRolledBack`], [`LedgerError::TrustDiffers`],
    /// [`LedgerError::Lost`], [`LedgerError::NoApproval`], [`LedgerError::ApplyId`],
    /// [`LedgerError::Unusable`]. Nothing was spent then; that it is not known is
    /// [`LedgerError::Unknown`].
    pub fn spend(&self, mut lock: Lock, spending: Spending) -> Result<Spent, LedgerError> {
        match self.commit(&mut lock, spending) {
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

    /// Everything up to and with the one write that spends.
    fn commit(&self, lock: &mut Lock, spending: Spending) -> Result<Committed, LedgerError> {
        let Spending { approvals, apply_id, resume, branch, trust: (version, digest), now } =
            spending;
        if approvals.is_empty() {
            return Err(LedgerError::NoApproval);
        }
        let state = RoundState::Begun;
        let new = Round { apply_id, approvals, started_at: now, branch, state };
        let trust = TrustRecord { version, digest };
        let found = lock.known.plan.as_ref().map(|(record, _)| record);
        let earlier: Vec<_> = found.map_or(&[][..], PlanRecord::open_chain).to_vec();
        let earlier: Vec<_> = earlier.into_iter().map(|round| round.apply_id).collect();
        // Refused before anything is written, if it will be; decided again when it is written.
        self.next(found, lock, &new, resume)?;
        let begun_before = self.begun_by(&earlier)?;
        let journal = match self.home.journals.start(&record::journal(&new.apply_id)) {
            Ok(journal) => journal,
            Err(StoreError::Conflict(_)) => return Err(LedgerError::ApplyId(new.apply_id.clone())),
            Err(error) => return Err(self.failed(error)),
        };
        let mut claimed = found.and_then(PlanRecord::open_round).map(|open| open.approvals.clone());
        for _ in 0..TRIES {
            lock.alive()?;
            let found = lock.known.plan.as_ref().map(|(record, _)| record);
            let plan = self.next(found, lock, &new, resume)?;
            trust::check(lock.known.trust.as_ref().map(|(seen, _)| seen), &trust)?;
            let claimed = claimed.get_or_insert_default();
            let unclaimed: Vec<_> = new.approvals.difference(claimed).cloned().collect();
            match self.write_round(lock, &plan, &unclaimed, &trust)? {
                Ok(version) => {
                    let round = plan.rounds.last().cloned();
                    let news = News { trust: Some(&trust), plan: Some(&plan), receipts: None };
                    // What was spent is spent, whether or not this machine remembers it.
                    let _only_remembered_elsewhere = self.saw(&news);
                    lock.known.plan = Some((plan, version));
                    let name = record::plan(&lock.plan);
                    let round = round
                        .ok_or_else(|| self.damaged(&name, "it has no round after a spend"))?;
                    return Ok(Committed { round, earlier, begun_before, journal });
                }
                // Somebody else was quicker with one of the records.
                Err(_) => *claimed = self.look_again(lock, &new.approvals)?,
            }
        }
        Err(LedgerError::Contended(record::plan(&lock.plan)))
    }

    /// Writes what spends: the lock is renewed, each approval is tied to the plan, the trust root is
    /// recorded; then the record of the plan, which decides. Gives the version of that, or the
    /// record that somebody else has changed.
    fn write_round(
        &self,
        lock: &Lock,
        plan: &PlanRecord,
        unclaimed: &[ApprovalId],
        trust: &TrustRecord,
    ) -> Result<Result<Version, Name>, LedgerError> {
        let mut held = lock.standing.record();
        let view = lock.standing.renewed(&held.view);
        let record = LockRecord::held(lock.target.clone(), view.clone());
        let lock_name = record::lock(&lock.target);
        let mut first = vec![self.put(lock_name.clone(), &record, Some(held.version.clone()))?];
        for approval in unclaimed {
            let claim = Claim { approval: approval.clone(), plan: lock.plan };
            first.push(self.put(record::claim(approval), &claim, None)?);
        }
        // Also where it stays the same: a newer one, recorded by an apply of another target since it
        // was read, is a conflict then.
        let version = lock.known.trust.as_ref().map(|(_, version)| version.clone());
        first.push(self.put(record::trust(), trust, version)?);
        let version = lock.known.plan.as_ref().map(|(_, version)| version.clone());
        let last = self.put(record::plan(&lock.plan), plan, version)?;
        let change =
            Change { why: spends(&view, lock, plan), steps: vec![first, vec![last]], along: None };
        let sent = Moment::now();
        match self.home.store.write(&change) {
            Ok(versions) => {
                let (first, last) = (versions.first().cloned(), versions.last().cloned());
                let (Some(first), Some(last)) = (first, last) else {
                    return Err(self.damaged(&lock_name, "its store gave no version"));
                };
                lock.standing.wrote(view.lease, sent);
                *held = Recorded { view, version: first };
                Ok(Ok(last))
            }
            // Also where the lock's is another: a renewal may have landed whose answer was lost.
            Err(StoreError::Conflict(name)) => Ok(Err(name)),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Reads again what a spend rests on. Gives the approvals that are tied to this plan already.
    fn look_again(
        &self,
        lock: &mut Lock,
        approvals: &BTreeSet<ApprovalId>,
    ) -> Result<BTreeSet<ApprovalId>, LedgerError> {
        self.refresh()?;
        // A first step of the change may have been written: the lock renewed with it.
        self.still_holds(lock)?;
        lock.known.plan = self.plan_record(&lock.plan)?;
        lock.known.trust = self.trust_record()?;
        let mut claimed = BTreeSet::new();
        for approval in approvals {
            match self.claimed_by(approval)? {
                None => {}
                Some(plan) if plan == lock.plan => drop(claimed.insert(approval.clone())),
                Some(plan) => return Err(LedgerError::Spent { approval: approval.clone(), plan }),
            }
        }
        Ok(claimed)
    }

    /// Takes note of the lock's record as it stands now, which must be this lock's.
    pub(super) fn still_holds(&self, lock: &Lock) -> Result<(), LedgerError> {
        let mut held = lock.standing.record();
        match self.get::<LockRecord>(&record::lock(&lock.target))? {
            Some((LockRecord { held: Some(view), .. }, version)) if view.id == lock.id => {
                *held = Recorded { view, version };
                Ok(())
            }
            Some(_) | None => Err(LedgerError::Lost(lock.target.clone())),
        }
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
        if record.rounds.iter().any(|round| round.apply_id == new.apply_id) {
            return Err(LedgerError::ApplyId(new.apply_id.clone()));
        }
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

/// What the history says of a spend.
fn spends(view: &LockView, lock: &Lock, plan: &PlanRecord) -> String {
    let Some(round) = plan.rounds.last() else {
        return String::new();
    };
    let count = round.approvals.len();
    let approvals = if count == 1 { "approval" } else { "approvals" };
    let mut why = format!(
        "Spend {count} {approvals} for plan {} on {}\n\nApply: {}\n",
        lock.plan, lock.target, round.apply_id
    );
    for approval in &round.approvals {
        why.push_str(&format!("Approval: {approval}\n"));
    }
    why + &by(view)
}
