//! What became of each change, and how the apply ended. The outcome follows from what is known to
//! have been written, never from where the apply stopped.

use thiserror::Error;

use super::{directory, kubernetes};
use crate::causes;
use crate::clock::Instant;
use crate::document::ident::Digest;
use crate::document::statement::{Fate, Outcome, ReceiptItem};
use crate::files::FileError;
use crate::ledger::LedgerError;

/// Why an apply stopped.
#[derive(Debug, Error)]
pub enum Stop {
    /// Somebody asked for it.
    #[error("it was interrupted")]
    Interrupted,
    /// The approvals ran out.
    #[error("the approvals expired at {at}, and no write begins after that")]
    Expired {
        /// When.
        at: Instant,
    },
    /// An item is not what the plan says it was.
    #[error("{item}: {found}")]
    Stale {
        /// The object, or the file beneath the target's folder.
        item: String,
        /// What is there.
        found: String,
    },
    /// What the plan rests on is no longer so. Found between two waves.
    #[error("what the plan rests on has changed: {found}")]
    Facts {
        /// What differs.
        found: String,
    },
    /// A file could not be looked at, or is none.
    #[error("{path} cannot be used")]
    File {
        /// The file, beneath the target's folder.
        path: String,
        /// Why.
        source: FileError,
    },
    /// A file was not written as planned.
    #[error("{path} was not written as planned")]
    Write {
        /// The file, beneath the target's folder.
        path: String,
        /// Why, and whether it was touched.
        source: Box<directory::WriteError>,
    },
    /// An object was not written as planned.
    #[error("{id} was not written as planned")]
    Object {
        /// The object.
        id: String,
        /// Why, and whether it was touched.
        source: Box<kubernetes::WriteError>,
    },
    /// What was written did not become ready.
    #[error("{item} is not ready: {why}")]
    Unready {
        /// The object.
        item: String,
        /// What is missing.
        why: String,
    },
    /// The cluster cannot be asked.
    #[error("the cluster cannot be used")]
    Cluster(#[source] Box<kubernetes::ClusterError>),
    /// The target is of a kind that nothing here applies, or its configuration is gone.
    #[error("the target cannot be applied to: {0}")]
    Target(String),
    /// The ledger took no record.
    #[error("the ledger could not record the write")]
    Ledger(#[source] Box<LedgerError>),
}

/// What became of one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemReport {
    /// Resource id, or path beneath the target's folder.
    pub item: String,
    /// What became of it.
    pub fate: Fate,
    /// Digest of what is there, where this apply wrote it; `None` if it is gone or not written.
    pub digest: Option<Digest>,
    /// Why it failed, is not ready, or was not begun; empty where an earlier item stopped the apply.
    pub because: String,
}

/// What an apply did.
#[derive(Debug)]
pub struct Report {
    /// In the order of execution.
    items: Vec<ItemReport>,
    /// Why it stopped before its end.
    stop: Option<Stop>,
    unknown: bool,
    /// A write took effect that no item's fate tells.
    landed: bool,
    /// Something that was written is not ready.
    unready: bool,
}

impl Report {
    /// Per item, in the order of execution.
    pub fn items(&self) -> &[ItemReport] {
        &self.items
    }

    /// Why it stopped before its end; `None` if it did not.
    pub fn stop(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        let written = |item: &ItemReport| match item.fate {
            Fate::Written | Fate::AlreadyWritten => true,
            Fate::NotWritten | Fate::Failed => false,
        };
        if self.unknown {
            Outcome::Indeterminate
        } else if self.items.iter().all(written) {
            if self.unready { Outcome::NotReady } else { Outcome::Applied }
        } else if self.landed || self.items.iter().any(written) {
            Outcome::Partial
        } else {
            Outcome::FailedClean
        }
    }

    /// The lines of its receipt.
    pub fn lines(&self) -> Vec<ReceiptItem> {
        let line = |item: &ItemReport| {
            let ItemReport { item, fate, digest, because } = item;
            ReceiptItem {
                item: item.clone(),
                fate: *fate,
                digest: digest.map(|digest| digest.to_string()).unwrap_or_default(),
                because: because.clone(),
            }
        };
        self.items.iter().map(line).collect()
    }

    pub(super) fn new(items: impl IntoIterator<Item = String>) -> Self {
        let item = |item| ItemReport {
            item,
            fate: Fate::NotWritten,
            digest: None,
            because: String::new(),
        };
        let items = items.into_iter().map(item).collect();
        Self { items, stop: None, unknown: false, landed: false, unready: false }
    }

    pub(super) fn fate(&self, at: usize) -> Option<Fate> {
        self.items.get(at).map(|item| item.fate)
    }

    pub(super) fn wrote(&mut self, at: usize, digest: Option<Digest>) {
        self.set(at, Fate::Written, digest, String::new());
    }

    pub(super) fn already_written(&mut self, at: usize, digest: Option<Digest>) {
        self.set(at, Fate::AlreadyWritten, digest, String::new());
    }

    /// Says why an item was not begun, and hands the reason on.
    pub(super) fn refused(&mut self, at: usize, stop: Stop) -> Stop {
        self.set(at, Fate::NotWritten, None, causes::line(&stop));
        stop
    }

    /// Says of every item that nobody looked at it: what earlier rounds made of it is not known.
    pub(super) fn unseen(&mut self, why: &Stop) {
        let why = format!("not looked at: {}", causes::line(why));
        for item in &mut self.items {
            item.because.clone_from(&why);
        }
    }

    /// Says that an item was begun and is not as planned.
    pub(super) fn failed(&mut self, at: usize, digest: Option<Digest>, because: String) {
        self.set(at, Fate::Failed, digest, because);
    }

    /// Says why an item that was written is not ready.
    pub(super) fn unready(&mut self, at: usize, why: &str) {
        self.unready = true;
        if let Some(item) = self.items.get_mut(at) {
            item.because = format!("not ready: {why}");
        }
    }

    /// Some write may have landed: nobody can say.
    pub(super) fn lost_sight(&mut self) {
        self.unknown = true;
    }

    /// A write took effect, whatever became of its item.
    pub(super) fn took_effect(&mut self) {
        self.landed = true;
    }

    pub(super) fn stopped(&mut self, stop: Stop) {
        self.stop = Some(stop);
    }

    fn set(&mut self, at: usize, fate: Fate, digest: Option<Digest>, because: String) {
        if let Some(item) = self.items.get_mut(at) {
            item.fate = fate;
            item.digest = digest;
            item.because = because;
        }
    }
}
