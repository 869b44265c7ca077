//! Making a commit: whole, in the object store of the repository, without a touch of anybody's
//! index, work tree or branches. Its objects are no part of any branch until a push makes them so.

use super::Repository;
use super::error::GitError;
use super::name::{ObjectId, check_path};
use super::run::Call;

/// A commit to be made.
#[derive(Clone, Debug)]
pub struct NewCommit<'c> {
    /// The commit that it follows; `None` for the first of a history, whose tree begins empty.
    pub parent: Option<&'c ObjectId>,
    /// How its tree differs from that of its parent. No path stands here twice.
    pub edits: Vec<Edit>,
    /// Who made it.
    pub author: Person,
    /// A line, and perhaps more after an empty one.
    pub message: String,
}

/// A difference at one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// A file is there, with these bytes.
    Put {
        /// From the top of the tree.
        path: String,
        /// Its bytes.
        bytes: Vec<u8>,
        /// Whether it can be run.
        executable: bool,
    },
    /// Nothing is there.
    Remove {
        /// From the top of the tree.
        path: String,
    },
}

/// Who made a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Name.
    pub name: String,
    /// Address, which need not be one of mail.
    pub address: String,
}

/// A commit that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its id.
    pub commit: ObjectId,
    /// The ids of the blobs of every [`Edit::Put`], in their order.
    pub blobs: Vec<ObjectId>,
}

impl Repository {
    /// Makes a commit. It is never signed, whatever is configured: nobody may be there to do that.
    ///
    /// # Errors
    /// [`GitError`], and perhaps some objects are there that belong to nothing.
    pub fn commit(&self, new: &NewCommit<'_>) -> Result<Made, GitError> {
        let asked =
            instructions(new, self.surroundings.clock.as_ref()().unix_seconds(), &self.zero())?;
        // One process that reads all and answers with ids, where `hash-object`, `mktree` and
        // `commit-tree` are one for each object.
        let arguments = ["fast-import", "--quiet", "--done", "--date-format=raw-permissive"];
        let answer = self.run(Call::new("git fast-import", &arguments).stdin(asked))?;
        let what = answer.what.clone();
        let bytes = answer.succeeded()?;
        let strange = || GitError::Answer(what.clone());
        let text = std::str::from_utf8(&bytes).map_err(|_| strange())?;
        let mut ids = Vec::new();
        for line in text.lines() {
            ids.push(line.parse::<ObjectId>().map_err(|_| strange())?);
        }
        let puts = new.edits.iter().filter(|edit| matches!(edit, Edit::Put { .. })).count();
        match ids.pop() {
            Some(commit) if ids.len() == puts => Ok(Made { commit, blobs: ids }),
            Some(_) | None => Err(strange()),
        }
    }

    /// Removes a ref of this repository, wherever it is.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn remove_ref(&self, name: &super::RefName) -> Result<(), GitError> {
        let call = Call::new(
            format!("git update-ref -d {name}"),
            &["update-ref", "--no-deref", "-d", "--"],
        );
        self.run(call.argument(name.as_str()))?.succeeded().map(|_| ())
    }
}

/// What `git fast-import` reads.
fn instructions(new: &NewCommit<'_>, seconds: i64, zero: &str) -> Result<Vec<u8>, GitError> {
    let NewCommit { parent, edits, author, message } = new;
    let mut to = Vec::new();
    let mut line = |text: String| to.extend_from_slice(text.as_bytes());
    line("feature get-mark\nfeature done\n".to_owned());
    let mut mark = 1_usize;
    let mut changes = Vec::new();
    for edit in edits {
        match edit {
            Edit::Put { path, bytes, executable } => {
                check_path(path)?;
                mark = mark.saturating_add(1);
                let mode = if *executable { "100755" } else { "100644" };
                to.extend_from_slice(
                    format!("blob\nmark :{mark}\ndata {}\n", bytes.len()).as_bytes(),
                );
                to.extend_from_slice(bytes);
                to.extend_from_slice(format!("\nget-mark :{mark}\n").as_bytes());
                changes.push(format!("M {mode} :{mark} {}\n", quoted(path)));
            }
            Edit::Remove { path } => {
                check_path(path)?;
                changes.push(format!("D {}\n", quoted(path)));
            }
        }
    }
    // A ref that lives in this process only: it is reset to nothing before refs are written.
    let name = "refs/countersign/new";
    let plain = |text: &str| -> String {
        text.chars().map(|c| if c.is_control() || "<>".contains(c) { '-' } else { c }).collect()
    };
    let person = format!("{} <{}> {seconds} +0000", plain(&author.name), plain(&author.address));
    let whole = |c: char| c == '\n' || !c.is_control();
    let message: String = message.chars().filter(|c| whole(*c)).collect();
    let message = format!("{}\n", message.trim_end());
    let mut line = |text: &str| to.extend_from_slice(text.as_bytes());
    line(&format!("commit {name}\nmark :1\nauthor {person}\ncommitter {person}\n"));
    line(&format!("data {}\n{message}\n", message.len()));
    if let Some(parent) = parent {
        line(&format!("from {parent}\n"));
    }
    for change in changes {
        line(&change);
    }
    line(&format!("\nget-mark :1\nreset {name}\nfrom {zero}\n\ndone\n"));
    Ok(to)
}

/// A path as git quotes it, so that no byte of it ends the line.
fn quoted(path: &str) -> String {
    let mut text = "\"".to_owned();
    for c in path.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if c.is_ascii_control() => text.push_str(&format!("\\{:03o}", u32::from(c))),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}
