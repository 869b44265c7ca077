//! Compares two sets of RBAC rules: what the second allows and the first does not.

use serde_json::Value;

use crate::plan::shape::list;

/// Tuples that one rule may stand for before it counts as too wide to compare.
const MAX_TUPLES: usize = 20_000;

/// What rules allow beyond others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Widened {
    /// Something is.
    pub(super) any: bool,
    /// And with it one can take over.
    pub(super) escalation: bool,
}

fn texts<'a>(rule: &'a Value, pointer: &str) -> Vec<&'a str> {
    list(rule, pointer).iter().filter_map(Value::as_str).collect()
}

/// What `after` allows beyond `before`; both are lists of rules.
pub(super) fn widened(before: &[Value], after: &[Value]) -> Widened {
    let mut found = Widened::default();
    for rule in after {
        let verbs = texts(rule, "/verbs");
        let urls = texts(rule, "/nonResourceURLs");
        for verb in &verbs {
            for url in &urls {
                if !before.iter().any(|old| allows_url(old, url, verb)) {
                    found.any = true;
                    found.escalation |= *verb == "*" || *url == "*";
                }
            }
        }
        let (groups, resources) = (texts(rule, "/apiGroups"), texts(rule, "/resources"));
        let names = texts(rule, "/resourceNames");
        let named: Vec<Option<&str>> =
            if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() };
        let size = [verbs.len(), groups.len(), resources.len(), named.len()]
            .into_iter()
            .fold(1usize, usize::saturating_mul);
        if size > MAX_TUPLES {
            return Widened { any: true, escalation: true };
        }
        for group in &groups {
            for resource in &resources {
                for verb in &verbs {
                    for name in &named {
                        if !before.iter().any(|old| allows(old, group, resource, verb, *name)) {
                            found.any = true;
                            found.escalation |= escalates(group, resource, verb);
                        }
                    }
                }
            }
        }
    }
    found
}

fn allows(rule: &Value, group: &str, resource: &str, verb: &str, name: Option<&str>) -> bool {
    let sub = resource.split_once('/').map(|(_, sub)| format!("*/{sub}"));
    let resource_held = |held: &str| {
        held == "*" || held == resource || sub.as_deref().is_some_and(|sub| held == sub)
    };
    let names = texts(rule, "/resourceNames");
    let named = names.is_empty() || name.is_some_and(|name| names.contains(&name));
    named
        && texts(rule, "/apiGroups").iter().any(|held| *held == "*" || *held == group)
        && texts(rule, "/resources").into_iter().any(resource_held)
        && texts(rule, "/verbs").iter().any(|held| *held == "*" || *held == verb)
}

fn allows_url(rule: &Value, url: &str, verb: &str) -> bool {
    let held = |held: &&str| match held.strip_suffix('*') {
        Some(start) => url.starts_with(start),
        None => *held == url,
    };
    texts(rule, "/nonResourceURLs").iter().any(held)
        && texts(rule, "/verbs").iter().any(|held| *held == "*" || *held == verb)
}

/// Whether one permission suffices to take over, by way of pods, secrets, roles or the API itself.
fn escalates(group: &str, resource: &str, verb: &str) -> bool {
    if [group, resource, verb].contains(&"*") || matches!(verb, "escalate" | "bind" | "impersonate")
    {
        return true;
    }
    let writes = matches!(verb, "create" | "update" | "patch" | "delete" | "deletecollection");
    let makes = matches!(verb, "create" | "update" | "patch");
    let parent = resource.split('/').next().unwrap_or(resource);
    match (group, resource) {
        ("", "pods") => verb == "create",
        ("", "pods/exec" | "pods/attach" | "pods/portforward") => matches!(verb, "create" | "get"),
        ("", "pods/ephemeralcontainers" | "replicationcontrollers") => makes,
        ("", "serviceaccounts/token") => verb == "create",
        ("", "secrets") => matches!(verb, "get" | "list" | "watch"),
        ("", "nodes/proxy") => true,
        ("", "nodes" | "nodes/status" | "persistentvolumes" | "namespaces") => writes,
        ("apps", "deployments" | "statefulsets" | "daemonsets" | "replicasets")
        | ("batch", "jobs" | "cronjobs") => makes,
        ("rbac.authorization.k8s.io", _) => writes,
        ("admissionregistration.k8s.io" | "apiregistration.k8s.io" | "apiextensions.k8s.io", _) => {
            writes
        }
        ("certificates.k8s.io", _) => {
            writes && matches!(parent, "certificatesigningrequests" | "signers")
                || matches!(verb, "approve" | "sign" | "attest")
        }
        ("", _) => parent == "*" && (writes || makes),
        _ => false,
    }
}
