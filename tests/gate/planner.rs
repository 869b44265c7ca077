//! The planner's statement is by the planner that the plan names, about this plan; who applies is an
//! applier; and what was verified is what is applied, whatever happens to the files meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};

use countersign::custody::key_file::SecretKey;
use countersign::document::code::Code;
use countersign::document::ident::Digest;
use countersign::document::statement::{Planned, Statement};
use countersign::trust::envelope::{Envelope, seal};
use countersign::trust::sign::Sign as _;

use crate::support::apply::{label, now};
use crate::support::project::{PLAN, Project, SMALL, key_of};

fn statement(project: &Project) -> Statement<Planned> {
    let sealed = std::fs::read(project.paper("planner.intoto.json")).unwrap();
    let planner = project.machine("planner");
    let opened = Envelope::parse(&sealed).unwrap().verify(&[planner.public()]).unwrap();
    Statement::from_bytes(opened.payload()).unwrap()
}

fn put(project: &Project, key: &SecretKey, statement: &Statement<Planned>) {
    let sealed = seal(&statement.to_bytes().unwrap(), key).unwrap();
    std::fs::write(project.paper("planner.intoto.json"), sealed).unwrap();
}

#[test]
fn a_planners_statement_by_anybody_else_or_about_anything_else_is_refused() {
    let project = Project::approved();
    std::fs::remove_file(project.paper("planner.intoto.json")).unwrap();
    project.refuses(Code::PlanIntegrity, "planner.intoto.json is missing");

    for key in [Project::new().machine("applier"), key_of("alice"), key_of("mallory")] {
        let project = Project::approved();
        // The keys of machines are made anew for each project.
        let honest = statement(&project);
        put(&project, &key, &honest);
        project.refuses(Code::PlanIntegrity, "is not signed by planner, whom the plan names");
    }

    let project = Project::approved();
    let other = Statement { plan: Digest::of(b"other"), ..statement(&project) };
    put(&project, &project.machine("planner"), &other);
    project.refuses(Code::PlanIntegrity, "is about plan");

    let project = Project::approved();
    let mut other = statement(&project);
    other.predicate.principal = label("applier");
    put(&project, &project.machine("planner"), &other);
    project.refuses(Code::PlanIntegrity, "applier");

    let project = Project::approved();
    let approvals = std::fs::read_dir(project.paper("approvals")).unwrap();
    let approval = approvals.map(|entry| entry.unwrap().path()).min().unwrap();
    std::fs::copy(approval, project.paper("planner.intoto.json")).unwrap();
    project.refuses(Code::PlanIntegrity, "is not signed by planner, whom the plan names");
}

#[test]
fn a_planner_whose_key_or_self_is_gone_planned_nothing() {
    let project = Project::approved();
    let key = project.machine("planner").public().fingerprint().to_string();
    project.works(&["trust", "revoke", &key]);
    project.refuses(Code::PlanIntegrity, "is not signed by planner, whom the plan names");

    let project = Project::approved();
    project.works(&["trust", "remove", "planner"]);
    project.refuses(Code::PlanIntegrity, "who is no `planner` in trust.json version 6");
}

#[test]
fn only_an_applier_applies() {
    for person in ["alice", "mallory"] {
        let project = Project::approved();
        let key = format!("../keys/{person}");
        let before = project.snapshot();
        let said = project.apply_with(&["--key", &key]);
        said.must_say(Code::Error, "trust.json version 5 has it for no applier");
        assert!(project.snapshot() == before);
    }
}

/// The clock is first read when the plan, its papers and the trusted side have been read.
#[test]
fn files_that_are_swapped_after_they_were_read_change_nothing() {
    let project = Project::approved();
    let folder = project.file(PLAN);
    let config = project.file("countersign.toml");
    let reads = AtomicUsize::new(0);
    let project = project.with_clock(move || {
        if reads.fetch_add(1, Ordering::SeqCst) == 0 {
            std::fs::write(folder.join("plan.json"), "{}\n").unwrap();
            std::fs::remove_dir_all(folder.join("approvals")).unwrap();
            std::fs::write(&config, "").unwrap();
        }
        now()
    });
    project.apply().must(Code::Ok);
    let flags = std::fs::read_to_string(project.file("manifests/shop/flags.yaml")).unwrap();
    assert!(flags.contains("beta: \"on\""), "{flags}");
}

#[test]
fn a_chain_of_receipts_that_was_tampered_with_is_told() {
    type Spoil = fn(&std::path::Path);
    let cases: [Spoil; 6] = [
        |chain| std::fs::remove_file(chain.join("000000000002.json")).unwrap(),
        |chain| std::fs::remove_dir_all(chain).unwrap(),
        |chain| std::fs::remove_file(chain.join("000000000001.json")).unwrap(),
        |chain| {
            let (first, second) =
                (chain.join("000000000001.json"), chain.join("000000000002.json"));
            let bytes = std::fs::read(&first).unwrap();
            std::fs::rename(&second, &first).unwrap();
            std::fs::write(&second, bytes).unwrap();
        },
        |chain| {
            let path = chain.join("000000000001.json");
            let text = std::fs::read_to_string(&path).unwrap();
            let at = text.find("\"sig\":\"").unwrap() + 10;
            let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
            std::fs::write(&path, format!("{}{other}{}", &text[..at], &text[at + 1..])).unwrap();
        },
        |chain| std::fs::write(chain.join("000000000002.json"), "{}\n").unwrap(),
    ];
    for spoil in cases {
        let project = Project::approved();
        project.apply().must(Code::Ok);
        let second = SMALL.replace("name: change", "name: second").replace("\"on\"", "\"later\"");
        let project = project.with_plan(&second);
        let digest = std::fs::read(project.file("plans/second/plan.json")).unwrap();
        for person in ["alice", "bob"] {
            let digest = Digest::of(&digest).to_string();
            let key = format!("../keys/{person}");
            project.works(&["approve", "plans/second", "--key", &key, "--digest", &digest]);
        }
        project.works(&["apply", "plans/second", "--trusted", "."]);
        project.works(&["log"]);
        spoil(&project.root().join("state/ledgers/shop/receipt/prod/manifests"));
        let said = project.run(&["log"]);
        assert_ne!(said.code, Code::Ok, "{}", said.out);
    }
}
