//! The demo is the promise of the README: it plays with the real program, and counts.

use std::process::Command;
use std::process::Stdio;

use super::shop::{Shop, wait};

#[test]
fn the_demo_is_refused_five_times_and_applied_once() {
    let shop = Shop::bare();
    let keep = shop.path("demo");
    let run = shop.run(&["demo", "--keep", keep.to_str().unwrap()]).exits(0);
    assert_eq!(run.stderr, "");
    let count = |code: &str| run.stdout.matches(&format!("\n   exit {code}\n")).count();
    for code in ["10", "11", "12", "13", "14"] {
        assert_eq!(count(code), 1, "exit {code} in {}", run.stdout);
    }
    assert!(run.stdout.contains("\n5 refused, 1 applied, "), "{}", run.stdout);
    // What it tells the user to type at its end works as it stands.
    let (_, closing) = run.stdout.split_once("know nothing of Countersign:\n").unwrap();
    let lines = closing.lines().take_while(|line| line.starts_with("  "));
    let script = format!("set -eu\n{}", lines.collect::<Vec<_>>().join("\n"));
    let mut shell = Command::new("bash");
    shell.args(["-c", &script]).stdin(Stdio::null());
    shell.stdout(Stdio::piped()).stderr(Stdio::piped());
    let checked = wait(shell.spawn().unwrap());
    let told = String::from_utf8(checked.stdout).unwrap();
    assert!(checked.status.success(), "{script}\n{told}");
    assert!(told.contains("Good \"approval.v1@countersign\" signature for bob"), "{told}");
}

#[test]
fn the_demo_never_plays_in_a_folder_that_is_there() {
    let shop = Shop::bare();
    shop.run(&["demo", "--keep", "manifests"]).exits(1).says(&["manifests is there already"]);
}
