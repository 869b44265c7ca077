//! A round ends with its receipt: stored, the round ended, the lock given back, in one change.

use super::chain::open;
use super::error::LedgerError;
use super::lock::{Lock, LockView, by};
use super::memory::News;
use super::record::{self, LockRecord, PlanRecord, Round, RoundState};
use super::spend::Spent;
use super::store::{Along, Change, Put, StoreError};
use super::{Ledger, TRIES};
use crate::clock::Instant;
use crate::document::ident::Digest;
use crate::document::statement::{ApprovalId, Outcome, Receipt, Statement};

impl Ledger {
    /// Ends a round with its receipt (the bytes of the signed envelope). If everything was written
    /// the round is finished; else it can be resumed. The lock is released unless the target may be
    /// half-way. Gives back the digest of the receipt's payload. The branch of `along` gets its
    /// commit in the same stroke, or nothing is recorded.
    ///
    /// # Errors
    /// [`LedgerError::Receipt`] or [`LedgerError::ReceiptUnread`] if it is not the receipt of this
    /// round or does not continue the chain, [`LedgerError::Lost`], [`LedgerError::Branch`],
    /// [`LedgerError::Unusable`]. The round stays begun then, and can be resumed.
    pub fn finish(
        &self,
        mut spent: Spent,
        envelope: &[u8],
        along: Option<Along>,
    ) -> Result<Digest, LedgerError> {
        if spent.ledger != *self.id() {
            return Err(LedgerError::Mismatch);
        }
        let (statement, digest) = open(envelope)?;
        let outcome = statement.predicate.outcome;
        let state = match outcome {
            // All of it is written: a resume would have nothing to write.
            Outcome::Applied | Outcome::NotReady => {
                RoundState::Finished { outcome, receipt: digest }
            }
            Outcome::FailedClean | Outcome::Partial | Outcome::Indeterminate => {
                RoundState::Stopped { outcome, receipt: digest }
            }
            Outcome::Abandoned => {
                return Err(LedgerError::Receipt("an apply does not abandon itself"));
            }
        };
        let apply_id = spent.apply_id().clone();
        let receipt = self.next_receipt(&spent.lock, &apply_id, envelope, &statement)?;
        self.end(&mut spent.lock, receipt, along, |record| {
            let last = record.rounds.last_mut();
            let Some(last) = last.filter(|round| round.apply_id == apply_id) else {
                return Err(LedgerError::Receipt("another round was begun meanwhile"));
            };
            last.state = state.clone();
            Ok(())
        })?;
        Ok(digest)
    }

    /// Gives an unfinished round up: a person's decision. Stores the receipt that says so, ends the
    /// round for good and releases the lock. `apply_id` is 128 random bits and names the receipt.
    ///
    /// # Errors
    /// [`LedgerError::NothingBegun`]; else as [`Ledger::finish`].
    pub fn abandon(
        &self,
        mut lock: Lock,
        apply_id: &ApprovalId,
        envelope: &[u8],
        now: Instant,
    ) -> Result<Digest, LedgerError> {
        let (statement, digest) = open(envelope)?;
        let outcome = statement.predicate.outcome;
        if outcome != Outcome::Abandoned {
            return Err(LedgerError::Receipt("its outcome is not that of an abandoned apply"));
        }
        let open = lock.known.plan.as_ref().and_then(|(record, _)| record.open_round());
        if open.is_none() {
            let plan = lock.plan;
            self.release(lock)?;
            return Err(LedgerError::NothingBegun(plan));
        }
        let receipt = self.next_receipt(&lock, apply_id, envelope, &statement)?;
        self.end(&mut lock, receipt, None, |record| {
            let last = record.rounds.last_mut().filter(|round| round.state.is_open());
            let Some(last) = last else {
                return Err(LedgerError::NothingBegun(record.plan));
            };
            last.state = RoundState::Resumed;
            let (approvals, branch) = (last.approvals.clone(), last.branch.clone());
            let state = RoundState::Finished { outcome, receipt: digest };
            let apply_id = apply_id.clone();
            record.rounds.push(Round { apply_id, approvals, started_at: now, branch, state });
            Ok(())
        })?;
        Ok(digest)
    }

    /// Stores a receipt, ends the round that it is of, and gives the lock back unless the target may
    /// be half-way: in this order.
    fn end(
        &self,
        lock: &mut Lock,
        receipt: Put,
        along: Option<Along>,
        ended: impl Fn(&mut PlanRecord) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let name = record::plan(&lock.plan);
        lock.alive()?;
        for _ in 0..TRIES {
            let Some((mut plan, version)) = lock.known.plan.clone() else {
                return Err(self.damaged(&name, "it is gone"));
            };
            ended(&mut plan)?;
            let free = !plan.rounds.last().is_some_and(|round| round.state.may_be_half_done());
            let mut held = lock.standing.record();
            let view = lock.standing.renewed(&held.view);
            let record = match free {
                true => {
                    lock.standing.over();
                    LockRecord::free(lock.target.clone(), &lock.id)
                }
                false => LockRecord::held(lock.target.clone(), view.clone()),
            };
            let last = self.put(record::lock(&lock.target), &record, Some(held.version.clone()))?;
            let steps = vec![
                vec![receipt.clone()],
                vec![self.put(name.clone(), &plan, Some(version))?],
                vec![last],
            ];
            let change = Change { why: ends(&view, lock, &plan), steps, along: along.clone() };
            match self.home.store.write(&change) {
                Ok(versions) => {
                    held.version = versions.last().cloned().unwrap_or(held.version.clone());
                    let receipts = lock.known.newest.as_ref().map_or(0, |newest| newest.number);
                    let receipts = Some((&lock.target, receipts.saturating_add(1)));
                    let news = News { receipts, plan: Some(&plan), trust: None };
                    // It stands in the ledger, whether or not this machine remembers it.
                    let _only_remembered_elsewhere = self.saw(&news);
                    return Ok(());
                }
                Err(StoreError::Conflict(changed)) => {
                    drop(held);
                    self.refresh()?;
                    let found = self.plan_record(&lock.plan)?;
                    if found.as_ref().is_some_and(|(found, _)| *found == plan) {
                        // All that counts was written; only the lock was in another state by then.
                        return if free { self.give_back(lock) } else { Ok(()) };
                    }
                    if changed == receipt.name {
                        return Err(LedgerError::Receipt(
                            "another receipt of the target was stored meanwhile",
                        ));
                    }
                    self.still_holds(lock)?;
                    lock.known.plan = found;
                }
                Err(error) => return Err(self.failed(error)),
            }
        }
        Err(LedgerError::Contended(name))
    }

    /// The receipt that comes next in the chain of the lock's target, to be written.
    fn next_receipt(
        &self,
        lock: &Lock,
        apply_id: &ApprovalId,
        envelope: &[u8],
        statement: &Statement<Receipt>,
    ) -> Result<Put, LedgerError> {
        let Statement { plan, predicate } = statement;
        let target = (&predicate.environment, &predicate.target);
        if *plan != lock.plan || target != (&lock.target.environment, &lock.target.target) {
            return Err(LedgerError::Receipt("it is of another plan or target"));
        }
        if predicate.apply_id != *apply_id {
            return Err(LedgerError::Receipt("it is of another apply"));
        }
        let (number, previous) = lock
            .known
            .newest
            .as_ref()
            .map_or((0, String::new()), |newest| (newest.number, newest.digest.to_string()));
        if predicate.previous != previous {
            return Err(LedgerError::Receipt("it does not name the newest receipt of the target"));
        }
        let name = record::receipt(&lock.target, number.saturating_add(1));
        Ok(Put { name, bytes: envelope.to_vec(), expected: None })
    }
}

/// What the history says of the end of a round.
fn ends(view: &LockView, lock: &Lock, plan: &PlanRecord) -> String {
    let Some(Round { apply_id, state, .. }) = plan.rounds.last() else {
        return String::new();
    };
    let (RoundState::Finished { outcome, receipt } | RoundState::Stopped { outcome, receipt }) =
        state
    else {
        return String::new();
    };
    format!(
        "Record plan {} on {} as {}\n\nApply: {apply_id}\nReceipt: {receipt}\n{}",
        lock.plan,
        lock.target,
        outcome.as_str(),
        by(view)
    )
}
