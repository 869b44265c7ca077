//! Writing: a temporary file in the same folder, fsync, rename, fsync of the folder. A crash leaves
//! the old bytes or the new ones, and at most a temporary file that begins with `.countersign-`.

use std::io::Write as _;

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt as _};
use cap_std::fs::{OpenOptions, OpenOptionsExt as _, Permissions};

use super::read::{Folder, not_blocking};
use super::steps::step;
use super::{FileError, plain_name, surprise};

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

/// Whether the bytes of a file are those that were expected.
type Expect<'a> = &'a dyn Fn(&[u8]) -> bool;

impl Folder {
    /// Writes a file that must not exist yet; durable when it returns.
    ///
    /// # Errors
    /// [`FileError::Exists`] if it is there, also as a symlink; [`FileError::Unsynced`] if it was
    /// written and may not be durable; else [`FileError::System`], and nothing was written.
    pub fn create(&self, name: &str, bytes: &[u8], mode: Mode) -> Result<(), FileError> {
        // Whole or not at all: written under another name first, then linked, which never replaces.
        let temporary = self.write_temporary(name, bytes, mode, None)?;
        step(&format!("create {name}: link"));
        let linked = self.dir.hard_link(&temporary.name, &self.dir, name);
        step(&format!("create {name}: remove temporary"));
        drop(temporary);
        match linked {
            Ok(()) => self.sync(name, &format!("create {name}")),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                Err(FileError::Exists { path: self.path.join(name) })
            }
            Err(source) => Err(self.failed(name, "created", source)),
        }
    }

    /// Writes a file whole, in place of what is there; durable when it returns. A symlink or device
    /// of that name is refused. The permissions of a file that is replaced stay.
    ///
    /// # Errors
    /// [`FileError`]; the old file is untouched then, except for [`FileError::Unsynced`].
    pub fn replace(&self, name: &str, bytes: &[u8], mode: Mode) -> Result<(), FileError> {
        let temporary = self.write_temporary(name, bytes, mode, self.permissions(name)?)?;
        self.rename(temporary, name)
    }

    /// As [`Folder::replace`], for a file that must be there and hold what is expected: looked at
    /// before anything is written, and once more directly before the new bytes take its place.
    ///
    /// # Errors
    /// [`FileError::Changed`] if it does not; else as [`Folder::replace`].
    pub fn replace_if(
        &self,
        name: &str,
        bytes: &[u8],
        most: u64,
        expect: Expect<'_>,
    ) -> Result<(), FileError> {
        self.check(name, most, expect)?;
        let kept = self.permissions(name)?;
        let temporary = self.write_temporary(name, bytes, Mode::Open, kept)?;
        self.check(name, most, expect)?;
        self.rename(temporary, name)
    }

    /// Removes a plain file; durable when it returns.
    ///
    /// # Errors
    /// [`FileError`]; the file is untouched then, except for [`FileError::Unsynced`].
    pub fn remove(&self, name: &str) -> Result<(), FileError> {
        if self.kind(name)? == Some(true) {
            let path = self.path.join(name);
            return Err(FileError::Surprise { path, what: "a folder" });
        }
        step(&format!("remove {name}"));
        self.dir.remove_file(name).map_err(|source| self.failed(name, "removed", source))?;
        self.sync(name, &format!("remove {name}"))
    }

    /// As [`Folder::remove`], for a file that must hold what is expected.
    ///
    /// # Errors
    /// [`FileError::Changed`] if it does not; else as [`Folder::remove`].
    pub fn remove_if(&self, name: &str, most: u64, expect: Expect<'_>) -> Result<(), FileError> {
        self.check(name, most, expect)?;
        self.remove(name)
    }

    /// This folder, whose temporary files are named by `tag` from now on, and those of the folders
    /// opened from it. Whoever knows the tag can find them after a crash.
    ///
    /// # Errors
    /// [`FileError`] if the handle cannot be duplicated.
    pub fn tagged(&self, tag: &str) -> Result<Self, FileError> {
        let Self { dir, path, tag: _ } = self.duplicate()?;
        Ok(Self { dir, path, tag: tag.to_owned() })
    }

    /// Removes the temporary file that a process with this tag left here, if there is one.
    ///
    /// # Errors
    /// [`FileError`], also for anything but a plain file under that name.
    pub fn remove_temporary(&self, tag: &str) -> Result<(), FileError> {
        let name = temporary_name(tag);
        match self.kind(&name)? {
            Some(_) => self.remove(&name),
            None => Ok(()),
        }
    }

    /// Removes every temporary file of this folder, whoever made it: for a folder in which nobody
    /// else can be writing.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn remove_temporaries(&self) -> Result<(), FileError> {
        for entry in self.entries()? {
            let tag = entry.name.strip_prefix(PREFIX).and_then(|name| name.strip_suffix(SUFFIX));
            if tag.is_some() && !entry.folder {
                self.remove(&entry.name)?;
            }
        }
        Ok(())
    }

    /// Makes the entries of this folder durable, whoever changed them.
    ///
    /// # Errors
    /// [`FileError::Unsynced`].
    pub fn settle(&self) -> Result<(), FileError> {
        self.sync("", "settle")
    }

    /// Opens a file to append records to, making it if need be.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn append(&self, name: &str) -> Result<Append, FileError> {
        let path = self.path.join(plain_name(&self.path, name)?);
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(Mode::Private.bits());
        options.follow(FollowSymlinks::No).custom_flags(not_blocking());
        let failed = |source| self.failed(name, "opened", source);
        step(&format!("append {name}: open"));
        let file = self.dir.open_with(name, &options).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(FileError::Surprise { path, what: "not a plain file" });
        }
        self.sync(name, &format!("append {name}"))?;
        Ok(Append { file, name: name.to_owned(), path })
    }

    pub(super) fn make(&self, name: &str) -> Result<(), FileError> {
        step(&format!("folder {name}"));
        match self.dir.create_dir(name) {
            Ok(()) => self.sync(name, &format!("folder {name}")),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(source) => Err(self.failed(name, "made", source)),
        }
    }

    /// The permissions of the plain file of this name; `None` if nothing is there.
    fn permissions(&self, name: &str) -> Result<Option<Permissions>, FileError> {
        let path = self.path.join(plain_name(&self.path, name)?);
        match self.dir.symlink_metadata(name) {
            Ok(found) => match surprise(&found.file_type()) {
                Some(what) => Err(FileError::Surprise { path, what }),
                None if found.is_dir() => Err(FileError::Surprise { path, what: "a folder" }),
                None => Ok(Some(found.permissions())),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(self.failed(name, "looked at", source)),
        }
    }

    fn check(&self, name: &str, most: u64, expect: Expect<'_>) -> Result<(), FileError> {
        let changed = || FileError::Changed { path: self.path.join(name) };
        match self.read(name, most) {
            Ok(bytes) if expect(&bytes) => Ok(()),
            Ok(_) | Err(FileError::TooLarge { .. }) => Err(changed()),
            Err(error) if error.is_absent() => Err(changed()),
            Err(error) => Err(error),
        }
    }

    fn rename(&self, temporary: Temporary<'_>, name: &str) -> Result<(), FileError> {
        step(&format!("replace {name}: rename"));
        self.dir
            .rename(&temporary.name, &self.dir, name)
            .map_err(|source| self.failed(name, "replaced", source))?;
        temporary.renamed();
        self.sync(name, &format!("replace {name}"))
    }

    /// A temporary file with these bytes, synced, removed again unless it is renamed.
    fn write_temporary(
        &self,
        name: &str,
        bytes: &[u8],
        mode: Mode,
        kept: Option<Permissions>,
    ) -> Result<Temporary<'_>, FileError> {
        plain_name(&self.path, name)?;
        let failed = |source| self.failed(name, "written", source);
        let tag = if self.tag.is_empty() {
            let mut random = [0_u8; 8];
            getrandom::fill(&mut random).map_err(|error| failed(std::io::Error::other(error)))?;
            random.iter().map(|byte| format!("{byte:02x}")).collect()
        } else {
            self.tag.clone()
        };
        let temporary = temporary_name(&tag);
        step(&format!("write {name}: open"));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(mode.bits());
        let mut file = self.dir.open_with(&temporary, &options).map_err(failed)?;
        // From here on it is removed on every way out: a full disk must not be made fuller.
        let temporary = Temporary { folder: self, name: temporary };
        step(&format!("write {name}: write"));
        file.write_all(bytes).map_err(failed)?;
        if let Some(kept) = kept {
            file.set_permissions(kept).map_err(failed)?;
        }
        step(&format!("write {name}: sync"));
        file.sync_all().map_err(failed)?;
        Ok(temporary)
    }

    /// Makes the entries durable after a change of `name`.
    pub(super) fn sync(&self, name: &str, what: &str) -> Result<(), FileError> {
        step(&format!("{what}: sync folder"));
        let synced = self.dir.open(".").and_then(|folder| folder.sync_all());
        synced.map_err(|source| FileError::Unsynced { path: self.path.join(name), source })?;
        step(&format!("{what}: done"));
        Ok(())
    }

    pub(super) fn failed(
        &self,
        name: &str,
        verb: &'static str,
        source: std::io::Error,
    ) -> FileError {
        FileError::System { path: self.path.join(name), verb, source }
    }
}

const PREFIX: &str = ".countersign-";
const SUFFIX: &str = ".tmp";

fn temporary_name(tag: &str) -> String {
    format!("{PREFIX}{tag}{SUFFIX}")
}

/// A temporary file, which goes when this does.
struct Temporary<'a> {
    folder: &'a Folder,
    name: String,
}

impl Temporary<'_> {
    /// It has another name now.
    fn renamed(mut self) {
        self.name.clear();
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            // Best effort: a leftover is never read, and the error that led here says more.
            let _leftover_is_harmless = self.folder.dir.remove_file(&self.name);
        }
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
    /// Adds bytes at the end; durable when it returns, and with it everything noted before.
    ///
    /// # Errors
    /// [`FileError::System`]; a part of the bytes may have been written then.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.note(bytes)?;
        step(&format!("append {}: sync", self.name));
        self.file.sync_data().map_err(|source| self.failed(source))?;
        step(&format!("append {}: done", self.name));
        Ok(())
    }

    /// Adds bytes at the end, which become durable with the next [`Append::push`].
    ///
    /// # Errors
    /// As [`Append::push`].
    pub fn note(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        step(&format!("append {}: write", self.name));
        self.file.write_all(bytes).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: std::io::Error) -> FileError {
        FileError::System { path: self.path.clone(), verb: "written", source }
    }
}
