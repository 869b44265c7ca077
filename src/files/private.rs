//! Files and folders that are their owner's alone: who may read or change them is looked at on the
//! open handle, before a byte of them is used.

use std::io::Read as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use cap_std::fs::{DirBuilder, DirBuilderExt as _, MetadataExt as _};
use zeroize::Zeroizing;

use super::read::Folder;
use super::{FileError, open_folder};

impl Folder {
    /// Reads a plain file that belongs to this user and that nobody else may read or change (as
    /// `ssh` asks of a private key); `most` bytes at most. The bytes are wiped when dropped.
    ///
    /// # Errors
    /// [`FileError::Exposed`] for another owner or wider permissions; else as [`Folder::read`].
    pub fn read_private(&self, name: &str, most: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
        let (file, found) = self.open_plain(name, most)?;
        let path = self.path.join(name);
        owned(&path, found.uid())?;
        if found.mode() & 0o077 != 0 {
            return Err(exposed(&path, "may be read or changed by others; run chmod 600 on it"));
        }
        // Room for all of it at once: a vector that grows leaves copies behind.
        let room = usize::try_from(most.saturating_add(1)).unwrap_or_default();
        let mut bytes = Zeroizing::new(Vec::with_capacity(room));
        let failed = |source| FileError::System { path: path.clone(), verb: "read", source };
        file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
            return Err(FileError::TooLarge { path, most });
        }
        Ok(bytes)
    }

    /// Opens a folder beneath this one (a plain name), made for its owner alone if it is missing.
    ///
    /// # Errors
    /// [`FileError::Exposed`] if it belongs to another user, or others may change it.
    pub fn private_folder_made(&self, name: &str) -> Result<Self, FileError> {
        if self.kind(name)?.is_none() {
            let mut builder = DirBuilder::new();
            builder.mode(0o700);
            let made = self.dir.create_dir_with(name, &builder);
            let path = self.path.join(name);
            match made {
                Err(source) if source.kind() != std::io::ErrorKind::AlreadyExists => {
                    return Err(FileError::System { path, verb: "made", source });
                }
                Ok(()) | Err(_) => self.sync(name, &format!("folder {name}"))?,
            }
        }
        let folder = self.folder(name)?;
        folder.check_private()?;
        Ok(folder)
    }

    /// Whether this folder belongs to this user, and nobody else may change what is in it.
    ///
    /// # Errors
    /// [`FileError::Exposed`] if not.
    pub fn check_private(&self) -> Result<(), FileError> {
        let failed =
            |source| FileError::System { path: self.path.clone(), verb: "looked at", source };
        let found = self.dir.dir_metadata().map_err(failed)?;
        owned(&self.path, found.uid())?;
        if found.mode() & 0o022 != 0 {
            return Err(exposed(&self.path, "may be changed by others; run chmod go-w on it"));
        }
        Ok(())
    }
}

/// Reads a private file by its path: [`Folder::read_private`]. Symlinks above it are followed; the
/// file itself must not be one.
///
/// # Errors
/// [`FileError`].
pub fn read_private_path(path: &Path, most: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let (folder, name) = parent(path)?;
    open_ambient(folder)?.read_private(name, most)
}

/// Opens a private folder by its path, made for its owner alone (with what is missing above it) if
/// it is not there.
///
/// # Errors
/// [`FileError`].
pub fn open_private_folder_made(path: &Path) -> Result<Folder, FileError> {
    let (above, name) = parent(path)?;
    let above = match std::fs::symlink_metadata(above) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            open_private_folder_made(above)?
        }
        Ok(_) | Err(_) => open_ambient(above)?,
    };
    above.private_folder_made(name)
}

/// The names in a folder that others fill as they like, sorted. What they are is not looked at, and
/// names that are not UTF-8 are left out: whoever opens one of them looks then.
///
/// # Errors
/// [`FileError`].
pub fn names(path: &Path) -> Result<Vec<String>, FileError> {
    let failed = |source| FileError::System { path: path.to_owned(), verb: "listed", source };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        names.extend(entry.map_err(failed)?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// The nearest folder at or above `path` that is a Git work tree; `path` need not exist. Symlinks
/// on the way are resolved first, so that none hides one.
///
/// # Errors
/// [`FileError::System`] if what is there cannot be looked at.
pub fn git_work_tree_above(path: &Path) -> Result<Option<PathBuf>, FileError> {
    let failed = |source| FileError::System { path: path.to_owned(), verb: "looked at", source };
    let absolute = std::path::absolute(path).map_err(failed)?;
    let mut existing = absolute.as_path();
    let resolved = loop {
        match std::fs::canonicalize(existing) {
            Ok(resolved) => break resolved,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                existing = existing.parent().ok_or(error).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
    };
    for folder in resolved.ancestors() {
        match std::fs::symlink_metadata(folder.join(".git")) {
            Ok(_) => return Ok(Some(folder.to_owned())),
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(None)
}

/// Whether `path` is a socket of this user or of root, in a folder where nobody else can put
/// another in its place. A symlink to one is followed, as sessions that are resumed use them.
///
/// # Errors
/// [`FileError`].
pub fn check_socket(path: &Path) -> Result<(), FileError> {
    let failed = |source| FileError::System { path: path.to_owned(), verb: "looked at", source };
    let resolved = std::fs::canonicalize(path).map_err(failed)?;
    let found = std::fs::symlink_metadata(&resolved).map_err(failed)?;
    if !found.file_type().is_socket() {
        return Err(exposed(&resolved, "is not a socket"));
    }
    if found.uid() != 0 {
        owned(&resolved, found.uid())?;
    }
    let above = resolved.parent().unwrap_or(Path::new("/"));
    let around = std::fs::symlink_metadata(above).map_err(failed)?;
    // The sticky bit keeps others from renaming and removing what is not theirs.
    if around.mode() & 0o022 != 0 && around.mode() & 0o1000 == 0 {
        return Err(exposed(above, "may be changed by others, and a socket is in it"));
    }
    Ok(())
}

fn owned(path: &Path, owner: u32) -> Result<(), FileError> {
    if owner == rustix::process::geteuid().as_raw() {
        Ok(())
    } else {
        Err(exposed(path, "belongs to another user"))
    }
}

fn exposed(path: &Path, what: &'static str) -> FileError {
    FileError::Exposed { path: path.to_owned(), what }
}

fn parent(path: &Path) -> Result<(&Path, &str), FileError> {
    let name = path.file_name().and_then(|name| name.to_str());
    let Some(name) = name else {
        return Err(FileError::Surprise { path: path.to_owned(), what: "not a plain name" });
    };
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    Ok((above.unwrap_or(Path::new(".")), name))
}

/// As [`open_folder`], through a symlink if the path is one: it is what the user named.
fn open_ambient(path: &Path) -> Result<Folder, FileError> {
    let failed = |source| FileError::System { path: path.to_owned(), verb: "opened", source };
    open_folder(&std::fs::canonicalize(path).map_err(failed)?)
}
