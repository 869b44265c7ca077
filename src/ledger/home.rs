//! A store, and where the journals are that go with it.

use std::sync::Arc;

use super::local::Local;
use super::store::{Found, Journals, Name, Store, StoreError};

/// Where a ledger lives.
#[derive(Clone, Debug)]
pub struct Home {
    pub(super) store: Arc<dyn Store>,
    pub(super) journals: Arc<dyn Journals>,
}

impl Home {
    /// A folder of this machine.
    pub fn local(folder: Local) -> Self {
        let folder = Arc::new(folder);
        Self { store: Arc::clone(&folder) as Arc<dyn Store>, journals: folder }
    }

    /// Records that are shared, and a folder of this machine for the journals.
    pub fn shared(store: impl Store + 'static, journals: Local) -> Self {
        Self { store: Arc::new(store), journals: Arc::new(journals) }
    }

    /// Its records.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// Its journals.
    pub fn journals(&self) -> Arc<dyn Journals> {
        Arc::clone(&self.journals)
    }

    pub(super) fn read(&self, name: &Name) -> Result<Option<Found>, StoreError> {
        Ok(self.store.read(std::slice::from_ref(name))?.pop().flatten())
    }
}
