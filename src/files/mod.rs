//! Files without surprises: a name is opened once, never through a symlink, as a plain file of
//! bounded size; what is written is whole and durable, or not there. Every room that touches a
//! disk does it here.
//!
//! Each durable step is announced to [`steps`], so that tests can stop a process at any of them.

mod hold;
mod private;
mod read;
pub mod steps;
mod write;

use std::path::{Path, PathBuf};

use cap_std::fs::FileType;
use thiserror::Error;

pub use hold::Hold;
pub use private::{
    check_socket, git_work_tree_above, names, open_private_folder_made, read_private_path,
};
pub use read::{Entry, Folder, make_folder, open_folder, read_path};
pub use write::{Append, Mode};

/// Why a file or folder could not be used.
#[derive(Debug, Error)]
pub enum FileError {
    /// The system refused.
    #[error("{path} cannot be {verb}", path = .path.display())]
    System {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: `opened`, `read`, `written`, `removed` ...
        verb: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// Something that is neither a plain file nor a folder, or a file where a folder is wanted.
    #[error("{path} is {what}; only plain files and folders are used", path = .path.display())]
    Surprise {
        /// The file or folder.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// More bytes than are read.
    #[error("{path} is larger than {most} bytes, the most that is read", path = .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit, in bytes.
        most: u64,
    },
    /// Others could read or change it, or it is not this user's.
    #[error("{path} {what}", path = .path.display())]
    Exposed {
        /// The file, folder or socket.
        path: PathBuf,
        /// What is wrong with it, and what mends it.
        what: &'static str,
    },
    /// It is there already, and is never overwritten.
    #[error("{path} exists already and is not overwritten", path = .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// It no longer holds what it held when it was looked at; it was left alone.
    #[error("{path} was changed by somebody else meanwhile, and is left as it is", path = .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The change was made, and the system cannot say whether it would outlive a loss of power.
    #[error("{path} was changed, and the change may not be durable", path = .path.display())]
    Unsynced {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl FileError {
    /// Whether the file or folder is simply not there.
    pub fn is_absent(&self) -> bool {
        match self {
            Self::System { source, .. } => source.kind() == std::io::ErrorKind::NotFound,
            Self::Surprise { .. }
            | Self::TooLarge { .. }
            | Self::Exposed { .. }
            | Self::Exists { .. }
            | Self::Changed { .. }
            | Self::Unsynced { .. } => false,
        }
    }
}

/// The name of one entry: it never leads into another folder, wherever a symlink may point.
fn plain_name<'a>(folder: &Path, name: &'a str) -> Result<&'a str, FileError> {
    let plain = !matches!(name, "" | "." | "..") && !name.contains(['/', '\0']);
    if plain {
        return Ok(name);
    }
    // Escaped, because a message must not carry a NUL or a line break of somebody else's.
    let path = folder.join(name.escape_debug().to_string().trim_start_matches('/'));
    Err(FileError::Surprise { path, what: "not a plain name" })
}

fn surprise(kind: &FileType) -> Option<&'static str> {
    if kind.is_symlink() {
        Some("a symlink")
    } else if kind.is_dir() || kind.is_file() {
        None
    } else {
        Some("a device, pipe or socket")
    }
}
