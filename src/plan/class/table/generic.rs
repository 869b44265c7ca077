//! Rows that hold for every kind.

use super::short::{M, N, SURE};
use super::{Row, least, row};

/// What the server writes makes no difference; labels and annotations stay mutable everywhere.
pub(super) const UPDATE: &[Row] = &[
    row("/status/**", N, SURE, "server-owned", ""),
    row("/metadata/uid", N, SURE, "server-owned", ""),
    row("/metadata/resourceVersion", N, SURE, "server-owned", ""),
    row("/metadata/generation", N, SURE, "server-owned", ""),
    row("/metadata/creationTimestamp", N, SURE, "server-owned", ""),
    row("/metadata/deletionTimestamp", N, SURE, "server-owned", ""),
    row("/metadata/deletionGracePeriodSeconds", N, SURE, "server-owned", ""),
    row("/metadata/managedFields", N, SURE, "server-owned", ""),
    row("/metadata/selfLink", N, SURE, "server-owned", ""),
    row("/apiVersion", M, SURE, "version", ""),
    least("/metadata/labels/**", "labels"),
    least("/metadata/annotations/**", "annotations"),
    least("/metadata/finalizers/**", "finalizers"),
    least("/metadata/ownerReferences/**", "owners").by_code(),
];
