//! Readers that go away and people who press Ctrl-C.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::shop::{Shop, wait};

#[test]
fn a_reader_that_goes_away_is_no_failure_and_no_panic() {
    let shop = Shop::planned();
    let line = format!(
        "set -o pipefail; '{}' review plans/scale-web plans/scale-web plans/scale-web | head -1",
        env!("CARGO_BIN_EXE_countersign")
    );
    let mut shell = Command::new("bash");
    shell.args(["-c", &line]).current_dir(shop.path("shop")).stdin(Stdio::null());
    let output = wait(shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1);
    assert!(output.status.success(), "{:?}", output.status);
}

#[test]
fn a_stdout_that_cannot_be_written_is_no_panic() {
    let shop = Shop::planned();
    for line in [
        &["review", "plans/scale-web"][..],
        &["review", "plans/scale-web", "-o", "json"],
        &["status"],
        &["--help"],
        &["schema", "plan"],
    ] {
        let mut command = shop.command(line);
        command.stdout(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
        let run = shop.finish(line, command);
        assert!(run.code.is_some(), "{run:#?}");
        assert!(!run.stderr.contains("panicked"), "{run:#?}");
    }
}

/// A plan of so many new objects that its apply can be stopped on its way.
fn long(objects: usize) -> Shop {
    let shop = Shop::new();
    let many: String = (0..objects)
        .map(|n| {
            format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{n}, namespace: many}}\ndata: {{a: \"{n}\"}}\n")
        })
        .collect();
    shop.write("shop/many.yaml", many);
    let toml = shop.text("shop/countersign.toml");
    shop.write("shop/countersign.toml", toml.replace("[policy]", "[policy]\nbuiltin = false"));
    shop.run(&["-q", "plan", "-f", "many.yaml", "--name", "many"]).exits(0);
    let digest = shop.digest("many");
    shop.run(&["approve", "plans/many", "--digest", &digest]).exits(0);
    shop
}

#[test]
fn an_interrupt_before_the_first_write_changes_nothing_and_is_130() {
    let shop = long(6_000);
    let mut child = shop.command(&["apply", "plans/many", "--trusted", "."]).spawn().unwrap();
    // The first line on stderr says what is being done; the gate is far from its end then.
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    stderr.read_line(&mut told).unwrap();
    assert!(told.ends_with(" ...\n"), "{told}");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    stderr.read_to_string(&mut told).unwrap();
    let output = wait(child);
    assert_eq!(output.status.code(), Some(130), "{told}");
    assert!(told.contains("[interrupted]"), "{told}");
    assert!(shop.names("shop/manifests/many").is_empty());
}

#[test]
fn an_interrupt_after_the_first_write_is_21_and_can_be_resumed() {
    let shop = long(600);
    let apply = ["apply", "plans/many", "--trusted", "."];
    let child = shop.command(&apply).spawn().unwrap();
    let began = Instant::now();
    while shop.names("shop/manifests/many").is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing is written");
        std::thread::sleep(Duration::from_millis(1));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = wait(child);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(21), "{told}");
    for part in ["the target HAS changed [apply_partial]", "interrupted", "--resume", "receipt "] {
        assert!(told.contains(part), "no {part:?} in {told}");
    }
    let written = shop.names("shop/manifests/many").len();
    assert!((1..600).contains(&written), "{written}");
    shop.run(&apply).exits(15).says(&["--resume", "--abandon"]);
    let status = shop.run(&["status"]).exits(0).stdout;
    assert!(status.contains("countersign apply plans/many --resume"), "{status}");
    let mut resume = apply.to_vec();
    resume.push("--resume");
    shop.run(&resume).exits(0);
    assert_eq!(shop.names("shop/manifests/many").len(), 600);
}

#[test]
fn a_partial_apply_can_be_given_up() {
    let shop = long(600);
    let apply = ["apply", "plans/many", "--trusted", "."];
    let child = shop.command(&apply).spawn().unwrap();
    let began = Instant::now();
    while shop.names("shop/manifests/many").is_empty() && began.elapsed().as_secs() < 60 {
        std::thread::sleep(Duration::from_millis(1));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(wait(child).status.code(), Some(21));
    let abandon = [&apply[..], &["--abandon", "--reason", "wrong namespace"]].concat();
    let run = shop.run(&abandon).exits(0);
    assert!(run.stdout.contains("Given up"), "{run:#?}");
    shop.run(&abandon).exits(1).says(&["nothing to resume or to give up"]);
    let status = shop.run(&["status"]).exits(0).stdout;
    assert!(status.contains("given up half-way"), "{status}");
}
