//! The ways in which somebody says no by way of the API server, or changes what was asked: quota and
//! limits, policies, webhooks. All of them speak in a rehearsal, too.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{DRY, Here, map, refused, until};
use crate::support::cluster::client::{APPLY, path as path_to};
use crate::support::cluster::{cluster, random};

const ADMISSION: &str = "admissionregistration.k8s.io/v1";

#[test]
fn quota_and_limits_are_heard_in_a_rehearsal() {
    let here = Here::new();
    // The root certificates lie in every namespace, a moment after it is made.
    here.admin
        .wait_for(&here.config_map("kube-root-ca.crt"), "its first object", |map| map.is_object());
    here.admin.apply(&json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "few", "namespace": here.namespace.name()},
        "spec": {"hard": {"count/configmaps": "1"}},
    }));
    here.admin.wait_for(&here.namespace.path("resourcequotas/few"), "counted", |quota| {
        quota["status"]["used"]["count/configmaps"] == "1"
    });
    for query in [DRY, ""] {
        let ask = || here.apply_map("two", query, &json!({"resourceVersion": "1"}), &json!({}));
        let answer = until(ask, |(status, _)| *status != 201);
        let says = "exceeded quota: few, requested: count/configmaps=1, used: count/configmaps=1, \
                    limited: count/configmaps=1";
        refused("quota", &answer, 403, "Forbidden", &[], says);
    }
    here.admin.apply(&json!({
        "apiVersion": "v1", "kind": "LimitRange",
        "metadata": {"name": "small", "namespace": here.namespace.name()},
        "spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]},
    }));
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one"},
        "spec": {"containers": [{
            "name": "one", "image": "example.invalid/a:1", "resources": {"limits": {"cpu": "4"}},
        }]},
    });
    let ask = || here.apply(&here.namespace.path("pods/one"), DRY, &pod);
    let answer = until(ask, |(status, _)| *status != 201);
    let says = "maximum cpu usage per Container is 1, but limit is 4";
    refused("limits", &answer, 403, "Forbidden", &[], says);
}

/// What a policy is about: the ConfigMaps of a namespace.
fn config_maps(here: &Here) -> (Value, Value) {
    let rules = json!({"resourceRules": [{
        "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
        "resources": ["configmaps"],
    }]});
    let only = json!({"matchLabels": {"kubernetes.io/metadata.name": here.namespace.name()}});
    (rules, json!({"namespaceSelector": only}))
}

#[test]
fn a_validating_policy_speaks_in_a_rehearsal_by_refusal_or_warning() {
    let here = Here::new();
    here.made("one");
    let (rules, place) = config_maps(&here);
    let table = [
        ("invalid", "Invalid", "Deny"),
        ("forbidden", "Forbidden", "Deny"),
        ("odd", "Invalid", "Warn"),
    ];
    for (key, reason, action) in table {
        let name = format!("{key}-{}", random());
        here.admin.apply(&json!({
            "apiVersion": ADMISSION, "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {"failurePolicy": "Fail", "matchConstraints": rules, "validations": [{
                "expression": format!("!has(object.data) || !('{key}' in object.data)"),
                "message": format!("no {key} data"), "reason": reason,
            }]},
        }));
        here.admin.apply(&json!({
            "apiVersion": ADMISSION, "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {
                "policyName": name, "validationActions": [action], "matchResources": place,
            },
        }));
        let says = format!("ValidatingAdmissionPolicy '{name}' with binding '{name}'");
        let ask = || here.apply_map("one", DRY, &json!({}), &json!({"a": "1", key: "x"}));
        if action == "Warn" {
            let path = format!("{}?fieldManager=test&dryRun=All", here.config_map("one"));
            let body = map("one", &json!({}), &json!({key: "x"})).to_string();
            let begun = Instant::now();
            let warning = loop {
                let answer = here.admin.send("PATCH", &path, APPLY, body.as_bytes()).unwrap();
                assert_eq!(answer.status, 200);
                if let Some(warning) = answer.head.field("warning") {
                    break warning.to_owned();
                }
                assert!(begun.elapsed() < Duration::from_secs(30), "no warning");
                std::thread::sleep(Duration::from_millis(50));
            };
            assert_eq!(warning, format!("299 - \"Validation failed for {says}: no odd data\""));
        } else {
            let answer = until(ask, |(status, _)| *status != 200);
            let code = if reason == "Invalid" { 422 } else { 403 };
            // One cause, without a reason or a field.
            let says = format!("{says} denied request: no {key} data");
            refused(key, &answer, code, reason, &[("", "")], &says);
        }
    }
}

#[test]
fn a_mutating_policy_changes_what_a_rehearsal_answers() {
    let here = Here::new();
    here.made("one");
    let (rules, place) = config_maps(&here);
    let name = format!("adds-{}", random());
    here.admin.apply(&json!({
        "apiVersion": ADMISSION, "kind": "MutatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail", "reinvocationPolicy": "Never", "matchConstraints": rules,
            "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {
                "expression": "Object{data: {\"added\": \"by-policy\"}}",
            }}],
        },
    }));
    here.admin.apply(&json!({
        "apiVersion": ADMISSION, "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": name}, "spec": {"policyName": name, "matchResources": place},
    }));
    let ask = || here.apply_map("one", DRY, &json!({}), &json!({"a": "1"}));
    let (_, answer) = until(ask, |(_, answer)| answer["data"]["added"].is_string());
    assert_eq!(answer["data"], json!({"a": "1", "added": "by-policy"}));
    assert_eq!(here.admin.read(&here.config_map("one"))["data"], json!({"a": "1"}));
}

/// A webhook for the ConfigMaps of a namespace that nobody answers.
fn webhook(here: &Here, side_effects: &str) -> Value {
    let mut hook = json!({
        "name": "hook.example.invalid", "admissionReviewVersions": ["v1"],
        "sideEffects": side_effects, "failurePolicy": "Fail", "matchPolicy": "Equivalent",
        "timeoutSeconds": 5, "objectSelector": {},
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "rules": [{
            "apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "scope": "*",
            "resources": ["configmaps"],
        }],
    });
    hook["namespaceSelector"] = config_maps(here).1["namespaceSelector"].clone();
    json!({
        "apiVersion": ADMISSION, "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": format!("hook-{}", random())}, "webhooks": [hook],
    })
}

#[test]
fn a_webhook_that_cannot_be_rehearsed_or_reached_is_no_answer() {
    let here = Here::new();
    here.made("one");
    let ask = || here.apply_map("one", DRY, &json!({}), &json!({"a": "1"}));
    // Version v1 takes none that cannot be rehearsed; an older server may have kept one.
    let mut old = webhook(&here, "Some");
    let path = format!("/apis/{ADMISSION}/validatingwebhookconfigurations");
    let answer = here.admin.post(&path, &old);
    let causes = [("FieldValueNotSupported", "webhooks[0].sideEffects")];
    refused("made", &answer, 422, "Invalid", &causes, "Unsupported value: \"Some\"");
    old["metadata"]["uid"] = json!("5f5b3b0e-0000-4000-8000-000000000001");
    old["metadata"]["creationTimestamp"] = json!("2020-01-01T00:00:00Z");
    cluster().kept("validatingwebhookconfigurations", &old);
    let answer = until(ask, |(status, _)| *status != 200);
    let says = "admission webhook \"hook.example.invalid\" does not support dry run";
    refused("rehearsed", &answer, 400, "BadRequest", &[], says);
    let gone = path_to(&old);
    assert_eq!(here.admin.delete(&gone, &Value::Null).0, 200);
    until(ask, |(status, _)| *status == 200);
    here.admin.apply(&webhook(&here, "None"));
    let answer = until(ask, |(status, _)| *status != 200);
    let says = "failed calling webhook \"hook.example.invalid\": failed to call webhook";
    refused("unreachable", &answer, 500, "InternalError", &[("", "")], says);
}
