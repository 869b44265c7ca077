//! Several applies of one plan at once, each a process of its own: one wins, and the others are told
//! that the target is locked or the approvals are spent.

use std::process::Stdio;
use std::time::{Duration, Instant};

use countersign::document::code::Code;

use crate::support::killed::{child, folder};
use crate::support::project::{PLAN, Project};

const CHILD: &str = "gate::race::child_races";

#[test]
#[ignore = "run by the tests of this file"]
fn child_races() {
    let project = Project::at(&folder());
    let start = project.root().join("start");
    let patience = Instant::now() + Duration::from_secs(60);
    while !start.exists() {
        assert!(Instant::now() < patience, "nobody started the race");
        std::thread::sleep(Duration::from_millis(1));
    }
    let said = project.apply();
    eprintln!("{}", said.err);
    std::process::exit(said.code.number().into());
}

fn race(processes: usize) -> (Project, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let project = Project::many_approved().copied_to(folder.path());
    let start = || child(CHILD, folder.path()).stderr(Stdio::piped()).spawn().unwrap();
    let children: Vec<_> = (0..processes).map(|_| start()).collect();
    std::thread::sleep(Duration::from_millis(300));
    std::fs::write(folder.path().join("start"), "").unwrap();
    let mut won = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let found = output.status.code();
        let is = |code: Code| found == Some(code.number().into());
        won += u32::from(is(Code::Ok));
        let expected = is(Code::Ok) || is(Code::LockHeld) || is(Code::ApprovalInvalid);
        assert!(expected, "{found:?}: {said}");
    }
    assert_eq!(won, 1);
    (project, folder)
}

#[test]
fn of_applies_at_once_one_wins() {
    let undisturbed = Project::many_approved();
    undisturbed.apply().must(Code::Ok);
    for processes in [2, 2, 2, 8, 8] {
        let (project, _folder) = race(processes);
        assert_eq!(project.manifests(), undisturbed.manifests());
        let ledger = project.ledger().describe().unwrap();
        assert!(ledger.locks.is_empty());
        assert_eq!(ledger.chains[0].length, 1);
        assert_eq!(ledger.plans[0].rounds.len(), 1);
        project.works(&["log", PLAN]);
    }
}
