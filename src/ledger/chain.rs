//! Receipts of a target are a chain: each names the one before it, and none is ever replaced. They
//! are kept as they were signed; whoever reads them verifies the signatures. Chain and records of
//! plans vouch for each other.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Ledger;
use super::error::LedgerError;
use super::record::{self, PlanRecord, TargetKey};
use super::store::{Found, Name};
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
    /// Its place in the chain, from 1.
    pub(super) number: u64,
    /// Digest of its payload.
    pub(super) digest: Digest,
    /// When its apply ended, by the clock of whoever made it.
    pub(super) finished_at: Instant,
}

impl Ledger {
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
        for (name, found) in self.beneath(&record::receipts(target))? {
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
        let names = self.names(&record::receipts(target))?;
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
        for (name, found) in self.beneath(&record::receipts(&record.target))?.into_iter().rev() {
            let statement = self.stored(&name, &record.target, found)?.statement;
            if statement.plan != record.plan {
                continue;
            }
            self.known_to(Some(record), &record.plan, &statement)?;
            let Receipt { apply_id, outcome, .. } = &statement.predicate;
            let ended = match outcome {
                Outcome::Applied | Outcome::NotReady => *apply_id == open.apply_id,
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
        for (name, found) in self.beneath(&record::all_receipts())? {
            let Some(Found { bytes, .. }) = found else { continue };
            let read = open(&bytes).map_err(|_| self.damaged(&name, "it is not a receipt"));
            let (Statement { plan: of, predicate }, _) = read?;
            if of == *plan && predicate.approvals.contains(approval) {
                return Ok(true);
            }
        }
        Ok(false)
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
}

/// The statement in an envelope, and the digest of its payload. Verifies no signature.
pub(super) fn open(envelope: &[u8]) -> Result<(Statement<Receipt>, Digest), LedgerError> {
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
