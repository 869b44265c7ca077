//! The checkout of a repository: where a folder lies in it, and how it follows when its branch got a
//! commit from elsewhere. Files are never touched; of the index only what is named.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Repository;
use super::error::GitError;
use super::name::{ObjectId, RefName, Remote, check_path};
use super::object::EntryKind;
use super::run::Call;
use super::surroundings::Surroundings;

/// Where a folder lies in a work tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Within {
    /// The uppermost folder of the work tree.
    pub top: PathBuf,
    /// The way from there, each part followed by `/`; empty for the uppermost folder itself.
    pub prefix: String,
}

/// What the index is to say of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    /// From the top of the tree.
    pub path: String,
    /// Its blob, and whether it can be run; `None` if it is gone.
    pub blob: Option<(ObjectId, bool)>,
}

impl Within {
    /// Where a folder lies; `None` if it is in no work tree.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn of(folder: &Path, surroundings: &Surroundings) -> Result<Option<Self>, GitError> {
        let arguments = ["rev-parse", "--is-inside-work-tree", "--show-toplevel", "--show-prefix"];
        let call = Call::new(format!("git rev-parse in {}", folder.display()), &arguments);
        let answer = call.run(folder, surroundings)?;
        if answer.code != Some(0) && (answer.stdout.is_empty() || answer.stdout == b"false\n") {
            let nowhere = |line: &String| {
                line.contains("not a git repository") || line.contains("must be run in a work tree")
            };
            return match answer.words.iter().any(nowhere) {
                true => Ok(None),
                false => Err(answer.failure()),
            };
        }
        let what = answer.what.clone();
        let text = String::from_utf8(answer.succeeded()?);
        let strange = || GitError::Answer(what.clone());
        let text = text.map_err(|_| strange())?;
        match text.split('\n').collect::<Vec<_>>().as_slice() {
            ["true", top, prefix, ""] => {
                Ok(Some(Self { top: PathBuf::from(top), prefix: (*prefix).to_owned() }))
            }
            // A line feed in the name of a folder is among what is not understood.
            _ => Err(strange()),
        }
    }
}

impl Repository {
    /// The commit that a ref of a remote is at; `None` if there is no such ref.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn remote_ref(
        &self,
        remote: &Remote,
        name: &RefName,
    ) -> Result<Option<ObjectId>, GitError> {
        let call = Call::new(format!("git ls-remote {remote}"), &["ls-remote", "--quiet", "--"]);
        let answer = self.run(call.argument(remote.as_str()).argument(name.as_str()))?;
        let text = answer.succeeded()?;
        // The pattern also matches longer names that end like it.
        let text = String::from_utf8_lossy(&text);
        let exact = text.lines().filter_map(|line| line.split_once('\t'));
        let found = exact.filter(|(_, found)| *found == name.as_str()).map(|(id, _)| id).next();
        found.map(str::parse).transpose()
    }

    /// Settings of the configuration, by name in small letters; those that are not set are left out.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn settings(&self, names: &[&str]) -> Result<BTreeMap<String, String>, GitError> {
        let answer = self.run(Call::new("git config", &["config", "--list", "-z"]))?;
        let text = answer.succeeded()?;
        let text = String::from_utf8_lossy(&text);
        let entries = text.split('\0').filter_map(|entry| {
            // A name without a value is a yes.
            let (name, value) = entry.split_once('\n').unwrap_or((entry, "true"));
            names.contains(&name).then(|| (name.to_owned(), value.to_owned()))
        });
        // Of several, the last one counts.
        Ok(entries.collect())
    }

    /// The attributes of files, by path: name and value of each that is set or unset. Paths are
    /// from the folder that the repository was opened at.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn attributes(
        &self,
        paths: &[&str],
    ) -> Result<BTreeMap<String, BTreeMap<String, String>>, GitError> {
        let mut asked = Vec::new();
        for path in paths {
            check_path(path)?;
            asked.extend_from_slice(path.as_bytes());
            asked.push(0);
        }
        if asked.is_empty() {
            return Ok(BTreeMap::new());
        }
        let call = Call::new("git check-attr", &["check-attr", "-z", "--stdin", "-a"]);
        let answer = self.run(call.stdin(asked))?;
        let what = answer.what.clone();
        let text = answer.succeeded()?;
        let text = String::from_utf8_lossy(&text);
        let mut found: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let mut parts = text.split_terminator('\0');
        while let Some(path) = parts.next() {
            let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
                return Err(GitError::Answer(what));
            };
            let of_path = found.entry(path.to_owned()).or_default();
            of_path.insert(name.to_owned(), value.to_owned());
        }
        Ok(found)
    }

    /// Files beneath a path whose entries in the index are not those of a commit, sorted.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn staged(&self, commit: &ObjectId, beneath: &str) -> Result<Vec<String>, GitError> {
        check_path(beneath)?;
        let arguments = [
            "--literal-pathspecs",
            "diff-index",
            "--cached",
            "--name-only",
            "--no-renames",
            "--no-ext-diff",
            "-z",
        ];
        let call = Call::new("git diff-index", &arguments);
        let answer = self.run(call.argument(commit.as_str()).argument("--").argument(beneath))?;
        let bytes = answer.succeeded()?;
        let paths = bytes.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        Ok(paths.map(|path| String::from_utf8_lossy(path).into_owned()).collect())
    }

    /// Lets the index say of these files what is given, and leaves the rest of it as it is.
    ///
    /// # Errors
    /// [`GitError`]; the index is as it was then.
    pub fn stage(&self, files: &[Staged]) -> Result<(), GitError> {
        let mut lines = Vec::new();
        for Staged { path, blob } in files {
            check_path(path)?;
            let line = match blob {
                Some((id, true)) => format!("100755 {id}\t{path}\0"),
                Some((id, false)) => format!("100644 {id}\t{path}\0"),
                None => format!("0 {}\t{path}\0", self.zero()),
            };
            lines.extend_from_slice(line.as_bytes());
        }
        let call = Call::new("git update-index", &["update-index", "-z", "--index-info"]);
        self.run(call.stdin(lines))?.succeeded().map(|_| ())
    }

    /// Moves what is checked out from one commit to another: the branch, or `HEAD` itself where no
    /// branch is checked out. Index and files stay as they are.
    ///
    /// # Errors
    /// [`GitError`], also if it is not at `from`.
    pub fn move_head(
        &self,
        branch: Option<&RefName>,
        from: &ObjectId,
        to: &ObjectId,
        why: &str,
    ) -> Result<(), GitError> {
        let name = branch.map_or("HEAD", RefName::as_str);
        let call = Call::new(format!("git update-ref {name}"), &["update-ref", "--no-deref", "-m"]);
        let call = call.argument(why).argument("--");
        self.run(call.argument(name).argument(to.as_str()).argument(from.as_str()))?
            .succeeded()
            .map(|_| ())
    }
}

impl EntryKind {
    /// Whether it is a file.
    pub fn is_file(self) -> bool {
        match self {
            Self::File | Self::Executable => true,
            Self::Symlink | Self::Submodule => false,
        }
    }
}
