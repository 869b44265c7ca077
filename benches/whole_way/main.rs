//! The whole way on a large tree, measured and printed as a table: `cargo bench`.
//!
//! A tree of 20,000 objects is written to a temporary folder, made a project, and changed by plans
//! of 1,000 and of 10,000 operations. The commands run as processes of the release build. Nothing
//! is asserted about time: that is for whoever reads the table. With `-- --keep DIR` the folder is
//! DIR, which must not exist, and stays.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a measurement stops at the first surprise"
)]

mod process;
mod tree;

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use countersign::custody::{key_file::SecretKey, random};
use countersign::document::ident::Digest;
use countersign::files;
use countersign::plan::Plan;
use process::{Stage, Used};

const SIZES: [usize; 2] = [1_000, 10_000];
/// Runs of what changes nothing; the fastest counts.
const RUNS: usize = 3;

/// Thresholds that let a plan of this size pass the built-in rules.
const SETTINGS: &str = r#"{"settings": {"max_changes": 1000000, "max_deletes": 1000000,
 "max_outages": 1000000, "max_namespaces": 1000000, "max_dependents": 1000000}}"#;

/// What was measured for one number of operations.
struct Measured {
    plan_bytes: usize,
    commands: Vec<(&'static str, Used)>,
    /// Processor time of opening the plan, which all offline checks but policies and signatures are.
    open: Duration,
    /// Processor time of the least that a reader does: the digest, and a parse into plain values.
    parse: Duration,
}

fn main() {
    let (root, keep) = folder();
    let program = Path::new(env!("CARGO_BIN_EXE_countersign"));
    let measured: Vec<Measured> = SIZES
        .iter()
        .map(|&size| {
            let root = root.join(size.to_string());
            fs::create_dir_all(root.join("project/manifests")).expect("a temporary folder");
            measure(&Stage { root: &root, program }, size)
        })
        .collect();
    print(&measured[0], &measured[1]);
    let stage = Stage { root: &root.join(SIZES[0].to_string()), program };
    println!("start-up (--version), median of 20:  {:.1} ms", start_up(&stage).as_secs_f64() * 1e3);
    let size = fs::metadata(program).expect("the program is there").len();
    println!("size of the program as built:        {:.1} MB", size as f64 / 1e6);
    if !keep {
        fs::remove_dir_all(&root).expect("the temporary folder goes");
    }
}

fn folder() -> (PathBuf, bool) {
    let arguments: Vec<String> = std::env::args().collect();
    let named = arguments.iter().position(|argument| argument == "--keep");
    match named.and_then(|at| arguments.get(at + 1)) {
        Some(named) => (PathBuf::from(named), true),
        None => {
            let name = format!("countersign-bench-{}", std::process::id());
            (std::env::temp_dir().join(name), false)
        }
    }
}

/// Makes a project around a fresh tree, and takes one plan of `size` operations the whole way.
fn measure(stage: &Stage<'_>, size: usize) -> Measured {
    let written = tree::write(&stage.root.join("project/manifests")).expect("the tree is written");
    println!("{} objects in {written} files, {size} operations ...", tree::APPS * tree::KINDS);
    let top = files::open_folder(stage.root).expect("the folder opens");
    let keys = top.private_folder_made("keys").expect("a folder for keys");
    let seed = random::bytes::<32>().expect("random bytes");
    SecretKey::create(&keys, "carol", "carol", &seed).expect("a key is made");
    stage.run(&["init", "--person", "carol", "--key", "../keys/carol.pub"]);
    let project = stage.root.join("project");
    for entry in fs::read_dir(project.join("policies")).expect("init makes it") {
        fs::remove_file(entry.expect("an entry").path()).expect("the example rule goes");
    }
    fs::write(project.join("policies/settings.json"), SETTINGS).expect("settings are written");
    let proposal = serde_json::to_vec(&tree::proposal(size)).expect("the proposal is JSON");
    fs::write(project.join("proposal.json"), proposal).expect("the proposal is written");

    let place = "plans/many";
    let mut commands = vec![("plan", stage.fastest(RUNS, &["plan", "-f", "proposal.json"]))];
    commands.push(("policy check", stage.fastest(RUNS, &["policy", "check", place])));
    let bytes = fs::read(project.join(place).join("plan.json")).expect("plan.json is there");
    let digest = Digest::of(&bytes).to_string();
    let known = ["--acknowledge", "data-loss,outage", "--key", "../keys/carol"];
    stage.run(&[&["approve", place, "--digest", &digest][..], &known[..]].concat());
    commands.push(("verify", stage.fastest(RUNS, &["verify", place, "--trusted", "."])));
    // The same amount of work for each size: processor time is counted in hundredths of a second.
    let times = 4 * SIZES[1] / size;
    let open = process::cpu_each(times, || {
        let plan = Plan::open(bytes.clone()).expect("the plan opens");
        black_box(plan.digest());
    });
    let parse = process::cpu_each(times, || {
        let value: serde_json::Value = serde_json::from_slice(&bytes).expect("it is JSON");
        black_box((Digest::of(&bytes), value));
    });
    commands.push(("apply", stage.measure(&["apply", place, "--trusted", "."])));
    Measured { plan_bytes: bytes.len(), commands, open, parse }
}

fn start_up(stage: &Stage<'_>) -> Duration {
    let mut times: Vec<Duration> = (0..20)
        .map(|_| {
            let begun = Instant::now();
            stage.run(&["--version"]);
            begun.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

fn print(small: &Measured, large: &Measured) {
    let seconds = |time: Duration| format!("{:.2} s", time.as_secs_f64());
    let ratio = |a: Duration, b: Duration| format!("{:.1}x", a.as_secs_f64() / b.as_secs_f64());
    let megabytes = |bytes: u64| format!("{:.0} MB", bytes as f64 / 1e6);
    let size = |measured: &Measured| u64::try_from(measured.plan_bytes).unwrap_or_default();
    let row = |cells: [String; 8]| {
        let [name, rest @ ..] = cells;
        let rest: Vec<String> = rest.iter().map(|cell| format!("{cell:>11}")).collect();
        println!("{name:<22}{}", rest.join(""));
    };
    let titles =
        ["", "1,000", "10,000", "growth", "cpu", "growth", "peak", "of worker"].map(str::to_owned);
    println!("\nTimes by the clock, processor time and peak memory for 10,000 operations:");
    row(titles);
    for ((name, a), (_, b)) in small.commands.iter().zip(&large.commands) {
        row([
            (*name).to_owned(),
            seconds(a.wall),
            seconds(b.wall),
            ratio(b.wall, a.wall),
            seconds(b.cpu),
            ratio(b.cpu, a.cpu),
            megabytes(b.peak),
            megabytes(b.child_peak),
        ]);
    }
    println!();
    println!("Processor time of parts, by themselves:");
    for (name, a, b) in
        [("Plan::open", small.open, large.open), ("sha256 + serde_json", small.parse, large.parse)]
    {
        println!("{name:<22}{:>11}{:>11}{:>11}", seconds(a), seconds(b), ratio(b, a));
    }
    println!();
    println!(
        "plan.json:                           {} and {} ({:.1}x)",
        megabytes(size(small)),
        megabytes(size(large)),
        size(large) as f64 / size(small) as f64
    );
    println!("Plan::open beside sha256 + parse:    {}", ratio(large.open, large.parse));
    for (name, used) in &large.commands {
        let times = used.peak as f64 / size(large) as f64;
        println!("peak of {name:<14} / plan.json:    {times:.1}x");
    }
}
