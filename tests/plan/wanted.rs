//! What is listed of a cluster before class and radius are settled: as little as the rules of these
//! very changes look at, and enough that nothing else would make a difference.

use std::collections::BTreeSet;

use countersign::document::effect::{Facts, Known, OwnerState};
use countersign::document::ident::ResourceId;
use countersign::document::operation::ResourceRef;
use countersign::observe::{ListOf, Surroundings};
use countersign::plan::class::classify;
use countersign::plan::facts::{Coverage, extract, surround, wanted};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::impact::trial::{Table, Trial, holds, shown, spelled};

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

/// Choices, one byte each; 0 once they are used up.
struct Tape(std::vec::IntoIter<u8>);

impl Tape {
    fn below(&mut self, n: usize) -> usize {
        usize::from(self.0.next().unwrap_or_default()) % n
    }

    fn one(&mut self, of: &[&str]) -> String {
        of[self.below(of.len())].to_owned()
    }

    fn yes(&mut self) -> bool {
        self.below(2) == 1
    }

    fn name(&mut self) -> String {
        self.one(&["a", "b", "c"])
    }

    fn space(&mut self) -> String {
        self.one(&["shop", "two"])
    }

    /// Labels of pods, or of a namespace.
    fn labels(&mut self) -> Value {
        let tier = self.one(&["x", "y"]);
        if self.yes() { json!({"app": self.name(), "tier": tier}) } else { json!({"tier": tier}) }
    }

    fn selector(&mut self) -> Value {
        match self.below(3) {
            0 => json!({}),
            1 => json!({"matchLabels": {"app": self.name()}}),
            _ => json!({"matchLabels": self.labels()}),
        }
    }

    fn template(&mut self) -> Value {
        let mut spec = json!({"containers": [{"name": "c", "image": self.one(&["i", "j"])}]});
        match self.below(5) {
            0 => {
                spec["containers"][0]["envFrom"] = json!([{"configMapRef": {"name": self.name()}}])
            }
            1 => {
                let source = json!({"name": self.name(), "key": self.one(&["k", "l"])});
                spec["containers"][0]["env"] =
                    json!([{"name": "E", "valueFrom": {"secretKeyRef": source}}]);
            }
            2 => {
                let claim = json!({"claimName": self.name()});
                spec["volumes"] = json!([{"name": "v", "persistentVolumeClaim": claim}]);
            }
            3 => spec["serviceAccountName"] = json!(self.name()),
            _ => spec["priorityClassName"] = json!(self.name()),
        }
        if self.yes() {
            spec["containers"][0]["ports"] = json!([{"name": self.one(&["http", "web"])}]);
        }
        let mut template = json!({"metadata": {"labels": self.labels()}, "spec": spec});
        if self.below(6) == 0 {
            template["metadata"]["annotations"] = json!({"reloader.stakater.com/auto": "true"});
        }
        template
    }

    /// An object of a random kind, name and content.
    fn object(&mut self) -> Value {
        let (version, kind, namespaced) = KINDS[self.below(KINDS.len())];
        let (name, space) = (self.name(), self.space());
        self.filled(version, kind, namespaced, &name, &space)
    }

    /// The same object with other content.
    fn again(&mut self, object: &Value) -> Value {
        let text = |at: &str| object.pointer(at).and_then(Value::as_str).unwrap_or_default();
        let (kind, name) = (text("/kind"), text("/metadata/name"));
        let (version, kind, namespaced) =
            *KINDS.iter().find(|(_, known, _)| *known == kind).unwrap();
        self.filled(version, kind, namespaced, name, text("/metadata/namespace"))
    }

    fn filled(
        &mut self,
        version: &str,
        kind: &str,
        namespaced: bool,
        name: &str,
        space: &str,
    ) -> Value {
        let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name,
            "uid": format!("u-{kind}-{space}-{name}")}});
        if namespaced {
            object["metadata"]["namespace"] = json!(space);
            // Of the kinds that are looked at for this: see `OWNED` in the sources.
            let may = OWNED.iter().any(|list| list.split('.').next() == Some(kind));
            if may && self.below(8) == 0 {
                let (kind, name) = (self.one(&["ConfigMap", "Deployment", "Secret"]), self.name());
                let version = if kind == "Deployment" { "apps/v1" } else { "v1" };
                let uid = format!("u-{kind}-{}-{name}", self.space());
                object["metadata"]["ownerReferences"] =
                    json!([{"apiVersion": version, "kind": kind, "name": name, "uid": uid}]);
            }
        }
        let spec = match kind {
            "Deployment" | "DaemonSet" | "ReplicaSet" => {
                json!({"replicas": self.below(3), "template": self.template()})
            }
            "StatefulSet" => {
                let mut spec = json!({"replicas": self.below(3), "serviceName": self.name(),
                    "template": self.template()});
                if self.yes() {
                    spec["volumeClaimTemplates"] = json!([{"metadata": {"name": self.name()}}]);
                    let policy = json!({"whenDeleted": "Delete", "whenScaled": self.one(&["Delete", "Retain"])});
                    spec["persistentVolumeClaimRetentionPolicy"] = policy;
                }
                spec
            }
            "CronJob" => json!({"jobTemplate": {"spec": {"template": self.template()}}}),
            "Pod" => {
                let template = self.template();
                object["metadata"]["labels"] = template["metadata"]["labels"].clone();
                template["spec"].clone()
            }
            "Service" => {
                json!({"selector": self.labels(), "ports": [{"targetPort": self.one(&["http", "web"])}]})
            }
            "Ingress" => {
                let service =
                    json!({"name": self.name(), "port": {"name": self.one(&["http", "web"])}});
                json!({"defaultBackend": {"service": service}, "tls": [{"secretName": self.name()}],
                    "ingressClassName": self.name()})
            }
            "HTTPRoute" => {
                let to = json!({"name": self.name(), "namespace": self.space()});
                let parent = json!({"name": self.name(), "namespace": self.space()});
                json!({"rules": [{"backendRefs": [to]}], "parentRefs": [parent]})
            }
            "Gateway" => {
                let secret = json!({"name": self.name(), "namespace": self.space()});
                json!({"listeners": [{"tls": {"certificateRefs": [secret]}}], "gatewayClassName": self.name()})
            }
            "HorizontalPodAutoscaler" => {
                let kind = self.one(&["Deployment", "StatefulSet"]);
                json!({"maxReplicas": self.below(4), "scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind, "name": self.name()}})
            }
            "PodDisruptionBudget" => json!({"selector": self.selector()}),
            "NetworkPolicy" => {
                let mut peer = json!({"podSelector": self.selector()});
                if self.yes() {
                    peer["namespaceSelector"] = self.selector();
                }
                json!({"podSelector": self.selector(), "ingress": [{"from": [peer]}]})
            }
            "PersistentVolumeClaim" => {
                let mut spec = json!({"storageClassName": self.name()});
                if self.yes() {
                    spec["volumeName"] = json!(format!("{space}-{name}"));
                }
                spec
            }
            "PersistentVolume" => {
                // Named by its claim, so that both ends agree.
                let (space, claim) = (self.space(), self.name());
                object["metadata"]["name"] = json!(format!("{space}-{claim}"));
                json!({"persistentVolumeReclaimPolicy": self.one(&["Delete", "Retain"]),
                    "claimRef": {"namespace": space, "name": claim}, "csi": {"driver": self.name()}})
            }
            "ResourceQuota" => {
                json!({"hard": {self.one(&["pods", "services", "requests.storage"]): 1}})
            }
            "CustomResourceDefinition" => {
                json!({"group": "shop.example", "names": {"kind": "Coupon", "plural": "coupons"}, "versions": []})
            }
            _ => json!({"a": self.one(&["b", "c"])}),
        };
        object["spec"] = spec;
        match kind {
            "ConfigMap" | "Secret" => {
                object["data"] = json!({self.one(&["k", "l"]): self.one(&["v", "w"])});
            }
            "Namespace" => {
                object["metadata"]["name"] = json!(self.space());
                object["metadata"]["labels"] = self.labels();
            }
            "ClusterRole" => {
                object["metadata"]["labels"] = self.labels();
                if self.yes() {
                    object["aggregationRule"] = json!({"clusterRoleSelectors": [self.selector()]});
                }
            }
            "RoleBinding" | "ClusterRoleBinding" => {
                let role = if kind == "RoleBinding" {
                    self.one(&["Role", "ClusterRole"])
                } else {
                    "ClusterRole".to_owned()
                };
                object["roleRef"] = json!({"kind": role, "name": self.name()});
                object["subjects"] = json!([{"kind": "ServiceAccount", "name": self.name(), "namespace": self.space()}]);
            }
            "ValidatingWebhookConfiguration" => {
                let service = json!({"namespace": self.space(), "name": self.name()});
                let rule = json!({"apiGroups": [self.one(&["apps", "shop.example"])], "resources": [self.one(&["deployments", "coupons"])]});
                object["webhooks"] = json!([{"clientConfig": {"service": service}, "rules": [rule],
                    "namespaceSelector": self.selector()}]);
            }
            "EndpointSlice" => {
                object["metadata"]["labels"] = json!({"kubernetes.io/service-name": self.name()});
            }
            "Pod" | "ReplicaSet" if self.yes() => {
                let owner = if kind == "Pod" { "ReplicaSet" } else { "Deployment" };
                let name = self.name();
                object["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": owner,
                    "name": name, "uid": format!("u-{owner}-{space}-{name}"), "controller": true}]);
            }
            _ => {}
        }
        object
    }
}

/// Version, kind, and whether it has namespaces.
const KINDS: [(&str, &str, bool); 33] = [
    ("apps/v1", "Deployment", true),
    ("apps/v1", "Deployment", true),
    ("apps/v1", "StatefulSet", true),
    ("apps/v1", "DaemonSet", true),
    ("apps/v1", "ReplicaSet", true),
    ("batch/v1", "CronJob", true),
    ("v1", "Pod", true),
    ("v1", "ConfigMap", true),
    ("v1", "Secret", true),
    ("v1", "ServiceAccount", true),
    ("v1", "Service", true),
    ("v1", "Service", true),
    ("networking.k8s.io/v1", "Ingress", true),
    ("networking.k8s.io/v1", "IngressClass", false),
    ("gateway.networking.k8s.io/v1", "HTTPRoute", true),
    ("gateway.networking.k8s.io/v1", "Gateway", true),
    ("autoscaling/v2", "HorizontalPodAutoscaler", true),
    ("policy/v1", "PodDisruptionBudget", true),
    ("networking.k8s.io/v1", "NetworkPolicy", true),
    ("v1", "PersistentVolumeClaim", true),
    ("v1", "PersistentVolume", false),
    ("storage.k8s.io/v1", "StorageClass", false),
    ("scheduling.k8s.io/v1", "PriorityClass", false),
    ("v1", "ResourceQuota", true),
    ("v1", "Namespace", false),
    ("rbac.authorization.k8s.io/v1", "Role", true),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", true),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", false),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", false),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", false),
    ("discovery.k8s.io/v1", "EndpointSlice", true),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", false),
    ("shop.example/v1", "Coupon", true),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// What is read list by list gives the facts that everything gives.
    #[test]
    fn the_lists_that_are_read_are_enough(tape in prop::collection::vec(any::<u8>(), 0..500)) {
        let mut tape = Tape(tape.into_iter());
        let mut trial = Trial::empty();
        for _ in 0..tape.below(30) {
            trial = trial.with(tape.object());
        }
        let mut changed = BTreeSet::new();
        for _ in 0..=tape.below(4) {
            let place = tape.below(trial.live.len() + 1);
            let found = trial.live.iter().nth(place).map(|(id, object)| (id.clone(), object.clone()));
            match found {
                Some((id, before)) if changed.insert(id.clone()) => {
                    let name = id.to_string();
                    trial = match tape.below(3) {
                        0 => trial.delete(&name),
                        _ if matches!(id.kind.as_str(), "Namespace" | "PersistentVolume") => {
                            trial.update(&name, "/metadata/labels", json!({"tier": "z"}))
                        }
                        _ => {
                            let after = tape.again(&before);
                            let parts = ["spec", "data", "roleRef", "subjects", "webhooks"];
                            let members: Vec<(String, Value)> = parts.iter()
                                .filter_map(|part| Some((format!("/{part}"), after.get(part)?.clone())))
                                .collect();
                            let members: Vec<(&str, Value)> =
                                members.iter().map(|(at, value)| (at.as_str(), value.clone())).collect();
                            trial.update_all(&name, &members)
                        }
                    };
                }
                Some(_) => {}
                None => {
                    let mut object = tape.object();
                    object["metadata"].as_object_mut().unwrap().remove("uid");
                    let id = ResourceRef::of(&object).unwrap().id();
                    if !trial.live.contains_key(&id) && changed.insert(id) {
                        trial = trial.create(object);
                    }
                }
            }
        }
        // The comparison is in there.
        let _facts = trial.facts();
    }
}
