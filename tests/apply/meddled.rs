//! Somebody else at work between two steps of a write. The steps are watched, so each case is a
//! process of its own.

use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use countersign::apply::Stop;
use countersign::apply::directory::WriteError;
use countersign::document::statement::{Fate, Outcome};
use countersign::files::{FileError, steps};

use super::sandbox::Sandbox;
use crate::support::killed::{child, folder, unprivileged};

struct Meddling {
    /// Done when this step is announced.
    at: &'static str,
    does: fn(&Sandbox),
    outcome: Outcome,
    written: usize,
    /// What is in the way.
    error: fn(&WriteError) -> bool,
    /// A file that is left as somebody else made it.
    kept: (&'static str, &'static str),
}

fn changed(error: &WriteError) -> bool {
    matches!(error, WriteError::Untouched(FileError::Changed { .. }))
}

fn meddlings() -> Vec<Meddling> {
    vec![
        Meddling {
            at: "write web.yaml: sync",
            does: |s| std::fs::write(s.at("web.yaml"), "mine").unwrap(),
            outcome: Outcome::FailedClean,
            written: 0,
            error: changed,
            kept: ("web.yaml", "mine"),
        },
        Meddling {
            at: "write web.yaml: sync",
            does: |s| std::fs::remove_file(s.at("web.yaml")).unwrap(),
            outcome: Outcome::FailedClean,
            written: 0,
            error: changed,
            kept: ("other.yaml", "untouched\n"),
        },
        Meddling {
            at: "write web.yaml: sync",
            does: |s| {
                std::fs::rename(s.at("web.yaml"), s.at("kept.yaml")).unwrap();
                symlink("kept.yaml", s.at("web.yaml")).unwrap();
            },
            outcome: Outcome::FailedClean,
            written: 0,
            error: |error| matches!(error, WriteError::Untouched(FileError::Surprise { .. })),
            kept: ("kept.yaml", "replicas: 3\n"),
        },
        Meddling {
            at: "replace web.yaml: done",
            does: |s| std::fs::write(s.at("web.yaml"), "mine").unwrap(),
            outcome: Outcome::Partial,
            written: 0,
            error: |error| matches!(error, WriteError::Differs),
            kept: ("web.yaml", "mine"),
        },
        Meddling {
            at: "create flags.yaml: link",
            does: |s| std::fs::write(s.at("new/deep/flags.yaml"), "mine").unwrap(),
            outcome: Outcome::Partial,
            written: 1,
            error: |error| matches!(error, WriteError::Untouched(FileError::Exists { .. })),
            kept: ("new/deep/flags.yaml", "mine"),
        },
        Meddling {
            at: "create flags.yaml: link",
            does: |s| symlink("../../other.yaml", s.at("new/deep/flags.yaml")).unwrap(),
            outcome: Outcome::Partial,
            written: 1,
            error: |error| matches!(error, WriteError::Untouched(FileError::Exists { .. })),
            kept: ("other.yaml", "untouched\n"),
        },
        Meddling {
            at: "remove old.yaml: done",
            does: |s| std::fs::write(s.at("jobs/old.yaml"), "mine").unwrap(),
            outcome: Outcome::Partial,
            written: 2,
            error: |error| matches!(error, WriteError::Differs),
            kept: ("jobs/old.yaml", "mine"),
        },
        Meddling {
            at: "write db.yaml: sync",
            does: |s| {
                std::fs::rename(s.at("jobs"), s.at("moved")).unwrap();
                symlink("moved", s.at("jobs")).unwrap();
            },
            // It lands in the folder that was opened, wherever that is now; and nobody can tell.
            outcome: Outcome::Indeterminate,
            written: 3,
            error: |error| matches!(error, WriteError::Unknown(FileError::Surprise { .. })),
            kept: ("other.yaml", "untouched\n"),
        },
    ]
}

#[test]
fn what_somebody_else_does_during_a_write_is_seen_and_kept() {
    for number in 0..meddlings().len() {
        let folder = tempfile::tempdir().unwrap();
        drop(Sandbox::new(folder.path()));
        let status = child("apply::meddled::child_is_meddled_with", folder.path())
            .env("COUNTERSIGN_TEST_NUMBER", number.to_string())
            .status()
            .unwrap();
        assert!(status.success(), "{number}: {status}");
    }
}

#[test]
#[ignore = "run by what_somebody_else_does_during_a_write_is_seen_and_kept"]
fn child_is_meddled_with() {
    let number: usize = std::env::var("COUNTERSIGN_TEST_NUMBER").unwrap().parse().unwrap();
    let Meddling { at, does, outcome, written, error, kept } = meddlings().remove(number);
    let sandbox = Sandbox::existing(&folder());
    let ledger = sandbox.ledger();
    let spent = sandbox.spent(&ledger, false);
    let once = AtomicBool::new(false);
    let other = Sandbox::existing(&folder());
    steps::observe(Box::new(move |step| {
        if step == at && !once.swap(true, Ordering::SeqCst) {
            does(&other);
        }
    }));
    let report = sandbox.run(&ledger, &spent);
    assert_eq!(report.outcome(), outcome, "{report:?}");
    match report.stop() {
        Some(Stop::Write { source, .. }) => assert!(error(source), "{source:?}"),
        other => panic!("{other:?}"),
    }
    let fates: Vec<_> = report.items().iter().map(|file| file.fate).collect();
    assert!(fates[..written].iter().all(|fate| *fate == Fate::Written), "{fates:?}");
    assert_eq!(fates[written], Fate::Failed);
    assert!(fates[written + 1..].iter().all(|fate| *fate == Fate::NotWritten), "{fates:?}");
    assert_eq!(std::fs::read_to_string(sandbox.at(kept.0)).unwrap(), kept.1);
    assert!(!sandbox.tree().keys().any(|name| name.contains(".countersign-")));
}

#[test]
fn a_read_only_folder_is_left_as_it_is() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::new(folder.path());
    let ledger = sandbox.path.with_file_name("ledger");
    std::fs::remove_dir_all(&ledger).unwrap();
    let set = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set(folder.path(), 0o777);
    set(&sandbox.at("web.yaml"), 0o644);
    let before = sandbox.tree();
    set(&sandbox.at("jobs"), 0o555);
    set(&sandbox.path, 0o555);
    let test = "apply::meddled::child_may_not_write";
    let status = unprivileged(test, folder.path()).status().unwrap();
    set(&sandbox.path, 0o755);
    set(&sandbox.at("jobs"), 0o755);
    assert!(status.success(), "{status}");
    assert_eq!(sandbox.tree(), before);
}

#[test]
#[ignore = "run by a_read_only_folder_is_left_as_it_is"]
fn child_may_not_write() {
    let sandbox = Sandbox::existing(&folder());
    let ledger = crate::support::apply::local_created(&folder().join("ledger"));
    let spent = sandbox.spent(&ledger, false);
    let report = sandbox.run(&ledger, &spent);
    assert_eq!(report.outcome(), Outcome::FailedClean, "{report:?}");
    assert!(report.items()[0].because.contains("denied"), "{report:?}");
}
