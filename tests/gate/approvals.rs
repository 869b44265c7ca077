//! An approval counts only for one plan, under one policy, in its window, by one enrolled person.

use countersign::document::code::Code;
use countersign::document::ident::Digest;
use countersign::document::statement::{Approval, Decision, Statement};
use countersign::trust::envelope::seal;
use countersign::trust::sign::Sign as _;

use crate::support::apply::{label, now};
use crate::support::project::{Project, key_of};

/// What spoils an approval by bob.
type Spoil = fn(&mut Approval);

/// A planned project with a good approval by alice.
fn with_alice() -> Project {
    let project = Project::planned();
    project.put(&key_of("alice"), project.approval("alice"));
    project
}

#[test]
fn two_good_approvals_apply_the_plan_once() {
    let project = Project::approved();
    project.works(&["verify", "plans/change", "--trusted", ".", "--live"]);
    project.apply().must(Code::Ok);
    let flags = std::fs::read_to_string(project.file("manifests/shop/flags.yaml")).unwrap();
    assert!(flags.contains("beta: \"on\"   # the new checkout"), "{flags}");
    project.refuses(Code::ApprovalInvalid, "is spent");
}

#[test]
fn one_approval_too_few_is_below_quorum() {
    with_alice().refuses(Code::ApprovalRequired, "1 of 2 required approvals (alice)");
}

#[test]
fn an_approval_that_is_not_for_this_plan_these_policies_or_this_time_does_not_count() {
    let cases: [(&str, Spoil); 12] = [
        ("under other policies", |a| a.policy_digest = Digest::of(b"other")),
        ("it expired at", |a| {
            (a.approved_at, a.expires_at) = (now().plus_seconds(-60), now().plus_seconds(-1));
        }),
        ("it expired at", |a| a.expires_at = now()),
        ("from the future", |a| a.approved_at = now().plus_seconds(301)),
        ("for longer than the 24 hours", |a| a.expires_at = now().plus_seconds(86_401)),
        ("for longer than the 24 hours", |a| {
            a.expires_at = "9999-12-31T23:59:59Z".parse().unwrap()
        }),
        ("under trust.json version 6", |a| a.trust_version = "6".to_owned()),
        ("under trust.json version +5", |a| a.trust_version = "+5".to_owned()),
        ("under trust.json version 05", |a| a.trust_version = "05".to_owned()),
        ("under trust.json version ", |a| a.trust_version = String::new()),
        ("it says it is alice's, but the key is bob's", |a| a.principal = label("alice")),
        ("it says it is nobody's, but the key is bob's", |a| a.principal = label("nobody")),
    ];
    for (what, spoil) in cases {
        let project = with_alice();
        let mut approval = project.approval("bob");
        spoil(&mut approval);
        project.put(&key_of("bob"), approval);
        project.refuses(Code::ApprovalInvalid, what);
    }
}

#[test]
fn the_ends_of_a_window_and_an_older_trust_root_still_count() {
    let cases: [Spoil; 4] = [
        |a| a.expires_at = now().plus_seconds(1),
        |a| a.approved_at = now().plus_seconds(300),
        |a| a.expires_at = now().plus_seconds(86_400),
        |a| a.trust_version = "4".to_owned(),
    ];
    for spoil in cases {
        let project = with_alice();
        let mut approval = project.approval("bob");
        spoil(&mut approval);
        project.put(&key_of("bob"), approval);
        project.verify().must(Code::Ok);
    }
}

#[test]
fn an_approval_ends_at_its_second() {
    let hours = 8 * 3_600;
    Project::approved().later(hours - 1).verify().must(Code::Ok);
    Project::approved().later(hours).refuses(Code::ApprovalInvalid, "it expired at");
    Project::approved().later(-301).refuses(Code::ApprovalInvalid, "from the future");
}

#[test]
fn an_approval_for_another_plan_does_not_count() {
    let project = with_alice();
    project.put_for(Digest::of(b"other"), &key_of("bob"), project.approval("bob"));
    project.refuses(Code::ApprovalInvalid, "it is for plan");
}

#[test]
fn approvals_of_another_projects_or_environments_plan_do_not_count() {
    for (from, to) in [("project", "mart"), ("environment", "dev"), ("target", "other")] {
        let project = Project::planned();
        let plan = std::fs::read_to_string(project.paper("plan.json")).unwrap();
        let place = format!("\"{from}\":\"");
        let at = plan.rfind(&place).unwrap() + place.len();
        let end = at + plan[at..].find('"').unwrap();
        let other = format!("{}{to}{}", &plan[..at], &plan[end..]);
        assert_ne!(plan, other);
        for person in ["alice", "bob"] {
            let digest = Digest::of(other.as_bytes());
            project.put_for(digest, &key_of(person), project.approval(person));
        }
        project.refuses(Code::ApprovalInvalid, "it is for plan");
    }
}

#[test]
fn policies_that_changed_after_the_approval_void_it() {
    let cases: [fn(&Project); 4] = [
        |project| project.edit("policies/replicas.rego", "package", "# Looser.\npackage"),
        |project| project.edit("policies/replicas_test.rego", "package", "# Looser.\npackage"),
        |project| std::fs::write(project.file("policies/more.json"), "{\"more\": {}}").unwrap(),
        |project| project.edit("countersign.toml", "[policy]\n", "[policy]\nbuiltin = false\n"),
    ];
    for change in cases {
        let project = Project::approved();
        change(&project);
        project.refuses(Code::ApprovalInvalid, "under other policies");
    }
}

#[test]
fn what_was_revoked_does_not_count() {
    let project = with_alice();
    let approval = project.approval("bob");
    let id = approval.approval_id.to_string();
    project.put(&key_of("bob"), approval);
    project.verify().must(Code::Ok);
    project.works(&["trust", "revoke", &id]);
    project.refuses(Code::ApprovalInvalid, &format!("approval {id} is revoked"));

    let project = Project::approved();
    let key = key_of("bob").public().fingerprint().to_string();
    project.works(&["trust", "revoke", &key]);
    project.refuses(Code::ApprovalInvalid, &format!("key {key} is revoked"));

    let project = Project::approved();
    project.works(&["trust", "remove", "bob"]);
    project.refuses(Code::ApprovalInvalid, "is not in trust.json version 6");
}

#[test]
fn one_person_with_two_keys_is_one_person() {
    let project = with_alice();
    project.works(&["trust", "add", "alice", "--key", "../keys/alice2.pub", "--role", "approver"]);
    project.put(&key_of("alice"), project.approval("alice"));
    project.put(&key_of("alice2"), project.approval("alice"));
    project.refuses(Code::ApprovalRequired, "1 of 2 required approvals (alice)");
}

#[test]
fn one_person_fills_one_place_of_two_roles() {
    let project = Project::planned();
    project.works(&["trust", "add", "dave", "--key", "../keys/alice2.pub", "--role", "dba"]);
    // A second key, because a role is added together with one.
    project.works(&["trust", "add", "carol", "--key", "../keys/mallory.pub", "--role", "dba"]);
    project.works(&["trust", "quorum", "prod", "--require", "approver=1", "--require", "dba=1"]);
    project.put(&key_of("carol"), project.approval("carol"));
    project.put(&key_of("mallory"), project.approval("carol"));
    project.refuses(Code::ApprovalRequired, "1 of 2 required approvals (carol)");
    project.put(&key_of("alice2"), project.approval("dave"));
    project.verify().must(Code::Ok);
}

#[test]
fn whoever_asked_or_answers_for_the_planner_does_not_count() {
    let project = with_alice();
    project.put(&key_of("erin"), project.approval("erin"));
    project.refuses(Code::ApprovalRequired, "1 of 2 required approvals (alice)");

    let project = Project::new();
    std::fs::write(project.root().join("p.yaml"), crate::support::project::SMALL).unwrap();
    project.works(&["plan", "-f", "../p.yaml", "--requested-by", "alice"]);
    for person in ["alice", "bob"] {
        project.put(&key_of(person), project.approval(person));
    }
    project.refuses(Code::ApprovalRequired, "1 of 2 required approvals (bob)");
    project.put(&key_of("carol"), project.approval("carol"));
    project.verify().must(Code::Ok);
}

#[test]
fn machines_and_strangers_do_not_count() {
    for machine in ["planner", "applier"] {
        let project = with_alice();
        project.put(&project.machine(machine), project.approval(machine));
        project.refuses(Code::ApprovalInvalid, &format!("{machine} is a machine"));
    }
    for said in ["mallory", "bob"] {
        let project = with_alice();
        project.put(&key_of("mallory"), project.approval(said));
        project.refuses(Code::ApprovalInvalid, "is not in trust.json version 5");
    }
}

#[test]
fn the_key_that_an_envelope_names_decides_nothing() {
    let alice = key_of("alice").public().fingerprint().to_string();
    for (person, counts) in [("bob", true), ("mallory", false)] {
        let own = key_of(person).public().fingerprint().to_string();
        for named in
            [format!("\"keyid\":\"{alice}\","), "\"keyid\":\"\",".to_owned(), String::new()]
        {
            let project = with_alice();
            let statement =
                Statement { plan: project.digest(), predicate: project.approval("bob") };
            let sealed = seal(&statement.to_bytes().unwrap(), &key_of(person)).unwrap();
            let sealed = String::from_utf8(sealed).unwrap();
            let spoiled = sealed.replace(&format!("\"keyid\":\"{own}\","), &named);
            assert_ne!(sealed, spoiled);
            project.put_paper("bob.intoto.json", spoiled.as_bytes());
            match counts {
                true => assert_eq!(project.verify().code, Code::Ok),
                false => project.refuses(Code::ApprovalInvalid, "bob.intoto.json"),
            }
        }
    }
}

#[test]
fn a_no_stands_until_the_same_person_takes_it_back() {
    let reject = |project: &Project, person: &str, seconds: i64| {
        let mut no = project.approval(person);
        no.decision = Decision::Reject;
        no.approved_at = now().plus_seconds(seconds);
        no
    };
    let project = Project::approved();
    project.put(&key_of("carol"), reject(&project, "carol", -60));
    project.refuses(Code::ApprovalInvalid, "carol rejected the plan");
    // Neither other policies nor time wear a no out, and at the same second it wins.
    for seconds in [0, -7_200] {
        let project = Project::approved();
        let mut no = reject(&project, "alice", seconds);
        no.expires_at = now().plus_seconds(-1);
        no.policy_digest = Digest::of(b"other");
        project.put(&key_of("alice"), no);
        match seconds {
            0 => project.refuses(Code::ApprovalInvalid, "alice rejected the plan"),
            _ => assert_eq!(project.verify().code, Code::Ok),
        }
    }
    project.put(&key_of("carol"), project.approval("carol"));
    project.verify().must(Code::Ok);
}

#[test]
fn the_no_of_somebody_who_could_not_say_yes_is_not_counted() {
    for (person, key) in [("mallory", "mallory"), ("erin", "erin"), ("bob", "mallory")] {
        let project = Project::approved();
        let mut no = project.approval(person);
        no.decision = Decision::Reject;
        project.put(&key_of(key), no);
        project.verify().must(Code::Ok);
    }
}

/// Found by this test: papers were told apart by the id alone, which everybody chooses themselves.
#[test]
fn who_reuses_the_id_of_a_no_does_not_hide_it() {
    let project = Project::planned();
    let mut no = project.approval("carol");
    no.decision = Decision::Reject;
    for person in ["alice", "bob"] {
        let approval = Approval { approval_id: no.approval_id.clone(), ..project.approval(person) };
        project.put(&key_of(person), approval);
    }
    project.verify().must(Code::Ok);
    project.put(&key_of("carol"), no);
    project.refuses(Code::ApprovalInvalid, "carol rejected the plan");
}

#[test]
fn other_statements_are_no_approvals() {
    let project = with_alice();
    let planner = std::fs::read(project.paper("planner.intoto.json")).unwrap();
    project.put_paper("bob.intoto.json", &planner);
    project.refuses(Code::ApprovalInvalid, "predicateType is \"urn:countersign:planner:v1\"");

    let statement = Statement { plan: project.digest(), predicate: project.approval("bob") };
    let good = String::from_utf8(statement.to_bytes().unwrap()).unwrap();
    let second = format!("{{\"digest\":{{\"sha256\":\"{}\"}},\"name\":\"x\"}}", project.digest());
    let cases: [(&str, &str, &str); 15] = [
        ("approval:v1", "approval:v1/", "predicateType"),
        ("approval:v1", "approval:v2", "predicateType"),
        ("Statement/v1", "Statement/v0.1", "_type"),
        ("\"plan.json\"", "\"plan2.json\"", "exactly one subject"),
        ("\"subject\":[", "\"subject\":[],\"more\":[", "cannot be read"),
        ("\"plan.json\"}]", &format!("\"plan.json\"}},{second}]"), "exactly one subject"),
        ("\"sha256\"", "\"sha512\"", "cannot be read"),
        ("\"approve\"", "\"approved\"", "cannot be read"),
        ("\"approve\"", "\"APPROVE\"", "cannot be read"),
        ("\"decision\":\"approve\",", "", "cannot be read"),
        ("\"decision\":", "\"decision\":\"reject\",\"decision\":", "cannot be read"),
        ("\"decision\":", "\"decisio\\u006e\":\"reject\",\"decision\":", "cannot be read"),
        ("\"reason\":\"\"", "\"reason\":\"\",\"scope\":\"all\"", "cannot be read"),
        ("Z\",\"decision\"", "+00:00\",\"decision\"", "cannot be read"),
        ("\"trustVersion\":\"5\"", "\"trustVersion\":5", "cannot be read"),
    ];
    for (from, to, what) in cases {
        let spoiled = good.replacen(from, to, 1);
        assert_ne!(good, spoiled, "{from}");
        let sealed = seal(spoiled.as_bytes(), &key_of("bob")).unwrap();
        project.put_paper("bob.intoto.json", &sealed);
        project.refuses(Code::ApprovalInvalid, what);
    }
}

#[test]
fn what_is_prepared_and_not_signed_does_not_count() {
    let project = with_alice();
    let digest = project.digest().to_string();
    let bob = ["approve", "plans/change", "--key", "../keys/bob.pub", "--prepare", "--digest"];
    project.works(&[&bob[..], &[&digest]].concat());
    project.refuses(Code::ApprovalInvalid, "it is not signed");
}
