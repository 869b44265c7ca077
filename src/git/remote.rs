//! The way to a remote and back. What a push did is read from what git documents for programs, and
//! where its answer is missing, that is said too.

use thiserror::Error;

use super::Repository;
use super::error::GitError;
use super::name::{ObjectId, RefName, Remote};
use super::run::{Answer, Call};
use super::shown::{self, IGNORABLE};

/// A ref that is to be moved at a remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefUpdate {
    /// The ref there.
    pub name: RefName,
    /// Where it must be; `None` if it must not be there.
    pub expected: Option<ObjectId>,
    /// Where it will be: a commit of this repository.
    pub new: ObjectId,
}

/// What became of one ref of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It is where it was to be.
    Taken,
    /// It is not where it was expected; nothing was changed.
    Moved,
    /// The remote could not change it, which another push at the same time explains, and so do
    /// other things; in its words. Nothing was changed.
    Contended(String),
    /// The remote refuses, in its words; nothing was changed.
    Refused(String),
    /// Another ref of the same push was not taken, and so neither was this one.
    Withheld,
}

/// Why it is not known ref by ref what a push did.
#[derive(Debug, Error)]
pub enum PushError {
    /// The remote was not reached, or cannot do what was asked: nothing was changed.
    #[error("nothing was sent")]
    NotSent(#[source] GitError),
    /// It was perhaps sent, and its answer is missing. It may happen even later.
    #[error("the answer of the remote is missing")]
    Unanswered(#[source] GitError),
}

/// A piece of a remote's history that is to stand in a ref of this repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refspec {
    /// The ref there.
    pub from: RefName,
    /// The ref here, moved wherever it stood.
    pub to: RefName,
}

/// How much of a history is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What is missing here; what this repository has cut off stays cut off.
    Missing,
    /// All, also what this repository has cut off in the history of these refs.
    Whole,
}

impl Repository {
    /// The address of a remote, fit to be shown.
    ///
    /// # Errors
    /// [`GitError`], also if no such remote is configured.
    pub fn address(&self, remote: &Remote) -> Result<String, GitError> {
        if remote.is_address() {
            return Ok(shown::one_line(remote.as_str()));
        }
        let call = Call::new("git remote get-url", &["remote", "get-url", "--"]);
        let answer = self.run(call.argument(remote.as_str()))?.succeeded()?;
        Ok(shown::one_line(String::from_utf8_lossy(&answer).trim_end()))
    }

    /// Fetches refs. No tag, no other ref and no `FETCH_HEAD` is written, and a repository that has
    /// all of its history keeps it.
    ///
    /// # Errors
    /// [`GitError`]; see [`GitError::is_missing_ref`].
    pub fn fetch(&self, remote: &Remote, refs: &[Refspec], depth: Depth) -> Result<(), GitError> {
        let arguments = [
            "fetch",
            "--quiet",
            "--force",
            "--no-tags",
            "--no-prune",
            "--no-filter",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--no-auto-maintenance",
            // What the configuration maps the branch to is the user's.
            "--refmap=",
        ];
        let mut call = Call::new(format!("git fetch from {remote}"), &arguments);
        if depth == Depth::Whole {
            // Not `--unshallow`, which would also fetch what lies behind every other branch.
            call = call.argument("--depth=1000000000");
        }
        // What is here of the same histories is all that the remote needs to hear of. Without this
        // it hears of everything here, and a clone of a large project has much to say. Patterns,
        // because a plain name must be there.
        for Refspec { from, to } in refs {
            call = call.argument(format!("{IGNORABLE}{to}*"));
            if !remote.is_address() {
                let short = from.short();
                call = call.argument(format!("{IGNORABLE}refs/remotes/{remote}/{short}*"));
            }
        }
        call = call.argument("--").argument(remote.as_str());
        for Refspec { from, to } in refs {
            call = call.argument(format!("+{from}:{to}"));
        }
        self.run(call)?.succeeded().map(|_| ())
    }

    /// Moves refs of a remote, each only from where it is expected to be. With `atomic`, all or none.
    /// Gives back what became of each, in their order.
    ///
    /// # Errors
    /// [`PushError`].
    pub fn push(
        &self,
        remote: &Remote,
        updates: &[RefUpdate],
        atomic: bool,
    ) -> Result<Vec<Pushed>, PushError> {
        let arguments = [
            "push",
            "--porcelain",
            "--no-verify",
            "--no-follow-tags",
            "--no-signed",
            "--recurse-submodules=no",
            if atomic { "--atomic" } else { "--no-atomic" },
        ];
        let mut call = Call::new(format!("git push to {remote}"), &arguments);
        for RefUpdate { name, expected, .. } in updates {
            let expected = expected.as_ref().map_or("", ObjectId::as_str);
            call = call.argument(format!("--force-with-lease={name}:{expected}"));
        }
        call = call.argument("--").argument(remote.as_str());
        for RefUpdate { name, new, .. } in updates {
            call = call.argument(format!("{new}:{name}"));
        }
        let answer = self.run(call).map_err(|error| match error {
            GitError::Program { .. } | GitError::Name { .. } => PushError::NotSent(error),
            GitError::Failed { .. }
            | GitError::Late { .. }
            | GitError::Interrupted(_)
            | GitError::TooLarge { .. }
            | GitError::Answer(_) => PushError::Unanswered(error),
        })?;
        let text = String::from_utf8_lossy(&answer.stdout).into_owned();
        let found: Option<Vec<_>> = updates.iter().map(|to| outcome(&text, to, &answer)).collect();
        match found {
            Some(found)
                if answer.code == Some(0) || found.iter().any(|end| *end != Pushed::Taken) =>
            {
                Ok(found)
            }
            Some(_) | None if is_before(&answer) => Err(PushError::NotSent(answer.failure())),
            Some(_) | None if answer.code == Some(0) => {
                Err(PushError::Unanswered(answer.strange()))
            }
            Some(_) | None => Err(PushError::Unanswered(answer.failure())),
        }
    }
}

/// Whether git failed before anything was sent. It says these at the first contact only.
fn is_before(answer: &Answer) -> bool {
    const BEFORE: [&str; 10] = [
        "Could not read from remote repository",
        "Could not resolve host",
        "Authentication failed for",
        "terminal prompts disabled",
        "does not support --atomic push",
        "does not appear to be a git repository",
        "No such remote",
        // Followed by its address and `not found`, over HTTP.
        "fatal: repository '",
        "transport '",
        "unable to access '",
    ];
    // What the remote says of itself proves nothing.
    let own = || answer.words.iter().filter(|line| !line.starts_with("remote:"));
    let said = |text: &str| own().any(|line| line.contains(text));
    BEFORE.into_iter().any(said) && !said("RPC failed") && !said("unexpected disconnect")
}

/// `<flag>\t<from>:<to>\t<summary> (<reason>)`; `None` if nothing is said of the ref, or only that
/// nothing is known.
fn outcome(text: &str, update: &RefUpdate, answer: &Answer) -> Option<Pushed> {
    let line = text.lines().find_map(|line| {
        let mut parts = line.splitn(3, '\t');
        let (flag, refs, rest) = (parts.next()?, parts.next()?, parts.next()?);
        (refs.split_once(':')?.1 == update.name.as_str()).then_some((flag, rest))
    });
    let (flag, rest) = line?;
    if matches!(flag, " " | "+" | "*" | "=") {
        return Some(Pushed::Taken);
    }
    let reason = rest.split_once('(').map_or(rest, |(_, reason)| reason.trim_end_matches(')'));
    let by_remote = rest.starts_with("[remote rejected]");
    if rest.starts_with("[rejected]") {
        return match reason {
            "atomic push failed" => Some(Pushed::Withheld),
            // Against the lease, or the local rules on what may follow what.
            _ => Some(Pushed::Moved),
        };
    }
    if !by_remote {
        return None;
    }
    let said = words(reason, answer);
    let about = |text: &str| said.contains(text);
    if reason == "atomic transaction failed" || reason == "atomic push failure" {
        // All of them get this one, also the one that was the cause.
        return Some(if about("but expected") || about("cannot lock ref") {
            Pushed::Contended(said)
        } else {
            Pushed::Withheld
        });
    }
    let races = [
        "failed to update ref",
        "cannot lock ref",
        "incorrect old value",
        "failed to lock",
        "but expected",
        "already exists",
        "fetch first",
    ];
    if races.into_iter().any(|race| reason.contains(race)) {
        return Some(Pushed::Contended(said));
    }
    Some(Pushed::Refused(said))
}

/// The reason that the remote gives for a ref, and what it wrote besides.
fn words(reason: &str, answer: &Answer) -> String {
    let lines = answer.words.iter().filter_map(|line| line.strip_prefix("remote:"));
    let mut said = vec![shown::one_line(reason)];
    said.extend(lines.map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()));
    said.join("; ")
}
