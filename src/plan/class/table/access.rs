//! Kinds that say who may do what, and what the API accepts.

use super::short::{A, M, MAY, O, R, SURE, UNREAD};
use super::{Row, Rows, least, row, whole};
use crate::document::effect::Flag;

const ADMISSION: &[Flag] = &[Flag::Admission];
const UNGUARDED: &[Flag] = &[Flag::Admission, Flag::GuardRemoved];
const ADMITS: &str = "admissionregistration.k8s.io";

const ROLE: &[Row] = &[least("/rules/**", "rules"), least("/aggregationRule/**", "aggregation")];
const BINDING: &[Row] = &[least("/subjects/**", "subjects"), least("/roleRef/**", "role")];
const WEBHOOK: &[Row] = &[least("/webhooks/**", "webhooks").flag(ADMISSION)];
const POLICY: &[Row] = &[least("/spec/**", "spec").flag(ADMISSION)];

const fn role(kind: &'static str) -> Rows {
    Rows {
        group: "rbac.authorization.k8s.io",
        kind,
        create: whole(A, SURE, ""),
        update: ROLE,
        delete: whole(M, SURE, ""),
        replace: whole(O, MAY, "whoever has it cannot act in between"),
    }
}

const fn binding(kind: &'static str) -> Rows {
    Rows {
        group: "rbac.authorization.k8s.io",
        kind,
        create: whole(A, SURE, ""),
        update: BINDING,
        delete: whole(O, MAY, "its subjects may no longer act"),
        replace: whole(O, MAY, "its subjects may not act in between"),
    }
}

const fn webhook(kind: &'static str) -> Rows {
    Rows {
        group: ADMITS,
        kind,
        create: whole(A, SURE, "").flag(ADMISSION),
        update: WEBHOOK,
        delete: whole(M, SURE, "nothing is checked by it any more").flag(UNGUARDED),
        replace: whole(M, SURE, "nothing is checked by it in between").flag(UNGUARDED),
    }
}

const fn policy(kind: &'static str) -> Rows {
    Rows {
        group: ADMITS,
        kind,
        create: whole(A, SURE, "").flag(ADMISSION),
        update: POLICY,
        delete: whole(M, SURE, "nothing is checked by it any more").flag(UNGUARDED),
        replace: whole(M, SURE, "nothing is checked by it in between").flag(UNGUARDED),
    }
}

const ACCOUNT: &[Row] = &[
    row("/automountServiceAccountToken", M, SURE, "automount", ""),
    least("/imagePullSecrets/**", "pull-secrets"),
    row("/secrets/**", M, SURE, "secrets", ""),
];

pub(super) const ROWS: &[Rows] = &[
    role("Role"),
    role("ClusterRole"),
    binding("RoleBinding"),
    binding("ClusterRoleBinding"),
    Rows {
        group: "",
        kind: "ServiceAccount",
        create: whole(A, SURE, ""),
        update: ACCOUNT,
        delete: whole(O, MAY, "its tokens die for good, new pods are refused"),
        replace: whole(O, MAY, "its tokens die for good"),
    },
    Rows {
        group: "certificates.k8s.io",
        kind: "CertificateSigningRequest",
        create: whole(A, SURE, ""),
        update: &[
            row("/status/**", M, SURE, "approval", "").flag(&[Flag::Privilege]),
            row("/spec/**", M, SURE, "spec", ""),
        ],
        delete: whole(M, SURE, ""),
        replace: whole(M, SURE, ""),
    },
    webhook("ValidatingWebhookConfiguration"),
    webhook("MutatingWebhookConfiguration"),
    policy("ValidatingAdmissionPolicy"),
    policy("MutatingAdmissionPolicy"),
    policy("ValidatingAdmissionPolicyBinding"),
    policy("MutatingAdmissionPolicyBinding"),
    Rows {
        group: "apiregistration.k8s.io",
        kind: "APIService",
        create: whole(A, UNREAD, "").flag(ADMISSION),
        update: &[row("/spec/**", O, MAY, "spec", "an API may no longer be served").flag(ADMISSION)],
        delete: whole(M, SURE, "").flag(ADMISSION),
        replace: whole(M, SURE, "").flag(ADMISSION),
    },
    Rows {
        group: "apiextensions.k8s.io",
        kind: "CustomResourceDefinition",
        create: whole(A, SURE, ""),
        update: &[
            least("/spec/versions/**", "versions"),
            least("/spec/conversion/**", "conversion"),
            least("/spec/scope", "scope"),
            least("/spec/group", "group"),
            least("/spec/names/**", "names"),
            row("/spec/preserveUnknownFields", M, SURE, "unknown-fields", ""),
        ],
        // How bad depends on whether anything of its kind is there.
        delete: whole(M, SURE, ""),
        replace: whole(M, SURE, ""),
    },
    Rows {
        group: "flowcontrol.apiserver.k8s.io",
        kind: "*",
        create: whole(A, SURE, ""),
        update: &[row("/spec/**", O, MAY, "spec", "requests to the API may be held back")],
        delete: whole(O, MAY, "requests to the API may be held back"),
        replace: whole(O, MAY, "requests to the API may be held back"),
    },
    Rows {
        group: "coordination.k8s.io",
        kind: "Lease",
        create: whole(A, SURE, ""),
        update: &[row("/spec/**", R, MAY, "spec", "a leader may lose its place")],
        delete: whole(R, MAY, "a leader may lose its place"),
        replace: whole(R, MAY, "a leader may lose its place"),
    },
    Rows {
        group: "certificates.k8s.io",
        kind: "ClusterTrustBundle",
        create: whole(A, UNREAD, ""),
        update: &[row("/spec/**", R, UNREAD, "spec", "what trusts it may act on it")],
        delete: whole(O, UNREAD, "what trusts it can no longer check"),
        replace: whole(O, UNREAD, "what trusts it cannot check in between"),
    },
];
