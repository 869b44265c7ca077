//! A connection to one cluster, whose certificate authority was proven by the first answer.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use kube::Client;
use kube::client::ClientBuilder;
use serde_json::Value;
use tokio::sync::Mutex;

use super::access::{Access, ConnectError, Prepared};
use super::answer::{Answer, Failure, Reason};
use super::call::{Call, Earnest, Place};
use super::kinds::{Kind, Kinds};
use super::review::Permission;
use super::wording::of_client;
use crate::remote::worker::Worker;

/// What a cluster is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// uid of namespace `kube-system`.
    pub uid: String,
    /// `sha256:` digest (hexadecimal) of the public key (SubjectPublicKeyInfo) of the certificate
    /// authority that the connection trusts.
    pub ca_spki: String,
}

/// A connection. Cheap to clone; every request runs on its one thread.
#[derive(Clone)]
pub struct Cluster {
    open: Arc<Open>,
    /// For how long a request is sent again.
    whole: Duration,
}

struct Open {
    client: Client,
    server: String,
    authority: String,
    namespace: Option<String>,
    plugin: Option<String>,
    patience: Duration,
    kinds: Mutex<Option<Arc<Kinds>>>,
    worker: Worker,
}

/// Requests that the server only rehearses: each is sent with `dryRun=All`.
#[derive(Clone, Copy, Debug)]
pub struct Rehearsal<'c> {
    cluster: &'c Cluster,
}

impl Cluster {
    /// Connects. With `pinned` (a `sha256:` digest) only authorities with this public key are
    /// trusted, so that every answer proves it; without, the context must name exactly one.
    /// Nothing is sent yet; a credential plugin is run.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub fn connect(access: &Access, pinned: Option<&str>) -> Result<Self, ConnectError> {
        let worker = Worker::start()
            .map_err(|error| access.unusable(format!("the system gives no thread: {error}")))?;
        let (asked, pin) = (access.clone(), pinned.map(str::to_owned));
        // The client leaves a task of its own behind, on the thread that it is made on.
        let made = worker.run(async move {
            let Prepared { config, namespace, authority, plugin } =
                asked.prepare(pin.as_deref()).await?;
            let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
            let client = match ClientBuilder::try_from(config) {
                Ok(builder) => builder.build(),
                Err(error) => return Err(asked.unusable(of_client(&error, plugin.as_deref()))),
            };
            Ok((client, server, authority, namespace, plugin))
        });
        let broken = || Err(access.unusable("its client could not be made".to_owned()));
        let (client, server, authority, namespace, plugin) = made.unwrap_or_else(broken)?;
        let patience = access.patience;
        let kinds = Mutex::new(None);
        let open = Open { client, server, authority, namespace, plugin, patience, kinds, worker };
        Ok(Self { open: Arc::new(open), whole: patience.saturating_mul(4) })
    }

    /// The same connection; no request is sent again after so long (else: four times the patience
    /// with one answer).
    #[must_use]
    pub fn giving_up_after(self, whole: Duration) -> Self {
        Self { whole, ..self }
    }

    /// The server's address, for people.
    pub fn server(&self) -> &str {
        &self.open.server
    }

    /// The namespace that the context names, if any.
    pub fn namespace(&self) -> Option<&str> {
        self.open.namespace.as_deref()
    }

    pub(super) fn client(&self) -> &Client {
        &self.open.client
    }

    pub(super) fn patience(&self) -> Duration {
        self.open.patience
    }

    pub(super) fn whole(&self) -> Duration {
        self.whole
    }

    pub(super) fn plugin(&self) -> Option<&str> {
        self.open.plugin.as_deref()
    }

    /// Runs a task on the connection's thread and waits for it; `None` if it was broken off by a
    /// fault of this program. Never to be called from such a task.
    pub fn run<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        self.open.worker.run(task)
    }

    /// Begins a task on the connection's thread, and does not wait for it. It is dropped unfinished
    /// if it is broken off by a fault of this program.
    pub fn begin(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.open.worker.begin(task);
    }

    /// Runs `work` over all items, at most `width` at once, and gives the results in the order of
    /// the items.
    pub async fn side_by_side<I, T, F, W>(&self, items: Vec<I>, width: usize, work: W) -> Vec<T>
    where
        I: Send + 'static,
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
        W: Fn(Self, I) -> F + Send + 'static,
    {
        let tasks = items.into_iter().enumerate().map(|(index, item)| {
            let task = work(self.clone(), item);
            async move { (index, task.await) }
        });
        let mut done: Vec<_> = stream::iter(tasks).buffer_unordered(width.max(1)).collect().await;
        done.sort_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, result)| result).collect()
    }

    /// What the caller must be allowed to do for [`Cluster::identity`].
    pub fn to_identify() -> Permission {
        let kind = Kind {
            group: String::new(),
            version: "v1".to_owned(),
            kind: "Namespace".to_owned(),
            plural: "namespaces".to_owned(),
            namespaced: false,
            listable: true,
        };
        let (namespace, name) = (String::new(), "kube-system".to_owned());
        Permission { verb: "get", kind, namespace, name }
    }

    /// What the cluster is.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn identity(&self) -> Result<Identity, Failure> {
        let Permission { verb: _, kind, namespace, name } = Self::to_identify();
        let place = Place { kind, namespace, name };
        let asked = place.read()?;
        let answer = self.ask(&asked).await?;
        match answer.object.pointer("/metadata/uid").and_then(Value::as_str) {
            Some(uid) if !uid.is_empty() => {
                Ok(Identity { uid: uid.to_owned(), ca_spki: self.open.authority.clone() })
            }
            Some(_) | None => Err(asked.about.unanswered("the answer names no uid".to_owned())),
        }
    }

    /// What it serves; asked once.
    ///
    /// # Errors
    /// [`Failure`]; also if a part of it fails, which is no absence.
    pub async fn kinds(&self) -> Result<Arc<Kinds>, Failure> {
        let mut known = self.open.kinds.lock().await;
        if let Some(kinds) = &*known {
            return Ok(Arc::clone(kinds));
        }
        let kinds = Arc::new(self.discover().await?);
        *known = Some(Arc::clone(&kinds));
        Ok(kinds)
    }

    /// Asks what it serves anew: a definition was made.
    ///
    /// # Errors
    /// As [`Cluster::kinds`].
    pub async fn kinds_again(&self) -> Result<Arc<Kinds>, Failure> {
        *self.open.kinds.lock().await = None;
        self.kinds().await
    }

    /// One object as it is now (a quorum read); `None` if it, its namespace or its kind is not
    /// there.
    ///
    /// # Errors
    /// [`Failure`]. What fails for a while (429, 5xx, no connection) is asked again.
    pub async fn get(&self, place: &Place) -> Result<Option<Value>, Failure> {
        match self.ask(&place.read()?).await {
            Ok(answer) => Ok(Some(answer.object)),
            Err(failure) => match failure.reason() {
                Some(Reason::Absent | Reason::NamespaceAbsent | Reason::KindAbsent) => Ok(None),
                Some(_) | None => Err(failure),
            },
        }
    }

    /// The way to rehearse.
    pub fn rehearsal(&self) -> Rehearsal<'_> {
        Rehearsal { cluster: self }
    }
}

impl fmt::Debug for Cluster {
    /// Where it is; the client's own text could tell credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("server", &self.open.server).finish_non_exhaustive()
    }
}

impl Rehearsal<'_> {
    /// What the server would make of a request, strictly (`fieldValidation=Strict`). Asked again
    /// where it fails for a while: nothing is ever changed.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn ask(&self, call: Call) -> Result<Answer, Failure> {
        self.cluster.ask(&call.asked(Earnest::Rehearsed)?).await
    }
}
