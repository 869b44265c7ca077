//! What is asked: the cluster's identity, its kinds, lists, permissions.

use countersign::remote::kubernetes::{Call, Change, Cluster, Permission, Reason, Writer};
use serde_json::{Value, json};

use super::{access, config_map, connect, get, kind, kinds, place};
use crate::support::cluster::{Cluster as Served, cluster};
use crate::support::proxy::{Fault, Rule};

#[test]
fn the_identity_is_the_uid_of_kube_system_and_the_key_of_the_authority() {
    let served = cluster();
    let connection = connect(&served.administrator());
    let asked = connection.clone();
    let identity = connection.run(async move { asked.identity().await }).unwrap().unwrap();
    assert_eq!(identity.uid, served.uid());
    assert!(identity.ca_spki.starts_with("sha256:") && identity.ca_spki.len() == 71);
    assert_eq!(connection.server(), served.server());
    assert_eq!(connection.namespace(), None);
    let asked = connection.clone();
    assert_eq!(connection.run(async move { asked.user().await }).unwrap().unwrap(), "admin");
}

#[test]
fn every_kind_is_known_with_its_plural_and_scope() {
    let kinds = kinds(&connect(&cluster().administrator()));
    for (version, name, plural, namespaced, listable) in [
        ("v1", "ConfigMap", "configmaps", true, true),
        ("v1", "Namespace", "namespaces", false, true),
        ("apps/v1", "Deployment", "deployments", true, true),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", false, true),
        (
            "authorization.k8s.io/v1",
            "SelfSubjectAccessReview",
            "selfsubjectaccessreviews",
            false,
            false,
        ),
    ] {
        let found = kinds.find(version, name).unwrap_or_else(|| panic!("{version} {name}"));
        let shown = (found.plural.as_str(), found.namespaced, found.listable);
        assert_eq!(shown, (plural, namespaced, listable), "{name}");
    }
    assert!(kinds.find("apps/v1", "Scale").is_none());
    assert!(kinds.find("v1", "Nothing").is_none());
    assert_eq!(kinds.preferred("autoscaling", "HorizontalPodAutoscaler").unwrap().version, "v2");
    let autoscalers = kinds.each().filter(|one| one.kind == "HorizontalPodAutoscaler").count();
    assert_eq!(autoscalers, 1);
}

#[test]
fn a_group_whose_server_does_not_answer_is_an_error_and_no_absence() {
    let served = Served::alone();
    let connection = connect(&served.administrator());
    assert!(kinds(&connection).find("v1", "Pod").is_some());
    served.admin().apply(&json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "dead", "namespace": "default"},
        "spec": {"ports": [{"port": 443}]},
    }));
    served.admin().apply(&json!({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
        "metadata": {"name": "v1.dead.example.invalid"},
        "spec": {"group": "dead.example.invalid", "version": "v1", "groupPriorityMinimum": 100,
            "versionPriority": 100, "insecureSkipTLSVerify": true,
            "service": {"name": "dead", "namespace": "default"}},
    }));
    let asked = connection.clone();
    // Until the server has tried for the first time, it does not know of the group.
    let failure = connection
        .run(async move {
            loop {
                match asked.kinds_again().await {
                    Ok(kinds) => assert!(kinds.find("dead.example.invalid/v1", "Any").is_none()),
                    Err(failure) => return failure,
                }
            }
        })
        .unwrap();
    assert_eq!(failure.reason(), None);
    let told = failure.to_string();
    assert!(told.contains("dead.example.invalid/v1; mend their APIServices"), "{told}");
    // The failure is not kept.
    served.admin().delete(
        "/apis/apiregistration.k8s.io/v1/apiservices/v1.dead.example.invalid",
        &Value::Null,
    );
    let asked = connection.clone();
    connection
        .run(async move {
            while asked.kinds().await.is_err() {}
            assert!(asked.kinds().await.is_ok());
        })
        .unwrap();
}

#[test]
fn a_long_list_comes_in_pages_and_whole_even_where_the_server_loses_its_place() {
    let (served, folder) = (cluster(), tempfile::tempdir().unwrap());
    let (namespace, user, proxy) = (served.namespace("pages"), served.user(), served.proxy());
    let rules = json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}]);
    served.grant(&user, Some(namespace.name()), &rules);
    let path = namespace.path("configmaps");
    user.client().wait_for(&path, "the grant", |list| list["items"].is_array());
    let kubeconfig = user.kubeconfig_by(folder.path(), &proxy);
    let connection = Cluster::connect(&access(kubeconfig), None).unwrap();
    let (asked, name) = (connection.clone(), namespace.name().to_owned());
    let making = async move {
        let make = move |connection: Cluster, number: usize| {
            let object = format!("map-{number:04}");
            let body = json!({"apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": object, "namespace": name}});
            let place = place(config_map(), &name, &object);
            let call = Call { place, change: Change::Create(body) };
            async move {
                Writer::of(&connection).commit(call).await.unwrap();
                number
            }
        };
        asked.side_by_side((0..1_100).collect(), 16, make).await
    };
    assert_eq!(
        connection.run(making).unwrap(),
        (0..1_100).collect::<Vec<_>>(),
        "in the order of the items"
    );
    proxy.take_seen();
    let made: Vec<_> = (0..1_100).map(|number| format!("map-{number:04}")).collect();
    for (lost, requests) in [(0, 3), (2, 7)] {
        let lose = Rule::each(Fault::Status(410, None)).on(("GET", "continue="));
        proxy.add(lose.times(lost));
        let (asked, name) = (connection.clone(), namespace.name().to_owned());
        let listing = async move { asked.list(&config_map(), &name).await };
        let listed = connection.run(listing).unwrap().unwrap();
        for map in &listed {
            assert_eq!((&map["apiVersion"], &map["kind"]), (&json!("v1"), &json!("ConfigMap")));
        }
        let names = listed.iter().map(|map| map["metadata"]["name"].as_str().unwrap());
        // A controller puts one of its own into every namespace.
        let names: Vec<_> = names.filter(|name| *name != "kube-root-ca.crt").collect();
        assert_eq!(names, made);
        let seen = proxy.take_seen();
        assert_eq!(seen.len(), requests, "{seen:?}");
        assert!(seen.iter().all(|one| one.target.contains("limit=500")), "{seen:?}");
    }
    proxy.add(Rule::each(Fault::Status(410, None)));
    let (asked, name) = (connection.clone(), namespace.name().to_owned());
    let listing = async move { asked.list(&config_map(), &name).await };
    let failure = connection.run(listing).unwrap().unwrap_err();
    assert_eq!(failure.reason(), Some(&Reason::Expired));
    assert_eq!(proxy.take_seen().len(), 4, "not for ever");
}

#[test]
fn a_list_of_the_whole_cluster_and_one_of_a_kind_without_namespace() {
    let served = cluster();
    let namespace = served.namespace("list");
    let connection = connect(&served.administrator());
    let name = namespace.name().to_owned();
    served.admin().apply(&json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "here", "namespace": name}}));
    let list = |kind, namespace: &str| {
        let (asked, namespace) = (connection.clone(), namespace.to_owned());
        connection.run(async move { asked.list(&kind, &namespace).await }).unwrap()
    };
    let everywhere = list(config_map(), "").unwrap();
    let here = |map: &&Value| map["metadata"]["namespace"] == name.as_str();
    assert!(everywhere.iter().any(|map| here(&map) && map["metadata"]["name"] == "here"));
    let namespaces = list(kind("", "v1", "Namespace", "namespaces"), "").unwrap();
    assert!(namespaces.iter().any(|one| one["metadata"]["name"] == name.as_str()));
    assert_eq!(list(config_map(), "no-such").unwrap(), Vec::<Value>::new());
    for unserved in
        [kind("example.invalid", "v1", "Widget", "widgets"), kind("apps", "v1", "X", "xs")]
    {
        let failure = list(unserved, &name).unwrap_err();
        assert_eq!(failure.reason(), Some(&Reason::KindAbsent));
    }
}

#[test]
fn an_object_that_is_not_there_is_none_for_whatever_reason() {
    let served = cluster();
    let namespace = served.namespace("get");
    let connection = connect(&served.administrator());
    let name = namespace.name();
    served.admin().apply(&json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "here", "namespace": name}, "data": {"a": "1"}}));
    let here = get(&connection, place(config_map(), name, "here")).unwrap().unwrap();
    assert_eq!((&here["kind"], &here["data"]["a"]), (&json!("ConfigMap"), &json!("1")));
    for absent in [
        place(config_map(), name, "absent"),
        place(config_map(), "no-such", "absent"),
        place(kind("example.invalid", "v1", "Widget", "widgets"), name, "absent"),
        place(kind("apps", "v1", "Nothing", "nothings"), name, "absent"),
        place(kind("", "v1", "Namespace", "namespaces"), "", "no-such"),
    ] {
        assert_eq!(get(&connection, absent.clone()).unwrap(), None, "{absent:?}");
    }
    let failure = get(&connect(&served.user()), place(config_map(), name, "here")).unwrap_err();
    assert_eq!(failure.reason(), Some(&Reason::Forbidden));
    assert_eq!(
        failure.to_string(),
        format!("get ConfigMap {name}/here: a permission is missing (403)")
    );
}

#[test]
fn the_permissions_that_are_missing_are_named() {
    let served = cluster();
    let (namespace, other) = (served.namespace("rights"), served.namespace("rights"));
    let user = served.user();
    let rules = json!([
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "patch"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["web"], "verbs": ["delete"]},
    ]);
    served.grant(&user, Some(namespace.name()), &rules);
    user.client().wait_for(&namespace.path("configmaps/x"), "the grant", |map| map.is_null());
    let permission = |verb, kind, namespace: &str, name: &str| Permission {
        verb,
        kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    let deployment = || kind("apps", "v1", "Deployment", "deployments");
    let granted = [
        permission("get", config_map(), namespace.name(), ""),
        permission("patch", config_map(), namespace.name(), "flags"),
        permission("delete", deployment(), namespace.name(), "web"),
    ];
    let missing = [
        permission("create", config_map(), namespace.name(), ""),
        permission("get", config_map(), other.name(), ""),
        permission("get", config_map(), "", ""),
        permission("delete", deployment(), namespace.name(), ""),
        permission("delete", deployment(), namespace.name(), "other"),
        permission("get", kind("", "v1", "Namespace", "namespaces"), "", "kube-system"),
    ];
    let connection = connect(&user);
    let (asked, all) = (connection.clone(), [&granted[..], &missing[..]].concat());
    let lacking = connection.run(async move { asked.lacking(all).await }).unwrap().unwrap();
    assert_eq!(lacking, missing);
}
