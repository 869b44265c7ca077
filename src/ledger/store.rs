//! What a home of the ledger must be able to do: small named records changed by compare-and-swap,
//! journals that only grow, and a hold that a living process has and a dead one loses. Every rule
//! of the ledger stands above this trait, so that each kind of home obeys the same ones.

use std::fmt;
use std::str::FromStr;

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

/// Why a store did not do what it was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The record is no longer what was read: read again, decide again.
    #[error("the ledger record {0} was changed by somebody else meanwhile")]
    Conflict(Name),
    /// There is no store at this place.
    #[error("there is no ledger at {0}")]
    Missing(String),
    /// A journal or record has bytes that nobody who keeps to the rules writes.
    #[error("the ledger record {0} is damaged")]
    Damaged(Name),
    /// It cannot be read or written.
    #[error("the ledger at {place} cannot be used")]
    Unusable {
        /// The store.
        place: String,
        /// Why: names the file or address.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A journal that is open to be added to. It has one writer for its whole life.
pub trait Journal: Send + fmt::Debug {
    /// Adds one line (without its line feed), durable when it returns.
    ///
    /// # Errors
    /// [`StoreError::Unusable`]; a part of the line may stand there then, and nothing may be added.
    fn push(&mut self, line: &[u8]) -> Result<(), StoreError>;

    /// Adds one line that becomes durable with the next [`Journal::push`] at the latest.
    ///
    /// # Errors
    /// As [`Journal::push`].
    fn note(&mut self, line: &[u8]) -> Result<(), StoreError>;
}

/// Held while it lives: nobody else gets the same name from [`Store::hold`].
pub trait Presence: Send + fmt::Debug {}

/// A home of the ledger.
pub trait Store: Send + Sync + fmt::Debug {
    /// Where it is, for people.
    fn place(&self) -> String;

    /// The bytes of a record and which state of it that is; `None` if there is none.
    ///
    /// # Errors
    /// [`StoreError`], never `Conflict`.
    fn read(&self, name: &Name) -> Result<Option<(Vec<u8>, Version)>, StoreError>;

    /// Writes a record whole, durable when it returns: only if there is none (`expected: None`), or
    /// if it still is in the state that was read. Nothing is ever removed.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it is not; nothing was written then.
    fn write(
        &self,
        name: &Name,
        bytes: &[u8],
        expected: Option<&Version>,
    ) -> Result<Version, StoreError>;

    /// The names of all records beneath a prefix (`plan` finds `plan/x` and `plan/y/z`), sorted.
    ///
    /// # Errors
    /// [`StoreError`], never `Conflict`.
    fn names(&self, prefix: &Name) -> Result<Vec<Name>, StoreError>;

    /// Starts a journal that does not exist yet.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if it exists.
    fn journal(&self, name: &Name) -> Result<Box<dyn Journal>, StoreError>;

    /// The whole lines of a journal, without their line feeds; none if it was never started. A last
    /// line without its line feed was not durable and is left out.
    ///
    /// # Errors
    /// [`StoreError`], never `Conflict`.
    fn lines(&self, name: &Name) -> Result<Vec<Vec<u8>>, StoreError>;

    /// Takes what only one living process can have at a time; `None` while another one has it.
    ///
    /// # Errors
    /// [`StoreError`], never `Conflict`.
    fn hold(&self, name: &Name) -> Result<Option<Box<dyn Presence>>, StoreError>;
}
