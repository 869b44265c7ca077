//! Ledgers of each kind, measured and printed as a table: `cargo bench --bench ledgers`.
//!
//! A spend is measured through the library: a runner opens the ledger, locks a target, spends two
//! approvals, and finishes. An apply is measured as a process of the release build, in a project
//! whose plans change 100 and 1,000 files. Each runner has a clone of its own that knows nothing of
//! the ledger, and the process an empty state folder, as a job of a pipeline has. Remotes and
//! buckets are servers of this machine (`git http-backend`, LocalStack), and so is the cluster, so
//! that what a network adds is the number of round trips times its latency. Nothing is asserted
//! about time: that is for whoever reads the table. LocalStack must be there
//! (`tests/localstack/install`), Kubernetes (`tests/kubernetes/install`), and Git. With `-- --quick`
//! there are fewer rounds, to see that it works.
#![expect(clippy::expect_used, reason = "a measurement stops at the first surprise")]

#[path = "../../tests/ledger/kinds.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "the tests' own, of which this uses a part")]
mod kinds;
mod project;
mod spend;
#[path = "../../tests/support/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "the tests' own, of which this uses a part"
)]
mod support;
mod times;
mod trips;

use project::Project;
use spend::Spends;
use times::Times;

/// A kind of ledger, and how it is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A folder.
    Local,
    /// A branch of a repository in another folder.
    GitFile,
    /// The same; the apply pushes the changed files with it.
    GitCommit,
    /// A branch of a repository behind a server.
    GitHttp,
    /// A bucket of LocalStack.
    Object,
    /// A namespace of a cluster.
    Kubernetes,
}

const KINDS: [Kind; 6] =
    [Kind::Local, Kind::GitFile, Kind::GitCommit, Kind::GitHttp, Kind::Object, Kind::Kubernetes];

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::GitFile => "git, file://",
            Self::GitCommit => "git, file://, `--commit`",
            Self::GitHttp => "git, HTTP",
            Self::Object => "object-store, S3 of LocalStack",
            Self::Kubernetes => "kubernetes",
        }
    }
}

/// How often what is done.
struct Rounds {
    spends: u64,
    applies: usize,
    files: [usize; 2],
}

/// What was measured for one kind.
struct Measured {
    kind: Kind,
    /// None for a kind whose spends are another's.
    spends: Option<Spends>,
    few: Times,
    many: Times,
    trips: String,
    same_trips: bool,
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let rounds = match quick {
        true => Rounds { spends: 3, applies: 1, files: [100, 200] },
        false => Rounds { spends: 30, applies: 7, files: [100, 1_000] },
    };
    let measured: Vec<Measured> = KINDS.iter().map(|&kind| measure(kind, &rounds)).collect();
    print(&measured, &rounds);
}

fn measure(kind: Kind, rounds: &Rounds) -> Measured {
    eprintln!("{} ...", kind.name());
    let spends = spend::measure(kind, rounds.spends);
    let [few, many] = rounds.files;
    let project = Project::new(kind, few);
    // The first apply of a target writes more than the next ones.
    let _first = project.apply();
    let few = (0..rounds.applies).map(|_| project.apply()).collect();
    let trips = project.trips();
    let project = Project::new(kind, many);
    let _first = project.apply();
    let many = std::iter::once(project.apply()).collect();
    let same_trips = project.trips() == trips;
    Measured { kind, spends, few, many, trips, same_trips }
}

fn print(measured: &[Measured], rounds: &Rounds) {
    let [few, many] = rounds.files;
    let heads = [
        "Ledger".to_owned(),
        "open".to_owned(),
        "lock".to_owned(),
        "spend".to_owned(),
        "finish".to_owned(),
        "together".to_owned(),
        format!("apply, {few} files"),
        format!("apply, {many} files"),
        "round trips of an apply".to_owned(),
    ];
    println!("| {} |", heads.join(" | "));
    println!("|---|{}---|", "---:|".repeat(heads.len() - 2));
    for Measured { kind, spends, few, many, trips, same_trips } in measured {
        let spends = match spends {
            Some(Spends { open, lock, spend, finish, together }) => {
                [open, lock, spend, finish, together].map(ToString::to_string)
            }
            None => std::array::from_fn(|_| String::new()),
        };
        let trips = match same_trips {
            true => trips.clone(),
            false => format!("{trips} (not the same for both sizes)"),
        };
        println!("| {} | {} | {few} | {many} | {trips} |", kind.name(), spends.join(" | "));
    }
    println!();
    println!(
        "Milliseconds: median (least to most) of {} spends and of {} applies; {many} files once.",
        rounds.spends, rounds.applies
    );
    println!(
        "Each runner is born empty: a clone without the ledger's branch; for applies, without state."
    );
    println!("Bucket and cluster of the applies are reached through a proxy here that counts.");
}
