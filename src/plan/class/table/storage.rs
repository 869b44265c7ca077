//! Kinds that hold, find or attach stored bytes.

use super::When::{Becomes, Leaves, Removed};
use super::short::{A, D, M, MAY, O, R, SURE};
use super::{Row, Rows, least, row, whole};
use crate::document::effect::Flag;

const LOST: &[Flag] = &[Flag::Irreversible];
const GUARD: &[Flag] = &[Flag::GuardRemoved];

const CLAIM: &[Row] = &[
    super::network::QUIET_ANNOTATIONS[0],
    super::network::QUIET_ANNOTATIONS[1],
    super::network::QUIET_ANNOTATIONS[2],
    super::network::QUIET_ANNOTATIONS[3],
    super::network::QUIET_ANNOTATIONS[4],
    row("/spec/resources/requests/storage", M, SURE, "grown", "cannot be made smaller again")
        .flag(LOST),
    row("/spec/resources/**", M, SURE, "resources", ""),
    row(
        "/spec/volumeAttributesClassName",
        R,
        MAY,
        "attributes",
        "its volume may be changed while in use",
    ),
    least("/spec/**", "immutable"),
];

const VOLUME: &[Row] = &[
    row("/spec/persistentVolumeReclaimPolicy", M, SURE, "reclaim", ""),
    row(
        "/spec/persistentVolumeReclaimPolicy",
        M,
        SURE,
        "reclaim-deletes",
        "its bytes go with its claim from now on",
    )
    .when(Becomes("Delete"))
    .flag(GUARD),
    row("/spec/claimRef/**", D, MAY, "claim", "its claim may lose it while in use"),
    row("/spec/claimRef/resourceVersion", M, SURE, "claim-version", ""),
    row(
        "/spec/nodeAffinity/**",
        O,
        MAY,
        "node-affinity",
        "pods that use it may no longer be placed",
    ),
    row("/spec/mountOptions/**", R, MAY, "mount-options", "hold from the next mount on"),
    row("/spec/capacity/**", M, SURE, "capacity", ""),
    row("/spec/storageClassName", M, SURE, "class", ""),
    row("/spec/accessModes/**", M, SURE, "access-modes", ""),
    row("/spec/volumeAttributesClassName", R, MAY, "attributes", "may be changed while in use"),
    least("/spec/**", "source"),
];

const STORAGE_CLASS: &[Row] = &[
    row("/allowVolumeExpansion", M, SURE, "expansion", ""),
    row("/mountOptions/**", M, SURE, "mount-options", ""),
    row("/allowedTopologies/**", M, SURE, "topologies", ""),
    least("/provisioner", "provisioner"),
    least("/parameters/**", "parameters"),
    least("/reclaimPolicy", "reclaim"),
    least("/volumeBindingMode", "binding-mode"),
];

const DRIVER: &[Row] = &[
    least("/spec/attachRequired", "attach"),
    least("/spec/volumeLifecycleModes/**", "lifecycle"),
    row("/spec/**", R, MAY, "spec", "mounts may behave differently"),
];

const SNAPSHOT: &[Row] = &[
    row("/spec/deletionPolicy", M, SURE, "policy", ""),
    row("/spec/deletionPolicy", M, SURE, "policy-deletes", "its bytes go with it from now on")
        .when(Becomes("Delete"))
        .flag(GUARD),
    row("/deletionPolicy", M, SURE, "policy", ""),
    row("/deletionPolicy", M, SURE, "policy-deletes", "bytes of new snapshots go with them")
        .when(Becomes("Delete"))
        .flag(GUARD),
    row("/spec/deletionPolicy", M, SURE, "policy-unkept", "").when(Leaves("Retain")).flag(GUARD),
    row("/spec/volumeSnapshotClassName", M, SURE, "class", "").when(Removed),
];

const ATTACHMENT: &[Row] =
    &[row("/spec/**", O, MAY, "spec", "volumes may be taken from running pods")];

const fn attachment(kind: &'static str) -> Rows {
    Rows {
        group: "storage.k8s.io",
        kind,
        create: whole(A, SURE, ""),
        update: ATTACHMENT,
        delete: whole(O, MAY, "volumes may be taken from running pods"),
        replace: whole(O, MAY, "volumes may be taken from running pods"),
    }
}

const fn snapshot(kind: &'static str) -> Rows {
    Rows {
        group: "snapshot.storage.k8s.io",
        kind,
        create: whole(A, SURE, ""),
        update: SNAPSHOT,
        delete: whole(M, SURE, ""),
        replace: whole(M, SURE, ""),
    }
}

pub(super) const ROWS: &[Rows] = &[
    Rows {
        group: "",
        kind: "PersistentVolumeClaim",
        create: whole(A, SURE, ""),
        update: CLAIM,
        // What goes with it is told by the volume behind it.
        delete: whole(M, SURE, ""),
        replace: whole(M, SURE, ""),
    },
    Rows {
        group: "",
        kind: "PersistentVolume",
        create: whole(A, SURE, ""),
        update: VOLUME,
        delete: whole(M, SURE, "").flag(LOST),
        replace: whole(D, MAY, "its claim loses it"),
    },
    Rows {
        group: "storage.k8s.io",
        kind: "StorageClass",
        create: whole(A, SURE, ""),
        update: STORAGE_CLASS,
        delete: whole(R, MAY, "new claims of this class wait"),
        replace: whole(R, MAY, "new claims wait in between"),
    },
    Rows {
        group: "storage.k8s.io",
        kind: "VolumeAttributesClass",
        create: whole(A, SURE, ""),
        update: &[least("/parameters/**", "parameters"), least("/driverName", "driver")],
        delete: whole(R, MAY, "claims that name it wait"),
        replace: whole(R, MAY, "claims that name it wait in between"),
    },
    Rows {
        group: "storage.k8s.io",
        kind: "CSIDriver",
        create: whole(A, SURE, ""),
        update: DRIVER,
        delete: whole(O, MAY, "volumes of this driver may no longer be attached"),
        replace: whole(O, MAY, "volumes of this driver may not be attached in between"),
    },
    attachment("VolumeAttachment"),
    attachment("CSINode"),
    snapshot("VolumeSnapshot"),
    snapshot("VolumeSnapshotContent"),
    Rows {
        group: "snapshot.storage.k8s.io",
        kind: "VolumeSnapshotClass",
        create: whole(A, SURE, ""),
        update: SNAPSHOT,
        delete: whole(R, MAY, "new snapshots of this class wait"),
        replace: whole(R, MAY, "new snapshots wait in between"),
    },
    Rows {
        group: "resource.k8s.io",
        kind: "ResourceClaim",
        create: whole(A, SURE, ""),
        update: &[least("/spec/**", "spec")],
        delete: whole(R, MAY, "pods that use it cannot start again"),
        replace: whole(R, MAY, "pods that use it cannot start in between"),
    },
    Rows {
        group: "resource.k8s.io",
        kind: "ResourceClaimTemplate",
        create: whole(A, SURE, ""),
        update: &[least("/spec/**", "spec")],
        delete: whole(M, SURE, ""),
        replace: whole(M, SURE, ""),
    },
    Rows {
        group: "resource.k8s.io",
        kind: "DeviceClass",
        create: whole(A, SURE, ""),
        update: &[row("/spec/**", M, SURE, "spec", "")],
        delete: whole(O, MAY, "claims of this class can no longer be met"),
        replace: whole(O, MAY, "claims of this class cannot be met in between"),
    },
];
