//! A namespace of a cluster, a user who may apply there, a ledger, and plans made for real.

use std::cell::RefCell;
use std::sync::OnceLock;
use std::time::Duration;

use countersign::apply::kubernetes::{Patience, Place, execute};
use countersign::apply::{Report, Run};
use countersign::clock::Instant;
use countersign::config::{Config, KubernetesTarget, Limits, Target};
use countersign::custody::vault::Vault;
use countersign::document::proposal::Proposal;
use countersign::document::statement::{Fate, Outcome};
use countersign::intake::{Defaults, Source, read};
use countersign::ledger::{Ledger, Spent};
use countersign::observe::Outside;
use countersign::observe::kubernetes::Reach;
use countersign::plan::{self, Plan};
use countersign::remote::kubernetes::{Access, Cluster as Connection, Proxies};
use serde_json::{Value, json};

use crate::support::apply::*;
use crate::support::cluster::audit::{Event, Mark};
use crate::support::cluster::user::User;
use crate::support::cluster::{Cluster, Namespace, cluster};

/// What applying needs in a namespace.
pub(super) fn applying() -> Value {
    let verbs = json!(["get", "list", "create", "patch", "delete"]);
    json!([
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "verbs": verbs, "resources": [
            "configmaps", "secrets", "services", "serviceaccounts", "persistentvolumeclaims",
            "pods", "replicationcontrollers",
        ]},
        {"apiGroups": ["apps"], "verbs": verbs, "resources": [
            "deployments", "daemonsets", "statefulsets", "replicasets",
        ]},
        {"apiGroups": ["batch"], "verbs": verbs, "resources": ["jobs", "cronjobs"]},
        {"apiGroups": ["autoscaling"], "verbs": verbs, "resources": ["horizontalpodautoscalers"]},
        {"apiGroups": ["networking.k8s.io"], "verbs": verbs, "resources": ["ingresses", "networkpolicies"]},
        {"apiGroups": ["policy"], "verbs": verbs, "resources": ["poddisruptionbudgets"]},
    ])
}

/// In the whole cluster: which one it is.
fn identifying() -> Value {
    json!([{
        "apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"],
        "verbs": ["get"],
    }])
}

/// The digest of the authority of a cluster.
pub(super) fn authority(of: &Cluster) -> String {
    let folder = tempfile::tempdir().unwrap();
    let access = Access {
        kubeconfig: vec![of.administrator().kubeconfig(folder.path())],
        context: "prod".to_owned(),
        patience: Duration::from_secs(60),
        proxies: Proxies::default(),
    };
    let connection = Connection::connect(&access, None).unwrap();
    let asked = connection.clone();
    connection.run(async move { asked.identity().await }).unwrap().unwrap().ca_spki
}

/// Short enough for tests.
pub(super) const PATIENCE: Patience = Patience {
    rehearsed: Duration::from_secs(60),
    settles: Duration::from_millis(1500),
    silence: Duration::from_secs(20),
    shortest: Duration::from_millis(50),
    longest: Duration::from_millis(500),
};

/// A namespace, a target of it, and a user who applies there.
pub(super) struct Stage {
    pub(super) cluster: &'static Cluster,
    pub(super) namespace: Namespace,
    pub(super) user: User,
    pub(super) folder: tempfile::TempDir,
    pub(super) config: Config,
    /// The address of the API server, if another than its own.
    pub(super) server: Option<String>,
}

/// What is looked at and done while a plan is applied.
pub(super) struct Hooks<'h> {
    pub(super) interrupted: &'h dyn Fn() -> bool,
    pub(super) now: &'h dyn Fn() -> Instant,
    pub(super) recheck: &'h dyn Fn(usize) -> Result<(), String>,
    pub(super) patience: Patience,
    /// Whether the API server lives long enough to write down what it was asked.
    pub(super) audited: bool,
}

impl Default for Hooks<'_> {
    fn default() -> Self {
        let (interrupted, recheck) = (&|| false, &|_| Ok(()));
        Self { interrupted, now: &now, recheck, patience: PATIENCE, audited: true }
    }
}

/// What came of an apply.
pub(super) struct Ended {
    pub(super) report: Report,
    /// What was sent to change something.
    pub(super) writes: Vec<Event>,
    pub(super) told: Vec<String>,
}

impl Ended {
    pub(super) fn fates(&self) -> Vec<Fate> {
        self.report.items().iter().map(|item| item.fate).collect()
    }

    /// Why it stopped, in one line.
    pub(super) fn stop(&self) -> String {
        self.report.stop().map(|stop| countersign::causes::line(stop)).unwrap_or_default()
    }

    #[track_caller]
    pub(super) fn must(&self, outcome: Outcome) -> &Self {
        assert_eq!(self.report.outcome(), outcome, "{:?}\n{:?}", self.report, self.told);
        self
    }
}

impl Stage {
    pub(super) fn new() -> Self {
        Self::with("")
    }

    /// With more lines in the entry of the target.
    pub(super) fn with(lines: &str) -> Self {
        static DIGEST: OnceLock<String> = OnceLock::new();
        let cluster = cluster();
        Self::on(cluster, DIGEST.get_or_init(|| authority(cluster)), lines)
    }

    /// On a cluster with this authority.
    pub(super) fn on(cluster: &'static Cluster, ca: &str, lines: &str) -> Self {
        let namespace = cluster.namespace("apply");
        let (user, folder) = (cluster.user(), tempfile::tempdir().unwrap());
        cluster.grant(&user, None, &identifying());
        cluster.grant(&user, Some(namespace.name()), &applying());
        let config = config(&cluster.uid(), ca, namespace.name(), lines);
        drop(local_created(&folder.path().join("ledger")));
        let stage = Self { cluster, namespace, user, folder, config, server: None };
        stage.settled();
        stage
    }

    /// Waits until the rights are in force.
    pub(super) fn settled(&self) {
        let client = self.user.client();
        let kube_system = "/api/v1/namespaces/kube-system";
        client.wait_for(kube_system, "a right", |answer| answer["kind"] == "Namespace");
        let path = self.namespace.path("configmaps");
        client.wait_for(&path, "a right", |answer| answer["items"].is_array());
    }

    pub(super) fn name(&self) -> &str {
        self.namespace.name()
    }

    pub(super) fn target(&self) -> &KubernetesTarget {
        match self.config.target(&label("prod"), &label("main")).unwrap() {
            Target::Kubernetes(target) => target,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn reach(&self, vault: Vault) -> Reach {
        let folder = tempfile::tempdir_in(self.folder.path()).unwrap().keep();
        let server = self.server.as_deref().unwrap_or(self.cluster.server());
        let kubeconfig = self.user.kubeconfig_to(&folder, server, self.cluster.ca_pem());
        let patience = Duration::from_secs(10);
        let access = Access {
            kubeconfig: vec![kubeconfig],
            context: "prod".to_owned(),
            patience,
            proxies: Proxies::default(),
        };
        Reach::new(access, label("main"), vault)
    }

    pub(super) fn plan(&self, operations: Value) -> Plan {
        self.plan_with(operations, Vault::empty())
    }

    pub(super) fn plan_with(&self, operations: Value, vault: Vault) -> Plan {
        let outside = Outside {
            project: self.folder.path(),
            limits: &Limits::default(),
            kubernetes: Some(self.reach(vault)),
        };
        let target = Target::Kubernetes(self.target().clone());
        let plan = plan::plan(proposal(operations), &target, &outside);
        let plan = plan.unwrap_or_else(|error| panic!("{}", countersign::causes::line(&error)));
        let effect = &plan.document().effect;
        let stuck: Vec<_> = effect.changes.iter().map(|change| &change.preview).collect();
        assert!(effect.complete, "{stuck:?} {:?}", effect.impact);
        plan
    }

    pub(super) fn ledger(&self) -> Ledger {
        local(&self.folder.path().join("ledger"))
    }

    pub(super) fn spent(&self, ledger: &Ledger, plan: &Plan, resume: bool) -> Spent {
        let lock = locked(ledger, "main", plan.digest(), resume);
        spend(ledger, lock, &ids(&[10]), fresh(), resume).unwrap()
    }

    pub(super) fn apply(&self, plan: &Plan) -> Ended {
        self.apply_with(plan, Hooks::default())
    }

    /// Applies, and ends the round.
    pub(super) fn apply_with(&self, plan: &Plan, hooks: Hooks<'_>) -> Ended {
        self.round(plan, hooks, false, Vault::empty())
    }

    pub(super) fn resume(&self, plan: &Plan) -> Ended {
        self.round(plan, Hooks::default(), true, Vault::empty())
    }

    pub(super) fn round(&self, plan: &Plan, hooks: Hooks<'_>, resume: bool, vault: Vault) -> Ended {
        let ledger = self.ledger();
        let spent = self.spent(&ledger, plan, resume);
        let (mark, audited) = (self.cluster.mark(), hooks.audited);
        let (report, told) = self.run(plan, (&ledger, &spent), hooks, vault);
        let writes = if audited { self.writes(mark) } else { Vec::new() };
        let outcome = report.outcome();
        let receipt = receipt(spent.lock(), spent.apply_id(), outcome, report.lines());
        ledger.finish(spent, &envelope(&receipt), None).unwrap();
        Ended { report, writes, told }
    }

    pub(super) fn run(
        &self,
        plan: &Plan,
        (ledger, spent): (&Ledger, &Spent),
        hooks: Hooks<'_>,
        vault: Vault,
    ) -> (Report, Vec<String>) {
        let told = RefCell::new(Vec::new());
        let progress = |text: &str| told.borrow_mut().push(text.to_owned());
        let Hooks { interrupted, now, recheck, patience, audited: _ } = hooks;
        let expires_at = "2026-03-01T10:00:00Z".parse().unwrap();
        let progress = &progress;
        let run = Run { ledger, spent, expires_at, now, interrupted, progress, recheck };
        let reach = self.reach(vault);
        let report = execute(plan, &run, Place { target: self.target(), reach: &reach, patience });
        (report, told.into_inner())
    }

    pub(super) fn writes(&self, since: Mark) -> Vec<Event> {
        self.cluster.writes(self.user.name(), since)
    }

    /// An object of this namespace.
    pub(super) fn object(&self, api: &str, kind: &str, name: &str, members: Value) -> Value {
        let mut object = json!({
            "apiVersion": api, "kind": kind,
            "metadata": {"name": name, "namespace": self.name()},
        });
        for (member, value) in members.as_object().unwrap() {
            object[member] = value.clone();
        }
        object
    }

    pub(super) fn configmap(&self, name: &str, data: Value) -> Value {
        self.object("v1", "ConfigMap", name, json!({"data": data}))
    }

    pub(super) fn deployment(&self, name: &str, replicas: u64) -> Value {
        let labels = json!({"app": name});
        let spec = json!({
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": "example.invalid/web:1"}]},
            },
        });
        self.object("apps/v1", "Deployment", name, json!({"spec": spec}))
    }

    /// Makes an object as this tool would have made it, before the test begins.
    pub(super) fn ours(&self, object: &Value) -> Value {
        self.cluster.admin().apply_as("countersign", object)
    }

    /// Makes or changes an object as somebody else.
    pub(super) fn theirs(&self, object: &Value) -> Value {
        self.cluster.admin().apply_as("somebody", object)
    }

    pub(super) fn delete(&self, api: &str, kind: &str, name: &str) -> Value {
        json!({"delete": {
            "apiVersion": api, "kind": kind, "namespace": self.name(), "name": name,
        }})
    }

    pub(super) fn configmap_path(&self, name: &str) -> String {
        format!("{}/{name}", self.namespace.path("configmaps"))
    }

    /// What stands in a ConfigMap; null if it is not there.
    pub(super) fn data(&self, name: &str) -> Value {
        let (status, found) = self.cluster.admin().get(&self.configmap_path(name));
        if status == 404 { Value::Null } else { found["data"].clone() }
    }
}

pub(super) fn config(uid: &str, ca: &str, namespace: &str, lines: &str) -> Config {
    Config::parse(&format!(
        "name = \"shop\"\n[environments.prod.targets.main]\nkind = \"kubernetes\"\n\
         context = \"prod\"\ncluster = \"{uid}\"\nca = \"{ca}\"\nnamespaces = [\"{namespace}\"]\n\
         {lines}\n",
    ))
    .unwrap()
}

pub(super) fn proposal(operations: Value) -> Proposal {
    let text = json!({
        "apiVersion": "countersign/v1", "kind": "Proposal", "name": "one", "environment": "prod",
        "target": "main", "operations": operations,
    });
    let defaults = Defaults {
        project: label("shop"),
        planner: label("planner"),
        name: None,
        environment: None,
        target: None,
        only: None,
        requested_by: None,
    };
    let source = Source { name: "p".to_owned(), bytes: text.to_string().into_bytes() };
    read(&[source], &defaults, &Limits::default()).unwrap().proposal
}

/// An operation that applies an object and does not wait for it.
pub(super) fn applied(object: &Value) -> Value {
    json!({"apply": object})
}
