//! Between plan and apply, something changes that the plan does not touch, and that its reach rests
//! on.

use serde_json::{Value, json};

use super::Behind;
use crate::cli::kube_project::KubeProject;
use crate::support::cluster::client::{MERGE, path};
use crate::support::cluster::random;

#[test]
fn an_ingress_that_now_leads_to_a_service_that_goes_is_named() {
    let behind = Behind(KubeProject::new());
    let service = behind.object(
        "v1",
        "Service",
        "web",
        &json!({"spec": {
            "selector": {"app": "web"}, "ports": [{"port": 80}],
        }}),
    );
    behind.ours(&service);
    behind.ours(&behind.deployment("web", "example.invalid/web:1"));
    behind.approved(&json!([behind.deletion("v1", "Service", "web")]));
    let ingress = behind.object(
        "networking.k8s.io/v1",
        "Ingress",
        "web",
        &json!({"spec": {
            "defaultBackend": {"service": {"name": "web", "port": {"number": 80}}},
        }}),
    );
    behind.theirs(&ingress);
    let reach = format!("it would reach networking.k8s.io/Ingress/{}/web too", behind.name());
    behind.refuses(13, &["[plan_stale]", &reach]);
    assert_eq!(behind.admin().read(&path(&service))["spec"]["selector"], json!({"app": "web"}));
    // Whatever else comes and goes there is none of the plan's business.
    behind.gone(&ingress);
    behind.theirs(&behind.map("other", &json!({"a": "1"})));
    behind.apply().exits(0);
    assert_eq!(behind.admin().get(&path(&service)).0, 404);
}

#[test]
fn a_volume_that_is_no_longer_kept_makes_a_deletion_another_one() {
    let behind = Behind(KubeProject::new());
    let name = format!("behind-{}", random());
    let volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain", "storageClassName": name,
            "hostPath": {"path": "/nowhere"},
            "claimRef": {"namespace": behind.name(), "name": "data"},
        },
    });
    behind.admin().apply(&volume);
    let claim = behind.object(
        "v1",
        "PersistentVolumeClaim",
        "data",
        &json!({"spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": name, "volumeName": name,
            "resources": {"requests": {"storage": "1Gi"}},
        }}),
    );
    behind.ours(&claim);
    behind.admin().wait_for(&path(&claim), "bound", |claim| claim["status"]["phase"] == "Bound");
    behind.approved(&json!([behind.deletion("v1", "PersistentVolumeClaim", "data")]));
    let policy = json!({"spec": {"persistentVolumeReclaimPolicy": "Delete"}});
    assert_eq!(behind.admin().patch(&path(&volume), MERGE, &policy).0, 200);
    let class =
        format!("PersistentVolumeClaim {}/data: its class is data-loss, was", behind.name());
    behind.refuses(13, &["[plan_stale]", &class]);
    assert_eq!(behind.admin().read(&path(&claim))["metadata"]["deletionTimestamp"], Value::Null);
}
