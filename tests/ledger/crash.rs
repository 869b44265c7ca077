//! Killed at every durable step: afterwards nothing was spent, or the apply can be resumed.

use std::path::Path;
use std::sync::Mutex;

use countersign::document::statement::Outcome;
use countersign::ledger::local::Local;
use countersign::ledger::{ApprovalUse, Home, Ledger, LedgerError, RoundState};

use super::local::temporaries;
use crate::support::apply::*;
use crate::support::killed::{folder, killed, side_by_side, undisturbed, watch_steps};

#[test]
fn a_round_killed_at_any_step_spent_nothing_or_is_resumed() {
    let whole = tempfile::tempdir().unwrap();
    drop(local_created(&whole.path().join("ledger")));
    let steps = undisturbed("ledger::crash::child_applies", whole.path());
    assert!(steps.len() > 60, "{steps:?}");
    let seen = Mutex::new([0; 3]);
    side_by_side(1..=steps.len(), |at| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        drop(local_created(&path));
        killed("ledger::crash::child_applies", folder.path(), at);
        let state = after(&path, &format!("{at}: {}", steps[at - 1]));
        seen.lock().unwrap()[state] += 1;
    });
    let seen = seen.into_inner().unwrap();
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

#[test]
#[ignore = "run by a_round_killed_at_any_step_spent_nothing_or_is_resumed"]
fn child_applies() {
    let ledger = local(&folder().join("ledger"));
    watch_steps();
    let lock = locked(&ledger, "main", plan("a"), false);
    let spent = spend(&ledger, lock, &ids(&[10, 11]), id(100), false).unwrap();
    let recorded = ledger.begin(&spent, "web.yaml", None, Some(plan("x"))).unwrap();
    ledger.done(&spent, recorded.written()).unwrap();
    finish(&ledger, spent, Outcome::Applied).unwrap();
}

/// Which of unspent, resumable and finished it was.
fn after(path: &Path, step: &str) -> usize {
    let ledger = local(path);
    ledger.describe().unwrap();
    let uses = [10, 11].map(|number| ledger.approval_use(plan("a"), &id(number)).unwrap());
    assert_eq!(uses[0], uses[1], "{step}: all are spent or none is");
    let lock = locked(&ledger, "main", plan("a"), true);
    assert_eq!(temporaries(path), 0, "{step}");
    let resumed = spend(&ledger, lock, &ids(&[10, 11]), id(101), true);
    let state = match (&uses[0], resumed) {
        (ApprovalUse::Unspent, Ok(spent)) => {
            assert!(spent.resumes().is_empty(), "{step}");
            finish(&ledger, spent, Outcome::Applied).unwrap();
            0
        }
        (ApprovalUse::Resumable { .. }, Ok(spent)) => {
            assert_eq!(spent.resumes(), [id(100)], "{step}");
            finish(&ledger, spent, Outcome::Applied).unwrap();
            1
        }
        (ApprovalUse::Spent { .. }, Err(LedgerError::Spent { .. })) => 2,
        (uses, resumed) => panic!("{step}: {uses:?}, {resumed:?}"),
    };
    let rounds = ledger.rounds(plan("a")).unwrap();
    let finished =
        rounds.iter().filter(|round| matches!(round.state, RoundState::Finished { .. })).count();
    assert_eq!(finished, 1, "{step}: {rounds:?}");
    assert!(ledger.locks().unwrap().is_empty(), "{step}");
    assert!(!ledger.receipts(&target("main")).unwrap().is_empty(), "{step}");
    let next = locked(&ledger, "main", plan("b"), false);
    spend(&ledger, next, &ids(&[12]), id(102), false).unwrap();
    state
}

#[test]
fn a_ledger_killed_while_it_is_made_is_there_or_can_be_made() {
    let whole = tempfile::tempdir().unwrap();
    let steps = undisturbed("ledger::crash::child_creates", whole.path());
    for at in 1..=steps.len() {
        let folder = tempfile::tempdir().unwrap();
        killed("ledger::crash::child_creates", folder.path(), at);
        let path = folder.path().join("ledger");
        let store = || Home::local(Local::open(&path).unwrap());
        match Ledger::open(store(), &label("shop")) {
            Ok(ledger) => assert_eq!(*ledger.id(), id(1), "{at}"),
            Err(LedgerError::Missing(_)) => {
                Ledger::create(store(), &label("shop"), id(2), now()).unwrap();
            }
            Err(other) => panic!("{at}: {other:?}"),
        }
    }
}

#[test]
#[ignore = "run by a_ledger_killed_while_it_is_made_is_there_or_can_be_made"]
fn child_creates() {
    watch_steps();
    drop(local_created(&folder().join("ledger")));
}
