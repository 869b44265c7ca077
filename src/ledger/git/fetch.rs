//! Fetching the branch into the clone, in turns with other processes of the same clone.

use std::thread::sleep;
use std::time::Duration;

use super::super::store::StoreError;
use super::{Git, Problem, unusable};
use crate::clock::Deadline;
use crate::files::Hold;
use crate::files::steps::step;
use crate::git::{Depth, GitError, ObjectId, RefName, Refspec};

/// Held while the ref is moved and read.
const HOLD: &str = "fetch.hold";
/// How often it is asked for.
const ASK: Duration = Duration::from_millis(5);
/// How long a lock of git's is waited for, each time: a fetch whose starter was killed ends soon.
const LOCKED: [u64; 5] = [20, 50, 100, 300, 600];

impl Git {
    /// Where the branch is at the remote now, all of its commits being in the clone; `None` if there
    /// is no such branch.
    pub(super) fn fetch(&self, depth: Depth) -> Result<Option<ObjectId>, StoreError> {
        let _hold = self.hold()?;
        step("git fetch");
        let mut fetched = self.fetch_to(&self.tracking, depth);
        for pause in LOCKED {
            if !matches!(&fetched, Err(error) if error.is_locked()) {
                break;
            }
            sleep(Duration::from_millis(pause));
            fetched = self.fetch_to(&self.tracking, depth);
        }
        if matches!(&fetched, Err(error) if error.is_locked()) {
            // Left behind by a git that was killed, perhaps years ago. Nobody can tell; go around.
            fetched = self.fetch_aside(depth);
        }
        step("git fetch: done");
        fetched.map_err(|error| self.failed(error))
    }

    fn fetch_to(&self, to: &RefName, depth: Depth) -> Result<Option<ObjectId>, GitError> {
        let refs = [Refspec { from: self.branch.clone(), to: to.clone() }];
        match self.repository.fetch(&self.remote, &refs, depth) {
            Ok(()) => self.repository.resolve(to),
            Err(error) if error.is_missing_ref() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn fetch_aside(&self, depth: Depth) -> Result<Option<ObjectId>, GitError> {
        let number = std::process::id();
        let aside: RefName = format!("refs/countersign/aside-{number}").parse()?;
        let fetched = self.fetch_to(&aside, depth);
        // If it stays, the next process of this number moves it.
        let _stays = self.repository.remove_ref(&aside);
        fetched
    }

    fn hold(&self) -> Result<Hold, StoreError> {
        let patience = self.repository.surroundings().patience;
        let deadline = Deadline::after(patience);
        loop {
            let hold = self.folder.try_hold(HOLD).map_err(|error| unusable(&self.place, error))?;
            match hold {
                Some(hold) => return Ok(hold),
                None if deadline.left().is_some() => sleep(ASK),
                None => return Err(Problem::Turn(patience.as_secs()).into_error(&self.place)),
            }
        }
    }
}
