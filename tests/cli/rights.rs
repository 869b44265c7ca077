//! What planning and applying may do on a cluster: exactly what `fixtures/kubernetes` grants, and
//! none of it in vain. Approving takes no cluster at all.

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::kube_project::{OURS, applies, proposal};
use super::shop::{Run, Shop};
use crate::support::cluster::Cluster;
use crate::support::cluster::audit::Event;
use crate::support::cluster::client::{APPLY, Client, MERGE};
use crate::support::cluster::rights::{REHEARSES, TARGET, manifest, target};
use crate::support::cluster::user::User;

const PLAN: &str = "plans/change";

/// A cluster of this module alone: its users have the names of the manifests, and it serves every
/// kind that these name.
fn alone() -> &'static Cluster {
    static ALONE: OnceLock<Cluster> = OnceLock::new();
    ALONE.get_or_init(|| {
        let cluster = Cluster::alone();
        let admin = cluster.admin();
        for (group, kind, plural) in SERVED {
            admin.apply(&definition(group, kind, plural));
        }
        for (group, _, plural) in SERVED {
            let path = format!("/apis/{group}/v1/{plural}");
            admin.wait_for(&path, "served", |answer| answer["items"].is_array());
        }
        cluster
    })
}

/// Kinds that a cluster need not have.
const SERVED: [(&str, &str, &str); 9] = [
    ("gateway.networking.k8s.io", "Gateway", "gateways"),
    ("gateway.networking.k8s.io", "GRPCRoute", "grpcroutes"),
    ("gateway.networking.k8s.io", "HTTPRoute", "httproutes"),
    ("gateway.networking.k8s.io", "TCPRoute", "tcproutes"),
    ("gateway.networking.k8s.io", "TLSRoute", "tlsroutes"),
    ("gateway.networking.k8s.io", "UDPRoute", "udproutes"),
    ("snapshot.storage.k8s.io", "VolumeSnapshot", "volumesnapshots"),
    ("keda.sh", "ScaledObject", "scaledobjects"),
    ("autoscaling.k8s.io", "VerticalPodAutoscaler", "verticalpodautoscalers"),
];

fn definition(group: &str, kind: &str, plural: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {
            "name": format!("{plural}.{group}"),
            "annotations": {"api-approved.kubernetes.io": "unapproved, for tests"},
        },
        "spec": {"group": group, "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.to_lowercase(), "kind": kind,
                "listKind": format!("{kind}List")},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {
                "openAPIV3Schema": {"type": "object",
                    "x-kubernetes-preserve-unknown-fields": true}}}]},
    })
}

/// A project that has a namespace of the cluster as its target.
struct Stage {
    cluster: &'static Cluster,
    admin: Client,
    namespace: &'static str,
    shop: Shop,
}

impl Stage {
    fn new(namespace: &'static str) -> Self {
        let cluster = alone();
        let (admin, shop) = (cluster.admin(), Shop::bare());
        std::fs::remove_dir_all(shop.path("shop/manifests")).unwrap();
        admin.apply(&json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace},
        }));
        Self { cluster, admin, namespace, shop }
    }

    /// From now on, the context is this user's.
    fn is(&self, user: &User) {
        let config = user.kubeconfig_value(self.cluster.server(), self.cluster.ca_pem());
        self.shop.write("alice/.kube/config", config.to_string());
    }

    fn init(&self) {
        let line = ["init", "--context", "prod", "--namespace", self.namespace];
        self.shop.run(&line).exits(0);
    }

    fn plan(&self, operations: &Value) -> Run {
        self.shop.write("proposal.json", proposal(operations));
        self.shop.run(&["plan", "-f", "../proposal.json", "--requested-by", "alice"])
    }

    fn approve(&self) -> Run {
        let digest = self.shop.digest("change");
        self.shop.run(&["approve", PLAN, "--digest", &digest, "--acknowledge=data-loss,outage"])
    }

    fn apply(&self, more: &[&str]) -> Run {
        self.shop.run(&[&["apply", PLAN, "--trusted", "."], more].concat())
    }

    /// What an apply does before it writes.
    fn live(&self) -> Run {
        self.shop.run(&["verify", PLAN, "--trusted", ".", "--live"])
    }

    fn object(&self, api: &str, kind: &str, name: &str, members: &Value) -> Value {
        let mut object = json!({
            "apiVersion": api, "kind": kind,
            "metadata": {"name": name, "namespace": self.namespace},
        });
        for (member, value) in members.as_object().unwrap() {
            object[member] = value.clone();
        }
        object
    }

    fn map(&self, name: &str, value: &str) -> Value {
        self.object("v1", "ConfigMap", name, &json!({"data": {"a": value}}))
    }

    fn delete(&self, api: &str, kind: &str, name: &str) -> Value {
        json!({"delete": {
            "apiVersion": api, "kind": kind, "namespace": self.namespace, "name": name,
        }})
    }

    fn patch(&self, api: &str, kind: &str, name: &str, merge: &Value) -> Value {
        let resource =
            json!({"apiVersion": api, "kind": kind, "namespace": self.namespace, "name": name});
        json!({"patch": {"resource": resource, "merge": merge}})
    }

    fn maps(&self) -> String {
        format!("/api/v1/namespaces/{}/configmaps", self.namespace)
    }

    /// Waits until a user may read what the manifests let every user read.
    fn settled(&self, user: &User) {
        let client = user.client();
        let is_there = |answer: &Value| answer["code"] != 403;
        client.wait_for("/api/v1/namespaces/kube-system", "a right", is_there);
        client.wait_for(&format!("{}/none", self.maps()), "a right", is_there);
    }
}

const NO: &str = "this user plans, and writes nothing";

fn refused((status, answer): (u16, Value)) {
    assert!(matches!(status, 403 | 422), "{status} {answer}");
    assert!(answer["message"].as_str().unwrap().contains(NO), "{answer}");
}

#[test]
fn the_planner_writes_nothing_approving_takes_no_cluster_and_the_applier_applies() {
    let stage = Stage::new("shop");
    let (cluster, shop, maps) = (stage.cluster, &stage.shop, stage.maps());
    cluster.made(&manifest(TARGET));
    cluster.made(&manifest(REHEARSES));
    let [planner, applier] = ["planner", "applier"].map(|n| cluster.user_by_certificate(n, &[]));
    stage.settled(&planner);
    stage.settled(&applier);
    for name in ["flags", "old"] {
        stage.admin.apply_as(OURS, &stage.map(name, "1"));
    }
    let client = planner.client();
    // A policy is in force a moment after it was made.
    while client.post(&maps, &stage.map("probe", "1")).0 == 201 {
        stage.admin.delete(&format!("{maps}/probe"), &Value::Null);
    }

    let mark = cluster.mark();
    stage.is(&planner);
    stage.init();
    let operations = json!([
        stage.patch("v1", "ConfigMap", "flags", &json!({"data": {"a": "2"}})),
        applies(&stage.map("fresh", "1")),
        stage.delete("v1", "ConfigMap", "old"),
    ]);
    stage.plan(&operations).exits(0);
    assert_eq!(cluster.writes(planner.name(), mark), []);

    let (flags, fresh) = (format!("{maps}/flags"), format!("{maps}/fresh"));
    let by_apply = format!("{fresh}?fieldManager=x");
    let body = stage.map("fresh", "1");
    refused(client.post(&maps, &body));
    refused(client.patch(&by_apply, APPLY, &body));
    refused(client.patch(&flags, MERGE, &json!({"data": {"a": "2"}})));
    refused(client.delete(&format!("{maps}/old"), &Value::Null));
    assert_eq!(client.patch(&format!("{by_apply}&dryRun=All"), APPLY, &body).0, 201);

    std::fs::remove_file(shop.path("alice/.kube/config")).unwrap();
    stage.approve().exits(0);
    for line in [&["review", PLAN][..], &["status", PLAN], &["verify", PLAN, "--trusted", "."]] {
        shop.run(line).exits(0);
    }

    stage.is(&planner);
    stage.apply(&[]).exits(20).says(&["nothing was changed [apply_failed_clean]", NO]);
    let sent = cluster.writes(planner.name(), mark);
    assert!(sent.iter().all(|event| event.code >= 400) && !sent.is_empty(), "{sent:?}");

    let mark = cluster.mark();
    stage.is(&applier);
    stage.apply(&["--resume"]).exits(0);
    let mut sent: Vec<(String, String, u16)> = cluster
        .writes(applier.name(), mark)
        .into_iter()
        .map(|Event { verb, name, code, .. }| (verb, name, code))
        .collect();
    sent.sort();
    let sent: Vec<_> = sent.iter().map(|(verb, name, code)| (&**verb, &**name, *code)).collect();
    assert_eq!(sent, [("delete", "old", 200), ("patch", "flags", 200), ("patch", "fresh", 201)]);
}

/// Everything that the manifests grant for: an operation for each kind, and what makes each list of
/// others be read.
fn everything(stage: &Stage) -> (Vec<Value>, Value) {
    let labels = json!({"app": "web"});
    let pods = |labels: &Value| {
        json!({"metadata": {"labels": labels}, "spec": {
            "restartPolicy": "Always",
            "containers": [{"name": "web", "image": "example.invalid/web:1"}],
        }})
    };
    let once = || {
        let mut once = pods(&labels);
        once["spec"]["restartPolicy"] = json!("Never");
        once
    };
    let workload = json!({"selector": {"matchLabels": labels}, "template": pods(&labels)});
    let mut set = workload.clone();
    set["serviceName"] = json!("web");
    let size = json!({"storage": "1Gi"});
    let claim = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": size},
        "storageClassName": "", "volumeName": "least-data"});
    let volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "least-data"},
        "spec": {"capacity": size, "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": "/nowhere"}, "persistentVolumeReclaimPolicy": "Delete",
            "claimRef": {"namespace": stage.namespace, "name": "data"}},
    });
    let of =
        |api: &str, kind: &str, name: &str, members: Value| stage.object(api, kind, name, &members);
    let there = vec![
        stage.map("flags", "1"),
        stage.map("old", "1"),
        volume,
        of("v1", "PersistentVolumeClaim", "data", json!({"spec": claim})),
        of("v1", "ServiceAccount", "web", json!({})),
        of("v1", "Service", "web", json!({"spec": {"selector": labels, "ports": [{"port": 80}]}})),
        of("apps/v1", "DaemonSet", "agent", json!({"spec": workload})),
        of("apps/v1", "Deployment", "web", json!({"spec": workload})),
        of("apps/v1", "StatefulSet", "db", json!({"spec": set})),
        of(
            "batch/v1",
            "CronJob",
            "report",
            json!({"spec": {
            "schedule": "0 6 * * *", "jobTemplate": {"spec": {"template": once()}}}}),
        ),
        of("batch/v1", "Job", "import", json!({"spec": {"template": once()}})),
        of(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "web",
            json!({"spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "maxReplicas": 3}}),
        ),
        of(
            "networking.k8s.io/v1",
            "Ingress",
            "web",
            json!({"spec": {
            "defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}}),
        ),
        of(
            "policy/v1",
            "PodDisruptionBudget",
            "web",
            json!({"spec": {
            "selector": {"matchLabels": labels}, "maxUnavailable": 1}}),
        ),
        of("v1", "Secret", "db", json!({"stringData": {"password": "x"}})),
        of("v1", "Secret", "old", json!({"stringData": {"password": "x"}})),
    ];
    let marked = json!({"metadata": {"labels": {"marked": "yes"}}});
    let relabelled = json!({"spec": {"template": {"metadata": {"labels": {"tier": "front"}}}}});
    let operations = json!([
        stage.patch("v1", "ConfigMap", "flags", &json!({"data": {"a": "2"}})),
        stage.delete("v1", "ConfigMap", "old"),
        applies(&stage.map("fresh", "1")),
        stage.delete("v1", "PersistentVolumeClaim", "data"),
        stage.patch("v1", "ServiceAccount", "web", &marked),
        stage.delete("v1", "Service", "web"),
        stage.delete("apps/v1", "DaemonSet", "agent"),
        stage.patch("apps/v1", "Deployment", "web", &relabelled),
        stage.patch("apps/v1", "StatefulSet", "db", &json!({"spec": {"replicas": 2}})),
        stage.patch("batch/v1", "CronJob", "report", &marked),
        stage.delete("batch/v1", "Job", "import"),
        stage.patch("autoscaling/v2", "HorizontalPodAutoscaler", "web", &marked),
        stage.delete("networking.k8s.io/v1", "Ingress", "web"),
        applies(&of(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            "web",
            json!({"spec": {
            "podSelector": {"matchLabels": labels},
            "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"a": "b"}}}]}]}})
        )),
        stage.patch("policy/v1", "PodDisruptionBudget", "web", &marked),
        stage.patch("v1", "Secret", "db", &marked),
        stage.delete("v1", "Secret", "old"),
        applies(&of("v1", "Secret", "fresh", json!({}))),
    ]);
    (there, operations)
}

/// One resource or verb of one rule, which somebody lacks.
struct Cut {
    object: usize,
    rule: usize,
    member: &'static str,
    value: String,
    /// What must be said of it.
    named: String,
}

impl Cut {
    /// The objects without it.
    fn of(&self, mut objects: Vec<Value>) -> Vec<Value> {
        let rules = objects[self.object]["rules"].as_array_mut().unwrap();
        let left = rules[self.rule][self.member].as_array_mut().unwrap();
        left.retain(|one| *one != self.value);
        if left.is_empty() {
            rules.remove(self.rule);
        }
        objects
    }
}

/// Every resource of every rule; and every verb, for the kinds to which everything is done.
fn cuts() -> Vec<Cut> {
    let texts = |rule: &Value, member: &str| -> Vec<String> {
        let list = rule[member].as_array().unwrap().iter();
        list.map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    let mut all = Vec::new();
    for (object, manifest) in manifest(TARGET).iter().enumerate() {
        for (number, rule) in manifest["rules"].as_array().into_iter().flatten().enumerate() {
            let [groups, resources, verbs] =
                ["apiGroups", "resources", "verbs"].map(|member| texts(rule, member));
            let group = groups.concat();
            let mut cut = |member, value: &str, verb: &str, resource: &str| {
                let dot = if group.is_empty() { "" } else { "." };
                let named = format!("{verb} {resource}{dot}{group}");
                let value = value.to_owned();
                all.push(Cut { object, rule: number, member, value, named });
            };
            for resource in &resources {
                cut("resources", resource, &verbs[0], resource);
            }
            for verb in verbs.iter().filter(|_| verbs.len() > 1 && group.is_empty()) {
                cut("verbs", verb, verb, &resources[0]);
            }
        }
    }
    all
}

#[test]
fn without_any_part_of_its_rights_the_applier_is_told_which_one_lacks() {
    let stage = Stage::new("least");
    let cluster = stage.cluster;
    let (there, operations) = everything(&stage);
    for object in &there {
        stage.admin.apply_as(OURS, object);
    }
    let lesser: Vec<(User, Cut)> = cuts()
        .into_iter()
        .enumerate()
        .map(|(number, cut)| {
            let user = cluster.user_by_certificate(&format!("applier-{number}"), &[]);
            cluster.made(&cut.of(target(stage.namespace, user.name())));
            (user, cut)
        })
        .collect();
    let [planner, applier] =
        ["least-planner", "least-applier"].map(|name| cluster.user_by_certificate(name, &[]));
    for user in [&planner, &applier] {
        cluster.made(&target(stage.namespace, user.name()));
        stage.settled(user);
    }
    stage.is(&planner);
    stage.init();
    // So much at once is nothing that the built-in rules let pass.
    let toml = stage.shop.text("shop/countersign.toml");
    let toml =
        toml.replace("bundles = [\"policies\"]", "bundles = [\"policies\"]\nbuiltin = false");
    stage.shop.write("shop/countersign.toml", toml);
    stage.plan(&operations).exits(0);
    stage.approve().exits(0);
    let mut wrong = Vec::new();
    for (number, (user, cut)) in lesser.iter().enumerate() {
        let mark = cluster.mark();
        stage.is(user);
        // An apply does the same first; a few show that it does.
        let run = if number % 8 == 0 { stage.apply(&[]) } else { stage.live() };
        let told = run.code == Some(1)
            && run.stderr.contains(&cut.named)
            && run.stderr.contains("fixtures/kubernetes/target-role.yaml");
        if !told || !cluster.writes(user.name(), mark).is_empty() {
            wrong.push((&cut.named, run));
        }
    }
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), lesser.len());
    stage.is(&applier);
    stage.live().exits(0);
}
