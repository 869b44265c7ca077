//! Receipts of a target are a chain: each names the one before it, and none is ever replaced. They
//! are kept as they were signed; whoever reads them verifies the signatures.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::LedgerError;
use super::lock::{Lock, LockView, by};
use super::memory::News;
use super::record::{self, LockRecord, PlanRecord, Round, RoundState, TargetKey};
use super::spend::Spent;
use super::store::{Along, Change, Found, Name, Put, StoreError};
use super::{Ledger, TRIES};
use crate::clock::Instant;
use crate::document::canonical::{self, CanonicalError};
use crate::document::ident::Digest;
use crate::document::statement::{ApprovalId, Outcome, Receipt, Statement, StatementError};

/// A receipt in the ledger.
#[derive(Clone, Debug)]
pub struct StoredReceipt {
    /// Its place in the chain of its target, from 1.
    pub number: u64,
    /// The envelope, byte for byte as it was signed. Its signature has not been verified here.
    pub envelope: Vec<u8>,
    /// Digest of its payload: what the next one names.
    pub digest: Digest,
    /// What it says.
    pub statement: Statement<Receipt>,
}

/// The newest receipt of a target, as far as the next one needs it.
#[derive(Clone, Debug)]
pub(super) struct Newest {
    number: u64,
    /// Digest of its payload.
    pub(super) digest: Digest,
    /// When its apply ended, by the clock of whoever made it.
    pub(super) finished_at: Instant,
}

impl Ledger {
    /// Ends a round with its receipt (the bytes of the signed envelope). If everything was applied
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
            Outcome::Applied => RoundState::Finished { outcome, receipt: digest },
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

    /// Every receipt of a target, oldest first, the chain checked, and that it holds every receipt
    /// that the records of plans speak of: a receipt is stored before its round ends.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] if one is missing or names another before it.
    pub fn receipts(&self, target: &TargetKey) -> Result<Vec<StoredReceipt>, LedgerError> {
        // Where records are read one by one, an apply that ends between two reads looks like damage.
        match self.chain(target) {
            Err(LedgerError::Damaged { .. }) => {
                self.refresh()?;
                self.chain(target)
            }
            found => found,
        }
    }

    fn chain(&self, target: &TargetKey) -> Result<Vec<StoredReceipt>, LedgerError> {
        let mut chain: Vec<StoredReceipt> = Vec::new();
        let names = self.receipt_names(target)?;
        let found = self.home.store.read(&names).map_err(|error| self.failed(error))?;
        for (name, found) in names.into_iter().zip(found) {
            let receipt = self.stored(&name, target, found)?;
            let before = chain.last().map(|before| before.digest.to_string()).unwrap_or_default();
            let number = u64::try_from(chain.len()).unwrap_or(u64::MAX).saturating_add(1);
            if receipt.number != number || receipt.statement.predicate.previous != before {
                return Err(self.damaged(&name, "it does not follow the receipt before it"));
            }
            chain.push(receipt);
        }
        if let Some(memory) = &self.home.memory {
            memory.check_receipts(target, u64::try_from(chain.len()).unwrap_or(u64::MAX))?;
        }
        let records: Vec<_> = self.plan_records()?;
        let records = records.iter().filter(|(_, record)| record.target == *target);
        let records: BTreeMap<Digest, &(Name, PlanRecord)> =
            records.map(|found| (found.1.plan, found)).collect();
        for receipt in &chain {
            let plan = receipt.statement.plan;
            self.known_to(records.get(&plan).map(|(_, record)| record), &plan, &receipt.statement)?;
        }
        let held: BTreeSet<Digest> = chain.iter().map(|receipt| receipt.digest).collect();
        for (name, record) in records.values() {
            let mut told = record.rounds.iter().filter_map(|round| round.state.receipt());
            if told.any(|receipt| !held.contains(&receipt)) {
                return Err(self.damaged(name, "its receipt is not in the chain of its target"));
            }
        }
        Ok(chain)
    }

    /// Refuses a receipt whose apply the record of its plan does not have: that record is older than
    /// the receipt, and would let its approvals count again.
    fn known_to(
        &self,
        record: Option<&PlanRecord>,
        plan: &Digest,
        statement: &Statement<Receipt>,
    ) -> Result<(), LedgerError> {
        let Receipt { apply_id, outcome, .. } = &statement.predicate;
        let mut rounds = record.into_iter().flat_map(|record| &record.rounds);
        // An apply is given up by a receipt that is stored before its round.
        let given_up = *outcome == Outcome::Abandoned && record.is_some();
        match given_up || rounds.any(|round| round.apply_id == *apply_id) {
            true => Ok(()),
            false => {
                Err(self.damaged(&record::plan(plan), "an apply that has a receipt is not in it"))
            }
        }
    }

    /// The newest receipt of a target; `None` before the first. If it is of this plan, the plan's
    /// record must know of it.
    pub(super) fn newest(
        &self,
        target: &TargetKey,
        (plan, record): (&Digest, Option<&PlanRecord>),
    ) -> Result<Option<Newest>, LedgerError> {
        let names = self.receipt_names(target)?;
        if let Some(memory) = &self.home.memory {
            memory.check_receipts(target, u64::try_from(names.len()).unwrap_or(u64::MAX))?;
        }
        let Some(name) = names.last() else {
            return Ok(None);
        };
        let found = self.home.read(name).map_err(|error| self.failed(error))?;
        let StoredReceipt { number, digest, statement, .. } = self.stored(name, target, found)?;
        if statement.plan == *plan && self.known_to(record, plan, &statement).is_err() {
            // It may have been stored since the plan's record was read.
            let again = self.plan_record(plan)?;
            self.known_to(again.as_ref().map(|(record, _)| record), plan, &statement)?;
        }
        Ok(Some(Newest { number, digest, finished_at: statement.predicate.finished_at }))
    }

    /// Refuses a plan whose last round is open by its record, and has ended by a receipt: the record
    /// is older than that, and would let its approvals count again.
    pub(super) fn refuse_ended(&self, record: &PlanRecord) -> Result<(), LedgerError> {
        let Some(open) = record.open_round() else {
            return Ok(());
        };
        let names = self.receipt_names(&record.target)?;
        let found = self.home.store.read(&names).map_err(|error| self.failed(error))?;
        for (name, found) in names.into_iter().zip(found).rev() {
            let statement = self.stored(&name, &record.target, found)?.statement;
            if statement.plan != record.plan {
                continue;
            }
            self.known_to(Some(record), &record.plan, &statement)?;
            let Receipt { apply_id, outcome, .. } = &statement.predicate;
            let ended = match outcome {
                Outcome::Applied => *apply_id == open.apply_id,
                Outcome::Abandoned => record.rounds.iter().all(|round| round.apply_id != *apply_id),
                Outcome::FailedClean | Outcome::Partial | Outcome::Indeterminate => false,
            };
            return match ended {
                true => Err(self.damaged(
                    &record::plan(&record.plan),
                    "an apply that ended by its receipt is open in it",
                )),
                false => Ok(()),
            };
        }
        Ok(())
    }

    /// Whether a receipt of this plan says that it spent an approval.
    pub(super) fn is_listed(
        &self,
        plan: &Digest,
        approval: &ApprovalId,
    ) -> Result<bool, LedgerError> {
        let names = self.home.store.names(&record::all_receipts());
        let names = names.map_err(|error| self.failed(error))?;
        let found = self.home.store.read(&names).map_err(|error| self.failed(error))?;
        for (name, found) in names.into_iter().zip(found) {
            let Some(Found { bytes, .. }) = found else { continue };
            let read = open(&bytes).map_err(|_| self.damaged(&name, "it is not a receipt"));
            let (Statement { plan: of, predicate }, _) = read?;
            if of == *plan && predicate.approvals.contains(approval) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn receipt_names(&self, target: &TargetKey) -> Result<Vec<Name>, LedgerError> {
        self.home.store.names(&record::receipts(target)).map_err(|error| self.failed(error))
    }

    fn stored(
        &self,
        name: &Name,
        target: &TargetKey,
        found: Option<Found>,
    ) -> Result<StoredReceipt, LedgerError> {
        let number = name.split().0.parse().unwrap_or_default();
        if *name != record::receipt(target, number) {
            return Err(self.misplaced(name));
        }
        let found = found.ok_or_else(|| self.damaged(name, "it is gone"))?;
        let envelope = found.bytes;
        let read = open(&envelope).map_err(|_| self.damaged(name, "it is not a receipt"));
        let (statement, digest) = read?;
        Ok(StoredReceipt { number, envelope, digest, statement })
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

/// The statement in an envelope, and the digest of its payload. Verifies no signature.
fn open(envelope: &[u8]) -> Result<(Statement<Receipt>, Digest), LedgerError> {
    let unread = |error| LedgerError::ReceiptUnread(Box::new(StatementError::Read(error)));
    let value = canonical::parse_strict(envelope).map_err(unread)?;
    let shape = |message| unread(CanonicalError::Shape(serde::de::Error::custom(message)));
    let payload = value.get("payload").and_then(|payload| payload.as_str());
    let payload = payload.ok_or_else(|| shape("no payload"))?;
    let payload = STANDARD.decode(payload).map_err(|_| shape("the payload is not base64"))?;
    let statement = Statement::from_bytes(&payload)
        .map_err(|error| LedgerError::ReceiptUnread(Box::new(error)))?;
    Ok((statement, Digest::of(&payload)))
}
