//! The user's state folder, outside every checkout and its owner's alone:
//!
//! - `keys/<project>/planner`, `applier`, each with its `.pub`
//! - `masking`, the masking key
//! - `ledgers/<project>/`, local ledgers

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::key_file::{self, KeyFileError};
use crate::document::ident::Label;
use crate::files::{self, FileError, Folder};

/// Why the state folder is not used.
#[derive(Debug, Error)]
pub enum StateError {
    /// It cannot be opened or made, or others may change it.
    #[error("the state folder cannot be used")]
    File(#[source] FileError),
    /// It lies where Git would pick it up.
    #[error("the state folder cannot be used")]
    Place(#[source] KeyFileError),
}

/// An open state folder.
#[derive(Debug)]
pub struct State(Folder);

impl State {
    /// Opens the state folder at `root`, made for its owner alone if it is missing.
    ///
    /// # Errors
    /// [`StateError`], also inside a Git work tree.
    pub fn made(root: &Path) -> Result<Self, StateError> {
        key_file::outside_work_trees(root).map_err(StateError::Place)?;
        files::open_private_folder_made(root).map(Self).map_err(StateError::File)
    }

    /// Opens the state folder at `root`, which must be there.
    ///
    /// # Errors
    /// [`StateError`]; `FileError::is_absent` tells that it is not there.
    pub fn open(root: &Path) -> Result<Self, StateError> {
        key_file::outside_work_trees(root).map_err(StateError::Place)?;
        let folder = files::open_folder(root).map_err(StateError::File)?;
        folder.check_private().map_err(StateError::File)?;
        Ok(Self(folder))
    }

    /// The folder itself, which holds the masking key.
    pub fn folder(&self) -> &Folder {
        &self.0
    }

    /// The folder of a project's machine keys, made if it is missing.
    ///
    /// # Errors
    /// [`StateError::File`].
    pub fn keys_made(&self, project: &Label) -> Result<Folder, StateError> {
        self.made_below("keys", project)
    }

    /// Where the key of a project's machine is (`planner`, `applier`), whether or not it is there.
    pub fn key(&self, project: &Label, machine: &Label) -> PathBuf {
        self.0.path().join("keys").join(project.as_str()).join(machine.as_str())
    }

    /// The folder of a project's local ledger, made if it is missing.
    ///
    /// # Errors
    /// [`StateError::File`].
    pub fn ledger_made(&self, project: &Label) -> Result<Folder, StateError> {
        self.made_below("ledgers", project)
    }

    /// Where a project's local ledger is, whether or not it is there.
    pub fn ledger(&self, project: &Label) -> PathBuf {
        self.0.path().join("ledgers").join(project.as_str())
    }

    fn made_below(&self, kind: &str, project: &Label) -> Result<Folder, StateError> {
        self.0
            .private_folder_made(kind)
            .and_then(|folder| folder.private_folder_made(project.as_str()))
            .map_err(StateError::File)
    }
}
