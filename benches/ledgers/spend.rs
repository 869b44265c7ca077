//! One spend after the other, each by a runner of its own, through the library.

use std::time::{Duration, Instant};

use countersign::document::statement::Outcome;

use crate::Kind;
use crate::kinds::{self, Ground};
use crate::support::apply::{finish, fresh, ids, locked, plan, spend};
use crate::support::git::git;
use crate::support::git_http::{GitHttp, Rights};
use crate::times::Times;

/// Longer than anything that is measured: no lock is renewed meanwhile.
const LEASE: Duration = Duration::from_secs(600);

/// What one spend is made of.
#[derive(Debug)]
pub(crate) struct Spends {
    /// Until the ledger is open.
    pub(crate) open: Times,
    /// From there until the target is locked.
    pub(crate) lock: Times,
    /// From there until the approvals are spent.
    pub(crate) spend: Times,
    /// From there until the receipt is kept and the target unlocked.
    pub(crate) finish: Times,
    /// All of it.
    pub(crate) together: Times,
}

/// Measures so many spends; none where they are another kind's.
pub(crate) fn measure(kind: Kind, rounds: u64) -> Option<Spends> {
    let of_tests = match kind {
        Kind::Local => kinds::Kind::Local,
        Kind::GitFile | Kind::GitHttp => kinds::Kind::Git,
        Kind::GitCommit => return None,
        Kind::Object => kinds::Kind::Object,
        Kind::Kubernetes => kinds::Kind::Kubernetes,
    };
    let ground = Ground::with_ledger(of_tests, LEASE);
    let folder = ground.folder.path();
    let address = format!("file://{}", folder.join("remote.git").display());
    let http = (kind == Kind::GitHttp).then(|| GitHttp::serve(folder, Rights::open()));
    // The first one makes what the next ones find.
    let laps: Vec<[Duration; 4]> = (0..=rounds)
        .map(|round| {
            let runner = format!("runner-{round}");
            if of_tests == kinds::Kind::Git {
                git(folder, &["clone", "--quiet", "--single-branch", &address, &runner]);
            }
            if let Some(http) = &http {
                let url = format!("http://{}/remote.git", http.address());
                git(&folder.join(&runner), &["remote", "set-url", "origin", &url]);
            }
            one(&ground, &runner, round)
        })
        .skip(1)
        .collect();
    let lap = |at: usize| laps.iter().filter_map(|laps| laps.get(at)).copied().collect();
    Some(Spends {
        open: lap(0),
        lock: lap(1),
        spend: lap(2),
        finish: lap(3),
        together: laps.iter().map(|laps| laps.iter().sum()).collect(),
    })
}

fn one(ground: &Ground, runner: &str, round: u64) -> [Duration; 4] {
    let approvals = ids(&[2 * round, 2 * round + 1]);
    let mut begun = Instant::now();
    let mut lap = || {
        let now = Instant::now();
        now - std::mem::replace(&mut begun, now)
    };
    let ledger = ground.open(runner);
    let opened = lap();
    let lock = locked(&ledger, "main", plan(runner), false);
    let taken = lap();
    let spent = spend(&ledger, lock, &approvals, fresh(), false);
    let spent = spent.expect("the approvals are new");
    let gone = lap();
    finish(&ledger, spent, Outcome::Applied).expect("the receipt follows the last one");
    [opened, taken, gone, lap()]
}
