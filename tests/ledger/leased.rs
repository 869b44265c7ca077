//! The suite over a store of several machines, as the ledger sees one: every look asks, locks are
//! leases, journals are records. Beneath it is a folder, so that nothing but the rules is tested.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use countersign::document::statement::Outcome;
use countersign::ledger::local::Local;
use countersign::ledger::store::{Change, Found, Liveness, Name, Put, Store, StoreError, Version};
use countersign::ledger::{Home, LedgerError, Life};

use super::suite::{LEASE, Place};
use crate::support::apply::*;

/// A change with this text in it takes a whole lease.
const SLOW: &str = "slow.yaml";

/// A folder that is used as if nothing could be held in it.
#[derive(Debug)]
struct Leased {
    folder: Local,
    lease: Duration,
    away: Arc<AtomicBool>,
    deaf: Arc<AtomicBool>,
}

impl Store for Leased {
    fn place(&self) -> String {
        self.folder.place()
    }
    fn read(&self, names: &[Name]) -> Result<Vec<Option<Found>>, StoreError> {
        self.folder.read(names)
    }
    fn names(&self, prefix: &Name) -> Result<Vec<Name>, StoreError> {
        self.folder.names(prefix)
    }
    fn write(&self, change: &Change) -> Result<Vec<Version>, StoreError> {
        let holds = |put: &Put| put.bytes.windows(SLOW.len()).any(|part| part == SLOW.as_bytes());
        if change.puts().any(holds) {
            std::thread::sleep(self.lease);
            return self.folder.write(change);
        }
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::Unusable { place: self.place(), source: "away".into() });
        }
        let written = self.folder.write(change);
        if self.deaf.load(Ordering::SeqCst) {
            return Err(StoreError::Unknown { place: self.place(), source: "deaf".into() });
        }
        written
    }
    fn liveness(&self) -> Liveness<'_> {
        Liveness::Leased(self.lease)
    }
}

pub(crate) fn place() -> Place {
    place_with(LEASE / 3, &Arc::default())
}

fn place_with(lease: Duration, away: &Arc<AtomicBool>) -> Place {
    place_of(lease, away, &Arc::default())
}

fn place_that_loses_answers(lease: Duration, deaf: &Arc<AtomicBool>) -> Place {
    place_of(lease, &Arc::default(), deaf)
}

fn place_of(lease: Duration, away: &Arc<AtomicBool>, deaf: &Arc<AtomicBool>) -> Place {
    let (away, deaf) = (Arc::clone(away), Arc::clone(deaf));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shared/shop");
    let home = move || {
        let (folder, away) = (Local::create(&path).unwrap(), Arc::clone(&away));
        Home::shared(Arc::new(Leased { folder, lease, away, deaf: Arc::clone(&deaf) }))
    };
    Place { open: Box::new(home), folder }
}

suite!(place());

#[test]
fn a_living_holder_keeps_its_lock_for_many_leases() {
    let place = place_with(Duration::from_millis(400), &Arc::default());
    let ledger = place.created();
    let lock = locked(&ledger, "main", plan("a"), false);
    let spent = spend(&ledger, lock, &ids(&[10]), id(100), false).unwrap();
    std::thread::sleep(Duration::from_millis(1600));
    let renewals =
        |ledger: &countersign::ledger::Ledger| ledger.locks().unwrap()[0].1.lease.unwrap().renewals;
    assert!(renewals(&ledger) >= 4, "{}", renewals(&ledger));
    for resume in [false, true] {
        let other = place.opened().lock(&target("main"), plan("a"), fresh(), holder(), resume);
        let life = match &other {
            Err(LedgerError::Held(held)) => held.life,
            other => panic!("{resume}: {other:?}"),
        };
        assert_eq!(life, if resume { Life::Alive } else { Life::Unknown });
    }
    ledger.begin(&spent, "web.yaml", None, None).unwrap();
    finish(&ledger, spent, Outcome::Applied).unwrap();
    assert!(ledger.locks().unwrap().is_empty());
    std::thread::sleep(Duration::from_millis(500));
    assert!(ledger.locks().unwrap().is_empty(), "what was given back is not renewed");
}

/// The holder cannot reach the store for so long that somebody else may have the lock.
#[test]
fn a_holder_that_cannot_renew_stops_before_its_lock_can_be_taken() {
    let away = Arc::default();
    let place = place_with(Duration::from_millis(600), &away);
    let ledger = place.created();
    let lock = locked(&ledger, "main", plan("a"), false);
    let spent = spend(&ledger, lock, &ids(&[10]), id(100), false).unwrap();
    ledger.begin(&spent, "db.yaml", None, None).unwrap();
    away.store(true, Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(700));
    away.store(false, Ordering::SeqCst);
    let begun = ledger.begin(&spent, "web.yaml", None, None);
    let Err(lost @ LedgerError::Lost(_)) = begun else { panic!("{begun:?}") };
    assert!(lost.to_string().ends_with("somebody unlocked it, or its lease ended unrenewed"));
    assert!(lost.hint().contains("`lease-seconds`"));
}

/// Writing the record of what begins takes so long that somebody else may have the lock by then.
#[test]
fn a_write_that_was_recorded_too_late_is_not_made() {
    let away = Arc::default();
    let place = place_with(Duration::from_millis(600), &away);
    let ledger = place.created();
    for (number, together) in [(10, false), (11, true)] {
        away.store(false, Ordering::SeqCst);
        let lock = locked(&ledger, &format!("t{number}"), plan(&format!("{number}")), false);
        let spent = spend(&ledger, lock, &ids(&[number]), fresh(), false).unwrap();
        away.store(true, Ordering::SeqCst);
        let begun = match together {
            false => ledger.begin(&spent, SLOW, None, None).map(drop),
            true => ledger.begin_all(&spent, [("a", None, None), (SLOW, None, None)]).map(drop),
        };
        assert!(matches!(begun, Err(LedgerError::Lost(_))), "{together}: {begun:?}");
    }
}

/// A renewal that is due while the lock is given back must not take it again.
#[test]
fn a_lock_that_is_given_back_while_it_is_renewed_is_free() {
    let place = place_with(Duration::from_millis(90), &Arc::default());
    let ledger = place.created();
    let mut given_back = 0;
    for number in 0..40 {
        let (name, plan) = (format!("t{number}"), plan(&number.to_string()));
        let lock = locked(&ledger, &name, plan, false);
        // On a busy machine the lease is over before that.
        if let Ok(spent) = spend(&ledger, lock, &ids(&[number]), fresh(), false)
            && finish(&ledger, spent, Outcome::Applied).is_ok()
        {
            given_back += 1;
            std::thread::sleep(Duration::from_millis(40));
            let locks = ledger.locks().unwrap();
            assert!(!locks.iter().any(|(locked, _)| *locked == target(&name)), "{number}");
        }
    }
    assert!(given_back > 0);
}

/// A renewal that landed without an answer leaves a lock whose record is not as its holder knows it.
#[test]
fn a_renewal_without_an_answer_is_found_to_be_ones_own() {
    let deaf = Arc::<AtomicBool>::default();
    for last in [false, true] {
        let place = place_that_loses_answers(Duration::from_millis(900), &deaf);
        let ledger = place.created();
        let lock = locked(&ledger, "main", plan("a"), false);
        let lose = |lose: bool| {
            deaf.store(lose, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(if lose { 340 } else { 0 }));
        };
        lose(!last);
        lose(false);
        let spent = spend(&ledger, lock, &ids(&[10]), id(100), false).unwrap();
        lose(last);
        lose(false);
        finish(&ledger, spent, Outcome::Applied).unwrap();
        assert!(ledger.locks().unwrap().is_empty(), "{last}");
    }
}

/// Whatever the clocks of the machines say: a living holder keeps its lock, a dead one loses it.
#[test]
fn a_clock_that_is_wrong_by_a_day_decides_nothing() {
    let day = 86_400;
    for (of_holder, of_other) in [(-day, 0), (day, 0), (0, -day), (0, day), (day, -day)] {
        let place = place_with(Duration::from_millis(1500), &Arc::default());
        let ledger = place.created();
        let at = |seconds| countersign::ledger::Holder {
            since: now().plus_seconds(seconds),
            ..holder()
        };
        let lock = ledger.lock(&target("main"), plan("a"), fresh(), at(of_holder), false).unwrap();
        let other = place.opened();
        let refused = other.lock(&target("main"), plan("b"), fresh(), at(of_other), false);
        match &refused {
            Err(LedgerError::Held(held)) => assert_eq!(held.life, Life::Alive),
            other => panic!("{of_holder} {of_other}: {other:?}"),
        }
        drop(lock);
        let taken = other.lock(&target("main"), plan("b"), fresh(), at(of_other), false).unwrap();
        other.release(taken).unwrap();
    }
}
