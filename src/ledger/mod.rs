//! What makes "once" true: locks, approvals spent, what was begun, versions, receipts. Each rule is
//! written once, above a [`store::Store`] that can compare and swap one record at a time.
//!
//! # What is one write
//!
//! An apply spends all of its approvals by **one** write: that of the record of its plan
//! (`plan/<digest>`), in which a round with their ids appears. Before that write nothing is spent;
//! after it everything is, and the round can be resumed. A process that dies anywhere else leaves
//! one of these two behind.
//!
//! An approval is signed for one plan, so its spends are found in the record of that plan. That no
//! other plan spends it too is what the records `approval/<id>` are for: each is made once, before
//! the record of the plan is written, and says to which plan the approval belongs. A claim alone
//! spends nothing, so one that a dead process left behind hinders nobody but other plans.
//!
//! # What is half-way
//!
//! Before a write to a target, [`Ledger::begin`] makes a line of the round's journal durable. A
//! round that has begun and not finished is resumed by a round that takes over its approvals, or
//! given up by a person. Until then the target's lock stays, unless nothing had been written.
//!
//! # Who is alive
//!
//! A lock is a record, and beside it the living process holds something that ends with it
//! ([`store::Store::hold`]). Nobody takes over or removes the lock of a living process.

mod advice;
mod begin;
mod describe;
mod error;
mod home;
pub mod local;
mod lock;
pub mod object;
mod receipt;
mod record;
mod spend;
pub mod store;
mod trust;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::Instant;
use crate::document::canonical;
use crate::document::ident::Label;
use crate::document::statement::ApprovalId;
use record::{FORMAT, Head};
use store::{Change, Found, Name, Put, StoreError, Version};

pub use begin::{Recorded, Written};
pub use describe::{Chain, Description, PlanHistory, TargetLock, Trust};
pub use error::{Damage, Held, LedgerError};
pub use home::Home;
pub use lock::{Holder, Lock, LockView};
pub use receipt::StoredReceipt;
pub use record::{Line, Round, RoundState, TargetKey};
pub use spend::{ApprovalUse, Spent};

/// How often a record that others change at the same time is read and decided on again.
const TRIES: u32 = 64;

/// The ledger of one project.
#[derive(Debug)]
pub struct Ledger {
    home: Home,
    head: Head,
}

impl Ledger {
    /// Makes an empty ledger for a project; `id` is 128 random bits.
    ///
    /// # Errors
    /// [`LedgerError::Exists`] if there is one; [`LedgerError::Unusable`].
    pub fn create(
        home: Home,
        project: &Label,
        id: ApprovalId,
        now: Instant,
    ) -> Result<Self, LedgerError> {
        let head = Head { format: FORMAT, project: project.clone(), id, created_at: now };
        let ledger = Self { home, head };
        let why = format!("Make the ledger of {project}");
        match ledger.put(why, &record::head(), &ledger.head, None) {
            Ok(()) => Ok(ledger),
            Err(LedgerError::Contended(_)) => Err(LedgerError::Exists(ledger.place())),
            Err(error) => Err(error),
        }
    }

    /// Opens the ledger of a project.
    ///
    /// # Errors
    /// [`LedgerError::Missing`], [`LedgerError::Foreign`], [`LedgerError::Format`],
    /// [`LedgerError::Damaged`], [`LedgerError::Unusable`].
    pub fn open(home: Home, project: &Label) -> Result<Self, LedgerError> {
        let place = home.store.place();
        let name = record::head();
        let found = home.read(&name).map_err(|error| LedgerError::store(error, &place))?;
        let Some(Found { bytes, .. }) = found else {
            return Err(LedgerError::Missing(place));
        };
        // Looked at before anything else, because another format may have other members.
        let format = canonical::read_value(&bytes)
            .ok()
            .and_then(|head| head.get("format")?.as_u64())
            .and_then(|format| u32::try_from(format).ok());
        if let Some(found) = format.filter(|format| *format != FORMAT) {
            return Err(LedgerError::Format { place, found, known: FORMAT });
        }
        let head: Head = decode(&bytes, &name, &place)?;
        if head.project != *project {
            return Err(LedgerError::Foreign {
                place,
                found: head.project,
                wanted: project.clone(),
            });
        }
        Ok(Self { home, head })
    }

    /// Where it is, for people.
    pub fn place(&self) -> String {
        self.home.store.place()
    }

    /// Its random id.
    pub fn id(&self) -> &ApprovalId {
        &self.head.id
    }

    fn get<T: Serialize + DeserializeOwned>(
        &self,
        name: &Name,
    ) -> Result<Option<(T, Version)>, LedgerError> {
        let found = self.home.read(name).map_err(|error| self.failed(error))?;
        let Some(Found { bytes, version }) = found else {
            return Ok(None);
        };
        Ok(Some((decode(&bytes, name, &self.place())?, version)))
    }

    fn put<T: Serialize>(
        &self,
        why: String,
        name: &Name,
        record: &T,
        expected: Option<&Version>,
    ) -> Result<(), LedgerError> {
        let bytes = canonical::to_bytes(record).map_err(|error| LedgerError::Damaged {
            place: self.place(),
            record: name.clone(),
            source: Damage::Unread(Box::new(error)),
        })?;
        let put = Put { name: name.clone(), bytes, expected: expected.cloned() };
        let written = self.home.store.write(&Change::of(why, put));
        written.map(|_| ()).map_err(|error| self.failed(error))
    }

    /// Reads a record, decides, and writes what was decided, if anything; again from the start if
    /// somebody else was quicker. Gives back what stands there afterwards.
    fn change<T, F>(&self, name: &Name, decide: F) -> Result<Option<T>, LedgerError>
    where
        T: Serialize + DeserializeOwned,
        F: Fn(Option<&T>) -> Result<Option<T>, LedgerError>,
    {
        for _ in 0..TRIES {
            let found = self.get::<T>(name)?;
            let (found, version) = found.map_or((None, None), |(old, v)| (Some(old), Some(v)));
            let Some(new) = decide(found.as_ref())? else {
                return Ok(found);
            };
            match self.put(format!("Change {name}"), name, &new, version.as_ref()) {
                Ok(()) => return Ok(Some(new)),
                Err(LedgerError::Contended(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(LedgerError::Contended(name.clone()))
    }

    fn failed(&self, error: StoreError) -> LedgerError {
        LedgerError::store(error, &self.place())
    }

    fn damaged(&self, record: &Name, what: &'static str) -> LedgerError {
        LedgerError::Damaged {
            place: self.place(),
            record: record.clone(),
            source: Damage::Contradicts(what),
        }
    }

    fn misplaced(&self, record: &Name) -> LedgerError {
        LedgerError::Damaged {
            place: self.place(),
            record: record.clone(),
            source: Damage::Misplaced,
        }
    }
}

/// Reads a record, and only one that this program would write in the same bytes.
fn decode<T: Serialize + DeserializeOwned>(
    bytes: &[u8],
    name: &Name,
    place: &str,
) -> Result<T, LedgerError> {
    let damaged =
        |source| LedgerError::Damaged { place: place.to_owned(), record: name.clone(), source };
    let unread = |error| damaged(Damage::Unread(Box::new(error)));
    let record: T = canonical::read(bytes).map_err(unread)?;
    // Derived readers pass over a member that a variant without members does not know.
    if canonical::to_bytes(&record).map_err(unread)? != bytes {
        return Err(damaged(Damage::Contradicts("it has members that no ledger writes")));
    }
    Ok(record)
}
