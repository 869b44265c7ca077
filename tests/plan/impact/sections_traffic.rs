//! Sections B0 to B3: all kinds, workloads, network, configuration.

use serde_json::{Value, json};

use super::rows::Do::{Create, Delete, Replace, Set};
use super::rows::{core, object, rows};
use super::trial::{Table, Trial};

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
