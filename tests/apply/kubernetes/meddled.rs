//! Somebody else at work: between the plan and the apply, and again between the look at every object
//! and the write. Nothing of theirs is lost, and nothing is written that was not in the plan.

use std::cell::Cell;

use countersign::document::statement::{Fate, Outcome};
use countersign::plan::Plan;
use serde_json::{Value, json};

use super::stage::{Ended, Hooks, Stage, applied};

/// What somebody else does, to an object `x` that the plan is about.
struct Meddling {
    what: &'static str,
    /// The operation.
    asks: fn(&Stage) -> Value,
    /// What stands there when it is planned, made by us.
    before: Option<Value>,
    does: fn(&Stage),
    /// What stands there in the end.
    left: Value,
    says: &'static str,
}

fn updates(stage: &Stage) -> Value {
    applied(&stage.configmap("x", json!({"a": "2"})))
}

fn deletes(stage: &Stage) -> Value {
    stage.delete("v1", "ConfigMap", "x")
}

fn remove(stage: &Stage) {
    let (status, answer) = stage.cluster.admin().delete(&stage.configmap_path("x"), &Value::Null);
    assert_eq!(status, 200, "{answer}");
}

fn table() -> Vec<Meddling> {
    let one = || Some(json!({"a": "1"}));
    let other = "another object than when planned";
    vec![
        Meddling {
            what: "edits a field of ours",
            asks: updates,
            before: one(),
            does: |s| drop(s.theirs(&s.configmap("x", json!({"a": "9"})))),
            left: json!({"a": "9"}),
            says: "not what it was when planned, at /data/a",
        },
        Meddling {
            what: "adds a field of theirs",
            asks: updates,
            before: one(),
            does: |s| drop(s.theirs(&s.configmap("x", json!({"theirs": "9"})))),
            left: json!({"a": "1", "theirs": "9"}),
            says: "not what it was when planned, at /data/theirs",
        },
        Meddling {
            what: "deletes it and makes it again",
            asks: updates,
            before: one(),
            does: |s| {
                remove(s);
                s.ours(&s.configmap("x", json!({"a": "1"})));
            },
            left: json!({"a": "1"}),
            says: other,
        },
        Meddling {
            what: "deletes it",
            asks: updates,
            before: one(),
            does: remove,
            left: Value::Null,
            says: "it is gone",
        },
        Meddling {
            what: "begins to delete it",
            asks: updates,
            before: one(),
            does: |s| {
                let mut kept = s.configmap("x", json!({"a": "1"}));
                kept["metadata"]["finalizers"] = json!(["example.invalid/kept"]);
                s.theirs(&kept);
                remove(s);
            },
            left: json!({"a": "1"}),
            says: "it is being deleted",
        },
        Meddling {
            what: "makes what was to be made",
            asks: updates,
            before: None,
            does: |s| drop(s.theirs(&s.configmap("x", json!({"a": "9"})))),
            left: json!({"a": "9"}),
            says: "it exists, and was to be created",
        },
        Meddling {
            what: "makes the very same",
            asks: updates,
            before: None,
            does: |s| drop(s.theirs(&s.configmap("x", json!({"a": "2"})))),
            left: json!({"a": "2"}),
            says: "it exists, and was to be created",
        },
        Meddling {
            what: "changes what was to go",
            asks: deletes,
            before: one(),
            does: |s| drop(s.theirs(&s.configmap("x", json!({"a": "9"})))),
            left: json!({"a": "9"}),
            says: "not what it was when planned, at /data/a",
        },
        Meddling {
            what: "makes anew what was to go",
            asks: deletes,
            before: one(),
            does: |s| {
                remove(s);
                s.theirs(&s.configmap("x", json!({"a": "1"})));
            },
            left: json!({"a": "1"}),
            says: other,
        },
        Meddling {
            what: "deletes what was to go",
            asks: deletes,
            before: one(),
            does: remove,
            left: Value::Null,
            says: "it is gone",
        },
    ]
}

fn planned(stage: &Stage, meddling: &Meddling) -> Plan {
    if let Some(before) = &meddling.before {
        stage.ours(&stage.configmap("x", before.clone()));
    }
    stage.plan(json!([(meddling.asks)(stage)]))
}

#[track_caller]
fn refused(ended: &Ended, stage: &Stage, Meddling { what, left, says, .. }: &Meddling) {
    ended.must(Outcome::FailedClean);
    assert_eq!(ended.fates(), [Fate::NotWritten], "{what}");
    assert!(ended.stop().contains(says), "{what}: {}", ended.stop());
    assert_eq!(stage.data("x"), *left, "{what}");
    let took_effect = |code: u16| code < 400;
    assert!(
        !ended.writes.iter().any(|write| took_effect(write.code)),
        "{what}: {:?}",
        ended.writes
    );
}

#[test]
fn what_changes_between_plan_and_apply_is_seen_before_anything_is_sent() {
    for meddling in table() {
        let stage = Stage::new();
        let plan = planned(&stage, &meddling);
        (meddling.does)(&stage);
        let ended = stage.apply(&plan);
        refused(&ended, &stage, &meddling);
        assert!(ended.writes.is_empty(), "{}: {:?}", meddling.what, ended.writes);
    }
}

/// The last moment before a write begins is when it is asked whether somebody wants it to stop.
fn before_the_write(does: impl Fn()) -> impl Fn() -> bool {
    let asked = Cell::new(0);
    move || {
        // Before it is recorded, and once more before it is sent.
        if asked.replace(asked.get() + 1) == 1 {
            does();
        }
        false
    }
}

#[test]
fn what_changes_between_the_look_and_the_write_is_refused_by_the_cluster_itself() {
    for meddling in table() {
        let stage = Stage::new();
        let plan = planned(&stage, &meddling);
        let interrupted = before_the_write(|| (meddling.does)(&stage));
        let hooks = Hooks { interrupted: &interrupted, ..Hooks::default() };
        let ended = stage.apply_with(&plan, hooks);
        refused(&ended, &stage, &meddling);
        assert_eq!(ended.writes.len(), 1, "{}: {:?}", meddling.what, ended.writes);
    }
}

#[test]
fn what_counts_for_nothing_may_change_at_any_moment() {
    let stage = Stage::new();
    stage.ours(&stage.configmap("x", json!({"a": "1"})));
    let mut noted = stage.object("v1", "ConfigMap", "x", json!({}));
    let plan = stage.plan(json!([updates(&stage)]));
    noted["metadata"]["annotations"] = json!({"kapp.k14s.io/original": "{}"});
    let interrupted = before_the_write(|| drop(stage.theirs(&noted)));
    let ended = stage.apply_with(&plan, Hooks { interrupted: &interrupted, ..Hooks::default() });
    ended.must(Outcome::Applied);
    assert_eq!(stage.data("x"), json!({"a": "2"}));
    // The first one was for a version that was gone by then.
    let codes: Vec<u16> = ended.writes.iter().map(|write| write.code).collect();
    assert_eq!(codes, [409, 200]);
}

#[test]
fn a_namespace_that_was_made_anew_is_another_one() {
    let stage = Stage::new();
    let plan = stage.plan(json!([updates(&stage)]));
    let admin = stage.cluster.admin();
    let path = format!("/api/v1/namespaces/{}", stage.name());
    admin.delete(&path, &Value::Null);
    admin.wait_for(&path, "gone", Value::is_null);
    admin.apply(&json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": stage.name()},
    }));
    stage.cluster.grant(&stage.user, Some(stage.name()), &super::stage::applying());
    stage.settled();
    let ended = stage.apply(&plan);
    ended.must(Outcome::FailedClean);
    assert!(ended.stop().contains("another object than when planned"), "{}", ended.stop());
    assert!(ended.writes.is_empty(), "{:?}", ended.writes);
}

#[test]
fn a_field_that_somebody_else_has_taken_over_is_not_taken_back() {
    let stage = Stage::new();
    stage.ours(&stage.configmap("x", json!({"a": "1"})));
    let plan = stage.plan(json!([updates(&stage)]));
    // The same value: only the ownership is shared now.
    stage.theirs(&stage.configmap("x", json!({"a": "1"})));
    let ended = stage.apply(&plan);
    ended.must(Outcome::FailedClean);
    assert!(ended.stop().contains("refused"), "{}", ended.stop());
    assert_eq!(stage.data("x"), json!({"a": "1"}));
}

#[test]
fn no_more_is_taken_over_than_the_plan_says() {
    let forced = |stage: &Stage| {
        let body = stage.configmap("x", json!({"a": "2", "b": "2"}));
        json!([{"apply": body, "force": "allowed"}])
    };
    let stage = Stage::new();
    stage.ours(&stage.configmap("x", json!({"b": "1"})));
    stage.theirs(&stage.configmap("x", json!({"a": "1"})));
    let plan = stage.plan(forced(&stage));
    assert_eq!(plan.document().effect.changes[0].force.len(), 1);
    stage.apply(&plan).must(Outcome::Applied);
    assert_eq!(stage.data("x"), json!({"a": "2", "b": "2"}));

    // By then, somebody else holds one more field.
    let stage = Stage::new();
    stage.ours(&stage.configmap("x", json!({"b": "1"})));
    stage.theirs(&stage.configmap("x", json!({"a": "1"})));
    let plan = stage.plan(forced(&stage));
    let more =
        || drop(stage.cluster.admin().apply_as("third", &stage.configmap("x", json!({"b": "1"}))));
    more();
    let ended = stage.apply(&plan);
    ended.must(Outcome::FailedClean);
    assert!(ended.stop().contains("it would also take over /data/b"), "{}", ended.stop());
    assert!(ended.writes.is_empty(), "{:?}", ended.writes);
    assert_eq!(stage.data("x"), json!({"a": "1", "b": "1"}));
}

#[test]
fn a_quota_that_says_no_by_then_stops_the_apply() {
    let stage = Stage::new();
    let plan = stage.plan(json!([updates(&stage)]));
    let admin = stage.cluster.admin();
    let crt = stage.configmap_path("kube-root-ca.crt");
    admin.wait_for(&crt, "its first object", Value::is_object);
    let quota = || {
        admin.apply(&stage.object(
            "v1",
            "ResourceQuota",
            "few",
            json!({"spec": {"hard": {"count/configmaps": "1"}}}),
        ));
        admin.wait_for(&stage.namespace.path("resourcequotas/few"), "counted", |quota| {
            quota["status"]["used"]["count/configmaps"] == "1"
        });
        std::thread::sleep(std::time::Duration::from_secs(1));
    };
    let interrupted = before_the_write(&quota);
    let ended = stage.apply_with(&plan, Hooks { interrupted: &interrupted, ..Hooks::default() });
    ended.must(Outcome::FailedClean);
    assert!(ended.stop().contains("exceeded quota"), "{}", ended.stop());
    assert_eq!(stage.data("x"), Value::Null);
}

#[test]
fn rights_that_are_taken_away_on_the_way_leave_a_receipt() {
    let stage = Stage::new();
    let plan = stage.plan(json!([
        {"id": "first", "apply": stage.configmap("a", json!({"a": "1"}))},
        {"id": "second", "apply": stage.configmap("b", json!({"a": "1"})), "dependsOn": ["first"]},
    ]));
    let admin = stage.cluster.admin();
    let bindings = stage.namespace.path_of("rbac.authorization.k8s.io/v1", "rolebindings");
    let revoke = || {
        let (status, answer) = admin.delete(&bindings, &Value::Null);
        assert_eq!(status, 200, "{answer}");
        let path = stage.configmap_path("a");
        stage.user.client().wait_for(&path, "no right", |found| found["code"] == 403);
    };
    let recheck = |_| {
        revoke();
        Ok(())
    };
    let ended = stage.apply_with(&plan, Hooks { recheck: &recheck, ..Hooks::default() });
    ended.must(Outcome::Partial);
    // Which namespace it is cannot be read any more, so that the second is not even begun.
    assert_eq!(ended.fates(), [Fate::Written, Fate::NotWritten]);
    assert!(ended.stop().contains("403"), "{}", ended.stop());
    assert_eq!(stage.data("b"), Value::Null);
}

#[test]
fn what_the_plan_rests_on_is_looked_at_again_before_each_later_wave() {
    let stage = Stage::new();
    let plan = stage.plan(json!([
        {"id": "first", "apply": stage.configmap("a", json!({"a": "1"}))},
        {"id": "second", "apply": stage.configmap("b", json!({"a": "1"})), "dependsOn": ["first"]},
    ]));
    let asked = Cell::new(Vec::<usize>::new());
    let recheck = |wave| {
        let mut waves = asked.take();
        waves.push(wave);
        asked.set(waves);
        Err("an Ingress refers to it now".to_owned())
    };
    let ended = stage.apply_with(&plan, Hooks { recheck: &recheck, ..Hooks::default() });
    ended.must(Outcome::Partial);
    assert_eq!(asked.take(), [1]);
    assert_eq!(ended.fates(), [Fate::Written, Fate::NotWritten]);
    assert!(ended.stop().contains("an Ingress refers to it now"), "{}", ended.stop());
}

#[test]
fn a_policy_that_changes_what_is_written_is_seen_in_the_result() {
    let stage = Stage::new();
    let plan = stage.plan(json!([updates(&stage)]));
    let admin = stage.cluster.admin();
    let name = stage.name();
    let policy = || {
        let api = "admissionregistration.k8s.io/v1";
        admin.apply(&json!({
            "apiVersion": api, "kind": "MutatingAdmissionPolicy", "metadata": {"name": name},
            "spec": {
                "failurePolicy": "Fail", "reinvocationPolicy": "Never",
                "matchConstraints": {"resourceRules": [{
                    "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
                    "resources": ["configmaps"],
                }]},
                "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {
                    "expression": "Object{data: {'added': 'by policy'}}"}}],
            },
        }));
        admin.apply(&json!({
            "apiVersion": api, "kind": "MutatingAdmissionPolicyBinding", "metadata": {"name": name},
            "spec": {"policyName": name, "matchResources": {"namespaceSelector": {
                "matchLabels": {"kubernetes.io/metadata.name": name}}}},
        }));
        let probe = stage.configmap("probe", json!({"a": "1"}));
        let begun = std::time::Instant::now();
        while admin.apply(&probe)["data"]["added"] != "by policy" {
            assert!(begun.elapsed().as_secs() < 30, "the policy is not in force");
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    };
    let interrupted = before_the_write(&policy);
    let ended = stage.apply_with(&plan, Hooks { interrupted: &interrupted, ..Hooks::default() });
    ended.must(Outcome::Partial);
    assert_eq!(ended.fates(), [Fate::Failed]);
    assert!(ended.stop().contains("differs from the plan at /data/added"), "{}", ended.stop());
    assert!(!ended.report.lines()[0].digest.is_empty());
}
