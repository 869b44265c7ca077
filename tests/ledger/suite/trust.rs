//! The highest trust root of a ledger, whatever its home.

use countersign::ledger::{Ledger, LedgerError, Spending};

use super::Place;
use crate::support::apply::*;

pub(crate) fn trust_never_goes_back(place: &Place) {
    let ledger = place.created();
    assert_eq!(ledger.trust_seen().unwrap(), None);
    let (old, new) = (plan("old"), plan("new"));
    let lock = locked(&ledger, "main", plan("a"), false);
    lock.check_trust(3, old).unwrap();
    assert_eq!(ledger.trust_seen().unwrap(), None, "a check records nothing");
    ledger.release(lock).unwrap();
    let spend = |number: u64, version, digest| {
        let name = format!("t{number}");
        let lock = locked(&ledger, &name, plan(&name), false);
        let checked = lock.check_trust(version, digest).is_ok();
        let (approvals, apply_id) = (ids(&[number]), id(100 + number));
        let trust = (version, digest);
        let spending =
            Spending { approvals, apply_id, resume: false, branch: None, trust, now: now() };
        let spent = ledger.spend(lock, spending).map(drop);
        assert_eq!(checked, spent.is_ok(), "{number}");
        spent
    };
    spend(1, 3, old).unwrap();
    spend(2, 3, old).unwrap();
    let differs = spend(3, 3, new);
    assert!(matches!(differs, Err(LedgerError::TrustDiffers { version: 3, .. })), "{differs:?}");
    spend(4, 5, new).unwrap();
    for (number, version, digest) in [(5, 3, old), (6, 4, new)] {
        let older = spend(number, version, digest);
        let older = matches!(older, Err(LedgerError::TrustRolledBack { seen: 5, .. }));
        assert!(older, "{version}");
        assert!(ledger.rounds(plan(&format!("t{number}"))).unwrap().is_empty());
    }
    assert_eq!(place.opened().trust_seen().unwrap(), Some((5, new)));
}

/// An apply of another target goes by a newer trust root while this one holds its lock.
pub(crate) fn an_older_trust_root_is_refused_although_a_newer_one_came_after_the_lock(
    place: &Place,
) {
    let ledger = place.created();
    let spend = |ledger: &Ledger, lock, number: u64, version| {
        let (approvals, apply_id) = (ids(&[number]), id(100 + number));
        let trust = (version, plan(&format!("trust {version}")));
        ledger.spend(
            lock,
            Spending { approvals, apply_id, resume: false, branch: None, trust, now: now() },
        )
    };
    drop(spend(&ledger, locked(&ledger, "first", plan("a"), false), 1, 5).unwrap());
    let lock = locked(&ledger, "main", plan("b"), false);
    let other = place.opened();
    drop(spend(&other, locked(&other, "other", plan("c"), false), 2, 6).unwrap());
    let older = spend(&ledger, lock, 3, 5).map(drop);
    assert!(
        matches!(older, Err(LedgerError::TrustRolledBack { seen: 6, offered: 5 })),
        "{older:?}"
    );
    assert!(place.opened().rounds(plan("b")).unwrap().is_empty());
    let lock = locked(&ledger, "main", plan("b"), false);
    drop(spend(&ledger, lock, 4, 6).unwrap());
}
