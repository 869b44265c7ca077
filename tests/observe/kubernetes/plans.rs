//! Whatever a cluster says, a plan follows that says the same when it is made again, and that opens.

use std::path::Path;

use countersign::config::{Limits, Target};
use countersign::custody::vault::Vault;
use countersign::document::effect::{PreviewState, Step};
use countersign::observe::Outside;
use countersign::plan::{Plan, plan};
use serde_json::{Value, json};

use super::secrets::vault;
use super::{Stage, proposal};

fn planned(stage: &Stage, operations: &Value, vault: Vault) -> Plan {
    let limits = Limits::default();
    let outside = Outside {
        project: Path::new("/nowhere"),
        limits: &limits,
        kubernetes: Some(stage.reach(vault)),
    };
    let target = Target::Kubernetes(stage.target());
    plan(proposal(operations.clone()), &target, &outside).unwrap()
}

#[test]
fn a_plan_of_many_outcomes_is_the_same_each_time_and_opens() {
    let stage = Stage::new();
    for name in ["same", "changed", "gone", "patched"] {
        stage.made("countersign", &stage.configmap(name, json!({"a": "1"})));
    }
    stage.made("kubectl", &stage.configmap("theirs", json!({"a": "1"})));
    stage.made("countersign", &stage.deployment("web", json!({"replicas": 0})));
    stage.made("countersign", &stage.deployment("fixed", json!({"replicas": 0})));
    let selected = |name: &str| {
        let mut body = stage.deployment(name, json!({"replicas": 0}));
        body["spec"]["selector"]["matchLabels"] = json!({"app": "other"});
        body["spec"]["template"]["metadata"]["labels"] = json!({"app": "other"});
        body
    };
    let service = stage.object(
        "v1",
        "Service",
        "web",
        json!({"spec": {
        "type": "NodePort", "selector": {"app": "web"}, "ports": [{"port": 80}]}}),
    );
    let secret = stage.object(
        "v1",
        "Secret",
        "db",
        json!({
        "data": {"password": {"$secret": "db-password"}}}),
    );
    let operations = json!([
        {"apply": stage.configmap("same", json!({"a": "1"}))},
        {"apply": stage.configmap("changed", json!({"a": "2"}))},
        {"apply": stage.configmap("new", json!({"a": "1"}))},
        stage.delete("ConfigMap", "gone"),
        {"patch": {"resource": {"apiVersion": "v1", "kind": "ConfigMap", "namespace": stage.name(),
            "name": "patched"}, "merge": {"data": {"b": "2"}}}},
        {"apply": stage.configmap("theirs", json!({"a": "2"})), "force": "allowed"},
        {"apply": selected("web"), "replace": "allowed"},
        {"apply": service},
        {"apply": secret},
    ]);
    let first = planned(&stage, &operations, vault(&stage, &operations));
    let second = planned(&stage, &operations, vault(&stage, &operations));
    assert_eq!(first.bytes(), second.bytes());
    let opened = Plan::open(first.bytes().to_vec()).unwrap();
    assert_eq!(opened.digest(), first.digest());
    let effect = &first.document().effect;
    let actions = |name: &str| {
        let found = effect.changes.iter().find(|change| change.resource.name == name).unwrap();
        found.actions.clone()
    };
    assert_eq!(actions("same"), []);
    assert_eq!(actions("changed"), [Step::Update]);
    assert_eq!(actions("new"), [Step::Create]);
    assert_eq!(actions("gone"), [Step::Delete]);
    assert_eq!(actions("db"), [Step::Create]);
    let web = |kind: &str| {
        let is = |change: &&countersign::document::effect::Change| {
            change.resource.name == "web" && change.resource.kind == kind
        };
        effect.changes.iter().find(is).unwrap()
    };
    assert_eq!(web("Deployment").actions, [Step::Delete, Step::Create]);
    assert!(!web("Service").unknown.is_empty());
    assert_eq!(effect.masking, "key-1");
    assert!(effect.impact.unresolved.iter().all(|text| text.ends_with("forbidden")));
}

#[test]
fn what_is_blocked_can_be_reviewed_and_is_not_complete() {
    let stage = Stage::new();
    stage.made("countersign", &stage.deployment("web", json!({"replicas": 0})));
    let mut body = stage.deployment("web", json!({"replicas": 0}));
    body["spec"]["selector"]["matchLabels"] = json!({"app": "other"});
    body["spec"]["template"]["metadata"]["labels"] = json!({"app": "other"});
    let made = planned(&stage, &json!([{"apply": body}]), Vault::empty());
    let effect = &made.document().effect;
    assert_eq!(effect.changes[0].preview.state, PreviewState::Blocked);
    assert!(!effect.complete);
    Plan::open(made.bytes().to_vec()).unwrap();
}
