//! Killed at every durable step, on every kind of ledger: afterwards nothing was spent, or a process
//! on another machine, which has seen nothing, goes on with the apply.

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use countersign::document::statement::Outcome;
use countersign::ledger::local::Local;
use countersign::ledger::{ApprovalUse, Home, Ledger, LedgerError, RoundState};

use super::kinds::{Ground, Kind, opened_by};
use super::local::temporaries;
use crate::support::apply::*;
use crate::support::killed::{folder, killed, side_by_side, undisturbed, watch_steps};

const CHILD: &str = "ledger::crash::child_applies";
const LEASE: Duration = Duration::from_secs(6);

#[test]
fn a_round_killed_at_any_step_spent_nothing_or_is_resumed() {
    let steps = killed_at_every_step(Kind::Local);
    assert!(steps.len() > 60, "{steps:?}");
}

#[test]
fn a_round_in_a_branch_killed_at_any_step_is_resumed_from_another_clone() {
    let steps = killed_at_every_step(Kind::Git);
    let pushes = steps.iter().filter(|step| *step == "git push").count();
    assert!(pushes >= 4, "{steps:?}");
}

#[test]
fn a_round_in_a_bucket_killed_at_any_step_is_resumed_from_another_machine() {
    let steps = killed_at_every_step(Kind::Object);
    assert!(steps.len() >= 16, "{steps:?}");
}

#[test]
fn a_round_in_a_namespace_killed_at_any_step_is_resumed_from_another_machine() {
    let steps = killed_at_every_step(Kind::Kubernetes);
    assert!(steps.len() >= 16, "{steps:?}");
}

fn killed_at_every_step(kind: Kind) -> Vec<String> {
    let whole = Ground::with_ledger(kind, LEASE);
    let steps = undisturbed(whole.child(CHILD), whole.folder.path());
    let seen = Mutex::new([0; 3]);
    side_by_side(1..=steps.len(), |at| {
        let ground = Ground::with_ledger(kind, LEASE);
        killed(ground.child(CHILD), at);
        let state = after(&ground, &format!("{at}: {}", steps[at - 1]));
        seen.lock().unwrap()[state] += 1;
    });
    let seen = seen.into_inner().unwrap();
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
    steps
}

#[test]
#[ignore = "run by killed_at_every_step"]
fn child_applies() {
    let ledger = opened_by("runner");
    watch_steps();
    let lock = locked(&ledger, "main", plan("a"), false);
    let spent = spend(&ledger, lock, &ids(&[10, 11]), id(100), false).unwrap();
    let recorded = ledger.begin(&spent, "web.yaml", None, Some(plan("x"))).unwrap();
    ledger.done(&spent, recorded.written()).unwrap();
    finish(&ledger, spent, Outcome::Applied).unwrap();
}

/// Which of unspent, resumable and finished it was.
fn after(ground: &Ground, step: &str) -> usize {
    let ledger = ground.open("other");
    ledger.describe().unwrap();
    let uses = [10, 11].map(|number| ledger.approval_use(plan("a"), &id(number)).unwrap());
    assert_eq!(uses[0], uses[1], "{step}: all are spent or none is");
    let lock = locked(&ledger, "main", plan("a"), true);
    if ground.kind == Kind::Local {
        assert_eq!(temporaries(ground.folder.path()), 0, "{step}");
    }
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
    // The runner that was killed goes on too, in whatever it left behind.
    let ledger = ground.open("runner");
    let rounds = ledger.rounds(plan("a")).unwrap();
    let finished =
        rounds.iter().filter(|round| matches!(round.state, RoundState::Finished { .. })).count();
    assert_eq!(finished, 1, "{step}: {rounds:?}");
    assert!(ledger.locks().unwrap().is_empty(), "{step}");
    assert!(!ledger.receipts(&target("main")).unwrap().is_empty(), "{step}");
    let next = locked(&ledger, "main", plan("b"), false);
    drop(spend(&ledger, next, &ids(&[12]), id(102), false).unwrap());
    state
}

#[test]
fn a_ledger_killed_while_it_is_made_is_there_or_can_be_made() {
    const CHILD: &str = "ledger::crash::child_creates";
    let whole = tempfile::tempdir().unwrap();
    let child = |folder: &Path| crate::support::killed::child(CHILD, folder);
    let steps = undisturbed(child(whole.path()), whole.path());
    for at in 1..=steps.len() {
        let folder = tempfile::tempdir().unwrap();
        killed(child(folder.path()), at);
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
