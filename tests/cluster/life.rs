//! The cluster itself: it runs what it is given, says what was sent to it, and ends with whoever
//! started it.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::cluster::client::{APPLY, JSON};
use crate::support::cluster::{Cluster, cluster};
use crate::support::killed::{child, folder};

#[test]
fn its_version_is_the_one_that_is_built() {
    let version = cluster().admin().read("/version");
    assert_eq!(version["gitVersion"], "v1.36.3");
    assert_eq!((&version["major"], &version["minor"]), (&json!("1"), &json!("36")));
}

#[test]
fn a_deployment_becomes_available_on_a_node_that_runs_nothing() {
    let cluster = cluster();
    let namespace = cluster.namespace("life");
    let admin = cluster.admin();
    let labels = json!({"app": "web"});
    let deployment = admin.apply(&json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace.name()},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "web", "image": "example.invalid/web:1"}]},
        }},
    }));
    assert_eq!(deployment["metadata"]["generation"], 1);
    let path = namespace.path_of("apps/v1", "deployments/web");
    admin.wait_for(&path, "two replicas", |web| web["status"]["availableReplicas"] == 2);
    admin.delete(&path, &json!({"propagationPolicy": "Foreground"}));
    admin.wait_for(&path, "gone with its pods", |web| web.is_null());
}

#[test]
fn a_user_may_do_what_was_granted_and_the_log_says_what_was_sent() {
    let cluster = cluster();
    let namespace = cluster.namespace("rights");
    let user = cluster.user();
    let mark = cluster.mark();
    let path = namespace.path("configmaps");
    let (status, answer) = user.client().get(&path);
    assert_eq!((status, &answer["reason"]), (403, &json!("Forbidden")));
    let verbs = ["get", "list", "create", "patch", "delete"];
    let rules = json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs}]);
    cluster.grant(&user, Some(namespace.name()), &rules);
    user.client().wait_for(&path, "the grant", |list| list["items"].is_array());
    let one = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"a": "1"},
    });
    let rehearsed = format!("{path}/one?fieldManager=test&dryRun=All");
    for client in [user.client(), user.by_certificate().client()] {
        assert_eq!(client.patch(&rehearsed, APPLY, &one).0, 201);
    }
    assert_eq!(user.client().post(&path, &one).0, 201);
    let one = format!("{path}/one");
    assert_eq!(user.client().delete(&one, &json!({"dryRun": ["All"]})).0, 200);
    assert_eq!(user.client().delete(&format!("{one}?dryRun=All"), &json!(null)).0, 200);
    // The query is not looked at where there is a body.
    assert_eq!(user.client().delete(&format!("{one}?dryRun=All"), &json!({})).0, 200);
    assert_eq!(user.client().delete(&one, &json!(null)).0, 404);
    let events = cluster.audit(user.name(), mark);
    let said: Vec<_> = events
        .iter()
        .map(|event| (event.verb.as_str(), event.name.as_str(), event.code, event.dry_run))
        .collect();
    assert_eq!(
        said,
        [
            ("patch", "one", 201, true),
            ("patch", "one", 201, true),
            ("create", "one", 201, false),
            ("delete", "one", 200, true),
            ("delete", "one", 200, true),
            ("delete", "one", 200, false),
            ("delete", "one", 404, false),
        ]
    );
    assert!(events.iter().all(|event| event.resource == "configmaps"));
    assert!(events.iter().all(|event| event.namespace == namespace.name()));
    let writes: Vec<_> =
        cluster.writes(user.name(), mark).into_iter().map(|event| event.verb).collect();
    assert_eq!(writes, ["create", "delete", "delete"]);
    assert!(cluster.audit(user.name(), cluster.mark()).is_empty());
}

#[test]
fn a_review_of_ones_own_rights_is_no_write() {
    let cluster = cluster();
    let user = cluster.user();
    let mark = cluster.mark();
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": "list", "resource": "secrets"}},
    });
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let (status, answer) = user.client().post(path, &review);
    assert_eq!((status, &answer["status"]["allowed"]), (201, &json!(false)));
    assert_eq!(cluster.audit(user.name(), mark).len(), 1);
    assert!(cluster.writes(user.name(), mark).is_empty());
}

#[test]
fn a_kubeconfig_says_where_and_who() {
    let cluster = cluster();
    let folder = tempfile::tempdir().unwrap();
    let user = cluster.user();
    let token = user.token().to_owned();
    for user in [user.by_certificate(), user] {
        let path = user.kubeconfig(folder.path());
        let config: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(config["current-context"], "prod");
        let server = &config["clusters"][0]["cluster"];
        assert_eq!(server["server"], cluster.server());
        let ca = STANDARD.decode(server["certificate-authority-data"].as_str().unwrap()).unwrap();
        assert_eq!(ca, cluster.ca_pem().as_bytes());
        let shown = &config["users"][0]["user"];
        assert!(shown["token"] == token || shown["client-key-data"].is_string());
        let (status, who) = user.client().post(
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            &json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}),
        );
        assert_eq!(status, 201);
        assert_eq!(who["status"]["userInfo"]["username"], user.name());
    }
    let proxy = cluster.proxy();
    let path = cluster.user().kubeconfig_by(folder.path(), &proxy);
    let said = std::fs::read_to_string(path).unwrap();
    assert!(said.contains(&format!("https://{}", proxy.address())), "{said}");
}

#[test]
fn a_restarted_api_server_has_the_same_address_and_data() {
    let cluster = Cluster::alone();
    let (uid, address) = (cluster.uid(), cluster.address());
    let namespace = cluster.namespace("before");
    let mark = cluster.mark();
    cluster.restart_api_server();
    assert_eq!((cluster.uid(), cluster.address()), (uid, address));
    cluster.admin().read(&format!("/api/v1/namespaces/{}", namespace.name()));
    cluster.namespace("after");
    assert_eq!(cluster.writes("admin", mark).len(), 1);
    let data = cluster.folder().to_owned();
    drop(cluster);
    assert!(!data.exists());
}

const CHILD: &str = "cluster::life::child_starts_a_cluster";

#[test]
#[ignore = "run by the tests of this file"]
fn child_starts_a_cluster() {
    let cluster = Cluster::alone();
    let here = folder().join("folder");
    std::fs::write(folder().join("wrote"), cluster.folder().to_str().unwrap()).unwrap();
    std::fs::rename(folder().join("wrote"), here).unwrap();
    std::thread::sleep(Duration::from_secs(600));
}

#[test]
fn a_cluster_ends_when_its_starter_is_killed() {
    let own = tempfile::tempdir().unwrap();
    let mut starter = child(CHILD, own.path()).spawn().unwrap();
    let until = |what: &str, is_so: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < Duration::from_secs(90), "{what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let said = own.path().join("folder");
    until("the cluster never started", &|| said.exists());
    let data = PathBuf::from(std::fs::read_to_string(said).unwrap());
    let running = || {
        let listed = Command::new("ps").args(["-A", "-o", "args"]).stderr(Stdio::null()).output();
        let listed = String::from_utf8_lossy(&listed.unwrap().stdout).into_owned();
        listed.lines().filter(|line| line.contains(data.to_str().unwrap())).count()
    };
    assert_eq!(running(), 2);
    starter.kill().unwrap();
    starter.wait().unwrap();
    until("the data stayed", &|| !data.exists());
    assert_eq!(running(), 0);
}

#[test]
fn a_child_finds_the_cluster_of_its_parent() {
    let uid = cluster().uid();
    let own = tempfile::tempdir().unwrap();
    std::fs::write(own.path().join("uid"), &uid).unwrap();
    let status = child("cluster::life::child_uses_the_cluster", own.path()).status().unwrap();
    assert!(status.success(), "{status}");
}

#[test]
#[ignore = "run by the tests of this file"]
fn child_uses_the_cluster() {
    assert_eq!(cluster().uid(), std::fs::read_to_string(folder().join("uid")).unwrap());
    let answer = cluster().admin().send("GET", "/readyz", JSON, b"").unwrap();
    assert_eq!(answer.body, b"ok");
}
