//! Stores that change one record at a time, on a condition which the store itself checks: that the
//! record is not there, or is still in the state that was read. What such a store must be able to
//! do is [`Conditional`]; what follows from it is written once, for all of them.

mod prove;
mod write;

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use super::store::{Found, Name, Put, StoreError, Version};

pub(super) use prove::prove;
pub use prove::{Proof, ProofError};
pub(super) use write::write;

/// Most requests that are under way at once.
pub(super) const SIDE_BY_SIDE: usize = 16;
/// Pauses before a request is sent again.
pub(super) const PAUSES: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
];

/// Why, in the words of the store.
pub(super) type Reason = Box<dyn std::error::Error + Send + Sync>;

/// What a failed request means for what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The record is not there.
    Absent,
    /// The record was in another state than was asked for, or somebody else wrote it just then.
    Lapsed,
    /// It was not done, because there is no store.
    Missing,
    /// It was not done, and asking again is of no use.
    Refused,
    /// It never left.
    Unsent,
    /// The store says that it failed.
    Failed,
    /// It left; it was done, will be done, or neither.
    Silent,
}

/// A failed request.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) fate: Fate,
    pub(super) error: Reason,
    /// How long the store asks for patience.
    pub(super) wait: Option<Duration>,
}

impl Failure {
    pub(super) fn new(fate: Fate, error: impl Into<Reason>) -> Self {
        Self { fate, error: error.into(), wait: None }
    }
}

/// A store of this sort.
pub(super) trait Conditional: Send + Sync {
    /// What it is, for people: `a bucket`.
    const WHAT: &'static str;
    /// Pauses before a write is sent again.
    const PAUSES: &'static [Duration] = &PAUSES;

    /// Where it is, for people.
    fn place(&self) -> &str;

    /// For how long a record is read or written at most.
    fn patience(&self) -> Duration;

    /// Where a record is kept, for people.
    fn shown(&self, name: &Name) -> String;

    /// Whether the record can be kept, whatever is there.
    fn check(&self, put: &Put) -> Result<(), Reason>;

    /// Sends a write once, and waits for its answer until `end` at the latest. `None`: it was done,
    /// and the answer does not tell which version that made.
    fn send(
        &self,
        put: &Put,
        end: Instant,
    ) -> impl Future<Output = Result<Option<Version>, Failure>> + Send;

    /// That an answer tells no version.
    fn unversioned(&self, name: &Name) -> Reason;

    /// A record as it stands now; asked again until `end`, where that can help.
    fn look(
        &self,
        name: &Name,
        end: Instant,
    ) -> impl Future<Output = Result<Option<Found>, Failure>> + Send;

    /// Removes a record that only a proof needed; whether that was done.
    fn remove(&self, name: &Name, end: Instant) -> impl Future<Output = bool> + Send;

    /// How long one request may take: so short that there is time to look what became of it.
    fn attempt(&self) -> Duration {
        self.patience() / 3
    }

    /// That it cannot be used.
    fn unusable(&self, source: Reason) -> StoreError {
        StoreError::Unusable { place: self.place().to_owned(), source }
    }

    /// What became of a request that was certainly not done.
    fn undone(&self, failure: Failure) -> StoreError {
        match failure.fate {
            Fate::Missing => StoreError::Missing(self.place().to_owned()),
            Fate::Absent
            | Fate::Lapsed
            | Fate::Refused
            | Fate::Unsent
            | Fate::Failed
            | Fate::Silent => self.unusable(failure.error),
        }
    }
}
