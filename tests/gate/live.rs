//! The target is observed again, and every file is looked at once more before it is written.

use std::path::Path;

use countersign::document::code::Code;
use countersign::files::steps;

use crate::support::killed::{child, folder};
use crate::support::project::{PLAN, Project};

const FLAGS: &str = "manifests/shop/flags.yaml";

/// Moves a file to another place, and puts a symlink there.
fn linked(project: &Project, name: &str) {
    let path = project.file(name);
    let aside = project.root().join("aside");
    std::fs::rename(&path, &aside).unwrap();
    std::os::unix::fs::symlink(&aside, &path).unwrap();
}

#[test]
fn a_target_that_changed_since_the_plan_is_stale_and_says_where() {
    type Change = fn(&Project);
    let cases: [(Change, &str); 12] = [
        (
            |p| p.edit(FLAGS, "\"off\"", "\"maybe\""),
            "/data/beta is \"maybe\", was \"off\" when planned",
        ),
        (|p| p.edit(FLAGS, "\"off\"", "\"on\""), "/data/beta is \"on\", was \"off\" when planned"),
        (
            |p| p.edit(FLAGS, "# Switches", "# Toggles"),
            "shop/flags.yaml: its text is not what it was",
        ),
        (|p| p.edit(FLAGS, "\n", "\r\n"), "shop/flags.yaml: its text is not what it was"),
        (|p| std::fs::remove_file(p.file(FLAGS)).unwrap(), "the object is not there"),
        (|p| p.edit(FLAGS, "name: flags", "name: flags2"), "the object is not there"),
        (
            |p| assert!(std::fs::copy(p.file(FLAGS), p.file("manifests/again.yaml")).unwrap() > 0),
            "stands twice: in again.yaml and in shop/flags.yaml",
        ),
        (
            |p| std::fs::rename(p.file(FLAGS), p.file("manifests/moved.yaml")).unwrap(),
            "shop/flags.yaml: its objects do not stand there any more",
        ),
        (|p| p.edit(FLAGS, "data:", "data: ["), "shop/flags.yaml"),
        (|p| std::fs::write(p.file(FLAGS), b"\xff\xfe").unwrap(), "shop/flags.yaml"),
        (|p| linked(p, FLAGS), "is a symlink"),
        (|p| linked(p, "manifests"), "is a symlink"),
    ];
    for (change, what) in cases {
        let project = Project::approved();
        change(&project);
        project.refuses(Code::PlanStale, what);
        let said = project.run(&["verify", PLAN, "--trusted", ".", "--live"]);
        said.must_say(Code::PlanStale, what);
    }
}

#[test]
fn what_others_change_beside_the_plan_does_not_make_it_stale() {
    let project = Project::approved();
    project.edit("manifests/shop/limits.yaml", "\"10\"", "\"11\"");
    std::fs::write(project.file("manifests/notes.txt"), "x").unwrap();
    project.apply().must(Code::Ok);
}

#[test]
fn a_target_that_is_declared_otherwise_is_not_the_one_that_was_planned() {
    type Change = fn(&Project);
    let cases: [(Change, Code, &str); 6] = [
        (
            |p| {
                std::fs::create_dir(p.file("other")).unwrap();
                p.edit("countersign.toml", "path = \"manifests\"", "path = \"other\"");
            },
            Code::PlanStale,
            "is folder \"other\" of project shop here; the plan was made against folder \"manifests\"",
        ),
        (
            |p| {
                p.edit(
                    "countersign.toml",
                    "path = \"manifests\"",
                    "path = \"manifests\"\nnamespaces = [\"web\"]",
                )
            },
            Code::NotApplyable,
            "outside the scope of target manifests: /ConfigMap/shop/flags",
        ),
        (
            |p| p.edit("countersign.toml", "environments.prod.", "environments.live."),
            Code::NotApplyable,
            "no environment prod",
        ),
        (
            |p| p.edit("countersign.toml", "targets.manifests]", "targets.main]"),
            Code::NotApplyable,
            "no target manifests",
        ),
        (
            |p| {
                p.edit(
                    "countersign.toml",
                    "kind = \"directory\"\npath",
                    "kind = \"directory\"\npaht",
                )
            },
            Code::TrustInvalid,
            "did you mean `path`",
        ),
        (
            |p| std::fs::remove_file(p.file("countersign.toml")).unwrap(),
            Code::TrustInvalid,
            "countersign.toml",
        ),
    ];
    for (change, code, what) in cases {
        let project = Project::approved();
        change(&project);
        let before = project.snapshot();
        project.verify().must_say(code, what);
        assert!(project.snapshot() == before, "{what}");
        if project.file("countersign.toml").exists() {
            project.refuses(code, what);
        }
    }
}

#[test]
fn an_environment_without_a_quorum_refuses() {
    let project = Project::new();
    project.edit("countersign.toml", "environments.prod.", "environments.dev.");
    let proposal = crate::support::project::SMALL.replace("environment: prod", "environment: dev");
    let project = project.with_plan(&proposal);
    project.refuses(Code::TrustInvalid, "no quorum for environment dev");
}

/// Runs a whole apply of [`Project::many_approved`] in a child, which edits a file at a step.
fn meddled(project: &Project, at: &str, edit: &str) -> i32 {
    let mut child = child("gate::live::child_is_meddled_with", project.root());
    child.env("COUNTERSIGN_TEST_AT", at).env("COUNTERSIGN_TEST_EDIT", edit);
    child.status().unwrap().code().unwrap()
}

#[test]
#[ignore = "run by the tests of this file"]
fn child_is_meddled_with() {
    let project = Project::at(&folder());
    let at = std::env::var("COUNTERSIGN_TEST_AT").unwrap();
    let edit = project.file(&std::env::var("COUNTERSIGN_TEST_EDIT").unwrap());
    let once = std::sync::Once::new();
    steps::observe(Box::new(move |step| {
        if step == at {
            once.call_once(|| meddle(&edit));
        }
    }));
    let said = project.apply();
    std::fs::write(project.root().join("said.txt"), &said.err).unwrap();
    std::process::exit(said.code.number().into());
}

fn meddle(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, "# Mine now.\n").unwrap();
}

#[test]
fn a_file_that_changes_after_the_last_look_at_the_whole_is_not_overwritten() {
    let flags = "manifests/shop/flags.yaml";
    let old = "manifests/shop/old.yaml";
    let fresh = "manifests/shop/configmap-fresh.yaml";
    let far = "manifests/other/configmap-far.yaml";
    let cases = [
        // Recorded, and then seen in the way, before anything is written.
        ("write configmap-fresh.yaml: open", fresh, Code::ApplyFailedClean),
        ("write configmap-fresh.yaml: sync", fresh, Code::ApplyFailedClean),
        // After the first file: what was written is told.
        ("write flags.yaml: open", flags, Code::ApplyPartial),
        ("write flags.yaml: sync", flags, Code::ApplyPartial),
        ("replace flags.yaml: done", old, Code::ApplyPartial),
        ("remove old.yaml: done", far, Code::ApplyPartial),
    ];
    for (at, edited, code) in cases {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::many_approved().copied_to(folder.path());
        let before = project.manifests();
        let found = meddled(&project, at, edited);
        let said = std::fs::read_to_string(folder.path().join("said.txt")).unwrap_or_default();
        assert_eq!(found, i32::from(code.number()), "{at}, {edited}: {said}");
        assert_eq!(std::fs::read_to_string(project.file(edited)).unwrap(), "# Mine now.\n");
        let receipts = std::fs::read_dir(project.paper("receipts")).unwrap().count();
        assert_eq!(receipts, 1, "{at}, {edited}");
        project.works(&["log", PLAN]);

        // Until somebody puts it back, no resume begins; then it goes to the end.
        project.apply_with(&["--resume"]).must(Code::PlanStale);
        assert_eq!(std::fs::read_to_string(project.file(edited)).unwrap(), "# Mine now.\n");
        match before.get(edited.trim_start_matches("manifests/")) {
            Some(bytes) => std::fs::write(project.file(edited), bytes).unwrap(),
            None => std::fs::remove_file(project.file(edited)).unwrap(),
        }
        project.apply_with(&["--resume"]).must(Code::Ok);
        let undisturbed = Project::many_approved();
        undisturbed.apply().must(Code::Ok);
        assert_eq!(project.manifests(), undisturbed.manifests());
    }
}
