//! Every built-in rule decides a plan that the program itself made from the shop: one that it
//! minds, and one that it lets pass.

use std::collections::BTreeSet;
use std::path::Path;

use countersign::config::{DirectoryTarget, Limits};
use countersign::document::proposal::Proposal;
use countersign::files::open_folder;
use countersign::observe::directory::observe;
use countersign::plan::Plan;
use countersign::policy::builtin::FILES;
use countersign::policy::bundle::Bundle;
use countersign::policy::verdict::Verdict;
use serde_json::{Value, json};

use super::{folder, judge, limits, program};

/// Rules that no plan of a folder can meet: nobody else manages fields of a file.
const OF_CLUSTERS: [&str; 2] = ["plan.force", "plan.without_effect"];

/// What stands in the shop for these tests besides its own files.
const MORE: [(&str, &str); 3] = [
    (
        "_cluster/namespace-empty.yaml",
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: empty\n",
    ),
    (
        "_cluster/crd-unused.yaml",
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: gifts.shop.example\n\
         spec:\n  group: shop.example\n  names: {kind: Gift, plural: gifts}\n  scope: Namespaced\n  versions: []\n",
    ),
    (
        "kube-system/proxy.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: proxy\n  namespace: kube-system\ndata:\n  mode: a\n",
    ),
];

fn operation(id: &str, verb: &str, body: Value) -> Value {
    json!({"id": id, "verb": verb, "body": body, "reason": "", "dependsOn": [],
        "replace": "refused", "force": "refused", "wait": {"ready": true, "timeoutSeconds": 600}})
}

fn resource(api: &str, kind: &str, namespace: &str, name: &str) -> Value {
    json!({"apiVersion": api, "kind": kind, "namespace": namespace, "name": name})
}

fn merge(resource: &Value, merge: Value) -> Value {
    operation("op", "patch", json!({"resource": resource, "patch": {"merge": merge}}))
}

fn delete(resource: &Value) -> Value {
    operation("op", "delete", json!({"resource": resource, "propagation": "Background"}))
}

fn apply(object: Value) -> Value {
    operation("op", "apply", object)
}

fn web() -> Value {
    resource("apps/v1", "Deployment", "shop", "web")
}

fn pod_of_web(change: &Value) -> Value {
    let mut container = json!({"name": "web", "image": "registry.example/shop/web:1.4.2",
        "ports": [{"name": "http", "containerPort": 8080}],
        "envFrom": [{"configMapRef": {"name": "flags"}}]});
    let mut spec = json!({});
    for (name, value) in change.as_object().unwrap() {
        let at = if name == "image" || name == "env" { &mut container } else { &mut spec };
        at[name] = value.clone();
    }
    spec["containers"] = json!([container]);
    merge(&web(), json!({"spec": {"template": {"spec": spec}}}))
}

fn scale(replicas: u32) -> Value {
    merge(&web(), json!({"spec": {"replicas": replicas}}))
}

fn config_map(namespace: &str) -> Value {
    apply(json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "new", "namespace": namespace}, "data": {"a": "b"}}))
}

fn role(verbs: &[&str], resources: &[&str]) -> Value {
    let rules = json!([{"apiGroups": [""], "resources": resources, "verbs": verbs}]);
    let reader = resource("rbac.authorization.k8s.io/v1", "Role", "shop", "reader");
    merge(&reader, json!({"rules": rules}))
}

fn budget() -> Value {
    resource("policy/v1", "PodDisruptionBudget", "shop", "web")
}

fn definition(name: &str) -> Value {
    resource("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", name)
}

/// The plan that the program makes of these operations on the shop.
fn plan(operations: &[Value]) -> Plan {
    let project = folder(&[]);
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/shop"), &project.path().join("m"));
    for (path, text) in MORE {
        let path = project.path().join("m").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let numbered: Vec<Value> = operations
        .iter()
        .enumerate()
        .map(|(n, operation)| {
            let mut operation = operation.clone();
            operation["id"] = json!(format!("op-{n}"));
            operation
        })
        .collect();
    let proposal: Proposal = serde_json::from_value(json!({
        "project": "shop", "name": "p", "environment": "prod", "target": "manifests",
        "planner": "planner", "requestedBy": "alice", "intent": {"request": "", "summary": ""},
        "operations": numbered,
    }))
    .unwrap();
    let target: DirectoryTarget = serde_json::from_value(json!({"path": "m"})).unwrap();
    let observed = observe(proposal, project.path(), &target, &Limits::default()).unwrap();
    Plan::make(observed).unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn verdict(plan: &Plan, settings: &Value) -> Verdict {
    let files = folder(&[("settings.json", &json!({"settings": settings}).to_string())]);
    let users = ("p".to_owned(), open_folder(files.path()).unwrap());
    let bundle = Bundle::load(true, &[users]).unwrap();
    judge(program(), &bundle, plan.bytes(), limits()).unwrap()
}

/// Every rule that speaks, as `deny destruction.data_loss`.
fn said(verdict: &Verdict) -> BTreeSet<String> {
    let short = |rule: &str| rule.strip_prefix("countersign.").unwrap().to_owned();
    let deny = verdict.deny.iter().map(|f| format!("deny {}", short(&f.rule)));
    let warn = verdict.warn.iter().map(|f| format!("warn {}", short(&f.rule)));
    let raise = verdict.require_approval.iter();
    let raise = raise.map(|r| format!("require_approval {}", short(&r.finding.rule)));
    deny.chain(warn).chain(raise).collect()
}

/// A rule, operations that it minds, operations that it lets pass, and the settings of both.
type Case = (&'static str, Vec<Value>, Vec<Value>, Value);

fn cases() -> Vec<Case> {
    let none = || json!({});
    let stateful = |name: &str| resource("apps/v1", "StatefulSet", "shop", name);
    let namespace = |name: &str| resource("v1", "Namespace", "", name);
    let api = resource("apps/v1", "Deployment", "shop", "api");
    let unused = resource("v1", "ConfigMap", "shop", "unused");
    let claim = resource("v1", "PersistentVolumeClaim", "shop", "report-archive");
    let four = ["a", "b", "c", "d"].map(config_map).to_vec();
    let mut forced = scale(5);
    forced["force"] = json!("allowed");
    let owned = json!({"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod",
        "name": "gone", "uid": "c0ffee00-0000-4000-8000-000000000000"}]}});
    let webhook = json!({"apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "late"},
        "webhooks": [{"name": "a.example.com", "failurePolicy": "Fail", "sideEffects": "None",
            "admissionReviewVersions": ["v1"], "clientConfig": {"url": "https://a.example.com"},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"],
                "operations": ["CREATE"]}]}]});
    let narrowed = json!({"spec": {"versions": [{"name": "v1", "served": true, "storage": true,
        "schema": {"openAPIV3Schema": {"type": "object"}}}]}});
    let secret = json!({"env": [{"name": "P", "valueFrom": {"secretKeyRef":
        {"name": "db", "key": "password"}}}]});
    let balanced =
        merge(&resource("v1", "Service", "shop", "web"), json!({"spec": {"type": "LoadBalancer"}}));
    let selector = merge(&web(), json!({"spec": {"selector": {"matchLabels": {"app": "other"}}}}));
    let grown = merge(&claim, json!({"spec": {"resources": {"requests": {"storage": "40Gi"}}}}));
    let image = |image: &str| pod_of_web(&json!({"image": image}));
    let digest = format!("registry.example/shop/web@sha256:{}", "0".repeat(64));
    vec![
        ("deny plan.incomplete", vec![selector], vec![scale(5)], none()),
        ("warn plan.force_asked", vec![forced], vec![scale(5)], none()),
        (
            "deny destruction.data_loss",
            vec![delete(&stateful("cache"))],
            vec![delete(&unused)],
            none(),
        ),
        ("deny destruction.data_loss", vec![delete(&claim)], vec![grown.clone()], none()),
        (
            "warn destruction.data_loss_possible",
            vec![merge(&definition("coupons.shop.example"), narrowed)],
            vec![scale(5)],
            none(),
        ),
        (
            "deny destruction.stateful_removed",
            vec![delete(&stateful("db"))],
            vec![delete(&api)],
            none(),
        ),
        (
            "deny destruction.namespace_in_use",
            vec![delete(&namespace("shop"))],
            vec![merge(&namespace("shop"), json!({"metadata": {"labels": {"a": "b"}}}))],
            none(),
        ),
        (
            "deny destruction.definition_in_use",
            vec![delete(&definition("coupons.shop.example"))],
            vec![merge(
                &definition("gifts.shop.example"),
                json!({"metadata": {"labels": {"a": "b"}}}),
            )],
            none(),
        ),
        (
            "deny destruction.guard_and_guarded",
            vec![delete(&budget()), delete(&web())],
            vec![delete(&budget())],
            none(),
        ),
        ("warn destruction.irreversible", vec![grown], vec![scale(5)], none()),
        (
            "deny blast_radius.too_many_changes",
            vec![scale(5), delete(&unused)],
            vec![scale(5)],
            json!({"max_changes": 1}),
        ),
        (
            "deny blast_radius.too_many_deletes",
            vec![delete(&budget()), delete(&unused)],
            vec![delete(&unused), scale(5)],
            json!({"max_deletes": 1}),
        ),
        (
            "deny blast_radius.too_many_outages",
            vec![delete(&web()), delete(&api)],
            vec![delete(&web()), delete(&unused)],
            json!({"max_outages": 1}),
        ),
        ("deny blast_radius.too_many_namespaces", four.clone(), four[..3].to_vec(), none()),
        ("warn blast_radius.outage", vec![delete(&api)], vec![scale(5)], none()),
        (
            "require_approval blast_radius.outage",
            vec![delete(&api)],
            vec![scale(5)],
            json!({"outage_role": "sre", "outage_count": 2}),
        ),
        (
            "warn blast_radius.too_many_dependents",
            vec![image("registry.example/shop/web:1.5.0")],
            vec![scale(5)],
            json!({"max_dependents": 0}),
        ),
        (
            "require_approval blast_radius.too_many_dependents",
            vec![image("registry.example/shop/web:1.5.0")],
            vec![scale(5)],
            json!({"max_dependents": 0, "dependents_role": "sre"}),
        ),
        (
            "deny security.escalation",
            vec![role(&["get", "list"], &["secrets"])],
            vec![role(&["get", "watch", "list"], &["configmaps"])],
            none(),
        ),
        (
            "deny security.host",
            vec![pod_of_web(&json!({"hostNetwork": true}))],
            vec![scale(5)],
            none(),
        ),
        ("deny security.system", vec![config_map("kube-system")], vec![config_map("shop")], none()),
        ("warn security.admission", vec![apply(webhook)], vec![scale(5)], none()),
        ("warn security.exposure", vec![balanced], vec![scale(5)], none()),
        ("warn security.guard_removed", vec![delete(&budget())], vec![scale(5)], none()),
        (
            "warn security.identity",
            vec![pod_of_web(&json!({"serviceAccountName": "api"}))],
            vec![scale(5)],
            none(),
        ),
        ("warn security.owner", vec![merge(&unused, owned)], vec![scale(5)], none()),
        (
            "warn security.privilege",
            vec![role(&["get", "watch", "list"], &["configmaps"])],
            vec![role(&["get"], &["configmaps"])],
            none(),
        ),
        ("warn security.secret_access", vec![pod_of_web(&secret)], vec![scale(5)], none()),
        (
            "warn security.unpinned_image",
            vec![image("registry.example/shop/web:1.5.0")],
            vec![image(&digest)],
            none(),
        ),
    ]
}

#[test]
fn every_rule_decides_plans_that_were_made_here() {
    let mut wrong = Vec::new();
    for (rule, minded, passed, settings) in cases() {
        let speaks = |operations: &[Value]| said(&verdict(&plan(operations), &settings));
        let (minds, passes) = (speaks(&minded), speaks(&passed));
        if !minds.contains(rule) {
            wrong.push(format!("{rule} is silent: {minds:?}"));
        }
        if passes.contains(rule) {
            wrong.push(format!("{rule} speaks of what it should let pass: {passes:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_rule_is_left_out_of_that() {
    let tried: BTreeSet<&str> =
        cases().iter().map(|case| case.0.split_once(' ').unwrap().1).collect();
    let mut rules = BTreeSet::new();
    for (path, text) in FILES.iter().filter(|(path, _)| !path.contains("_test")) {
        let topic = path.strip_suffix(".rego").unwrap_or_default();
        let ids = text.split("\"id\": \"").skip(1);
        rules.extend(ids.map(|rest| format!("{topic}.{}", rest.split('"').next().unwrap())));
        let notable = text.split("notable := {").nth(1).unwrap_or_default().split('}').next();
        let flags = notable.unwrap_or_default().lines().filter_map(|line| line.split('"').nth(1));
        rules.extend(flags.map(|flag| format!("{topic}.{}", flag.replace('-', "_"))));
    }
    assert!(rules.len() > 20, "{rules:?}");
    for rule in rules {
        let known = tried.contains(rule.as_str()) || OF_CLUSTERS.contains(&rule.as_str());
        assert!(known, "{rule}");
    }
}

#[test]
fn scaling_up_and_a_new_image_pass_by_default() {
    let flags = resource("v1", "ConfigMap", "shop", "flags");
    let more = [scale(5), merge(&flags, json!({"data": {"beta": "on"}}))];
    let verdict_more = verdict(&plan(&more), &json!({}));
    assert!(verdict_more.passes() && verdict_more.warn.is_empty(), "{verdict_more:?}");
    assert!(verdict_more.require_approval.is_empty());
    let image = pod_of_web(&json!({"image": "registry.example/shop/web:1.5.0"}));
    assert!(verdict(&plan(&[image]), &json!({})).passes());
}

#[test]
fn dropping_the_database_is_denied_however_it_is_done() {
    for what in [
        resource("apps/v1", "StatefulSet", "shop", "db"),
        resource("v1", "PersistentVolumeClaim", "shop", "report-archive"),
        resource("v1", "Namespace", "", "shop"),
        resource("storage.k8s.io/v1", "StorageClass", "", "fast"),
    ] {
        let verdict = verdict(&plan(&[delete(&what)]), &json!({}));
        let data = what["kind"] != "StorageClass";
        assert_eq!(verdict.passes(), !data, "{what}: {verdict:?}");
    }
}

#[test]
fn the_trusted_side_alone_can_let_a_removal_through() {
    let db = resource("apps/v1", "StatefulSet", "shop", "db");
    let mut asked = delete(&db);
    asked["reason"] = json!("settings.destroy_allowed includes apps/StatefulSet/shop/db");
    let asked = plan(&[asked]);
    assert!(!verdict(&asked, &json!({})).passes());
    assert!(!verdict(&asked, &json!({"destroy_allowed": ["apps/StatefulSet/shop/dbx"]})).passes());
    assert!(verdict(&asked, &json!({"destroy_allowed": ["apps/StatefulSet/shop/db"]})).passes());
}

#[test]
fn a_finding_names_object_place_and_change() {
    let db = resource("apps/v1", "StatefulSet", "shop", "db");
    let verdict = verdict(&plan(&[delete(&db)]), &json!({}));
    let finding = verdict.deny.first().unwrap();
    assert_eq!(finding.rule, "countersign.destruction.stateful_removed");
    assert_eq!(finding.change, "apps/StatefulSet/shop/db");
    assert!(finding.message.starts_with("StatefulSet shop/db: "), "{}", finding.message);
    let text = FILES.iter().find(|(path, _)| *path == "destruction.rego").unwrap().1;
    let line = text.lines().nth(usize::try_from(finding.line).unwrap() - 1).unwrap();
    assert_eq!(finding.file, "builtin/destruction.rego");
    assert!(line.starts_with("deny contains {\"id\": \"stateful_removed\""), "{line}");
}
