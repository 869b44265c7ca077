//! Eight processes, one approval, one winner: on every kind of ledger, fifty times.

use std::path::Path;
use std::time::Duration;

use countersign::document::statement::Outcome;
use countersign::ledger::{Ledger, LedgerError};

use super::kinds::{Ground, Kind, opened_by};
use crate::support::apply::*;
use crate::support::killed::folder;

const PROCESSES: usize = 8;
const ROUNDS: &str = "COUNTERSIGN_TEST_ROUNDS";
/// Nobody dies here: only a lock that is given back is taken.
const LEASE: Duration = Duration::from_secs(20);

#[test]
fn of_eight_processes_that_spend_one_approval_one_wins() {
    race(Kind::Local, 50);
}

#[test]
fn of_eight_runners_with_clones_of_their_own_one_wins() {
    race(Kind::Git, 50);
}

#[test]
fn of_eight_processes_in_one_clone_one_wins() {
    race(Kind::OneClone, 6);
}

#[test]
fn of_eight_runners_of_one_bucket_one_wins() {
    race(Kind::Object, 50);
}

#[test]
fn of_eight_runners_of_one_namespace_one_wins() {
    race(Kind::Kubernetes, 50);
}

fn race(kind: Kind, rounds: usize) {
    let ground = Ground::with_ledger(kind, LEASE);
    let children: Vec<_> = (0..PROCESSES)
        .map(|number| {
            let mut child = ground.child("ledger::race::child_races");
            child.env("COUNTERSIGN_TEST_NUMBER", number.to_string());
            child.env(ROUNDS, rounds.to_string()).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    for round in 0..rounds {
        let results: Vec<String> = (0..PROCESSES)
            .map(|number| {
                let path = ground.folder.path().join(format!("result-{round}-{number}"));
                std::fs::read_to_string(path).unwrap()
            })
            .collect();
        let won = results.iter().filter(|result| *result == "won").count();
        assert_eq!(won, 1, "round {round}: {results:?}");
        let known = ["won", "held", "begun", "spent"];
        assert!(results.iter().all(|result| known.contains(&result.as_str())), "{results:?}");
    }
    let ledger = ground.open("after");
    let seen = ledger.describe().unwrap();
    assert_eq!(seen.plans.len(), rounds);
    assert!(seen.plans.iter().all(|plan| plan.rounds.len() == 1), "{:?}", seen.plans);
    assert!(seen.locks.is_empty(), "{:?}", seen.locks);
    let receipts = seen.chains.iter().map(|chain| chain.length).sum::<u64>();
    assert_eq!(receipts, u64::try_from(rounds).unwrap());
}

#[test]
#[ignore = "run by race"]
fn child_races() {
    let number: usize = std::env::var("COUNTERSIGN_TEST_NUMBER").unwrap().parse().unwrap();
    let rounds: usize = std::env::var(ROUNDS).unwrap().parse().unwrap();
    let folder = folder();
    wait_for_my_turn(&folder, number);
    let ledger = opened_by(&format!("runner-{number}"));
    for round in 0..rounds {
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

/// One clone is made after the other: what is shared may have to be made by the first.
fn wait_for_my_turn(folder: &Path, number: usize) {
    if number > 0 {
        wait_for(|| folder.join("ready-0-0").exists());
    }
}

fn wait_for_all(folder: &Path, round: usize, number: usize) {
    std::fs::write(folder.join(format!("ready-{round}-{number}")), "").unwrap();
    let ready = |number| folder.join(format!("ready-{round}-{number}")).exists();
    wait_for(|| (0..PROCESSES).all(ready));
}

fn wait_for(come: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !come() {
        assert!(start.elapsed().as_secs() < 300, "the others did not come");
        std::thread::sleep(Duration::from_millis(2));
    }
}
