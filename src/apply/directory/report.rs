//! What became of each file, and how the apply ended. The outcome follows from what is known to
//! have been written, never from where the apply stopped.

use thiserror::Error;

use super::write::WriteError;
use crate::causes;
use crate::clock::Instant;
use crate::document::effect::FileChange;
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
    /// A file is not what the plan says it was.
    #[error("{path}: {found}")]
    Stale {
        /// The file, beneath the target's folder.
        path: String,
        /// What is there.
        found: &'static str,
    },
    /// A file could not be looked at, or is none.
    #[error("{path} cannot be used")]
    File {
        /// The file, beneath the target's folder.
        path: String,
        /// Why.
        source: FileError,
    },
    /// A write failed.
    #[error("{path} was not written as planned")]
    Write {
        /// The file, beneath the target's folder.
        path: String,
        /// Why, and whether it was touched.
        source: Box<WriteError>,
    },
    /// The ledger took no record.
    #[error("the ledger could not record the write")]
    Ledger(#[source] Box<LedgerError>),
}

impl Stop {
    pub(super) fn file(path: &str, source: FileError) -> Self {
        Self::File { path: path.to_owned(), source }
    }
}

/// What became of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    /// Path beneath the target's folder.
    pub path: String,
    /// What became of it.
    pub fate: Fate,
    /// Digest of what is there, where this apply wrote it; `None` if it is gone or not written.
    pub digest: Option<Digest>,
    /// Why it failed or was not begun; empty where an earlier file stopped the apply.
    pub because: String,
}

/// What an apply did.
#[derive(Debug)]
pub struct Report {
    /// Per file, in the order of execution.
    files: Vec<FileReport>,
    /// Why it stopped before its end.
    stop: Option<Stop>,
    unknown: bool,
    /// A write took effect that no file's fate tells.
    landed: bool,
}

impl Report {
    /// Per file, in the order of execution.
    pub fn files(&self) -> &[FileReport] {
        &self.files
    }

    /// Why it stopped before its end; `None` if it did not.
    pub fn stop(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        let written = |file: &FileReport| match file.fate {
            Fate::Written | Fate::AlreadyWritten => true,
            Fate::NotWritten | Fate::Failed => false,
        };
        if self.unknown {
            Outcome::Indeterminate
        } else if self.files.iter().all(written) {
            Outcome::Applied
        } else if self.landed || self.files.iter().any(written) {
            Outcome::Partial
        } else {
            Outcome::FailedClean
        }
    }

    /// The lines of its receipt.
    pub fn items(&self) -> Vec<ReceiptItem> {
        let item = |file: &FileReport| {
            let FileReport { path, fate, digest, because } = file;
            ReceiptItem {
                item: path.clone(),
                fate: *fate,
                digest: digest.map(|digest| digest.to_string()).unwrap_or_default(),
                because: because.clone(),
            }
        };
        self.files.iter().map(item).collect()
    }

    pub(super) fn new(files: &[FileChange]) -> Self {
        let file = |change: &FileChange| FileReport {
            path: change.path.clone(),
            fate: Fate::NotWritten,
            digest: None,
            because: String::new(),
        };
        let files = files.iter().map(file).collect();
        Self { files, stop: None, unknown: false, landed: false }
    }

    pub(super) fn fate(&self, at: usize) -> Option<Fate> {
        self.files.get(at).map(|file| file.fate)
    }

    pub(super) fn wrote(&mut self, at: usize, digest: Option<Digest>) {
        self.set(at, Fate::Written, digest, String::new());
    }

    pub(super) fn already_written(&mut self, at: usize, digest: Option<Digest>) {
        self.set(at, Fate::AlreadyWritten, digest, String::new());
    }

    /// Says why a file was not begun, and hands the reason on.
    pub(super) fn refused(&mut self, at: usize, stop: Stop) -> Stop {
        self.set(at, Fate::NotWritten, None, causes::line(&stop));
        stop
    }

    pub(super) fn wrote_badly(&mut self, at: usize, error: &WriteError) {
        match error {
            WriteError::Unrecorded | WriteError::Untouched(_) => {}
            WriteError::Unknown(_) => self.unknown = true,
            WriteError::Differs => self.landed = true,
        }
        self.set(at, Fate::Failed, None, causes::line(error));
    }

    pub(super) fn earlier_write(&mut self) {
        self.landed = true;
    }

    pub(super) fn stopped(&mut self, stop: Stop) {
        self.stop = Some(stop);
    }

    fn set(&mut self, at: usize, fate: Fate, digest: Option<Digest>, because: String) {
        if let Some(file) = self.files.get_mut(at) {
            file.fate = fate;
            file.digest = digest;
            file.because = because;
        }
    }
}
