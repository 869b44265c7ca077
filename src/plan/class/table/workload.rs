//! Kinds that run pods.

use super::When::{Becomes, Leaves, Lowered};
use super::short::{A, M, MAY, O, R, SURE};
use super::{Row, Rows, least, row, whole};
use crate::document::effect::Flag;

const HISTORY: &[Flag] = &[Flag::Irreversible];

const DEPLOYMENT: &[Row] = &[
    least("/spec/template/**", "template"),
    least("/spec/replicas", "replicas").by_code(),
    least("/spec/selector/**", "selector"),
    row("/spec/paused", M, SURE, "paused", ""),
    row("/spec/paused", R, MAY, "resumed", "lets a pending rollout go on").when(Leaves("true")),
    row("/spec/strategy/**", M, SURE, "strategy", ""),
    row("/spec/minReadySeconds", M, SURE, "pace", ""),
    row("/spec/progressDeadlineSeconds", M, SURE, "pace", ""),
    row("/spec/revisionHistoryLimit", M, SURE, "history", ""),
    row("/spec/revisionHistoryLimit", M, SURE, "history-pruned", "deletes old revisions")
        .when(Lowered(10))
        .flag(HISTORY),
];

const STATEFUL_SET: &[Row] = &[
    least("/spec/template/**", "template"),
    least("/spec/replicas", "replicas").by_code(),
    least("/spec/ordinals/**", "ordinals"),
    least("/spec/selector/**", "selector"),
    least("/spec/serviceName", "service-name"),
    least("/spec/podManagementPolicy", "pod-management"),
    least("/spec/volumeClaimTemplates/**", "claim-templates"),
    row("/spec/updateStrategy/**", M, SURE, "strategy", ""),
    row("/spec/updateStrategy/type", R, MAY, "strategy-rolls", "rolls out what is pending")
        .when(Leaves("OnDelete")),
    row(
        "/spec/updateStrategy/rollingUpdate/partition",
        R,
        MAY,
        "partition",
        "rolls out what is pending",
    )
    .when(Lowered(0)),
    row("/spec/persistentVolumeClaimRetentionPolicy/*", M, SURE, "retention", ""),
    row(
        "/spec/persistentVolumeClaimRetentionPolicy/*",
        M,
        SURE,
        "retention-deletes",
        "lets its claims go with it",
    )
    .when(Becomes("Delete"))
    .flag(&[Flag::GuardRemoved]),
    row("/spec/minReadySeconds", M, SURE, "pace", ""),
    row("/spec/revisionHistoryLimit", M, SURE, "history", ""),
    row("/spec/revisionHistoryLimit", M, SURE, "history-pruned", "deletes old revisions")
        .when(Lowered(10))
        .flag(HISTORY),
];

const DAEMON_SET: &[Row] = &[
    least("/spec/template/**", "template"),
    least("/spec/selector/**", "selector"),
    row("/spec/updateStrategy/**", M, SURE, "strategy", ""),
    row("/spec/updateStrategy/type", R, MAY, "strategy-rolls", "rolls out what is pending")
        .when(Leaves("OnDelete")),
    row("/spec/minReadySeconds", M, SURE, "pace", ""),
    row("/spec/revisionHistoryLimit", M, SURE, "history", ""),
    row("/spec/revisionHistoryLimit", M, SURE, "history-pruned", "deletes old revisions")
        .when(Lowered(10))
        .flag(HISTORY),
];

const REPLICA_SET: &[Row] = &[
    row("/spec/template/**", M, SURE, "template", "only pods to come are affected"),
    least("/spec/replicas", "replicas").by_code(),
    row("/spec/selector/**", R, MAY, "selector", "lets pods go or takes others over"),
    row("/spec/minReadySeconds", M, SURE, "pace", ""),
];

const POD: &[Row] = &[
    least("/spec/containers/**", "containers"),
    least("/spec/initContainers/**", "containers"),
    least("/spec/ephemeralContainers/**", "debug"),
    row("/spec/activeDeadlineSeconds", O, MAY, "deadline", "ends it at the deadline"),
    row("/spec/tolerations/**", M, SURE, "tolerations", ""),
    row("/spec/schedulingGates/**", M, SURE, "gates", ""),
    row("/spec/resources/**", R, MAY, "resized", "may restart its containers"),
    least("/spec/**", "immutable"),
];

const JOB: &[Row] = &[
    row("/spec/suspend", M, SURE, "resumed", ""),
    row("/spec/suspend", R, SURE, "suspended", "stops its pods").when(Becomes("true")),
    row("/spec/parallelism", M, SURE, "parallelism", ""),
    row("/spec/parallelism", R, SURE, "parallelism-lowered", "stops some of its pods")
        .when(Lowered(1)),
    // Absent is no deadline at all.
    row("/spec/activeDeadlineSeconds", M, SURE, "deadline-raised", ""),
    row("/spec/activeDeadlineSeconds", R, MAY, "deadline", "may end it at the deadline")
        .when(Lowered(i64::MAX)),
    row("/spec/ttlSecondsAfterFinished", M, SURE, "kept", ""),
    row("/spec/ttlSecondsAfterFinished", M, SURE, "pruned", "deletes it once it is finished")
        .when(Lowered(i64::MAX))
        .flag(HISTORY),
    row("/spec/backoffLimit", M, SURE, "retries", ""),
    row("/spec/podReplacementPolicy", M, SURE, "retries", ""),
    row("/spec/maxFailedIndexes", M, SURE, "retries", ""),
    least("/spec/template/**", "template"),
    least("/spec/selector/**", "selector"),
    least("/spec/completions", "completions"),
    least("/spec/completionMode", "completions"),
    least("/spec/podFailurePolicy/**", "failure-policy"),
    least("/spec/successPolicy/**", "failure-policy"),
    least("/spec/backoffLimitPerIndex", "retries"),
    least("/spec/managedBy", "managed-by"),
    least("/spec/manualSelector", "selector"),
];

const CRON_JOB: &[Row] = &[
    row("/spec/schedule", M, SURE, "schedule", ""),
    row("/spec/timeZone", M, SURE, "schedule", ""),
    row("/spec/startingDeadlineSeconds", M, SURE, "schedule", ""),
    row("/spec/jobTemplate/**", M, SURE, "template", "holds from its next run on"),
    row("/spec/suspend", M, SURE, "resumed", ""),
    row("/spec/suspend", R, SURE, "suspended", "starts no more runs").when(Becomes("true")),
    row("/spec/concurrencyPolicy", M, SURE, "concurrency", ""),
    row(
        "/spec/concurrencyPolicy",
        R,
        MAY,
        "concurrency-replaces",
        "may stop a run for the next one",
    )
    .when(Becomes("Replace")),
    row("/spec/successfulJobsHistoryLimit", M, SURE, "history", ""),
    row("/spec/successfulJobsHistoryLimit", M, SURE, "history-pruned", "deletes finished Jobs")
        .when(Lowered(3))
        .flag(HISTORY),
    row("/spec/failedJobsHistoryLimit", M, SURE, "history", ""),
    row("/spec/failedJobsHistoryLimit", M, SURE, "history-pruned", "deletes finished Jobs")
        .when(Lowered(1))
        .flag(HISTORY),
];

pub(super) const ROWS: &[Rows] = &[
    Rows {
        group: "apps",
        kind: "Deployment",
        create: whole(A, SURE, ""),
        update: DEPLOYMENT,
        delete: whole(M, SURE, ""),
        replace: whole(O, SURE, "all pods stop first"),
    },
    Rows {
        group: "apps",
        kind: "StatefulSet",
        create: whole(A, SURE, ""),
        update: STATEFUL_SET,
        delete: whole(M, SURE, ""),
        replace: whole(O, SURE, "all pods stop first"),
    },
    Rows {
        group: "apps",
        kind: "DaemonSet",
        create: whole(A, SURE, ""),
        update: DAEMON_SET,
        delete: whole(M, SURE, ""),
        replace: whole(O, SURE, "all pods stop first"),
    },
    Rows {
        group: "apps",
        kind: "ReplicaSet",
        create: whole(A, SURE, ""),
        update: REPLICA_SET,
        delete: whole(M, SURE, ""),
        replace: whole(M, SURE, ""),
    },
    Rows {
        group: "",
        kind: "ReplicationController",
        create: whole(A, SURE, ""),
        update: REPLICA_SET,
        delete: whole(M, SURE, ""),
        replace: whole(M, SURE, ""),
    },
    Rows {
        group: "",
        kind: "Pod",
        create: whole(A, SURE, ""),
        update: POD,
        delete: whole(M, SURE, ""),
        replace: whole(M, SURE, ""),
    },
    Rows {
        group: "batch",
        kind: "Job",
        create: whole(A, SURE, ""),
        update: JOB,
        delete: whole(M, SURE, ""),
        replace: whole(R, MAY, "work in flight is lost"),
    },
    Rows {
        group: "batch",
        kind: "CronJob",
        create: whole(A, SURE, ""),
        update: CRON_JOB,
        delete: whole(M, SURE, ""),
        replace: whole(R, SURE, "its Jobs and their pods go too"),
    },
    Rows {
        group: "",
        kind: "PodTemplate",
        create: whole(A, SURE, ""),
        update: &[row("/template/**", M, SURE, "template", "")],
        delete: whole(M, SURE, "").flag(HISTORY),
        replace: whole(M, SURE, "").flag(HISTORY),
    },
    Rows {
        group: "apps",
        kind: "ControllerRevision",
        create: whole(A, SURE, ""),
        update: &[
            row("/revision", M, SURE, "revision", ""),
            row("/data/**", M, SURE, "revision", ""),
        ],
        delete: whole(M, SURE, "a revision to go back to is lost").flag(HISTORY),
        replace: whole(M, SURE, "a revision to go back to is lost").flag(HISTORY),
    },
];
