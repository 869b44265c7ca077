//! A whole apply, killed at every durable step: going on ends in the same bytes as an undisturbed
//! run, the approvals are spent once, and the chain of receipts holds.

use std::sync::atomic::{AtomicUsize, Ordering};

use countersign::document::code::Code;
use countersign::document::statement::Outcome;
use countersign::ledger::RoundState;

use crate::support::apply::{locked, plan, target};
use crate::support::killed::{child, folder, killed, side_by_side, undisturbed, watch_steps};
use crate::support::project::{PLAN, Project, Snapshot};

const CHILD: &str = "gate::crash::child_applies";

#[test]
#[ignore = "run by the tests of this file"]
fn child_applies() {
    let project = Project::at(&folder());
    watch_steps();
    project.apply().must(Code::Ok);
}

/// The steps of an undisturbed run, and the manifests after it.
fn recorded() -> (Vec<String>, Snapshot) {
    let whole = tempfile::tempdir().unwrap();
    let project = Project::many_approved().copied_to(whole.path());
    let steps = undisturbed(child(CHILD, whole.path()), whole.path());
    (steps, project.manifests())
}

#[test]
fn an_apply_killed_at_any_step_goes_on_to_the_same_bytes() {
    let (steps, after) = recorded();
    assert!(steps.len() > 100, "{steps:?}");
    // Not begun, half-way, and done.
    let seen = [0; 3].map(AtomicUsize::new);
    side_by_side(1..=steps.len(), |at| {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::many_approved().copied_to(folder.path());
        killed(child(CHILD, folder.path()), at);
        let step = format!("{at}: {}", steps[at - 1]);
        let plain = project.apply();
        let state = match plain.code {
            Code::Ok => 0,
            Code::LockHeld => {
                assert!(plain.err.contains("--resume"), "{step}: {}", plain.err);
                let resumed = project.apply_with(&["--resume"]);
                assert_eq!(resumed.code, Code::Ok, "{step}: {}", resumed.err);
                1
            }
            Code::ApprovalInvalid => {
                assert!(plain.err.contains("is spent"), "{step}: {}", plain.err);
                2
            }
            other => panic!("{step}: {other:?} {}", plain.err),
        };
        seen[state].fetch_add(1, Ordering::SeqCst);
        whole(&project, &after, &step);
    });
    let seen = seen.map(AtomicUsize::into_inner);
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

/// Everything is as after an undisturbed run.
fn whole(project: &Project, after: &Snapshot, step: &str) {
    assert_eq!(project.manifests(), *after, "{step}");
    let ledger = project.ledger();
    let rounds = ledger.rounds(project.digest()).unwrap();
    let finished =
        rounds.iter().filter(|round| matches!(round.state, RoundState::Finished { .. })).count();
    assert_eq!(finished, 1, "{step}: {rounds:?}");
    assert!(rounds.iter().all(|round| round.approvals.len() == 2), "{step}: {rounds:?}");
    let receipts = ledger.receipts(&target("manifests")).unwrap();
    let newest = receipts.last().unwrap_or_else(|| panic!("{step}: no receipt"));
    assert_eq!(newest.statement.predicate.outcome, Outcome::Applied, "{step}");
    let log = project.run(&["log", PLAN]);
    assert_eq!(log.code, Code::Ok, "{step}: {}", log.err);
    let again = project.apply();
    assert_eq!(again.code, Code::ApprovalInvalid, "{step}: {}", again.err);
    // Killed before it gave its lock back, it is still in nobody's way.
    let next = locked(&ledger, "manifests", plan("next"), false);
    ledger.release(next).unwrap();
    assert!(ledger.locks().unwrap().is_empty(), "{step}");
    let leftovers: Vec<_> = project
        .snapshot()
        .into_keys()
        .filter(|name| name.contains(".countersign-") && name.contains("manifests"))
        .collect();
    assert!(leftovers.is_empty(), "{step}: {leftovers:?}");
}

#[test]
fn a_killed_apply_can_be_given_up_and_grants_nothing_afterwards() {
    let (steps, _) = recorded();
    let given_up = AtomicUsize::new(0);
    side_by_side((1..=steps.len()).step_by(9), |at| {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::many_approved().copied_to(folder.path());
        killed(child(CHILD, folder.path()), at);
        let step = format!("{at}: {}", steps[at - 1]);
        // All that a killed process leaves beside whole files are temporary ones of its own.
        let own = |name: &String| name.contains(".countersign-");
        let mut left = project.manifests();
        let said = project.apply_with(&["--abandon", "--reason", "the runner died"]);
        match said.code {
            // Nothing was begun, or all of it was done.
            Code::Error => assert!(said.err.contains("begun"), "{step}: {}", said.err),
            Code::Ok => {
                left.retain(|name, _| !own(name));
                given_up.fetch_add(1, Ordering::SeqCst);
                for more in [&[][..], &["--resume"]] {
                    let again = project.apply_with(more);
                    assert_eq!(again.code, Code::ApprovalInvalid, "{step}: {}", again.err);
                }
                assert!(project.ledger().locks().unwrap().is_empty(), "{step}");
                let log = project.run(&["log", PLAN]);
                assert_eq!(log.code, Code::Ok, "{step}: {}", log.err);
            }
            other => panic!("{step}: {other:?} {}", said.err),
        }
        assert_eq!(project.manifests(), left, "{step}");
    });
    assert!(given_up.into_inner() > 3);
}
