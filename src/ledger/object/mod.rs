//! A ledger in a bucket of objects (S3, Google Cloud Storage, Azure Blob Storage, and servers that
//! speak like S3). A record is an object, written only on a condition that the store itself checks:
//! that it is not there, or that it is still in the state that was read. So of two writers one is
//! told that it came too late, whatever machines they are on.
//!
//! ```text
//! <prefix>/head.json                     records, by name
//!          plan/<digest>.json
//!          probe/<random>.json           left by `prove` where it may not remove it
//! ```
//!
//! # What the store must grant
//!
//! Reading and writing the objects beneath the prefix, and listing them; S3 answers "access denied"
//! for an object that is not there to whom may not list. Removing is wanted by `prove` alone. Nobody
//! but the ledger's users should be able to write there: whoever can put records decides what was
//! spent. A bucket that keeps versions shows who put back an older one.
//!
//! # How long it takes
//!
//! A record is read or written within [`Bucket::patience`], tried again meanwhile as long as that
//! is safe. Records of one step of a change, and those read together, go side by side.

mod answer;
mod bucket;
mod error;
mod write;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::path::Path;
use object_store::{GetOptions, ObjectStore};
use tokio::time::{Instant, sleep, timeout_at};

use super::conditional::{
    Conditional as _, Failure, Fate, PAUSES, Proof, SIDE_BY_SIDE, prove, write,
};
use super::store::{Change, Found, Liveness, Name, Store, StoreError, Version};
use crate::remote::worker::Worker;
use answer::{failure, overdue};

pub use bucket::Bucket;
pub use error::{Doing, LocationError, ObjectError, Reason};

/// Largest record that is read or written, in bytes.
const MAX_RECORD: usize = 64 << 20;
const RECORD: &str = ".json";

/// The store in a bucket.
pub struct Objects {
    bucket: Arc<Open>,
    worker: Worker,
    lease: Duration,
}

/// What the requests work on.
struct Open {
    store: Arc<dyn ObjectStore>,
    /// Every object of the ledger lies beneath it.
    prefix: Path,
    place: String,
    /// For people: the bucket alone.
    bucket: String,
    patience: Duration,
    /// Whether a condition names the store's own number of a version beside the ETag.
    numbered: bool,
}

impl Objects {
    /// Opens a bucket; no request is sent yet. `environment` looks up a variable by its name, and
    /// is asked for credentials alone: no variable says where the ledger is.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] for a location or credentials that cannot be.
    pub fn open(
        bucket: &Bucket,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, StoreError> {
        let place = bucket.place();
        let unusable = |error: LocationError| StoreError::Unusable {
            place: place.clone(),
            source: Box::new(ObjectError::from(error)),
        };
        let opened = bucket.connect(environment).map_err(unusable)?;
        Self::run(opened, bucket.lease)
    }

    /// Records beneath a prefix of a store that was opened elsewhere; `place` is for people.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] if the system gives no thread.
    pub fn over(
        store: Arc<dyn ObjectStore>,
        prefix: &Name,
        place: &str,
        lease: Duration,
        patience: Duration,
    ) -> Result<Self, StoreError> {
        let opened = Open {
            store,
            prefix: Path::from(prefix.as_str()),
            place: place.to_owned(),
            bucket: place.to_owned(),
            patience,
            numbered: false,
        };
        Self::run(opened, lease)
    }

    fn run(opened: Open, lease: Duration) -> Result<Self, StoreError> {
        let worker = Worker::start().map_err(|error| {
            opened.unusable(ObjectError::Worker(Reason(error.to_string())).into())
        })?;
        Ok(Self { bucket: Arc::new(opened), worker, lease })
    }

    /// Runs one task on the thread of the requests.
    fn await_on<T, F>(&self, task: impl FnOnce(Arc<Open>) -> F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        self.worker.run(task(Arc::clone(&self.bucket))).unwrap_or_else(|| {
            let reason = Reason("a request was broken off".to_owned());
            let source = Box::new(ObjectError::Worker(reason));
            Err(StoreError::Unknown { place: self.place(), source })
        })
    }

    /// Shows by two pairs of conflicting writers that the store keeps to conditions, on an object
    /// `probe/<random>` that nobody else knows; `random` is 128 fresh bits. Without that nothing can
    /// be relied on to happen once.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] with [`super::ProofError`] for a store that does not, and with any other
    /// [`ObjectError`] for one that cannot be asked.
    pub fn prove(&self, random: [u8; 16]) -> Result<Proof, StoreError> {
        self.await_on(|open| async move { prove(&*open, random).await })
    }
}

impl Open {
    fn path(&self, name: &Name) -> Path {
        // A prefix and a name hold nothing that a path writes in another way.
        let name = format!("{}{RECORD}", name.as_str());
        Path::from_iter(self.prefix.parts().chain(Path::from(name).parts()))
    }

    /// Waits for one request, until `end` at the latest.
    async fn ask<T>(
        &self,
        doing: &Doing,
        end: Instant,
        request: impl Future<Output = object_store::Result<T>>,
    ) -> Result<T, Failure> {
        let start = Instant::now();
        match timeout_at(end.min(start + self.attempt()), request).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(failure(&error, doing.clone(), &self.bucket)),
            Err(_) => Err(overdue(doing.clone(), start.elapsed().as_secs_f32())),
        }
    }

    /// A request that changes nothing: sent again while that can help and there is time.
    async fn again<T, F>(&self, end: Instant, ask: impl Fn() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut pauses = PAUSES.iter();
        loop {
            let failure = match ask().await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let helps = match failure.fate {
                Fate::Unsent | Fate::Failed | Fate::Silent => true,
                Fate::Absent | Fate::Lapsed | Fate::Missing | Fate::Refused => false,
            };
            match pauses.next() {
                Some(pause) if helps && Instant::now() + *pause < end => sleep(*pause).await,
                Some(_) | None => return Err(failure),
            }
        }
    }

    /// A record as it stands now.
    async fn found(&self, path: &Path, end: Instant) -> Result<Option<Found>, Failure> {
        let doing = Doing { verb: "read", object: path.to_string() };
        let got = self.again(end, || self.ask(&doing, end, self.get(path))).await;
        let (bytes, version) = match got {
            Ok(got) => got,
            Err(Failure { fate: Fate::Absent, .. }) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let object = path.to_string();
        let Some(bytes) = bytes else {
            let error = ObjectError::TooLarge { object, most: MAX_RECORD };
            return Err(Failure::new(Fate::Refused, error));
        };
        match version {
            Some(version) => Ok(Some(Found { bytes, version })),
            None => Err(Failure::new(Fate::Refused, ObjectError::Unversioned(object))),
        }
    }

    /// The bytes of an object, `None` if they are too many, and its version.
    async fn get(&self, path: &Path) -> object_store::Result<(Option<Vec<u8>>, Option<Version>)> {
        let got = self.store.get_opts(path, GetOptions::default()).await?;
        let version = self.version(got.meta.e_tag.as_deref(), got.meta.version.as_deref());
        let mut bytes = Vec::new();
        let mut body = got.into_stream();
        while let Some(more) = body.try_next().await? {
            if bytes.len() + more.len() > MAX_RECORD {
                return Ok((None, version));
            }
            bytes.extend_from_slice(&more);
        }
        Ok((Some(bytes), version))
    }

    /// The ETag, and where a condition needs it the store's number of the version.
    fn version(&self, e_tag: Option<&str>, number: Option<&str>) -> Option<Version> {
        // Neither can hold a line feed, because both are headers.
        let number = number.filter(|_| self.numbered).unwrap_or_default();
        e_tag.map(|e_tag| Version(format!("{e_tag}\n{number}")))
    }

    /// The names of the records beneath a prefix. Whatever else lies there is none.
    async fn list(&self, prefix: &Name) -> Result<Vec<Name>, StoreError> {
        let above = Path::from_iter(self.prefix.parts().chain(Path::from(prefix.as_str()).parts()));
        let start = format!("{}/", self.prefix.as_ref());
        let doing = Doing { verb: "list", object: format!("{above}/") };
        let end = Instant::now() + self.patience;
        let listing = || async {
            let found = self.store.list(Some(&above)).map_ok(|meta| meta.location).try_collect();
            self.ask(&doing, end, found).await
        };
        let keys: Vec<Path> = self.again(end, listing).await.map_err(|failure| {
            // A key that no ledger makes, such as one with an empty segment.
            if matches!(failure.error.downcast_ref(), Some(ObjectError::Key(_))) {
                StoreError::Damaged(prefix.clone())
            } else {
                self.unusable(failure.error)
            }
        })?;
        let name = |key: &Path| {
            let name = key.as_ref().strip_prefix(&start)?.strip_suffix(RECORD)?;
            name.parse::<Name>().ok()
        };
        let mut names: Vec<_> = keys.iter().filter_map(name).collect();
        names.sort();
        Ok(names)
    }
}

impl Store for Objects {
    fn place(&self) -> String {
        self.bucket.place.clone()
    }

    fn read(&self, names: &[Name]) -> Result<Vec<Option<Found>>, StoreError> {
        let names = names.to_vec();
        self.await_on(|open| async move {
            let open = &open;
            let look = |name: Name| async move {
                let end = Instant::now() + open.patience;
                let found = open.look(&name, end).await;
                found.map_err(|failure| open.undone(failure))
            };
            stream::iter(names).map(look).buffered(SIDE_BY_SIDE).try_collect().await
        })
    }

    fn names(&self, prefix: &Name) -> Result<Vec<Name>, StoreError> {
        let prefix = prefix.clone();
        self.await_on(|open| async move { open.list(&prefix).await })
    }

    fn write(&self, change: &Change) -> Result<Vec<Version>, StoreError> {
        let change = change.clone();
        self.await_on(|open| async move { write(&*open, change).await })
    }

    fn liveness(&self) -> Liveness<'_> {
        Liveness::Leased(self.lease)
    }
}

impl fmt::Debug for Objects {
    /// Where it is; the library's own text would tell how requests are signed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").field("place", &self.bucket.place).finish_non_exhaustive()
    }
}
