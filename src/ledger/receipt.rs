//! Receipts of a target are a chain: each names the one before it, and none is ever replaced. They
//! are kept as they were signed; whoever reads them verifies the signatures.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Ledger;
use super::error::LedgerError;
use super::lock::Lock;
use super::record::{self, PlanRecord, Round, RoundState, TargetKey};
use super::spend::Spent;
use super::store::{Change, Name, Put, StoreError};
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

impl Ledger {
    /// Ends a round with its receipt (the bytes of the signed envelope). If everything was applied
    /// the round is finished; else it can be resumed. The lock is released unless the target may be
    /// half-way. Gives back the digest of the receipt's payload.
    ///
    /// # Errors
    /// [`LedgerError::Receipt`] or [`LedgerError::ReceiptUnread`] if it is not the receipt of this
    /// round or does not continue the chain, [`LedgerError::Unusable`]. The round stays begun then,
    /// and can be resumed.
    pub fn finish(&self, spent: Spent, envelope: &[u8]) -> Result<Digest, LedgerError> {
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
        let free = !state.may_be_half_done();
        self.still_holds(&spent.lock.target, &spent.lock.id)?;
        self.append(&spent.lock, spent.apply_id(), envelope, &statement)?;
        self.change_plan(&spent.lock, |record| {
            let last = record.rounds.last_mut();
            let Some(last) = last.filter(|round| round.apply_id == *spent.apply_id()) else {
                return Err(LedgerError::Receipt("another round was begun meanwhile"));
            };
            last.state = state.clone();
            Ok(())
        })?;
        if free {
            self.free(&spent.lock.target, &spent.lock.id)?;
        }
        Ok(digest)
    }

    /// Gives an unfinished round up: a person's decision. Stores the receipt that says so, ends the
    /// round for good and releases the lock. `apply_id` is 128 random bits and names the receipt.
    ///
    /// # Errors
    /// [`LedgerError::NothingBegun`]; else as [`Ledger::finish`].
    pub fn abandon(
        &self,
        lock: Lock,
        apply_id: ApprovalId,
        envelope: &[u8],
        now: Instant,
    ) -> Result<Digest, LedgerError> {
        let (statement, digest) = open(envelope)?;
        let outcome = statement.predicate.outcome;
        if outcome != Outcome::Abandoned {
            return Err(LedgerError::Receipt("its outcome is not that of an abandoned apply"));
        }
        let found = self.plan_record(&lock.plan)?;
        let open = found.as_ref().and_then(|(record, _)| record.open_round());
        if open.is_none() {
            let plan = lock.plan;
            self.release(lock)?;
            return Err(LedgerError::NothingBegun(plan));
        }
        self.still_holds(&lock.target, &lock.id)?;
        self.append(&lock, &apply_id, envelope, &statement)?;
        self.change_plan(&lock, |record| {
            let last = record.rounds.last_mut().filter(|round| round.state.is_open());
            let Some(last) = last else {
                return Err(LedgerError::NothingBegun(record.plan));
            };
            last.state = RoundState::Resumed;
            let approvals = last.approvals.clone();
            let state = RoundState::Finished { outcome, receipt: digest };
            let apply_id = apply_id.clone();
            record.rounds.push(Round { apply_id, approvals, started_at: now, state });
            Ok(())
        })?;
        self.free(&lock.target, &lock.id)?;
        Ok(digest)
    }

    /// Every receipt of a target, oldest first, the chain checked, and that it holds every receipt
    /// that the records of plans speak of: a receipt is stored before its round ends.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] if one is missing or names another before it.
    pub fn receipts(&self, target: &TargetKey) -> Result<Vec<StoredReceipt>, LedgerError> {
        let mut chain: Vec<StoredReceipt> = Vec::new();
        for name in self.receipt_names(target)? {
            let receipt = self.stored(&name, target)?;
            let before = chain.last().map(|before| before.digest.to_string()).unwrap_or_default();
            let number = u64::try_from(chain.len()).unwrap_or(u64::MAX).saturating_add(1);
            if receipt.number != number || receipt.statement.predicate.previous != before {
                return Err(self.damaged(&name, "it does not follow the receipt before it"));
            }
            chain.push(receipt);
        }
        let held: BTreeSet<Digest> = chain.iter().map(|receipt| receipt.digest).collect();
        for (name, record) in self.plan_records()?.iter().filter(|(_, r)| r.target == *target) {
            let mut told = record.rounds.iter().filter_map(|round| round.state.receipt());
            if told.any(|receipt| !held.contains(&receipt)) {
                return Err(self.damaged(name, "its receipt is not in the chain of its target"));
            }
        }
        Ok(chain)
    }

    /// Digest of the payload of a target's newest receipt: what the next one must name.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`], [`LedgerError::Unusable`].
    pub fn head(&self, target: &TargetKey) -> Result<Option<Digest>, LedgerError> {
        Ok(self.newest(target)?.map(|receipt| receipt.digest))
    }

    /// When the newest apply of a target ended, by the clock of whoever made it; `None` before the
    /// first.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`], [`LedgerError::Unusable`].
    pub fn last_finished(&self, target: &TargetKey) -> Result<Option<Instant>, LedgerError> {
        Ok(self.newest(target)?.map(|receipt| receipt.statement.predicate.finished_at))
    }

    fn newest(&self, target: &TargetKey) -> Result<Option<StoredReceipt>, LedgerError> {
        let names = self.receipt_names(target)?;
        names.last().map(|name| self.stored(name, target)).transpose()
    }

    fn receipt_names(&self, target: &TargetKey) -> Result<Vec<Name>, LedgerError> {
        self.home.store.names(&record::receipts(target)).map_err(|error| self.failed(error))
    }

    fn stored(&self, name: &Name, target: &TargetKey) -> Result<StoredReceipt, LedgerError> {
        let number = name.split().0.parse().unwrap_or_default();
        if *name != record::receipt(target, number) {
            return Err(self.misplaced(name));
        }
        let found = self.home.read(name).map_err(|error| self.failed(error))?;
        let found = found.ok_or_else(|| self.damaged(name, "it is gone"))?;
        let envelope = found.bytes;
        let read = open(&envelope).map_err(|_| self.damaged(name, "it is not a receipt"));
        let (statement, digest) = read?;
        Ok(StoredReceipt { number, envelope, digest, statement })
    }

    /// Puts a receipt at the end of the chain of the lock's target.
    fn append(
        &self,
        lock: &Lock,
        apply_id: &ApprovalId,
        envelope: &[u8],
        statement: &Statement<Receipt>,
    ) -> Result<(), LedgerError> {
        let Statement { plan, predicate } = statement;
        let target = (&predicate.environment, &predicate.target);
        if *plan != lock.plan || target != (&lock.target.environment, &lock.target.target) {
            return Err(LedgerError::Receipt("it is of another plan or target"));
        }
        if predicate.apply_id != *apply_id {
            return Err(LedgerError::Receipt("it is of another apply"));
        }
        let newest = self.newest(&lock.target)?;
        let (number, previous) =
            newest.map_or((0, String::new()), |newest| (newest.number, newest.digest.to_string()));
        if predicate.previous != previous {
            return Err(LedgerError::Receipt("it does not name the newest receipt of the target"));
        }
        let name = record::receipt(&lock.target, number.saturating_add(1));
        let put = Put { name: name.clone(), bytes: envelope.to_vec(), expected: None };
        match self.home.store.write(&Change::of(format!("Receipt {name}"), put)) {
            Ok(_) => Ok(()),
            Err(StoreError::Conflict(_)) => {
                Err(LedgerError::Receipt("another receipt of the target was stored meanwhile"))
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Changes the record of the lock's plan, which must be there.
    fn change_plan<F>(&self, lock: &Lock, change: F) -> Result<(), LedgerError>
    where
        F: Fn(&mut PlanRecord) -> Result<(), LedgerError>,
    {
        let name = record::plan(&lock.plan);
        self.change(&name, |found: Option<&PlanRecord>| {
            let found = found.cloned();
            let mut record = found.ok_or_else(|| self.damaged(&name, "it is gone"))?;
            change(&mut record)?;
            Ok(Some(record))
        })?;
        Ok(())
    }
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
