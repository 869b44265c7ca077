//! A cluster: what is read of it, what it says to each operation, and that nothing is changed. The
//! user has the rights that the README says planning needs, and no others.

mod around;
mod fields;
mod outcomes;
mod plans;
mod races;
mod scope;
mod secrets;

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use countersign::config::{Config, KubernetesTarget, Limits, Target};
use countersign::custody::vault::Vault;
use countersign::document::effect::PreviewState;
use countersign::document::proposal::Proposal;
use countersign::intake::{Defaults, Source, read};
use countersign::observe::kubernetes::{ObserveError, Reach, observe};
use countersign::observe::{Observed, ObservedChange};
use countersign::remote::kubernetes::{Access, Cluster as Connection};
use serde_json::{Value, json};

use super::label;
use crate::support::cluster::user::User;
use crate::support::cluster::{Cluster, Namespace, cluster};

/// What planning needs in a namespace: reading, and rehearsing what is to be done.
fn planning() -> Value {
    let verbs = json!(["get", "list", "create", "patch", "delete"]);
    json!([
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]},
        {"apiGroups": [""], "verbs": verbs, "resources": [
            "configmaps", "secrets", "services", "serviceaccounts", "persistentvolumeclaims", "pods",
        ]},
        {"apiGroups": ["apps"], "verbs": verbs, "resources": ["deployments", "daemonsets"]},
        {"apiGroups": ["batch"], "verbs": verbs, "resources": ["jobs"]},
    ])
}

/// In the whole cluster: which one it is.
fn identifying() -> Value {
    json!([{
        "apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"],
        "verbs": ["get"],
    }])
}

/// The digest of the authority of the cluster of this run.
fn authority() -> &'static str {
    static DIGEST: OnceLock<String> = OnceLock::new();
    DIGEST.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let access = access(&cluster().administrator(), folder.path());
        let connection = Connection::connect(&access, None).unwrap();
        let asked = connection.clone();
        connection.run(async move { asked.identity().await }).unwrap().unwrap().ca_spki
    })
}

fn access(user: &User, folder: &std::path::Path) -> Access {
    Access {
        kubeconfig: vec![user.kubeconfig(folder)],
        context: "prod".to_owned(),
        patience: Duration::from_secs(60),
        proxies: Default::default(),
    }
}

/// A namespace, a target of it, and a user who plans there.
struct Stage {
    cluster: &'static Cluster,
    namespace: Namespace,
    user: User,
    folder: tempfile::TempDir,
    /// More lines of the target's entry.
    lines: String,
}

impl Stage {
    fn new() -> Self {
        let stage = Self::without_rights();
        stage.cluster.grant(&stage.user, Some(stage.name()), &planning());
        stage.settled(stage.name(), "configmaps");
        stage
    }

    /// A user who knows which cluster it is.
    fn without_rights() -> Self {
        let cluster = cluster();
        let namespace = cluster.namespace("observe");
        let (user, folder) = (cluster.user(), tempfile::tempdir().unwrap());
        cluster.grant(&user, None, &identifying());
        let stage = Self { cluster, namespace, user, folder, lines: String::new() };
        stage.user.client().wait_for(
            "/api/v1/namespaces/kube-system",
            "the right to read it",
            |answer| answer["kind"] == "Namespace",
        );
        stage
    }

    /// More rights, in the whole cluster.
    fn grant(&self, rules: &Value) {
        self.cluster.grant(&self.user, None, rules);
    }

    /// Waits until a right is in force.
    fn settled(&self, namespace: &str, plural: &str) {
        let path = format!("/api/v1/namespaces/{namespace}/{plural}");
        self.user.client().wait_for(&path, "a right", |answer| answer["items"].is_array());
    }

    fn name(&self) -> &str {
        self.namespace.name()
    }

    fn target(&self) -> KubernetesTarget {
        let text = format!(
            "name = \"a\"\n[environments.prod.targets.main]\nkind = \"kubernetes\"\n\
             context = \"prod\"\ncluster = \"{}\"\nca = \"{}\"\nnamespaces = [\"{}\"]\n{}\n",
            self.cluster.uid(),
            authority(),
            self.name(),
            self.lines,
        );
        let config = Config::parse(&text).unwrap();
        match config.target(&label("prod"), &label("main")).unwrap() {
            Target::Kubernetes(target) => target.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn reach(&self, vault: Vault) -> Reach {
        Reach::new(access(&self.user, self.folder.path()), label("main"), vault)
    }

    /// What comes of operations, as a proposal has them.
    fn observe(&self, operations: Value) -> Result<Observed, ObserveError> {
        self.observe_with(operations, Vault::empty())
    }

    fn observe_with(&self, operations: Value, vault: Vault) -> Result<Observed, ObserveError> {
        let mark = self.cluster.mark();
        let found = observe(proposal(operations), &self.target(), &self.reach(vault));
        let written = self.cluster.writes(self.user.name(), mark);
        assert!(written.is_empty(), "{written:?}");
        found
    }

    /// The one change that comes of one operation.
    fn one(&self, operation: Value) -> ObservedChange {
        let mut changes = self.observe(json!([operation])).unwrap().changes;
        assert_eq!(changes.len(), 1);
        changes.remove(0)
    }

    /// What is wrong with one operation.
    fn refused(&self, operation: Value) -> String {
        let error = self.observe(json!([operation])).unwrap_err();
        countersign::causes::line(&error)
    }

    /// An object of this namespace, whoever makes it.
    fn object(&self, api: &str, kind: &str, name: &str, members: Value) -> Value {
        let mut object = json!({
            "apiVersion": api, "kind": kind,
            "metadata": {"name": name, "namespace": self.name()},
        });
        for (member, value) in members.as_object().unwrap() {
            object[member] = value.clone();
        }
        object
    }

    fn configmap(&self, name: &str, data: Value) -> Value {
        self.object("v1", "ConfigMap", name, json!({"data": data}))
    }

    fn deployment(&self, name: &str, spec: Value) -> Value {
        let labels = json!({"app": name});
        let mut all = json!({
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": "example.invalid/web:1"}]},
            },
        });
        for (member, value) in spec.as_object().unwrap() {
            all[member] = value.clone();
        }
        self.object("apps/v1", "Deployment", name, json!({"spec": all}))
    }

    /// Makes an object as somebody else.
    fn made(&self, manager: &str, object: &Value) -> Value {
        self.cluster.admin().apply_as(manager, object)
    }

    fn delete(&self, kind: &str, name: &str) -> Value {
        json!({"delete": {
            "apiVersion": "v1", "kind": kind, "namespace": self.name(), "name": name,
        }})
    }
}

fn proposal(operations: Value) -> Proposal {
    let text = json!({
        "apiVersion": "countersign/v1", "kind": "Proposal", "name": "one", "environment": "prod",
        "target": "main", "operations": operations,
    });
    let defaults = Defaults {
        project: label("a"),
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

fn state(change: &ObservedChange) -> (PreviewState, &str) {
    (change.preview.state, change.preview.because.as_str())
}

fn uid(object: &Value) -> BTreeMap<String, String> {
    let uid = object["metadata"]["uid"].as_str().unwrap().to_owned();
    BTreeMap::from([("uid".to_owned(), uid)])
}

fn texts(pointers: &[countersign::document::ident::Pointer]) -> Vec<&str> {
    pointers.iter().map(|pointer| pointer.as_str()).collect()
}
