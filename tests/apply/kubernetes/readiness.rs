//! When an object is ready: each kind that has a rule of its own, both ways.

use std::time::Duration;

use countersign::apply::kubernetes::{Readiness, readiness};
use serde_json::{Value, json};

/// What is expected of an object.
#[derive(Debug)]
enum Is {
    Ready,
    Silent,
    Waiting(&'static str),
    Failed(&'static str),
}

fn condition(kind: &str, status: &str, reason: &str) -> Value {
    json!([{"type": kind, "status": status, "reason": reason, "message": ""}])
}

fn object(api: &str, kind: &str, spec: Value, status: Value) -> Value {
    json!({
        "apiVersion": api, "kind": kind, "metadata": {"name": "x", "generation": 2},
        "spec": spec, "status": status,
    })
}

fn deployment(spec: Value, status: Value) -> Value {
    object("apps/v1", "Deployment", spec, status)
}

/// A rolled-out workload of three, with some members otherwise.
fn three(other: Value) -> Value {
    let mut status = json!({
        "observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3,
        "availableReplicas": 3, "currentReplicas": 3, "fullyLabeledReplicas": 3,
        "currentRevision": "b", "updateRevision": "b",
        "conditions": condition("Available", "True", ""),
    });
    for (member, value) in other.as_object().unwrap() {
        status[member] = value.clone();
    }
    status
}

fn check(cases: Vec<(&str, Value, Is)>) {
    check_after(Duration::ZERO, cases);
}

#[track_caller]
fn check_after(waited: Duration, cases: Vec<(&str, Value, Is)>) {
    for (what, object, expected) in cases {
        let found = readiness(&object, waited);
        let same = match (&found, &expected) {
            (Readiness::Ready, Is::Ready) | (Readiness::Silent, Is::Silent) => true,
            (Readiness::Waiting(why), Is::Waiting(part))
            | (Readiness::Failed(why), Is::Failed(part)) => why.contains(part),
            _ => false,
        };
        assert!(same, "{what}: {found:?}, not {expected:?}");
    }
}

#[test]
fn a_deployment_is_ready_once_every_replica_is_new_and_available() {
    let spec = || json!({"replicas": 3});
    check(vec![
        ("rolled out", deployment(spec(), three(json!({}))), Is::Ready),
        ("unseen", deployment(spec(), json!({})), Is::Waiting("not seen it yet")),
        (
            "an older version seen",
            deployment(spec(), three(json!({"observedGeneration": 1}))),
            Is::Waiting("not seen this version"),
        ),
        (
            "half updated",
            deployment(spec(), three(json!({"updatedReplicas": 1}))),
            Is::Waiting("1 of 3 replicas are updated"),
        ),
        ("old ones", deployment(spec(), three(json!({"replicas": 4}))), Is::Waiting("1 old")),
        (
            "not available",
            deployment(spec(), three(json!({"availableReplicas": 1}))),
            Is::Waiting("1 of 3 replicas are available"),
        ),
        (
            "said to be unavailable",
            deployment(spec(), three(json!({"conditions": condition("Available", "False", "")}))),
            Is::Waiting("Available is False"),
        ),
        (
            "stuck",
            deployment(
                spec(),
                three(json!({
                    "updatedReplicas": 1,
                    "conditions": condition("Progressing", "False", "ProgressDeadlineExceeded"),
                })),
            ),
            Is::Failed("ProgressDeadlineExceeded"),
        ),
        ("none", deployment(json!({"replicas": 0}), json!({"observedGeneration": 2})), Is::Ready),
        (
            "one by default",
            deployment(json!({}), json!({"observedGeneration": 2})),
            Is::Waiting("0 of 1 replica is updated"),
        ),
        (
            "paused",
            deployment(json!({"replicas": 3, "paused": true}), json!({"observedGeneration": 2})),
            Is::Ready,
        ),
    ]);
}

#[test]
fn a_stateful_set_is_ready_as_far_as_its_strategy_rolls_it() {
    let set = |spec, status| object("apps/v1", "StatefulSet", spec, status);
    let spec = || json!({"replicas": 3, "updateStrategy": {"type": "RollingUpdate"}});
    let kept = || json!({"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}});
    let by_hand = || json!({"replicas": 3, "updateStrategy": {"type": "OnDelete"}});
    check(vec![
        ("rolled out", set(spec(), three(json!({}))), Is::Ready),
        ("unseen", set(spec(), json!({})), Is::Waiting("not seen it yet")),
        ("two there", set(spec(), three(json!({"replicas": 2}))), Is::Waiting("2 of 3")),
        ("two ready", set(spec(), three(json!({"readyReplicas": 2}))), Is::Waiting("are ready")),
        (
            "two updated",
            set(spec(), three(json!({"updatedReplicas": 2}))),
            Is::Waiting("2 of 3 replicas are updated"),
        ),
        (
            "the old revision",
            set(spec(), three(json!({"currentRevision": "a"}))),
            Is::Waiting("revision"),
        ),
        ("too many", set(spec(), three(json!({"replicas": 4}))), Is::Waiting("still to go")),
        (
            "a part of it",
            set(kept(), three(json!({"updatedReplicas": 1, "currentRevision": "a"}))),
            Is::Ready,
        ),
        (
            "not even a part",
            set(kept(), three(json!({"updatedReplicas": 0, "currentRevision": "a"}))),
            Is::Waiting("0 of 1"),
        ),
        (
            "by hand",
            set(by_hand(), three(json!({"updatedReplicas": 0, "currentRevision": "a"}))),
            Is::Ready,
        ),
    ]);
}

#[test]
fn the_other_workloads_have_rules_of_their_own() {
    let daemons = |status| object("apps/v1", "DaemonSet", json!({}), status);
    let on = |updated: u64, available: u64| {
        daemons(json!({
            "observedGeneration": 2, "desiredNumberScheduled": 2,
            "updatedNumberScheduled": updated, "numberAvailable": available,
        }))
    };
    let set = |status| object("apps/v1", "ReplicaSet", json!({"replicas": 3}), status);
    let job = |spec, conditions: Value| {
        object("batch/v1", "Job", spec, json!({"succeeded": 1, "conditions": conditions}))
    };
    let wants = || json!({"completions": 2});
    check(vec![
        ("daemons on every node", on(2, 2), Is::Ready),
        ("daemons unseen", daemons(json!({})), Is::Waiting("not seen it yet")),
        ("one old daemon", on(1, 2), Is::Waiting("1 of 2 replicas are updated")),
        ("one daemon missing", on(2, 1), Is::Waiting("1 of 2 replicas are available")),
        ("a replica set", set(three(json!({}))), Is::Ready),
        ("not ready", set(three(json!({"readyReplicas": 1}))), Is::Waiting("1 of 3")),
        (
            "no quota for it",
            set(three(json!({"conditions": condition("ReplicaFailure", "True", "FailedCreate")}))),
            Is::Failed("FailedCreate"),
        ),
        ("a job that is done", job(wants(), condition("Complete", "True", "")), Is::Ready),
        ("one that runs", job(wants(), json!([])), Is::Waiting("1 of 2 completions")),
        (
            "one that failed",
            job(wants(), condition("Failed", "True", "BackoffLimitExceeded")),
            Is::Failed("BackoffLimitExceeded"),
        ),
        ("one that is not to run", job(json!({"suspend": true}), json!([])), Is::Silent),
        ("a cron job", object("batch/v1", "CronJob", json!({}), json!({})), Is::Silent),
    ]);
}

#[test]
fn a_pod_that_cannot_start_has_failed_after_a_minute() {
    let pod = |status| object("v1", "Pod", json!({}), status);
    let stuck = |reason: &str| {
        pod(json!({
            "phase": "Pending", "conditions": condition("Ready", "False", "ContainersNotReady"),
            "containerStatuses": [{"name": "web", "state": {"waiting": {"reason": reason}}}],
        }))
    };
    check(vec![
        (
            "running",
            pod(json!({"phase": "Running", "conditions": condition("Ready", "True", "")})),
            Is::Ready,
        ),
        ("done", pod(json!({"phase": "Succeeded"})), Is::Ready),
        ("failed", pod(json!({"phase": "Failed", "reason": "Evicted"})), Is::Failed("Evicted")),
        ("pulling", stuck("ImagePullBackOff"), Is::Waiting("container web waits: ImagePull")),
        ("crashing", stuck("CrashLoopBackOff"), Is::Waiting("CrashLoopBackOff")),
        ("a name that is none", stuck("InvalidImageName"), Is::Failed("InvalidImageName")),
        ("new", pod(json!({})), Is::Waiting("Ready is not reported")),
    ]);
    check_after(
        Duration::from_secs(60),
        vec![
            ("pulling", stuck("ImagePullBackOff"), Is::Failed("ImagePullBackOff")),
            ("crashing", stuck("CrashLoopBackOff"), Is::Failed("CrashLoopBackOff")),
            ("creating", stuck("ContainerCreating"), Is::Waiting("ContainerCreating")),
        ],
    );
}

#[test]
fn services_claims_and_namespaces_are_ready_when_they_can_be_used() {
    let service = |spec, status| object("v1", "Service", spec, status);
    let claim =
        |phase: &str| object("v1", "PersistentVolumeClaim", json!({}), json!({"phase": phase}));
    let mut provisioned = claim("Pending");
    provisioned["metadata"]["annotations"] =
        json!({"volume.kubernetes.io/storage-provisioner": "example.invalid/disks"});
    let balanced = || json!({"type": "LoadBalancer", "clusterIP": "10.0.0.1"});
    let space = |phase: &str| object("v1", "Namespace", json!({}), json!({"phase": phase}));
    check(vec![
        ("in the cluster", service(json!({"clusterIP": "10.0.0.1"}), json!({})), Is::Ready),
        ("headless", service(json!({"clusterIP": "None"}), json!({})), Is::Ready),
        ("elsewhere", service(json!({"type": "ExternalName"}), json!({})), Is::Ready),
        ("without address", service(json!({}), json!({})), Is::Waiting("no address in")),
        (
            "balanced",
            service(balanced(), json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}})),
            Is::Ready,
        ),
        ("to be balanced", service(balanced(), json!({})), Is::Waiting("load balancer")),
        ("bound", claim("Bound"), Is::Ready),
        ("lost", claim("Lost"), Is::Failed("lost its volume")),
        ("new", claim("Pending"), Is::Waiting("not bound")),
        ("active", space("Active"), Is::Ready),
        ("ending", space("Terminating"), Is::Failed("deleted")),
    ]);
    check_after(
        Duration::from_secs(5),
        vec![
            ("waits for its consumer", claim("Pending"), Is::Silent),
            ("is being provisioned", provisioned, Is::Waiting("not bound")),
        ],
    );
}

#[test]
fn what_the_cluster_serves_and_guards_by_is_ready_when_it_says_so() {
    let budget = |pods: u64, healthy: u64| {
        let status = json!({
            "observedGeneration": 2, "expectedPods": pods, "desiredHealthy": 2,
            "currentHealthy": healthy,
        });
        object("policy/v1", "PodDisruptionBudget", json!({}), status)
    };
    let definition = |conditions: Value| {
        let kind = "CustomResourceDefinition";
        object("apiextensions.k8s.io/v1", kind, json!({}), json!({"conditions": conditions}))
    };
    let served = |status: &str| {
        let status = json!({"conditions": condition("Available", status, "ServiceNotFound")});
        object("apiregistration.k8s.io/v1", "APIService", json!({}), status)
    };
    let scaler = |conditions: Value| {
        let status = json!({"conditions": conditions});
        object("autoscaling/v2", "HorizontalPodAutoscaler", json!({}), status)
    };
    let both = json!([
        {"type": "NamesAccepted", "status": "True"}, {"type": "Established", "status": "True"}]);
    check(vec![
        ("pods are healthy", budget(3, 2), Is::Ready),
        ("pods are not", budget(3, 1), Is::Waiting("1 of 2 pods are healthy")),
        ("no pods yet", budget(0, 0), Is::Ready),
        ("a definition", definition(both), Is::Ready),
        (
            "not established",
            definition(condition("NamesAccepted", "True", "")),
            Is::Waiting("Established is not reported"),
        ),
        ("a new one", definition(json!([])), Is::Waiting("NamesAccepted")),
        (
            "a name that is taken",
            definition(condition("NamesAccepted", "False", "KindConflict")),
            Is::Failed("KindConflict"),
        ),
        ("served elsewhere", served("True"), Is::Ready),
        ("by nobody", served("False"), Is::Waiting("ServiceNotFound")),
        ("can scale", scaler(condition("AbleToScale", "True", "")), Is::Ready),
        (
            "cannot",
            scaler(condition("AbleToScale", "False", "FailedGet")),
            Is::Waiting("FailedGet"),
        ),
        ("says nothing", scaler(json!([])), Is::Silent),
    ]);
}

#[test]
fn any_other_kind_is_taken_by_what_kinds_say_by_convention() {
    let thing = |status| object("example.org/v1", "Thing", json!({}), status);
    let mut ending = thing(json!({"conditions": condition("Ready", "True", "")}));
    ending["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    check(vec![
        ("ready", thing(json!({"conditions": condition("Ready", "True", "")})), Is::Ready),
        (
            "ready in an older version",
            thing(json!({"observedGeneration": 1, "conditions": condition("Ready", "True", "")})),
            Is::Waiting("not seen this version"),
        ),
        (
            "not ready",
            thing(json!({"conditions": condition("Ready", "False", "NoQuota")})),
            Is::Waiting("NoQuota"),
        ),
        (
            "at work",
            thing(json!({"conditions": condition("Reconciling", "True", "")})),
            Is::Waiting("Reconciling"),
        ),
        (
            "stuck",
            thing(json!({"conditions": condition("Stalled", "True", "Bad")})),
            Is::Failed("Bad"),
        ),
        ("says nothing", thing(json!({})), Is::Silent),
        ("going", ending, Is::Failed("being deleted")),
    ]);
}
