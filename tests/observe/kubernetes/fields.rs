//! Which fields count, and whose they are.

use countersign::document::effect::PreviewState;
use serde_json::{Value, json};

use super::{Stage, state, texts};
use crate::support::cluster::client::MERGE;

/// Scaling is written down as somebody's own only where somebody owned the replicas before.
#[test]
fn what_an_autoscaler_writes_is_outside_the_plan_unless_the_operation_sets_it() {
    for (before, said) in [(json!({}), false), (json!({"replicas": 1}), true)] {
        scaled(&before, said);
    }
}

fn scaled(before: &Value, said: bool) {
    let stage = Stage::new();
    stage.made("kubectl", &stage.deployment("web", before.clone()));
    let path = stage.namespace.path_of("apps/v1", "deployments/web/scale");
    let (status, answer) =
        stage.cluster.admin().patch(&path, MERGE, &json!({"spec": {"replicas": 4}}));
    assert_eq!(status, 200, "{answer}");
    let live = stage.cluster.admin().read(&stage.namespace.path_of("apps/v1", "deployments/web"));
    let entries = live["metadata"]["managedFields"].as_array().unwrap();
    assert_eq!(entries.iter().any(|entry| entry["subresource"] == "scale"), said);
    let change = stage.one(json!({"apply": stage.deployment("web", json!({"paused": true}))}));
    assert_eq!(state(&change), (PreviewState::Server, ""));
    assert_eq!(change.after["spec"]["paused"], true);
    for side in [&change.before, &change.after] {
        assert!(side["spec"].is_object() && side.pointer("/spec/replicas").is_none(), "{side}");
    }
    let change = stage.one(json!({
        "apply": stage.deployment("web", json!({"replicas": 2})), "force": "allowed",
    }));
    assert_eq!(change.before["spec"]["replicas"], 4);
    assert_eq!(change.after["spec"]["replicas"], 2);
}

#[test]
fn what_the_target_leaves_to_others_is_on_neither_side_and_set_by_no_operation() {
    let mut stage = Stage::new();
    stage.lines =
        "ignore = { ConfigMap = [\"/data/theirs\", \"/metadata/annotations/note\"] }".to_owned();
    let mut live = stage.configmap("flags", json!({"theirs": "1", "a": "1"}));
    live["metadata"]["annotations"] = json!({"note": "x"});
    stage.made("other", &live);
    let change = stage.one(json!({"apply": stage.configmap("flags", json!({"b": "2"}))}));
    assert_eq!(change.before, stage.configmap("flags", json!({"a": "1"})));
    assert_eq!(change.after, stage.configmap("flags", json!({"a": "1", "b": "2"})));
    let said = stage.refused(json!({"apply": stage.configmap("flags", json!({"theirs": "2"}))}));
    assert!(said.contains("target main leaves /data/theirs to others"), "{said}");
}

#[test]
fn a_removal_that_somebody_else_undoes_is_said_to_be_without_effect() {
    let stage = Stage::new();
    let both = stage.configmap("flags", json!({"shared": "1", "ours": "2"}));
    stage.made("countersign", &both);
    stage.made("other", &stage.configmap("flags", json!({"shared": "1"})));
    let change = stage.one(json!({"apply": stage.configmap("flags", json!({}))}));
    assert_eq!(texts(&change.without_effect), ["/data/shared"]);
    assert_eq!(change.after, stage.configmap("flags", json!({"shared": "1"})));
}

#[test]
fn many_objects_of_a_kind_are_read_by_one_list_and_few_by_their_names() {
    let stage = Stage::new();
    for at in 0..5 {
        stage.made("countersign", &stage.configmap(&format!("c{at}"), json!({"a": "1"})));
    }
    let operations: Vec<_> = (0..5)
        .map(|at| json!({"apply": stage.configmap(&format!("c{at}"), json!({"a": "2"}))}))
        .collect();
    let found = stage.observe(json!(operations)).unwrap();
    assert_eq!(found.changes.len(), 5);
    for change in &found.changes {
        assert_eq!(
            (&change.before["data"], &change.after["data"]),
            (&json!({"a": "1"}), &json!({"a": "2"}))
        );
        assert_eq!(change.before["kind"], "ConfigMap");
    }
}
