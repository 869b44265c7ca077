//! Sections B4 and B5: storage, authorization and identity.

use serde_json::json;

use super::rows::Do::{Create, Delete, Set};
use super::rows::{core, object, rows};
use super::trial::{Trial, shown};

#[test]
fn b4_storage() {
    let storage = "storage.k8s.io/v1";
    rows(
        "B4",
        &core(
            "PersistentVolumeClaim",
            "shop",
            json!({"spec": {"resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "fast"}}),
        ),
        vec![
            (Create, "A!", "."),
            (Set("/spec/volumeAttributesClassName", json!("gold")), "R~", "."),
            (Set("/spec/storageClassName", json!("slow")), "M!", "."),
            (Set("/metadata/annotations", json!({"x.example/y": "z"})), "R?", "."),
        ],
    );
    rows(
        "B4",
        &core(
            "PersistentVolume",
            "",
            json!({"spec": {"persistentVolumeReclaimPolicy": "Delete", "capacity": {"storage": "1Gi"}, "csi": {"driver": "d"}}}),
        ),
        vec![
            (Create, "A!", "."),
            (Set("/spec/nodeAffinity", json!({"required": {}})), "O~", "."),
            (Set("/spec/mountOptions", json!(["ro"])), "R~", "."),
            (Set("/spec/capacity/storage", json!("2Gi")), "M!", "."),
            (Set("/spec/csi/driver", json!("e")), "D~", "."),
            (Delete, "D~", "irreversible"),
        ],
    );
    rows(
        "B4",
        &core("PersistentVolume", "", json!({"spec": {"hostPath": {"path": "/"}}})),
        vec![(Create, "A!", "host")],
    );
    rows(
        "B4",
        &object(
            storage,
            "StorageClass",
            "",
            json!({"provisioner": "p", "allowVolumeExpansion": true}),
        ),
        vec![
            (Create, "A!", "."),
            (Set("/allowVolumeExpansion", json!(false)), "M!", "."),
            (Set("/provisioner", json!("q")), "R~", "."),
        ],
    );
    rows(
        "B4",
        &object(storage, "VolumeAttributesClass", "", json!({"driverName": "d"})),
        vec![(Set("/driverName", json!("e")), "R~", "."), (Delete, "R~", ".")],
    );
    rows(
        "B4",
        &object(storage, "CSIDriver", "", json!({"spec": {"attachRequired": true}})),
        vec![
            (Set("/spec/podInfoOnMount", json!(true)), "R~", "."),
            (Set("/spec/attachRequired", json!(false)), "O~", "."),
            (Delete, "O~", "."),
        ],
    );
    rows(
        "B4",
        &object(storage, "VolumeAttachment", "", json!({"spec": {"attacher": "a"}})),
        vec![
            (Create, "A!", "."),
            (Set("/spec/attacher", json!("b")), "O~", "."),
            (Delete, "O~", "."),
        ],
    );
    let snapshot = "snapshot.storage.k8s.io/v1";
    rows(
        "B4",
        &object(
            snapshot,
            "VolumeSnapshotContent",
            "",
            json!({"spec": {"deletionPolicy": "Retain"}}),
        ),
        vec![
            (Set("/spec/deletionPolicy", json!("Delete")), "M!", "guard-removed"),
            (Delete, "M!", "."),
        ],
    );
    rows(
        "B4",
        &object(
            snapshot,
            "VolumeSnapshotContent",
            "",
            json!({"spec": {"deletionPolicy": "Delete"}}),
        ),
        vec![(Delete, "D!", ".")],
    );
    rows(
        "B4",
        &object(snapshot, "VolumeSnapshot", "shop", json!({})),
        vec![(Create, "A!", "."), (Delete, "D?", ".")],
    );
    let content = object(
        snapshot,
        "VolumeSnapshotContent",
        "",
        json!({"spec": {"deletionPolicy": "Retain"}}),
    );
    let named = object(
        snapshot,
        "VolumeSnapshot",
        "shop",
        json!({"spec": {"source": {"volumeSnapshotContentName": "x"}}}),
    );
    let kept = Trial::shop()
        .with(content)
        .with(named)
        .delete("snapshot.storage.k8s.io/VolumeSnapshot/shop/x");
    assert_eq!(shown(kept.run().of("snapshot.storage.k8s.io/VolumeSnapshot/shop/x")), "M!");
    let device = "resource.k8s.io/v1";
    rows(
        "B4",
        &object(device, "ResourceClaim", "shop", json!({})),
        vec![(Delete, "R~", "."), (Set("/spec/x", json!(1)), "R~", ".")],
    );
    rows(
        "B4",
        &object(device, "ResourceClaimTemplate", "shop", json!({})),
        vec![(Delete, "M!", ".")],
    );
    rows(
        "B4",
        &object(device, "DeviceClass", "", json!({})),
        vec![(Delete, "O~", "."), (Set("/spec/x", json!(1)), "M!", ".")],
    );
}

#[test]
fn b5_access() {
    rows(
        "B5",
        &core(
            "ServiceAccount",
            "shop",
            json!({"automountServiceAccountToken": false, "imagePullSecrets": [{"name": "p"}]}),
        ),
        vec![
            (Create, "A!", "."),
            (Set("/automountServiceAccountToken", json!(true)), "M!", "identity"),
            (Set("/imagePullSecrets", json!([])), "O~", "."),
            (
                Set("/metadata/annotations", json!({"iam.gke.io/gcp-service-account": "a"})),
                "M!",
                "identity",
            ),
            (Set("/metadata/annotations", json!({"note": "a"})), "M!", "."),
        ],
    );
    let rbac = "rbac.authorization.k8s.io/v1";
    let read = json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]});
    let rules = |verb: &str, resource: &str| json!([read, {"apiGroups": [""], "resources": [resource], "verbs": [verb]}]);
    rows(
        "B5",
        &object(rbac, "ClusterRole", "", json!({"rules": [read]})),
        vec![
            (Create, "A!", "privilege"),
            (Set("/rules", json!([])), "M!", "."),
            (Set("/rules", rules("get", "services")), "M!", "privilege"),
            (Set("/rules", rules("list", "secrets")), "M!", "escalation privilege"),
            (Set("/rules", rules("create", "pods/exec")), "M!", "escalation privilege"),
            (Set("/rules", rules("create", "serviceaccounts/token")), "M!", "escalation privilege"),
            (Set("/rules", rules("impersonate", "users")), "M!", "escalation privilege"),
            (Set("/rules", rules("patch", "nodes/status")), "M!", "escalation privilege"),
            (
                Set("/rules", json!([read, {"nonResourceURLs": ["/healthz"], "verbs": ["get"]}])),
                "M!",
                "privilege",
            ),
            (Set("/rules", rules("get", "pods")), "M!", "."),
            (
                Set(
                    "/metadata/labels",
                    json!({"rbac.authorization.k8s.io/aggregate-to-view": "true"}),
                ),
                "M!",
                "privilege",
            ),
            (Delete, "M!", "."),
        ],
    );
    rows(
        "B5",
        &object(
            rbac,
            "ClusterRole",
            "",
            json!({"rules": [], "aggregationRule": {"clusterRoleSelectors": []}}),
        ),
        vec![(Set("/rules", json!([read])), "M!", "privilege")],
    );
    let reference = |kind: &str, name: &str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name});
    let user = |name: &str| json!([{"kind": "User", "name": name}]);
    rows(
        "B5",
        &object(
            rbac,
            "RoleBinding",
            "shop",
            json!({"roleRef": reference("Role", "reader"), "subjects": user("a")}),
        ),
        vec![
            (
                Set(
                    "/subjects",
                    json!([{"kind": "User", "name": "a"}, {"kind": "User", "name": "b"}]),
                ),
                "M!",
                "privilege",
            ),
            (Set("/subjects", user("b")), "O~", "privilege"),
            (
                Set(
                    "/subjects",
                    json!([{"kind": "User", "name": "a"}, {"kind": "Group", "name": "system:authenticated"}]),
                ),
                "M!",
                "exposure privilege",
            ),
            (
                Set(
                    "/subjects",
                    json!([{"kind": "User", "name": "a"}, {"kind": "Group", "name": "system:masters"}]),
                ),
                "M!",
                "escalation privilege",
            ),
            (Set("/roleRef", reference("ClusterRole", "admin")), "O~", "escalation privilege"),
        ],
    );
    rows(
        "B5",
        &object("certificates.k8s.io/v1", "CertificateSigningRequest", "", json!({})),
        vec![
            (Set("/status/conditions", json!([{"type": "Approved"}])), "M!", "privilege"),
            (Delete, "M!", "."),
        ],
    );
}
