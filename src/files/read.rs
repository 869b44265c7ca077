//! Opening and reading: one open handle from the first look to the last byte.

use std::io::Read as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use cap_fs_ext::{DirExt as _, FollowSymlinks, OpenOptionsFollowExt as _};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, MetadataExt as _, OpenOptions, OpenOptionsExt as _};

use super::{FileError, plain_name, surprise};

/// An open folder. Names are resolved beneath its handle, whatever happens to its path.
#[derive(Debug)]
pub struct Folder {
    pub(super) dir: Dir,
    /// For messages only.
    pub(super) path: PathBuf,
    /// What temporary files are named by; by chance if empty.
    pub(super) tag: String,
}

/// One entry of a [`Folder`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Whether it is a folder; else it is a plain file.
    pub folder: bool,
}

/// Opens a folder by its path. Symlinks above it are followed, as the user typed them; the folder
/// itself must not be one.
///
/// # Errors
/// [`FileError`].
pub fn open_folder(path: &Path) -> Result<Folder, FileError> {
    let failed = |source| FileError::System { path: path.to_owned(), verb: "opened", source };
    let found = std::fs::symlink_metadata(path).map_err(failed)?;
    let kind = found.file_type();
    if kind.is_symlink() || !kind.is_dir() {
        let what = if kind.is_symlink() { "a symlink" } else { "not a folder" };
        return Err(FileError::Surprise { path: path.to_owned(), what });
    }
    let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(failed)?;
    // What was opened is what was looked at, even if a symlink took its place in between.
    let opened = dir.dir_metadata().map_err(failed)?;
    if (opened.dev(), opened.ino()) != (found.dev(), found.ino()) {
        return Err(FileError::Surprise { path: path.to_owned(), what: "not what it just was" });
    }
    Ok(Folder { dir, path: path.to_owned(), tag: String::new() })
}

/// As [`open_folder`], making the folder, and those above it, where they are missing; each for its
/// owner alone.
///
/// # Errors
/// [`FileError`].
pub fn make_folder(path: &Path) -> Result<Folder, FileError> {
    let failed = |source| FileError::System { path: path.to_owned(), verb: "made", source };
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(failed)?;
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::File::open(parent).and_then(|parent| parent.sync_all()).map_err(failed)?;
    }
    open_folder(path)
}

/// Reads a plain file by its path; `most` bytes at most.
///
/// # Errors
/// [`FileError`].
pub fn read_path(path: &Path, most: u64) -> Result<Vec<u8>, FileError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let name = path.file_name().and_then(|name| name.to_str());
    let Some(name) = name else {
        return Err(FileError::Surprise { path: path.to_owned(), what: "not the name of a file" });
    };
    let parent = parent.unwrap_or(Path::new("."));
    let failed = |source| FileError::System { path: path.to_owned(), verb: "opened", source };
    let dir = Dir::open_ambient_dir(parent, ambient_authority()).map_err(failed)?;
    Folder { dir, path: parent.to_owned(), tag: String::new() }.read(name, most)
}

impl Folder {
    /// The path it was opened by; for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a folder beneath this one by a `/`-separated path, refusing a symlink at every step.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn folder(&self, path: &str) -> Result<Self, FileError> {
        let mut at = self.duplicate()?;
        for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
            let inner = at.path.join(plain_name(&at.path, part)?);
            let failed = |source| FileError::System { path: inner.clone(), verb: "opened", source };
            let kind = at.dir.symlink_metadata(part).map_err(failed)?.file_type();
            if let Some(what) = surprise(&kind) {
                return Err(FileError::Surprise { path: inner, what });
            }
            if !kind.is_dir() {
                return Err(FileError::Surprise { path: inner, what: "not a folder" });
            }
            // Again without following, for a symlink that took its place in between.
            let dir = at.dir.open_dir_nofollow(part).map_err(failed)?;
            at = Self { dir, path: inner, tag: at.tag };
        }
        Ok(at)
    }

    /// As [`Folder::folder`], making what is missing (and its entry durable) on the way.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn folder_made(&self, path: &str) -> Result<Self, FileError> {
        let mut at = self.duplicate()?;
        for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
            if at.kind(part)?.is_none() {
                at.make(part)?;
            }
            at = at.folder(part)?;
        }
        Ok(at)
    }

    /// Reads a plain file of this folder (a plain name, not a path); `most` bytes at most.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read(&self, name: &str, most: u64) -> Result<Vec<u8>, FileError> {
        let (file, found) = self.open_plain(name, most)?;
        let path = self.path.join(name);
        let failed = |source| FileError::System { path: path.clone(), verb: "read", source };
        let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or_default());
        file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
            return Err(FileError::TooLarge { path, most });
        }
        Ok(bytes)
    }

    /// Opens a plain file of this folder that says it has `most` bytes at most.
    pub(super) fn open_plain(
        &self,
        name: &str,
        most: u64,
    ) -> Result<(cap_std::fs::File, cap_std::fs::Metadata), FileError> {
        let path = self.path.join(plain_name(&self.path, name)?);
        let failed = |source| FileError::System { path: path.clone(), verb: "read", source };
        // A link that O_NOFOLLOW refuses gives an error without a name for it; look first.
        let kind = self.dir.symlink_metadata(name).map_err(failed)?.file_type();
        if let Some(what) = surprise(&kind) {
            return Err(FileError::Surprise { path, what });
        }
        let mut options = OpenOptions::new();
        options.read(true).follow(FollowSymlinks::No).custom_flags(not_blocking());
        let file = self.dir.open_with(name, &options).map_err(failed)?;
        let found = file.metadata().map_err(failed)?;
        if !found.is_file() {
            return Err(FileError::Surprise { path, what: "not a plain file" });
        }
        if found.len() > most {
            return Err(FileError::TooLarge { path, most });
        }
        Ok((file, found))
    }

    /// As [`Folder::read`]; `None` if no such file is there.
    ///
    /// # Errors
    /// [`FileError`] for anything else.
    pub fn read_if_there(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>, FileError> {
        match self.read(name, most) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Every entry, sorted by name. Anything but plain files and folders, and a name that is not
    /// UTF-8, is an error.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn entries(&self) -> Result<Vec<Entry>, FileError> {
        let failed = |source| FileError::System { path: self.path.clone(), verb: "listed", source };
        let mut found = Vec::new();
        for entry in self.dir.entries().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let path = self.path.join(&name);
            let kind = entry.file_type().map_err(failed)?;
            if let Some(what) = surprise(&kind) {
                return Err(FileError::Surprise { path, what });
            }
            let Some(name) = name.to_str() else {
                return Err(FileError::Surprise { path, what: "a name that is not UTF-8" });
            };
            found.push(Entry { name: name.to_owned(), folder: kind.is_dir() });
        }
        found.sort();
        Ok(found)
    }

    /// Whether an entry is there: `Some(true)` for a folder, `Some(false)` for a plain file.
    ///
    /// # Errors
    /// [`FileError`], also for a symlink or device.
    pub fn kind(&self, name: &str) -> Result<Option<bool>, FileError> {
        let path = self.path.join(plain_name(&self.path, name)?);
        let kind = match self.dir.symlink_metadata(name) {
            Ok(found) => found.file_type(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(FileError::System { path, verb: "looked at", source }),
        };
        match surprise(&kind) {
            Some(what) => Err(FileError::Surprise { path, what }),
            None => Ok(Some(kind.is_dir())),
        }
    }

    pub(super) fn duplicate(&self) -> Result<Self, FileError> {
        let failed = |source| FileError::System { path: self.path.clone(), verb: "opened", source };
        let dir = self.dir.try_clone().map_err(failed)?;
        Ok(Self { dir, path: self.path.clone(), tag: self.tag.clone() })
    }
}

/// The flag that keeps the opening of a pipe from waiting for its other end.
pub(super) fn not_blocking() -> i32 {
    i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default()
}
