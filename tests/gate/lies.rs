//! A plan that lies about itself, canonical and rightly digested, signed by the enrolled planner and
//! approved by two people: refused, with the place of the lie.

use countersign::document::canonical;
use countersign::document::code::Code;
use countersign::document::ident::Digest;
use countersign::document::statement::{Planned, Statement};
use countersign::plan::{OpenError, Plan};
use countersign::trust::envelope::{Envelope, seal};
use countersign::trust::sign::Sign as _;
use serde_json::{Value, json};

use crate::support::project::{Project, key_of};

/// The plan as a value.
fn document(project: &Project) -> Value {
    serde_json::from_slice(&std::fs::read(project.paper("plan.json")).unwrap()).unwrap()
}

/// Puts another plan in place of the one that is there, with a planner's statement and approvals of
/// its own.
fn put(project: &Project, document: &Value) {
    let bytes = canonical::to_bytes(document).unwrap();
    std::fs::write(project.paper("plan.json"), &bytes).unwrap();
    let planner = project.machine("planner");
    let old = std::fs::read(project.paper("planner.intoto.json")).unwrap();
    let old = Envelope::parse(&old).unwrap().verify(&[planner.public()]).unwrap();
    let old = Statement::<Planned>::from_bytes(old.payload()).unwrap();
    let new = Statement { plan: Digest::of(&bytes), ..old };
    let sealed = seal(&new.to_bytes().unwrap(), &planner).unwrap();
    std::fs::write(project.paper("planner.intoto.json"), sealed).unwrap();
    for person in ["alice", "bob"] {
        project.put(&key_of(person), project.approval(person));
    }
}

/// The plan with another value at a pointer.
fn with(document: &Value, at: &str, value: Value) -> Value {
    let mut changed = document.clone();
    let place = changed.pointer_mut(at).unwrap_or_else(|| panic!("{at}"));
    assert_ne!(*place, value, "{at}");
    *place = value;
    changed
}

#[test]
fn an_honest_plan_that_is_signed_like_this_passes() {
    let project = Project::planned();
    let honest = document(&project);
    put(&project, &honest);
    project.apply().must(Code::Ok);
}

#[test]
fn a_derived_member_that_lies_is_named() {
    let id = "/ConfigMap/shop/limits";
    let cases = [
        ("/effect/changes/0/class", json!("none")),
        ("/effect/changes/0/class", json!("data-loss")),
        ("/effect/changes/0/certainty", json!("possible")),
        ("/effect/changes/0/flags", json!(["privilege"])),
        ("/effect/changes/0/actions", json!([])),
        ("/effect/changes/0/actions", json!(["create"])),
        ("/effect/changes/0/preview/state", json!("server")),
        ("/effect/changes/0/preview/because", json!("trust me")),
        ("/effect/changes/0/sensitive", json!(["/data/beta"])),
        ("/effect/changes/0/replacePaths", json!(["/data"])),
        ("/effect/changes/0/withoutEffect", json!(["/data/beta"])),
        ("/effect/changes/0/propagation", json!("Orphan")),
        ("/effect/changes/0/id", json!(id)),
        ("/effect/files/0/after", json!("a: b\n")),
        ("/effect/files/0/after", Value::Null),
        ("/effect/impact/update", json!(0)),
        ("/effect/impact/delete", json!(1)),
        ("/effect/impact/byClass/outage", json!(1)),
        ("/effect/impact/byKind", json!({})),
        ("/effect/impact/namespaces", json!([])),
        ("/effect/impact/clusterScoped", json!([id])),
        ("/effect/impact/stateful", json!([id])),
        ("/effect/impact/dependents", json!([id])),
        ("/effect/impact/truncated", json!(true)),
        ("/effect/impact/unresolved", json!(["roles"])),
        ("/effect/masking", json!("key")),
        ("/effect/waves", json!([])),
        ("/effect/waves/0/0", json!(id)),
        ("/effect/complete", json!(false)),
    ];
    let project = Project::planned();
    let honest = document(&project);
    for (at, value) in cases {
        let project = Project::planned();
        put(&project, &with(&honest, at, value));
        let start = at.trim_end_matches("/0").trim_end_matches("/0");
        let named = match at {
            // What is unresolved cannot be complete.
            "/effect/impact/unresolved" => "/effect/complete",
            _ => start,
        };
        let said = project.apply();
        let message = said.must(Code::PlanIntegrity);
        assert!(message.contains(named), "{named}: {message}");
        project.refuses(Code::PlanIntegrity, "does not follow from the rest of it");
    }
}

#[test]
fn a_plan_that_contradicts_itself_is_refused_offline() {
    let before = "/effect/changes/0/before/data/beta";
    let cases = [
        ("/effect/changes/0/after/data/beta", json!("maybe"), "`after` is not what"),
        (before, json!("maybe"), "does not stand in the files as `before` says"),
        ("/effect/changes/0/before", Value::Null, "the object is not there"),
        ("/effect/changes/0/after", Value::Null, "`after` is not what"),
        ("/effect/changes/0/unknown", json!(["/data/beta"]), "has no unknown"),
        ("/effect/changes/0/guard", json!({"uid": "1"}), "has no unknown"),
        ("/effect/changes/0/warnings", json!(["w"]), "has no unknown"),
        ("/effect/changes/0/operation", json!("other"), "do not belong to each other"),
        ("/effect/changes/0/resource/name", json!("limits"), "does not name the object"),
        ("/effect/changes", json!([]), "do not belong to each other"),
        ("/effect/files", json!([]), "as `before` says"),
        ("/effect/files/0/before", json!("a: b\n"), "holds what no tree can hold"),
        ("/effect/files/0/before", Value::Null, "as `before` says"),
        ("/effect/files/0/path", json!("../flags.yaml"), "no change of this plan belongs there"),
        ("/effect/files/0/path", json!("/etc/flags.yaml"), "no change of this plan belongs there"),
        ("/effect/files/0/path", json!("a\u{0}.yaml"), "no change of this plan belongs there"),
        ("/effect/files/0/path", json!(".git/flags.yaml"), "no change of this plan belongs there"),
        ("/effect/files/0/path", json!("shop/flags.sh"), "no change of this plan belongs there"),
        (
            "/effect/stack",
            json!({"template": null, "parameters": {}, "role": "",
            "notifications": [], "rollback": null, "onFailure": "", "tags": {},
            "capabilities": []}),
            "plans no such target",
        ),
        ("/proposal/operations", json!([]), "do not belong to each other"),
        ("/proposal/operations/0/id", json!("other"), "do not belong to each other"),
    ];
    let honest = document(&Project::planned());
    for (at, value, what) in cases {
        let project = Project::planned();
        put(&project, &with(&honest, at, value));
        project.refuses(Code::PlanIntegrity, what);
    }
}

#[test]
fn an_observed_member_that_lies_is_stale_when_observed_again() {
    let honest = document(&Project::planned());
    let text = honest.pointer("/effect/files/0/before").unwrap().as_str().unwrap().to_owned();
    let after = honest.pointer("/effect/files/0/after").unwrap().as_str().unwrap().to_owned();
    // Another state of the object, told without a contradiction.
    let mut other = with(&honest, "/effect/changes/0/before/data/beta", json!("maybe"));
    other = with(&other, "/effect/files/0/before", json!(text.replace("\"off\"", "\"maybe\"")));
    // A comment that was never there.
    let mut comment = with(&honest, "/effect/files/0/before", json!(format!("# Safe.\n{text}")));
    comment = with(&comment, "/effect/files/0/after", json!(format!("# Safe.\n{after}")));
    let facts = json!([{"namespace": "shop", "cases": ["other"]}]);
    let cases = [
        (other, "/data/beta is \"off\", was \"maybe\" when planned"),
        (
            with(&honest, "/effect/files/0/path", json!("shop/other.yaml")),
            "its objects do not stand there any more",
        ),
        (comment, "its text is not what it was when planned"),
        (with(&honest, "/effect/facts/contents", facts), "/effect/facts/contents"),
    ];
    for (lie, what) in cases {
        let project = Project::planned();
        put(&project, &lie);
        project.verify().must(Code::Ok);
        project.refuses(Code::PlanStale, what);
    }
}

#[test]
fn another_target_planner_or_version_is_refused() {
    let cases = [
        ("/proposal/project", json!("mart"), Code::NotApplyable, "the plan is of project mart"),
        ("/proposal/environment", json!("dev"), Code::NotApplyable, "has no environment dev"),
        ("/proposal/target", json!("other"), Code::NotApplyable, "has no target other"),
        ("/proposal/planner", json!("applier"), Code::PlanIntegrity, "who is no `planner`"),
        ("/proposal/planner", json!("nobody"), Code::PlanIntegrity, "who is no `planner`"),
        ("/effect/target/path", json!("other"), Code::PlanStale, "the plan was made against"),
        ("/effect/target/project", json!("mart"), Code::PlanStale, "the plan was made against"),
        ("/rules", json!(2), Code::PlanIntegrity, "by version 2 of the rules"),
        ("/rules", json!(0), Code::PlanIntegrity, "by version 0 of the rules"),
        ("/rules", json!("1"), Code::PlanIntegrity, "of the rules"),
        ("/apiVersion", json!("countersign/v2"), Code::PlanIntegrity, "canonical plan document"),
        ("/kind", json!("Proposal"), Code::PlanIntegrity, "canonical plan document"),
    ];
    let honest = document(&Project::planned());
    for (at, value, code, what) in cases {
        let project = Project::planned();
        put(&project, &with(&honest, at, value));
        project.refuses(code, what);
    }
    let project = Project::planned();
    put(&project, &with(&honest, "/rules", json!(2)));
    project.refuses(Code::PlanIntegrity, "plan again with this version");
}

/// Every node of the document, changed in every way that keeps it JSON: whatever still opens is
/// something that was asked or seen, never something that follows.
#[test]
fn a_changed_shape_never_opens_as_a_plan() {
    let honest = document(&Project::planned());
    let mut nodes = Vec::new();
    pointers(&honest, String::new(), &mut nodes);
    assert!(nodes.len() > 80, "{nodes:?}");
    for at in &nodes {
        let node = honest.pointer(at).unwrap();
        for changed in shapes(node) {
            let document = with(&honest, at, changed.clone());
            let bytes = canonical::to_bytes(&document).unwrap();
            let Ok(plan) = Plan::open(bytes.clone()) else { continue };
            assert_eq!(plan.bytes(), bytes);
            let free = ["/proposal/intent/", "/effect/facts/", "/proposal/operations/0/reason"];
            let named = [
                "/proposal/requestedBy",
                "/proposal/name",
                "/proposal/project",
                "/proposal/environment",
                "/proposal/target",
                "/proposal/planner",
                "/effect/target/path",
                "/effect/target/project",
                "/proposal/operations/0/wait/ready",
                "/proposal/operations/0/wait/timeoutSeconds",
                "/proposal/operations/0/force",
                "/proposal/operations/0/replace",
                "/proposal/operations/0/body/resource/apiVersion",
            ];
            let told =
                free.iter().any(|start| at.starts_with(start)) || named.contains(&at.as_str());
            assert!(told, "{at} opens as {changed}");
        }
    }
}

#[test]
fn a_member_too_many_or_too_few_is_refused_by_name() {
    let honest = document(&Project::planned());
    let mut nodes = Vec::new();
    pointers(&honest, String::new(), &mut nodes);
    let mut members = 0;
    for at in nodes.iter().filter(|at| honest.pointer(at).unwrap().is_object()) {
        let object = honest.pointer(at).unwrap().as_object().unwrap();
        let mut more = honest.clone();
        more.pointer_mut(at).unwrap()["zz"] = json!(1);
        assert!(open(&more).is_err(), "{at} with a member that nobody knows");
        for name in object.keys() {
            let mut less = honest.clone();
            less.pointer_mut(at).unwrap().as_object_mut().unwrap().remove(name);
            assert!(open(&less).is_err(), "{at} without {name}");
            members += 1;
        }
    }
    assert!(members > 80, "{members}");
}

fn open(document: &Value) -> Result<Plan, OpenError> {
    Plan::open(canonical::to_bytes(document).unwrap())
}

/// Pointers to every node but the whole.
fn pointers(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                pointers(
                    value,
                    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")),
                    found,
                );
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                pointers(value, format!("{at}/{index}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    if !at.is_empty() {
        found.push(at);
    }
}

/// Other values in place of one.
fn shapes(value: &Value) -> Vec<Value> {
    let mut other = vec![
        Value::Null,
        json!(true),
        json!(7),
        json!(-1),
        json!(1.5),
        json!("text"),
        json!([]),
        json!({}),
        json!([value]),
        json!({"x": value}),
    ];
    match value {
        Value::Object(members) => other.push(members.values().cloned().collect()),
        Value::Array(items) => {
            other.push(items.iter().chain(items.last()).cloned().collect());
            other.push(items.iter().skip(1).cloned().collect());
        }
        Value::String(text) => {
            other.push(json!(format!("{text} ")));
            other.push(json!(text.to_uppercase()));
        }
        Value::Bool(known) => other.push(json!(!known)),
        Value::Null | Value::Number(_) => {}
    }
    other.retain(|other| other != value);
    other
}
