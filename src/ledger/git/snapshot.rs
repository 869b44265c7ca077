//! What the branch held when it was last looked at. A tree that no ledger writes is refused whole.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::store::{Found, Name, Put, StoreError, Version};
use super::Problem;
use crate::git::{EntryKind, ObjectId, TreeEntry};

/// The most bytes that are read at once.
pub(super) const MAX_READ: u64 = 256 << 20;
const RECORD: &str = ".json";

/// One commit of the branch.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    /// `None` while there is no branch.
    tip: Option<ObjectId>,
    records: BTreeMap<Name, ObjectId>,
    /// Commits that this process saw at the tip; each is in the history of this one.
    seen: HashSet<ObjectId>,
    /// Bytes of those that were read. A blob is what its id says, in every commit.
    blobs: HashMap<ObjectId, Vec<u8>>,
}

/// The path of a record in the tree.
pub(super) fn path(name: &Name) -> String {
    format!("{name}{RECORD}")
}

fn record(path: &str) -> Option<Name> {
    path.strip_suffix(RECORD)?.parse().ok()
}

impl Snapshot {
    /// The records of a commit; with `new`, of one that may not have become a ledger yet.
    pub(super) fn of(tip: ObjectId, entries: Vec<TreeEntry>, new: bool) -> Result<Self, Problem> {
        let mut records = BTreeMap::new();
        let mut other = None;
        for TreeEntry { path, kind, id } in entries {
            // A folder where a record is to be.
            let folders = path.match_indices('/').filter_map(|(at, _)| path.get(..at));
            if let Some(name) = folders.filter_map(record).next() {
                return Err(Problem::Misplaced(name));
            }
            match (record(&path), kind) {
                (Some(name), EntryKind::File) => {
                    records.insert(name, id);
                }
                (Some(name), EntryKind::Executable | EntryKind::Symlink | EntryKind::Submodule) => {
                    return Err(Problem::Misplaced(name));
                }
                (None, EntryKind::File | EntryKind::Executable) => other = other.or(Some(path)),
                (None, EntryKind::Symlink | EntryKind::Submodule) => {
                    return Err(Problem::Surprise(path));
                }
            }
        }
        let is_ledger = record("head.json").is_some_and(|head| records.contains_key(&head));
        match other {
            _ if is_ledger => {}
            Some(path) if new => return Err(Problem::Occupied(path)),
            None if new => {}
            Some(_) | None => return Err(Problem::NoLedger),
        }
        Ok(Self { tip: Some(tip), records, ..Self::default() })
    }

    pub(super) fn tip(&self) -> Option<&ObjectId> {
        self.tip.as_ref()
    }

    /// Whether the tip is known to have this commit in its history, without a look at it.
    pub(super) fn is_after(&self, commit: &ObjectId) -> bool {
        self.tip.as_ref() == Some(commit) || self.seen.contains(commit)
    }

    /// Goes on to a later commit; what was read of the same blobs stays read.
    pub(super) fn replace(&mut self, mut other: Self) {
        let mut blobs = std::mem::take(&mut self.blobs);
        other.blobs = (other.records.values())
            .filter_map(|id| Some((id.clone(), blobs.remove(id)?)))
            .collect();
        other.seen = std::mem::take(&mut self.seen);
        other.seen.extend(self.tip.take());
        *self = other;
    }

    /// Goes on to the commit that was made on top of this one.
    pub(super) fn grow<'p>(
        &mut self,
        tip: ObjectId,
        puts: impl Iterator<Item = (&'p Put, ObjectId)>,
    ) {
        self.seen.extend(self.tip.replace(tip));
        for (put, id) in puts {
            self.blobs.insert(id.clone(), put.bytes.clone());
            self.records.insert(put.name.clone(), id);
        }
    }

    /// Which state a record is in.
    pub(super) fn version(&self, name: &Name) -> Option<Version> {
        self.records.get(name).map(|id| Version(id.to_string()))
    }

    /// The blobs of these records that were not read yet.
    pub(super) fn unread(&self, names: &[Name]) -> Vec<ObjectId> {
        let mut ids: Vec<_> = names.iter().filter_map(|name| self.records.get(name)).collect();
        ids.retain(|id| !self.blobs.contains_key(*id));
        ids.sort();
        ids.dedup();
        ids.into_iter().cloned().collect()
    }

    pub(super) fn add(&mut self, ids: Vec<ObjectId>, read: Vec<Option<Vec<u8>>>) {
        let read = ids.into_iter().zip(read);
        self.blobs.extend(read.filter_map(|(id, bytes)| Some((id, bytes?))));
    }

    /// A record whose blob was read.
    pub(super) fn found(&self, name: &Name) -> Result<Option<Found>, StoreError> {
        let Some(id) = self.records.get(name) else {
            return Ok(None);
        };
        match self.blobs.get(id) {
            Some(bytes) => {
                Ok(Some(Found { bytes: bytes.clone(), version: Version(id.to_string()) }))
            }
            // The tree names it and the clone does not have it.
            None => Err(StoreError::Damaged(name.clone())),
        }
    }

    /// The names beneath a prefix, sorted.
    pub(super) fn names(&self, prefix: &Name) -> Vec<Name> {
        let beneath = format!("{prefix}/");
        let names = self.records.keys().filter(|name| name.as_str().starts_with(&beneath));
        names.cloned().collect()
    }
}
