//! What this machine has seen of a shared ledger, kept beside its keys: a ledger that was deleted,
//! replaced or moved back no longer holds it, and is refused. A machine that has seen nothing yet
//! has only what the records say of each other.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::error::LedgerError;
use super::record::{PlanRecord, TargetKey, TrustRecord};
use super::store::Store;
use super::{decode, encode};
use crate::document::ident::Digest;
use crate::document::statement::ApprovalId;
use crate::files::{FileError, Folder, Mode};

const FORMAT: u32 = 1;
/// Largest memory that is read, in bytes.
const MOST: u64 = 64 << 20;
const UPDATING: &str = "update.hold";

/// The memory of one place.
#[derive(Debug)]
pub struct Memory {
    folder: Folder,
    file: String,
    place: String,
    seen: Mutex<Option<Seen>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Seen {
    format: u32,
    place: String,
    ledger: ApprovalId,
    /// Where the whole store stood, if it says so.
    position: Option<String>,
    trust: Option<TrustRecord>,
    /// Receipts of each target, by `environment/target`.
    receipts: BTreeMap<String, u64>,
    /// How far the applies of each plan came: twice its rounds, less one while the last is open.
    rounds: BTreeMap<Digest, u64>,
}

impl Memory {
    /// The memory of a place in a folder that is this user's alone.
    ///
    /// # Errors
    /// [`LedgerError::Unusable`], [`LedgerError::Damaged`].
    pub fn open(folder: Folder, place: &str) -> Result<Self, LedgerError> {
        let key: String = Digest::of(place.as_bytes()).to_string().chars().take(32).collect();
        let (file, place) = (format!("{key}.json"), place.to_owned());
        let memory = Self { folder, file, place, seen: Mutex::new(None) };
        let seen = memory.read()?;
        *memory.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        Ok(memory)
    }

    /// Id of the ledger that was seen at this place; `None` if none was.
    pub fn ledger(&self) -> Option<ApprovalId> {
        self.with(|seen| seen.map(|seen| seen.ledger.clone()))
    }

    /// Forgets the place: whatever is found there next is taken for what it says.
    ///
    /// # Errors
    /// [`LedgerError::Unusable`].
    pub fn forget(&self) -> Result<(), LedgerError> {
        let _updating = self.folder.hold(UPDATING).map_err(|error| self.unusable(error))?;
        match self.folder.remove(&self.file) {
            Err(error) if !error.is_absent() => return Err(self.unusable(error)),
            Ok(()) | Err(_) => {}
        }
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    /// Refuses a place where there is no ledger, if one was seen there.
    ///
    /// # Errors
    /// [`LedgerError::Rewound`].
    pub fn check_missing(&self) -> Result<(), LedgerError> {
        match self.ledger() {
            Some(id) => Err(self.rewound(format!("ledger {id} is gone"))),
            None => Ok(()),
        }
    }

    /// Refuses another ledger than the one that was seen, and one that was moved back.
    pub(super) fn check_ledger(
        &self,
        store: &dyn Store,
        id: &ApprovalId,
    ) -> Result<(), LedgerError> {
        let Some(seen) = self.with(|seen| seen.cloned()) else {
            return Ok(());
        };
        if seen.ledger != *id {
            return Err(self.rewound(format!("it was ledger {} and is {id} now", seen.ledger)));
        }
        let Some(position) = seen.position else {
            return Ok(());
        };
        let follows = store.follows(&position);
        match follows.map_err(|error| LedgerError::store(error, &self.place))? {
            true => Ok(()),
            false => Err(self.rewound(format!(
                "{position}, which was seen here, is not in it (ledger {})",
                seen.ledger
            ))),
        }
    }

    pub(super) fn check_trust(&self, found: Option<&TrustRecord>) -> Result<(), LedgerError> {
        let seen = self.with(|seen| seen.and_then(|seen| seen.trust.clone()));
        let Some(seen) = seen else {
            return Ok(());
        };
        let kept = found.is_some_and(|found| {
            found.version > seen.version
                || (found.version == seen.version && found.digest == seen.digest)
        });
        match kept {
            true => Ok(()),
            false => Err(self.rewound(format!("version {} of trust.json is gone", seen.version))),
        }
    }

    pub(super) fn check_plan(
        &self,
        plan: &Digest,
        found: Option<&PlanRecord>,
    ) -> Result<(), LedgerError> {
        let seen = self.with(|seen| seen.and_then(|seen| seen.rounds.get(plan).copied()));
        let found = found.map_or(0, progress);
        match seen.unwrap_or_default() > found {
            true => Err(self.rewound(format!("an apply of plan {plan} is gone"))),
            false => Ok(()),
        }
    }

    pub(super) fn check_receipts(&self, target: &TargetKey, found: u64) -> Result<(), LedgerError> {
        let key = target.to_string();
        let seen = self.with(|seen| seen.and_then(|seen| seen.receipts.get(&key).copied()));
        match seen.unwrap_or_default() > found {
            true => Err(self.rewound(format!("receipts of {target} are gone"))),
            false => Ok(()),
        }
    }

    /// Remembers what was just read or written. Never forgets what was remembered before.
    pub(super) fn saw(
        &self,
        store: &dyn Store,
        ledger: &ApprovalId,
        news: &News<'_>,
    ) -> Result<(), LedgerError> {
        let _updating = self.folder.hold(UPDATING).map_err(|error| self.unusable(error))?;
        let before = self.read()?.filter(|seen| seen.ledger == *ledger);
        let mut kept = before.clone().unwrap_or_else(|| self.nothing(ledger));
        let follows = |position: &String| store.follows(position).unwrap_or(false);
        if kept.position.as_ref().is_none_or(follows) {
            kept.position = store.position();
        }
        kept.learn(news);
        if before.as_ref() != Some(&kept) {
            let name = super::record::head();
            let bytes = encode(&kept, &name, &self.place)?;
            let written = self.folder.replace(&self.file, &bytes, Mode::Private);
            written.map_err(|error| self.unusable(error))?;
        }
        // What other processes saw is no measure for what this one had read before they did.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let own = seen.take().filter(|seen| seen.ledger == *ledger);
        seen.insert(own.unwrap_or_else(|| self.nothing(ledger))).learn(news);
        Ok(())
    }

    fn nothing(&self, ledger: &ApprovalId) -> Seen {
        Seen {
            format: FORMAT,
            place: self.place.clone(),
            ledger: ledger.clone(),
            position: None,
            trust: None,
            receipts: BTreeMap::new(),
            rounds: BTreeMap::new(),
        }
    }

    fn read(&self) -> Result<Option<Seen>, LedgerError> {
        let bytes = self.folder.read_if_there(&self.file, MOST);
        let Some(bytes) = bytes.map_err(|error| self.unusable(error))? else {
            return Ok(None);
        };
        let place = self.folder.path().join(&self.file).display().to_string();
        decode(&bytes, &super::record::head(), &place).map(Some)
    }

    fn with<T>(&self, look: impl FnOnce(Option<&Seen>) -> T) -> T {
        look(self.seen.lock().unwrap_or_else(PoisonError::into_inner).as_ref())
    }

    fn unusable(&self, error: FileError) -> LedgerError {
        let place = self.folder.path().join(&self.file).display().to_string();
        LedgerError::Unusable { place, source: Box::new(error) }
    }

    fn rewound(&self, what: String) -> LedgerError {
        LedgerError::Rewound { place: self.place.clone(), what }
    }
}

impl Seen {
    fn learn(&mut self, news: &News<'_>) {
        if let Some(trust) = news.trust
            && self.trust.as_ref().is_none_or(|old| old.version < trust.version)
        {
            self.trust = Some(trust.clone());
        }
        if let Some((target, number)) = news.receipts {
            let known = self.receipts.entry(target.to_string()).or_default();
            *known = number.max(*known);
        }
        if let Some(plan) = news.plan {
            let known = self.rounds.entry(plan.plan).or_default();
            *known = progress(plan).max(*known);
        }
    }
}

/// What is to be remembered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct News<'n> {
    pub(super) trust: Option<&'n TrustRecord>,
    pub(super) receipts: Option<(&'n TargetKey, u64)>,
    pub(super) plan: Option<&'n PlanRecord>,
}

/// How far the applies of a plan came; grows with each that begins, and each that ends.
fn progress(record: &PlanRecord) -> u64 {
    let rounds = u64::try_from(record.rounds.len()).unwrap_or(u64::MAX).saturating_mul(2);
    rounds.saturating_sub(u64::from(record.open_round().is_some()))
}
