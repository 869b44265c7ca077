//! Which cluster it is, what of it a target reaches, and what the plan makes first.

use countersign::custody::vault::Vault;
use countersign::document::effect::{PreviewState, TargetIdentity};
use countersign::observe::kubernetes::observe;
use serde_json::{Value, json};

use super::{Stage, planning, proposal, state};
use crate::support::cluster::random;

#[test]
fn another_cluster_than_the_pinned_one_is_named_and_nothing_else_is_asked() {
    let stage = Stage::new();
    let operations = json!([{"apply": stage.configmap("flags", json!({}))}]);
    let mut target = stage.target();
    let found = std::mem::replace(&mut target.cluster, "7c1e52aa".to_owned());
    let reach = stage.reach(Vault::empty());
    let mark = stage.cluster.mark();
    let error = observe(proposal(operations), &target, &reach).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("context \"prod\" is cluster {found}, and target main is pinned to 7c1e52aa")
    );
    assert!(error.is_of_another_cluster() && error.is_of_the_state());
    assert!(stage.cluster.audit(stage.user.name(), mark).is_empty());
}

#[test]
fn a_copy_of_the_cluster_with_another_authority_is_refused() {
    let stage = Stage::new();
    let operations = json!([{"apply": stage.configmap("flags", json!({}))}]);
    let mut target = stage.target();
    target.ca = format!("sha256:{}", "0".repeat(64));
    let error = observe(proposal(operations), &target, &stage.reach(Vault::empty())).unwrap_err();
    assert!(error.is_of_another_cluster() && error.is_of_the_state(), "{error:?}");
}

#[test]
fn the_namespaces_of_the_changes_are_bound_by_their_uid() {
    let stage = Stage::new();
    let found = stage.observe(json!([{"apply": stage.configmap("flags", json!({}))}])).unwrap();
    let TargetIdentity::Kubernetes { cluster_uid, ca_spki, namespaces } = found.target else {
        panic!("{:?}", found.target);
    };
    let target = stage.target();
    assert_eq!((cluster_uid, ca_spki), (target.cluster, target.ca));
    let live = stage.cluster.admin().read(&format!("/api/v1/namespaces/{}", stage.name()));
    let uid = live["metadata"]["uid"].as_str().unwrap();
    assert_eq!(
        namespaces.into_iter().collect::<Vec<_>>(),
        [(stage.name().to_owned(), uid.to_owned())]
    );
}

#[test]
fn what_lies_outside_the_scope_or_has_the_wrong_form_is_named() {
    let stage = Stage::new();
    let mut elsewhere = stage.configmap("flags", json!({}));
    elsewhere["metadata"]["namespace"] = json!("kube-system");
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": stage.name()}});
    let unknown = json!({"apiVersion": "example.invalid/v1", "kind": "Widget",
        "metadata": {"name": "w", "namespace": stage.name()}});
    for (body, words) in [
        (elsewhere, "/ConfigMap/kube-system/flags is outside the scope of target main"),
        (namespace, "is outside the scope of target main"),
        (unknown, "the cluster does not serve Widget of example.invalid/v1"),
    ] {
        let said = stage.refused(json!({"apply": body}));
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn the_permissions_that_lack_are_named_before_anything_is_rehearsed() {
    let stage = Stage::without_rights();
    let mut rules = planning();
    rules[1]["verbs"] = json!(["get"]);
    stage.cluster.grant(&stage.user, Some(stage.name()), &rules);
    let path = stage.namespace.path("configmaps/none");
    stage.user.client().wait_for(&path, "a right", |answer| answer["code"] != 403);
    let mark = stage.cluster.mark();
    let error = stage
        .observe(json!([
            {"apply": stage.configmap("flags", json!({}))}, stage.delete("Secret", "old"),
        ]))
        .unwrap_err();
    let (name, said) = (stage.name(), error.to_string());
    let expected = format!(
        "the user of context \"prod\" may not delete secrets old in namespace {name}, \
         patch configmaps flags in namespace {name}"
    );
    assert_eq!(said, expected);
    assert!(!error.is_of_the_state() && !error.hint().is_empty());
    let sent = stage.cluster.audit(stage.user.name(), mark);
    assert!(sent.iter().all(|event| event.resource == "selfsubjectaccessreviews"), "{sent:?}");
}

#[test]
fn without_the_right_to_create_only_what_exists_is_changed() {
    let stage = Stage::without_rights();
    let mut rules = planning();
    rules[1]["verbs"] = json!(["get", "patch"]);
    stage.cluster.grant(&stage.user, Some(stage.name()), &rules);
    let path = stage.namespace.path("configmaps/none");
    stage.user.client().wait_for(&path, "a right", |answer| answer["code"] != 403);
    stage.made("countersign", &stage.configmap("there", json!({"a": "1"})));
    let there = json!({"apply": stage.configmap("there", json!({"a": "2"}))});
    assert_eq!(state(&stage.one(there)), (PreviewState::Server, ""));
    let said = stage.refused(json!({"apply": stage.configmap("new", json!({}))}));
    assert!(said.contains("may not create configmaps new in namespace"), "{said}");
}

#[test]
fn what_the_plan_makes_first_defers_what_needs_it() {
    let mut stage = Stage::new();
    let group = format!("t{}.example.invalid", random());
    let space = format!("observe-new-{}", random());
    stage.lines = "cluster-scoped = true".to_owned();
    stage.grant(&json!([
        {"apiGroups": [""], "resources": ["namespaces"],
            "verbs": ["get", "patch", "create"]},
        {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"],
            "verbs": ["get", "patch", "create"]},
    ]));
    let path = format!("/api/v1/namespaces/{space}");
    stage.user.client().wait_for(&path, "a right", |answer| answer["code"] != 403);
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("widgets.{group}")},
        "spec": {"group": group, "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {
                "openAPIV3Schema": {"type": "object",
                    "x-kubernetes-preserve-unknown-fields": true}}}]},
    });
    let widget = json!({"apiVersion": format!("{group}/v1"), "kind": "Widget",
        "metadata": {"name": "w", "namespace": stage.name()}, "spec": {"size": 3}});
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}});
    let inside = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "in", "namespace": space}, "data": {"a": "1"}});
    let operations: Vec<Value> =
        [&definition, &widget, &namespace, &inside].map(|body| json!({"apply": body})).to_vec();
    // The namespace has to be in scope for what is in it.
    let mut target = stage.target();
    target.namespaces.push(space.parse().unwrap());
    let mark = stage.cluster.mark();
    let found =
        observe(proposal(json!(operations)), &target, &stage.reach(Vault::empty())).unwrap();
    assert!(stage.cluster.writes(stage.user.name(), mark).is_empty());
    let by_kind = |kind: &str| found.changes.iter().find(|c| c.resource.kind == kind).unwrap();
    assert_eq!(state(by_kind("CustomResourceDefinition")), (PreviewState::Server, ""));
    assert_eq!(state(by_kind("Namespace")), (PreviewState::Server, ""));
    for (kind, because, by, body) in [
        ("Widget", "crd", by_kind("CustomResourceDefinition"), &widget),
        ("ConfigMap", "namespace", by_kind("Namespace"), &inside),
    ] {
        let change = by_kind(kind);
        assert_eq!(state(change), (PreviewState::Deferred, because));
        assert_eq!(change.preview.by, by.resource.id().to_string());
        assert!(change.before.is_null() && change.guard.is_empty());
        assert_eq!(&change.after, body);
    }
    let TargetIdentity::Kubernetes { namespaces, .. } = &found.target else { panic!() };
    assert_eq!(namespaces[&space], "");
    assert_ne!(namespaces[stage.name()], "");
    // Without its maker it is nowhere.
    let error =
        observe(proposal(json!([{"apply": inside}])), &target, &stage.reach(Vault::empty()))
            .unwrap_err();
    assert!(
        error.to_string().contains("may not get namespaces")
            || error.to_string().ends_with(&format!("namespace {space} is not there")),
        "{error}"
    );
}

#[test]
fn nothing_is_replaced_by_whoever_may_not_create_it() {
    let stage = Stage::without_rights();
    let mut rules = planning();
    rules[2]["verbs"] = json!(["get", "patch", "delete"]);
    stage.cluster.grant(&stage.user, Some(stage.name()), &rules);
    let path = stage.namespace.path_of("apps/v1", "deployments/none");
    stage.user.client().wait_for(&path, "a right", |answer| answer["code"] != 403);
    stage.made("countersign", &stage.deployment("web", json!({"replicas": 0})));
    let mut body = stage.deployment("web", json!({"replicas": 0}));
    body["spec"]["selector"]["matchLabels"] = json!({"app": "other"});
    body["spec"]["template"]["metadata"]["labels"] = json!({"app": "other"});
    let said = stage.refused(json!({"apply": body, "replace": "allowed"}));
    assert!(said.contains("may not create deployments.apps web in namespace"), "{said}");
}
