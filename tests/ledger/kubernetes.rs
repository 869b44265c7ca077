//! The suite over a namespace of the test cluster, by a user who has the rights of a ledger and no
//! others, and what only a namespace can suffer.

use std::sync::Arc;

use countersign::causes;
use countersign::ledger::kubernetes::{Location, Namespace, NamespaceError};
use countersign::ledger::store::{Change, Name, Put, Store as _, StoreError};
use countersign::ledger::{Home, Ledger, LedgerError};
use serde_json::{Value, json};

use super::suite::{Place, read, write};
use crate::support::apply::*;
use crate::support::cluster::ledger::{grant, granted, location};
use crate::support::cluster::user::User;
use crate::support::cluster::{self, cluster};

mod make;
mod objects;

/// Where a ledger is, who uses it, and the folder of the kubeconfig.
struct Ground {
    location: Location,
    namespace: cluster::Namespace,
    user: User,
    folder: tempfile::TempDir,
}

impl Ground {
    /// A namespace with nothing in it.
    fn new() -> Self {
        let (namespace, user) = granted();
        let folder = tempfile::tempdir().unwrap();
        let location = location(user.kubeconfig(folder.path()), namespace.name());
        Self { location, namespace, user, folder }
    }

    fn store(&self) -> Namespace {
        Namespace::open(&self.location).unwrap()
    }

    fn home(&self) -> Home {
        home(&self.location)
    }

    /// The path of a record's object.
    fn at(&self, name: &str) -> String {
        let objects = match name.starts_with("lock") {
            true => self.namespace.path_of("coordination.k8s.io/v1", "leases"),
            false => self.namespace.path("configmaps"),
        };
        format!("{objects}/{}", name.replace('/', "."))
    }

    /// Changes the object of a record in the name of somebody who may do everything.
    fn changed(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let admin = cluster().admin();
        let mut object = admin.read(&self.at(name));
        change(&mut object);
        let (status, answer) = admin.put(&self.at(name), &object);
        assert_eq!(status, 200, "{answer}");
    }
}

fn home(location: &Location) -> Home {
    Home::shared(Arc::new(Namespace::open(location).unwrap()))
}

fn place() -> Place {
    let Ground { location, folder, .. } = Ground::new();
    Place { open: Box::new(move || home(&location)), folder }
}

suite!(place());

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn put(text: &str, bytes: &[u8]) -> Put {
    Put { name: name(text), bytes: bytes.to_vec(), expected: None }
}

/// What an error says, with its causes.
fn said(error: &StoreError) -> String {
    causes::line(error)
}

/// The reason why a store cannot be used.
fn reason(error: &StoreError) -> &NamespaceError {
    let (StoreError::Unusable { source, .. } | StoreError::Unknown { source, .. }) = error else {
        panic!("{error:?}");
    };
    source.downcast_ref().unwrap()
}
