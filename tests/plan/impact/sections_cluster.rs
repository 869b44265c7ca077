//! Sections B6 to B9: machinery, cluster, immutable paths, selectors.

use countersign::plan::class::replace_paths;
use serde_json::{Value, json};

use super::rows::Do::{Create, Delete, Set};
use super::rows::{core, object, rows};
use super::trial::{Table, Trial, shown};

#[test]
fn b6_machinery() {
    rows(
        "B6",
        &object("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "", json!({"spec": {}})),
        vec![(Create, "A!", "."), (Set("/spec/x", json!(1)), "O~", "."), (Delete, "O~", ".")],
    );
    rows(
        "B6",
        &object("coordination.k8s.io/v1", "Lease", "shop", json!({"spec": {}})),
        vec![
            (Create, "A!", "."),
            (Set("/spec/holderIdentity", json!("a")), "R~", "."),
            (Delete, "R~", "."),
        ],
    );
    let hook = json!({"webhooks": [{"name": "a", "failurePolicy": "Ignore", "clientConfig": {"url": "https://a.example"},
        "rules": [{"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"], "operations": ["CREATE"]}]}]});
    rows(
        "B6",
        &object("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "", hook),
        vec![
            (Create, "A!", "admission"),
            (Set("/webhooks/0/failurePolicy", json!("Fail")), "O~", "admission"),
            (Set("/webhooks", json!([])), "M!", "admission guard-removed"),
            (Set("/metadata/labels", json!({"a": "b"})), "M!", "."),
        ],
    );
}

#[test]
fn b7_cluster() {
    rows(
        "B7",
        &core(
            "LimitRange",
            "shop",
            json!({"spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}, "min": {"cpu": "100m"}}]}}),
        ),
        vec![
            (Create, "O~", "."),
            (Set("/spec/limits/0/max/cpu", json!("500m")), "O~", "."),
            (Set("/spec/limits/0/max/cpu", json!("1500m")), "M!", "guard-removed"),
            (Set("/spec/limits/0/min/cpu", json!("200m")), "O~", "."),
            (Set("/spec/limits/0/default", json!({"cpu": "1"})), "M!", "."),
            (Delete, "M!", "guard-removed"),
        ],
    );
    rows(
        "B7",
        &core(
            "ResourceQuota",
            "shop",
            json!({"spec": {"hard": {"pods": "5"}, "scopes": ["BestEffort"]}}),
        ),
        vec![
            (Set("/spec/hard/services", json!("5")), "O~", "."),
            (Set("/spec/hard/pods", json!("five")), "O~", "guard-removed"),
            (Set("/spec/scopes", json!([])), "O~", "."),
        ],
    );
    rows(
        "B7",
        &object(
            "scheduling.k8s.io/v1",
            "PriorityClass",
            "",
            json!({"value": 1, "globalDefault": false}),
        ),
        vec![
            (Create, "A!", "."),
            (Set("/globalDefault", json!(true)), "R~", "."),
            (Set("/value", json!(2)), "O~", "."),
        ],
    );
    rows(
        "B7",
        &object("node.k8s.io/v1", "RuntimeClass", "", json!({"handler": "h"})),
        vec![
            (Set("/handler", json!("i")), "O~", "."),
            (Set("/overhead", json!({"podFixed": {"cpu": "1"}})), "M!", "."),
            (Delete, "O~", "."),
        ],
    );
    rows(
        "B7",
        &object(
            "policy/v1",
            "PodDisruptionBudget",
            "shop",
            json!({"spec": {"minAvailable": "50%", "selector": {}}}),
        ),
        vec![
            (Create, "M!", "."),
            (Set("/spec/minAvailable", json!("20%")), "M!", "guard-removed"),
            (Set("/spec/minAvailable", json!("80%")), "M!", "."),
            (Delete, "M!", "guard-removed"),
        ],
    );
    rows(
        "B7",
        &object(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "shop",
            json!({"spec": {"minReplicas": 2, "maxReplicas": 4, "scaleTargetRef": {"kind": "Deployment", "name": "web"}}}),
        ),
        vec![
            (Create, "R~", "."),
            (Set("/spec/minReplicas", json!(1)), "R~", "."),
            (Set("/spec/minReplicas", json!(3)), "M!", "."),
            (Set("/spec/maxReplicas", json!(8)), "M!", "."),
            (Set("/spec/scaleTargetRef/name", json!("worker")), "R~", "."),
            (Set("/spec/metrics", json!([{}])), "M!", "."),
        ],
    );
    rows(
        "B7",
        &core("Event", "shop", json!({})),
        vec![(Create, "A!", "."), (Set("/reason", json!("x")), "M!", "."), (Delete, "M!", ".")],
    );
    let local = json!({"spec": {"persistentVolumeReclaimPolicy": "Retain", "local": {"path": "/d"}, "nodeAffinity": {"required":
        {"nodeSelectorTerms": [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["x"]}]}]}}}});
    let pinned = Trial::shop()
        .with(core("PersistentVolume", "", local))
        .with(core("Node", "", json!({})))
        .delete("/Node//x");
    assert_eq!(shown(pinned.run().of("/Node//x")), "D~");
    let mut guarded =
        core("Namespace", "", json!({"metadata": {"name": "guarded", "labels": {"guard": "on"}}}));
    guarded["metadata"]["name"] = json!("guarded");
    let hook = object(
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        "",
        json!({"webhooks": [
        {"name": "a", "namespaceSelector": {"matchLabels": {"guard": "on"}}, "clientConfig": {"url": "https://a.example"}}]}),
    );
    let mut table = Table::default();
    let escapes = Trial::shop().with(guarded.clone()).with(hook.clone()).update(
        "/Namespace//guarded",
        "/metadata/labels/guard",
        Value::Null,
    );
    table.row("B7 namespace leaves a webhook", &escapes, "M!", "admission guard-removed");
    let enters =
        Trial::shop().with(hook).update("/Namespace//shop", "/metadata/labels/guard", json!("on"));
    table.row("B7 namespace comes under a webhook", &enters, "O~", "admission");
    table.end();
}

#[test]
fn b8_immutable_paths() {
    let cases = [
        (
            "apps/StatefulSet/shop/db",
            "/spec/podManagementPolicy",
            json!("Parallel"),
            "/spec/podManagementPolicy",
        ),
        (
            "apps/StatefulSet/shop/db",
            "/spec/volumeClaimTemplates",
            json!([]),
            "/spec/volumeClaimTemplates",
        ),
        ("apps/StatefulSet/shop/db", "/spec/replicas", json!(3), ""),
        ("apps/StatefulSet/shop/db", "/metadata/labels/a", json!("b"), ""),
        (
            "/PersistentVolumeClaim/shop/data-db-0",
            "/spec/accessModes",
            json!([]),
            "/spec/accessModes",
        ),
        (
            "/PersistentVolumeClaim/shop/data-db-0",
            "/spec/resources/requests/storage",
            json!("2Gi"),
            "",
        ),
        ("/PersistentVolume//s0", "/spec/csi/driver", json!("x"), "/spec/csi"),
        ("/PersistentVolume//s0", "/spec/capacity/storage", json!("2Gi"), ""),
        ("storage.k8s.io/StorageClass//fast", "/reclaimPolicy", json!("Delete"), "/reclaimPolicy"),
        ("rbac.authorization.k8s.io/RoleBinding/shop/web", "/roleRef/name", json!("x"), "/roleRef"),
        ("scheduling.k8s.io/PriorityClass//high", "/value", json!(1), "/value"),
        ("/Secret/shop/db", "/type", json!("x"), "/type"),
        ("/Secret/shop/db", "/data/password", json!("x"), ""),
        ("/ConfigMap/shop/flags", "/data/beta", json!("x"), ""),
        ("/Service/shop/web", "/spec/clusterIP", json!("None"), "/spec/clusterIP"),
        ("/Pod/shop/bare", "/spec/containers/0/image", json!("x"), ""),
        ("/Pod/shop/bare", "/spec/containers/0/env", json!([]), "/spec/containers"),
        ("/Pod/shop/bare", "/spec/hostNetwork", json!(true), "/spec/hostNetwork"),
    ];
    for (name, pointer, value, wanted) in cases {
        let trial = Trial::shop().update(name, pointer, value);
        let edit = &trial.edits[0];
        let found: Vec<String> = replace_paths(&edit.resource, &edit.before, &edit.after)
            .iter()
            .map(ToString::to_string)
            .collect();
        let wanted: Vec<&str> = if wanted.is_empty() { vec![] } else { vec![wanted] };
        assert_eq!(found, wanted, "{name} {pointer}");
        assert!(replace_paths(&edit.resource, &Value::Null, &edit.after).is_empty());
    }
    let frozen = Trial::shop().live("/ConfigMap/shop/flags", "/immutable", json!(true)).update(
        "/ConfigMap/shop/flags",
        "/data/beta",
        json!("x"),
    );
    let edit = &frozen.edits[0];
    let paths = replace_paths(&edit.resource, &edit.before, &edit.after);
    assert_eq!(paths.iter().map(|path| path.as_str()).collect::<Vec<_>>(), ["/data"]);
}

#[test]
fn b9_selectors_mean_what_their_kind_says() {
    let mut table = Table::default();
    // An empty selector: a Service takes nothing, a budget and a policy take all.
    let service = core("Service", "shop", json!({"spec": {"selector": {}}}));
    table.row("Service {}", &Trial::shop().with(service).delete("/Service/shop/x"), "M!", ".");
    let policy = |selector: Value| {
        object(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "shop",
            json!({"spec": {"podSelector": selector}}),
        )
    };
    let taken = |selector: Value| Trial::shop().create(policy(selector));
    table.row("policy {}", &taken(json!({})), "O~", ".");
    let without = |operator: &str, values: Value| json!({"matchExpressions": [{"key": "none", "operator": operator, "values": values}]});
    table.row("NotIn", &taken(without("NotIn", json!(["x"]))), "O~", ".");
    table.row("DoesNotExist", &taken(without("DoesNotExist", Value::Null)), "O~", ".");
    table.row("In", &taken(without("In", json!(["x"]))), "A!", ".");
    table.row("Exists", &taken(without("Exists", Value::Null)), "A!", ".");
    // A workload of size 0 has no pods to select.
    let none = Trial::shop()
        .live("apps/Deployment/shop/web", "/spec/replicas", json!(0))
        .delete("/Service/shop/web");
    table.row("n=0", &none, "O!", ".");
    let unnamed = Trial::shop()
        .live("apps/Deployment/shop/web", "/spec/replicas", json!(0))
        .without("networking.k8s.io/Ingress/shop/shop")
        .delete("/Service/shop/web");
    table.row("n=0, unnamed", &unnamed, "M!", ".");
    table.end();
}
