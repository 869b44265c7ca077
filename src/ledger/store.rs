//! What a home of the ledger must be able to do: small named records that are changed by
//! compare-and-swap, and a way to know that the holder of a lock is alive. Every rule of the ledger
//! stands above this trait, so that each kind of home obeys the same ones.
//!
//! # Several records at once
//!
//! A [`Change`] names records in steps. A home that can (a Git branch) does all of it or none; one
//! that cannot does the steps one after the other: an object store, a namespace of a cluster, and a
//! folder, which looks at all of them first, but whose process may be killed in between. So each caller orders its steps such
//! that any first few of them do no harm, and the one that decides is last.
//!
//! # An answer that was lost
//!
//! A write may land although its answer is lost. Before a store says that a write failed it looks
//! whether the record holds the very bytes that were to be written, and then it was written: the
//! records of a ledger name what they are for (an apply, a lock, a receipt), so that equal bytes
//! have the same author or the same meaning. What cannot be looked at is [`StoreError::Unknown`].

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

/// The name of a record or journal: one or more segments of `a-z 0-9 -`, joined by `/`. It means
/// the same as a path of files, a path in a Git tree and a key of an object store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// A text that names no record.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not the name of a ledger record (segments of a-z, 0-9 and -, joined by /)")]
pub struct NameError(String);

impl Name {
    /// The name of these segments, each the text of a label, a digest, an id or a number, none of
    /// which can hold anything but what a segment may.
    pub(super) fn of(segments: &[&dyn fmt::Display]) -> Self {
        let segments: Vec<_> = segments.iter().map(ToString::to_string).collect();
        Self(segments.join("/"))
    }

    /// The text of the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last segment, and the ones before it; those are empty for a single segment.
    pub fn split(&self) -> (&str, &str) {
        match self.0.rsplit_once('/') {
            Some((above, last)) => (last, above),
            None => (&self.0, ""),
        }
    }
}

impl FromStr for Name {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        let good = |part: &str| !part.is_empty() && part.bytes().all(inner);
        if text.split('/').all(good) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError(text.to_owned()))
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which state of a record was read; only the store that gave it knows what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(pub String);

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Which state of it that is.
    pub version: Version,
}

/// A record to be written whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// Its name.
    pub name: Name,
    /// What it will hold.
    pub bytes: Vec<u8>,
    /// The state that it must be in; `None` if it must not be there.
    pub expected: Option<Version>,
}

/// Records that are written together, or one step after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Who did what, for the history that people read: a line, and perhaps more after an empty one.
    pub why: String,
    /// In this order; those of one step in any order, or side by side. Never empty, and no name
    /// stands in it twice.
    pub steps: Vec<Vec<Put>>,
    /// What lands with it, or not at all.
    pub along: Option<Along>,
}

/// A commit that a branch of the project gets in the same stroke as a change of the ledger. Only a
/// store that is kept in the same Git remote can do that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Along {
    /// The branch, without `refs/heads/`.
    pub branch: String,
    /// Full id of the commit that it must be at.
    pub from: String,
    /// Full id of the commit that it will be at: follows `from`, and is in the repository.
    pub to: String,
}

impl Change {
    /// A change of one record.
    pub fn of(why: impl Into<String>, put: Put) -> Self {
        Self { why: why.into(), steps: vec![vec![put]], along: None }
    }

    /// Every record of it, in order.
    pub fn puts(&self) -> impl Iterator<Item = &Put> {
        self.steps.iter().flatten()
    }
}

/// Why a store did not do what it was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// A record is no longer what was read: read again, decide again. Steps of a change before the
    /// one of this record may have been written.
    #[error("the ledger record {0} was changed by somebody else meanwhile")]
    Conflict(Name),
    /// There is no store at this place.
    #[error("there is no ledger at {0}")]
    Missing(String),
    /// A journal or record has bytes that nobody who keeps to the rules writes.
    #[error("the ledger record {0} is damaged")]
    Damaged(Name),
    /// What stands there now does not follow from what stood there before.
    #[error("the ledger at {place} is not the one that was there before: {what}")]
    Rewound {
        /// The store.
        place: String,
        /// What is missing in it now.
        what: String,
    },
    /// It cannot be read or written. A write did not happen.
    #[error("the ledger at {place} cannot be used")]
    Unusable {
        /// The store.
        place: String,
        /// Why: names the file or address.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The branch of [`Change::along`] was not taken, so nothing was written.
    #[error("branch {branch} did not take the commit that goes with it")]
    Branch {
        /// The branch.
        branch: String,
        /// Why: it is elsewhere by now, or its remote refuses.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A write was sent, its answer was lost, and it cannot be read back whether it happened.
    #[error("whether the ledger at {place} was written is not known")]
    Unknown {
        /// The store.
        place: String,
        /// What became of the answer, and of the attempt to read back.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// How it is known that the process that holds a lock is alive.
#[derive(Clone, Copy, Debug)]
pub enum Liveness<'s> {
    /// It has something of its machine that ends with it.
    Held(&'s dyn Holds),
    /// It renews the lock's record, so often that it never stays the same for so long.
    Leased(Duration),
}

/// Something that one living process at a time can have.
pub trait Holds: Send + Sync + fmt::Debug {
    /// Takes what only one living process can have at a time; `None` while another one has it.
    ///
    /// # Errors
    /// [`StoreError`], never `Conflict`.
    fn hold(&self, name: &Name) -> Result<Option<Box<dyn Presence>>, StoreError>;
}

/// Held while it lives: nobody else gets the same name from [`Holds::hold`].
pub trait Presence: Send + Sync + fmt::Debug {}

/// Where journals are kept: lines that are only ever added.
pub trait Journals: Send + Sync + fmt::Debug {
    /// Starts a journal that does not exist yet.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it exists; that may be found at the first [`Journal::push`] only.
    fn start(&self, name: &Name) -> Result<Box<dyn Journal>, StoreError>;

    /// The whole lines of a journal, without their line feeds; none if it was never started. A last
    /// line without its line feed was not durable and is left out.
    ///
    /// # Errors
    /// [`StoreError`], never `Conflict`.
    fn lines(&self, name: &Name) -> Result<Vec<Vec<u8>>, StoreError>;
}

/// A journal that is open to be added to. It has one writer for its whole life.
pub trait Journal: Send + fmt::Debug {
    /// Adds one line (without its line feed), durable when it returns.
    ///
    /// # Errors
    /// [`StoreError`]; a part of the line may stand there then, and nothing may be added.
    fn push(&mut self, line: &[u8]) -> Result<(), StoreError>;

    /// Adds one line that becomes durable with the next [`Journal::push`] at the latest.
    ///
    /// # Errors
    /// As [`Journal::push`].
    fn note(&mut self, line: &[u8]) -> Result<(), StoreError>;
}

/// A home of the ledger.
pub trait Store: Send + Sync + fmt::Debug {
    /// Where it is, for people.
    fn place(&self) -> String;

    /// From now on reads show what stands there at this moment, or later. Nothing to do for a store
    /// whose every read asks.
    ///
    /// # Errors
    /// [`StoreError`], never `Conflict`.
    fn refresh(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Records and which state of each that is, in the order of their names; `None` for one that is
    /// not there. A store may answer from what it fetched last; what is written goes by the version.
    ///
    /// # Errors
    /// [`StoreError`], never `Conflict`.
    fn read(&self, names: &[Name]) -> Result<Vec<Option<Found>>, StoreError>;

    /// The names of all records beneath a prefix (`plan` finds `plan/x` and `plan/y/z`), sorted.
    ///
    /// # Errors
    /// [`StoreError`], never `Conflict`.
    fn names(&self, prefix: &Name) -> Result<Vec<Name>, StoreError>;

    /// Writes records whole, durable when it returns: each only if it is in the state that is
    /// expected. Nothing is ever removed. Gives back their new versions, in the order of
    /// [`Change::puts`].
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if one is in another state: that one and those of later steps were
    /// not written.
    fn write(&self, change: &Change) -> Result<Vec<Version>, StoreError>;

    /// How the ledger knows who is alive.
    fn liveness(&self) -> Liveness<'_>;

    /// Where the whole store stands, in words of its own that only grow towards later ones; `None`
    /// where it has none (records are asked one by one).
    fn position(&self) -> Option<String> {
        None
    }

    /// Whether what stands there now follows from an earlier [`Store::position`].
    ///
    /// # Errors
    /// [`StoreError`], never `Conflict`.
    fn follows(&self, _earlier: &str) -> Result<bool, StoreError> {
        Ok(true)
    }
}
