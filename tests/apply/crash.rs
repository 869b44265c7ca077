//! Killed at every durable step of a whole apply, then resumed: the same bytes as undisturbed.

use std::sync::atomic::{AtomicUsize, Ordering};

use countersign::document::statement::{Fate, Outcome};
use countersign::ledger::LedgerError;

use super::sandbox::{Sandbox, files};
use crate::support::apply::*;
use crate::support::killed::{
    child, folder, killed, killed_if_reached, side_by_side, undisturbed, watch_steps,
};

const CHILD: &str = "apply::crash::child_applies";

#[test]
fn an_apply_killed_at_any_step_is_resumed_to_the_same_bytes() {
    let whole = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::new(whole.path());
    let (before, applied) = (sandbox.tree(), sandbox.applied());
    let steps = undisturbed(child(CHILD, whole.path()), whole.path());
    assert_eq!(sandbox.tree(), applied);
    assert!(steps.len() > 100, "{steps:?}");
    let halfway = AtomicUsize::new(0);
    side_by_side(1..=steps.len(), |at| {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::new(folder.path());
        killed(child(CHILD, folder.path()), at);
        let step = format!("{at}: {}", steps[at - 1]);
        let found = sandbox.tree();
        let is_halfway = usize::from(found != before && found != applied);
        halfway.fetch_add(is_halfway, Ordering::SeqCst);
        resume(&sandbox, &step);
        assert_eq!(sandbox.tree(), applied, "{step}");
    });
    let halfway = halfway.into_inner();
    assert!(halfway > 20, "{halfway}");
}

#[test]
fn a_resume_that_is_killed_too_is_resumed_to_the_same_bytes() {
    let cases = (30..160)
        .step_by(13)
        .flat_map(|first| (20..200).step_by(27).map(move |second| (first, second)));
    side_by_side(cases, |(first, second)| {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::new(folder.path());
        let applied = sandbox.applied();
        let mut open = killed_if_reached(child(CHILD, folder.path()), first);
        open &= open && killed_if_reached(child(CHILD, folder.path()), second);
        if open {
            resume(&sandbox, &format!("{first}, {second}"));
        }
        assert_eq!(sandbox.tree(), applied, "{first}, {second}");
    });
}

#[test]
#[ignore = "run by an_apply_killed_at_any_step_is_resumed_to_the_same_bytes"]
fn child_applies() {
    let sandbox = Sandbox::existing(&folder());
    let ledger = sandbox.ledger();
    watch_steps();
    // Set where nothing was begun too: it only permits to go on.
    let lock = locked(&ledger, "main", plan("a"), true);
    let spent = match spend(&ledger, lock, &ids(&[10]), fresh(), true) {
        Ok(spent) => spent,
        Err(LedgerError::Spent { .. }) => return,
        Err(other) => panic!("{other:?}"),
    };
    let report = sandbox.run(&ledger, &spent);
    sandbox.finish(&ledger, spent, &report);
}

fn resume(sandbox: &Sandbox, step: &str) {
    let ledger = sandbox.ledger();
    let lock = locked(&ledger, "main", plan("a"), true);
    let begun: Vec<_> = ledger.rounds(plan("a")).unwrap();
    let spent = match spend(&ledger, lock, &ids(&[10]), fresh(), true) {
        Ok(spent) => spent,
        Err(LedgerError::Spent { .. }) => {
            assert!(!begun.is_empty() && !begun[0].state.is_open(), "{step}");
            return;
        }
        Err(other) => panic!("{step}: {other:?}"),
    };
    let mut written_before = Vec::new();
    for round in &begun {
        for line in ledger.journal_lines(&round.apply_id).unwrap() {
            if let countersign::ledger::Line::Done { item } = line {
                written_before.push(item);
            }
        }
    }
    let report = sandbox.run(&ledger, &spent);
    assert!(report.stop().is_none(), "{step}: {:?}", report.stop());
    for item in report.items() {
        assert!(
            !(written_before.contains(&item.item) && item.fate == Fate::Written),
            "{step}: {} was written twice",
            item.item
        );
    }
    assert_eq!(report.items().len(), files().len(), "{step}");
    assert_eq!(sandbox.finish(&ledger, spent, &report), Outcome::Applied, "{step}");
    assert!(ledger.locks().unwrap().is_empty(), "{step}");
}
