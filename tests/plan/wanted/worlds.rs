//! Random small worlds: whatever stands in them and whatever is changed, what is read list by list is
//! enough.

use std::collections::BTreeSet;

use countersign::document::operation::ResourceRef;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::OWNED;
use crate::plan::impact::trial::Trial;

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
