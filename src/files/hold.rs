//! A file that one open handle holds at a time, in whatever process. The system lets go of it when
//! that process ends, however it ends.

use std::fs::TryLockError;

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt as _};
use cap_std::fs::{OpenOptions, OpenOptionsExt as _};

use super::read::{Folder, not_blocking};
use super::{FileError, plain_name};

/// Keeps every other handle from holding the same file; ends when dropped.
#[derive(Debug)]
pub struct Hold {
    _file: std::fs::File,
}

impl Folder {
    /// Waits until nobody holds the file of this name, then holds it. The file is made if it is
    /// missing, stays afterwards, and is empty.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn hold(&self, name: &str) -> Result<Hold, FileError> {
        let file = self.held_file(name)?;
        file.lock().map_err(|source| self.failed(name, "locked", source))?;
        Ok(Hold { _file: file })
    }

    /// As [`Folder::hold`], without waiting: `None` while somebody holds it.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn try_hold(&self, name: &str) -> Result<Option<Hold>, FileError> {
        let file = self.held_file(name)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Hold { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(self.failed(name, "locked", source)),
        }
    }

    fn held_file(&self, name: &str) -> Result<std::fs::File, FileError> {
        let path = self.path.join(plain_name(&self.path, name)?);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        options.follow(FollowSymlinks::No).custom_flags(not_blocking());
        let failed = |source| self.failed(name, "opened", source);
        let file = self.dir.open_with(name, &options).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(FileError::Surprise { path, what: "not a plain file" });
        }
        Ok(file.into_std())
    }
}
