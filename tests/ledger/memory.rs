//! What a machine has seen of a shared ledger is still there, or the ledger is refused.

use std::path::Path;

use countersign::document::statement::Outcome;
use countersign::files::{make_folder, open_folder};
use countersign::ledger::{Home, Ledger, LedgerError, Memory};

use super::leased;
use super::suite::Place;
use crate::support::apply::*;

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
