//! The only way to the program `git`: each run is bounded in time and size, reads no hook of the
//! clone, asks nobody, and changes nothing that was not named. What it says is shown without
//! secrets.
//!
//! Works with git 2.39 and newer.

mod checkout;
mod commit;
mod error;
mod name;
mod object;
mod remote;
mod run;
mod shown;
mod surroundings;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use checkout::{Staged, Within};
pub use commit::{Edit, Made, NewCommit, Person};
pub use error::GitError;
pub use name::{ObjectId, RefName, Remote};
pub use object::{EntryKind, TreeEntry};
pub use remote::{Depth, PushError, Pushed, RefUpdate, Refspec};
pub use shown::redacted;
pub use surroundings::Surroundings;

use run::{Answer, Call};

/// A repository of this machine.
#[derive(Clone, Debug)]
pub struct Repository {
    folder: PathBuf,
    common: PathBuf,
    digits: usize,
    shallow: bool,
    surroundings: Surroundings,
}

impl Repository {
    /// The repository that a folder lies in, or is.
    ///
    /// # Errors
    /// [`GitError`], also if there is none, or it is one that git does not trust.
    pub fn open(folder: &Path, surroundings: Surroundings) -> Result<Self, GitError> {
        let arguments = [
            "rev-parse",
            "--path-format=absolute",
            "--git-common-dir",
            "--show-object-format",
            "--is-shallow-repository",
        ];
        let call = Call::new(format!("git rev-parse in {}", folder.display()), &arguments);
        let answer = call.run(folder, &surroundings)?;
        let what = answer.what.clone();
        let bytes = answer.succeeded()?;
        let strange = || GitError::Answer(what.clone());
        let text = String::from_utf8(bytes).map_err(|_| strange())?;
        let mut lines = text.lines();
        let (common, format, shallow) = (lines.next(), lines.next(), lines.next());
        let common = PathBuf::from(common.ok_or_else(strange)?);
        let digits = match format {
            Some("sha1") => 40,
            Some("sha256") => 64,
            Some(_) | None => return Err(strange()),
        };
        let shallow = shallow == Some("true");
        Ok(Self { folder: folder.to_owned(), common, digits, shallow, surroundings })
    }

    /// The same repository, for work that goes on to its end although somebody asked to stop: what
    /// was begun is written down.
    #[must_use]
    pub fn undisturbed(&self) -> Self {
        let surroundings =
            Surroundings { interrupted: Arc::new(|| false), ..self.surroundings.clone() };
        Self { surroundings, ..self.clone() }
    }

    /// The folder of the repository's own files, which all of its work trees share.
    pub fn common_folder(&self) -> &Path {
        &self.common
    }

    /// Whether a part of its history was cut off when it was opened.
    pub fn is_shallow(&self) -> bool {
        self.shallow
    }

    /// How it is run.
    pub fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    /// The commit that a ref of this repository is at; `None` if there is no such ref.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn resolve(&self, name: &RefName) -> Result<Option<ObjectId>, GitError> {
        self.commit_of(name.as_str())
    }

    /// The commit that is checked out; `None` before the first one.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn head(&self) -> Result<Option<ObjectId>, GitError> {
        self.commit_of("HEAD")
    }

    /// The branch that is checked out; `None` if a commit is without one.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn head_branch(&self) -> Result<Option<RefName>, GitError> {
        let answer =
            self.run(Call::new("git symbolic-ref", &["symbolic-ref", "--quiet", "HEAD"]))?;
        if answer.code == Some(1) {
            return Ok(None);
        }
        let text = answer.succeeded()?;
        String::from_utf8_lossy(&text).trim_end().parse().map(Some)
    }

    fn commit_of(&self, name: &str) -> Result<Option<ObjectId>, GitError> {
        let call =
            Call::new("git rev-parse", &["rev-parse", "--verify", "--quiet", "--end-of-options"]);
        let answer = self.run(call.argument(format!("{name}^{{commit}}")))?;
        if answer.code == Some(1) && answer.stdout.is_empty() {
            return Ok(None);
        }
        // Some versions repeat `--end-of-options`.
        let text = answer.succeeded()?;
        String::from_utf8_lossy(&text).lines().last().unwrap_or_default().parse().map(Some)
    }

    fn run(&self, call: Call) -> Result<Answer, GitError> {
        call.run(&self.folder, &self.surroundings)
    }

    /// The id that names nothing.
    fn zero(&self) -> String {
        "0".repeat(self.digits)
    }
}
