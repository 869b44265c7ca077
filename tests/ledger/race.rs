//! Eight processes, one approval, one winner.

use std::path::Path;

use countersign::document::statement::Outcome;
use countersign::ledger::{Ledger, LedgerError};

use crate::support::apply::*;
use crate::support::killed::{child, folder};

const PROCESSES: usize = 8;
const ROUNDS: usize = 12;

#[test]
fn of_eight_processes_that_spend_one_approval_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    drop(local_created(&folder.path().join("ledger")));
    let children: Vec<_> = (0..PROCESSES)
        .map(|number| {
            child("ledger::race::child_races", folder.path())
                .env("COUNTERSIGN_TEST_NUMBER", number.to_string())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let ledger = local(&folder.path().join("ledger"));
    for round in 0..ROUNDS {
        let results: Vec<String> = (0..PROCESSES)
            .map(|number| {
                let path = folder.path().join(format!("result-{round}-{number}"));
                std::fs::read_to_string(path).unwrap()
            })
            .collect();
        let won = results.iter().filter(|result| *result == "won").count();
        assert_eq!(won, 1, "round {round}: {results:?}");
        let known = ["won", "held", "begun", "spent"];
        assert!(results.iter().all(|result| known.contains(&result.as_str())), "{results:?}");
    }
    let seen = ledger.describe().unwrap();
    assert_eq!(seen.plans.len(), ROUNDS);
    assert!(seen.locks.is_empty(), "{:?}", seen.locks);
}

#[test]
#[ignore = "run by of_eight_processes_that_spend_one_approval_one_wins"]
fn child_races() {
    let number: usize = std::env::var("COUNTERSIGN_TEST_NUMBER").unwrap().parse().unwrap();
    let folder = folder();
    let ledger = local(&folder.join("ledger"));
    for round in 0..ROUNDS {
        wait_for_all(&folder, round, number);
        let result = match one(&ledger, round, number) {
            Ok(()) => "won".to_owned(),
            Err(LedgerError::Held(_) | LedgerError::Busy(_)) => "held".to_owned(),
            Err(LedgerError::Begun { .. }) => "begun".to_owned(),
            Err(LedgerError::Spent { .. }) => "spent".to_owned(),
            Err(other) => format!("{other:?}"),
        };
        std::fs::write(folder.join(format!("result-{round}-{number}")), result).unwrap();
    }
}

/// The same plan and target for all in even rounds, a plan and target of its own in odd ones.
fn one(ledger: &Ledger, round: usize, number: usize) -> Result<(), LedgerError> {
    let of_its_own = if round.is_multiple_of(2) { 0 } else { number };
    let plan = plan(&format!("{round} {of_its_own}"));
    let target = target(&format!("t{of_its_own}"));
    let lock = ledger.lock(&target, plan, fresh(), holder(), false)?;
    let approvals = ids(&[u64::try_from(round).unwrap()]);
    let spent = spend(ledger, lock, &approvals, fresh(), false)?;
    finish(ledger, spent, Outcome::Applied)?;
    Ok(())
}

fn wait_for_all(folder: &Path, round: usize, number: usize) {
    std::fs::write(folder.join(format!("ready-{round}-{number}")), "").unwrap();
    let ready = |number| folder.join(format!("ready-{round}-{number}")).exists();
    let start = std::time::Instant::now();
    while !(0..PROCESSES).all(ready) {
        assert!(start.elapsed().as_secs() < 120, "the others did not come");
        std::thread::yield_now();
    }
}
