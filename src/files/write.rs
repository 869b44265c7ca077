//! Writing: a temporary file in the same folder, fsync, rename, fsync of the folder. A crash leaves
//! the old bytes or the new ones, and at most a temporary file that begins with `.countersign-`.

use std::io::Write as _;

use cap_std::fs::{OpenOptions, OpenOptionsExt as _};

use super::read::Folder;
use super::steps::step;
use super::{FileError, surprise};

/// Who may read a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everybody that the umask lets.
    Open,
    /// Its owner alone.
    Private,
}

impl Mode {
    fn bits(self) -> u32 {
        match self {
            Self::Open => 0o666,
            Self::Private => 0o600,
        }
    }
}

impl Folder {
    /// Writes a file that must not exist yet; durable when it returns.
    ///
    /// # Errors
    /// [`FileError::Exists`] if it is there, also as a symlink; else [`FileError::System`].
    pub fn create(&self, name: &str, bytes: &[u8], mode: Mode) -> Result<(), FileError> {
        // Whole or not at all: written under another name first, then linked, which never replaces.
        let temporary = self.write_temporary(name, bytes, mode)?;
        step(&format!("create {name}: link"));
        let linked = self.dir.hard_link(&temporary, &self.dir, name);
        let removed = self.dir.remove_file(&temporary);
        match linked {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(FileError::Exists { path: self.path.join(name) });
            }
            Err(source) => return Err(self.failed(name, "created", source)),
        }
        removed.map_err(|source| self.failed(&temporary, "removed", source))?;
        self.sync(&format!("create {name}"))
    }

    /// Writes a file whole, in place of what is there; durable when it returns. A symlink or device
    /// of that name is refused. The permissions of a file that is replaced stay.
    ///
    /// # Errors
    /// [`FileError`]; the old file is untouched then.
    pub fn replace(&self, name: &str, bytes: &[u8], mode: Mode) -> Result<(), FileError> {
        let kept = match self.dir.symlink_metadata(name) {
            Ok(found) => {
                if let Some(what) = surprise(&found.file_type()) {
                    return Err(FileError::Surprise { path: self.path.join(name), what });
                }
                Some(found.permissions())
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(source) => return Err(self.failed(name, "looked at", source)),
        };
        let temporary = self.write_temporary(name, bytes, mode)?;
        if let Some(kept) = kept {
            let set = self.dir.set_permissions(&temporary, kept);
            set.map_err(|source| self.failed(&temporary, "given its permissions", source))?;
        }
        step(&format!("replace {name}: rename"));
        self.dir
            .rename(&temporary, &self.dir, name)
            .map_err(|source| self.failed(name, "replaced", source))?;
        self.sync(&format!("replace {name}"))
    }

    /// Removes a plain file; durable when it returns.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn remove(&self, name: &str) -> Result<(), FileError> {
        step(&format!("remove {name}"));
        self.dir.remove_file(name).map_err(|source| self.failed(name, "removed", source))?;
        self.sync(&format!("remove {name}"))
    }

    /// Opens a file to append records to, making it if need be.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn append(&self, name: &str) -> Result<Append, FileError> {
        let flags = rustix::fs::OFlags::NOFOLLOW;
        let mut options = OpenOptions::new();
        options
            .append(true)
            .create(true)
            .mode(Mode::Private.bits())
            .custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
        let file = self
            .dir
            .open_with(name, &options)
            .map_err(|source| self.failed(name, "opened", source))?;
        self.sync(&format!("append {name}"))?;
        Ok(Append { file, name: name.to_owned(), path: self.path.join(name) })
    }

    pub(super) fn make(&self, name: &str) -> Result<(), FileError> {
        step(&format!("folder {name}"));
        match self.dir.create_dir(name) {
            Ok(()) => self.sync(&format!("folder {name}")),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(source) => Err(self.failed(name, "made", source)),
        }
    }

    /// A temporary file with these bytes, synced; its name is unique to this process and moment.
    fn write_temporary(&self, name: &str, bytes: &[u8], mode: Mode) -> Result<String, FileError> {
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random)
            .map_err(|error| self.failed(name, "written", std::io::Error::other(error)))?;
        let suffix: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let temporary = format!(".countersign-{suffix}.tmp");
        step(&format!("write {name}: open"));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(mode.bits());
        let written = self.dir.open_with(&temporary, &options).and_then(|mut file| {
            file.write_all(bytes)?;
            step(&format!("write {name}: sync"));
            file.sync_all()
        });
        match written {
            Ok(()) => Ok(temporary),
            Err(source) => {
                // A full disk must not be made fuller by what could not be written.
                let _best_effort = self.dir.remove_file(&temporary);
                Err(self.failed(name, "written", source))
            }
        }
    }

    pub(super) fn sync(&self, name: &str) -> Result<(), FileError> {
        step(&format!("{name}: sync folder"));
        let synced = self.dir.open(".").and_then(|folder| folder.sync_all());
        synced.map_err(|source| self.failed("", "synced", source))?;
        step(&format!("{name}: done"));
        Ok(())
    }

    fn failed(&self, name: &str, verb: &'static str, source: std::io::Error) -> FileError {
        FileError::System { path: self.path.join(name), verb, source }
    }
}

/// A file that only grows, record by record.
#[derive(Debug)]
pub struct Append {
    file: cap_std::fs::File,
    name: String,
    path: std::path::PathBuf,
}

impl Append {
    /// Adds bytes at the end; durable when it returns.
    ///
    /// # Errors
    /// [`FileError::System`]; a part of the bytes may have been written then.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        let name = &self.name;
        step(&format!("append {name}: write"));
        let pushed = self.file.write_all(bytes).and_then(|()| {
            step(&format!("append {name}: sync"));
            self.file.sync_data()
        });
        pushed.map_err(|source| FileError::System {
            path: self.path.clone(),
            verb: "written",
            source,
        })?;
        step(&format!("append {name}: done"));
        Ok(())
    }
}
