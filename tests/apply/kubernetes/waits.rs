//! What an apply waits for before it goes on, and how it ends when that does not come.

use std::cell::Cell;
use std::time::{Duration, Instant};

use countersign::document::statement::{Fate, Outcome};
use serde_json::{Value, json};

use super::stage::{Hooks, Stage};

#[test]
fn a_deployment_is_waited_for_before_the_next_wave_begins() {
    let stage = Stage::new();
    let plan = stage.plan(json!([
        {"id": "web", "apply": stage.deployment("web", 2)},
        {"id": "next", "apply": stage.configmap("next", json!({"a": "1"})), "dependsOn": ["web"]},
    ]));
    let path = stage.namespace.path_of("apps/v1", "deployments/web");
    let recheck = |_| {
        let found = stage.cluster.admin().read(&path);
        assert_eq!(found["status"]["availableReplicas"], 2, "{found}");
        Ok(())
    };
    let ended = stage.apply_with(&plan, Hooks { recheck: &recheck, ..Hooks::default() });
    ended.must(Outcome::Applied);
    let words = format!("waiting for Deployment {}/web: ", stage.name());
    assert!(ended.told.iter().any(|told| told.starts_with(&words)), "{:?}", ended.told);
}

/// A Deployment whose pods no node takes.
fn stuck(stage: &Stage, seconds: u64) -> Value {
    let mut body = stage.deployment("web", 1);
    body["spec"]["template"]["spec"]["nodeSelector"] = json!({"example.invalid/none": "here"});
    json!({"id": "web", "apply": body, "wait": {"ready": true, "timeoutSeconds": seconds}})
}

#[test]
fn what_does_not_become_ready_is_written_all_the_same() {
    let stage = Stage::new();
    let plan = stage.plan(json!([stuck(&stage, 2)]));
    let ended = stage.apply(&plan);
    ended.must(Outcome::NotReady);
    assert_eq!(ended.fates(), [Fate::Written]);
    let because = &ended.report.lines()[0].because;
    assert!(because.contains("not ready: 0 of 1 replica is"), "{because}");
    assert!(ended.stop().contains("is not ready"), "{}", ended.stop());
    // All of it is written: there is nothing to resume, and the target is free.
    let ledger = stage.ledger();
    assert!(ledger.locks().unwrap().is_empty());
    assert!(!ledger.rounds(plan.digest()).unwrap().last().unwrap().state.is_open());
}

#[test]
fn what_does_not_become_ready_keeps_later_waves_from_beginning() {
    let stage = Stage::new();
    let plan = stage.plan(json!([
        stuck(&stage, 2),
        {"id": "next", "apply": stage.configmap("next", json!({"a": "1"})), "dependsOn": ["web"]},
    ]));
    let ended = stage.apply(&plan);
    ended.must(Outcome::Partial);
    assert_eq!(ended.fates(), [Fate::Written, Fate::NotWritten]);
    assert_eq!(ended.writes.len(), 1, "{:?}", ended.writes);
    // Mended by somebody, it is gone on with.
    let node = json!({"spec": {"template": {"spec": {"nodeSelector": null}}}});
    let path = stage.namespace.path_of("apps/v1", "deployments/web");
    let merge = "application/merge-patch+json";
    assert_eq!(stage.cluster.admin().patch(&path, merge, &node).0, 200);
    let ended = stage.resume(&plan);
    ended.must(Outcome::Partial);
    let says = "not what was to be created, at /spec/template/spec/nodeSelector";
    assert!(ended.stop().contains(says), "{}", ended.stop());
}

#[test]
fn whoever_does_not_want_to_wait_does_not() {
    let stage = Stage::new();
    let mut operation = stuck(&stage, 60);
    operation["wait"]["ready"] = json!(false);
    let plan = stage.plan(json!([operation]));
    let begun = Instant::now();
    stage.apply(&plan).must(Outcome::Applied);
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn an_interrupt_ends_the_wait_with_a_receipt() {
    let stage = Stage::new();
    let plan = stage.plan(json!([stuck(&stage, 60)]));
    let asked = Cell::new(0);
    let interrupted = || asked.replace(asked.get() + 1) > 5;
    let ended = stage.apply_with(&plan, Hooks { interrupted: &interrupted, ..Hooks::default() });
    ended.must(Outcome::NotReady);
    assert!(ended.stop().contains("interrupted"), "{}", ended.stop());
}

#[test]
fn what_is_deleted_is_waited_for_to_be_gone() {
    let stage = Stage::new();
    let mut kept = stage.configmap("kept", json!({"a": "1"}));
    kept["metadata"]["finalizers"] = json!(["example.invalid/kept"]);
    stage.theirs(&kept);
    let mut operation = stage.delete("v1", "ConfigMap", "kept");
    operation["wait"] = json!({"ready": true, "timeoutSeconds": 2});
    let plan = stage.plan(json!([operation.clone()]));
    let ended = stage.apply(&plan);
    ended.must(Outcome::NotReady);
    assert!(ended.stop().contains("kept by example.invalid/kept"), "{}", ended.stop());

    let stage = Stage::new();
    kept["metadata"]["namespace"] = stage.name().into();
    stage.theirs(&kept);
    operation["delete"]["namespace"] = stage.name().into();
    operation["wait"]["timeoutSeconds"] = json!(60);
    let plan = stage.plan(json!([operation]));
    let path = stage.configmap_path("kept");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let admin = stage.cluster.admin();
            admin.wait_for(&path, "going", |found| {
                found["metadata"]["deletionTimestamp"].is_string()
            });
            let none = json!({"metadata": {"finalizers": null}});
            admin.patch(&path, "application/merge-patch+json", &none);
        });
        stage.apply(&plan).must(Outcome::Applied);
    });
    assert_eq!(stage.data("kept"), Value::Null);
}

#[test]
fn an_object_that_cannot_be_changed_is_made_anew_where_that_is_allowed() {
    let stage = Stage::new();
    let mut body = stage.deployment("web", 1);
    let old = stage.ours(&body);
    body["spec"]["selector"]["matchLabels"] = json!({"app": "other"});
    body["spec"]["template"]["metadata"]["labels"] = json!({"app": "other"});
    let plan = stage.plan(json!([{"apply": body, "replace": "allowed"}]));
    let ended = stage.apply(&plan);
    ended.must(Outcome::Applied);
    let path = stage.namespace.path_of("apps/v1", "deployments/web");
    let found = stage.cluster.admin().read(&path);
    assert_ne!(found["metadata"]["uid"], old["metadata"]["uid"]);
    assert_eq!(found["spec"]["selector"]["matchLabels"], json!({"app": "other"}));
    let verbs: Vec<&str> = ended.writes.iter().map(|write| write.verb.as_str()).collect();
    assert_eq!(verbs, ["delete", "patch"]);
}

#[test]
fn a_replacement_that_stops_between_its_halves_says_so_and_is_gone_on_with() {
    let stage = Stage::new();
    let mut body = stage.deployment("web", 1);
    body["metadata"]["finalizers"] = json!(["example.invalid/kept"]);
    stage.ours(&body);
    body["metadata"].as_object_mut().unwrap().remove("finalizers");
    body["spec"]["selector"]["matchLabels"] = json!({"app": "other"});
    body["spec"]["template"]["metadata"]["labels"] = json!({"app": "other"});
    let wait = json!({"ready": true, "timeoutSeconds": 2});
    let plan = stage.plan(json!([{"apply": body, "replace": "allowed", "wait": wait}]));
    let ended = stage.apply(&plan);
    ended.must(Outcome::Partial);
    assert_eq!(ended.fates(), [Fate::Failed]);
    let stop = ended.stop();
    assert!(stop.contains("not created again") && stop.contains("example.invalid/kept"), "{stop}");
    let path = stage.namespace.path_of("apps/v1", "deployments/web");
    let admin = stage.cluster.admin();
    let none = json!({"metadata": {"finalizers": null}});
    admin.patch(&path, "application/merge-patch+json", &none);
    admin.wait_for(&path, "gone", Value::is_null);
    let ended = stage.resume(&plan);
    ended.must(Outcome::Applied);
    assert_eq!(ended.fates(), [Fate::Written]);
    assert_eq!(admin.read(&path)["spec"]["selector"]["matchLabels"], json!({"app": "other"}));
}

#[test]
fn a_definition_and_an_object_of_it_come_by_one_plan() {
    let stage = Stage::with("cluster-scoped = true");
    let tag = stage.name().rsplit('-').next().unwrap();
    let group = format!("g{tag}.example.org");
    stage.cluster.grant(
        &stage.user,
        None,
        &json!([
            {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"],
                "verbs": ["get", "list", "create", "patch", "delete"]},
            {"apiGroups": [""], "resources": ["namespaces", "configmaps"],
                "verbs": ["get", "list", "create", "patch", "delete"]},
            {"apiGroups": [group], "resources": ["things"],
                "verbs": ["get", "list", "create", "patch", "delete"]},
        ]),
    );
    stage.user.client().wait_for("/api/v1/namespaces", "a right", |all| all["items"].is_array());
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("things.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {"kind": "Thing", "plural": "things", "singular": "thing"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {
                "openAPIV3Schema": {"type": "object", "properties": {"spec": {
                    "type": "object", "properties": {
                        "size": {"type": "integer"}, "color": {"type": "string", "default": "red"},
                    }}}}}}],
        },
    });
    let thing = json!({
        "apiVersion": format!("{group}/v1"), "kind": "Thing",
        "metadata": {"name": "one", "namespace": stage.name()}, "spec": {"size": 3},
    });
    let plan = stage.plan(json!([
        {"id": "definition", "apply": definition},
        {"id": "thing", "apply": thing, "dependsOn": ["definition"]},
    ]));
    let ended = stage.apply(&plan);
    ended.must(Outcome::Applied);
    assert_eq!(ended.fates(), [Fate::Written; 2]);
    let path = stage.namespace.path_of(&format!("{group}/v1"), "things/one");
    assert_eq!(stage.cluster.admin().read(&path)["spec"], json!({"size": 3, "color": "red"}));
}

#[test]
fn what_a_controller_adds_to_an_object_is_no_reason_not_to_go_on() {
    let stage = Stage::new();
    let pod = stage.object(
        "v1",
        "Pod",
        "one",
        json!({"spec": {"containers": [{"name": "a", "image": "example.invalid/a:1"}]}}),
    );
    let plan = stage.plan(json!([
        {"id": "pod", "apply": pod},
        {"id": "next", "apply": stage.configmap("next", json!({"a": "1"})), "dependsOn": ["pod"]},
    ]));
    let stops = |_| Err("not now".to_owned());
    stage.apply_with(&plan, Hooks { recheck: &stops, ..Hooks::default() }).must(Outcome::Partial);
    let found = stage.cluster.admin().read(&format!("{}/one", stage.namespace.path("pods")));
    assert!(found["spec"]["nodeName"].is_string(), "{found}");
    let ended = stage.resume(&plan);
    ended.must(Outcome::Applied);
    assert_eq!(ended.fates(), [Fate::AlreadyWritten, Fate::Written]);
}

#[test]
fn what_was_not_begun_is_not_taken_for_written_because_it_holds_as_much() {
    let stage = Stage::new();
    let plan = stage.plan(json!([
        {"id": "first", "apply": stage.configmap("first", json!({"a": "1"}))},
        {"id": "next", "apply": stage.configmap("next", json!({"a": "1"})), "dependsOn": ["first"]},
    ]));
    let stops = |_| Err("not now".to_owned());
    stage.apply_with(&plan, Hooks { recheck: &stops, ..Hooks::default() }).must(Outcome::Partial);
    stage.theirs(&stage.configmap("next", json!({"a": "1", "b": "2"})));
    let ended = stage.resume(&plan);
    ended.must(Outcome::Partial);
    assert!(ended.stop().contains("it exists, and was to be created"), "{}", ended.stop());
}

#[test]
fn many_objects_are_waited_for_by_few_requests() {
    let stage = Stage::new();
    let names: Vec<String> = (0..40).map(|at| format!("web-{at:02}")).collect();
    let plan = stage.plan(Value::Array(
        names.iter().map(|name| json!({"apply": stage.deployment(name, 0)})).collect(),
    ));
    let ended = stage.apply(&plan);
    ended.must(Outcome::Applied);
    for name in names {
        let path = stage.namespace.path_of("apps/v1", &format!("deployments/{name}"));
        let found = stage.cluster.admin().read(&path);
        assert!(found["status"]["observedGeneration"].is_number(), "{found}");
    }
}
