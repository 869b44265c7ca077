//! Where the files lie in a checkout and the ledger in its remote, the branch is a part of the
//! target: what an apply wrote is committed, byte for byte, on top of what was checked out, and
//! lands in one push with the ledger's record of it, or neither does.
//!
//! [`Base`] is looked for before anything is locked, and says no to whatever would make the commit
//! another one than the plan: a file that Git does not have as it lies there, an attribute by which
//! Git would store other bytes, a checkout that is not what the branch is at. Nobody's index or
//! branch is touched before the remote has the commit.

mod error;
mod look;

use std::collections::BTreeSet;
use std::path::Path;

use crate::config::{DirectoryTarget, Limits};
use crate::document::effect::FileChange;
use crate::document::ident::Label;
use crate::document::statement::Receipt;
use crate::git::{
    Edit, GitError, NewCommit, ObjectId, Person, RefName, Remote, Repository, Staged, Surroundings,
};
use crate::ledger::store::Along;
use crate::plan::Plan;
use crate::trust::quorum::Standing;

pub use error::CommitError;

/// What is to be committed to, as far as a person or a pipeline says so.
pub struct Asked<'a> {
    /// The project's folder.
    pub project: &'a Path,
    /// The plan's folder, which gets the receipt.
    pub plan: &'a Path,
    /// The remote that has the ledger.
    pub remote: &'a Remote,
    /// The branch; `None`: the one that is checked out.
    pub branch: Option<&'a RefName>,
    /// The target.
    pub target: &'a DirectoryTarget,
    /// What is read of it.
    pub limits: &'a Limits,
    /// Whether a round that wrote some files already goes on.
    pub resume: bool,
    /// How git is run.
    pub surroundings: &'a Surroundings,
}

/// The commit that is built upon: what is checked out, and what the branch is at.
#[derive(Debug)]
pub struct Base {
    repository: Repository,
    branch: RefName,
    /// Whether the branch itself is checked out; else the commit is, without a branch.
    attached: bool,
    head: ObjectId,
    /// The target's folder and the plan's, from the top of the tree, each part followed by `/`.
    target: String,
    plan: String,
    /// Files of the plan that can be run, from the target's folder.
    executable: BTreeSet<String>,
    /// Who works in the checkout, if git knows.
    author: Option<Person>,
}

/// A commit that was made and is in no branch yet.
#[derive(Debug)]
pub(super) struct Committed {
    id: ObjectId,
    staged: Vec<Staged>,
}

/// A commit that the branch has, in the remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// Its full id.
    pub commit: String,
    /// The branch.
    pub branch: String,
    /// Why the checkout does not follow it; empty if it does.
    pub behind: Vec<String>,
}

/// What the commit says of the apply, besides its plan.
pub(super) struct Told<'a> {
    pub(super) receipt: &'a Receipt,
    pub(super) standing: &'a Standing,
}

impl Base {
    /// Looks whether what the plan writes can be committed.
    ///
    /// # Errors
    /// [`CommitError`]; nothing was changed, and nothing is locked.
    pub fn find(plan: &Plan, asked: &Asked<'_>) -> Result<Self, CommitError> {
        look::find(plan, asked)
    }

    /// The branch that gets the commit.
    pub fn branch(&self) -> &str {
        self.branch.short()
    }

    /// Makes the commit of an apply that wrote all of its files.
    pub(super) fn commit(
        &self,
        plan: &Plan,
        envelope: &[u8],
        told: &Told<'_>,
    ) -> Result<Committed, GitError> {
        let files = &plan.document().effect.files;
        let mut edits: Vec<Edit> = files.iter().map(|file| self.edit(file)).collect();
        edits.push(Edit::Put {
            path: format!("{}receipts/{}", self.plan, super::receipt_name(told.receipt)),
            bytes: envelope.to_vec(),
            executable: false,
        });
        let author = self.author.clone().unwrap_or_else(|| machine(&told.receipt.principal));
        let message = message(plan, told);
        let new = NewCommit { parent: Some(&self.head), edits: edits.clone(), author, message };
        // What was written is committed although somebody asked to stop.
        let made = self.repository.undisturbed().commit(&new)?;
        let mut blobs = made.blobs.into_iter();
        let staged = edits.into_iter().map(|edit| match edit {
            Edit::Put { path, executable, .. } => {
                Staged { path, blob: blobs.next().map(|id| (id, executable)) }
            }
            Edit::Remove { path } => Staged { path, blob: None },
        });
        Ok(Committed { id: made.commit, staged: staged.collect() })
    }

    fn edit(&self, file: &FileChange) -> Edit {
        let path = format!("{}{}", self.target, file.path);
        match &file.after {
            Some(text) => Edit::Put {
                path,
                bytes: text.clone().into_bytes(),
                executable: self.executable.contains(&file.path),
            },
            None => Edit::Remove { path },
        }
    }

    /// What the ledger takes along.
    pub(super) fn along(&self, committed: &Committed) -> Along {
        Along {
            branch: self.branch.short().to_owned(),
            from: self.head.as_str().to_owned(),
            to: committed.id.as_str().to_owned(),
        }
    }

    /// Lets the checkout follow the branch, now that the remote has the commit: afterwards git finds
    /// nothing changed in the files that were written.
    pub(super) fn follow(&self, committed: &Committed) -> Landed {
        let repository = self.repository.undisturbed();
        let branch = self.attached.then_some(&self.branch);
        let why = "countersign: apply --commit";
        let followed = repository
            .move_head(branch, &self.head, &committed.id, why)
            .and_then(|()| repository.stage(&committed.staged));
        let behind = followed.err().map(|error| {
            let mut told = vec![error.to_string()];
            told.extend(crate::causes::of(&error));
            told
        });
        Landed {
            commit: committed.id.as_str().to_owned(),
            branch: self.branch.short().to_owned(),
            behind: behind.unwrap_or_default(),
        }
    }
}

/// Who a commit is by where git knows nobody: the principal that applied. The address is nobody's.
fn machine(principal: &Label) -> Person {
    Person { name: principal.to_string(), address: format!("{principal}@countersign.invalid") }
}

/// What a reviewer of the branch's history wants to know. Nothing of it is text of a proposal.
fn message(plan: &Plan, told: &Told<'_>) -> String {
    let Told { receipt, standing } = told;
    let proposal = &plan.document().proposal;
    let (name, environment, target) = (&proposal.name, &proposal.environment, &proposal.target);
    let count = receipt.items.len();
    let files = if count == 1 { "file" } else { "files" };
    let mut text = format!("Apply {name} to {environment}/{target}\n\n{count} {files}, ");
    text.push_str(&format!("as planned and approved, by {}.\n\n", receipt.principal));
    text.push_str(&format!("Countersign-Plan: {}\n", plan.digest()));
    text.push_str(&format!("Countersign-Apply: {}\n", receipt.apply_id));
    if let Some(requester) = &proposal.requested_by {
        text.push_str(&format!("Requested-by: {requester}\n"));
    }
    let people: BTreeSet<&Label> = standing.counted.iter().map(|one| &one.principal).collect();
    for person in people {
        text.push_str(&format!("Approved-by: {person}\n"));
    }
    text
}
