//! The words that stand for what a plan holds. Each state has one word, which a person can look up.

use crate::document::effect::{Certainty, Change, Class, Flag, PreviewState, Step};
use crate::document::operation::Propagation;
use crate::document::statement::{Fate, Outcome};

/// The class in capitals, as it heads a change.
pub(super) fn class(class: Class) -> &'static str {
    match class {
        Class::DataLoss => "DATA-LOSS",
        Class::Outage => "OUTAGE",
        Class::Disruptive => "DISRUPTIVE",
        Class::Mutating => "MUTATING",
        Class::Additive => "ADDITIVE",
        Class::None => "NONE",
    }
}

/// What is said beside a class that is not certain.
pub(super) fn certainty(certainty: Certainty) -> Option<&'static str> {
    match certainty {
        Certainty::Certain => None,
        Certainty::Possible => Some("possible"),
        Certainty::Unknown => Some("not certain"),
    }
}

/// What happens to the object.
pub(super) fn action(actions: &[Step]) -> &'static str {
    match actions {
        [] => "keep",
        [Step::Create] => "create",
        [Step::Update] => "update",
        [Step::Delete] => "delete",
        _ => "replace",
    }
}

/// A preview that is not one.
pub(super) fn preview(state: PreviewState) -> Option<&'static str> {
    match state {
        PreviewState::Server | PreviewState::Local => None,
        PreviewState::Deferred => Some("DEFERRED"),
        PreviewState::Blocked => Some("BLOCKED"),
        PreviewState::Unpreviewable => Some("NO PREVIEW"),
    }
}

/// A flag and what it means.
pub(super) fn flag(flag: Flag) -> &'static str {
    match flag {
        Flag::Admission => "admission (changes what the API accepts or rewrites)",
        Flag::Escalation => "escalation (authority that suffices to take over)",
        Flag::Exposure => "exposure (reachable from more places or by more principals)",
        Flag::GuardRemoved => "guard-removed (a protection is removed or loosened)",
        Flag::Host => "host (a pod with host or kernel access)",
        Flag::Identity => "identity (another identity is used)",
        Flag::Irreversible => "irreversible (nothing restores the old value)",
        Flag::Owner => "owner (owner references are added or changed)",
        Flag::Privilege => "privilege (authority that did not exist before)",
        Flag::SecretAccess => "secret-access (reads a secret it did not read before)",
        Flag::System => "system (an object of the system itself)",
        Flag::UnpinnedImage => "unpinned-image (an image without a digest, which can change)",
    }
}

/// What a deletion does to dependents, where that is not the plain case.
pub(super) fn propagation(change: &Change) -> Option<&'static str> {
    let is = |wanted: Propagation| change.propagation == format!("{wanted:?}");
    if is(Propagation::Orphan) {
        Some("What it owns stays, without an owner.")
    } else if is(Propagation::Foreground) {
        Some("What it owns goes first.")
    } else if is(Propagation::Background) {
        Some("What it owns goes after it.")
    } else {
        None
    }
}

/// How an apply ended.
pub(super) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Applied => "APPLIED",
        Outcome::NotReady => "NOT READY, everything is written",
        Outcome::FailedClean => "FAILED, nothing was changed",
        Outcome::Partial => "PARTIAL, the target has changed",
        Outcome::Indeterminate => "INDETERMINATE, the target may have changed",
        Outcome::Abandoned => "ABANDONED, a partial apply was given up",
    }
}

/// What became of one item.
pub(super) fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Written => "written",
        Fate::AlreadyWritten => "already written",
        Fate::NotWritten => "not written",
        Fate::Failed => "failed",
    }
}

/// Several of a kind: `Deployments`, `Ingresses`, `NetworkPolicies`.
pub(super) fn plural(kind: &str) -> String {
    match kind.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if kind.ends_with('s') || kind.ends_with('x') || kind.ends_with("ch") => {
            format!("{kind}es")
        }
        _ => format!("{kind}s"),
    }
}

/// `1 change`, `2 changes`.
pub(super) fn count(n: u64, one: &str) -> String {
    match (n, one.strip_suffix('y')) {
        (1, _) => format!("1 {one}"),
        (_, Some(stem)) if one.ends_with("ry") => format!("{n} {stem}ies"),
        _ => format!("{n} {one}s"),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list(items: &[String], last: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}
