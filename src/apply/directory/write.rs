//! One file: what is there, and the one write that the ledger recorded.

use thiserror::Error;

use super::{at, digest};
use crate::apply::report::Stop;
use crate::document::effect::FileChange;
use crate::document::ident::Digest;
use crate::files::{FileError, Folder, Mode};
use crate::ledger::{Recorded, Written};

/// Why a file was not written as planned.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The record is of another change.
    #[error("the change is not the one that was recorded")]
    Unrecorded,
    /// Nothing was written.
    #[error("nothing was written")]
    Untouched(#[source] FileError),
    /// The system cannot say whether it was written, or whether that will last.
    #[error("whether it was written is not known")]
    Unknown(#[source] FileError),
    /// It was written, and something else is there now.
    #[error("it was written, and then did not read back as written")]
    Differs,
}

/// What is at a path.
#[derive(Debug)]
pub(super) enum Live {
    /// A plain file.
    Present(Digest),
    /// Nothing.
    Absent,
    /// More than either text of the change.
    Large,
    /// A symlink, a folder, or something that cannot be read.
    Unreadable(FileError),
}

impl Live {
    pub(super) fn is(&self, wanted: Option<Digest>) -> bool {
        match self {
            Self::Present(found) => wanted == Some(*found),
            Self::Absent => wanted.is_none(),
            Self::Large | Self::Unreadable(_) => false,
        }
    }

    /// Why an apply stops here.
    pub(super) fn unexpected(self, change: &FileChange) -> Stop {
        let found = match (self, &change.before) {
            (Self::Unreadable(source), _) => return at(&change.path, source),
            (Self::Absent, _) => "it is gone",
            (Self::Present(_) | Self::Large, None) => "it exists, and was to be created",
            (Self::Present(_) | Self::Large, Some(_)) => "it is not what it was when planned",
        };
        Stop::Stale { item: change.path.clone(), found: found.to_owned() }
    }
}

/// Looks at the file of a change.
pub(super) fn live(root: &Folder, change: &FileChange) -> Live {
    let (above, name) = split(&change.path);
    let found = match root.folder(above) {
        Ok(folder) => folder.read_if_there(name, most(change)),
        Err(error) => Err(error),
    };
    match found {
        Ok(Some(bytes)) => Live::Present(Digest::of(&bytes)),
        Ok(None) => Live::Absent,
        Err(FileError::TooLarge { .. }) => Live::Large,
        Err(error) if error.is_absent() => Live::Absent,
        Err(error) => Live::Unreadable(error),
    }
}

/// Makes the one change that was recorded, if the file still is what the change says it was, and
/// reads it back. Without a record, this cannot be called:
///
/// ```compile_fail
/// use countersign::{apply::directory, document::effect::FileChange, files::Folder};
/// fn unrecorded(change: &FileChange, root: &Folder) {
///     let _ = directory::write(change, root);
/// }
/// ```
/// ```compile_fail
/// use countersign::{apply::directory, document::effect::FileChange, files::Folder, ledger};
/// fn twice(recorded: ledger::Recorded, change: &FileChange, root: &Folder) {
///     let _ = directory::write(recorded, change, root);
///     let _ = directory::write(recorded, change, root);
/// }
/// ```
/// ```
/// use countersign::{apply::directory, document::effect::FileChange, files::Folder, ledger};
/// fn once(recorded: ledger::Recorded, change: &FileChange, root: &Folder) {
///     let _ = directory::write(recorded, change, root);
/// }
/// ```
///
/// # Errors
/// [`WriteError`], which says whether the file was touched.
pub fn write(
    recorded: Recorded,
    change: &FileChange,
    root: &Folder,
) -> Result<Written, WriteError> {
    let (before, after) = (digest(&change.before), digest(&change.after));
    let same = (recorded.item(), recorded.before(), recorded.after());
    if same != (change.path.as_str(), before, after) {
        return Err(WriteError::Unrecorded);
    }
    check_path(root, &change.path).map_err(|_| WriteError::Unrecorded)?;
    let (above, name) = split(&change.path);
    let made = match (&change.before, &change.after) {
        (None, Some(text)) => {
            let folder = root.folder_made(above).map_err(WriteError::Untouched)?;
            folder.create(name, text.as_bytes(), Mode::Open)
        }
        (Some(old), new) => {
            let folder = root.folder(above).map_err(WriteError::Untouched)?;
            let expected = |found: &[u8]| found == old.as_bytes();
            match new {
                Some(new) => folder.replace_if(name, new.as_bytes(), most(change), &expected),
                None => folder.remove_if(name, most(change), &expected),
            }
        }
        (None, None) => Ok(()),
    };
    if let Err(error) = made {
        return Err(sort(error, live(root, change).is(before)));
    }
    match live(root, change) {
        found if found.is(after) => Ok(recorded.written()),
        Live::Unreadable(error) => Err(WriteError::Unknown(error)),
        Live::Present(_) | Live::Absent | Live::Large => Err(WriteError::Differs),
    }
}

/// Whether a failed write left the file alone, given whether it reads as before.
fn sort(error: FileError, as_before: bool) -> WriteError {
    match error {
        // Found by looking, before anything was put in place.
        FileError::Surprise { .. }
        | FileError::TooLarge { .. }
        | FileError::Exposed { .. }
        | FileError::Exists { .. }
        | FileError::Changed { .. } => WriteError::Untouched(error),
        FileError::System { .. } if as_before => WriteError::Untouched(error),
        FileError::System { .. } | FileError::Unsynced { .. } => WriteError::Unknown(error),
    }
}

/// Refuses a path that is not one plain name after the other.
pub(super) fn check_path(root: &Folder, path: &str) -> Result<(), Stop> {
    let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
    if path.split('/').all(plain) {
        return Ok(());
    }
    let shown = root.path().join(path.escape_debug().to_string().trim_start_matches('/'));
    let source = FileError::Surprise { path: shown, what: "not a plain path" };
    Err(at(path, source))
}

/// The folder of a path (empty for the root) and the name in it.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// A file with more bytes than this is neither text of the change.
fn most(change: &FileChange) -> u64 {
    let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let longer = length(&change.before).max(length(&change.after));
    u64::try_from(longer).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_unknown_unless_it_is_known_not_to_have_happened() {
        let path = || std::path::PathBuf::from("x");
        let broken = || std::io::Error::other("broken");
        let system = || FileError::System { path: path(), verb: "replaced", source: broken() };
        let unsynced = || FileError::Unsynced { path: path(), source: broken() };
        let changed = || FileError::Changed { path: path() };
        for (error, as_before, unknown) in [
            (system(), true, false),
            (system(), false, true),
            (unsynced(), true, true),
            (unsynced(), false, true),
            (changed(), false, false),
            (FileError::Exists { path: path() }, false, false),
        ] {
            let shown = format!("{error:?}, {as_before}");
            let sorted = sort(error, as_before);
            assert_eq!(matches!(sorted, WriteError::Unknown(_)), unknown, "{shown}");
        }
    }
}
