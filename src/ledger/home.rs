//! A store, where the journals are that go with it, and who may interrupt a wait.

use std::fmt;
use std::sync::Arc;

use super::journal::Records;
use super::local::Local;
use super::memory::Memory;
use super::store::{Found, Journals, Name, Store, StoreError};

/// Where a ledger lives.
///
/// # Where the journal may be
///
/// The journal of a round says what may have been written to the target, before it is written. For
/// a target that others reach too (a cluster, an account) it must be where they find it: in the
/// store. For files of a checkout it may stay on the machine that has the checkout
/// ([`Home::with_journals`]): nobody else sees these files until they are committed, and whoever
/// resumes on another machine has another checkout, looks at each file of it, and takes a file that
/// is neither as it was before nor as it will be after for what it is: somebody else's change.
#[derive(Clone)]
pub struct Home {
    pub(super) store: Arc<dyn Store>,
    pub(super) journals: Arc<dyn Journals>,
    pub(super) memory: Option<Arc<Memory>>,
    interrupted: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
}

impl Home {
    /// A folder of this machine, with its journals.
    pub fn local(folder: Local) -> Self {
        let folder = Arc::new(folder);
        let store = Arc::clone(&folder) as Arc<dyn Store>;
        Self { store, journals: folder, memory: None, interrupted: None }
    }

    /// A store that several machines share. Journals are records of it.
    pub fn shared(store: Arc<dyn Store>) -> Self {
        let journals = Arc::new(Records::new(Arc::clone(&store)));
        Self { store, journals, memory: None, interrupted: None }
    }

    /// The same store, with the journals on this machine; for targets that are files of it.
    #[must_use]
    pub fn with_journals(self, folder: Local) -> Self {
        Self { journals: Arc::new(folder), ..self }
    }

    /// The same home; what this machine saw of it must still be there.
    #[must_use]
    pub fn remembered(self, memory: Memory) -> Self {
        Self { memory: Some(Arc::new(memory)), ..self }
    }

    /// The same home; waiting for the lock of somebody else ends when this says so.
    #[must_use]
    pub fn interruptible(self, interrupted: Arc<dyn Fn() -> bool + Send + Sync>) -> Self {
        Self { interrupted: Some(interrupted), ..self }
    }

    /// Its records.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Its journals.
    pub fn journals(&self) -> Arc<dyn Journals> {
        Arc::clone(&self.journals)
    }

    pub(super) fn shared_store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    pub(super) fn read(&self, name: &Name) -> Result<Option<Found>, StoreError> {
        Ok(self.store.read(std::slice::from_ref(name))?.pop().flatten())
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.as_ref().is_some_and(|interrupted| interrupted())
    }
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Home").field("store", &self.store).finish_non_exhaustive()
    }
}
