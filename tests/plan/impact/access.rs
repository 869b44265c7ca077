//! Cases 60 to 83 of the impact reference: definitions, admission, access, bounds, nodes.

use countersign::document::effect::{OwnerFact, OwnerState};
use serde_json::{Value, json};

use super::trial::{Table, Trial, id, shown};

const CRD: &str = "apiextensions.k8s.io/CustomResourceDefinition//coupons.shop.example";

fn shop() -> Trial {
    Trial::shop()
}

fn coupon(spec: Value) -> Value {
    json!({"apiVersion": "shop.example/v1", "kind": "Coupon",
        "metadata": {"name": "spring", "namespace": "shop"}, "spec": spec})
}

fn definition() -> Value {
    let schema = json!({"openAPIV3Schema": {"type": "object", "properties": {"spec": {
        "type": "object", "properties": {"percent": {"type": "integer"}, "note": {"type": "string"}}}}}});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "coupons.shop.example"},
        "spec": {"group": "shop.example", "scope": "Namespaced",
            "names": {"kind": "Coupon", "plural": "coupons"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": schema}]}})
}

#[test]
fn definitions() {
    let mut table = Table::default();
    let with = || shop().with(definition());
    let one = || with().with(coupon(json!({})));
    table.row("61 one", &one().delete(CRD), "D!", ".");
    table.row("61 Orphan", &one().orphan(CRD), "D!", ".");
    table.row("61 none", &with().delete(CRD), "M!", ".");
    table.row("61 none in a tree", &with().tree().delete(CRD), "D?", ".");
    let properties = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
    let field = |name: &str| format!("{properties}/{name}");
    table.row("62 removed", &one().update(CRD, &field("note"), Value::Null), "D~", ".");
    table.row("62 added", &one().update(CRD, &field("more"), json!({"type": "string"})), "M!", ".");
    table.row(
        "62 tightened",
        &one().update(CRD, &field("percent"), json!({"type": "integer", "maximum": 50})),
        "R~",
        ".",
    );
    table.row(
        "62 default",
        &one().update(CRD, &field("percent"), json!({"type": "integer", "default": 5})),
        "R~",
        ".",
    );
    let mut versions = definition()["spec"]["versions"].clone();
    let mut narrow = versions[0].clone();
    narrow["name"] = json!("v2");
    narrow["storage"] = json!(false);
    narrow["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        .as_object_mut()
        .unwrap()
        .remove("note");
    let mut same = versions.clone();
    let mut twin = versions[0].clone();
    twin["name"] = json!("v2");
    twin["storage"] = json!(false);
    same.as_array_mut().unwrap().push(twin);
    versions.as_array_mut().unwrap().push(narrow);
    table.row("62 narrower", &one().update(CRD, "/spec/versions", versions), "D~", ".");
    table.row("62 twin", &one().update(CRD, "/spec/versions", same), "M!", ".");
    table.row(
        "63 unserved",
        &one().update(CRD, "/spec/versions/0/served", json!(false)),
        "O!",
        ".",
    );
    table.row("63 scope", &one().replace(CRD, &[("/spec/scope", json!("Cluster"))]), "D!", ".");
    let webhook = json!({"strategy": "Webhook", "webhook": {"clientConfig": {"service":
        {"namespace": "shop", "name": "none"}}}});
    table.row("64", &one().update(CRD, "/spec/conversion", webhook), "O~", "admission");
    table.end();
}

#[test]
fn unknown_kinds() {
    let mut table = Table::default();
    let name = "shop.example/Coupon/shop/spring";
    let live = || {
        shop().with(coupon(
            json!({"percent": 10, "replicas": 3, "nodeSets": [{"name": "a", "count": 3}]}),
        ))
    };
    table.row("65 create", &shop().create(coupon(json!({}))), "A?", ".");
    table.row("65 spec", &live().update(name, "/spec/percent", json!(5)), "R?", ".");
    table.row("65 label", &live().update(name, "/metadata/labels", json!({"a": "b"})), "M?", ".");
    table.row("65 fewer", &live().update(name, "/spec/replicas", json!(2)), "D?", ".");
    table.row("65 more", &live().update(name, "/spec/replicas", json!(4)), "R?", ".");
    table.row("65 set", &live().update(name, "/spec/nodeSets/0/count", json!(2)), "D?", ".");
    table.row("65 sets", &live().update(name, "/spec/nodeSets", json!([])), "D?", ".");
    table.row("65 delete", &live().delete(name), "D?", ".");
    table.end();
}

#[test]
fn well_known_custom_resources() {
    let mut table = Table::default();
    let object = |version: &str, kind: &str, spec: Value| {
        json!({"apiVersion": version, "kind": kind,
            "metadata": {"name": "x", "namespace": "shop"}, "spec": spec})
    };
    let kept = "services.k8s.aws/deletion-policy";
    let queue = object("sqs.services.k8s.aws/v1alpha1", "Queue", json!({}));
    let name = "sqs.services.k8s.aws/Queue/shop/x";
    let annotation = |policy: &str| ("/metadata/annotations", json!({kept: policy}));
    table.row("B10 ACK", &shop().with(queue.clone()).delete(name), "D!", ".");
    let retained =
        shop().with(queue.clone()).live(name, annotation("retain").0, annotation("retain").1);
    table.row("B10 ACK kept", &retained.delete(name), "M!", ".");
    // What the plan itself writes lowers nothing.
    let same = shop().with(queue).replace(name, &[annotation("retain")]);
    table.row("B10 ACK same plan", &same, "D!", ".");
    let rows = [
        ("postgresql.cnpg.io/v1", "Cluster", json!({}), "D~"),
        ("s3.aws.upbound.io/v1", "Bucket", json!({"deletionPolicy": "Delete"}), "D!"),
        ("s3.aws.upbound.io/v1", "Bucket", json!({"deletionPolicy": "Orphan"}), "M!"),
        ("argoproj.io/v1alpha1", "Application", json!({}), "M!"),
        ("helm.toolkit.fluxcd.io/v2", "HelmRelease", json!({}), "D?"),
        ("kustomize.toolkit.fluxcd.io/v1", "Kustomization", json!({"prune": true}), "D?"),
        ("cluster.x-k8s.io/v1beta1", "Cluster", json!({}), "D?"),
        ("cluster.x-k8s.io/v1beta1", "Machine", json!({}), "O~"),
        ("karpenter.sh/v1", "NodePool", json!({}), "O~"),
        ("cert-manager.io/v1", "Certificate", json!({}), "M!"),
        ("external-secrets.io/v1", "ExternalSecret", json!({}), "O~"),
        ("bitnami.com/v1alpha1", "SealedSecret", json!({}), "O~"),
        ("keda.sh/v1alpha1", "ScaledObject", json!({}), "R~"),
        ("monitoring.coreos.com/v1", "PrometheusRule", json!({}), "M!"),
        ("networking.istio.io/v1", "VirtualService", json!({}), "O~"),
        ("serving.knative.dev/v1", "Service", json!({}), "O!"),
        ("tekton.dev/v1", "PipelineRun", json!({}), "R~"),
    ];
    for (version, kind, spec, class) in rows {
        let object = object(version, kind, spec);
        let group = version.split('/').next().unwrap();
        let trial = shop().with(object).delete(&format!("{group}/{kind}/shop/x"));
        table.row(&format!("B10 {version} {kind}"), &trial, class, ".");
    }
    table.end();
}

#[test]
fn owners_that_are_not_there() {
    let mut table = Table::default();
    let owner = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "u-gone"}]);
    let claim = "/PersistentVolumeClaim/shop/data-db-0";
    let owned =
        |trial: Trial, name: &str| trial.update(name, "/metadata/ownerReferences", owner.clone());
    table.row("66", &owned(shop(), claim), "D!", "owner");
    let unused = "/ConfigMap/shop/unused";
    table.row("67 absent", &owned(shop(), unused), "M!", "owner");
    let elsewhere = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "gone", "namespace": "other", "uid": "u-gone"}});
    table.row("67 foreign", &owned(shop().with(elsewhere), claim), "D!", "owner");
    let here = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "gone", "namespace": "shop", "uid": "u-gone"}});
    table.row("67 present", &owned(shop().with(here), claim), "M!", "owner");
    table.row("67 in a tree", &owned(shop().tree(), unused), "M?", "owner");
    // A fact as somebody else observed it counts like one of our own.
    let trial = owned(shop(), claim);
    let mut facts = trial.facts();
    facts.owners =
        vec![OwnerFact { object: id(claim), uid: "u-gone".to_owned(), state: OwnerState::Present }];
    table.check(
        "67 given",
        shown(trial.run_with(facts).of(claim)) == "M!",
        "the given fact does not count",
    );
    table.end();
}

fn webhook(failure: &str) -> Value {
    json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "guard"},
        "webhooks": [{"name": "guard.example", "failurePolicy": failure,
            "clientConfig": {"service": {"namespace": "shop", "name": "none"}},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["*"]}]}]})
}

#[test]
fn admission_and_aggregated_apis() {
    let mut table = Table::default();
    let name = "admissionregistration.k8s.io/ValidatingWebhookConfiguration//guard";
    let fail = shop().create(webhook("Fail"));
    table.row("68", &fail, "O!", "admission");
    let dependents = fail.run().impact.dependents;
    table.check("68", dependents == [id("/Pod//*")], "one pattern for all pods");
    table.row("68 in a tree", &shop().tree().create(webhook("Fail")), "O?", "admission");
    let mut there = webhook("Fail");
    there["webhooks"][0]["clientConfig"]["service"]["name"] = json!("web");
    table.row("68 there", &shop().create(there), "O~", "admission");
    table.row("69 Ignore", &shop().create(webhook("Ignore")), "A!", "admission");
    let live = || shop().with(webhook("Fail"));
    table.row("69 deleted", &live().delete(name), "M!", "admission guard-removed");
    table.row(
        "69 to Ignore",
        &live().update(name, "/webhooks/0/failurePolicy", json!("Ignore")),
        "M!",
        "admission guard-removed",
    );
    let policy = |kind: &str, spec: Value| {
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
            "metadata": {"name": "p"}, "spec": spec})
    };
    let alone =
        policy("ValidatingAdmissionPolicy", json!({"validations": [{"expression": "false"}]}));
    table.row("70 policy", &shop().create(alone.clone()), "A!", "admission");
    let deny = policy(
        "ValidatingAdmissionPolicyBinding",
        json!({"policyName": "p", "validationActions": ["Deny"]}),
    );
    table.row("70 binding", &shop().with(alone.clone()).create(deny.clone()), "O~", "admission");
    let stricter = shop().with(alone).with(deny).update(
        "admissionregistration.k8s.io/ValidatingAdmissionPolicy//p",
        "/spec/validations",
        json!([{"expression": "false"}, {"expression": "true"}]),
    );
    table.row("70 stricter", &stricter, "O~", "admission");
    let api = |name: &str, spec: Value, labels: Value| {
        json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
            "metadata": {"name": name, "labels": labels}, "spec": spec})
    };
    let aggregated = api(
        "v1.x.example",
        json!({"group": "x.example", "version": "v1",
        "service": {"namespace": "shop", "name": "none"}}),
        json!({}),
    );
    table.row("71 aggregated", &shop().create(aggregated.clone()), "O~", "admission");
    table.row(
        "71 aggregated delete",
        &shop().with(aggregated).delete("apiregistration.k8s.io/APIService//v1.x.example"),
        "O!",
        "admission",
    );
    let local = api(
        "v1.apps",
        json!({"group": "apps", "version": "v1"}),
        json!({"kube-aggregator.kubernetes.io/automanaged": "onstart"}),
    );
    table.row(
        "71 local",
        &shop().with(local).delete("apiregistration.k8s.io/APIService//v1.apps"),
        "M!",
        "admission system",
    );
    table.end();
}

fn rbac(kind: &str, namespace: &str, name: &str, rest: Value) -> Value {
    let mut object = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind,
        "metadata": {"name": name}});
    if !namespace.is_empty() {
        object["metadata"]["namespace"] = json!(namespace);
    }
    for (key, value) in rest.as_object().unwrap() {
        super::trial::set(&mut object, key, value.clone());
    }
    object
}

fn grants(kind: &str, name: &str, subject: Value) -> Value {
    json!({"/subjects": [subject],
        "/roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}})
}

#[test]
fn roles_and_bindings() {
    let mut table = Table::default();
    let role = "rbac.authorization.k8s.io/Role/shop/reader";
    let rules = json!([
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "watch"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]},
    ]);
    let wider = shop().update(role, "/rules", rules);
    table.reach("72 wider", &wider, "M!", "escalation privilege", "5/1/3/0");
    let narrower = json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["watch"]}]);
    table.reach(
        "72 narrower",
        &shop().update(role, "/rules", narrower.clone()),
        "O~",
        ".",
        "5/1/3/0",
    );
    let unbound = shop().without("rbac.authorization.k8s.io/RoleBinding/shop/web");
    table.row("72 unbound", &unbound.update(role, "/rules", narrower), "M!", ".");
    let all = json!({"/rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
        "/metadata/labels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"}});
    table.row(
        "73",
        &shop().create(rbac("ClusterRole", "", "wide", all)),
        "A!",
        "escalation privilege",
    );
    let account = json!({"kind": "ServiceAccount", "name": "web", "namespace": "shop"});
    let binding = |kind: &str, role: &str| {
        rbac("RoleBinding", "shop", "b", grants(kind, role, account.clone()))
    };
    table.row("74 absent", &shop().create(binding("Role", "none")), "A!", "escalation privilege");
    table.row(
        "74 edit",
        &shop().create(binding("ClusterRole", "edit")),
        "A!",
        "escalation privilege",
    );
    table.row("74 weak", &shop().create(binding("Role", "reader")), "A!", "privilege");
    let view =
        json!({"/rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]});
    let anyone = json!({"kind": "Group", "name": "system:unauthenticated"});
    let open = shop().with(rbac("ClusterRole", "", "view", view)).create(rbac(
        "ClusterRoleBinding",
        "",
        "open",
        grants("ClusterRole", "view", anyone),
    ));
    table.row("75", &open, "A!", "exposure privilege");
    let bound = "rbac.authorization.k8s.io/RoleBinding/shop/web";
    table.row("B5 subject", &shop().update(bound, "/subjects", json!([])), "O~", ".");
    table.row("B5 binding", &shop().delete(bound), "O~", ".");
    let web = "/ServiceAccount/shop/web";
    table.reach("76", &shop().delete(web), "O~", ".", "3/1/3/0");
    let cloud = json!({"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"});
    table.row("77", &shop().update(web, "/metadata/annotations", cloud), "M!", "identity");
    table.end();
}

#[test]
fn pods_that_may_do_more() {
    let mut table = Table::default();
    let web = "apps/Deployment/shop/web";
    let container = "/spec/template/spec/containers/0";
    let privileged = shop().update_all(
        web,
        &[
            (&format!("{container}/securityContext"), json!({"privileged": true})),
            ("/spec/template/spec/volumes", json!([{"name": "h", "hostPath": {"path": "/"}}])),
        ],
    );
    table.row("78 gains", &privileged, "R!", "host");
    let daemon = json!({"apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": "agent", "namespace": "shop"},
        "spec": {"selector": {"matchLabels": {"app": "agent"}},
            "template": {"metadata": {"labels": {"app": "agent"}}, "spec": {"containers": [
                {"name": "c", "image": "x@sha256:0", "securityContext": {"privileged": true}}]}}}});
    let digest = shop().with(daemon).update(
        "apps/DaemonSet/shop/agent",
        &format!("{container}/image"),
        json!("x@sha256:1"),
    );
    table.row("78 digest", &digest, "R!", "host");
    let worker = "apps/Deployment/shop/worker";
    let more = shop().update_all(
        worker,
        &[
            ("/spec/template/spec/serviceAccountName", json!("web")),
            ("/spec/template/spec/volumes", json!([{"name": "s", "secret": {"secretName": "db"}}])),
        ],
    );
    table.row("79", &more, "R!", "identity secret-access");
    table.end();
}

#[test]
fn quotas_scalers_priorities_and_nodes() {
    let mut table = Table::default();
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "q", "namespace": "shop"}, "spec": {"hard": {"pods": "50", "requests.memory": "1Gi"}}});
    let name = "/ResourceQuota/shop/q";
    let live = || shop().with(quota.clone());
    table.row("80 lowered", &live().update(name, "/spec/hard/pods", json!("1")), "O~", ".");
    table.row(
        "80 raised",
        &live().update(name, "/spec/hard/requests.memory", json!("1500Mi")),
        "M!",
        "guard-removed",
    );
    table.row("80 delete", &live().delete(name), "M!", "guard-removed");
    table.row("80 create", &shop().create(quota.clone()), "O~", ".");
    let scaler = "autoscaling/HorizontalPodAutoscaler/shop/worker";
    table.reach(
        "81 max",
        &shop().update(scaler, "/spec/maxReplicas", json!(4)),
        "R~",
        ".",
        "1/1/8/0",
    );
    table.reach("81 delete", &shop().delete(scaler), "M!", ".", "1/1/8/0");
    table.reach(
        "82",
        &shop().delete("scheduling.k8s.io/PriorityClass//high"),
        "O~",
        ".",
        "3/1/3/0",
    );
    let node = || {
        shop().with(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "labels": {"disk": "ssd"}}, "spec": {}}))
    };
    let taint = |effect: &str| {
        node().update("/Node//n", "/spec/taints", json!([{"key": "k", "effect": effect}]))
    };
    table.row("83 NoExecute", &taint("NoExecute"), "R!", ".");
    table.row("83 NoSchedule", &taint("NoSchedule"), "M!", ".");
    table.row("83 delete", &node().delete("/Node//n"), "R!", ".");
    table.row(
        "83 cordon",
        &node().update("/Node//n", "/spec/unschedulable", json!(true)),
        "M!",
        ".",
    );
    table.row(
        "B7 node label",
        &node().update("/Node//n", "/metadata/labels/disk", Value::Null),
        "R~",
        ".",
    );
    let budget = "policy/PodDisruptionBudget/shop/web";
    table.row(
        "B7 looser",
        &shop().update(budget, "/spec/maxUnavailable", json!(2)),
        "M!",
        "guard-removed",
    );
    table.row("B7 stricter", &shop().update(budget, "/spec/maxUnavailable", json!(0)), "M!", ".");
    table.end();
}
