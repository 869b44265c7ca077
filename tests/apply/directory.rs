//! The executor of directory targets.

use std::cell::Cell;
use std::os::unix::fs::symlink;

use countersign::apply::directory::{WriteError, write};
use countersign::apply::{Report, Stop};
use countersign::document::effect::FileChange;
use countersign::document::ident::Digest;
use countersign::document::statement::{Fate, Outcome};
use countersign::files::open_folder;
use countersign::ledger::{Ledger, Spent};

use super::sandbox::{Sandbox, change, files};
use crate::support::apply::*;

struct Case {
    _folder: tempfile::TempDir,
    sandbox: Sandbox,
    ledger: Ledger,
    spent: Spent,
}

fn case() -> Case {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::new(folder.path());
    let ledger = sandbox.ledger();
    let spent = sandbox.spent(&ledger, false);
    Case { _folder: folder, sandbox, ledger, spent }
}

fn fates(report: &Report) -> Vec<Fate> {
    report.items().iter().map(|item| item.fate).collect()
}

/// Ends the round and begins the one that resumes it.
fn again(case: Case, report: &Report) -> Case {
    let Case { _folder, sandbox, ledger, spent } = case;
    sandbox.finish(&ledger, spent, report);
    let spent = sandbox.spent(&ledger, true);
    Case { _folder, sandbox, ledger, spent }
}

#[test]
fn every_file_is_as_planned_and_keeps_its_permissions() {
    let case = case();
    let applied = case.sandbox.applied();
    let report = case.sandbox.run(&case.ledger, &case.spent);
    assert_eq!(report.outcome(), Outcome::Applied);
    assert_eq!(fates(&report), [Fate::Written; 4]);
    assert_eq!(case.sandbox.tree(), applied);
    let items = report.lines();
    assert_eq!(items[0].digest, Digest::of(b"replicas: 5\n").to_string());
    assert_eq!((items[2].item.as_str(), items[2].digest.as_str()), ("jobs/old.yaml", ""));
}

#[test]
fn a_file_that_is_not_as_planned_stops_before_the_first_write() {
    type Spoil = fn(&Sandbox);
    let spoils: [(&str, Spoil); 7] = [
        ("changed", |s| std::fs::write(s.at("jobs/db.yaml"), "v: 9\n").unwrap()),
        ("grown", |s| std::fs::write(s.at("jobs/db.yaml"), "v".repeat(99)).unwrap()),
        ("gone", |s| std::fs::remove_file(s.at("jobs/db.yaml")).unwrap()),
        ("as it will be", |s| std::fs::write(s.at("jobs/db.yaml"), "v: 2\n").unwrap()),
        ("deleted already", |s| std::fs::remove_file(s.at("jobs/old.yaml")).unwrap()),
        ("created already", |s| {
            std::fs::create_dir_all(s.at("new/deep")).unwrap();
            std::fs::write(s.at("new/deep/flags.yaml"), "beta: on\n").unwrap();
        }),
        ("a folder", |s| {
            std::fs::remove_file(s.at("jobs/db.yaml")).unwrap();
            std::fs::create_dir(s.at("jobs/db.yaml")).unwrap();
        }),
    ];
    for (what, spoil) in spoils {
        let case = case();
        spoil(&case.sandbox);
        let before = case.sandbox.tree();
        let report = case.sandbox.run(&case.ledger, &case.spent);
        assert_eq!(report.outcome(), Outcome::FailedClean, "{what}");
        assert_eq!(fates(&report), [Fate::NotWritten; 4], "{what}");
        assert!(report.items().iter().any(|item| !item.because.is_empty()), "{what}");
        assert!(matches!(report.stop(), Some(Stop::Stale { .. } | Stop::File { .. })), "{what}");
        assert_eq!(case.sandbox.tree(), before, "{what}");
        assert!(case.ledger.journal_lines(case.spent.apply_id()).unwrap().is_empty(), "{what}");
    }
}

#[test]
fn a_symlink_in_place_of_a_file_or_folder_is_never_followed() {
    type Spoil = fn(&Sandbox, &std::path::Path);
    let spoils: [(&str, Spoil); 4] = [
        ("file", |s, outside| {
            std::fs::rename(s.at("web.yaml"), outside.join("web.yaml")).unwrap();
            symlink(outside.join("web.yaml"), s.at("web.yaml")).unwrap();
        }),
        ("folder", |s, outside| {
            std::fs::rename(s.at("jobs"), outside.join("jobs")).unwrap();
            symlink(outside.join("jobs"), s.at("jobs")).unwrap();
        }),
        ("folder to another of the target", |s, _| {
            std::fs::rename(s.at("jobs"), s.at("kept")).unwrap();
            symlink("kept", s.at("jobs")).unwrap();
        }),
        ("folder to be made", |s, outside| symlink(outside, s.at("new")).unwrap()),
    ];
    for (what, spoil) in spoils {
        let case = case();
        let outside = tempfile::tempdir().unwrap();
        spoil(&case.sandbox, outside.path());
        let before = (case.sandbox.tree(), listing(outside.path()));
        let report = case.sandbox.run(&case.ledger, &case.spent);
        assert_eq!(report.outcome(), Outcome::FailedClean, "{what}");
        assert!(matches!(report.stop(), Some(Stop::File { .. })), "{what}: {:?}", report.stop());
        assert_eq!((case.sandbox.tree(), listing(outside.path())), before, "{what}");
    }
}

fn listing(folder: &std::path::Path) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).ok();
        found.push((path.display().to_string(), text));
        if path.is_dir() {
            found.extend(listing(&path));
        }
    }
    found.sort();
    found
}

/// Runs; when the named file is about to be begun, `spoil` happens.
fn spoiled_before(case: &Case, nth: usize, spoil: &dyn Fn(&Sandbox)) -> Report {
    let asked = Cell::new(0);
    let interrupted = || {
        if asked.replace(asked.get() + 1) == nth {
            spoil(&case.sandbox);
        }
        false
    };
    case.sandbox.run_with(&files(), &case.ledger, &case.spent, &now, &interrupted)
}

#[test]
fn a_file_changed_during_the_apply_is_left_as_it_is() {
    type Spoil = fn(&Sandbox);
    let outcomes = [Outcome::FailedClean, Outcome::Partial, Outcome::Partial, Outcome::Partial];
    let spoils: [(usize, Spoil); 4] = [
        (0, |s| std::fs::write(s.at("web.yaml"), "replicas: 9\n").unwrap()),
        (1, |s| {
            std::fs::create_dir_all(s.at("new/deep")).unwrap();
            std::fs::write(s.at("new/deep/flags.yaml"), "mine\n").unwrap();
        }),
        (2, |s| std::fs::write(s.at("jobs/old.yaml"), "mine\n").unwrap()),
        (3, |s| {
            let (from, to) = (s.at("jobs"), s.at("moved"));
            std::fs::rename(&from, to).unwrap();
            symlink("moved", from).unwrap();
        }),
    ];
    for ((nth, spoil), outcome) in spoils.into_iter().zip(outcomes) {
        let case = case();
        let report = spoiled_before(&case, nth, &spoil);
        assert_eq!(report.outcome(), outcome, "{nth}");
        let wanted: Vec<_> =
            (0..4).map(|at| if at < nth { Fate::Written } else { Fate::NotWritten }).collect();
        assert_eq!(fates(&report), wanted, "{nth}");
        assert!(!report.items()[nth].because.is_empty(), "{nth}");
        let path = &files()[nth].path;
        if nth < 3 {
            let text = std::fs::read_to_string(case.sandbox.at(path)).unwrap();
            assert!(text.contains("mine") || text.contains('9'), "{nth}: {text}");
        }
    }
}

/// Between the look that the executor takes and the write, `write` looks again.
#[test]
fn a_write_looks_again_and_refuses_what_changed() {
    type Spoil = fn(&Sandbox);
    let spoils: [(usize, Spoil); 4] = [
        (0, |s| std::fs::write(s.at("web.yaml"), "mine").unwrap()),
        (1, |s| {
            std::fs::create_dir_all(s.at("new/deep")).unwrap();
            std::fs::write(s.at("new/deep/flags.yaml"), "mine").unwrap();
        }),
        (2, |s| std::fs::write(s.at("jobs/old.yaml"), "mine").unwrap()),
        (3, |s| {
            std::fs::write(s.at("mine"), "v: 1\n").unwrap();
            std::fs::remove_file(s.at("jobs/db.yaml")).unwrap();
            symlink("../mine", s.at("jobs/db.yaml")).unwrap();
        }),
    ];
    for (nth, spoil) in spoils {
        let case = case();
        let change = &files()[nth];
        let recorded = begun(&case, change);
        spoil(&case.sandbox);
        let before = case.sandbox.tree();
        let root = open_folder(&case.sandbox.path).unwrap();
        let refused = write(recorded, change, &root);
        assert!(matches!(refused, Err(WriteError::Untouched(_))), "{nth}: {refused:?}");
        assert_eq!(case.sandbox.tree(), before, "{nth}: nothing is left behind either");
    }
}

fn begun(case: &Case, change: &FileChange) -> countersign::ledger::Recorded {
    let digest = |text: &Option<String>| text.as_ref().map(|text| Digest::of(text.as_bytes()));
    let (before, after) = (digest(&change.before), digest(&change.after));
    case.ledger.begin(&case.spent, &change.path, before, after).unwrap()
}

#[test]
fn a_record_of_another_change_permits_nothing() {
    let case = case();
    let root = open_folder(&case.sandbox.path).unwrap();
    let before = case.sandbox.tree();
    let planned = &files()[0];
    let others = [
        change("other.yaml", Some("replicas: 3\n"), Some("replicas: 5\n")),
        change("web.yaml", Some("replicas: 3\n"), Some("replicas: 6\n")),
        change("web.yaml", Some("replicas: 3\n"), None),
        change("web.yaml", None, Some("replicas: 5\n")),
    ];
    for other in &others {
        let refused = write(begun(&case, planned), other, &root);
        assert!(matches!(refused, Err(WriteError::Unrecorded)), "{other:?}");
    }
    assert_eq!(case.sandbox.tree(), before);
}

#[test]
fn no_write_begins_at_expiry_or_later() {
    let case = case();
    let before = case.sandbox.tree();
    let late = || "2026-03-01T10:00:00Z".parse().unwrap();
    let report = case.sandbox.run_with(&files(), &case.ledger, &case.spent, &late, &|| false);
    assert!(matches!(report.stop(), Some(Stop::Expired { .. })));
    assert_eq!(report.outcome(), Outcome::FailedClean);
    assert_eq!(case.sandbox.tree(), before);
    // The clock passes expiry while the first file is being written.
    let asked = Cell::new(0);
    let running = || {
        asked.set(asked.get() + 1);
        if asked.get() < 3 { now() } else { late() }
    };
    let report = case.sandbox.run_with(&files(), &case.ledger, &case.spent, &running, &|| false);
    assert_eq!(report.outcome(), Outcome::Partial);
    assert_eq!(fates(&report)[..2], [Fate::Written, Fate::NotWritten]);
    assert!(!case.sandbox.at("new").exists());
}

#[test]
fn an_interrupt_stops_before_the_next_file() {
    for (after, outcome) in
        [(0, Outcome::FailedClean), (1, Outcome::Partial), (3, Outcome::Partial)]
    {
        let case = case();
        let applied = case.sandbox.applied();
        let asked = Cell::new(0);
        let interrupted = || asked.replace(asked.get() + 1) >= after;
        let report = case.sandbox.run_with(&files(), &case.ledger, &case.spent, &now, &interrupted);
        assert!(matches!(report.stop(), Some(Stop::Interrupted)), "{after}");
        assert_eq!(report.outcome(), outcome, "{after}");
        let written = fates(&report).iter().filter(|fate| **fate == Fate::Written).count();
        assert_eq!(written, after);
        let case = again(case, &report);
        let report = case.sandbox.run(&case.ledger, &case.spent);
        assert_eq!(report.outcome(), Outcome::Applied);
        let wanted: Vec<_> = (0..4)
            .map(|at| if at < after { Fate::AlreadyWritten } else { Fate::Written })
            .collect();
        assert_eq!(fates(&report), wanted, "{after}");
        assert_eq!(case.sandbox.tree(), applied, "{after}");
    }
}

#[test]
fn a_resume_stops_at_what_is_neither_before_nor_after() {
    let case = case();
    let asked = Cell::new(0);
    let interrupted = || asked.replace(asked.get() + 1) >= 1;
    let report = case.sandbox.run_with(&files(), &case.ledger, &case.spent, &now, &interrupted);
    let case = again(case, &report);
    // The one file that was written is changed by somebody else: the target has changed all the same.
    std::fs::write(case.sandbox.at("web.yaml"), "replicas: 9\n").unwrap();
    let report = case.sandbox.run(&case.ledger, &case.spent);
    assert_eq!(report.outcome(), Outcome::Partial);
    assert!(matches!(report.stop(), Some(Stop::Stale { .. })), "{:?}", report.stop());
    assert_eq!(fates(&report), [Fate::NotWritten; 4]);
    let case = again(case, &report);
    std::fs::write(case.sandbox.at("web.yaml"), "replicas: 3\n").unwrap();
    let report = case.sandbox.run(&case.ledger, &case.spent);
    assert_eq!(report.outcome(), Outcome::Applied);
}

#[test]
fn a_path_that_leads_elsewhere_is_refused() {
    for path in ["", "/etc/x", "../x", "a/../x", "a//x", "./x", "a/./x", "x/", "a\0b", "..", "."] {
        let case = case();
        let before = case.sandbox.tree();
        let bad = [change(path, None, Some("x\n"))];
        let report = case.sandbox.run_with(&bad, &case.ledger, &case.spent, &now, &|| false);
        assert_eq!(report.outcome(), Outcome::FailedClean, "{path:?}");
        assert!(matches!(report.stop(), Some(Stop::File { .. })), "{path:?}");
        assert_eq!(case.sandbox.tree(), before, "{path:?}");
    }
}

#[test]
fn the_temporary_file_of_a_killed_round_goes_and_nobody_elses() {
    let case = case();
    let killed = case.spent.apply_id().clone();
    let Case { _folder, sandbox, ledger, spent } = case;
    drop(spent);
    let ours = sandbox.at(&format!("jobs/.countersign-{killed}.tmp"));
    let others = sandbox.at(&format!("jobs/.countersign-{}.tmp", id(5)));
    std::fs::write(&ours, "half").unwrap();
    std::fs::write(&others, "half").unwrap();
    let spent = sandbox.spent(&ledger, true);
    let report = sandbox.run(&ledger, &spent);
    assert_eq!(report.outcome(), Outcome::Applied);
    assert!(!ours.exists() && others.exists());
}

#[test]
fn a_ledger_that_takes_no_record_permits_no_write() {
    let case = case();
    let before = case.sandbox.tree();
    let other = tempfile::tempdir().unwrap();
    let foreign = {
        let path = other.path().join("ledger");
        let store = countersign::ledger::Home::local(
            countersign::ledger::local::Local::create(&path).unwrap(),
        );
        Ledger::create(store, &label("shop"), id(2), now()).unwrap()
    };
    let report = case.sandbox.run_with(&files(), &foreign, &case.spent, &now, &|| false);
    assert!(matches!(report.stop(), Some(Stop::Ledger(_))), "{:?}", report.stop());
    assert_eq!(report.outcome(), Outcome::FailedClean);
    assert_eq!(case.sandbox.tree(), before);
}
