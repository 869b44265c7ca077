//! Kinds that bound, place and scale.

use super::When::{Becomes, Lowered, Raised, Removed};
use super::short::{A, M, MAY, O, R, SURE};
use super::{Row, Rows, least, row, whole};
use crate::document::effect::Flag;

const GUARD: &[Flag] = &[Flag::GuardRemoved];

const NODE: &[Row] = &[
    row("/spec/unschedulable", M, SURE, "cordon", ""),
    least("/spec/taints/**", "taints"),
    row("/metadata/labels/**", M, SURE, "labels", ""),
    row(
        "/metadata/labels/**",
        R,
        MAY,
        "label-removed",
        "DaemonSets that need the label stop there",
    )
    .when(Removed),
    row("/spec/**", R, MAY, "spec", "its pods may be disturbed"),
];

const SCALER: &[Row] = &[
    row("/spec/maxReplicas", M, SURE, "maximum-raised", ""),
    row("/spec/maxReplicas", R, MAY, "maximum-lowered", "may scale its target down")
        .when(Lowered(0)),
    row("/spec/minReplicas", M, SURE, "minimum", ""),
    row("/spec/minReplicas", R, MAY, "minimum-lowered", "may scale its target down")
        .when(Lowered(1)),
    row("/spec/minReplicas", M, SURE, "minimum-raised", "").when(Raised(1)),
    row("/spec/scaleTargetRef/**", R, MAY, "target", "scales something else"),
    row("/spec/metrics/**", M, SURE, "metrics", ""),
    row("/spec/behavior/**", M, SURE, "behavior", ""),
    row("/spec/targetCPUUtilizationPercentage", M, SURE, "metrics", ""),
];

const ANY: &[Row] = &[row("/**", M, SURE, "any", "")];

/// Written by the system.
const fn written(group: &'static str, kind: &'static str) -> Rows {
    Rows {
        group,
        kind,
        create: whole(A, SURE, ""),
        update: ANY,
        delete: whole(M, SURE, ""),
        replace: whole(M, SURE, ""),
    }
}

pub(super) const ROWS: &[Rows] = &[
    Rows {
        group: "",
        kind: "Namespace",
        create: whole(A, SURE, ""),
        update: &[least("/spec/finalizers/**", "finalizers")],
        // How bad depends on what it holds.
        delete: whole(M, SURE, ""),
        replace: whole(M, SURE, ""),
    },
    Rows {
        group: "",
        kind: "Node",
        create: whole(A, SURE, ""),
        update: NODE,
        delete: whole(R, SURE, "its pods are deleted and start elsewhere"),
        replace: whole(R, SURE, "its pods are deleted and start elsewhere"),
    },
    Rows {
        group: "",
        kind: "ResourceQuota",
        create: whole(O, MAY, "pods beyond it are refused"),
        update: &[
            least("/spec/hard/**", "hard"),
            least("/spec/scopes/**", "scopes"),
            least("/spec/scopeSelector/**", "scopes"),
        ],
        delete: whole(M, SURE, "").flag(GUARD),
        replace: whole(O, MAY, "pods beyond it are refused"),
    },
    Rows {
        group: "",
        kind: "LimitRange",
        create: whole(O, MAY, "pods outside it are refused"),
        update: &[least("/spec/limits/**", "limits")],
        delete: whole(M, SURE, "").flag(GUARD),
        replace: whole(O, MAY, "pods outside it are refused"),
    },
    Rows {
        group: "scheduling.k8s.io",
        kind: "PriorityClass",
        create: whole(A, SURE, ""),
        update: &[
            least("/value", "value"),
            least("/preemptionPolicy", "preemption"),
            row(
                "/globalDefault",
                R,
                MAY,
                "global-default",
                "pods without a class get another priority",
            ),
            row("/description", M, SURE, "description", ""),
        ],
        delete: whole(O, MAY, "new pods that name it are refused"),
        replace: whole(O, MAY, "pods that name it are refused in between"),
    },
    Rows {
        group: "node.k8s.io",
        kind: "RuntimeClass",
        create: whole(A, SURE, ""),
        update: &[
            least("/handler", "handler"),
            row("/overhead/**", M, SURE, "overhead", ""),
            row("/scheduling/**", M, SURE, "scheduling", ""),
        ],
        delete: whole(O, MAY, "new pods that name it are refused"),
        replace: whole(O, MAY, "pods that name it are refused in between"),
    },
    Rows {
        group: "policy",
        kind: "PodDisruptionBudget",
        create: whole(M, SURE, "a second one on the same pods blocks eviction"),
        update: &[
            least("/spec/minAvailable", "budget"),
            least("/spec/maxUnavailable", "budget"),
            least("/spec/selector/**", "selector"),
            row("/spec/unhealthyPodEvictionPolicy", M, SURE, "unhealthy", ""),
            row("/spec/unhealthyPodEvictionPolicy", M, SURE, "unhealthy-evicted", "")
                .when(Becomes("AlwaysAllow"))
                .flag(GUARD),
        ],
        delete: whole(M, SURE, "eviction is no longer held back").flag(GUARD),
        replace: whole(M, SURE, "eviction is not held back in between").flag(GUARD),
    },
    Rows {
        group: "autoscaling",
        kind: "HorizontalPodAutoscaler",
        create: whole(R, MAY, "may scale its target"),
        update: SCALER,
        delete: whole(M, SURE, "replicas stay as they are"),
        replace: whole(R, MAY, "may scale its target"),
    },
    written("", "Event"),
    written("events.k8s.io", "Event"),
    written("", "ComponentStatus"),
    written("storage.k8s.io", "CSIStorageCapacity"),
    written("resource.k8s.io", "ResourceSlice"),
];
