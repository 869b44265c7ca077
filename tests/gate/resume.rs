//! A round that goes on is held to the same bytes as one that begins: what it has written already
//! counts as it was before, and everything else must be as it was when people approved.

use countersign::document::code::Code;

use crate::support::killed::{child, killed, undisturbed};
use crate::support::project::{PLAN, Project};

const CHILD: &str = "gate::crash::child_applies";

/// A project whose apply was killed when two of its four files had been written.
fn half_way(folder: &tempfile::TempDir) -> Project {
    let whole = tempfile::tempdir().unwrap();
    Project::many_approved().copied_to(whole.path());
    let steps = undisturbed(child(CHILD, whole.path()), whole.path());
    let first = steps.iter().position(|step| step == "replace flags.yaml: done");
    let first = first.unwrap_or_else(|| panic!("{steps:#?}"));
    let project = Project::many_approved().copied_to(folder.path());
    killed(child(CHILD, folder.path()), first + 1);
    let flags = std::fs::read_to_string(project.file("manifests/shop/flags.yaml")).unwrap();
    assert!(flags.contains("beta: \"on\""), "{flags}");
    project
}

#[test]
fn what_changed_the_meaning_of_the_plan_meanwhile_stops_a_resume() {
    let folder = tempfile::tempdir().unwrap();
    let project = half_way(&folder);
    let intruder = project.file("manifests/shop/intruder.yaml");
    for (text, said) in [
        // The object that the plan makes is there already, elsewhere.
        (
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fresh, namespace: shop}\n",
            "exists now",
        ),
        // Something needs what the plan removes: the class that was approved is another now.
        (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec:\n      containers:\n      - name: web\n        image: a@sha256:00\n        envFrom: [{configMapRef: {name: old}}]\n",
            "its class is outage, was mutating when planned",
        ),
    ] {
        std::fs::write(&intruder, text).unwrap();
        let before = project.manifests();
        project.apply_with(&["--resume"]).must_say(Code::PlanStale, said);
        assert_eq!(project.manifests(), before);
    }
    std::fs::remove_file(&intruder).unwrap();
    project.apply_with(&["--resume"]).must(Code::Ok);
    let flags = std::fs::read_to_string(project.file("manifests/shop/flags.yaml")).unwrap();
    assert!(flags.contains("beta: \"on\""), "{flags}");
    assert!(!project.file("manifests/shop/old.yaml").exists());
}

#[test]
fn a_file_that_is_neither_before_nor_after_stops_a_resume() {
    let folder = tempfile::tempdir().unwrap();
    let project = half_way(&folder);
    project.edit("manifests/shop/flags.yaml", "\"on\"", "\"perhaps\"");
    let before = project.manifests();
    project.apply_with(&["--resume"]).must_say(Code::PlanStale, "beta");
    assert_eq!(project.manifests(), before);
}

#[test]
fn giving_up_says_what_was_written_and_leaves_no_temporary_file() {
    let folder = tempfile::tempdir().unwrap();
    let project = half_way(&folder);
    let said = project.apply_with(&["--abandon", "--reason", "the runner died"]);
    said.must(Code::Ok);
    assert!(said.out.contains("2 written, 2 not"), "{}", said.out);
    let log = project.run(&["log", PLAN, "-o", "json"]);
    let receipts: serde_json::Value = serde_json::from_str(&log.out).unwrap();
    let items = receipts[0]["receipt"]["items"].as_array().unwrap();
    let fates: Vec<(&str, &str)> = items
        .iter()
        .map(|item| (item["item"].as_str().unwrap(), item["fate"].as_str().unwrap()))
        .collect();
    assert_eq!(fates.len(), 4);
    assert!(fates.contains(&("shop/flags.yaml", "already-written")), "{fates:?}");
    assert_eq!(fates.iter().filter(|(_, fate)| *fate == "not-written").count(), 2, "{fates:?}");
    assert!(project.manifests().keys().all(|name| !name.contains(".countersign-")));
    project.apply().must(Code::ApprovalInvalid);
}

#[test]
fn a_clock_that_was_set_back_lets_nothing_count_again() {
    let project = Project::approved();
    project.apply().must(Code::Ok);
    // Another plan of the same target, approved by a clock that is an hour behind.
    std::fs::remove_dir_all(project.file(PLAN)).unwrap();
    let project = project.later(-3_600);
    project.edit("../proposal.yaml", "\"on\"", "\"half\"");
    project.works(&["plan", "-f", "../proposal.yaml", "--requested-by", "erin"]);
    let project = project.with_approvals();
    let before = project.manifests();
    project.apply().must_say(Code::LedgerUnusable, "set the clock of this machine right");
    project
        .apply()
        .must_say(Code::LedgerUnusable, "that of the machine which applied last was ahead");
    assert_eq!(project.manifests(), before);
    project.later(0).apply().must(Code::Ok);
}

#[test]
fn a_live_look_is_told_beside_what_is_missing() {
    let project = Project::planned();
    project.edit("manifests/shop/flags.yaml", "\"off\"", "\"perhaps\"");
    let said = project.run(&["verify", PLAN, "--trusted", ".", "--live"]);
    said.must_say(Code::ApprovalRequired, "also: plan");
    said.must_say(Code::ApprovalRequired, "[plan_stale]");
}

#[test]
fn what_cannot_be_read_is_to_be_mended_and_not_planned_again() {
    let project = Project::approved();
    let link = project.file("manifests/shop/link.yaml");
    std::os::unix::fs::symlink("/etc/hostname", &link).unwrap();
    project.apply().must_say(Code::PlanStale, "mend what cannot be read there");
    std::fs::remove_file(link).unwrap();
    project.apply().must(Code::Ok);
    let again = project.run(&["reject", PLAN, "--reason", "late", "--key", "../keys/alice"]);
    again.must_say(Code::Ok, "An apply of this plan was begun at");
}
