//! A ledger in a branch of the project's own Git remote. A change is one commit, which the remote
//! takes only on top of the very commit that was read; the history of the branch says who did what.
//!
//! ```text
//! head.json, plan/<digest>.json ...    records, by name, in the tree of the branch's tip
//! ```
//!
//! # What is asked of the network
//!
//! [`Git::open`] and each `refresh` fetch once; a write pushes once. Nothing is fetched before a
//! write: the push names the commit that it goes on top of, and the remote refuses it if the branch
//! is elsewhere. Then what is new is fetched, and if every record of the change is still as it was
//! expected (others wrote other records), the change is put on top of it; else that is a conflict.
//!
//! # An answer that was lost
//!
//! Each commit has a number of its own, made by chance, so that no two of them are the same one.
//! Whether a push without an answer landed is read in the history of the branch. Where the branch has
//! not moved at all, the push may still be under way at the remote: the same commit is pushed
//! again, which lands once at most.
//!
//! # Beside others in one clone
//!
//! What was fetched stands in one ref of the clone beneath `refs/countersign/`, so that the next
//! fetch need not bring it again. Processes of one clone take turns with it by a file that the
//! system lets go of when its holder ends. A lock that git itself left there is gone around with
//! another ref. Pushes need no turns: nothing in the clone changes.

mod fetch;
mod problem;
mod snapshot;
mod write;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::store::{Change, Found, Liveness, Name, Store, StoreError, Version};
use crate::document::ident::Digest;
use crate::files::Folder;
use crate::git::{Depth, GitError, ObjectId, Person, RefName, Remote, Repository, redacted};
use problem::Problem;
use snapshot::Snapshot;

/// Which branch, and how it is written to.
#[derive(Clone, Debug)]
pub struct GitPlace {
    /// The remote, as it is named in the clone, or its address.
    pub remote: String,
    /// The branch, without `refs/heads/`.
    pub branch: String,
    /// Who its commits say they are from.
    pub author: Person,
    /// How long a lock stays with a holder that does not renew it.
    pub lease: Duration,
}

/// The store in a branch.
#[derive(Debug)]
pub struct Git {
    repository: Repository,
    remote: Remote,
    branch: RefName,
    /// Where the clone keeps what was fetched of it.
    tracking: RefName,
    /// The clone's folder for this program.
    folder: Folder,
    author: Person,
    lease: Duration,
    /// For people.
    place: String,
    /// Whether the branch may be without a ledger: it is about to be made.
    new: bool,
    /// One fetch or push of this process at a time, so that the snapshot only moves forwards.
    turn: Mutex<()>,
    snapshot: Mutex<Snapshot>,
}

impl Git {
    /// Opens the ledger in a branch that is there. Fetches once; an interrupt ends that, and
    /// nothing later: what an apply began is written down, within the patience of each run.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if the remote has no such branch; [`StoreError::Damaged`] or
    /// [`StoreError::Unusable`] for a branch that is no ledger, and if the remote cannot be read.
    pub fn open(repository: &Repository, place: GitPlace) -> Result<Self, StoreError> {
        let store = Self::at(repository, place, false)?;
        if store.snapshot().tip().is_none() {
            return Err(StoreError::Missing(store.place));
        }
        Ok(store)
    }

    /// As [`Git::open`], also where the branch is missing: the first write makes it, with a history
    /// of its own.
    ///
    /// # Errors
    /// [`StoreError::Unusable`], also for a branch that has other files than a ledger.
    pub fn create(repository: &Repository, place: GitPlace) -> Result<Self, StoreError> {
        Self::at(repository, place, true)
    }

    fn at(repository: &Repository, place: GitPlace, new: bool) -> Result<Self, StoreError> {
        let GitPlace { remote, branch, author, lease } = place;
        let shown =
            format!("branch {} of {}", branch.escape_debug(), redacted(&remote).escape_debug());
        let wrong = |error| unusable(&shown, error);
        let remote: Remote = remote.parse().map_err(wrong)?;
        let branch = RefName::branch(&branch).map_err(wrong)?;
        let address = repository.address(&remote).map_err(wrong)?;
        let place = match remote.is_address() {
            true => shown.clone(),
            false => format!("{shown} ({address})"),
        };
        let key = Digest::of(format!("{remote}\0{branch}").as_bytes()).to_string();
        let key = key.chars().rev().take(16).collect::<String>();
        let tracking = format!("refs/countersign/ledger-{key}").parse();
        let tracking = tracking.map_err(|error: GitError| unusable(&place, error))?;
        let folder = crate::files::open_folder(repository.common_folder())
            .and_then(|folder| folder.folder_made("countersign"))
            .map_err(|error| unusable(&place, error))?;
        let mut store = Self {
            repository: repository.clone(),
            remote,
            branch,
            tracking,
            folder,
            author,
            lease,
            place,
            new,
            turn: Mutex::new(()),
            snapshot: Mutex::new(Snapshot::default()),
        };
        store.refresh()?;
        store.repository = repository.undisturbed();
        Ok(store)
    }

    fn snapshot(&self) -> MutexGuard<'_, Snapshot> {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches, and goes on to what the branch holds now. Whoever calls it has the turn.
    fn advance(&self) -> Result<(), StoreError> {
        let tip = self.fetch(Depth::Missing)?;
        let before = self.snapshot().tip().cloned();
        let rewound = |what| StoreError::Rewound { place: self.place.clone(), what };
        match (before, tip) {
            (None, None) => Ok(()),
            (Some(_), None) => Err(rewound("the branch is gone".to_owned())),
            (Some(before), Some(tip)) if before == tip => Ok(()),
            (Some(before), Some(tip)) => {
                if !self.leads_to(&before, &tip)? {
                    return Err(rewound(format!("commit {before} is no longer in its history")));
                }
                self.load(tip)
            }
            (None, Some(tip)) => self.load(tip),
        }
    }

    fn load(&self, tip: ObjectId) -> Result<(), StoreError> {
        let entries = self.repository.tree(&tip, None).map_err(|error| self.failed(error))?;
        let loaded = Snapshot::of(tip, entries, self.new);
        let loaded = loaded.map_err(|problem| problem.into_error(&self.place))?;
        self.snapshot().replace(loaded);
        Ok(())
    }

    fn leads_to(&self, earlier: &ObjectId, tip: &ObjectId) -> Result<bool, StoreError> {
        let known = self.repository.contains(earlier).map_err(|error| self.failed(error))?;
        Ok(known
            && self.repository.is_ancestor(earlier, tip).map_err(|error| self.failed(error))?)
    }

    fn failed(&self, error: GitError) -> StoreError {
        unusable(&self.place, error)
    }
}

impl Store for Git {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn refresh(&self) -> Result<(), StoreError> {
        let _turn = self.turn();
        self.advance()
    }

    fn read(&self, names: &[Name]) -> Result<Vec<Option<Found>>, StoreError> {
        let mut snapshot = self.snapshot();
        let missing = snapshot.unread(names);
        let read = self.repository.blobs(&missing, snapshot::MAX_READ);
        snapshot.add(missing, read.map_err(|error| self.failed(error))?);
        names.iter().map(|name| snapshot.found(name)).collect()
    }

    fn names(&self, prefix: &Name) -> Result<Vec<Name>, StoreError> {
        Ok(self.snapshot().names(prefix))
    }

    fn write(&self, change: &Change) -> Result<Vec<Version>, StoreError> {
        let _turn = self.turn();
        self.written(change)
    }

    fn liveness(&self) -> Liveness<'_> {
        Liveness::Leased(self.lease)
    }

    fn position(&self) -> Option<String> {
        self.snapshot().tip().map(ToString::to_string)
    }

    fn follows(&self, earlier: &str) -> Result<bool, StoreError> {
        let Ok(earlier) = earlier.parse::<ObjectId>() else {
            return Ok(false);
        };
        let tip = {
            let snapshot = self.snapshot();
            match snapshot.tip() {
                Some(_) if snapshot.is_after(&earlier) => return Ok(true),
                Some(tip) => tip.clone(),
                None => return Ok(false),
            }
        };
        if self.leads_to(&earlier, &tip)? {
            return Ok(true);
        }
        if !self.repository.is_shallow() {
            return Ok(false);
        }
        // A clone that cut this branch off as well cannot tell before it has the rest.
        let _turn = self.turn();
        self.fetch(Depth::Whole)?;
        self.leads_to(&earlier, &tip)
    }
}

fn unusable(place: &str, error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unusable { place: place.to_owned(), source: Box::new(error) }
}
