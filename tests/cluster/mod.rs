//! The test cluster, and what its API server answers, request by request: the facts that the reading
//! of its answers rests on. Nothing of the product is used here.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::cluster::client::{APPLY, Client};
use crate::support::cluster::{Namespace, cluster};

mod admission;
mod life;
mod network;
mod preconditions;
mod refusals;

/// Nobody's.
const OTHER_UID: &str = "00000000-0000-0000-0000-000000000000";

/// A namespace, and requests in it by whoever may do everything.
struct Here {
    namespace: Namespace,
    admin: Client,
}

impl Here {
    fn new() -> Self {
        let cluster = cluster();
        Self { namespace: cluster.namespace("answers"), admin: cluster.admin() }
    }

    /// Where the ConfigMap of this name is.
    fn config_map(&self, name: &str) -> String {
        format!("{}/{name}", self.namespace.path("configmaps"))
    }

    /// Server-side apply of `body`, as the product does it; `query` is what is added.
    fn apply(&self, path: &str, query: &str, body: &Value) -> (u16, Value) {
        let path = format!("{path}?fieldManager=test&fieldValidation=Strict{query}");
        self.admin.patch(&path, APPLY, body)
    }

    /// The same for a ConfigMap with these metadata and data.
    fn apply_map(&self, name: &str, query: &str, meta: &Value, data: &Value) -> (u16, Value) {
        self.apply(&self.config_map(name), query, &map(name, meta, data))
    }

    /// Makes a ConfigMap with `a: 1`; its metadata.
    fn made(&self, name: &str) -> Value {
        let (status, answer) = self.apply_map(name, "", &json!({}), &json!({"a": "1"}));
        assert_eq!(status, 201, "{answer}");
        answer["metadata"].clone()
    }
}

fn map(name: &str, meta: &Value, data: &Value) -> Value {
    let mut meta = meta.clone();
    meta["name"] = json!(name);
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})
}

/// A Deployment without replicas.
fn deployment(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "web", "image": "example.invalid/web:1"}]},
        }},
    })
}

const DRY: &str = "&dryRun=All";

/// Asserts a `Status`: its code, its reason (empty: none), the reasons and fields of its causes, and
/// a part of its message.
#[track_caller]
fn refused(
    what: &str,
    (status, answer): &(u16, Value),
    code: u16,
    reason: &str,
    causes: &[(&str, &str)],
    says: &str,
) {
    assert_eq!(*status, code, "{what}: {answer}");
    assert_eq!(answer["kind"], "Status", "{what}: {answer}");
    assert_eq!(answer["reason"].as_str().unwrap_or_default(), reason, "{what}: {answer}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let listed = answer["details"]["causes"].as_array().cloned().unwrap_or_default();
    let found: Vec<_> =
        listed.iter().map(|cause| (text(&cause["reason"]), text(&cause["field"]))).collect();
    let wanted: Vec<_> = causes.iter().map(|(r, f)| ((*r).to_owned(), (*f).to_owned())).collect();
    assert_eq!(found, wanted, "{what}: {answer}");
    assert!(text(&answer["message"]).contains(says), "{what}: {answer}");
}

/// Asks until the answer is as it should be: what rules over requests is in force a moment later.
#[track_caller]
fn until(ask: impl Fn() -> (u16, Value), is_so: impl Fn(&(u16, Value)) -> bool) -> (u16, Value) {
    let begun = Instant::now();
    loop {
        let answer = ask();
        if is_so(&answer) {
            return answer;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{} {}", answer.0, answer.1);
        std::thread::sleep(Duration::from_millis(50));
    }
}
