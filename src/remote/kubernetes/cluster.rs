//! A connection to one cluster, whose certificate authority was proven by the first answer.

use std::future::Future;

use serde_json::Value;

use super::access::{Access, ConnectError};
use super::answer::{Answer, Failure};
use super::call::{Call, Place};
use super::kinds::Kinds;

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
#[derive(Clone, Debug)]
pub struct Cluster {}

/// Requests that the server only rehearses: each is sent with `dryRun=All`.
#[derive(Clone, Copy, Debug)]
pub struct Rehearsal<'c> {
    cluster: &'c Cluster,
}

impl Cluster {
    /// Connects. With `pinned` (a `sha256:` digest) only authorities with this public key are
    /// trusted, so that every answer proves it; without, the context must name exactly one.
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub fn connect(access: &Access, pinned: Option<&str>) -> Result<Self, ConnectError> {
        let _ = (access, pinned);
        unimplemented!()
    }

    /// The server's address, for people.
    pub fn server(&self) -> &str {
        unimplemented!()
    }

    /// Runs a task on the connection's thread and waits for it; `None` if it was broken off by a
    /// fault of this program.
    pub fn run<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let _ = task;
        unimplemented!()
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
        let _ = (items, width, work);
        unimplemented!()
    }

    /// What the cluster is.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn identity(&self) -> Result<Identity, Failure> {
        unimplemented!()
    }

    /// What it serves; asked once.
    ///
    /// # Errors
    /// [`Failure`]; also if a part of it fails, which is no absence.
    pub async fn kinds(&self) -> Result<std::sync::Arc<Kinds>, Failure> {
        unimplemented!()
    }

    /// Asks what it serves anew: a definition was made.
    ///
    /// # Errors
    /// As [`Cluster::kinds`].
    pub async fn kinds_again(&self) -> Result<std::sync::Arc<Kinds>, Failure> {
        unimplemented!()
    }

    /// One object as it is now (a quorum read); `None` if it, its namespace or its kind is not
    /// there.
    ///
    /// # Errors
    /// [`Failure`]. What fails for a while (429, 5xx, no connection) is asked again.
    pub async fn get(&self, place: &Place) -> Result<Option<Value>, Failure> {
        let _ = place;
        unimplemented!()
    }

    /// The way to rehearse.
    pub fn rehearsal(&self) -> Rehearsal<'_> {
        Rehearsal { cluster: self }
    }
}

impl Rehearsal<'_> {
    /// What the server would make of a request, strictly (`fieldValidation=Strict`). Asked again
    /// where it fails for a while: nothing is ever changed.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn ask(&self, call: Call) -> Result<Answer, Failure> {
        let _ = (self.cluster, call);
        unimplemented!()
    }
}
