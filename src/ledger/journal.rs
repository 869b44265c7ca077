//! Journals as records of a shared store: lines that become durable together are one record, or
//! a few where they are many, made once and never changed, so that a journal grows without being
//! read.

use std::sync::Arc;

use super::store::{Change, Journal, Journals, Name, Put, Store, StoreError};

/// Bytes after which a page ends with its line: few enough for every kind of store.
const PAGE: usize = 256 << 10;

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
        let noted = std::mem::take(&mut self.noted);
        let named = (self.written..).zip(pages(&noted));
        // One after the other: whatever was begun stands in pages without a gap.
        let steps: Vec<_> = named
            .map(|(at, bytes)| {
                let (name, bytes) = (page(&self.name, at), bytes.to_vec());
                vec![Put { name, bytes, expected: None }]
            })
            .collect();
        let written = self.written.saturating_add(steps.len());
        let why = format!("Begin to write\n\nJournal: {}\n", self.name);
        self.store.write(&Change { why, steps, along: None })?;
        self.written = written;
        Ok(())
    }

    fn note(&mut self, line: &[u8]) -> Result<(), StoreError> {
        self.noted.extend_from_slice(line);
        self.noted.push(b'\n');
        Ok(())
    }
}

/// Whole lines, in pieces of about [`PAGE`] bytes.
fn pages(mut lines: &[u8]) -> Vec<&[u8]> {
    let mut pages = Vec::new();
    while let Some(end) = lines.iter().skip(PAGE).position(|byte| *byte == b'\n') {
        let (page, more) = lines.split_at(PAGE + end + 1);
        pages.push(page);
        lines = more;
    }
    pages.extend((!lines.is_empty()).then_some(lines));
    pages
}

/// The record of the lines that became durable as number `at` from 0; wide enough that the order of
/// the names is that of the numbers.
fn page(journal: &Name, at: usize) -> Name {
    Name::of(&[journal, &format!("{at:06}")])
}
