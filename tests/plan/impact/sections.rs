//! Rows of sections B0 to B8 that no numbered case shows, one table for each section.

use countersign::plan::class::replace_paths;
use serde_json::{Value, json};

use super::trial::{Table, Trial, shown};

/// What is done to one live object.
enum Do {
    Create,
    Delete,
    Replace(&'static str, Value),
    Set(&'static str, Value),
}
use Do::{Create, Delete, Replace, Set};

fn object(version: &str, kind: &str, namespace: &str, rest: Value) -> Value {
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}});
    if !namespace.is_empty() {
        object["metadata"]["namespace"] = json!(namespace);
    }
    for (key, value) in rest.as_object().unwrap() {
        if key == "metadata" {
            object["metadata"].as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        } else {
            object[key] = value.clone();
        }
    }
    object
}

fn trial(live: &Value, what: Do) -> Trial {
    let resource = countersign::document::operation::ResourceRef::of(live).unwrap();
    let name = resource.id().to_string();
    let shop = Trial::shop();
    match what {
        Create => shop.create(live.clone()),
        Delete => shop.with(live.clone()).delete(&name),
        Replace(pointer, value) => shop.with(live.clone()).replace(&name, &[(pointer, value)]),
        Set(pointer, value) => shop.with(live.clone()).update(&name, pointer, value),
    }
}

fn rows(section: &str, live: &Value, rows: Vec<(Do, &str, &str)>) {
    let mut table = Table::default();
    for (place, (what, class, flags)) in rows.into_iter().enumerate() {
        let case = format!("{section} {} row {place}", live["kind"]);
        table.row(&case, &trial(live, what), class, flags);
    }
    table.end();
}

fn core(kind: &str, namespace: &str, rest: Value) -> Value {
    object("v1", kind, namespace, rest)
}

#[test]
fn b0_all_kinds() {
    let owner =
        json!([{"apiVersion": "v1", "kind": "X", "name": "o", "uid": "u", "controller": true}]);
    rows(
        "B0",
        &core(
            "ConfigMap",
            "shop",
            json!({"metadata": {"ownerReferences": owner, "finalizers": ["a"]}}),
        ),
        vec![
            (Set("/status/x", json!(1)), "N!", "."),
            (Set("/metadata/resourceVersion", json!("2")), "N!", "."),
            (Set("/metadata/annotations", json!({"a/b": "c"})), "M!", "."),
            (Set("/metadata/labels/x", json!("y")), "M!", "."),
            (Set("/metadata/finalizers", Value::Null), "M!", "guard-removed"),
            (Set("/metadata/ownerReferences", Value::Null), "R~", "owner"),
            (Set("/unheardOf", json!(1)), "R?", "."),
        ],
    );
    rows(
        "B0",
        &object("v1", "ConfigMap", "kube-system", json!({"metadata": {"name": "aws-auth"}})),
        vec![(Set("/data/x", json!("y")), "M!", "escalation system")],
    );
}

#[test]
fn b1_workloads() {
    rows(
        "B1",
        &object(
            "batch/v1",
            "CronJob",
            "shop",
            json!({"spec": {"schedule": "x", "concurrencyPolicy": "Forbid"}}),
        ),
        vec![
            (Create, "A!", "."),
            (Set("/spec/schedule", json!("y")), "M!", "."),
            (Set("/spec/concurrencyPolicy", json!("Replace")), "R~", "."),
            (Set("/spec/concurrencyPolicy", json!("Allow")), "M!", "."),
            (Set("/spec/failedJobsHistoryLimit", json!(0)), "M!", "irreversible"),
            (Set("/spec/failedJobsHistoryLimit", json!(9)), "M!", "."),
            (Replace("/spec/schedule", json!("y")), "R!", "."),
        ],
    );
    let template = json!({"spec": {"containers": [{"name": "c", "image": "x@sha256:0"}]}});
    rows(
        "B1",
        &object(
            "batch/v1",
            "Job",
            "shop",
            json!({"spec": {"parallelism": 2, "template": template}}),
        ),
        vec![
            (Create, "A!", "."),
            (Set("/spec/parallelism", json!(4)), "M!", "."),
            (Set("/spec/backoffLimit", json!(1)), "M!", "."),
            (Set("/spec/template/metadata/labels/a", json!("b")), "R~", "."),
        ],
    );
    rows(
        "B1",
        &object(
            "batch/v1",
            "Job",
            "shop",
            json!({"spec": {"suspend": true, "template": template}}),
        ),
        vec![
            (Set("/spec/suspend", json!(false)), "M!", "."),
            (Set("/spec/template/metadata/labels/a", json!("b")), "M!", "."),
        ],
    );
    let daemon = json!({"spec": {"template": {"metadata": {"labels": {"a": "b"}}, "spec": template["spec"]},
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "100%"}}}});
    rows(
        "B1",
        &object("apps/v1", "DaemonSet", "shop", daemon.clone()),
        vec![
            (Set("/spec/template/metadata/annotations", json!({"a": "b"})), "O!", "."),
            (Set("/spec/updateStrategy/rollingUpdate/maxUnavailable", json!(1)), "M!", "."),
            (Replace("/spec/selector", json!({})), "O!", "."),
        ],
    );
    let mut on_delete = daemon;
    on_delete["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    rows(
        "B1",
        &object("apps/v1", "DaemonSet", "shop", on_delete),
        vec![(Set("/spec/updateStrategy/type", json!("RollingUpdate")), "R~", ".")],
    );
    rows(
        "B1",
        &core("Pod", "shop", template.clone()),
        vec![
            (Set("/spec/containers/0/image", json!("x@sha256:1")), "R!", "."),
            (Set("/spec/containers/0/resources", json!({"limits": {"cpu": "1"}})), "R~", "."),
            (Set("/spec/activeDeadlineSeconds", json!(5)), "O~", "."),
            (Set("/spec/tolerations", json!([{"key": "a"}])), "M!", "."),
            (
                Set("/spec/ephemeralContainers", json!([{"name": "d", "image": "d@sha256:2"}])),
                "M!",
                "escalation",
            ),
            (Set("/spec/nodeName", json!("n")), "O!", "."),
            (Set("/metadata/labels/a", json!("b")), "M!", "."),
        ],
    );
    rows(
        "B1",
        &core(
            "ReplicationController",
            "shop",
            json!({"spec": {"replicas": 2, "selector": {"a": "b"}, "template": template}}),
        ),
        vec![
            (Set("/spec/replicas", json!(0)), "O!", "."),
            (Set("/spec/replicas", json!(3)), "M!", "."),
            (Delete, "O!", "."),
        ],
    );
    rows(
        "B1",
        &object("apps/v1", "ControllerRevision", "shop", json!({"revision": 1})),
        vec![
            (Create, "A!", "."),
            (Set("/revision", json!(2)), "M!", "."),
            (Delete, "M!", "irreversible"),
        ],
    );
    let none = json!({"spec": {"replicas": 0, "template": template}});
    rows(
        "B1",
        &object("apps/v1", "Deployment", "shop", none),
        vec![
            (Delete, "M!", "."),
            (Set("/spec/template/metadata/annotations", json!({"a": "b"})), "M!", "."),
            (Set("/spec/paused", json!(true)), "M!", "."),
            (Set("/spec/replicas", json!(2)), "M!", "."),
        ],
    );
}

#[test]
fn b2_network() {
    let balancer = json!({"spec": {"type": "LoadBalancer", "selector": {"app": "web"},
        "loadBalancerSourceRanges": ["10.0.0.0/8", "192.0.2.0/24"],
        "ports": [{"port": 80}, {"port": 443}], "clusterIP": "10.0.0.1"}});
    rows(
        "B2",
        &core("Service", "shop", balancer),
        vec![
            (Create, "A!", "exposure"),
            (Set("/spec/type", json!("ClusterIP")), "O~", "."),
            (Set("/spec/externalTrafficPolicy", json!("Local")), "O~", "."),
            (Set("/spec/internalTrafficPolicy", json!("Cluster")), "M!", "."),
            (Set("/spec/sessionAffinity", json!("ClientIP")), "R~", "."),
            (Set("/spec/loadBalancerSourceRanges", json!(["10.0.0.0/8"])), "O~", "."),
            (
                Set(
                    "/spec/loadBalancerSourceRanges",
                    json!(["10.0.0.0/8", "192.0.2.0/24", "0.0.0.0/0"]),
                ),
                "M!",
                "exposure",
            ),
            (Set("/spec/loadBalancerSourceRanges", Value::Null), "M!", "exposure"),
            (Set("/spec/ports", json!([{"port": 80}])), "O~", "."),
            (Set("/spec/ports", json!([{"port": 80}, {"port": 443}, {"port": 8080}])), "M!", "."),
            (Set("/spec/clusterIP", json!("10.0.0.2")), "O!", "."),
            (Replace("/spec/clusterIP", json!("None")), "O!", "."),
            (Delete, "O!", "."),
        ],
    );
    rows(
        "B2",
        &core("Service", "shop", json!({"spec": {"selector": {"app": "nobody"}}})),
        vec![(Delete, "M!", ".")],
    );
    let gateway = "gateway.networking.k8s.io/v1";
    let route = json!({"spec": {"hostnames": ["a.example"], "parentRefs": [{"name": "g"}], "rules": [{"backendRefs": [{"name": "web", "port": 80}]}]}});
    rows(
        "B2",
        &object(gateway, "HTTPRoute", "shop", route),
        vec![
            (Create, "A!", "exposure"),
            (Set("/spec/hostnames", json!(["a.example", "b.example"])), "M!", "exposure"),
            (Set("/spec/hostnames", json!([])), "O~", "."),
            (Set("/spec/parentRefs", json!([])), "O~", "."),
            (Set("/spec/rules", json!([{"backendRefs": [{"name": "gone"}]}])), "O~", "exposure"),
            (Delete, "O!", "."),
        ],
    );
    rows(
        "B2",
        &object(
            gateway,
            "Gateway",
            "shop",
            json!({"spec": {"listeners": [{"name": "a", "port": 80}]}}),
        ),
        vec![
            (Create, "A!", "exposure"),
            (Set("/spec/listeners", json!([])), "O~", "."),
            (
                Set(
                    "/spec/listeners",
                    json!([{"name": "a", "port": 80}, {"name": "b", "port": 81}]),
                ),
                "M!",
                "exposure",
            ),
            (Delete, "O!", "."),
        ],
    );
    rows(
        "B2",
        &object(gateway, "ReferenceGrant", "shop", json!({"spec": {"from": [{"kind": "A"}]}})),
        vec![
            (Create, "A!", "privilege"),
            (Set("/spec/from", json!([{"kind": "A"}, {"kind": "B"}])), "M!", "privilege"),
            (Set("/spec/from", json!([])), "O~", "."),
            (Delete, "O~", "."),
        ],
    );
    rows(
        "B2",
        &object("networking.k8s.io/v1", "IngressClass", "", json!({"spec": {"controller": "c"}})),
        vec![
            (Create, "A!", "."),
            (Set("/spec/parameters", json!({"name": "p"})), "R?", "."),
            (
                Set(
                    "/metadata/annotations",
                    json!({"ingressclass.kubernetes.io/is-default-class": "true"}),
                ),
                "M!",
                ".",
            ),
            (Set("/spec/controller", json!("d")), "O~", "."),
            (Delete, "O~", "."),
        ],
    );
    rows(
        "B2",
        &object("networking.k8s.io/v1", "Ingress", "shop", json!({"spec": {"tls": []}})),
        vec![
            (Create, "A!", "exposure"),
            (Set("/spec/tls", json!([{"secretName": "s"}])), "R~", "secret-access"),
            (Set("/spec/ingressClassName", json!("other")), "O~", "."),
            (Delete, "O!", "."),
        ],
    );
    rows(
        "B2",
        &object(
            "networking.k8s.io/v1",
            "ServiceCIDR",
            "",
            json!({"spec": {"cidrs": ["10.0.0.0/8"]}}),
        ),
        vec![(Set("/spec/cidrs", json!([])), "O~", "."), (Delete, "O~", ".")],
    );
    let policy = json!({"spec": {"podSelector": {"matchLabels": {"app": "nobody"}}, "policyTypes": ["Ingress", "Egress"], "ingress": []}});
    rows(
        "B2",
        &object("networking.k8s.io/v1", "NetworkPolicy", "shop", policy),
        vec![
            (Set("/spec/ingress", json!([{}])), "O~", "exposure"),
            (Set("/spec/podSelector/matchLabels/more", json!("x")), "O~", "exposure"),
            (Set("/spec/policyTypes", json!(["Ingress"])), "O~", "exposure"),
            (Set("/spec/policyTypes", json!(["Egress", "Ingress"])), "O~", "."),
        ],
    );
}

#[test]
fn b3_configuration() {
    let mut table = Table::default();
    let flags = "/ConfigMap/shop/flags";
    table.row(
        "B3 key nobody names",
        &Trial::shop().update(flags, "/data/beta", Value::Null),
        "M!",
        ".",
    );
    let env =
        json!([{"name": "B", "valueFrom": {"configMapKeyRef": {"name": "flags", "key": "beta"}}}]);
    let named = Trial::shop().live(
        "apps/Deployment/shop/worker",
        "/spec/template/spec/containers/0/env",
        env,
    );
    table.row("B3 named key", &named.clone().update(flags, "/data/beta", Value::Null), "O~", ".");
    table.row("B3 other key", &named.update(flags, "/data/currency", Value::Null), "M!", ".");
    let reloads = Trial::shop().live(
        "apps/Deployment/shop/web",
        "/metadata/annotations",
        json!({"reloader.stakater.com/auto": "true"}),
    );
    table.row("B3 reloads", &reloads.update(flags, "/data/beta", json!("on")), "R~", ".");
    let frozen = Trial::shop().live(flags, "/immutable", json!(true));
    table.row("B3 frozen", &frozen.update(flags, "/data/beta", json!("on")), "O~", ".");
    table.row("B3 root", &Trial::shop().delete("/ConfigMap/shop/kube-root-ca.crt"), "M!", ".");
    table.end();
    for (kind, class) in [
        ("kubernetes.io/service-account-token", "O~"),
        ("helm.sh/release.v1", "D~"),
        ("kubernetes.io/tls", "D~"),
    ] {
        rows(
            "B3",
            &core("Secret", "shop", json!({"type": kind})),
            vec![
                (Delete, class, "irreversible"),
                (Set("/type", json!("Opaque")), "O~", "irreversible"),
            ],
        );
    }
}

#[test]
fn b4_storage() {
    let storage = "storage.k8s.io/v1";
    rows(
        "B4",
        &core(
            "PersistentVolumeClaim",
            "shop",
            json!({"spec": {"resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "fast"}}),
        ),
        vec![
            (Create, "A!", "."),
            (Set("/spec/volumeAttributesClassName", json!("gold")), "R~", "."),
            (Set("/spec/storageClassName", json!("slow")), "M!", "."),
            (Set("/metadata/annotations", json!({"x.example/y": "z"})), "R?", "."),
        ],
    );
    rows(
        "B4",
        &core(
            "PersistentVolume",
            "",
            json!({"spec": {"persistentVolumeReclaimPolicy": "Delete", "capacity": {"storage": "1Gi"}, "csi": {"driver": "d"}}}),
        ),
        vec![
            (Create, "A!", "."),
            (Set("/spec/nodeAffinity", json!({"required": {}})), "O~", "."),
            (Set("/spec/mountOptions", json!(["ro"])), "R~", "."),
            (Set("/spec/capacity/storage", json!("2Gi")), "M!", "."),
            (Set("/spec/csi/driver", json!("e")), "D~", "."),
            (Delete, "D~", "irreversible"),
        ],
    );
    rows(
        "B4",
        &core("PersistentVolume", "", json!({"spec": {"hostPath": {"path": "/"}}})),
        vec![(Create, "A!", "host")],
    );
    rows(
        "B4",
        &object(
            storage,
            "StorageClass",
            "",
            json!({"provisioner": "p", "allowVolumeExpansion": true}),
        ),
        vec![
            (Create, "A!", "."),
            (Set("/allowVolumeExpansion", json!(false)), "M!", "."),
            (Set("/provisioner", json!("q")), "R~", "."),
        ],
    );
    rows(
        "B4",
        &object(storage, "VolumeAttributesClass", "", json!({"driverName": "d"})),
        vec![(Set("/driverName", json!("e")), "R~", "."), (Delete, "R~", ".")],
    );
    rows(
        "B4",
        &object(storage, "CSIDriver", "", json!({"spec": {"attachRequired": true}})),
        vec![
            (Set("/spec/podInfoOnMount", json!(true)), "R~", "."),
            (Set("/spec/attachRequired", json!(false)), "O~", "."),
            (Delete, "O~", "."),
        ],
    );
    rows(
        "B4",
        &object(storage, "VolumeAttachment", "", json!({"spec": {"attacher": "a"}})),
        vec![
            (Create, "A!", "."),
            (Set("/spec/attacher", json!("b")), "O~", "."),
            (Delete, "O~", "."),
        ],
    );
    let snapshot = "snapshot.storage.k8s.io/v1";
    rows(
        "B4",
        &object(
            snapshot,
            "VolumeSnapshotContent",
            "",
            json!({"spec": {"deletionPolicy": "Retain"}}),
        ),
        vec![
            (Set("/spec/deletionPolicy", json!("Delete")), "M!", "guard-removed"),
            (Delete, "M!", "."),
        ],
    );
    rows(
        "B4",
        &object(
            snapshot,
            "VolumeSnapshotContent",
            "",
            json!({"spec": {"deletionPolicy": "Delete"}}),
        ),
        vec![(Delete, "D!", ".")],
    );
    rows(
        "B4",
        &object(snapshot, "VolumeSnapshot", "shop", json!({})),
        vec![(Create, "A!", "."), (Delete, "D?", ".")],
    );
    let content = object(
        snapshot,
        "VolumeSnapshotContent",
        "",
        json!({"spec": {"deletionPolicy": "Retain"}}),
    );
    let named = object(
        snapshot,
        "VolumeSnapshot",
        "shop",
        json!({"spec": {"source": {"volumeSnapshotContentName": "x"}}}),
    );
    let kept = Trial::shop()
        .with(content)
        .with(named)
        .delete("snapshot.storage.k8s.io/VolumeSnapshot/shop/x");
    assert_eq!(shown(kept.run().of("snapshot.storage.k8s.io/VolumeSnapshot/shop/x")), "M!");
    let device = "resource.k8s.io/v1";
    rows(
        "B4",
        &object(device, "ResourceClaim", "shop", json!({})),
        vec![(Delete, "R~", "."), (Set("/spec/x", json!(1)), "R~", ".")],
    );
    rows(
        "B4",
        &object(device, "ResourceClaimTemplate", "shop", json!({})),
        vec![(Delete, "M!", ".")],
    );
    rows(
        "B4",
        &object(device, "DeviceClass", "", json!({})),
        vec![(Delete, "O~", "."), (Set("/spec/x", json!(1)), "M!", ".")],
    );
}

#[test]
fn b5_access() {
    rows(
        "B5",
        &core(
            "ServiceAccount",
            "shop",
            json!({"automountServiceAccountToken": false, "imagePullSecrets": [{"name": "p"}]}),
        ),
        vec![
            (Create, "A!", "."),
            (Set("/automountServiceAccountToken", json!(true)), "M!", "identity"),
            (Set("/imagePullSecrets", json!([])), "O~", "."),
            (
                Set("/metadata/annotations", json!({"iam.gke.io/gcp-service-account": "a"})),
                "M!",
                "identity",
            ),
            (Set("/metadata/annotations", json!({"note": "a"})), "M!", "."),
        ],
    );
    let rbac = "rbac.authorization.k8s.io/v1";
    let read = json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]});
    let rules = |verb: &str, resource: &str| json!([read, {"apiGroups": [""], "resources": [resource], "verbs": [verb]}]);
    rows(
        "B5",
        &object(rbac, "ClusterRole", "", json!({"rules": [read]})),
        vec![
            (Create, "A!", "privilege"),
            (Set("/rules", json!([])), "M!", "."),
            (Set("/rules", rules("get", "services")), "M!", "privilege"),
            (Set("/rules", rules("list", "secrets")), "M!", "escalation privilege"),
            (Set("/rules", rules("create", "pods/exec")), "M!", "escalation privilege"),
            (Set("/rules", rules("create", "serviceaccounts/token")), "M!", "escalation privilege"),
            (Set("/rules", rules("impersonate", "users")), "M!", "escalation privilege"),
            (Set("/rules", rules("patch", "nodes/status")), "M!", "escalation privilege"),
            (
                Set("/rules", json!([read, {"nonResourceURLs": ["/healthz"], "verbs": ["get"]}])),
                "M!",
                "privilege",
            ),
            (Set("/rules", rules("get", "pods")), "M!", "."),
            (
                Set(
                    "/metadata/labels",
                    json!({"rbac.authorization.k8s.io/aggregate-to-view": "true"}),
                ),
                "M!",
                "privilege",
            ),
            (Delete, "M!", "."),
        ],
    );
    rows(
        "B5",
        &object(
            rbac,
            "ClusterRole",
            "",
            json!({"rules": [], "aggregationRule": {"clusterRoleSelectors": []}}),
        ),
        vec![(Set("/rules", json!([read])), "M!", "privilege")],
    );
    let reference = |kind: &str, name: &str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name});
    let user = |name: &str| json!([{"kind": "User", "name": name}]);
    rows(
        "B5",
        &object(
            rbac,
            "RoleBinding",
            "shop",
            json!({"roleRef": reference("Role", "reader"), "subjects": user("a")}),
        ),
        vec![
            (
                Set(
                    "/subjects",
                    json!([{"kind": "User", "name": "a"}, {"kind": "User", "name": "b"}]),
                ),
                "M!",
                "privilege",
            ),
            (Set("/subjects", user("b")), "O~", "privilege"),
            (
                Set(
                    "/subjects",
                    json!([{"kind": "User", "name": "a"}, {"kind": "Group", "name": "system:authenticated"}]),
                ),
                "M!",
                "exposure privilege",
            ),
            (
                Set(
                    "/subjects",
                    json!([{"kind": "User", "name": "a"}, {"kind": "Group", "name": "system:masters"}]),
                ),
                "M!",
                "escalation privilege",
            ),
            (Set("/roleRef", reference("ClusterRole", "admin")), "O~", "escalation privilege"),
        ],
    );
    rows(
        "B5",
        &object("certificates.k8s.io/v1", "CertificateSigningRequest", "", json!({})),
        vec![
            (Set("/status/conditions", json!([{"type": "Approved"}])), "M!", "privilege"),
            (Delete, "M!", "."),
        ],
    );
}

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
