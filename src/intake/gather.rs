//! What the command line names becomes bytes, never more of them than the limit. A folder is read
//! with its folders, in the order of its paths.

use std::io::Read;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::Source;
use crate::config::Limits;
use crate::files::{self, FileError, Folder};
use crate::manifest::object;

/// What `-f` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// `-`.
    Standard,
    /// A file, or a folder of manifests.
    Path(PathBuf),
}

impl From<&str> for Input {
    fn from(text: &str) -> Self {
        if text == "-" { Self::Standard } else { Self::Path(text.into()) }
    }
}

/// Why the input cannot be read.
#[derive(Debug, Error)]
pub enum GatherError {
    /// A file or folder is missing, too large, or not a plain file or folder.
    #[error("the input cannot be read")]
    Files(#[from] FileError),
    /// Standard input failed.
    #[error("standard input cannot be read")]
    Standard(#[source] std::io::Error),
    /// More bytes than are read of one input.
    #[error("the input is larger than {most} bytes, the most that is read (`max-bytes`)")]
    TooLarge {
        /// The limit, in bytes.
        most: usize,
    },
    /// A folder without a manifest.
    #[error("{path} holds no manifest (.yaml, .yml or .json)", path = .path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// Folders in folders without end.
    #[error("{path} is nested deeper than folders are read", path = .path.display())]
    Depth {
        /// The folder.
        path: PathBuf,
    },
    /// `-` twice.
    #[error("standard input is named twice")]
    Twice,
}

/// Reads everything that was named, in the order named.
///
/// # Errors
/// [`GatherError`].
pub fn gather(
    inputs: &[Input],
    standard: &mut dyn Read,
    limits: &Limits,
) -> Result<Vec<Source>, GatherError> {
    if inputs.iter().filter(|input| **input == Input::Standard).count() > 1 {
        return Err(GatherError::Twice);
    }
    let mut gathered = Gathered { sources: Vec::new(), left: limits.max_bytes, limits };
    for input in inputs {
        match input {
            Input::Standard => gathered.standard(standard)?,
            Input::Path(path) => match files::open_folder(path) {
                Ok(root) => gathered.folder(path, &root)?,
                // Not a folder: a file, or what `read_path` refuses by name.
                Err(FileError::Surprise { .. }) => {
                    let bytes = gathered.within(files::read_path(path, gathered.left()))?;
                    gathered.push(path.display().to_string(), bytes);
                }
                Err(error) => return Err(error.into()),
            },
        }
    }
    Ok(gathered.sources)
}

struct Gathered<'l> {
    sources: Vec<Source>,
    left: usize,
    limits: &'l Limits,
}

impl Gathered<'_> {
    fn left(&self) -> u64 {
        u64::try_from(self.left).unwrap_or(u64::MAX)
    }

    /// A file beyond what is left is one input beyond the whole limit.
    fn within(&self, read: Result<Vec<u8>, FileError>) -> Result<Vec<u8>, GatherError> {
        match read {
            Ok(bytes) => Ok(bytes),
            Err(FileError::TooLarge { .. }) => {
                Err(GatherError::TooLarge { most: self.limits.max_bytes })
            }
            Err(error) => Err(error.into()),
        }
    }

    fn push(&mut self, name: String, bytes: Vec<u8>) {
        self.left = self.left.saturating_sub(bytes.len());
        self.sources.push(Source { name, bytes });
    }

    fn standard(&mut self, standard: &mut dyn Read) -> Result<(), GatherError> {
        let mut bytes = Vec::new();
        let most = self.left().saturating_add(1);
        standard.take(most).read_to_end(&mut bytes).map_err(GatherError::Standard)?;
        if bytes.len() > self.left {
            return Err(GatherError::TooLarge { most: self.limits.max_bytes });
        }
        self.push("-".to_owned(), bytes);
        Ok(())
    }

    fn folder(&mut self, path: &Path, root: &Folder) -> Result<(), GatherError> {
        let mut found = Vec::new();
        names(root, "", 0, self.limits.max_depth, &mut found)?;
        if found.is_empty() {
            return Err(GatherError::Empty { path: path.to_owned() });
        }
        // Of whole paths, so that the order does not depend on how folders are walked.
        found.sort();
        for name in found {
            let (inner, file) = name.rsplit_once('/').unwrap_or(("", &name));
            let bytes = self.within(root.folder(inner)?.read(file, self.left()))?;
            self.push(path.join(&name).display().to_string(), bytes);
        }
        Ok(())
    }
}

fn names(
    folder: &Folder,
    prefix: &str,
    depth: usize,
    most: usize,
    found: &mut Vec<String>,
) -> Result<(), GatherError> {
    if depth > most {
        return Err(GatherError::Depth { path: folder.path().to_owned() });
    }
    for entry in folder.entries()? {
        if entry.name.starts_with('.') {
            continue;
        }
        let name = format!("{prefix}{}", entry.name);
        if entry.folder {
            let inner = folder.folder(&entry.name)?;
            names(&inner, &format!("{name}/"), depth + 1, most, found)?;
        } else if object::is_manifest_name(&entry.name)
            || object::is_kustomization_name(&entry.name)
        {
            found.push(name);
        }
    }
    Ok(())
}
