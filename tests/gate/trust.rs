//! The trust root never goes back, never forks, and never changes unseen; and no write begins after
//! the approvals ran out, whenever that happens.

use std::sync::atomic::{AtomicUsize, Ordering};

use countersign::document::code::Code;

use crate::support::apply::now;
use crate::support::project::{Project, SMALL, key_of};

/// A project that was applied once with version 5, and has a second plan that waits.
fn applied_once() -> Project {
    let project = Project::approved();
    project.apply().must(Code::Ok);
    let second = SMALL.replace("name: change", "name: second").replace("\"on\"", "\"later\"");
    let project = project.with_plan(&second);
    let digest = std::fs::read(project.file("plans/second/plan.json")).unwrap();
    let digest = countersign::document::ident::Digest::of(&digest).to_string();
    for person in ["alice", "bob"] {
        let key = format!("../keys/{person}");
        project.works(&["approve", "plans/second", "--key", &key, "--digest", &digest]);
    }
    project
}

#[track_caller]
fn refuses_second(project: &Project, what: &str) {
    let before = project.snapshot();
    let said = project.run(&["apply", "plans/second", "--trusted", "."]);
    said.must_say(Code::TrustInvalid, what);
    assert!(project.snapshot() == before, "{what}");
}

#[test]
fn a_trust_root_that_an_apply_has_passed_is_refused() {
    let project = applied_once();
    let old = std::fs::read(project.file("trust.json")).unwrap();
    project.works(&["trust", "renew", "--days", "100"]);
    project.works(&["apply", "plans/second", "--trusted", "."]);
    std::fs::write(project.file("trust.json"), old).unwrap();
    refuses_second(&project, "is version 5, but an apply has already seen version 6");
}

#[test]
fn a_trust_root_of_the_same_version_and_other_bytes_is_refused() {
    let project = applied_once();
    project.edit("trust.json", "\"approvalMaxHours\": 24", "\"approvalMaxHours\": 99");
    refuses_second(&project, "is not the version 5 that an apply has seen");
}

#[test]
fn looking_at_a_branch_with_another_trust_root_records_nothing() {
    let project = Project::approved();
    project.edit("trust.json", "\"version\": 5", "\"version\": 9");
    project.verify().must(Code::Ok);
    project.edit("trust.json", "\"version\": 9", "\"version\": 5");
    project.apply().must(Code::Ok);
}

#[test]
fn a_trust_root_past_its_end_is_refused_to_the_second() {
    let project = Project::new();
    project.edit("trust.json", "\"expiresAt\": \"2027-", "\"expiresAt\": \"2026-");
    let end = "2026-03-01T09:00:00Z";
    let project = project.with_clock(move || end.parse().unwrap());
    let text = std::fs::read_to_string(project.file("trust.json")).unwrap();
    assert!(text.contains(end), "{text}");
    std::fs::write(project.root().join("p.yaml"), SMALL).unwrap();
    project.works(&["plan", "-f", "../p.yaml", "--requested-by", "erin"]);
    for person in ["alice", "bob"] {
        project.put(&key_of(person), project.approval(person));
    }
    project.refuses(Code::TrustInvalid, "trust.json version 5 expired at");
    let project = project.with_clock(|| now().plus_seconds(-1));
    project.verify().must(Code::Ok);
}

#[test]
fn a_trust_root_that_does_not_load_is_refused() {
    let cases: [(&str, &str, &str); 7] = [
        ("\"count\": 2", "\"count\": 0", "asks for 0 of role approver"),
        ("\"count\": 2", "\"count\": 9", "asks for 9 of role approver"),
        ("\"class\": \"none\"", "\"class\": \"outage\"", "must cover what is below"),
        ("\"role\": \"approver\"", "\"role\": \"planner\"", "which only machines have"),
        ("\"version\": 5", "\"version\": 0", "has version 0"),
        ("\"version\": 5", "\"version\": 9223372036854775808", "has version 9223372036854775808"),
        ("\"machine\": true", "\"machine\": false", "has an owner"),
    ];
    for (from, to, what) in cases {
        let project = Project::approved();
        project.edit("trust.json", from, to);
        project.refuses(Code::TrustInvalid, what);
    }
    for name in ["trust.json", "countersign.toml"] {
        let project = Project::approved();
        let aside = project.root().join("aside");
        std::fs::rename(project.file(name), &aside).unwrap();
        std::os::unix::fs::symlink(&aside, project.file(name)).unwrap();
        project.refuses(Code::TrustInvalid, "is a symlink");
    }
}

/// The clock is read while the gate runs, so it is where a test can change something in between.
#[test]
fn a_trust_root_that_changes_while_the_gate_runs_is_refused() {
    for read in 1..=2 {
        let project = Project::approved();
        let path = project.file("trust.json");
        let reads = AtomicUsize::new(0);
        let project = project.with_clock(move || {
            if reads.fetch_add(1, Ordering::SeqCst) + 1 == read {
                let text = std::fs::read_to_string(&path).unwrap();
                std::fs::write(&path, text.replace("\"version\": 5", "\"version\": 6")).unwrap();
            }
            now()
        });
        let before = project.manifests();
        project.apply().must_say(Code::TrustInvalid, "changed while this apply was being checked");
        assert_eq!(project.manifests(), before);
        project.verify().must(Code::Ok);
        assert!(project.ledger().describe().unwrap().locks.is_empty());
    }
}

/// The approvals run out at each moment at which the program looks at the clock.
#[test]
fn nothing_is_written_once_the_approvals_ran_out() {
    let end = 8 * 3_600;
    let undisturbed = Project::many_approved();
    undisturbed.apply().must(Code::Ok);
    let mut codes = Vec::new();
    for last in 0..20 {
        let project = Project::many_approved();
        let before = project.manifests();
        let reads = std::sync::Arc::new(AtomicUsize::new(0));
        let counted = std::sync::Arc::clone(&reads);
        let project = project.with_clock(move || {
            let late = counted.fetch_add(1, Ordering::SeqCst) >= last;
            now().plus_seconds(if late { end } else { end - 1 })
        });
        let said = project.apply();
        codes.push(said.code);
        match said.code {
            Code::ApprovalInvalid | Code::ApplyFailedClean => {
                assert_eq!(project.manifests(), before, "{last}");
            }
            Code::ApplyPartial => {
                assert_ne!(project.manifests(), before, "{last}");
                assert_ne!(project.manifests(), undisturbed.manifests(), "{last}");
                assert!(said.err.contains("no write begins after that"), "{}", said.err);
                // Too late to resume with what ran out; fresh ones are as good.
                let project = project.later(end);
                project.apply_with(&["--resume"]).must_say(Code::ApprovalInvalid, "it expired at");
                for person in ["alice", "bob"] {
                    project.approve(person);
                }
                project.apply_with(&["--resume"]).must(Code::Ok);
                assert_eq!(project.manifests(), undisturbed.manifests(), "{last}");
            }
            Code::Ok => {
                assert_eq!(project.manifests(), undisturbed.manifests(), "{last}");
                break;
            }
            other => panic!("{last}: {other:?} {}", said.err),
        }
    }
    codes.dedup();
    let wanted = [Code::ApprovalInvalid, Code::ApplyFailedClean, Code::ApplyPartial, Code::Ok];
    assert_eq!(codes, wanted);
}
