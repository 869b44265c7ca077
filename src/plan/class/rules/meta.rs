//! What `metadata` alone decides, whatever the kind: owners, finalizers, and objects of the system.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::document::effect::{Certainty, Flag, OwnerState};
use crate::plan::class::look::{Findings, Look};
use crate::plan::class::table::short::{M, MAY, R, SURE, UNREAD};
use crate::plan::class::verb::Verb;
use crate::plan::shape::{label, list, text, yes};

pub(super) fn judge(look: &Look<'_>, out: &mut Findings) {
    if is_system(look) {
        out.flag(Flag::System, "system", "belongs to the system itself");
    }
    owners(look, out);
    if look.verb == Verb::Update && !finalizers_lost(look).is_empty() {
        out.add(M, SURE, "finalizers.removed", "skips a cleanup");
        out.flag(Flag::GuardRemoved, "finalizers.removed", "skips a cleanup");
    }
}

fn finalizers_lost<'a>(look: &Look<'a>) -> BTreeSet<&'a str> {
    let held = |object: &'a Value| -> BTreeSet<&'a str> {
        list(object, "/metadata/finalizers").iter().filter_map(Value::as_str).collect()
    };
    let (old, new) = (held(look.before()), held(look.after()));
    old.difference(&new).copied().collect()
}

/// Owners that come to stand in an object.
fn gained<'a>(look: &Look<'a>) -> Vec<&'a Value> {
    let uids = |object: &'a Value| -> BTreeSet<&'a str> {
        list(object, "/metadata/ownerReferences").iter().map(|o| text(o, "/uid")).collect()
    };
    let old = uids(look.before());
    let all = list(look.after(), "/metadata/ownerReferences").iter();
    all.filter(|owner| !old.contains(text(owner, "/uid"))).collect()
}

fn owners(look: &Look<'_>, out: &mut Findings) {
    for owner in gained(look) {
        out.flag(Flag::Owner, "owner.gained", "goes when its owner goes");
        let certainty = match look.owner(text(owner, "/uid")) {
            // What a deletion would be is added to this.
            OwnerState::Present | OwnerState::Absent | OwnerState::Foreign => SURE,
            OwnerState::Unread => UNREAD,
        };
        if look.verb == Verb::Update {
            out.add(M, certainty, "owner.gained", "goes when its owner goes");
        }
    }
    let controlled = |object| {
        list(object, "/metadata/ownerReferences").iter().find(|owner| yes(owner, "/controller"))
    };
    if look.verb == Verb::Update && look.differs("/metadata/ownerReferences") {
        out.flag(Flag::Owner, "owner.changed", "");
        if gained(look).is_empty() {
            out.add(M, SURE, "owner.changed", "");
        }
        let after = controlled(look.after()).map(|owner| text(owner, "/uid"));
        if controlled(look.before()).is_some_and(|owner| Some(text(owner, "/uid")) != after) {
            out.add(R, MAY, "owner.lost", "its controller starts a substitute");
        }
    }
}

/// Whether the object will go, though nobody asks for that: its owner is not there, or it is being
/// deleted and loses the last thing that held it. As sure as the owner was seen.
pub(in crate::plan::class) fn ends(look: &Look<'_>, out: &mut Findings) -> Option<Certainty> {
    if look.verb.goes() || look.after().is_null() {
        return None;
    }
    let mut ends = None;
    for owner in gained(look) {
        match look.owner(text(owner, "/uid")) {
            OwnerState::Present => {}
            OwnerState::Absent | OwnerState::Foreign => {
                ends = Some(SURE);
                out.add(M, SURE, "owner.absent", "is deleted, because the owner is not there");
            }
            OwnerState::Unread => {
                ends = ends.or(Some(UNREAD));
                out.add(M, UNREAD, "owner.unread", "is deleted if the owner is not there");
            }
        }
    }
    let deleted = !text(look.before(), "/metadata/deletionTimestamp").is_empty();
    if deleted && !finalizers_lost(look).is_empty() {
        ends = Some(SURE);
        out.add(M, SURE, "finalizers.last", "is deleted at once");
    }
    ends
}

fn is_system(look: &Look<'_>) -> bool {
    const SPACES: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];
    let id = &look.case.id;
    let name = id.name.as_str();
    let space = if id.kind == "Namespace" { name } else { id.namespace.as_str() };
    let object = look.object();
    let api = matches!(id.kind.as_str(), "Service" | "Endpoints" | "EndpointSlice")
        && (id.namespace.as_str(), name) == ("default", "kubernetes");
    let class = id.kind == "PriorityClass" && name.starts_with("system-");
    let flow = id.group == "flowcontrol.apiserver.k8s.io"
        && !crate::plan::shape::annotation(object, "apf.kubernetes.io/autoupdate-spec").is_empty();
    let built_in = ["kubernetes.io/bootstrapping", "kube-aggregator.kubernetes.io/automanaged"];
    SPACES.contains(&space)
        || name.starts_with("system:")
        || api
        || class
        || flow
        || built_in.iter().any(|key| !label(object, key).is_empty())
}
