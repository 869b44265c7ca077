//! What changes behind the reviewers' backs, on a real cluster, by the built program: every refusal
//! has its code and its words, and the audit log shows that nothing was sent that was meant.

mod elsewhere;
mod faults;
mod objects;
mod rounds;
mod rules;
mod surroundings;
mod way;
mod writing;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cli::kube_project::KubeProject;
use crate::support::cluster::client::{APPLY, path};
use crate::support::cluster::random;

/// A project in which something was planned and approved, and is about to change.
struct Behind(KubeProject<'static>);

impl std::ops::Deref for Behind {
    type Target = KubeProject<'static>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

const ADMISSION: &str = "admissionregistration.k8s.io/v1";

/// A policy for the ConfigMaps of a namespace.
#[derive(Clone, Copy)]
enum Policy {
    /// Adds `added` to the data.
    Adds,
    /// Says no.
    Denies,
}

impl Behind {
    /// Asks until the answer is as it should be.
    #[track_caller]
    fn until(&self, ask: impl Fn() -> (u16, Value), is_so: impl Fn(u16, &Value) -> bool) {
        let begun = Instant::now();
        loop {
            let (status, answer) = ask();
            if is_so(status, &answer) {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{status} {answer}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Lets somebody else rehearse an object until the answer is as it should be.
    #[track_caller]
    fn until_dry(&self, object: &Value, is_so: impl Fn(u16, &Value) -> bool) {
        let path = format!("{}?fieldManager=countersign&dryRun=All", path(object));
        self.until(|| self.admin().patch(&path, APPLY, object), is_so);
    }

    /// Puts a policy in force, in this namespace alone.
    fn policy(&self, policy: Policy) {
        let rules = json!({"resourceRules": [{
            "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
            "resources": ["configmaps"],
        }]});
        let here = json!({"namespaceSelector": {
            "matchLabels": {"kubernetes.io/metadata.name": self.name()},
        }});
        let name = format!("behind-{}", random());
        let (kind, spec) = match policy {
            Policy::Adds => (
                "MutatingAdmissionPolicy",
                json!({
                    "failurePolicy": "Fail", "reinvocationPolicy": "Never", "matchConstraints": rules,
                    "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {
                        "expression": "Object{data: {\"added\": \"by-policy\"}}",
                    }}],
                }),
            ),
            Policy::Denies => (
                "ValidatingAdmissionPolicy",
                json!({
                    "failurePolicy": "Fail", "matchConstraints": rules,
                    "validations": [{"expression": "false", "message": "not today"}],
                }),
            ),
        };
        let mut binding = json!({"policyName": name, "matchResources": here});
        if let Policy::Denies = policy {
            binding["validationActions"] = json!(["Deny"]);
        }
        for (kind, spec) in [(kind.to_owned(), spec), (format!("{kind}Binding"), binding)] {
            self.admin().apply(&json!({
                "apiVersion": ADMISSION, "kind": kind, "metadata": {"name": name}, "spec": spec,
            }));
        }
        let probe = self.map("probe", &json!({"a": "1"}));
        self.until_dry(&probe, |status, answer| match policy {
            Policy::Adds => answer["data"]["added"].is_string(),
            Policy::Denies => status == 422,
        });
    }

    /// Lets no ConfigMap be added any more.
    fn quota(&self) {
        let root = format!("{}/kube-root-ca.crt", self.namespace.path("configmaps"));
        self.admin().wait_for(&root, "its first object", Value::is_object);
        self.admin().apply(&json!({
            "apiVersion": "v1", "kind": "ResourceQuota",
            "metadata": {"name": "few", "namespace": self.name()},
            "spec": {"hard": {"count/configmaps": "1"}},
        }));
        let probe = self.map("probe", &json!({"a": "1"}));
        self.until_dry(&probe, |status, _| status == 403);
    }
}
