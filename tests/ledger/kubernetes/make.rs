//! A ledger is made only where it can be kept, and found only in the cluster that is meant.

use std::time::Duration;

use countersign::document::statement::Outcome;
use countersign::ledger::store::Along;
use countersign::remote::kubernetes::{self as remote, Access};

use super::*;
use crate::support::cluster::client::Client;
use crate::support::cluster::ledger::allowed;
use crate::support::cluster::random;

/// A name that no namespace has.
fn absent() -> String {
    format!("ledger-{}", random())
}

fn exists(admin: &Client, namespace: &str) -> bool {
    admin.get(&format!("/api/v1/namespaces/{namespace}")).0 == 200
}

#[test]
fn a_namespace_is_proved_and_keeps_only_the_probe() {
    let ground = Ground::new();
    let mark = cluster().mark();
    let store = ground.store();
    let proof = store.make([7; 16]).unwrap();
    assert_eq!(proof.place, store.place());
    let left = format!("ConfigMap {}/probe.{}", ground.namespace.name(), "07".repeat(16));
    assert_eq!(proof.left, Some(left));
    assert!(proof.to_string().contains("it let one through"), "{proof}");
    for event in cluster().writes(ground.user.name(), mark) {
        assert!(["create", "update"].contains(&event.verb.as_str()), "{event:?}");
        assert_eq!(event.namespace, ground.namespace.name());
    }
    assert_eq!(store.place(), ground.location.place());
}

#[test]
fn a_namespace_that_is_missing_is_made_by_whoever_may() {
    let folder = tempfile::tempdir().unwrap();
    let admin = cluster().administrator();
    let namespace = absent();
    let location = location(admin.kubeconfig(folder.path()), &namespace);
    let opened = Ledger::open(home(&location), &label("shop"));
    assert!(matches!(opened, Err(LedgerError::Missing(_))), "{opened:?}");
    let created = Ledger::create(home(&location), &label("shop"), id(1), now());
    assert!(matches!(created, Err(LedgerError::Missing(_))), "an apply makes none: {created:?}");
    assert!(!exists(&admin.client(), &namespace));
    Namespace::open(&location).unwrap().make([7; 16]).unwrap();
    Ledger::create(home(&location), &label("shop"), id(1), now()).unwrap();
    Namespace::open(&location).unwrap().make([8; 16]).unwrap();
    Ledger::open(home(&location), &label("shop")).unwrap();
}

#[test]
fn whoever_lacks_a_right_is_told_which_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (namespace, user) = (cluster().namespace("ledger"), cluster().user());
    let location = location(user.kubeconfig(folder.path()), namespace.name());
    // Not even which cluster it is may be asked.
    let error = Namespace::open(&location).unwrap_err();
    assert!(matches!(reason(&error), NamespaceError::Forbidden { .. }), "{error:?}");
    let identity = json!([{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}]);
    cluster().grant(&user, Some("kube-system"), &identity);
    allowed(&user, "/api/v1/namespaces/kube-system");
    let some = json!([
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "create"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"],
         "verbs": ["get", "list", "update"]},
    ]);
    cluster().grant(&user, Some(namespace.name()), &some);
    allowed(&user, &namespace.path("configmaps"));
    let mark = cluster().mark();
    let error = Namespace::open(&location).unwrap().make([7; 16]).unwrap_err();
    assert!(matches!(reason(&error), NamespaceError::Rights { .. }), "{error:?}");
    let lacks = "may not update configmaps, create leases in namespace";
    assert!(said(&error).contains(lacks), "{}", said(&error));
    assert!(cluster().writes(user.name(), mark).is_empty());
    // With all of them in a namespace that is not there, which this user may not make.
    let everywhere = json!([
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["*"]},
    ]);
    cluster().grant(&user, None, &everywhere);
    allowed(&user, "/api/v1/configmaps");
    let namespace = absent();
    let location = Location { namespace: namespace.clone(), ..location };
    let error = Namespace::open(&location).unwrap().make([7; 16]).unwrap_err();
    assert!(matches!(reason(&error), NamespaceError::Absent(_)), "{error:?}");
    assert!(said(&error).contains(&format!("`kubectl create namespace {namespace}`")));
    assert!(!exists(&cluster().admin(), &namespace));
}

#[test]
fn another_cluster_or_authority_is_not_asked_for_a_ledger() {
    let ground = Ground::new();
    Ledger::create(ground.home(), &label("shop"), id(1), now()).unwrap();
    let cluster = "00000000-0000-4000-8000-000000000000".to_owned();
    let error = Namespace::open(&Location { cluster, ..ground.location.clone() }).unwrap_err();
    assert!(matches!(reason(&error), NamespaceError::Cluster { .. }), "{error:?}");
    assert!(said(&error).contains("context \"prod\" leads to cluster"), "{}", said(&error));
    let ca = format!("sha256:{}", "0".repeat(64));
    let error = Namespace::open(&Location { ca, ..ground.location.clone() }).unwrap_err();
    assert!(matches!(reason(&error), NamespaceError::Connect(_)), "{error:?}");
    let mut location = ground.location.clone();
    location.access.context = "other".to_owned();
    let error = Namespace::open(&location).unwrap_err();
    assert!(said(&error).contains("there are"), "{}", said(&error));
}

/// The rights of its users were in it. Whoever has more rights is told that it is missing.
#[test]
fn a_ledger_whose_namespace_was_deleted_is_refused_by_everybody() {
    let ground = Ground::new();
    let ledger = Ledger::create(ground.home(), &label("shop"), id(1), now()).unwrap();
    let lock = locked(&ledger, "main", plan("a"), false);
    let admin = cluster().admin();
    let path = format!("/api/v1/namespaces/{}", ground.namespace.name());
    assert_eq!(admin.delete(&path, &Value::Null).0, 200);
    admin.wait_for(&path, "the namespace is gone", Value::is_null);
    let spent = spend(&ledger, lock, &ids(&[10]), id(100), false).map(drop);
    assert!(matches!(spent, Err(LedgerError::Unusable { .. })), "{spent:?}");
    let opened = Ledger::open(ground.home(), &label("shop"));
    let Err(error @ LedgerError::Unusable { .. }) = &opened else { panic!("{opened:?}") };
    let said = causes::line(error);
    assert!(said.contains("gone with it if that was deleted"), "{said}");
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = cluster().administrator().kubeconfig(folder.path());
    let location = location(kubeconfig, ground.namespace.name());
    let opened = Ledger::open(home(&location), &label("shop"));
    assert!(matches!(opened, Err(LedgerError::Missing(_))), "{opened:?}");
    // Made anew, it knows nothing of what was locked, and the old holder is refused.
    let body = json!({"apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": ground.namespace.name()}});
    admin.wait_for(&path, "the namespace is gone", Value::is_null);
    assert_eq!(admin.post("/api/v1/namespaces", &body).0, 201);
    grant(cluster(), ground.namespace.name(), &ground.user);
    let anew = Ledger::create(ground.home(), &label("shop"), id(2), now()).unwrap();
    let holder = locked(&anew, "main", plan("a"), false);
    let begun = spend(&anew, holder, &ids(&[10]), id(101), false).unwrap();
    drop(begun);
}

#[test]
fn a_rule_of_the_cluster_that_says_no_is_quoted() {
    let ground = Ground::new();
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "few", "namespace": ground.namespace.name()},
        "spec": {"hard": {"count/configmaps": "1"}},
    });
    cluster().admin().apply(&quota);
    let path = format!("{}/few", ground.namespace.path("resourcequotas"));
    cluster().admin().wait_for(&path, "the quota counts", |quota| {
        quota["status"]["used"]["count/configmaps"] == "1"
    });
    let error = ground.store().make([7; 16]).unwrap_err();
    assert!(matches!(reason(&error), NamespaceError::Denied { .. }), "{error:?}");
    assert!(said(&error).contains("exceeded quota: few"), "{}", said(&error));
}

#[test]
fn a_change_that_goes_with_a_branch_is_refused_before_anything_is_written() {
    let ground = Ground::new();
    let along = Along { branch: "main".to_owned(), from: "0".repeat(40), to: "1".repeat(40) };
    let change = Change { along: Some(along), ..Change::of("Both", put("plan/a", b"1")) };
    match ground.store().write(&change) {
        Err(StoreError::Branch { branch, .. }) => assert_eq!(branch, "main"),
        other => panic!("{other:?}"),
    }
    assert!(read(&ground.home(), &name("plan/a")).is_none());
}

/// Rights are taken away between the lock and the spend: nothing is spent, and the lock stays.
#[test]
fn a_right_that_is_taken_away_midway_spends_nothing() {
    let ground = Ground::new();
    let ledger = Ledger::create(ground.home(), &label("shop"), id(1), now()).unwrap();
    let lock = locked(&ledger, "main", plan("a"), false);
    let bindings = ground.namespace.path_of("rbac.authorization.k8s.io/v1", "rolebindings");
    assert_eq!(cluster().admin().delete(&bindings, &Value::Null).0, 200);
    let path = ground.namespace.path("configmaps");
    ground.user.client().wait_for(&path, "the right is gone", |answer| answer["code"] == 403);
    let mark = cluster().mark();
    let spent = spend(&ledger, lock, &ids(&[10]), id(100), false).map(drop);
    let Err(error @ LedgerError::Unusable { .. }) = &spent else { panic!("{spent:?}") };
    assert!(causes::line(error).contains("lacks a right"), "{}", causes::line(error));
    let done = cluster().writes(ground.user.name(), mark);
    assert!(done.iter().all(|event| event.code == 403), "{done:?}");
    grant(cluster(), ground.namespace.name(), &ground.user);
    let ledger = Ledger::open(ground.home(), &label("shop")).unwrap();
    assert!(ledger.rounds(plan("a")).unwrap().is_empty());
    let lock = locked(&ledger, "main", plan("a"), false);
    spend(&ledger, lock, &ids(&[10]), id(101), false).unwrap();
}

/// Somebody's rule rewrites what is written: it is never taken for what was to be written.
#[test]
fn a_policy_that_changes_records_makes_no_ledger() {
    let ground = Ground::new();
    let home = ground.home();
    let (name_of_policy, admission) =
        (format!("rewrites-{}", random()), "admissionregistration.k8s.io/v1");
    let only = json!({"matchLabels": {"kubernetes.io/metadata.name": ground.namespace.name()}});
    cluster().admin().apply(&json!({
        "apiVersion": admission, "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": name_of_policy},
        "spec": {
            "reinvocationPolicy": "Never",
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [{
                "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
                "resources": ["configmaps"],
            }]},
            "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {
                "expression": "Object{data: {'record': 'rewritten'}}",
            }}],
        },
    }));
    cluster().admin().apply(&json!({
        "apiVersion": admission, "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": name_of_policy},
        "spec": {"policyName": name_of_policy, "matchResources": {"namespaceSelector": only}},
    }));
    let begun = std::time::Instant::now();
    let mut number = 0;
    let refused = loop {
        number += 1;
        match write(&home, &name(&format!("plan/{number}")), b"{}", None) {
            Ok(_) => assert!(begun.elapsed().as_secs() < 30, "the policy is not in force"),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, StoreError::Conflict(_)), "{refused:?}");
    let proved = ground.store().make([7; 16]);
    assert!(matches!(proved, Err(StoreError::Unusable { .. })), "{proved:?}");
    assert!(Ledger::create(home, &label("shop"), id(1), now()).is_err());
}

/// The API server ends and comes back while an apply is at work.
#[test]
fn an_api_server_that_is_started_again_costs_no_apply() {
    let served = cluster::Cluster::alone();
    let folder = tempfile::tempdir().unwrap();
    let access = Access {
        kubeconfig: vec![served.administrator().kubeconfig(folder.path())],
        context: "prod".to_owned(),
        patience: Duration::from_secs(60),
        proxies: remote::Proxies::default(),
    };
    let connection = remote::Cluster::connect(&access, None).unwrap();
    let asked = connection.clone();
    let identity = connection.run(async move { asked.identity().await }).unwrap().unwrap();
    let location = Location {
        access,
        cluster: identity.uid,
        ca: identity.ca_spki,
        namespace: "default".to_owned(),
        lease: Duration::from_secs(120),
    };
    let ledger = Ledger::create(home(&location), &label("shop"), id(1), now()).unwrap();
    let lock = locked(&ledger, "main", plan("a"), false);
    let spent = spend(&ledger, lock, &ids(&[10]), id(100), false).unwrap();
    std::thread::scope(|scope| {
        let restarted = scope.spawn(|| served.restart_api_server());
        let mut begun = 0;
        while !restarted.is_finished() || begun < 3 {
            ledger.begin(&spent, &format!("{begun}.yaml"), None, None).unwrap();
            begun += 1;
        }
        assert_eq!(ledger.journal_lines(&id(100)).unwrap().len(), begun);
    });
    finish(&ledger, spent, Outcome::Applied).unwrap();
    assert!(ledger.locks().unwrap().is_empty());
}
