//! Why git did not do what it was asked. Every text in it may be shown: secrets of addresses are
//! struck out, and control characters are written as escapes.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

/// Why git did not do what it was asked.
#[derive(Debug, Error)]
pub enum GitError {
    /// The program cannot be started, or its pipes fail.
    #[error("{program} cannot be run", program = .program.display())]
    Program {
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It ended with an error.
    #[error("{what} failed ({status}): {words}")]
    Failed {
        /// What it was to do, in short.
        what: String,
        /// How it ended: `exit status 128`, `signal 9`.
        status: String,
        /// The last lines that it wrote on stderr, joined by `; `.
        words: String,
    },
    /// It was still at work when patience was over, and was ended, with all that it had started.
    #[error("{what} did not end within {seconds} seconds{said}", seconds = .patience.as_secs())]
    Late {
        /// What it was to do.
        what: String,
        /// The patience.
        patience: Duration,
        /// `: ` and the last lines that it wrote on stderr; or empty.
        said: String,
    },
    /// Somebody asked to stop.
    #[error("{0} was interrupted")]
    Interrupted(String),
    /// It had more to say than is read.
    #[error("{what} gave more than {most} bytes, the most that is read")]
    TooLarge {
        /// What it was to do.
        what: String,
        /// The limit, in bytes.
        most: u64,
    },
    /// It said something that this program does not understand.
    #[error("the answer of {0} is not what git documents")]
    Answer(String),
    /// A name that git would take for something else.
    #[error("{text:?} cannot be used as {kind}")]
    Name {
        /// What it was to be: `a branch`, `a remote`, `a path in a commit`.
        kind: &'static str,
        /// The text.
        text: String,
    },
}

impl GitError {
    /// Whether the remote is there and has no such branch or tag.
    pub fn is_missing_ref(&self) -> bool {
        self.words().is_some_and(|words| words.contains("couldn't find remote ref"))
    }

    /// Whether another process of git has locked what this one was to change, or left such a lock.
    pub fn is_locked(&self) -> bool {
        self.words().is_some_and(|words| {
            words.contains("cannot lock ref")
                || words.contains("Unable to create '") && words.contains(".lock'")
                || words.contains("shallow file has changed since we read it")
        })
    }

    /// Whether the remote cannot take several refs or none.
    pub fn is_not_atomic(&self) -> bool {
        self.words().is_some_and(|words| words.contains("does not support --atomic"))
    }

    /// What git wrote on stderr, if it ended with an error.
    pub(super) fn words(&self) -> Option<&str> {
        match self {
            Self::Failed { words, .. } => Some(words),
            Self::Program { .. }
            | Self::Late { .. }
            | Self::Interrupted(_)
            | Self::TooLarge { .. }
            | Self::Answer(_)
            | Self::Name { .. } => None,
        }
    }
}
