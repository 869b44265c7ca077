//! Why nothing can be committed here. Each is found before anything is locked or changed.

use std::path::PathBuf;

use thiserror::Error;

use crate::document::code::Code;
use crate::git::GitError;
use crate::observe::directory::ObserveError;

/// Why an apply cannot commit what it would write.
#[derive(Debug, Error)]
pub enum CommitError {
    /// Git fails, or does not reach the remote.
    #[error("what is checked out cannot be told")]
    Git(#[from] Box<GitError>),
    /// The target's folder cannot be read.
    #[error("the target cannot be compared with what is committed")]
    Unread(#[from] Box<ObserveError>),
    /// The project is in no work tree of Git.
    #[error("{} is in no checkout of Git", .0.display())]
    NoCheckout(PathBuf),
    /// The plan, whose folder gets the receipt, lies somewhere else.
    #[error("the plan's folder {} is not in the checkout at {}", .folder.display(), .top.display())]
    PlanElsewhere {
        /// The plan's folder.
        folder: PathBuf,
        /// The checkout.
        top: PathBuf,
    },
    /// There is no commit to build upon.
    #[error("nothing is committed yet")]
    Unborn,
    /// No branch is checked out, and none was named.
    #[error("a commit is checked out without its branch")]
    Detached,
    /// Another branch is checked out than the one that was named.
    #[error("branch {found} is checked out, and the commit is for {asked}")]
    OtherBranch {
        /// The branch that was named.
        asked: String,
        /// The one that is checked out.
        found: String,
    },
    /// The remote does not have the branch.
    #[error("{remote} has no branch {branch}")]
    NoBranch {
        /// The branch.
        branch: String,
        /// The remote.
        remote: String,
    },
    /// What is checked out is not what the branch is at.
    #[error("{checked_out} is checked out, and branch {branch} of {remote} is at {there}")]
    Elsewhere {
        /// The branch.
        branch: String,
        /// The remote.
        remote: String,
        /// The commit that is checked out, in short.
        checked_out: String,
        /// The commit that the branch is at, in short.
        there: String,
    },
    /// Files of the target are not what is committed.
    #[error("the target's folder is not as it is committed: {}", listed(.0))]
    Differs(Vec<String>),
    /// The index holds something for files of the target.
    #[error("changes of the target are staged: {}", listed(.0))]
    Staged(Vec<String>),
    /// Git has something else than a file there.
    #[error("{path} is {what} in Git")]
    NoFile {
        /// From the top of the checkout.
        path: String,
        /// What it is.
        what: &'static str,
    },
    /// Git would not store the bytes that are approved.
    #[error("Git would change the bytes of {path}: {because}")]
    Altered {
        /// From the top of the checkout.
        path: String,
        /// The attribute or setting.
        because: String,
    },
}

impl CommitError {
    /// The exit code.
    pub fn code(&self) -> Code {
        match self {
            Self::NoFile { .. } | Self::Altered { .. } => Code::NotApplyable,
            Self::Git(_)
            | Self::Unread(_)
            | Self::NoCheckout(_)
            | Self::PlanElsewhere { .. }
            | Self::Unborn
            | Self::Detached
            | Self::OtherBranch { .. }
            | Self::NoBranch { .. }
            | Self::Elsewhere { .. }
            | Self::Differs(_)
            | Self::Staged(_) => Code::Error,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Git(_) => "see that git works here: `git status`, `git ls-remote`",
            Self::Unread(_) => "mend what cannot be read there; nothing was changed",
            Self::NoCheckout(_) | Self::Unborn => {
                "run it in a checkout of the branch that is to get the commit, or leave `--commit` out"
            }
            Self::PlanElsewhere { .. } => "name the plan's folder in this checkout",
            Self::Detached => "name the branch that is to get the commit: `--branch NAME`",
            Self::OtherBranch { .. } => "check that branch out, or leave `--branch` out",
            Self::NoBranch { .. } => {
                "push the branch first, or name the one that is there with `--branch NAME`"
            }
            Self::Elsewhere { .. } => {
                "check out what the branch is at (`git pull --ff-only`), and push what is not there yet"
            }
            Self::Differs(_) => {
                "commit and push these files, or take them back (`git stash -u`): an apply commits what its plan changes, and nothing else. Where git finds nothing changed, it stores other bytes than lie there: set `-text` for the target's files in .gitattributes"
            }
            Self::Staged(_) => "commit and push them, or take them back: `git restore --staged`",
            Self::NoFile { .. } => "let Git have a plain file there",
            Self::Altered { .. } => {
                "take the attribute or setting away for the target's files (`-text` in .gitattributes), or apply without `--commit`"
            }
        }
    }
}

impl From<GitError> for CommitError {
    fn from(error: GitError) -> Self {
        Self::Git(Box::new(error))
    }
}

fn listed(paths: &[String]) -> String {
    let shown: Vec<_> = paths.iter().take(5).map(String::as_str).collect();
    let more = paths.len().saturating_sub(shown.len());
    let shown = shown.join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}
