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
//! A lock is a record. On one machine, the living process holds something beside it that ends with
//! it ([`store::Holds`]); in a shared store it renews the record ([`Lease`]). Nobody takes over or
//! removes the lock of a living process.
//!
//! # What is read when
//!
//! What a ledger shows was read when it was opened, refreshed ([`Ledger::refresh`]), locked or
//! written last, or later. Whatever is written goes by the versions that were read, so a decision
//! that rests on something old is refused, and made again.

mod advice;
mod begin;
mod chain;
mod conditional;
mod describe;
mod error;
pub mod git;
mod home;
mod journal;
pub mod kubernetes;
mod lease;
pub mod local;
mod lock;
mod memory;
pub mod object;
mod receipt;
mod record;
mod rounds;
mod spend;
pub mod store;
mod trust;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::Instant;
use crate::document::canonical;
use crate::document::ident::Label;
use crate::document::statement::ApprovalId;
use memory::News;
use record::{FORMAT, Head};
use store::{Change, Found, Name, Put, StoreError, Version};

pub use begin::{Recorded, Written};
pub use chain::StoredReceipt;
pub use conditional::{Proof, ProofError};
pub use describe::{Chain, Description, PlanHistory, TargetLock, Trust};
pub use error::{Damage, Held, LedgerError, Life};
pub use home::Home;
pub use lease::Lease;
pub use lock::{Holder, Lock, LockView};
pub use memory::Memory;
pub use record::{Line, Round, RoundState, TargetKey};
pub use rounds::ApprovalUse;
pub use spend::{Spending, Spent};

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
        if let Some(memory) = &home.memory {
            let there = home.read(&record::head());
            if there.map_err(|error| LedgerError::store(error, &home.store.place()))?.is_none() {
                memory.check_missing()?;
            }
        }
        let head = Head { format: FORMAT, project: project.clone(), id, created_at: now };
        let ledger = Self { home, head };
        let why = format!("Make the ledger of project {project}");
        let change = Change::of(why, ledger.put(record::head(), &ledger.head, None)?);
        match ledger.home.store.write(&change) {
            Ok(_) => ledger.saw(&News::default()).map(|()| ledger),
            Err(StoreError::Conflict(_)) => Err(LedgerError::Exists(ledger.place())),
            Err(error) => Err(ledger.failed(error)),
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
            if let Some(memory) = &home.memory {
                memory.check_missing()?;
            }
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
        if let Some(memory) = &home.memory {
            let known = memory.check_ledger(home.store(), &head.id);
            if matches!(known, Err(LedgerError::Rewound { .. })) {
                // Another process of this machine may have seen what came after this one's look.
                home.store.refresh().map_err(|error| LedgerError::store(error, &place))?;
                memory.check_ledger(home.store(), &head.id)?;
            } else {
                known?;
            }
        }
        let ledger = Self { home, head };
        ledger.saw(&News::default())?;
        Ok(ledger)
    }

    /// Remembers what was just read or written.
    fn saw(&self, news: &News<'_>) -> Result<(), LedgerError> {
        match &self.home.memory {
            Some(memory) => memory.saw(self.home.store(), self.id(), news),
            None => Ok(()),
        }
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
        self.decoded(name, self.home.read(name).map_err(|error| self.failed(error))?)
    }

    /// A record as it was read.
    fn decoded<T: Serialize + DeserializeOwned>(
        &self,
        name: &Name,
        found: Option<Found>,
    ) -> Result<Option<(T, Version)>, LedgerError> {
        let Some(Found { bytes, version }) = found else {
            return Ok(None);
        };
        Ok(Some((decode(&bytes, name, &self.place())?, version)))
    }

    /// From now on, what is shown and decided on stands there at this moment, or later.
    ///
    /// # Errors
    /// [`LedgerError::Missing`], [`LedgerError::Rewound`], [`LedgerError::Unusable`].
    pub fn refresh(&self) -> Result<(), LedgerError> {
        self.home.store.refresh().map_err(|error| self.failed(error))
    }

    /// The names of all records beneath a prefix, sorted.
    fn names(&self, prefix: &Name) -> Result<Vec<Name>, LedgerError> {
        self.home.store.names(prefix).map_err(|error| self.failed(error))
    }

    /// Every record beneath a prefix as it was read, by name.
    fn beneath(&self, prefix: &Name) -> Result<Vec<(Name, Option<Found>)>, LedgerError> {
        let names = self.names(prefix)?;
        let found = self.home.store.read(&names).map_err(|error| self.failed(error))?;
        Ok(names.into_iter().zip(found).collect())
    }

    /// Every record beneath a prefix, with its name and version.
    fn all<T: Serialize + DeserializeOwned>(
        &self,
        prefix: &Name,
    ) -> Result<Vec<(Name, T, Version)>, LedgerError> {
        let found = self.beneath(prefix)?.into_iter();
        let there = found.filter_map(|(name, found)| Some((name, found?)));
        there
            .map(|(name, Found { bytes, version })| {
                let record = decode(&bytes, &name, &self.place())?;
                Ok((name, record, version))
            })
            .collect()
    }

    /// A record as it is written.
    fn encoded<T: Serialize>(&self, record: &T, name: &Name) -> Result<Vec<u8>, LedgerError> {
        encode(record, name, &self.place())
    }

    /// A record that is to be written.
    fn put<T: Serialize>(
        &self,
        name: Name,
        record: &T,
        expected: Option<Version>,
    ) -> Result<Put, LedgerError> {
        Ok(Put { bytes: self.encoded(record, &name)?, name, expected })
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

/// A record as it is written.
fn encode<T: Serialize>(record: &T, name: &Name, place: &str) -> Result<Vec<u8>, LedgerError> {
    canonical::to_bytes(record).map_err(|error| LedgerError::Damaged {
        place: place.to_owned(),
        record: name.clone(),
        source: Damage::Unread(Box::new(error)),
    })
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
