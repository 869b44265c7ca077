//! Eight processes, in clones of their own and in one: one winner each time, and nothing lost.

use countersign::document::statement::Outcome;

use super::*;
use crate::support::killed::{child, folder};

const PROCESSES: usize = 8;
const ROUNDS: usize = 3;

#[test]
fn of_eight_clones_that_spend_one_approval_one_wins() {
    race(|server, number| drop(server.clone(&format!("clone-{number}"), &[])));
}

#[test]
fn of_eight_processes_in_one_clone_that_spend_one_approval_one_wins() {
    race(|server, number| {
        if number == 0 {
            server.clone("clone", &[]);
        }
        std::os::unix::fs::symlink("clone", server.folder.path().join(format!("clone-{number}")))
            .unwrap();
    });
}

fn race(clone: impl Fn(&Server, usize)) {
    let server = Server::new();
    let (_, ledger) = made(&server);
    (0..PROCESSES).for_each(|number| clone(&server, number));
    let children: Vec<_> = (0..PROCESSES)
        .map(|number| {
            let mut child = child("ledger::git::race::child_races", server.folder.path());
            child.env("COUNTERSIGN_TEST_NUMBER", number.to_string()).spawn().unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    ledger.refresh().unwrap();
    for round in 0..ROUNDS {
        let path = |number| server.folder.path().join(format!("result-{round}-{number}"));
        let results: Vec<_> =
            (0..PROCESSES).map(|number| std::fs::read_to_string(path(number)).unwrap()).collect();
        let won = results.iter().filter(|result| *result == "won").count();
        assert_eq!(won, 1, "round {round}: {results:?}");
        let known = ["won", "held", "begun", "spent"];
        assert!(results.iter().all(|result| known.contains(&result.as_str())), "{results:?}");
    }
    let seen = ledger.describe().unwrap();
    assert_eq!(seen.plans.len(), ROUNDS);
    assert!(seen.locks.is_empty(), "{:?}", seen.locks);
    // Each wrote records of its own besides, and none of them is missing.
    let store = opened(&server.clone("after", &[]), &server).unwrap();
    assert_eq!(store.names(&name("own")).unwrap().len(), PROCESSES * ROUNDS);
}

#[test]
#[ignore = "run by race"]
fn child_races() {
    let number: usize = std::env::var("COUNTERSIGN_TEST_NUMBER").unwrap().parse().unwrap();
    let folder = folder();
    let clone = folder.join(format!("clone-{number}"));
    let mut surroundings = surroundings(&folder);
    surroundings.patience = Duration::from_secs(120);
    let place = GitPlace { lease: Duration::from_secs(30), ..at(BRANCH) };
    let repository = Repository::open(&clone, surroundings).unwrap();
    let store = Arc::new(Git::open(&repository, place).unwrap());
    let ledger = Ledger::open(Home::shared(Arc::clone(&store) as _), &label("shop")).unwrap();
    for round in 0..ROUNDS {
        wait_for_all(&folder, round, number);
        write(&store, &format!("own/{round}/{number}"), "{}", None).unwrap();
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
        assert!(start.elapsed().as_secs() < 240, "the others did not come");
        std::thread::sleep(Duration::from_millis(2));
    }
}
