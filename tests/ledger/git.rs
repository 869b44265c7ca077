//! The suite over a branch of a bare repository, with a clone for each process; and what only a
//! branch can suffer.

mod branch;
mod faults;
mod http;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign::git::{Person, Repository};
use countersign::ledger::git::{Git, GitPlace};
use countersign::ledger::store::{Change, Name, Put, Store as _, StoreError, Version};
use countersign::ledger::{Home, Ledger, LedgerError};

use super::suite::{LEASE, Place};
use crate::support::apply::*;
use crate::support::git::*;

pub(super) const BRANCH: &str = "countersign-ledger";

pub(super) fn at(branch: &str) -> GitPlace {
    GitPlace {
        remote: "origin".to_owned(),
        branch: branch.to_owned(),
        author: Person { name: "countersign".to_owned(), address: "runner".to_owned() },
        lease: LEASE,
    }
}

/// The store of a clone, where the branch may be missing.
pub(super) fn store(clone: &Path, server: &Server) -> Git {
    Git::create(&Repository::open(clone, server.surroundings()).unwrap(), at(BRANCH)).unwrap()
}

/// The store of a clone, or why there is none.
pub(super) fn opened(clone: &Path, server: &Server) -> Result<Git, StoreError> {
    Git::open(&Repository::open(clone, server.surroundings()).unwrap(), at(BRANCH))
}

fn place() -> Place {
    let server = Server::new();
    let clones = AtomicUsize::new(0);
    let open = move || {
        let name = format!("clone-{}", clones.fetch_add(1, Ordering::SeqCst));
        Home::shared(Arc::new(store(&server.clone(&name, &[]), &server)))
    };
    Place { open: Box::new(open), folder: tempfile::tempdir().unwrap() }
}

suite!(place());

pub(super) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(super) fn put(text: &str, bytes: &str, expected: Option<&Version>) -> Put {
    Put { name: name(text), bytes: bytes.into(), expected: expected.cloned() }
}

/// Writes one record.
pub(super) fn write(
    store: &Git,
    text: &str,
    bytes: &str,
    expected: Option<&Version>,
) -> Result<Version, StoreError> {
    let change = Change::of(format!("Write {text}"), put(text, bytes, expected));
    Ok(store.write(&change)?.remove(0))
}

/// The bytes of one record in the snapshot.
pub(super) fn bytes(store: &Git, text: &str) -> Option<Vec<u8>> {
    store.read(&[name(text)]).unwrap().remove(0).map(|found| found.bytes)
}

/// A ledger in the branch, and the clone that made it.
pub(super) fn made(server: &Server) -> (std::path::PathBuf, Ledger) {
    let clone = server.clone("maker", &[]);
    let home = Home::shared(Arc::new(store(&clone, server)));
    let ledger = Ledger::create(home, &label("shop"), id(1), now()).unwrap();
    (clone, ledger)
}

/// The ledger as a clone finds it.
pub(super) fn found(clone: &Path, server: &Server) -> Result<Ledger, LedgerError> {
    let store = opened(clone, server).map_err(|error| LedgerError::store(error, "there"))?;
    Ledger::open(Home::shared(Arc::new(store)), &label("shop"))
}
