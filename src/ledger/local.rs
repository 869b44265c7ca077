//! A ledger in a folder of one machine. A record is a file, replaced whole under a lock of the
//! system, so that of two processes one writes and the other sees that it came too late.
//!
//! ```text
//! <folder>/head.json                     records, by name
//!          plan/<digest>.json
//!          journal/<apply id>.lines      journals
//!          hold/<environment>/<target>   who is alive; empty files
//!          write.hold                    held while a record is compared and swapped
//! ```
//!
//! The folder belongs on a disk of this machine: network file systems do not all keep such locks.

use std::path::{Path, PathBuf};

use super::store::{
    Change, Found, Holds, Journal, Journals, Liveness, Name, Presence, Put, Store, StoreError,
    Version,
};
use crate::document::ident::Digest;
use crate::files::{Append, FileError, Folder, Hold, Mode, make_folder, open_folder};

/// Largest record that is read, in bytes.
const MAX_RECORD: u64 = 64 << 20;
/// Largest journal that is read, in bytes.
const MAX_JOURNAL: u64 = 256 << 20;
const RECORD: &str = ".json";
const JOURNAL: &str = ".lines";
const WRITING: &str = "write.hold";

/// The store in a folder.
#[derive(Debug)]
pub struct Local {
    folder: Folder,
    path: PathBuf,
}

impl Local {
    /// Makes the folder, where it is missing, for its owner alone.
    ///
    /// # Errors
    /// [`StoreError::Unusable`], also for a folder that others may change, or that is not this
    /// user's: whoever can put records there decides what was spent.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        let folder = make_folder(path).map_err(|error| unusable(path, error))?;
        folder.check_private().map_err(|error| unusable(path, error))?;
        Ok(Self { folder, path: path.to_owned() })
    }

    /// Opens a folder that is there.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if it is not; else [`StoreError::Unusable`], as in
    /// [`Local::create`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        match open_folder(path) {
            Ok(folder) => {
                folder.check_private().map_err(|error| unusable(path, error))?;
                Ok(Self { folder, path: path.to_owned() })
            }
            Err(error) if error.is_absent() => Err(StoreError::Missing(shown(path))),
            Err(error) => Err(unusable(path, error)),
        }
    }

    fn failed(&self, error: FileError) -> StoreError {
        unusable(&self.path, error)
    }

    /// The folder of a record, if it is there.
    fn above(&self, name: &Name) -> Result<Option<Folder>, StoreError> {
        match self.folder.folder(name.split().1) {
            Ok(folder) => Ok(Some(folder)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn above_made(&self, name: &Name) -> Result<Folder, StoreError> {
        self.folder.folder_made(name.split().1).map_err(|error| self.failed(error))
    }

    fn record(&self, name: &Name) -> Result<Option<Found>, StoreError> {
        let Some(folder) = self.above(name)? else {
            return Ok(None);
        };
        let file = format!("{}{RECORD}", name.split().0);
        let bytes = folder.read_if_there(&file, MAX_RECORD).map_err(|error| self.failed(error))?;
        Ok(bytes.map(|bytes| Found { version: version(&bytes), bytes }))
    }

    /// Writes a record that is in the expected state; nobody else writes meanwhile.
    fn put(&self, put: &Put) -> Result<Version, StoreError> {
        let version = version(&put.bytes);
        if put.expected.as_ref() == Some(&version) {
            return Ok(version);
        }
        let failed = |error| self.failed(error);
        let folder = self.above_made(&put.name)?;
        let file = format!("{}{RECORD}", put.name.split().0);
        match put.expected {
            None => folder.create(&file, &put.bytes, Mode::Private).map_err(failed)?,
            Some(_) => folder.replace(&file, &put.bytes, Mode::Private).map_err(failed)?,
        }
        Ok(version)
    }

    /// Every folder that holds records, this one first.
    fn walk(&self, prefix: &str, found: &mut Vec<Name>) -> Result<(), FileError> {
        let folder = match self.folder.folder(prefix) {
            Ok(folder) => folder,
            Err(error) if error.is_absent() => return Ok(()),
            Err(error) => return Err(error),
        };
        for entry in folder.entries()? {
            if entry.folder {
                self.walk(&format!("{prefix}/{}", entry.name), found)?;
            } else if let Some(last) = entry.name.strip_suffix(RECORD) {
                // Temporary files and whatever a person put here are no records.
                found.extend(format!("{prefix}/{last}").parse::<Name>());
            }
        }
        Ok(())
    }

    /// Removes what killed writers left behind; nobody writes while this process holds the file.
    fn sweep(&self, folder: &Folder) -> Result<(), FileError> {
        folder.remove_temporaries()?;
        for entry in folder.entries()? {
            if entry.folder {
                self.sweep(&folder.folder(&entry.name)?)?;
            }
        }
        Ok(())
    }
}

impl Store for Local {
    fn place(&self) -> String {
        shown(&self.path)
    }

    fn read(&self, names: &[Name]) -> Result<Vec<Option<Found>>, StoreError> {
        names.iter().map(|name| self.record(name)).collect()
    }

    fn write(&self, change: &Change) -> Result<Vec<Version>, StoreError> {
        let _writing = self.folder.hold(WRITING).map_err(|error| self.failed(error))?;
        for put in change.puts() {
            let found = self.record(&put.name)?;
            if found.map(|found| found.version) != put.expected {
                return Err(StoreError::Conflict(put.name.clone()));
            }
        }
        change.puts().map(|put| self.put(put)).collect()
    }

    fn names(&self, prefix: &Name) -> Result<Vec<Name>, StoreError> {
        let mut found = Vec::new();
        self.walk(prefix.as_str(), &mut found).map_err(|error| self.failed(error))?;
        found.sort();
        Ok(found)
    }

    fn liveness(&self) -> Liveness<'_> {
        Liveness::Held(self)
    }
}

impl Journals for Local {
    fn start(&self, name: &Name) -> Result<Box<dyn Journal>, StoreError> {
        let failed = |error| self.failed(error);
        let _writing = self.folder.hold(WRITING).map_err(failed)?;
        let folder = self.above_made(name)?;
        let file = format!("{}{JOURNAL}", name.split().0);
        match folder.create(&file, b"", Mode::Private) {
            Ok(()) => {}
            Err(FileError::Exists { .. }) => return Err(StoreError::Conflict(name.clone())),
            Err(error) => return Err(failed(error)),
        }
        let file = folder.append(&file).map_err(failed)?;
        Ok(Box::new(Lines { file, path: self.path.clone() }))
    }

    fn lines(&self, name: &Name) -> Result<Vec<Vec<u8>>, StoreError> {
        let Some(folder) = self.above(name)? else {
            return Ok(Vec::new());
        };
        let file = format!("{}{JOURNAL}", name.split().0);
        let bytes = folder.read_if_there(&file, MAX_JOURNAL).map_err(|error| self.failed(error))?;
        let bytes = bytes.unwrap_or_default();
        let mut lines: Vec<_> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        // What follows the last line feed is nothing, or a line that was cut short.
        lines.pop();
        Ok(lines)
    }
}

impl Holds for Local {
    fn hold(&self, name: &Name) -> Result<Option<Box<dyn Presence>>, StoreError> {
        let failed = |error| self.failed(error);
        let (last, above) = name.split();
        let folder = self.folder.folder_made(&format!("hold/{above}")).map_err(failed)?;
        let Some(hold) = folder.try_hold(last).map_err(failed)? else {
            return Ok(None);
        };
        let _writing = self.folder.hold(WRITING).map_err(failed)?;
        self.sweep(&self.folder).map_err(failed)?;
        Ok(Some(Box::new(Alive { _hold: hold })))
    }
}

/// The digest of a record's bytes. A record that returns to earlier bytes has returned to what
/// they mean, so nothing decided on them is wrong.
fn version(bytes: &[u8]) -> Version {
    Version(Digest::of(bytes).to_string())
}

fn unusable(path: &Path, error: FileError) -> StoreError {
    StoreError::Unusable { place: shown(path), source: Box::new(error) }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[derive(Debug)]
struct Alive {
    _hold: Hold,
}

impl Presence for Alive {}

#[derive(Debug)]
struct Lines {
    file: Append,
    path: PathBuf,
}

impl Lines {
    fn line(line: &[u8]) -> Vec<u8> {
        // One write, so that a reader sees the line feed only with all that stands before it.
        [line, b"\n"].concat()
    }
}

impl Journal for Lines {
    fn push(&mut self, line: &[u8]) -> Result<(), StoreError> {
        self.file.push(&Self::line(line)).map_err(|error| unusable(&self.path, error))
    }

    fn note(&mut self, line: &[u8]) -> Result<(), StoreError> {
        self.file.note(&Self::line(line)).map_err(|error| unusable(&self.path, error))
    }
}
