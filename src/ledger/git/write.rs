//! Writing: one commit on top of the snapshot, one push that the remote takes only there. What
//! became of it is known when it returns, or it says that it is not.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::super::store::{Along, Change, Put, StoreError, Version};
use super::{Git, Problem, snapshot};
use crate::causes;
use crate::clock::Deadline;
use crate::files::steps::step;
use crate::git::{Edit, Made, NewCommit, ObjectId, PushError, Pushed, RefName, RefUpdate};

/// How often in a row the remote may fail to take a push although the branch has not moved.
const STUCK: u32 = 8;
/// How often a push whose answer was lost is sent.
const SENDS: u32 = 2;
/// The longest pause before the next try, unless a try itself takes longer.
const LONGEST: Duration = Duration::from_secs(3);

/// What became of a push.
enum End {
    /// On top of the snapshot.
    Landed,
    /// In the history that the snapshot has by now.
    Found,
    /// The branch is elsewhere, and this commit is not in it and cannot come into it.
    Late,
    /// The remote could not take it, in its words: others were quicker, or in the way.
    Contended(String),
    /// The remote refuses, and this is what it means if the branch has not moved.
    Refused(StoreError),
}

impl Git {
    /// As [`super::Store::write`]. Whoever calls it has the turn.
    pub(super) fn written(&self, change: &Change) -> Result<Vec<Version>, StoreError> {
        self.check(change)?;
        let deadline = Deadline::after(self.repository.surroundings().patience);
        let mut stuck = 0;
        for number in 1.. {
            let began = Instant::now();
            let before = self.snapshot().tip().cloned();
            let Made { commit, blobs } = self.commit(change)?;
            let versions = blobs.iter().map(|id| Version(id.to_string())).collect();
            let end = self.push(&commit, change.along.as_ref())?;
            let (said, refused) = match end {
                End::Landed => {
                    self.snapshot().grow(commit, change.puts().zip(blobs));
                    return Ok(versions);
                }
                End::Found => return Ok(versions),
                End::Late => (None, None),
                End::Contended(said) => (Some(said), None),
                End::Refused(error) => (None, Some(error)),
            };
            if refused.is_none() {
                sleep(pause(number, began.elapsed()));
            }
            let answered = said.is_some() || refused.is_some();
            if let Err(error) = self.advance() {
                let said = refused.as_ref().map(|refused| causes::line(refused)).or(said);
                return Err(match said {
                    Some(said) => self.unseen(said, error),
                    // It came too late for certain.
                    None => error,
                });
            }
            let tip = self.snapshot().tip().cloned();
            let moved = tip != before;
            // A connection may send a push twice, and bring the answer to the second one.
            if let Some(tip) = tip.filter(|_| moved && answered)
                && self.leads_to(&commit, &tip)?
            {
                return Ok(versions);
            }
            match refused {
                Some(error @ StoreError::Branch { .. }) => return Err(error),
                // Each kind of remote has words of its own for a branch that has moved.
                Some(error) if !moved => return Err(error),
                Some(_) | None => {}
            }
            self.check(change)?;
            stuck = if moved { 0 } else { stuck + 1 };
            if stuck >= STUCK {
                let said = said.unwrap_or_default();
                return Err(Problem::Busy { tries: stuck, said }.into_error(&self.place));
            }
            if deadline.left().is_none() {
                break;
            }
        }
        // Nobody else has what this is about; the branch is only too crowded. Whoever decided may
        // look again whether there is time.
        match change.puts().next() {
            Some(put) => Err(StoreError::Conflict(put.name.clone())),
            None => Ok(Vec::new()),
        }
    }

    /// What it means that nobody can look whether a push landed that was sent twice.
    fn unseen(&self, said: String, error: StoreError) -> StoreError {
        match error {
            StoreError::Unusable { .. } => {
                let after = causes::line(&error);
                Problem::Unseen { said, after }.into_error(&self.place)
            }
            StoreError::Conflict(_)
            | StoreError::Missing(_)
            | StoreError::Damaged(_)
            | StoreError::Rewound { .. }
            | StoreError::Branch { .. }
            | StoreError::Unknown { .. } => error,
        }
    }

    /// Whether every record is in the state that is expected.
    fn check(&self, change: &Change) -> Result<(), StoreError> {
        let snapshot = self.snapshot();
        match change.puts().find(|put| snapshot.version(&put.name) != put.expected) {
            Some(put) => Err(StoreError::Conflict(put.name.clone())),
            None => Ok(()),
        }
    }

    fn commit(&self, change: &Change) -> Result<Made, StoreError> {
        let edit = |put: &Put| Edit::Put {
            path: snapshot::path(&put.name),
            bytes: put.bytes.clone(),
            executable: false,
        };
        let mut number = [0; 8];
        let random = getrandom::fill(&mut number);
        random.map_err(|_| Problem::Random.into_error(&self.place))?;
        let number = u64::from_be_bytes(number);
        let why = change.why.trim_end();
        let gap = if why.contains("\n\n") { "\n" } else { "\n\n" };
        let parent = self.snapshot().tip().cloned();
        step("git commit");
        let made = self.repository.commit(&NewCommit {
            parent: parent.as_ref(),
            edits: change.puts().map(edit).collect(),
            author: self.author.clone(),
            // Two processes that write the same at the same second have two commits.
            message: format!("{why}{gap}Change: {number:016x}"),
        });
        step("git commit: done");
        made.map_err(|error| self.failed(error))
    }

    fn push(&self, commit: &ObjectId, along: Option<&Along>) -> Result<End, StoreError> {
        let parent = self.snapshot().tip().cloned();
        let own =
            RefUpdate { name: self.branch.clone(), expected: parent.clone(), new: commit.clone() };
        let mut updates = vec![own];
        if let Some(along) = along {
            updates.push(beside(along)?);
        }
        let mut lost = None;
        for _ in 0..SENDS {
            step("git push");
            let pushed = self.repository.push(&self.remote, &updates, along.is_some());
            step("git push: done");
            let error = match (pushed, lost) {
                (Ok(ends), None) => return Ok(self.answered(&ends, along)),
                // What was sent before may have landed before this was refused.
                (Ok(ends), Some(error)) => match self.answered(&ends, along) {
                    End::Landed => return Ok(End::Landed),
                    End::Found | End::Late | End::Contended(_) | End::Refused(_) => error,
                },
                (Err(PushError::NotSent(error)), None) => {
                    return Err(match along {
                        Some(along) if error.is_not_atomic() => not_taken(along, error),
                        Some(_) | None => self.failed(error),
                    });
                }
                (Err(PushError::NotSent(_)), Some(error)) => error,
                (Err(PushError::Unanswered(error)), _) => error,
            };
            match self.look_back(commit, parent.as_ref()) {
                Ok(Some(end)) => return Ok(end),
                Ok(None) => lost = Some(error),
                Err(after) => {
                    return Err(self.lost(causes::line(&error), causes::line(&after)));
                }
            }
        }
        let after = "the branch is still where it was, and may yet be written".to_owned();
        match lost {
            Some(error) => Err(self.lost(causes::line(&error), after)),
            None => Ok(End::Late),
        }
    }

    /// Looks in the history of the branch for a commit whose push has no answer; `None` if the
    /// branch has not moved, so that the push can still land.
    fn look_back(
        &self,
        commit: &ObjectId,
        parent: Option<&ObjectId>,
    ) -> Result<Option<End>, StoreError> {
        self.advance()?;
        let tip = self.snapshot().tip().cloned();
        match tip {
            tip if tip.as_ref() == parent => Ok(None),
            Some(tip) if self.leads_to(commit, &tip)? => Ok(Some(End::Found)),
            // What stands there now does not let it in any more.
            Some(_) | None => Ok(Some(End::Late)),
        }
    }

    fn lost(&self, lost: String, after: String) -> StoreError {
        Problem::Lost { lost, after }.into_error(&self.place)
    }

    /// What the ends of the refs mean: that of the ledger, and that of the branch which goes along.
    fn answered(&self, ends: &[Pushed], along: Option<&Along>) -> End {
        let own = match ends.first() {
            Some(Pushed::Refused(said)) => {
                return End::Refused(Problem::Refused(said.clone()).into_error(&self.place));
            }
            Some(Pushed::Moved) => return End::Late,
            Some(Pushed::Contended(said)) => return End::Contended(said.clone()),
            Some(Pushed::Taken) => End::Landed,
            Some(Pushed::Withheld) | None => End::Contended("it took nothing".to_owned()),
        };
        match (ends.get(1), along) {
            (Some(Pushed::Refused(said)), Some(along)) => {
                End::Refused(not_taken(along, Problem::Refused(said.clone())))
            }
            (Some(Pushed::Moved), Some(along)) => {
                End::Refused(not_taken(along, Problem::Elsewhere(along.from.clone())))
            }
            (Some(Pushed::Contended(said)), _) => End::Contended(said.clone()),
            (Some(_) | None, _) => own,
        }
    }
}

fn beside(along: &Along) -> Result<RefUpdate, StoreError> {
    let Along { branch, from, to } = along;
    let wrong = |error| not_taken(along, error);
    Ok(RefUpdate {
        name: RefName::branch(branch).map_err(wrong)?,
        expected: Some(from.parse().map_err(wrong)?),
        new: to.parse().map_err(wrong)?,
    })
}

fn not_taken(along: &Along, error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Branch { branch: along.branch.clone(), source: Box::new(error) }
}

/// By chance, and longer each time: so that those who met do not meet again, and of many only one
/// or two are at it at the same time, however long a try takes.
fn pause(number: u32, took: Duration) -> Duration {
    let most = took.saturating_mul(1 << number.min(4)).min(LONGEST.max(took));
    let most = u64::try_from(most.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
    let mut random = [0; 8];
    // Without chance there is no pause, which is no worse than crowded.
    let chance = getrandom::fill(&mut random).map_or(0, |()| u64::from_be_bytes(random));
    Duration::from_millis(chance.checked_rem(most).unwrap_or_default())
}
