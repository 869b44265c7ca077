//! Plans and applies on a cluster, beside `kubectl` on the same server: `cargo bench --bench cluster`.
//!
//! 400 ConfigMaps, 200 Services, 300 Deployments without replicas and 100 ServiceAccounts are
//! created, and then all changed, by `kubectl` and by the release build, as processes, each in a
//! namespace of its own, one after the other in each round; then ten times as many by the release
//! build alone. Beside them stands the least that a plan needs, by a bare client. The cluster is etcd
//! and API server only, so that nothing else asks the server meanwhile, and nobody waits for
//! readiness. Nothing is asserted about time: that is for whoever reads the table. Kubernetes must be
//! there (`tests/kubernetes/install`). `-- --rounds N` is the number of rounds, 3 without it;
//! `-- --quick` has one round of 100 objects, to see that it works; `-- --small` leaves the large
//! ones out.
#![expect(clippy::expect_used, reason = "a measurement stops at the first surprise")]

mod floor;
mod objects;
#[path = "../whole_way/process.rs"]
#[allow(dead_code, reason = "another bench's, of which this uses a part")]
mod process;
mod requests;
mod scene;
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

use std::collections::BTreeMap;
use std::time::Duration;

use process::Used;
use requests::Requests;
use scene::Scene;
use support::cluster::Cluster;

/// What was measured of one piece of work, once for each round.
#[derive(Default)]
struct Measured {
    runs: Vec<Used>,
    requests: Requests,
}

/// By the number of objects and the name of the work.
type Table = BTreeMap<(usize, &'static str), Measured>;

const FLOOR: &str = "floor of a plan";
const DIFF: &str = "kubectl diff";
const PLAN: &str = "countersign plan";
const UPDATE: &str = "kubectl apply, update";
const APPLY: &str = "countersign apply, update";
const SAME: &str = "kubectl apply, no change";
const NOTHING: &str = "countersign plan, no change";
const CREATE: &str = "kubectl apply, create";
const PLAN_CREATE: &str = "countersign plan, create";
const APPLY_CREATE: &str = "countersign apply, create";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let named = arguments.iter().position(|argument| argument == "--rounds");
    let rounds = named.and_then(|at| arguments.get(at + 1)?.parse().ok());
    let (few, rounds) = if has("--quick") { (100, 1) } else { (1_000, rounds.unwrap_or(3)) };
    let cluster = Cluster::alone();
    let mut table = Table::new();
    let scene = Scene::new(&cluster, few);
    beside(&scene, rounds, &mut table);
    if !has("--small") {
        alone(&Scene::new(&cluster, 10 * few), rounds.min(2), &mut table);
    }
    print(&table, few);
}

/// Both programs, in turn.
fn beside(scene: &Scene<'_>, rounds: usize, table: &mut Table) {
    let mut note = |work, run: &dyn Fn() -> Used| note(scene, table, work, run);
    note(CREATE, &|| scene.kubectl("apply", 0));
    note(PLAN_CREATE, &|| scene.plan(0));
    note(APPLY_CREATE, &|| scene.apply(0));
    for version in 1..=rounds {
        note(FLOOR, &|| Used { wall: scene.floor(version), ..Used::default() });
        note(DIFF, &|| scene.kubectl("diff", version));
        note(PLAN, &|| scene.plan(version));
        note(UPDATE, &|| scene.kubectl("apply", version));
        note(APPLY, &|| scene.apply(version));
        note(SAME, &|| scene.kubectl("apply", version));
        note(NOTHING, &|| scene.plan_again(version));
    }
}

/// The release build only.
fn alone(scene: &Scene<'_>, rounds: usize, table: &mut Table) {
    let mut note = |work, run: &dyn Fn() -> Used| note(scene, table, work, run);
    note(PLAN_CREATE, &|| scene.plan(0));
    note(APPLY_CREATE, &|| scene.apply(0));
    for version in 1..=rounds {
        note(FLOOR, &|| Used { wall: scene.floor(version), ..Used::default() });
        note(PLAN, &|| scene.plan(version));
        note(APPLY, &|| scene.apply(version));
        note(NOTHING, &|| scene.plan_again(version));
    }
}

fn note(scene: &Scene<'_>, table: &mut Table, work: &'static str, run: &dyn Fn() -> Used) {
    let before = scene.requests();
    let used = run();
    let requests = scene.requests().since(&before);
    eprintln!(
        "{} objects, {work}: {:.2} s; load {}",
        scene.count(),
        used.wall.as_secs_f64(),
        load()
    );
    let measured = table.entry((scene.count(), work)).or_default();
    measured.runs.push(used);
    measured.requests = requests;
}

/// Processes that want to run on this machine, over the last minute: what a time is worth.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

fn print(table: &Table, few: usize) {
    println!(
        "| objects | work | wall, least (all) | cpu | peak memory | requests of the last run |"
    );
    println!("|---:|---|---:|---:|---:|---|");
    for ((count, work), Measured { runs, requests }) in table {
        let all: Vec<String> = runs.iter().map(|used| seconds(used.wall)).collect();
        let peak = runs.iter().map(|used| used.peak).max().unwrap_or_default();
        let cpu = runs.iter().map(|used| used.cpu).min().unwrap_or_default();
        println!(
            "| {count} | {work} | {} s ({}) | {} s | {:.0} MB | {requests} |",
            seconds(least(table, *count, work)),
            all.join(", "),
            seconds(cpu),
            peak as f64 / 1e6
        );
    }
    println!();
    let ratio = |(a, of_a): (usize, &'static str), (b, of_b): (usize, &'static str), aim: &str| {
        if let (Some(_), Some(_)) = (table.get(&(a, of_a)), table.get(&(b, of_b))) {
            let each = |count, work| least(table, count, work).as_secs_f64() / count as f64;
            println!(
                "{of_a} ({a}) / {of_b} ({b}): {:.2} (aim {aim})",
                each(a, of_a) / each(b, of_b)
            );
        }
    };
    let many = 10 * few;
    ratio((few, PLAN), (few, DIFF), "0.25");
    ratio((few, PLAN), (few, FLOOR), "1.3");
    ratio((few, APPLY), (few, UPDATE), "1");
    ratio((few, APPLY_CREATE), (few, CREATE), "1");
    ratio((few, NOTHING), (few, SAME), "0.5");
    println!("Time for each object:");
    ratio((many, FLOOR), (few, FLOOR), "none: what the server itself does");
    ratio((many, PLAN), (few, PLAN), "1.3");
    ratio((many, APPLY), (few, APPLY), "1.3");
    ratio((many, PLAN), (many, FLOOR), "1.3");
}

fn least(table: &Table, count: usize, work: &'static str) -> Duration {
    let runs = table.get(&(count, work)).map(|measured| &measured.runs);
    runs.into_iter().flatten().map(|used| used.wall).min().unwrap_or_default()
}

fn seconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64())
}
