//! The rows of the table of dependences: each has one name, which stands in a plan as `by`.
//!
//! A row that reaches one part of the other object adds a colon and that part: `config:beta`,
//! `port:http`. `-absent` after a row says that the object it names was looked for and is not
//! there.

pub(crate) const NAMESPACE: &str = "namespace";
pub(crate) const OWNER: &str = "owner";
pub(crate) const INSTANCE: &str = "instance";
pub(crate) const API: &str = "api";
pub(crate) const CONFIG: &str = "config";
pub(crate) const SECRET: &str = "secret";
pub(crate) const RELOAD: &str = "reload";
pub(crate) const CLAIM: &str = "claim";
pub(crate) const RETENTION: &str = "claim-retention";
/// A claim whose ordinal a StatefulSet gives up together with the claim.
pub(crate) const SHED: &str = "claim-shed";
pub(crate) const VOLUME: &str = "volume";
pub(crate) const RECLAIM: &str = "reclaim";
pub(crate) const STORAGE_CLASS: &str = "storage-class";
pub(crate) const DRIVER: &str = "driver";
pub(crate) const SNAPSHOT: &str = "snapshot";
pub(crate) const ACCOUNT: &str = "account";
pub(crate) const SUBJECT: &str = "subject";
pub(crate) const GRANTS: &str = "grants";
pub(crate) const AGGREGATES: &str = "aggregates";
pub(crate) const PRIORITY: &str = "priority";
pub(crate) const RUNTIME: &str = "runtime";
pub(crate) const RESOURCE_CLAIM: &str = "resource-claim";
pub(crate) const NODE: &str = "node";
pub(crate) const PINNED: &str = "pinned";
pub(crate) const SELECTS: &str = "selects";
pub(crate) const PORT: &str = "port";
pub(crate) const SLICE: &str = "slice";
pub(crate) const GOVERNS: &str = "governs";
pub(crate) const BACKEND: &str = "backend";
pub(crate) const BACKEND_PORT: &str = "backend-port";
pub(crate) const TLS: &str = "tls";
pub(crate) const CLASS: &str = "class";
pub(crate) const PARENT: &str = "parent";
pub(crate) const SCALED: &str = "scaled";
pub(crate) const SCALES: &str = "scales";
pub(crate) const BUDGET: &str = "budget";
pub(crate) const POLICY: &str = "policy";
pub(crate) const POLICY_PEER: &str = "policy-peer";
pub(crate) const POLICY_NAMESPACE: &str = "policy-namespace";
pub(crate) const QUOTA: &str = "quota";
pub(crate) const ADMITS: &str = "admits";
pub(crate) const ADMITS_NAMESPACE: &str = "admits-namespace";
pub(crate) const CALLBACK: &str = "callback";
pub(crate) const ADOPTS: &str = "adopts";
pub(crate) const CONTROLS: &str = "controls";
pub(crate) const BINDS: &str = "binds";

/// Every row.
pub(crate) const ALL: [&str; 46] = [
    NAMESPACE,
    OWNER,
    INSTANCE,
    API,
    CONFIG,
    SECRET,
    RELOAD,
    CLAIM,
    RETENTION,
    SHED,
    VOLUME,
    RECLAIM,
    STORAGE_CLASS,
    DRIVER,
    SNAPSHOT,
    ACCOUNT,
    SUBJECT,
    GRANTS,
    AGGREGATES,
    PRIORITY,
    RUNTIME,
    RESOURCE_CLAIM,
    NODE,
    PINNED,
    SELECTS,
    PORT,
    SLICE,
    GOVERNS,
    BACKEND,
    BACKEND_PORT,
    TLS,
    CLASS,
    PARENT,
    SCALED,
    SCALES,
    BUDGET,
    POLICY,
    POLICY_PEER,
    POLICY_NAMESPACE,
    QUOTA,
    ADMITS,
    ADMITS_NAMESPACE,
    CALLBACK,
    ADOPTS,
    CONTROLS,
    BINDS,
];

/// When a dependent is reached over a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum On {
    /// Whatever happens to the other end.
    Change,
    /// Only when the other end goes.
    Gone,
    /// Never: the row serves a rule.
    Never,
}

/// The row of an edge, without the part.
pub(crate) fn row(by: &str) -> &str {
    by.split_once(':').map_or(by, |(row, _)| row)
}

/// The part that an edge names; empty for the whole.
pub(crate) fn part(by: &str) -> &str {
    by.split_once(':').map_or("", |(_, part)| part)
}

/// When a row is followed.
fn on(by: &str) -> On {
    match row(by) {
        NAMESPACE | OWNER | API | RETENTION | RECLAIM | STORAGE_CLASS | DRIVER | SNAPSHOT
        | SLICE | SCALES | PINNED => On::Gone,
        ADMITS_NAMESPACE | POLICY_NAMESPACE | CONTROLS | BACKEND_PORT => On::Never,
        row if row.ends_with("-absent") => On::Never,
        _ => On::Change,
    }
}

/// Whether a row is followed from an object that goes, or does not.
pub(crate) fn followed(by: &str, goes: bool) -> bool {
    match on(by) {
        On::Change => true,
        On::Gone => goes,
        On::Never => false,
    }
}

/// Whether the dependent goes, given whether the other end does.
pub(crate) fn carries(by: &str, gone: bool) -> bool {
    match row(by) {
        NAMESPACE | OWNER | INSTANCE | RETENTION | RECLAIM => gone,
        row => row == SHED,
    }
}
