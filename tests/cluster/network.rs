//! The network before the API server: faults of the proxy, over TLS.

use std::io;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::cluster::authority::Authority;
use crate::support::cluster::client::{APPLY, Client, JSON};
use crate::support::cluster::{Cluster, Namespace, cluster};
use crate::support::http::Answer;
use crate::support::proxy::{Fault, Proxy, Rule, rehearses, writes};

struct Case {
    namespace: Namespace,
    proxy: Proxy,
    straight: Client,
    through: Client,
}

impl Case {
    fn new(cluster: &Cluster) -> Self {
        let namespace = cluster.namespace("network");
        let user = cluster.user();
        let rules = json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}]);
        cluster.grant(&user, Some(namespace.name()), &rules);
        let straight = user.client();
        let path = namespace.path("configmaps");
        straight.wait_for(&path, "the grant", |list| list["items"].is_array());
        let proxy = cluster.proxy();
        let through = straight.at(proxy.address());
        Self { namespace, proxy, straight, through }
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.namespace.path("configmaps"))
    }

    fn apply(&self, name: &str, query: &str) -> io::Result<Answer> {
        let body = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
        });
        let path = format!("{}?fieldManager=test{query}", self.path(name));
        self.through.send("PATCH", &path, APPLY, body.to_string().as_bytes())
    }

    fn is_there(&self, name: &str) -> bool {
        self.straight.get(&self.path(name)).0 == 200
    }
}

#[test]
fn each_fault_does_what_it_says_to_a_write_over_tls() {
    let case = Case::new(cluster());
    let table = [
        (None, true, Some(201)),
        (Some(Fault::CutHead), false, None),
        (Some(Fault::CutBody), false, None),
        (Some(Fault::CutAfter), true, None),
        (Some(Fault::CutWithin), true, None),
        (Some(Fault::Status(503, None)), false, Some(503)),
        (Some(Fault::Delay(Duration::from_millis(50))), true, Some(201)),
        (Some(Fault::Hold(Duration::from_millis(50))), true, Some(201)),
    ];
    for (at, (fault, lands, status)) in table.into_iter().enumerate() {
        let name = format!("at-{at}");
        if let Some(fault) = fault {
            case.proxy.add(Rule::each(fault).times(1));
        }
        let answer = case.apply(&name, "");
        assert_eq!(answer.ok().map(|answer| answer.status), status, "{fault:?}");
        assert_eq!(case.is_there(&name), lands, "{fault:?}");
        let seen = case.proxy.take_seen();
        assert_eq!(seen.len(), 1);
        assert_eq!(
            (seen[0].method.as_str(), seen[0].writes, seen[0].fault),
            ("PATCH", true, fault)
        );
    }
    case.proxy.refuse();
    let refused = case.apply("refused", "").unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    case.proxy.heal();
    assert_eq!(case.apply("refused", "").unwrap().status, 201);
}

#[test]
fn a_status_says_how_long_to_wait() {
    let case = Case::new(cluster());
    case.proxy.add(Rule::each(Fault::Status(429, Some(2))));
    let answer = case.apply("one", "").unwrap();
    assert_eq!((answer.status, answer.head.field("retry-after")), (429, Some("2")));
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((&body["kind"], &body["code"]), (&json!("Status"), &json!(429)));
    assert_eq!(body["details"]["retryAfterSeconds"], 2);
}

#[test]
fn the_third_write_is_found_among_reads_and_rehearsals() {
    let case = Case::new(cluster());
    case.proxy.add(Rule::each(Fault::Status(503, None)).which(writes).from(3).times(1));
    case.proxy.add(Rule::each(Fault::Status(500, None)).which(rehearses).from(2).times(1));
    let apply = |name, query| case.apply(name, query).unwrap().status;
    let delete = |name, body: Value| case.through.delete(&case.path(name), &body).0;
    assert_eq!(apply("one", ""), 201);
    assert_eq!(apply("two", "&dryRun=All"), 201);
    assert_eq!(delete("one", json!({"dryRun": ["All"]})), 500);
    assert_eq!(apply("two", ""), 201);
    assert_eq!(case.through.get(&case.path("two")).0, 200);
    assert_eq!(delete("two", json!({"dryRun": ["All"]})), 200);
    assert_eq!(delete("one", json!({})), 503);
    assert_eq!(delete("one", json!({})), 200);
    assert!(case.is_there("two"));
}

#[test]
fn another_authority_is_not_trusted() {
    let cluster = cluster();
    let proxy = cluster.proxy_shown_by(&Authority::new());
    let client = cluster.user().client().at(proxy.address());
    let refused = client.send("GET", "/version", JSON, b"").unwrap_err();
    assert!(refused.to_string().contains("certificate"), "{refused}");
    let trusted = cluster.proxy();
    let answer = cluster.user().client().at(trusted.address()).send("GET", "/version", JSON, b"");
    assert_eq!(answer.unwrap().status, 200);
}
