//! A project whose target is one namespace of the test cluster, made by the program's own commands,
//! by a user who may do there exactly what the README says that applying needs. Commands are runs of the built program.

use std::process::Child;
use std::sync::Arc;

use serde_json::{Value, json};

use super::shop::{Run, Shop};
use crate::support::cluster::audit::{Event, Mark};
use crate::support::cluster::client::{Client, path};
use crate::support::cluster::user::User;
use crate::support::cluster::{Cluster, Namespace, cluster, rights};
use crate::support::project::{Clock, Place, Said};
use crate::support::proxy::Proxy;

/// The folder of the plan that tests work on, beneath the project.
pub(crate) const PLAN: &str = "plans/change";
/// The field manager of the program.
pub(crate) const OURS: &str = "countersign";
/// Somebody else's.
pub(crate) const THEIRS: &str = "somebody";

/// See the module.
pub(crate) struct KubeProject<'c> {
    pub(crate) cluster: &'c Cluster,
    pub(crate) namespace: Namespace,
    pub(crate) user: User,
    pub(crate) shop: Shop,
    admin: Client,
}

/// An apply that was begun.
pub(crate) struct Applying<'p> {
    project: &'p KubeProject<'p>,
    child: Child,
    line: String,
}

impl Applying<'_> {
    /// Waits until it ends.
    pub(crate) fn ended(self) -> Run {
        self.project.shop.waited(&[&self.line], self.child)
    }
}

impl KubeProject<'static> {
    /// A project with nothing planned.
    pub(crate) fn new() -> Self {
        Self::on(cluster())
    }
}

impl<'c> KubeProject<'c> {
    /// The same, on a cluster of the test's own.
    pub(crate) fn on(cluster: &'c Cluster) -> Self {
        let (namespace, user) = (cluster.namespace("behind"), cluster.user());
        let (shop, admin) = (Shop::bare(), cluster.admin());
        std::fs::remove_dir_all(shop.path("shop/manifests")).unwrap();
        let project = Self { cluster, namespace, user, shop, admin };
        project.granted();
        project.straight();
        let line = ["init", "--context", "prod", "--namespace", project.name()];
        project.shop.run(&line).exits(0);
        project
    }

    /// Gives the user the rights in the namespace, and waits until they are in force.
    pub(crate) fn granted(&self) {
        self.cluster.made(&rights::target(self.name(), self.user.name()));
        let client = self.user.client();
        let kube_system = "/api/v1/namespaces/kube-system";
        client.wait_for(kube_system, "a right", |answer| answer["kind"] == "Namespace");
        let maps = self.namespace.path("configmaps");
        client.wait_for(&maps, "a right", |answer| answer["items"].is_array());
    }

    /// Takes away the rights in the namespace, and waits until they are gone.
    pub(crate) fn ungranted(&self) {
        let bindings = self.namespace.path_of("rbac.authorization.k8s.io/v1", "rolebindings");
        assert_eq!(self.admin.delete(&bindings, &Value::Null).0, 200);
        let maps = self.namespace.path("configmaps");
        self.user.client().wait_for(&maps, "no right", |answer| answer["code"] == 403);
    }

    /// Name of the namespace.
    pub(crate) fn name(&self) -> &str {
        self.namespace.name()
    }

    /// Whoever may do everything.
    pub(crate) fn admin(&self) -> &Client {
        &self.admin
    }

    /// From now on, the context leads to the API server itself.
    pub(crate) fn straight(&self) {
        self.leads_to(self.cluster.server());
    }

    /// From now on, the context leads through a proxy.
    pub(crate) fn through(&self, proxy: &Proxy) {
        self.leads_to(&format!("https://{}", proxy.address()));
    }

    fn leads_to(&self, server: &str) {
        let config = self.user.kubeconfig_value(server, self.cluster.ca_pem());
        self.shop.write("alice/.kube/config", config.to_string());
    }

    /// Adds lines to the entry of the target, or of what follows it.
    pub(crate) fn configure(&self, lines: &str) {
        let toml = self.shop.text("shop/countersign.toml");
        let (before, after) = toml.split_once("cluster-scoped = ").unwrap();
        let (line, after) = after.split_once('\n').unwrap();
        let text = format!("{before}cluster-scoped = {line}\n{lines}\n{after}");
        self.shop.write("shop/countersign.toml", text);
    }

    /// Plans operations, as a proposal has them.
    pub(crate) fn plan(&self, operations: &Value) -> Run {
        self.shop.write("proposal.json", proposal(operations));
        self.shop.run(&["plan", "-f", "../proposal.json", "--requested-by", "alice"])
    }

    /// Approves the plan as it lies there.
    pub(crate) fn approve(&self) -> Run {
        let digest = self.shop.digest("change");
        let all = "--acknowledge=data-loss,outage";
        self.shop.run(&["approve", PLAN, "--digest", &digest, all])
    }

    /// Plans and approves.
    #[track_caller]
    pub(crate) fn approved(&self, operations: &Value) {
        self.plan(operations).exits(0);
        self.approve().exits(0);
    }

    pub(crate) fn apply(&self) -> Run {
        self.apply_with(&[])
    }

    pub(crate) fn apply_with(&self, more: &[&str]) -> Run {
        self.shop.run(&[&["apply", PLAN, "--trusted", "."], more].concat())
    }

    /// An apply that goes on beside the test.
    pub(crate) fn applying(&self, more: &[&str]) -> Applying<'_> {
        let line = [&["apply", PLAN, "--trusted", "."], more].concat();
        let child = self.shop.command(&line).spawn().unwrap();
        Applying { project: self, child, line: line.join(" ") }
    }

    /// Runs a command in this process, by a clock of the test.
    pub(crate) fn run_at(&self, clock: &Clock, arguments: &[&str]) -> Said {
        let place = Place {
            directory: self.shop.path("shop"),
            home: self.shop.path("alice"),
            state: self.shop.path("state"),
            environment: vec![
                ("PATH".into(), std::env::var_os("PATH").unwrap()),
                ("HOME".into(), self.shop.path("alice").into()),
            ],
        };
        place.run(&Arc::clone(clock), arguments)
    }

    /// An apply that must end so, saying all of this, and send nothing that is meant.
    #[track_caller]
    pub(crate) fn refuses(&self, code: i32, says: &[&str]) -> Run {
        let (mark, before) = (self.cluster.mark(), self.receipts());
        let run = self.apply().exits(code).says(says);
        assert_eq!(self.writes(mark), [], "{run:#?}");
        assert_eq!(self.receipts(), before, "a refusal has no receipt");
        run
    }

    /// What the user sent since then that was meant to change something.
    pub(crate) fn writes(&self, since: Mark) -> Vec<Event> {
        self.cluster.writes(self.user.name(), since)
    }

    /// Names of the plan's receipts.
    pub(crate) fn receipts(&self) -> Vec<String> {
        self.shop.names(&format!("shop/{PLAN}/receipts"))
    }

    /// The plan as it lies there.
    pub(crate) fn document(&self) -> Value {
        serde_json::from_str(&self.shop.text(&format!("shop/{PLAN}/plan.json"))).unwrap()
    }

    /// An object of the namespace.
    pub(crate) fn object(&self, api: &str, kind: &str, name: &str, members: &Value) -> Value {
        let mut object = json!({
            "apiVersion": api, "kind": kind,
            "metadata": {"name": name, "namespace": self.name()},
        });
        for (member, value) in members.as_object().unwrap() {
            object[member] = value.clone();
        }
        object
    }

    /// A ConfigMap with these data.
    pub(crate) fn map(&self, name: &str, data: &Value) -> Value {
        self.object("v1", "ConfigMap", name, &json!({"data": data}))
    }

    /// A Deployment without a number of replicas.
    pub(crate) fn deployment(&self, name: &str, image: &str) -> Value {
        let labels = json!({"app": name});
        self.object(
            "apps/v1",
            "Deployment",
            name,
            &json!({"spec": {
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "web", "image": image}]},
                },
            }}),
        )
    }

    /// The operation that deletes an object.
    pub(crate) fn deletion(&self, api: &str, kind: &str, name: &str) -> Value {
        json!({"delete": {
            "apiVersion": api, "kind": kind, "namespace": self.name(), "name": name,
        }})
    }

    /// Makes an object as the program would have made it.
    pub(crate) fn ours(&self, object: &Value) -> Value {
        self.admin.apply_as(OURS, object)
    }

    /// Makes an object, or sets fields of it, as somebody else, who takes what others own.
    pub(crate) fn theirs(&self, object: &Value) -> Value {
        self.admin.apply_as(THEIRS, object)
    }

    /// Deletes an object and waits until it is gone.
    pub(crate) fn gone(&self, object: &Value) {
        let path = path(object);
        assert!(matches!(self.admin.delete(&path, &Value::Null).0, 200 | 202));
        self.admin.wait_for(&path, "gone", Value::is_null);
    }

    /// What stands in a ConfigMap; null if it is not there.
    pub(crate) fn data(&self, name: &str) -> Value {
        let (status, found) =
            self.admin.get(&format!("{}/{name}", self.namespace.path("configmaps")));
        if status == 404 { Value::Null } else { found["data"].clone() }
    }
}

/// A proposal of these operations.
pub(crate) fn proposal(operations: &Value) -> String {
    let proposal = json!({
        "apiVersion": "countersign/v1", "kind": "Proposal", "name": "change",
        "environment": "prod", "target": "main",
        "intent": {"request": "more", "summary": "less"}, "operations": operations,
    });
    format!("{proposal:#}")
}

/// The operation that applies an object.
pub(crate) fn applies(object: &Value) -> Value {
    json!({"apply": object})
}
