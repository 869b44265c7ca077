//! What a machine has seen of a shared ledger is still there, or the ledger is refused.

use std::path::Path;
use std::sync::Arc;

use countersign::document::statement::Outcome;
use countersign::files::{make_folder, open_folder};
use countersign::ledger::store::Store as _;
use countersign::ledger::{ApprovalUse, Home, Ledger, LedgerError, Memory};

use super::git::store;
use super::leased;
use super::suite::Place;
use crate::support::apply::*;
use crate::support::git::Server;

/// The home with the memory of this machine.
fn remembered(place: &Place, machine: &Path) -> Home {
    let home = (place.open)();
    let shown = home.store().place();
    home.remembered(Memory::open(make_folder(machine).unwrap(), &shown).unwrap())
}

fn opened(place: &Place, machine: &Path) -> Result<Ledger, LedgerError> {
    Ledger::open(remembered(place, machine), &label("shop"))
}

fn rewound<T: std::fmt::Debug>(result: Result<T, LedgerError>, part: &str) {
    match result {
        Err(error @ LedgerError::Rewound { .. }) => {
            assert!(error.to_string().contains(part), "{error}");
            assert_eq!(error.code(), countersign::document::code::Code::LedgerUnusable);
        }
        other => panic!("{part}: {other:?}"),
    }
}

/// One whole apply of plan `name`.
fn apply(ledger: &Ledger, name: &str, approval: u64) -> Result<(), LedgerError> {
    let lock = ledger.lock(&target("main"), plan(name), fresh(), holder(), false)?;
    let spent = spend(ledger, lock, &ids(&[approval]), fresh(), false)?;
    finish(ledger, spent, Outcome::Applied).map(drop)
}

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copied(&entry.path(), &to),
            false => drop(std::fs::copy(entry.path(), to).unwrap()),
        }
    }
}

#[test]
fn a_ledger_that_was_deleted_or_made_anew_is_refused_until_it_is_forgotten() {
    let place = leased::place();
    let machine = place.folder.path().join("machine");
    let made = Ledger::create(remembered(&place, &machine), &label("shop"), id(1), now()).unwrap();
    apply(&made, "a", 10).unwrap();
    drop(made);
    std::fs::remove_dir_all(place.folder.path().join("shared")).unwrap();
    rewound(opened(&place, &machine), "is gone");
    let again = Ledger::create(remembered(&place, &machine), &label("shop"), id(2), now());
    rewound(again, "is gone");
    Ledger::create((place.open)(), &label("shop"), id(2), now()).unwrap();
    rewound(opened(&place, &machine), "it was ledger");
    let shown = (place.open)().store().place();
    Memory::open(open_folder(&machine).unwrap(), &shown).unwrap().forget().unwrap();
    opened(&place, &machine).unwrap();
}

#[test]
fn a_record_that_was_moved_back_is_refused_and_nothing_is_spent_twice() {
    let place = leased::place();
    let machine = place.folder.path().join("machine");
    drop(Ledger::create(remembered(&place, &machine), &label("shop"), id(1), now()).unwrap());
    let records = place.folder.path().join("shared/shop");
    let older = place.folder.path().join("older");
    copied(&records, &older);
    apply(&opened(&place, &machine).unwrap(), "a", 10).unwrap();
    let newer = place.folder.path().join("newer");
    copied(&records, &newer);
    for (part, said) in [
        ("plan", "an apply of plan"),
        ("receipt", "receipts of prod/main are gone"),
        ("trust.json", "version 1 of trust.json is gone"),
    ] {
        let path = records.join(part);
        match path.is_dir() {
            true => std::fs::remove_dir_all(&path).unwrap(),
            false => std::fs::remove_file(&path).unwrap(),
        }
        let ledger = opened(&place, &machine).unwrap();
        rewound(apply(&ledger, "a", 10), said);
        let looked = ledger
            .rounds(plan("a"))
            .and(ledger.trust_seen().map(drop))
            .and(ledger.receipts(&target("main")).map(drop));
        rewound(looked, said);
        std::fs::remove_dir_all(&records).unwrap();
        copied(&newer, &records);
        opened(&place, &machine).unwrap().rounds(plan("a")).unwrap();
    }
    // All of it at once, as a backup does it.
    std::fs::remove_dir_all(&records).unwrap();
    copied(&older, &records);
    rewound(apply(&opened(&place, &machine).unwrap(), "a", 10), "gone");
}

/// A machine that has seen nothing has what the records say of each other.
#[test]
fn a_plan_whose_record_is_older_than_its_receipt_is_refused_by_everybody() {
    let place = leased::place();
    let ledger = place.created();
    apply(&ledger, "a", 10).unwrap();
    std::fs::remove_dir_all(place.folder.path().join("shared/shop/plan")).unwrap();
    let fresh_machine = place.opened();
    for refused in
        [apply(&fresh_machine, "a", 10), fresh_machine.receipts(&target("main")).map(drop)]
    {
        assert!(matches!(&refused, Err(LedgerError::Damaged { .. })), "{refused:?}");
    }
}

/// A backup of one record, or an older version of one object, put back after its apply had ended.
#[test]
fn a_round_that_ended_is_not_resumed_from_an_older_record() {
    for (abandoned, others_since, remembers) in
        [(false, 0, false), (false, 2, false), (true, 0, false), (false, 0, true), (false, 1, true)]
    {
        let shown = format!("abandoned: {abandoned}, {others_since} since, {remembers}");
        let place = leased::place();
        let machine = place.folder.path().join("machine");
        let ledger = place.created();
        let open = || match remembers {
            true => opened(&place, &machine).unwrap(),
            false => place.opened(),
        };
        let record = place.folder.path().join(format!("shared/shop/plan/{}.json", plan("a")));
        let first = open();
        let lock = locked(&first, "main", plan("a"), false);
        let spent = spend(&first, lock, &ids(&[10]), id(100), false).unwrap();
        let begun = std::fs::read(&record).unwrap();
        match abandoned {
            false => drop(finish(&first, spent, Outcome::Applied).unwrap()),
            true => {
                let (lock_id, previous) = (spent.lock().id().clone(), spent.lock().previous());
                drop(spent);
                assert!(previous.is_none());
                ledger.unlock(&lock_id).unwrap();
                let lock = locked(&first, "main", plan("a"), true);
                let given_up = receipt(&lock, &id(101), Outcome::Abandoned, Vec::new());
                first.abandon(lock, &id(101), &envelope(&given_up), now()).unwrap();
            }
        }
        for number in 0..others_since {
            apply(&place.opened(), &format!("other-{number}"), 50 + number).unwrap();
        }
        std::fs::write(&record, begun).unwrap();
        let again = open().lock(&target("main"), plan("a"), fresh(), holder(), true);
        match again {
            Err(LedgerError::Damaged { .. }) if !remembers => {}
            Err(LedgerError::Rewound { .. }) if remembers => {}
            other => panic!("{shown}: {other:?}"),
        }
        // Whatever happened to one plan is in no other plan's way.
        apply(&place.opened(), "b", 20).unwrap();
    }
}

/// The record of a plan is gone, and others have applied since: its receipt lists what it spent.
#[test]
fn an_approval_that_a_receipt_lists_is_not_unspent() {
    let place = leased::place();
    let ledger = place.created();
    let lock = locked(&ledger, "main", plan("a"), false);
    let spent = spend(&ledger, lock, &ids(&[10]), id(100), false).unwrap();
    let mut ended = receipt(spent.lock(), &id(100), Outcome::Applied, Vec::new());
    ended.predicate.approvals = vec![id(10)];
    ledger.finish(spent, &envelope(&ended), None).unwrap();
    apply(&ledger, "b", 20).unwrap();
    std::fs::remove_file(place.folder.path().join(format!("shared/shop/plan/{}.json", plan("a"))))
        .unwrap();
    let used = place.opened().approval_use(plan("a"), &id(10));
    assert!(matches!(used, Err(LedgerError::Damaged { .. })), "{used:?}");
    // One that was only claimed, by a process that died before it spent, is as good as new.
    let claim = format!("{{\"approval\":\"{}\",\"plan\":\"{}\"}}\n", id(30), plan("c"));
    let claims = place.folder.path().join("shared/shop/approval");
    std::fs::write(claims.join(format!("{}.json", id(30))), claim).unwrap();
    let used = place.opened().approval_use(plan("c"), &id(30)).unwrap();
    assert_eq!(used, ApprovalUse::Unspent);
}

/// Two applies of one machine at the same time: what one has seen, the other has not read yet.
#[test]
fn what_another_process_of_the_machine_saw_meanwhile_is_no_rewind() {
    let server = Server::new();
    let machine = server.folder.path().join("machine");
    let home = |clone: &str| {
        let clone = crate::support::git::cloned(server.folder.path(), clone);
        Home::shared(Arc::new(store(&clone, &server)))
    };
    let remembered = |home: Home| {
        let shown = home.store().place();
        home.remembered(Memory::open(make_folder(&machine).unwrap(), &shown).unwrap())
    };
    let open = |home: Home| Ledger::open(remembered(home), &label("shop"));
    drop(Ledger::create(remembered(home("one")), &label("shop"), id(1), now()).unwrap());
    for (number, clone) in [(0, "one"), (1, "two")] {
        // Fetched before the other one wrote, remembered after it.
        let fetched = home(clone);
        apply(&open(home("one")).unwrap(), &format!("a{number}"), 10 + number).unwrap();
        let late = open(fetched).unwrap();
        late.rounds(plan(&format!("a{number}"))).unwrap();
        // Opened before the other one wrote, and told of it by what both remember.
        let ledger = open(home(clone)).unwrap();
        apply(&open(home("one")).unwrap(), &format!("b{number}"), 20 + number).unwrap();
        let lock =
            ledger.lock(&target("other"), plan(&format!("c{number}")), fresh(), holder(), false);
        let spent = spend(&ledger, lock.unwrap(), &ids(&[30 + number]), fresh(), false).unwrap();
        finish(&ledger, spent, Outcome::Applied).unwrap();
        ledger.receipts(&target("main")).unwrap();
        ledger.rounds(plan(&format!("b{number}"))).unwrap();
    }
}

/// As above, where the one that knows less only looks.
#[test]
fn a_look_that_is_older_than_what_the_machine_remembers_is_no_rewind() {
    let server = Server::new();
    let machine = server.folder.path().join("machine");
    let open = || {
        let clone = crate::support::git::cloned(server.folder.path(), "one");
        let git = store(&clone, &server);
        let shown = git.place();
        let home = Home::shared(Arc::new(git));
        let seen = Memory::open(make_folder(&machine).unwrap(), &shown).unwrap();
        (home, seen)
    };
    let (home, seen) = open();
    drop(Ledger::create(home.remembered(seen), &label("shop"), id(1), now()).unwrap());
    let (home, seen) = open();
    let (other, other_seen) = open();
    let other = Ledger::open(other.remembered(other_seen), &label("shop")).unwrap();
    apply(&other, "a", 10).unwrap();
    // It had read what the machine remembered before that, and merges what it remembers now.
    let late = Ledger::open(home.remembered(seen), &label("shop")).unwrap();
    late.rounds(plan("a")).unwrap();
    late.trust_seen().unwrap();
    late.receipts(&target("main")).unwrap();
}
