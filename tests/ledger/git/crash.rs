//! Killed before and after each fetch, commit and push: another process, in another clone, goes on.

use countersign::document::statement::Outcome;
use countersign::ledger::ApprovalUse;

use super::*;
use crate::support::killed::{folder, killed, side_by_side, undisturbed, watch_steps};

#[test]
fn a_round_killed_at_any_step_spent_nothing_or_is_resumed_from_another_clone() {
    let whole = Server::new();
    made(&whole);
    whole.clone("runner", &[]);
    let steps = undisturbed("ledger::git::crash::child_applies", whole.folder.path());
    assert!(steps.iter().filter(|step| *step == "git push").count() >= 3, "{steps:?}");
    let seen = std::sync::Mutex::new([0; 3]);
    let of_git = |at: &usize| steps[*at - 1].starts_with("git ");
    side_by_side((1..=steps.len()).filter(of_git), |at| {
        let server = Server::new();
        made(&server);
        server.clone("runner", &[]);
        killed("ledger::git::crash::child_applies", server.folder.path(), at);
        let state = after(&server, &format!("{at}: {}", steps[at - 1]));
        seen.lock().unwrap()[state] += 1;
    });
    let seen = seen.into_inner().unwrap();
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

#[test]
#[ignore = "run by a_round_killed_at_any_step_spent_nothing_or_is_resumed_from_another_clone"]
fn child_applies() {
    watch_steps();
    let repository = Repository::open(&folder().join("runner"), surroundings(&folder())).unwrap();
    let store = Arc::new(Git::open(&repository, at(BRANCH)).unwrap());
    let ledger = Ledger::open(Home::shared(store), &label("shop")).unwrap();
    let lock = locked(&ledger, "main", plan("a"), false);
    let spent = spend(&ledger, lock, &ids(&[10, 11]), id(100), false).unwrap();
    finish(&ledger, spent, Outcome::Applied).unwrap();
}

/// Which of unspent, resumable and finished it was.
fn after(server: &Server, step: &str) -> usize {
    // The same clone is usable too, whatever was being done in it.
    found(&server.folder.path().join("runner"), server).unwrap().describe().unwrap();
    let ledger = found(&server.clone("other", &[]), server).unwrap();
    let uses = [10, 11].map(|number| ledger.approval_use(plan("a"), &id(number)).unwrap());
    assert_eq!(uses[0], uses[1], "{step}: all are spent or none is");
    let lock = locked(&ledger, "main", plan("a"), true);
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
    assert!(!ledger.receipts(&target("main")).unwrap().is_empty(), "{step}");
    state
}
