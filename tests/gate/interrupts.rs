//! Somebody asks to stop, at any moment of an apply: what is said of it is what happened.

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use countersign::cli;
use countersign::cli::world::World;
use countersign::document::code::Code;

use crate::support::apply::now;
use crate::support::project::{PLAN, Project};

/// An apply in which somebody asks to stop, and this happens, when the clock is read for the `at`th
/// time; also how often it was read.
fn stopped(
    project: &Project,
    at: usize,
    more: &[&str],
    happens: impl Fn() + Send + Sync + 'static,
) -> (Code, String, usize) {
    let asked = Arc::new(AtomicBool::new(false));
    let read = Arc::new(AtomicUsize::new(0));
    let (ask, count) = (Arc::clone(&asked), Arc::clone(&read));
    let text = |path: &str| project.root().join(path).display().to_string();
    let variables = [("HOME", text("home")), ("COUNTERSIGN_STATE", text("state"))];
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut world = World {
        stdin: &mut std::io::empty(),
        stdout: &mut out,
        stderr: &mut err,
        environment: std::env::vars_os().collect(),
        variables: variables.map(|(name, value)| (name.to_owned(), value)).into(),
        directory: project.root().join("shop"),
        program: env!("CARGO_BIN_EXE_countersign").into(),
        host: "runner".to_owned(),
        answers: false,
        terminal: false,
        watched: false,
        clock: Arc::new(move || {
            if count.fetch_add(1, Ordering::SeqCst) + 1 == at {
                ask.store(true, Ordering::SeqCst);
                happens();
            }
            now()
        }),
        passphrase: |_| Err(std::io::Error::other("nobody answers")),
        interrupted: asked,
    };
    let line = ["countersign", "apply", PLAN, "--trusted", "."];
    let line = line.iter().chain(more).map(OsString::from);
    let code = cli::run(line, &mut world);
    (code, String::from_utf8(err).unwrap(), read.load(Ordering::SeqCst))
}

#[test]
fn an_interrupt_at_any_moment_is_told_as_what_happened() {
    let (code, _, readings) = stopped(&Project::many_approved(), 0, &[], || {});
    assert_eq!(code, Code::Ok);
    let mut codes = std::collections::BTreeSet::new();
    for at in 1..=readings {
        let project = Project::many_approved();
        let before = project.manifests();
        // A copy that cannot be written is one more thing that may go wrong after the end.
        let (code, said, _) = stopped(&project, at, &["--receipt", "no/such/folder/r"], || {});
        let changed = project.manifests() != before;
        match code {
            Code::Ok => {
                assert!(changed && said.contains("warning: "), "{at}: {said}");
                project.apply().must(Code::ApprovalInvalid);
            }
            Code::Interrupted => {
                assert!(!changed, "{at}: {said}");
                // Where it says that nothing was, nothing is: not even an approval is spent.
                let begun = !said.contains("interrupted; nothing was changed");
                let more: &[&str] = if begun { &["--resume"] } else { &[] };
                project.apply_with(more).must(Code::Ok);
            }
            Code::ApplyPartial => {
                assert!(changed && said.contains("the target HAS changed"), "{at}: {said}");
                project.apply_with(&["--resume"]).must(Code::Ok);
            }
            other => panic!("{at}: {other:?} {said}"),
        }
        codes.insert(code);
    }
    assert!(codes.contains(&Code::Ok) && codes.contains(&Code::Interrupted), "{codes:?}");
}

#[test]
fn a_ledger_that_fails_after_the_spend_is_not_told_as_an_interrupt() {
    let (_, _, readings) = stopped(&Project::many_approved(), 0, &[], || {});
    let mut after = std::collections::BTreeSet::new();
    for at in 1..=readings {
        let project = Project::many_approved();
        let before = project.manifests();
        let ledger = project.root().join("state/ledgers/shop");
        let (plans, kept) = (ledger.join("plan"), ledger.with_file_name("kept"));
        let (broken, spent) = (plans.clone(), kept.clone());
        let (code, said, _) = stopped(&project, at, &[], move || {
            let _nothing_is_spent_yet = std::fs::rename(&broken, &kept);
            std::fs::write(&broken, "in the way").unwrap();
        });
        assert!(plans.is_file());
        let spent = spent.exists();
        let changed = project.manifests() != before;
        let nothing = said.contains("interrupted; nothing was changed");
        assert!(!(nothing && (spent || changed)), "{at}: {said}");
        if spent {
            after.insert(code);
        }
    }
    assert!(!after.is_empty(), "the clock is read after the spend");
    let told = |code: &Code| code.number() >= 15 && *code != Code::Interrupted;
    assert!(after.iter().all(told), "{after:?}");
}
