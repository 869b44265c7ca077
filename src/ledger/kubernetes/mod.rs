//! A ledger in a namespace of a Kubernetes cluster. A record is an object, written only on a
//! condition that the API server itself checks: that it is not there, or that it has the uid and
//! the version that were read. So of two writers one is told that it came too late, whatever
//! machines they are on.
//!
//! ```text
//! ConfigMap head                          records, by name; `/` is written as `.`
//!           plan.<digest>
//!           part.<digest>                 pieces of records that no object can hold whole
//!           probe.<random>                left by `make`
//! Lease     lock.<environment>.<target>   locks; `kubectl get leases` shows holder and renewal
//! ```
//!
//! # One truth
//!
//! The bytes of a record stand in its object: in a ConfigMap as `data`, in a Lease as an annotation.
//! What a Lease says besides, in its `spec`, is for people. Labels are for listing; the name of the
//! record stands in an annotation, and an object that names another one is no record.
//!
//! # What the cluster must grant
//!
//! `get`, `list`, `create` and `update` of ConfigMaps and Leases in the namespace, and `get` of
//! namespace `kube-system`, whose uid says which cluster it is. Nothing is ever deleted. Nobody but
//! the ledger's users should be able to write there: whoever can put records decides what was spent.

mod error;
mod make;
mod object;
mod parts;
mod write;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::conditional::{Conditional as _, Failure, Fate, Proof, SIDE_BY_SIDE};
use super::store::{Change, Found, Liveness, Name, Store, StoreError, Version};
use crate::remote::kubernetes::{self as remote, Access, Call, Cluster, Reason, Writer};

pub use error::NamespaceError;

/// Where a ledger of objects is, and how long to wait for it. But for the way there, all of it comes
/// from the trusted configuration.
#[derive(Clone, Debug)]
pub struct Location {
    /// How to reach the cluster; its patience is for how long a record is read or written at most.
    pub access: Access,
    /// uid of namespace `kube-system`.
    pub cluster: String,
    /// `sha256:` digest of the public key of the cluster's certificate authority.
    pub ca: String,
    /// The namespace.
    pub namespace: String,
    /// For how long a lock outlives its holder.
    pub lease: Duration,
}

impl Location {
    /// Where it is, for people: whatever this machine calls the way there.
    pub fn place(&self) -> String {
        format!("namespace {} of cluster {}", self.namespace, self.cluster)
    }
}

/// The store in a namespace.
pub struct Namespace {
    open: Arc<Open>,
    lease: Duration,
}

/// What the requests work on.
struct Open {
    cluster: Cluster,
    namespace: String,
    place: String,
    patience: Duration,
}

impl Namespace {
    /// Connects to the cluster and asks which one it is.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] with [`NamespaceError`].
    pub fn open(location: &Location) -> Result<Self, StoreError> {
        let Location { access, cluster: pinned, ca, namespace, lease } = location;
        let place = location.place();
        let unusable = |error: NamespaceError| StoreError::Unusable {
            place: place.clone(),
            source: Box::new(error),
        };
        let patience = access.patience;
        // So short that there is time to look what became of a request.
        let access = Access { patience: patience / 3, ..access.clone() };
        let cluster = Cluster::connect(&access, Some(ca))
            .map_err(|error| unusable(NamespaceError::Connect(error)))?
            .giving_up_after(patience / 2);
        let asked = cluster.clone();
        let identity = cluster.run(async move {
            let end = Instant::now() + patience;
            within(end, async { asked.identity().await }).await
        });
        let identity = identity.ok_or_else(|| unusable(NamespaceError::Broken))?;
        let found = identity.map_err(|error| unusable(NamespaceError::of(error, namespace)))?.uid;
        if found != *pinned {
            let (context, pinned) = (access.context, pinned.clone());
            return Err(unusable(NamespaceError::Cluster { context, found, pinned }));
        }
        let open = Open { cluster, namespace: namespace.clone(), place, patience };
        let open = Arc::new(open);
        Ok(Self { open, lease: *lease })
    }

    /// Makes the namespace if it is not there, and shows by two pairs of conflicting writers that
    /// the cluster keeps to conditions, on a record that nobody else knows; `random` is 128 fresh
    /// bits.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] with [`NamespaceError`], or with [`super::ProofError`] for a cluster
    /// that keeps to none.
    pub fn make(&self, random: [u8; 16]) -> Result<Proof, StoreError> {
        self.await_on(|open| async move { make::make(&open, random).await })
    }

    /// Runs one task on the thread of the requests.
    fn await_on<T, F>(&self, task: impl FnOnce(Arc<Open>) -> F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        self.open.cluster.run(task(Arc::clone(&self.open))).unwrap_or_else(|| {
            let source = Box::new(NamespaceError::Broken);
            Err(StoreError::Unknown { place: self.place(), source })
        })
    }
}

/// Waits for an answer until `end` at the latest.
async fn within<T>(
    end: Instant,
    request: impl Future<Output = Result<T, remote::Failure>>,
) -> Result<T, Ended> {
    let start = Instant::now();
    match timeout_at(end, request).await {
        Ok(answer) => answer.map_err(Ended::Failed),
        Err(_) => Err(Ended::Overdue(start.elapsed())),
    }
}

/// How a request ended without its answer.
enum Ended {
    Failed(remote::Failure),
    /// So long was waited.
    Overdue(Duration),
}

impl Open {
    /// Sends a request that changes something. The connection itself keeps to `end`, so that it can
    /// say of one that it never sent.
    async fn commit(&self, call: Call, end: Instant) -> Result<Value, Ended> {
        let left = end.saturating_duration_since(Instant::now());
        let writer = Writer::of(&self.cluster.clone().giving_up_after(left));
        writer.commit(call).await.map(|answer| answer.object).map_err(Ended::Failed)
    }

    /// What it means for a record that a request about it failed.
    fn failure(&self, ended: Ended) -> Failure {
        let fate = match &ended {
            Ended::Overdue(_) => Fate::Silent,
            Ended::Failed(remote::Failure::Unanswered(failed)) if failed.unsent => Fate::Unsent,
            Ended::Failed(remote::Failure::Unanswered(_)) => Fate::Silent,
            Ended::Failed(remote::Failure::Refused(refused)) => match refused.reason {
                Reason::Exists | Reason::Changed | Reason::OtherObject => Fate::Lapsed,
                Reason::Absent => Fate::Absent,
                Reason::NamespaceAbsent => Fate::Missing,
                // It was not done.
                Reason::Busy => Fate::Unsent,
                Reason::Conflict(_)
                | Reason::NamespaceEnding
                | Reason::KindAbsent
                | Reason::Immutable(_)
                | Reason::Invalid
                | Reason::Malformed
                | Reason::NoDryRun
                | Reason::Forbidden
                | Reason::Denied
                | Reason::Unauthorized
                | Reason::Expired
                | Reason::Other => Fate::Refused,
            },
        };
        let wait = match &ended {
            Ended::Failed(remote::Failure::Refused(refused)) => refused.retry_after,
            Ended::Failed(remote::Failure::Unanswered(_)) | Ended::Overdue(_) => None,
        };
        Failure { wait, ..Failure::new(fate, NamespaceError::of(ended, &self.namespace)) }
    }

    /// The names of the records beneath a prefix. Other objects of the namespace are none.
    async fn list(&self, prefix: &Name) -> Result<Vec<Name>, StoreError> {
        let kind = object::kind(prefix);
        let selector = object::selector(prefix);
        let listed = self.cluster.list_metadata(&kind, &self.namespace, &selector);
        let listed = within(Instant::now() + self.patience, listed).await;
        let listed = listed.map_err(|ended| self.undone(self.failure(ended)))?;
        let beneath = format!("{}/", prefix.as_str());
        let mut names = Vec::new();
        for found in &listed {
            let name = object::named(found).filter(|name| name.as_str().starts_with(&beneath));
            names.push(name.ok_or_else(|| StoreError::Damaged(prefix.clone()))?);
        }
        names.sort();
        Ok(names)
    }
}

impl Store for Namespace {
    fn place(&self) -> String {
        self.open.place.clone()
    }

    fn read(&self, names: &[Name]) -> Result<Vec<Option<Found>>, StoreError> {
        let names = names.to_vec();
        self.await_on(|open| async move {
            let open = &open;
            let look = |name: Name| async move {
                let found = open.look(&name, Instant::now() + open.patience).await;
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
        self.await_on(|open| async move { parts::write(&open, change).await })
    }

    fn liveness(&self) -> Liveness<'_> {
        Liveness::Leased(self.lease)
    }
}

impl fmt::Debug for Namespace {
    /// Where it is; the connection's own text would tell more than anybody needs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Namespace").field("place", &self.open.place).finish_non_exhaustive()
    }
}
