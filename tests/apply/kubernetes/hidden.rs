//! What a plan does not show: nobody can have it written by leaving it out of sight, and whoever
//! works behind a plan that has begun does not get more out of it than was approved.

use std::cell::Cell;

use countersign::config::{Limits, Target};
use countersign::custody::vault::Vault;
use countersign::document::canonical;
use countersign::document::statement::Outcome;
use countersign::observe::Outside;
use countersign::plan::Plan;
use serde_json::{Value, json};

use super::stage::{Hooks, Stage, applied, config};

/// A plan with another proposal in it, as a planner could write it who passes the intake by.
fn forged(plan: &Plan, does: impl Fn(&mut Value)) -> Vec<u8> {
    let mut document = serde_json::to_value(plan.document()).unwrap();
    does(&mut document["proposal"]["operations"][0]["body"]);
    canonical::to_bytes(&document).unwrap()
}

#[test]
fn a_plan_that_would_write_what_it_does_not_show_does_not_open() {
    let stage = Stage::new();
    stage.ours(&stage.configmap("x", json!({"a": "1"})));
    let named =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "namespace": stage.name(), "name": "x"});
    let merges = stage.plan(json!([{"patch": {"resource": named, "merge": {"data": {"a": "2"}}}}]));
    let applies = stage.plan(json!([applied(&stage.configmap("x", json!({"a": "2"})))]));
    let operates = stage.plan(json!([{"patch": {"resource": named, "operations": [
        {"op": "replace", "path": "/data/a", "value": "2"}]}}]));
    let last = "kubectl.kubernetes.io/last-applied-configuration";
    let nobody = json!([{}]);
    let add = |path: &str, value: &Value| {
        let (path, value) = (path.to_owned(), value.clone());
        move |body: &mut Value| {
            let operation = json!({"op": "add", "path": path, "value": value});
            body["patch"]["operations"].as_array_mut().unwrap().push(operation);
        }
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        (
            "owners",
            forged(&merges, |b| b["patch"]["merge"]["metadata"]["managedFields"] = nobody.clone()),
        ),
        ("status", forged(&merges, |b| b["patch"]["merge"]["status"] = json!({"phase": "x"}))),
        (
            "copy",
            forged(&merges, |b| b["patch"]["merge"]["metadata"]["annotations"][last] = json!("{}")),
        ),
        ("copy", forged(&applies, |b| b["metadata"]["annotations"][last] = json!("{}"))),
        ("owners", forged(&operates, add("/metadata/managedFields", &nobody))),
        (
            "copy",
            forged(
                &operates,
                add(
                    "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration",
                    &json!("{}"),
                ),
            ),
        ),
        ("copy", forged(&operates, add("/metadata/annotations", &json!({last: "{}"})))),
    ];
    for (what, bytes) in cases {
        let opened = Plan::open(bytes);
        let said = opened.err().map(|error| countersign::causes::line(&error)).unwrap_or_default();
        assert!(said.contains("no plan shows"), "{what}: {said:?}");
    }
}

#[test]
fn what_argo_has_taken_up_since_is_left_alone() {
    for resumes in [false, true] {
        let stage = Stage::new();
        stage.ours(&stage.configmap("x", json!({"a": "1"})));
        let resource = json!({"apiVersion": "v1", "kind": "ConfigMap", "namespace": stage.name(), "name": "x"});
        let plan =
            stage.plan(json!([{"patch": {"resource": resource, "merge": {"data": {"a": "2"}}}}]));
        if resumes {
            // A round that begins, and ends before its first write.
            drop(stage.spent(&stage.ledger(), &plan, false));
        }
        stage
            .cluster
            .admin()
            .apply_as("argocd-controller", &stage.configmap("x", json!({"a": "1"})));
        let ended = match resumes {
            true => stage.resume(&plan),
            false => stage.apply(&plan),
        };
        ended.must(Outcome::FailedClean);
        assert!(ended.stop().contains("is kept by Argo CD"), "{}", ended.stop());
        assert!(ended.writes.is_empty(), "{:?}", ended.writes);
    }
}

#[test]
fn a_role_that_was_widened_since_is_more_than_was_approved() {
    let stage = Stage::new();
    stage.cluster.grant(
        &stage.user,
        None,
        &json!([
            {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]},
            {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"],
                "verbs": ["get", "list", "create", "patch", "bind"]},
        ]),
    );
    stage.user.client().wait_for(
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        "a right",
        |answer| answer["items"].is_array(),
    );
    let role = |resources: &str, verbs: &str| {
        let rules = json!([{"apiGroups": [""], "resources": [resources], "verbs": [verbs]}]);
        stage.ours(&stage.object(
            "rbac.authorization.k8s.io/v1",
            "Role",
            "viewer",
            json!({"rules": rules}),
        ));
    };
    role("configmaps", "get");
    let binding = stage.object(
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        "viewers",
        json!({
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "viewer"},
            "subjects": [{"kind": "ServiceAccount", "name": "web", "namespace": stage.name()}],
        }),
    );
    let plan = stage.plan(json!([applied(&binding)]));
    let target = Target::Kubernetes(stage.target().clone());
    let worse = || {
        let outside = Outside {
            project: stage.folder.path(),
            limits: &Limits::default(),
            kubernetes: Some(stage.reach(Vault::empty())),
        };
        plan.worse_by_now(&target, &outside).unwrap()
    };
    assert_eq!(worse().lines(), Vec::<String>::new());
    role("*", "*");
    let found = worse().lines().join("; ");
    assert!(
        found.contains("viewers: its flags have escalation now, and had not when planned"),
        "{found}"
    );
}

#[test]
fn a_namespace_that_the_plan_made_is_not_exchanged_between_two_waves() {
    let mut stage = Stage::new();
    let space = format!("{}-made", stage.name());
    let both = format!("{}\", \"{space}", stage.name());
    let ca = stage.target().ca.clone();
    stage.config = config(&stage.cluster.uid(), &ca, &both, "cluster-scoped = true");
    stage.cluster.grant(
        &stage.user,
        None,
        &json!([
            {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]},
            {"apiGroups": [""], "resources": ["namespaces", "configmaps"],
                "verbs": ["get", "list", "create", "patch"]},
        ]),
    );
    let path = format!("/api/v1/namespaces/{space}");
    stage.user.client().wait_for(&path, "a right", |answer| answer["code"] != 403);
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space,
        "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    let inside = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "in", "namespace": space}, "data": {"a": "1"}});
    let plan = stage.plan(json!([{"apply": namespace}, {"apply": inside}]));
    let admin = stage.cluster.admin();
    let waves = Cell::new(0);
    let exchange = |_| {
        waves.set(waves.get() + 1);
        admin.delete(&path, &Value::Null);
        admin.wait_for(&path, "gone", Value::is_null);
        admin.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}));
        Ok(())
    };
    let ended = stage.apply_with(&plan, Hooks { recheck: &exchange, ..Hooks::default() });
    let (status, _) = admin.get(&format!("{path}/configmaps/in"));
    admin.delete(&path, &Value::Null);
    assert_eq!(waves.get(), 1);
    ended.must(Outcome::Partial);
    assert!(ended.stop().contains("another object than"), "{}", ended.stop());
    assert_eq!(status, 404);
}
