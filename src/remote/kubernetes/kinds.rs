//! What kinds the cluster serves, by aggregated discovery. A group that fails is an error, never
//! an absence.

use http::Method;
use serde_json::Value;

use super::answer::Failure;
use super::cluster::Cluster;
use super::send::{About, Asked, request};

/// The only form that is understood: all groups at once, with what failed marked as such.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// A kind as the cluster serves it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// API group; empty for the core API.
    pub group: String,
    /// Version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Plural, as in paths.
    pub plural: String,
    /// Whether its objects have a namespace.
    pub namespaced: bool,
    /// Whether it can be listed.
    pub listable: bool,
}

/// Every kind that the cluster serves.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    /// In the order of the cluster's preference within a group.
    all: Vec<Kind>,
}

impl Kinds {
    /// The kind at an `apiVersion`.
    pub fn find(&self, api_version: &str, kind: &str) -> Option<&Kind> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.all.iter().find(|one| {
            (one.group.as_str(), one.version.as_str(), one.kind.as_str()) == (group, version, kind)
        })
    }

    /// The kind in the version that the cluster prefers.
    pub fn preferred(&self, group: &str, kind: &str) -> Option<&Kind> {
        self.all.iter().find(|one| (one.group.as_str(), one.kind.as_str()) == (group, kind))
    }

    /// Every kind, once, in its preferred version.
    pub fn each(&self) -> impl Iterator<Item = &Kind> {
        let first = |one: &&Kind| self.preferred(&one.group, &one.kind) == Some(*one);
        self.all.iter().filter(first)
    }
}

impl Cluster {
    /// Asks what is served.
    pub(super) async fn discover(&self) -> Result<Kinds, Failure> {
        let mut all = Vec::new();
        for address in ["/api", "/apis"] {
            let about = About {
                verb: "get",
                what: format!("the kinds that the cluster serves ({address})"),
                plural: String::new(),
            };
            let Some(request) = request(Method::GET, address, AGGREGATED, None) else {
                return Err(about.unanswered("no request can be made".to_owned()));
            };
            let answer = self.ask(&Asked { request, about: about.clone() }).await?;
            all.extend(kinds(&answer.object).map_err(|message| about.unanswered(message))?);
        }
        Ok(Kinds { all })
    }
}

/// What one answer lists; an error for one that is not whole.
fn kinds(list: &Value) -> Result<Vec<Kind>, String> {
    let text = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    if text(list, "kind") != "APIGroupDiscoveryList"
        || text(list, "apiVersion") != "apidiscovery.k8s.io/v2"
    {
        return Err("the server does not list its kinds in one piece (aggregated discovery, \
                    Kubernetes 1.30 or later)"
            .to_owned());
    }
    let rest = list.pointer("/metadata/continue").and_then(Value::as_str).unwrap_or_default();
    let Some(groups) = list.get("items").and_then(Value::as_array).filter(|_| rest.is_empty())
    else {
        return Err("the list of kinds is not whole".to_owned());
    };
    let mut all = Vec::new();
    let mut failing = Vec::new();
    for item in groups {
        let group = item.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        for served in item.get("versions").and_then(Value::as_array).into_iter().flatten() {
            let version = text(served, "version");
            if text(served, "freshness") != "Current" {
                failing.push(format!("{group}/{version}"));
            }
            let resources = served.get("resources").and_then(Value::as_array);
            for resource in resources.into_iter().flatten() {
                let kind = resource.pointer("/responseKind/kind").and_then(Value::as_str);
                // A kind that has nothing but subresources names none.
                let Some(kind) = kind.filter(|kind| !kind.is_empty()) else {
                    continue;
                };
                let verbs = resource.get("verbs").and_then(Value::as_array);
                all.push(Kind {
                    group: group.to_owned(),
                    version: version.clone(),
                    kind: kind.to_owned(),
                    plural: text(resource, "resource"),
                    namespaced: text(resource, "scope") == "Namespaced",
                    listable: verbs.is_some_and(|verbs| verbs.iter().any(|verb| verb == "list")),
                });
            }
        }
    }
    if failing.is_empty() {
        return Ok(all);
    }
    Err(format!(
        "the cluster cannot say what these serve: {}; mend their APIServices, or remove them",
        failing.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn list(freshness: &str) -> Value {
        let resource = |plural: &str, kind: &str, scope: &str, verbs: Value| {
            json!({"resource": plural, "scope": scope, "verbs": verbs,
                "responseKind": {"group": "", "version": "", "kind": kind},
                "subresources": [{"subresource": "scale", "responseKind": {"kind": "Scale"}}]})
        };
        json!({
            "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {},
            "items": [
                {"metadata": {"name": "apps"}, "versions": [{"version": "v1",
                    "freshness": "Current", "resources": [
                        resource("deployments", "Deployment", "Namespaced", json!(["get", "list"])),
                        resource("only-subresources", "", "Namespaced", json!([]))]}]},
                {"metadata": {"name": "metrics.k8s.io"}, "versions": [
                    {"version": "v2", "freshness": "Current", "resources": [
                        resource("nodes", "NodeMetrics", "Cluster", json!(["get"]))]},
                    {"version": "v1", "freshness": freshness, "resources": [
                        resource("nodes", "NodeMetrics", "Cluster", json!(["get", "list"]))]}]},
            ],
        })
    }

    #[test]
    fn kinds_are_listed_with_plural_scope_and_whether_they_can_be_listed() {
        let kinds = Kinds { all: kinds(&list("Current")).unwrap() };
        let shown: Vec<_> = kinds
            .each()
            .map(|one| {
                let name = format!("{}/{}/{}", one.group, one.version, one.kind);
                (name, one.plural.clone(), one.namespaced, one.listable)
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("apps/v1/Deployment".to_owned(), "deployments".to_owned(), true, true),
                ("metrics.k8s.io/v2/NodeMetrics".to_owned(), "nodes".to_owned(), false, false),
            ]
        );
        assert!(kinds.find("metrics.k8s.io/v1", "NodeMetrics").is_some_and(|one| one.listable));
        assert!(kinds.find("apps/v1", "Scale").is_none(), "subresources are no kinds");
    }

    #[test]
    fn a_list_that_is_not_whole_is_an_error_and_no_absence() {
        assert!(kinds(&list("Stale")).unwrap_err().contains("metrics.k8s.io/v1;"));
        let mut odd = list("Current");
        odd["metadata"]["continue"] = json!("more");
        assert!(kinds(&odd).is_err());
        for old in [json!({"kind": "APIGroupList", "groups": []}), json!({}), json!(null)] {
            assert!(kinds(&old).unwrap_err().contains("aggregated discovery"), "{old}");
        }
        let mut none = list("Current");
        none["items"] = json!(null);
        assert!(kinds(&none).is_err());
    }
}
