//! What is listed of a cluster before class and radius are settled: as little as the rules of these
//! very changes look at, and enough that nothing else would make a difference.

mod worlds;

use std::collections::BTreeSet;

use countersign::document::effect::{Facts, Known, OwnerState};
use countersign::document::ident::ResourceId;
use countersign::document::operation::ResourceRef;
use countersign::observe::{ListOf, Surroundings};
use countersign::plan::class::classify;
use countersign::plan::facts::{Coverage, extract, surround, wanted};
use serde_json::{Value, json};

use crate::plan::impact::trial::{Table, Trial, holds, shown, spelled};

const WEB: &str = "apps/Deployment/shop/web";
const DB: &str = "apps/StatefulSet/shop/db";
const IMAGE: &str = "/spec/template/spec/containers/0/image";

/// Kinds that may have an owner which does not control them.
const OWNED: &[&str] = GROUPS[0].1;

/// Lists that are often read together, under one word.
const GROUPS: [(&str, &[&str]); 6] = [
    (
        "owned",
        &[
            "ConfigMap",
            "CronJob.batch",
            "DaemonSet.apps",
            "Deployment.apps",
            "HorizontalPodAutoscaler.autoscaling",
            "Ingress.networking.k8s.io",
            "Job.batch",
            "NetworkPolicy.networking.k8s.io",
            "PersistentVolumeClaim",
            "PodDisruptionBudget.policy",
            "Role.rbac.authorization.k8s.io",
            "RoleBinding.rbac.authorization.k8s.io",
            "Service",
            "ServiceAccount",
            "StatefulSet.apps",
        ],
    ),
    (
        "pods",
        &[
            "CronJob.batch",
            "DaemonSet.apps",
            "Deployment.apps",
            "Job.batch",
            "Pod",
            "ReplicaSet.apps",
            "ReplicationController",
            "StatefulSet.apps",
        ],
    ),
    (
        "serving",
        &[
            "DaemonSet.apps",
            "Deployment.apps",
            "Job.batch",
            "Pod",
            "ReplicaSet.apps",
            "ReplicationController",
            "StatefulSet.apps",
        ],
    ),
    ("reloaded", &["CronJob.batch", "DaemonSet.apps", "Deployment.apps", "StatefulSet.apps"]),
    ("scalers", &["HorizontalPodAutoscaler.autoscaling", "ScaledObject.keda.sh"]),
    (
        "services",
        // What depends on a Service.
        &[
            "APIService.apiregistration.k8s.io",
            "CustomResourceDefinition.apiextensions.k8s.io",
            "GRPCRoute.gateway.networking.k8s.io",
            "HTTPRoute.gateway.networking.k8s.io",
            "MutatingWebhookConfiguration.admissionregistration.k8s.io",
            "TCPRoute.gateway.networking.k8s.io",
            "TLSRoute.gateway.networking.k8s.io",
            "UDPRoute.gateway.networking.k8s.io",
            "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
        ],
    ),
];

/// Groups whole, the rest one by one; a namespace is a `:`.
fn short(read: &BTreeSet<String>) -> String {
    let mut left: BTreeSet<String> = read.iter().map(|one| one.replace(" in ", ":")).collect();
    let mut words = Vec::new();
    for space in [":shop", ":two", ""] {
        for (word, kinds) in GROUPS {
            let all: Vec<String> = kinds.iter().map(|kind| format!("{kind}{space}")).collect();
            if all.iter().all(|one| left.contains(one)) {
                words.push(format!("{word}{space}"));
                all.iter().for_each(|one| _ = left.remove(one));
            }
        }
    }
    words.extend(left);
    words.join(" ")
}

fn binding(role: &str) -> Value {
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "b", "namespace": "shop"},
        "roleRef": {"kind": role, "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "default"}]})
}

fn of(version: &str, kind: &str, spec: Value) -> Value {
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": "x", "namespace": "shop"},
        "spec": spec})
}

#[test]
fn nothing_is_listed_for_what_needs_nothing_else() {
    let shop = Trial::shop;
    let deployment = json!({"selector": {"matchLabels": {"app": "x"}}, "template": {
        "metadata": {"labels": {"app": "x"}},
        "spec": {"containers": [{"name": "c", "image": "x@sha256:0"}]}}});
    let owned = json!({"x.example/y": "z"});
    for trial in [
        Trial::empty(),
        shop().create(of("apps/v1", "Deployment", deployment)),
        shop().create(of("v1", "ConfigMap", json!({}))),
        shop().create(of("v1", "Secret", json!({}))),
        shop().create(of("v1", "Service", json!({"selector": {"app": "web"}}))),
        shop().create(of("policy/v1", "PodDisruptionBudget", json!({}))),
        shop().create(of("shop.example/v1", "Coupon", json!({}))),
        shop().update(WEB, "/metadata/labels/team", json!("checkout")),
        shop().update(WEB, "/spec/minReadySeconds", json!(5)),
        shop().update(WEB, "/metadata/annotations", owned),
        shop().update("/Service/shop/web", "/metadata/labels/a", json!("b")),
        shop().delete("policy/PodDisruptionBudget/shop/web"),
        shop().delete("autoscaling/HorizontalPodAutoscaler/shop/worker"),
        shop().update("batch/CronJob/shop/report", "/spec/schedule", json!("0 7 * * *")),
    ] {
        let (_, read) = trial.read();
        assert_eq!(short(&read), "", "{:?}", trial.edits);
        trial.run();
    }
    // Nor for an object that stays as it is.
    let mut still = shop().delete("networking.k8s.io/Ingress/shop/shop").delete("/Namespace//shop");
    for edit in &mut still.edits {
        edit.after = edit.before.clone();
        edit.actions.clear();
    }
    assert_eq!(short(&still.read().1), "");
}

#[test]
fn each_change_has_listed_what_its_rules_and_its_dependents_are_read_from() {
    let shop = Trial::shop;
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition", "metadata": {"name": "coupons.shop.example"},
        "spec": {"group": "shop.example", "names": {"kind": "Coupon"}, "versions": []}});
    let crd = "apiextensions.k8s.io/CustomResourceDefinition//coupons.shop.example";
    let owner = |kind: &str| json!([{"apiVersion": "v1", "kind": kind, "name": "x", "uid": "u-x"}]);
    let scaled = "/spec/persistentVolumeClaimRetentionPolicy/whenScaled";
    let labels = "/spec/template/metadata/labels/tier";
    let mut table = Table::default();
    let mut row = |trial: Trial, expected: &str| {
        let found = short(&trial.read().1);
        let edit = &trial.edits[0];
        let case = format!("{:?} {}", edit.actions, edit.resource.id());
        table.check(&case, found == expected, &format!("\n  wanted {expected}\n  found  {found}"));
        trial.run();
    };
    // What a rule of the change asks.
    row(shop().update(WEB, "/spec/replicas", json!(4)), "scalers:shop");
    row(shop().update("/ConfigMap/shop/flags", "/data/beta", json!("on")), "reloaded:shop");
    let dropped = shop().live("/ConfigMap/shop/unused", "/data/x", json!("y"));
    row(dropped.update("/ConfigMap/shop/unused", "/data/x", Value::Null), "pods:shop");
    row(shop().delete("/ConfigMap/shop/unused"), "pods:shop");
    row(shop().create(binding("Role")), "Role.rbac.authorization.k8s.io:shop");
    row(shop().create(binding("ClusterRole")), "ClusterRole.rbac.authorization.k8s.io");
    let backend = |name: &str| {
        let service = json!({"name": name, "port": {"number": 80}});
        of("networking.k8s.io/v1", "Ingress", json!({"defaultBackend": {"service": service}}))
    };
    row(shop().create(backend("web")), "Service:shop");
    row(shop().create(backend("none")), "Service:shop");
    let set = json!({"selector": {"matchLabels": {"a": "b"}}});
    row(shop().create(of("apps/v1", "StatefulSet", set)), "Pod:shop");
    row(shop().with(definition).delete(crd), "Coupon.shop.example");
    row(
        shop().update("/Namespace//shop", "/metadata/labels/a", json!("b")),
        "MutatingAdmissionPolicyBinding.admissionregistration.k8s.io \
         MutatingWebhookConfiguration.admissionregistration.k8s.io \
         NetworkPolicy.networking.k8s.io \
         ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io \
         ValidatingWebhookConfiguration.admissionregistration.k8s.io",
    );
    row(
        shop().update("/ConfigMap/shop/unused", "/metadata/ownerReferences", owner("Node")),
        "pods:shop Node",
    );
    // And what else is met on the way from it.
    row(
        shop().update(WEB, IMAGE, json!("x")),
        "scalers:shop services Ingress.networking.k8s.io:shop Service:shop StatefulSet.apps:shop",
    );
    row(
        shop().update(WEB, labels, json!("x")),
        "serving:shop scalers:shop services Ingress.networking.k8s.io:shop \
         NetworkPolicy.networking.k8s.io PodDisruptionBudget.policy:shop Service:shop",
    );
    row(shop().delete("networking.k8s.io/Ingress/shop/shop"), "owned:shop");
    row(
        shop().delete(WEB),
        "owned:shop services ScaledObject.keda.sh:shop \
         VerticalPodAutoscaler.autoscaling.k8s.io:shop",
    );
    row(
        shop().delete("/Service/shop/web"),
        "owned:shop services EndpointSlice.discovery.k8s.io:shop Pod:shop ReplicaSet.apps:shop \
         ReplicationController:shop",
    );
    row(
        shop().delete("/ConfigMap/shop/flags"),
        "owned:shop services Pod:shop ReplicaSet.apps:shop ReplicationController:shop \
         ScaledObject.keda.sh:shop",
    );
    let claims = "owned:shop services PersistentVolume Pod:shop ReplicaSet.apps:shop \
         ReplicationController:shop ScaledObject.keda.sh:shop \
         VolumeSnapshot.snapshot.storage.k8s.io:shop";
    row(shop().delete("/PersistentVolumeClaim/shop/data-db-0"), claims);
    row(shop().live(DB, scaled, json!("Delete")).update(DB, "/spec/replicas", json!(1)), claims);
    row(
        shop().delete("storage.k8s.io/StorageClass//fast"),
        "pods:shop scalers:shop services Ingress.networking.k8s.io:shop PersistentVolumeClaim \
         Service:shop",
    );
    row(
        shop().delete("scheduling.k8s.io/PriorityClass//high"),
        "scalers:shop pods services Ingress.networking.k8s.io:shop Service:shop",
    );
    row(
        shop().delete("/Namespace//shop"),
        "services *:shop Gateway.gateway.networking.k8s.io PersistentVolume",
    );
    table.end();
}

#[test]
fn no_list_of_secrets_is_asked_for_but_of_a_namespace_that_goes() {
    for (name, _) in Trial::shop().live.iter().filter(|(id, _)| id.kind != "Namespace") {
        let (_, read) = Trial::shop().delete(&name.to_string()).read();
        let secrets = |list: &String| list.starts_with("Secret") || list.starts_with('*');
        assert!(!read.iter().any(secrets), "{name}: {read:?}");
    }
}

/// What the rules make of a plan when one list is refused: the facts, and the class of its first
/// change.
fn without(trial: &Trial, refused: &str) -> (Facts, String) {
    let cases = trial.cases();
    let around = surround(&cases, |lists: &BTreeSet<ListOf>| {
        let mut around = Surroundings::default();
        for list in lists {
            // Everything in a namespace is listed kind by kind.
            let refuses = |id: &ResourceId| {
                refused
                    == spelled(&ListOf {
                        group: id.group.clone(),
                        kind: id.kind.clone(),
                        ..list.clone()
                    })
            };
            let held = trial.live.iter().filter(|(id, object)| holds(list, id, object));
            for (id, object) in held {
                if refuses(id) {
                    let list =
                        ListOf { group: id.group.clone(), kind: id.kind.clone(), ..list.clone() };
                    around.unresolved.insert(format!("list {}: forbidden", spelled(&list)));
                    around.unread.insert(list);
                } else {
                    around.objects.insert(id.clone(), object.clone());
                }
            }
            if spelled(list) == refused {
                around.unresolved.insert(format!("list {refused}: forbidden"));
                around.unread.insert(list.clone());
            }
        }
        Ok::<_, std::convert::Infallible>(around)
    });
    let Ok(around) = around;
    assert!(!around.unresolved.is_empty(), "{refused} was not asked for");
    let facts = extract(&cases, &around, Coverage::Whole);
    let judged = classify(&cases, &facts);
    (facts, shown(&judged[0]))
}

#[test]
fn a_list_that_is_refused_is_not_an_empty_one() {
    let shop = Trial::shop;
    let (facts, class) =
        without(&shop().delete("/PersistentVolumeClaim/shop/data-db-1"), "PersistentVolume");
    assert_eq!((facts.volumes[0].bound, class.as_str()), (Known::Yes, "D?"));
    let unnamed =
        shop().live("/PersistentVolumeClaim/shop/data-db-1", "/spec/volumeName", Value::Null);
    let unnamed = unnamed.delete("/PersistentVolumeClaim/shop/data-db-1");
    let (facts, class) = without(&unnamed, "PersistentVolume");
    assert_eq!((facts.volumes[0].bound, class.as_str()), (Known::Unread, "D?"));
    let (facts, _) = without(&unnamed, "StatefulSet.apps in shop");
    assert_eq!(facts.volumes[0].mounted, Known::Unread);
    let role = "Role.rbac.authorization.k8s.io in shop";
    let (facts, _) = without(&shop().create(binding("Role")), role);
    assert_eq!(facts.roles[0].present, Known::Unread);
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition", "metadata": {"name": "coupons.shop.example"},
        "spec": {"group": "shop.example", "names": {"kind": "Coupon"}, "versions": []}});
    let crd = "apiextensions.k8s.io/CustomResourceDefinition//coupons.shop.example";
    let (facts, class) = without(&shop().with(definition).delete(crd), "Coupon.shop.example");
    assert_eq!((facts.instances[0].some, class.as_str()), (Known::Unread, "D?"));
    let owner = json!([{"apiVersion": "v1", "kind": "Node", "name": "x", "uid": "u-x"}]);
    let gained = shop().update("/ConfigMap/shop/unused", "/metadata/ownerReferences", owner);
    let (facts, _) = without(&gained, "Node");
    assert_eq!(facts.owners[0].state, OwnerState::Unread);
    // Case 58: one kind of a namespace cannot be listed.
    let empty = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "two"}});
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "x", "namespace": "two"}});
    let trial = shop().with(empty).with(map).delete("/Namespace//two");
    let (facts, class) = without(&trial, "ConfigMap in two");
    assert!(facts.contents[0].cases.iter().eq(["unreadable"]), "{facts:?}");
    assert_eq!(class, "D?");
    // A backend that nobody could look for is not said to be missing.
    let service = json!({"name": "none", "port": {"number": 80}});
    let ingress =
        of("networking.k8s.io/v1", "Ingress", json!({"defaultBackend": {"service": service}}));
    let (facts, _) = without(&shop().create(ingress), "Service in shop");
    assert!(facts.edges.is_empty(), "{facts:?}");
}

#[test]
fn a_cluster_that_is_different_at_each_look_ends_as_unresolved() {
    let spec = json!({"ingress": [{"from": [{"namespaceSelector": {}}]}]});
    let trial = Trial::shop().update("networking.k8s.io/NetworkPolicy/shop/db", "/spec", spec);
    let mut turn = 0;
    let around = surround(&trial.cases(), |_| {
        // Each look shows one more namespace, with pods that are to be looked at.
        turn += 1;
        let mut around = Surroundings::default();
        let space = json!({"apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": format!("n{turn}")}});
        around.objects.insert(ResourceRef::of(&space).unwrap().id(), space);
        Ok::<_, std::convert::Infallible>(around)
    });
    let Ok(around) = around;
    assert!(turn < 100);
    assert_eq!(around.unresolved.len(), 1, "{:?}", around.unresolved);
}

#[test]
fn what_was_read_is_not_asked_for_again() {
    let trial = Trial::shop().delete("/Namespace//shop");
    let cases = trial.cases();
    let first = wanted(&cases, &Surroundings::default(), &BTreeSet::new());
    assert_eq!(first.iter().map(spelled).collect::<Vec<_>>(), ["* in shop"]);
    let next = wanted(&cases, &trial.surroundings(), &first);
    assert!(next.iter().all(|list| list.namespace != "shop"), "{next:?}");
}
