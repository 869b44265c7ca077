//! Journals as records of a shared store: lines that become durable together are one record, made
//! once and never changed, so that a journal grows without being read.

use std::sync::Arc;

use super::store::{Change, Journal, Journals, Name, Put, Store, StoreError};

/// The journals of a store.
#[derive(Debug)]
pub(super) struct Records {
    store: Arc<dyn Store>,
}

impl Records {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }
}

impl Journals for Records {
    fn start(&self, name: &Name) -> Result<Box<dyn Journal>, StoreError> {
        // The first record can be made by one writer only; until then there is nothing to read.
        let (store, name) = (Arc::clone(&self.store), name.clone());
        Ok(Box::new(Pages { store, name, written: 0, noted: Vec::new() }))
    }

    fn lines(&self, name: &Name) -> Result<Vec<Vec<u8>>, StoreError> {
        let names = self.store.names(name)?;
        let mut lines = Vec::new();
        for (at, (found, page)) in names.iter().zip(self.store.read(&names)?).enumerate() {
            let expected = self::page(name, at);
            let Some(page) = page.filter(|_| *found == expected) else {
                return Err(StoreError::Damaged(found.clone()));
            };
            let Some(text) = page.bytes.strip_suffix(b"\n") else {
                return Err(StoreError::Damaged(found.clone()));
            };
            lines.extend(text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec));
        }
        Ok(lines)
    }
}

/// One that is being written: what was noted becomes durable with the next push.
#[derive(Debug)]
struct Pages {
    store: Arc<dyn Store>,
    name: Name,
    written: usize,
    noted: Vec<u8>,
}

impl Journal for Pages {
    fn push(&mut self, line: &[u8]) -> Result<(), StoreError> {
        self.note(line)?;
        let name = page(&self.name, self.written);
        let why = format!("Begin to write\n\nJournal: {name}\n");
        let put = Put { name, bytes: std::mem::take(&mut self.noted), expected: None };
        self.store.write(&Change::of(why, put))?;
        self.written = self.written.saturating_add(1);
        Ok(())
    }

    fn note(&mut self, line: &[u8]) -> Result<(), StoreError> {
        self.noted.extend_from_slice(line);
        self.noted.push(b'\n');
        Ok(())
    }
}

/// The record of the lines that became durable as number `at` from 0; wide enough that the order of
/// the names is that of the numbers.
fn page(journal: &Name, at: usize) -> Name {
    Name::of(&[journal, &format!("{at:06}")])
}
