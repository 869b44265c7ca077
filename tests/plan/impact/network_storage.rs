//! Cases 43 to 59 of the impact reference: network, storage, namespaces.

use serde_json::{Value, json};

use super::trial::{Table, Trial, id};

const WEB: &str = "apps/Deployment/shop/web";
const SERVICE: &str = "/Service/shop/web";
const INGRESS: &str = "networking.k8s.io/Ingress/shop/shop";
const CLAIM_0: &str = "/PersistentVolumeClaim/shop/data-db-0";
const CLAIM_1: &str = "/PersistentVolumeClaim/shop/data-db-1";

fn shop() -> Trial {
    Trial::shop()
}

#[test]
fn services_and_what_is_behind_them() {
    let mut table = Table::default();
    let selector = |value| shop().update(SERVICE, "/spec/selector", value);
    table.reach("43 none", &selector(json!({"app": "nobody"})), "O!", ".", "1/0/0/0");
    table.row("43 removed", &selector(Value::Null), "O~", ".");
    table.row("43 same set", &selector(json!({"app": "web"})), "M!", ".");
    let port = "/spec/template/spec/containers/0/ports/0/name";
    table.row("44", &shop().update(WEB, port, json!("www")), "O!", ".");
    let both = shop().update(WEB, port, json!("www")).update(
        SERVICE,
        "/spec/ports/0/targetPort",
        json!("www"),
    );
    table.of("44 both", &both, WEB, "R!", ".");
    table.of("44 both", &both, SERVICE, "O~", ".");
    let kind = |kind: &str| shop().update(SERVICE, "/spec/type", json!(kind));
    table.row("45 type", &kind("LoadBalancer"), "M!", "exposure");
    table.row(
        "45 ips",
        &shop().update(SERVICE, "/spec/externalIPs", json!(["192.0.2.1"])),
        "M!",
        "exposure",
    );
    table.row("46", &kind("ExternalName"), "O!", ".");
    table.reach("47 Service", &shop().delete(SERVICE), "O!", ".", "1/0/0/0");
    let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": "web-x", "namespace": "shop", "labels": {
            "kubernetes.io/service-name": "web",
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}}});
    let name = "discovery.k8s.io/EndpointSlice/shop/web-x";
    table.row("47 slice", &shop().with(slice.clone()).delete(name), "M!", ".");
    let mut by_hand = slice;
    by_hand["metadata"]["labels"]
        .as_object_mut()
        .unwrap()
        .remove("endpointslice.kubernetes.io/managed-by");
    table.row("47 by hand", &shop().with(by_hand).delete(name), "O!", ".");
    let annotated =
        shop().update(SERVICE, "/metadata/annotations", json!({"dns.example/name": "x"}));
    table.row("B0 annotation", &annotated, "R?", ".");
    let quiet = shop().update(SERVICE, "/metadata/annotations", json!({"meta.helm.sh/name": "x"}));
    table.row("B0 quiet annotation", &quiet, "M!", ".");
    table.end();
}

fn policy(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": "shop"}, "spec": spec})
}

#[test]
fn policies_and_ingresses() {
    let mut table = Table::default();
    let first = policy(
        "web",
        json!({"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]}),
    );
    table.row("48", &shop().create(first), "O~", ".");
    let nobody = policy("x", json!({"podSelector": {"matchLabels": {"app": "nobody"}}}));
    table.row("48 nobody", &shop().create(nobody), "A!", ".");
    let db = "networking.k8s.io/NetworkPolicy/shop/db";
    table.reach("49", &shop().delete(db), "M!", "exposure guard-removed", "5/2/5/1");
    table.row(
        "49 opened",
        &shop().update(db, "/spec/ingress/0/from/0", json!({"ipBlock": {"cidr": "0.0.0.0/0"}})),
        "O~",
        "exposure",
    );
    table.row(
        "49 relabelled",
        &shop().update(
            "apps/StatefulSet/shop/db",
            "/spec/template/metadata/labels/app",
            json!("other"),
        ),
        "O!",
        "exposure guard-removed",
    );
    let rules = shop().live[&id(INGRESS)]["spec"]["rules"].clone();
    let mut more = rules.clone();
    let mut other = rules[0].clone();
    other["host"] = json!("other.example");
    more.as_array_mut().unwrap().push(other);
    table.row("50 removed", &shop().update(INGRESS, "/spec/rules", json!([])), "O~", ".");
    table.row("50 added", &shop().update(INGRESS, "/spec/rules", more), "M!", "exposure");
    let lost =
        shop().update(INGRESS, "/spec/rules/0/http/paths/0/backend/service/name", json!("gone"));
    table.row("50 backend", &lost, "O~", "exposure");
    table.row("50 backend in a tree", &lost.tree(), "O?", "exposure");
    table.end();
}

#[test]
fn claims_volumes_and_classes() {
    let mut table = Table::default();
    table.reach("51", &shop().delete(CLAIM_0), "D!", ".", "3/1/2/3");
    table.reach("52", &shop().delete(CLAIM_1), "O~", ".", "2/1/2/2");
    let terminating = shop()
        .live(CLAIM_0, "/metadata/deletionTimestamp", json!("2026-01-01T00:00:00Z"))
        .update(CLAIM_0, "/metadata/finalizers", Value::Null);
    table.row("53", &terminating, "D!", "guard-removed");
    table.row(
        "53 live",
        &shop().update(CLAIM_0, "/metadata/finalizers", Value::Null),
        "M!",
        "guard-removed",
    );
    let size = shop().update(CLAIM_0, "/spec/resources/requests/storage", json!("2Gi"));
    table.row("54", &size, "M!", "irreversible");
    let volume = "/PersistentVolume//s1";
    table.row(
        "55 claimRef",
        &shop().update(volume, "/spec/claimRef/name", json!("other")),
        "D~",
        ".",
    );
    let reclaim = "/spec/persistentVolumeReclaimPolicy";
    table.row(
        "55 reclaim",
        &shop().update(volume, reclaim, json!("Delete")),
        "M!",
        "guard-removed",
    );
    table.row(
        "55 reverse",
        &shop().update("/PersistentVolume//s0", reclaim, json!("Retain")),
        "M!",
        ".",
    );
    let class = "storage.k8s.io/StorageClass//fast";
    table.reach("56 delete", &shop().delete(class), "R~", ".", "4/1/2/3");
    let replaced = shop().replace(class, &[("/reclaimPolicy", json!("Delete"))]);
    table.reach("56 replace", &replaced, "R~", "guard-removed", "4/1/2/3");
    table.row("B4 volume", &shop().delete(volume), "D~", "irreversible");
    table.row(
        "B4 unbound",
        &shop().live(volume, "/spec/claimRef", Value::Null).delete(volume),
        "M!",
        "irreversible",
    );
    table.row(
        "B4 claim in a tree",
        &shop()
            .without(volume)
            .without("/PersistentVolume//s0")
            .live(CLAIM_1, "/spec/volumeName", Value::Null)
            .tree()
            .delete(CLAIM_1),
        "D?",
        ".",
    );
    table.row(
        "B4 free claim",
        &shop().live(CLAIM_1, "/spec/volumeName", Value::Null).without(volume).delete(CLAIM_1),
        "M!",
        ".",
    );
    table.end();
}

#[test]
fn namespaces() {
    let mut table = Table::default();
    table.reach("57", &shop().delete("/Namespace//shop"), "D!", ".", "22/5/14/4");
    let empty = |name: &str| {
        Trial::empty()
            .with(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
    };
    table.row("58 empty", &empty("void").delete("/Namespace//void"), "M!", ".");
    table.row("58 tree", &empty("void").tree().delete("/Namespace//void"), "D?", ".");
    table.row(
        "59",
        &empty("kube-node-lease").delete("/Namespace//kube-node-lease"),
        "O~",
        "system",
    );
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "void"}});
    table.row("B7 secret", &empty("void").with(secret).delete("/Namespace//void"), "D~", ".");
    let custom = json!({"apiVersion": "x.example/v1", "kind": "X", "metadata": {"name": "s", "namespace": "void"}});
    table.row("B7 custom", &empty("void").with(custom).delete("/Namespace//void"), "D?", ".");
    let enforce = |level: Value| [("/metadata/labels/pod-security.kubernetes.io~1enforce", level)];
    let raised = shop().update_all("/Namespace//shop", &enforce(json!("restricted")));
    table.row("60 raised", &raised, "O~", "admission");
    let restricted =
        shop().live("/Namespace//shop", enforce(Value::Null)[0].0, json!("restricted"));
    let removed = restricted.update_all("/Namespace//shop", &enforce(Value::Null));
    table.row("60 removed", &removed, "M!", "admission guard-removed");
    table.end();
}
