//! Each answer of the API server has an outcome of its own.

use std::time::{Duration, Instant};

use countersign::document::effect::{Forced, PreviewState};
use countersign::observe::ObservedChange;
use serde_json::{Value, json};

use super::{Stage, state, texts, uid};
use crate::support::cluster::random;

#[test]
fn an_object_that_is_not_there_is_created_and_nothing_is_made() {
    let stage = Stage::new();
    let body = stage.configmap("flags", json!({"beta": "on"}));
    let change = stage.one(json!({"apply": body}));
    assert_eq!(state(&change), (PreviewState::Server, ""));
    assert!(change.before.is_null() && change.guard.is_empty() && change.unknown.is_empty());
    assert_eq!(change.after, body);
    let (status, _) = stage.cluster.admin().get(&stage.namespace.path("configmaps/flags"));
    assert_eq!(status, 404);
}

#[test]
fn what_is_there_is_bound_by_its_uid_and_seen_without_the_servers_books() {
    let stage = Stage::new();
    let live = stage.made("countersign", &stage.configmap("flags", json!({"a": "1", "b": "2"})));
    let body = stage.configmap("flags", json!({"a": "1", "c": "3"}));
    let change = stage.one(json!({"apply": body}));
    assert_eq!(state(&change), (PreviewState::Server, ""));
    assert_eq!(change.before, stage.configmap("flags", json!({"a": "1", "b": "2"})));
    assert_eq!(change.after, body);
    assert_eq!(change.guard, uid(&live));
}

#[test]
fn the_same_state_gives_the_same_observation() {
    let stage = Stage::new();
    stage.made("kubectl", &stage.deployment("web", json!({"replicas": 2})));
    stage.cluster.admin().wait_for(
        &stage.namespace.path_of("apps/v1", "deployments/web"),
        "two replicas",
        |web| web["status"]["availableReplicas"] == 2,
    );
    let service = stage.object(
        "v1",
        "Service",
        "web",
        json!({"spec": {
        "type": "NodePort", "selector": {"app": "web"}, "ports": [{"port": 80}]}}),
    );
    let job = stage.object(
        "batch/v1",
        "Job",
        "import",
        json!({"spec": {"template": {"spec": {
        "restartPolicy": "Never",
        "containers": [{"name": "a", "image": "example.invalid/a:1"}]}}}}),
    );
    let operations = json!([
        {"apply": stage.configmap("flags", json!({"beta": "on"}))},
        {"apply": service}, {"apply": job},
        {"patch": {"resource": {"apiVersion": "apps/v1", "kind": "Deployment",
            "namespace": stage.name(), "name": "web"}, "merge": {"spec": {"replicas": 3}}}},
    ]);
    let seen =
        |found: &countersign::observe::Observed| format!("{:?} {:?}", found.target, found.changes);
    let first = stage.observe(operations.clone()).unwrap();
    let second = stage.observe(operations).unwrap();
    assert_eq!(seen(&first), seen(&second));
    let service = first.changes.iter().find(|c| c.resource.kind == "Service").unwrap();
    assert_eq!(
        texts(&service.unknown),
        ["/spec/clusterIP", "/spec/clusterIPs", "/spec/ports/0/nodePort"]
    );
    assert_eq!(service.after.pointer("/spec/ports/0/port"), Some(&json!(80)));
    assert!(service.after.pointer("/spec/clusterIP").is_none());
    let job = first.changes.iter().find(|c| c.resource.kind == "Job").unwrap();
    let made_up = texts(&job.unknown);
    assert!(
        !made_up.is_empty() && made_up.iter().all(|path| path.ends_with("controller-uid")),
        "{made_up:?}"
    );
}

#[test]
fn patches_are_rehearsed_with_the_version_that_was_read() {
    let stage = Stage::new();
    stage.made("other", &stage.configmap("flags", json!({"a": "1", "b": "2"})));
    let resource = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "namespace": stage.name(), "name": "flags",
    });
    let expected = stage.configmap("flags", json!({"a": "1", "c": "3"}));
    for patch in [
        json!({"resource": resource, "merge": {"data": {"b": null, "c": "3"}}}),
        json!({"resource": resource, "operations": [
            {"op": "remove", "path": "/data/b"}, {"op": "add", "path": "/data/c", "value": "3"}]}),
    ] {
        let change = stage.one(json!({"patch": patch, "force": "allowed"}));
        assert_eq!(state(&change), (PreviewState::Server, ""));
        assert_eq!(change.after, expected);
        // The field that goes is theirs; the one that is new is nobody's.
        assert_eq!(
            change.force,
            [Forced { path: "/data/b".parse().unwrap(), manager: "other".to_owned() }]
        );
        let change = stage.one(json!({"patch": patch}));
        let because = "conflict: /data/b is held by other; the operation lacks `force: allowed`";
        assert_eq!(state(&change), (PreviewState::Blocked, because));
        assert!(change.force.is_empty());
    }
    let failing = json!({"resource": resource, "operations": [
        {"op": "test", "path": "/data/a", "value": "2"}, {"op": "remove", "path": "/data/a"}]});
    let said = stage.refused(json!({"patch": failing}));
    assert!(said.contains("the cluster refuses it"), "{said}");
}

#[test]
fn a_deletion_says_what_goes() {
    let stage = Stage::new();
    let mut body = stage.configmap("old", json!({"a": "1"}));
    body["metadata"]["finalizers"] = json!(["example.invalid/hold"]);
    let live = stage.made("other", &body);
    let change = stage.one(stage.delete("ConfigMap", "old"));
    assert_eq!(state(&change), (PreviewState::Server, ""));
    assert_eq!(change.before, body);
    assert!(change.after.is_null());
    assert_eq!(change.guard, uid(&live));
}

#[test]
fn what_is_not_there_is_neither_patched_nor_deleted() {
    let stage = Stage::new();
    let patch = json!({"patch": {"resource": {"apiVersion": "v1", "kind": "ConfigMap",
        "namespace": stage.name(), "name": "none"}, "merge": {"data": {"a": "1"}}}});
    for operation in [stage.delete("ConfigMap", "none"), patch] {
        let said = stage.refused(operation);
        assert!(said.ends_with("/none: the object is not there"), "{said}");
    }
}

#[test]
fn what_goes_already_is_blocked() {
    let stage = Stage::new();
    let mut body = stage.configmap("old", json!({"a": "1"}));
    body["metadata"]["finalizers"] = json!(["example.invalid/hold"]);
    stage.made("other", &body);
    stage.cluster.admin().delete(&stage.namespace.path("configmaps/old"), &json!({}));
    for operation in [stage.delete("ConfigMap", "old"), json!({"apply": body})] {
        let change = stage.one(operation);
        assert_eq!(state(&change), (PreviewState::Blocked, "the object is being deleted already"));
    }
}

#[test]
fn a_field_of_another_manager_is_taken_only_where_that_is_allowed() {
    let stage = Stage::new();
    stage.made("kubectl", &stage.deployment("web", json!({"replicas": 3})));
    let mut body = stage.deployment("web", json!({"replicas": 5}));
    body["spec"]["template"]["spec"]["containers"][0]["image"] = json!("example.invalid/web:2");
    let change = stage.one(json!({"apply": body}));
    assert_eq!(
        state(&change),
        (
            PreviewState::Blocked,
            "conflict: /spec/replicas is held by kubectl, \
             /spec/template/spec/containers/0/image is held by kubectl; \
             the operation lacks `force: allowed`"
        )
    );
    assert!(change.force.is_empty());
    assert_eq!(change.after["spec"]["replicas"], 5);
    let change = stage.one(json!({"apply": body, "force": "allowed"}));
    assert_eq!(state(&change), (PreviewState::Server, ""));
    let force: Vec<_> =
        change.force.iter().map(|one| (one.path.as_str(), one.manager.as_str())).collect();
    assert_eq!(
        force,
        [("/spec/replicas", "kubectl"), ("/spec/template/spec/containers/0/image", "kubectl")]
    );
    assert_eq!(change.after["spec"]["replicas"], 5);
}

#[test]
fn an_object_of_argo_cd_or_flux_is_left_alone_unless_that_is_allowed() {
    let stage = Stage::new();
    let mut body = stage.configmap("flags", json!({"a": "1"}));
    body["metadata"]["labels"] = json!({"kustomize.toolkit.fluxcd.io/name": "apps"});
    stage.made("kustomize-controller", &body);
    let ours = json!({"apply": stage.configmap("flags", json!({"b": "2"}))});
    let change = stage.one(ours.clone());
    assert_eq!(
        state(&change),
        (
            PreviewState::Blocked,
            "the object is kept by Flux (by label kustomize.toolkit.fluxcd.io/name); \
             the operation lacks `force: allowed`"
        )
    );
    let mut allowed = ours;
    allowed["force"] = json!("allowed");
    assert_eq!(state(&stage.one(allowed)), (PreviewState::Server, ""));
}

#[test]
fn a_field_that_cannot_be_changed_needs_a_replacement_and_a_word_for_it() {
    let stage = Stage::new();
    let live = stage.made("countersign", &stage.deployment("web", json!({"replicas": 0})));
    let mut body = stage.deployment("web", json!({"replicas": 0}));
    body["spec"]["selector"]["matchLabels"] = json!({"app": "other"});
    body["spec"]["template"]["metadata"]["labels"] = json!({"app": "other"});
    let change = stage.one(json!({"apply": body}));
    assert_eq!(
        state(&change),
        (
            PreviewState::Blocked,
            "immutable: /spec/selector; the operation lacks `replace: allowed`"
        )
    );
    assert_eq!(texts(&change.replace_paths), ["/spec/selector"]);
    let change = stage.one(json!({"apply": body, "replace": "allowed"}));
    assert_eq!(state(&change), (PreviewState::Deferred, "replace"));
    assert_eq!(change.preview.by, change.resource.id().to_string());
    assert_eq!(texts(&change.replace_paths), ["/spec/selector"]);
    assert_eq!(change.after, body);
    assert_eq!(change.guard, uid(&live));
}

#[test]
fn a_quota_says_no_in_its_own_words() {
    let stage = Stage::new();
    stage.made(
        "admin",
        &stage.object(
            "v1",
            "ResourceQuota",
            "few",
            json!({"spec": {
        "hard": {"count/configmaps": "1"}}}),
        ),
    );
    stage.cluster.admin().wait_for(
        &stage.namespace.path("resourcequotas/few"),
        "the quota is counted",
        |quota| quota["status"]["used"].is_object(),
    );
    let change = stage.one(json!({"apply": stage.configmap("flags", json!({"a": "1"}))}));
    let (preview, because) = state(&change);
    assert_eq!(preview, PreviewState::Blocked);
    assert!(
        because.starts_with("denied: ") && because.contains("exceeded quota: few"),
        "{because}"
    );
    assert_eq!(change.after, stage.configmap("flags", json!({"a": "1"})));
}

#[test]
fn what_the_api_does_not_know_is_an_error_of_the_operation() {
    let stage = Stage::new();
    let mut unknown = stage.configmap("flags", json!({"a": "1"}));
    unknown["dta"] = json!({"a": "1"});
    let mut invalid = stage.deployment("web", json!({"replicas": -1}));
    invalid["spec"]["template"]["spec"]["containers"][0]["name"] = json!("Bad_Name");
    for (body, words) in
        [(unknown, ".dta: field not declared"), (invalid, "spec.replicas: Invalid")]
    {
        let said = stage.refused(json!({"id": "web", "apply": body}));
        assert!(said.starts_with("operation web: ") && said.contains(words), "{said}");
    }
}

#[test]
fn a_namespace_that_is_not_there_or_ends_takes_nothing() {
    let mut stage = Stage::new();
    stage.lines = "cluster-scoped = true".to_owned();
    let admin = stage.cluster.admin();
    // It stays while something in it does.
    let mut held = stage.configmap("held", json!({}));
    held["metadata"]["finalizers"] = json!(["example.invalid/hold"]);
    stage.made("other", &held);
    admin.delete(&format!("/api/v1/namespaces/{}", stage.name()), &json!({}));
    admin.wait_for(&format!("/api/v1/namespaces/{}", stage.name()), "ending", |namespace| {
        namespace["status"]["phase"] == "Terminating"
    });
    let change = stage.one(json!({"apply": stage.configmap("flags", json!({"a": "1"}))}));
    let because = format!("namespace {} is being deleted", stage.name());
    assert_eq!(state(&change), (PreviewState::Blocked, because.as_str()));
}

/// What comes of a change once an admission rule is in force.
fn until(stage: &Stage, operation: &Value, so: impl Fn(&ObservedChange) -> bool) -> ObservedChange {
    let begun = Instant::now();
    loop {
        let change = stage.one(operation.clone());
        if so(&change) {
            return change;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{change:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A policy for the ConfigMaps of this namespace.
fn policy(stage: &Stage, action: &str) {
    let name = format!("observe-{}", random());
    let api = "admissionregistration.k8s.io/v1";
    let admin = stage.cluster.admin();
    admin.apply(&json!({
        "apiVersion": api, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
                "resources": ["configmaps"],
            }]},
            "validations": [{"expression": "!('odd' in object.data)", "message": "nothing odd"}],
        },
    }));
    admin.apply(&json!({
        "apiVersion": api, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": [action], "matchResources": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": stage.name()}},
        }},
    }));
}

#[test]
fn a_policy_blocks_a_change_or_its_warning_is_kept() {
    let stage = Stage::new();
    let odd = json!({"apply": stage.configmap("flags", json!({"odd": "1"}))});
    policy(&stage, "Warn");
    let warned = until(&stage, &odd, |change| !change.warnings.is_empty());
    assert_eq!(state(&warned), (PreviewState::Server, ""));
    assert_eq!(warned.warnings.len(), 1, "{:?}", warned.warnings);
    assert!(warned.warnings[0].ends_with("nothing odd"), "{:?}", warned.warnings);
    policy(&stage, "Deny");
    let denied = until(&stage, &odd, |change| change.preview.state != PreviewState::Server);
    let (preview, because) = state(&denied);
    assert_eq!(preview, PreviewState::Blocked);
    assert!(because.starts_with("denied: ") && because.ends_with("nothing odd"), "{because}");
}

#[test]
fn a_webhook_without_dry_runs_leaves_the_outcome_open() {
    let stage = Stage::new();
    // Version v1 takes none that cannot be rehearsed; an older server may have kept one.
    let name = format!("observe-{}", random());
    stage.cluster.kept("validatingwebhookconfigurations", &json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {
            "name": name, "uid": format!("5f5b3b0e-0000-4000-8000-{}", &random()[..12]),
            "creationTimestamp": "2020-01-01T00:00:00Z",
        },
        "webhooks": [{
            "name": "hook.example.invalid", "sideEffects": "Some", "admissionReviewVersions": ["v1"],
            "failurePolicy": "Fail", "matchPolicy": "Equivalent", "timeoutSeconds": 2,
            "objectSelector": {},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": stage.name()}},
            "clientConfig": {"url": "https://127.0.0.1:1/"},
            "rules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "scope": "*",
                "resources": ["configmaps"],
            }],
        }],
    }));
    let body = stage.configmap("flags", json!({"a": "1"}));
    let change = until(&stage, &json!({"apply": body}), |change| {
        change.preview.state != PreviewState::Server
    });
    assert_eq!(
        state(&change),
        (
            PreviewState::Unpreviewable,
            "admission webhook \"hook.example.invalid\" does not support dry run"
        )
    );
    assert_eq!(change.after, body);
}

#[test]
fn a_claim_cannot_be_changed_in_place() {
    let stage = Stage::new();
    stage.made(
        "other",
        &stage.object(
            "v1",
            "PersistentVolumeClaim",
            "data",
            json!({"spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}),
        ),
    );
    let body = stage.object(
        "v1",
        "PersistentVolumeClaim",
        "data",
        json!({"spec": {
        "accessModes": ["ReadOnlyMany"], "resources": {"requests": {"storage": "1Gi"}}}}),
    );
    let change = stage.one(json!({"apply": body, "force": "allowed"}));
    let (preview, because) = state(&change);
    assert_eq!(preview, PreviewState::Blocked);
    assert_eq!(because, "immutable: /spec; the operation lacks `replace: allowed`");
}
