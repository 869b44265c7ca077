//! What a ledger does, whatever its home: each test takes a home and opens stores in it.

use countersign::document::statement::Outcome;
use countersign::ledger::store::{Change, Found, Name, Put, StoreError, Version};
use countersign::ledger::{ApprovalUse, Damage, Home, Ledger, LedgerError, Life, Line, RoundState};

use crate::support::apply::*;

mod store;
mod trust;

pub(crate) use store::*;
pub(crate) use trust::*;

/// A place for one ledger; every call of `open` gives another home over it, as another process
/// has it.
pub(crate) struct Place {
    pub(crate) open: Box<dyn Fn() -> Home>,
    pub(crate) folder: tempfile::TempDir,
}

/// The lease of shared places: long enough for a busy machine to renew in time.
pub(crate) const LEASE: std::time::Duration = std::time::Duration::from_secs(6);

impl Place {
    fn home(&self) -> Home {
        (self.open)()
    }
    pub(crate) fn created(&self) -> Ledger {
        Ledger::create(self.home(), &label("shop"), id(1), now()).unwrap()
    }
    pub(crate) fn opened(&self) -> Ledger {
        Ledger::open(self.home(), &label("shop")).unwrap()
    }
}

/// One record as it stands now.
pub(crate) fn read(home: &Home, name: &Name) -> Option<Found> {
    home.store().refresh().unwrap();
    home.store().read(std::slice::from_ref(name)).unwrap().pop().unwrap()
}

/// Writes one record.
pub(crate) fn write(
    home: &Home,
    name: &Name,
    bytes: &[u8],
    expected: Option<&Version>,
) -> Result<Version, StoreError> {
    let put = Put { name: name.clone(), bytes: bytes.to_vec(), expected: expected.cloned() };
    Ok(home.store().write(&Change::of("A test", put))?.remove(0))
}

/// Every test of this suite for one kind of home.
macro_rules! suite {
    ($home:expr; $($test:ident)*) => {$(
        #[test]
        fn $test() {
            crate::ledger::suite::$test(&$home);
        }
    )*};
    ($home:expr) => {
        suite! { $home;
            a_record_is_written_once_and_changed_only_from_what_was_read
            names_are_found_beneath_their_prefix_only
            a_journal_has_one_writer_and_keeps_its_lines
            a_change_of_several_records_is_refused_at_the_first_that_differs
            a_missing_foreign_or_second_ledger_refuses
            a_ledger_of_another_format_or_with_unknown_members_refuses
            a_locked_target_refuses_everybody_else
            a_living_holder_cannot_be_unlocked_or_resumed
            a_dead_holder_is_resumed_by_the_same_plan_only
            a_dead_holder_that_had_begun_nothing_is_in_nobodys_way
            all_approvals_are_spent_or_none
            a_spent_approval_is_worth_nothing_to_another_plan
            a_finished_round_grants_nothing
            a_spend_of_nothing_refuses
            a_begun_plan_refuses_without_resume
            a_resumed_round_counts_its_own_approvals_and_fresh_ones
            a_partial_apply_keeps_its_lock_and_a_clean_failure_does_not
            a_refused_resume_leaves_a_half_done_target_locked
            what_was_begun_is_in_the_journal_and_known_to_the_resume
            an_abandoned_round_is_over_and_its_target_free
            a_receipt_that_does_not_belong_is_refused
            a_chain_with_a_missing_receipt_is_damaged
            trust_never_goes_back
            an_older_trust_root_is_refused_although_a_newer_one_came_after_the_lock
            a_record_under_another_name_is_damaged
            the_description_tells_what_is_there
        }
    };
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn a_missing_foreign_or_second_ledger_refuses(place: &Place) {
    let missing = Ledger::open(place.home(), &label("shop"));
    assert!(matches!(missing, Err(LedgerError::Missing(_))), "{missing:?}");
    let made = place.created();
    let again = Ledger::create(place.home(), &label("shop"), id(2), now());
    assert!(matches!(again, Err(LedgerError::Exists(_))), "{again:?}");
    assert_eq!(place.opened().id(), made.id());
    match Ledger::open(place.home(), &label("bank")) {
        Err(LedgerError::Foreign { found, wanted, .. }) => {
            assert_eq!((found, wanted), (label("shop"), label("bank")));
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) fn a_ledger_of_another_format_or_with_unknown_members_refuses(place: &Place) {
    drop(place.created());
    let store = place.home();
    let head = name("head");
    let Found { bytes, version } = read(&store, &head).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let newer = text.replace("\"format\":2", "\"extra\":0,\"format\":3");
    let version = write(&store, &head, newer.as_bytes(), Some(&version)).unwrap();
    let opened = Ledger::open(place.home(), &label("shop"));
    assert!(matches!(opened, Err(LedgerError::Format { found: 3, .. })), "{opened:?}");
    let mut version = version;
    for bad in [
        text.replace("\"format\":2", "\"extra\":0,\"format\":2"),
        text.replace("\"format\":2,", ""),
        text.replace("shop", "Shop"),
        text.trim_end().to_owned(),
        text.replace(',', ", "),
        String::new(),
        "[]\n".to_owned(),
    ] {
        version = write(&store, &head, bad.as_bytes(), Some(&version)).unwrap();
        let opened = Ledger::open(place.home(), &label("shop"));
        assert!(matches!(opened, Err(LedgerError::Damaged { .. })), "{bad}: {opened:?}");
    }
}

pub(crate) fn a_locked_target_refuses_everybody_else(place: &Place) {
    let ledger = place.created();
    let lock = locked(&ledger, "main", plan("a"), false);
    for (digest, resume) in [("a", false), ("b", false), ("a", true), ("b", true)] {
        let other = place.opened();
        match other.lock(&target("main"), plan(digest), id(9), holder(), resume) {
            Err(LedgerError::Held(held)) => {
                assert_eq!(held.life, Life::Alive, "{digest} {resume}");
                assert_eq!((held.lock.id, held.lock.plan), (lock.id().clone(), plan("a")));
            }
            other => panic!("{digest} {resume}: {other:?}"),
        }
    }
    let beside = locked(&ledger, "other", plan("c"), false);
    ledger.release(beside).unwrap();
    ledger.release(lock).unwrap();
    assert!(ledger.locks().unwrap().is_empty());
    let next = locked(&place.opened(), "main", plan("b"), false);
    ledger.refresh().unwrap();
    assert_eq!(ledger.locks().unwrap().len(), 1);
    ledger.release(next).unwrap();
}

pub(crate) fn a_living_holder_cannot_be_unlocked_or_resumed(place: &Place) {
    let ledger = place.created();
    let lock = locked(&ledger, "main", plan("a"), false);
    let lock_id = lock.id().clone();
    let other = place.opened();
    assert!(
        matches!(other.unlock(&lock_id), Err(LedgerError::Held(held)) if held.life == Life::Alive)
    );
    assert!(matches!(other.unlock(&id(77)), Err(LedgerError::NoLock(_))));
    drop(lock);
    let unlocked = other.unlock(&lock_id).unwrap();
    assert_eq!((unlocked.target, unlocked.life), (target("main"), Life::Gone));
    assert!(matches!(other.unlock(&lock_id), Err(LedgerError::NoLock(_))));
    drop(locked(&other, "main", plan("b"), false));
}

pub(crate) fn a_dead_holder_is_resumed_by_the_same_plan_only(place: &Place) {
    let ledger = place.created();
    // A dropped lock is what a killed process leaves: its record, and nobody alive.
    let lock = locked(&ledger, "main", plan("a"), false);
    drop(spend(&ledger, lock, &ids(&[10]), id(100), false).unwrap());
    for (digest, resume) in [("a", false), ("b", false), ("b", true)] {
        match ledger.lock(&target("main"), plan(digest), id(9), holder(), resume) {
            Err(LedgerError::Held(held)) => {
                assert!(matches!(held.life, Life::Gone | Life::Unknown), "{digest} {resume}");
            }
            other => panic!("{digest} {resume}: {other:?}"),
        }
    }
    let taken = locked(&ledger, "main", plan("a"), true);
    assert_eq!(ledger.locks().unwrap()[0].1.id, *taken.id());
}

pub(crate) fn a_dead_holder_that_had_begun_nothing_is_in_nobodys_way(place: &Place) {
    let ledger = place.created();
    for (digest, resume) in [("a", false), ("b", false), ("c", true)] {
        drop(locked(&ledger, "main", plan("a"), false));
        let taken = locked(&ledger, "main", plan(digest), resume);
        assert_eq!(ledger.locks().unwrap()[0].1.id, *taken.id(), "{digest}");
        ledger.release(taken).unwrap();
    }
}

pub(crate) fn all_approvals_are_spent_or_none(place: &Place) {
    let ledger = place.created();
    let lock = locked(&ledger, "main", plan("a"), false);
    let spent = spend(&ledger, lock, &ids(&[10]), id(100), false).unwrap();
    finish(&ledger, spent, Outcome::Applied).unwrap();
    let lock = locked(&ledger, "other", plan("b"), false);
    let refused = spend(&ledger, lock, &ids(&[9, 10, 11]), id(101), false);
    assert!(
        matches!(&refused, Err(LedgerError::Spent { approval, plan: by })
            if *approval == id(10) && *by == plan("a")),
        "{refused:?}"
    );
    for free in [9, 11] {
        assert_eq!(ledger.approval_use(plan("b"), &id(free)).unwrap(), ApprovalUse::Unspent);
    }
    assert!(ledger.rounds(plan("b")).unwrap().is_empty());
    assert!(ledger.locks().unwrap().is_empty(), "a refused spend gives its lock back");
    let lock = locked(&ledger, "other", plan("b"), false);
    let spent = spend(&ledger, lock, &ids(&[9, 11]), id(102), false).unwrap();
    assert_eq!(*spent.approvals(), ids(&[9, 11]));
}

pub(crate) fn a_spent_approval_is_worth_nothing_to_another_plan(place: &Place) {
    let ledger = place.created();
    let lock = locked(&ledger, "main", plan("a"), false);
    let spent = spend(&ledger, lock, &ids(&[10]), id(100), false).unwrap();
    let by = |of| place.opened().approval_use(plan(of), &id(10)).unwrap();
    assert_eq!(by("a"), ApprovalUse::Resumable { apply_id: id(100) });
    assert_eq!(by("b"), ApprovalUse::Spent { plan: plan("a") });
    finish(&ledger, spent, Outcome::Applied).unwrap();
    assert_eq!(by("a"), ApprovalUse::Spent { plan: plan("a") });
}

pub(crate) fn a_finished_round_grants_nothing(place: &Place) {
    let ledger = place.created();
    let lock = locked(&ledger, "main", plan("a"), false);
    let spent = spend(&ledger, lock, &ids(&[10, 11]), id(100), false).unwrap();
    finish(&ledger, spent, Outcome::Applied).unwrap();
    for resume in [false, true] {
        let lock = locked(&ledger, "main", plan("a"), resume);
        let again = spend(&ledger, lock, &ids(&[11, 12]), id(101), resume);
        assert!(matches!(again, Err(LedgerError::Spent { .. })), "{resume}: {again:?}");
    }
    // The same plan, approved anew, may be applied once more, under an id of its own.
    let lock = locked(&ledger, "main", plan("a"), false);
    let reused = spend(&ledger, lock, &ids(&[12]), id(100), false);
    assert!(matches!(reused, Err(LedgerError::ApplyId(_))), "{reused:?}");
    let lock = locked(&ledger, "main", plan("a"), false);
    let spent = spend(&ledger, lock, &ids(&[12]), id(102), false).unwrap();
    assert!(spent.resumes().is_empty());
    assert_eq!(*spent.approvals(), ids(&[12]));
}

pub(crate) fn a_spend_of_nothing_refuses(place: &Place) {
    let ledger = place.created();
    let lock = locked(&ledger, "main", plan("a"), false);
    let refused = spend(&ledger, lock, &ids(&[]), id(100), false);
    assert!(matches!(refused, Err(LedgerError::NoApproval)), "{refused:?}");
}

pub(crate) fn a_begun_plan_refuses_without_resume(place: &Place) {
    let ledger = place.created();
    let lock = locked(&ledger, "main", plan("a"), false);
    let lock_id = lock.id().clone();
    drop(spend(&ledger, lock, &ids(&[10]), id(100), false).unwrap());
    let held = ledger.lock(&target("main"), plan("a"), id(9), holder(), false);
    assert!(matches!(held, Err(LedgerError::Held(_))), "{held:?}");
    // Without its lock, which a person may take away, the round still stands.
    ledger.unlock(&lock_id).unwrap();
    let begun = ledger.lock(&target("main"), plan("a"), id(9), holder(), false);
    assert!(
        matches!(&begun, Err(LedgerError::Begun { apply_id, .. }) if *apply_id == id(100)),
        "{begun:?}"
    );
    let lock = locked(&ledger, "main", plan("a"), true);
    let begun = spend(&ledger, lock, &ids(&[10]), id(101), false);
    assert!(matches!(begun, Err(LedgerError::Begun { .. })), "{begun:?}");
}

pub(crate) fn a_resumed_round_counts_its_own_approvals_and_fresh_ones(place: &Place) {
    let ledger = place.created();
    let lock = locked(&ledger, "main", plan("a"), false);
    drop(spend(&ledger, lock, &ids(&[10]), id(100), false).unwrap());
    let lock = locked(&ledger, "main", plan("a"), true);
    drop(spend(&ledger, lock, &ids(&[10, 11]), id(101), true).unwrap());
    let lock = locked(&ledger, "main", plan("a"), true);
    let spent = spend(&ledger, lock, &ids(&[12]), id(102), true).unwrap();
    assert_eq!(spent.resumes(), [id(100), id(101)]);
    assert_eq!(*spent.approvals(), ids(&[10, 11, 12]));
    finish(&ledger, spent, Outcome::Applied).unwrap();
    let rounds = ledger.rounds(plan("a")).unwrap();
    let states: Vec<_> = rounds.iter().map(|round| round.state.is_open()).collect();
    assert_eq!(states, [false; 3]);
    for approval in [10, 11, 12] {
        let spent = ApprovalUse::Spent { plan: plan("a") };
        assert_eq!(ledger.approval_use(plan("a"), &id(approval)).unwrap(), spent);
    }
}

pub(crate) fn a_partial_apply_keeps_its_lock_and_a_clean_failure_does_not(place: &Place) {
    let ledger = place.created();
    let table = [
        (Outcome::Applied, false, false),
        (Outcome::NotReady, false, false),
        (Outcome::FailedClean, false, true),
        (Outcome::Partial, true, true),
        (Outcome::Indeterminate, true, true),
    ];
    for (number, (outcome, keeps, open)) in (0_u64..).zip(table) {
        let (name, plan) = (format!("t{number}"), plan(&number.to_string()));
        let lock = locked(&ledger, &name, plan, false);
        let approvals = ids(&[50 + number]);
        let spent = spend(&ledger, lock, &approvals, id(100 + number), false).unwrap();
        finish(&ledger, spent, outcome).unwrap();
        let locks = ledger.locks().unwrap();
        let kept = locks.iter().any(|(locked, _)| *locked == target(&name));
        assert_eq!(kept, keeps, "{outcome:?}");
        assert_eq!(ledger.rounds(plan).unwrap()[0].state.is_open(), open, "{outcome:?}");
        if open {
            let lock = locked(&ledger, &name, plan, true);
            let spent = spend(&ledger, lock, &approvals, id(200 + number), true).unwrap();
            finish(&ledger, spent, Outcome::Applied).unwrap();
            assert_eq!(ledger.receipts(&target(&name)).unwrap().len(), 2, "{outcome:?}");
        }
    }
}

pub(crate) fn a_refused_resume_leaves_a_half_done_target_locked(place: &Place) {
    let ledger = place.created();
    let lock = locked(&ledger, "main", plan("a"), false);
    let spent = spend(&ledger, lock, &ids(&[10]), id(100), false).unwrap();
    finish(&ledger, spent, Outcome::Partial).unwrap();
    ledger.release(locked(&ledger, "main", plan("a"), true)).unwrap();
    let other = ledger.lock(&target("main"), plan("b"), id(9), holder(), false);
    assert!(matches!(other, Err(LedgerError::Held(_))), "{other:?}");
    drop(locked(&ledger, "main", plan("a"), true));
}

pub(crate) fn what_was_begun_is_in_the_journal_and_known_to_the_resume(place: &Place) {
    let ledger = place.created();
    let lock = locked(&ledger, "main", plan("a"), false);
    let spent = spend(&ledger, lock, &ids(&[10]), id(100), false).unwrap();
    let (old, new) = (Some(plan("old")), Some(plan("new")));
    let recorded = ledger.begin(&spent, "web.yaml", old, new).unwrap();
    let begun = Line::Begun { item: "web.yaml".to_owned(), before: old, after: new };
    assert_eq!(place.opened().journal_lines(&id(100)).unwrap(), std::slice::from_ref(&begun));
    ledger.done(&spent, recorded.written()).unwrap();
    let cut_short = ledger.begin(&spent, "db.yaml", None, new).unwrap();
    assert_eq!(cut_short.item(), "db.yaml");
    drop(spent);
    let lines = ledger.journal_lines(&id(100)).unwrap();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[..2], [begun, Line::Done { item: "web.yaml".to_owned() }]);
    let lock = locked(&ledger, "main", plan("a"), true);
    let spent = spend(&ledger, lock, &ids(&[10]), id(101), true).unwrap();
    let begun: Vec<_> = spent.begun_before().iter().collect();
    assert_eq!(begun, ["db.yaml", "web.yaml"]);
}

pub(crate) fn an_abandoned_round_is_over_and_its_target_free(place: &Place) {
    let ledger = place.created();
    let abandon = |name: &str, apply_id: u64, outcome| {
        let lock = locked(&ledger, "main", plan(name), true);
        let receipt = receipt(&lock, &id(apply_id), outcome, Vec::new());
        ledger.abandon(lock, &id(apply_id), &envelope(&receipt), now())
    };
    let nothing = abandon("a", 90, Outcome::Abandoned);
    assert!(matches!(nothing, Err(LedgerError::NothingBegun(_))), "{nothing:?}");
    assert!(ledger.locks().unwrap().is_empty());
    let lock = locked(&ledger, "main", plan("a"), false);
    let spent = spend(&ledger, lock, &ids(&[10]), id(100), false).unwrap();
    finish(&ledger, spent, Outcome::Partial).unwrap();
    let wrong = abandon("a", 91, Outcome::Applied);
    assert!(matches!(wrong, Err(LedgerError::Receipt(_))), "{wrong:?}");
    abandon("a", 92, Outcome::Abandoned).unwrap();
    assert!(ledger.locks().unwrap().is_empty());
    let rounds = ledger.rounds(plan("a")).unwrap();
    assert!(
        matches!(rounds[1].state, RoundState::Finished { outcome: Outcome::Abandoned, .. }),
        "{rounds:?}"
    );
    let lock = locked(&ledger, "main", plan("a"), true);
    let again = spend(&ledger, lock, &ids(&[10]), id(101), true);
    assert!(matches!(again, Err(LedgerError::Spent { .. })), "{again:?}");
    assert_eq!(ledger.receipts(&target("main")).unwrap().len(), 2);
}

pub(crate) fn a_receipt_that_does_not_belong_is_refused(place: &Place) {
    let ledger = place.created();
    type Spoil = fn(
        &mut countersign::document::statement::Statement<countersign::document::statement::Receipt>,
    );
    let spoils: [(&str, Spoil); 6] = [
        ("another plan", |r| r.plan = plan("x")),
        ("another apply", |r| r.predicate.apply_id = id(999)),
        ("another target", |r| r.predicate.target = label("other")),
        ("another environment", |r| r.predicate.environment = label("dev")),
        ("another chain", |r| r.predicate.previous = plan("x").to_string()),
        ("a chain begun anew", |r| r.predicate.previous = String::new()),
    ];
    // A target of its own for each: a refused receipt leaves its target locked.
    let applied_once = |number: u64| {
        let (name, first) = (format!("t{number}"), plan(&format!("first {number}")));
        let lock = locked(&ledger, &name, first, false);
        let spent = spend(&ledger, lock, &ids(&[number]), id(number), false).unwrap();
        finish(&ledger, spent, Outcome::Applied).unwrap();
        let lock = locked(&ledger, &name, plan(&name), false);
        spend(&ledger, lock, &ids(&[100 + number]), id(100 + number), false).unwrap()
    };
    for (number, (what, spoil)) in (10_u64..).zip(spoils) {
        let spent = applied_once(number);
        let (name, apply_id) = (spent.lock().target().clone(), spent.apply_id().clone());
        let mut bad = receipt(spent.lock(), &apply_id, Outcome::Applied, Vec::new());
        spoil(&mut bad);
        let refused = ledger.finish(spent, &envelope(&bad), None);
        assert!(matches!(refused, Err(LedgerError::Receipt(_))), "{what}: {refused:?}");
        assert_eq!(ledger.receipts(&name).unwrap().len(), 1, "{what}");
        let rounds = ledger.rounds(plan(name.target.as_str())).unwrap();
        assert!(rounds[0].state.is_open(), "{what}");
        let locks = ledger.locks().unwrap();
        assert!(locks.iter().any(|(target, _)| *target == name), "{what}");
    }
    let garbage = [&b""[..], b"{}", b"{\"payload\":\"!\"}", b"{\"payload\":\"e30=\"}", b"[1]"];
    for (number, garbage) in (30_u64..).zip(garbage) {
        let refused = ledger.finish(applied_once(number), garbage, None);
        assert!(matches!(refused, Err(LedgerError::ReceiptUnread(_))), "{refused:?}");
    }
}

pub(crate) fn a_chain_with_a_missing_receipt_is_damaged(place: &Place) {
    let ledger = place.created();
    for number in [10, 11] {
        let lock = locked(&ledger, "main", plan(&number.to_string()), false);
        let spent = spend(&ledger, lock, &ids(&[number]), id(number), false).unwrap();
        finish(&ledger, spent, Outcome::Applied).unwrap();
    }
    let chain = ledger.receipts(&target("main")).unwrap();
    assert_eq!(chain[1].statement.predicate.previous, chain[0].digest.to_string());
    let lock = locked(&ledger, "main", plan("next"), false);
    assert_eq!(lock.previous(), Some(chain[1].digest));
    ledger.release(lock).unwrap();
    // The second receipt alone, in the place of the first of another target.
    let alone = name("receipt/prod/alone/000000000001");
    write(&place.home(), &alone, &chain[1].envelope, None).unwrap();
    ledger.refresh().unwrap();
    let damaged = ledger.receipts(&target("alone"));
    assert!(matches!(damaged, Err(LedgerError::Damaged { .. })), "{damaged:?}");
    assert!(ledger.describe().is_err());
}

pub(crate) fn a_record_under_another_name_is_damaged(place: &Place) {
    let ledger = place.created();
    let lock = locked(&ledger, "main", plan("a"), false);
    let spent = spend(&ledger, lock, &ids(&[10]), id(100), false).unwrap();
    finish(&ledger, spent, Outcome::Applied).unwrap();
    let store = place.home();
    let copy = |from: &str, to: &str| {
        let found = read(&store, &name(from)).unwrap();
        write(&store, &name(to), &found.bytes, None).unwrap();
    };
    copy(&format!("plan/{}", plan("a")), &format!("plan/{}", plan("b")));
    copy(&format!("approval/{}", id(10)), &format!("approval/{}", id(11)));
    copy("lock/prod/main", "lock/prod/other");
    ledger.refresh().unwrap();
    let damaged = |result: Result<(), LedgerError>| {
        assert!(
            matches!(result, Err(LedgerError::Damaged { source: Damage::Misplaced, .. })),
            "{result:?}"
        );
    };
    damaged(ledger.rounds(plan("b")).map(|_| ()));
    damaged(ledger.approval_use(plan("a"), &id(11)).map(|_| ()));
    damaged(ledger.lock(&target("other"), plan("c"), id(9), holder(), false).map(|_| ()));
    damaged(ledger.describe().map(|_| ()));
}

pub(crate) fn the_description_tells_what_is_there(place: &Place) {
    let ledger = place.created();
    let lock = locked(&ledger, "main", plan("a"), false);
    let spent = spend(&ledger, lock, &ids(&[10]), id(100), false).unwrap();
    let receipt = finish(&ledger, spent, Outcome::Applied).unwrap();
    let lock = locked(&ledger, "other", plan("b"), false);
    let seen = place.opened().describe().unwrap();
    assert_eq!((seen.project, seen.id), (label("shop"), id(1)));
    assert_eq!(seen.trust.unwrap().version, 1);
    assert_eq!(seen.locks.len(), 1);
    assert_eq!((&seen.locks[0].target, &seen.locks[0].lock.id), (&target("other"), lock.id()));
    assert_eq!(seen.plans.len(), 1);
    assert_eq!(seen.plans[0].rounds[0].approvals, ids(&[10]));
    assert_eq!((seen.chains[0].length, seen.chains[0].head), (1, receipt));
    assert_eq!(ledger.targets().unwrap(), [target("main")]);
}
