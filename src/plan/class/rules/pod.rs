//! Pods themselves: what a change of one does to its containers and its controller.

use serde_json::Value;

use crate::document::effect::Flag;
use crate::plan::class::look::{Findings, Look};
use crate::plan::class::table::short::{M, MAY, R, SURE, UNREAD};
use crate::plan::class::verb::Verb;
use crate::plan::shape::{controller, labels, list};

pub(super) fn judge(look: &Look<'_>, out: &mut Findings) {
    if (look.group(), look.kind()) != ("", "Pod") || look.verb != Verb::Update {
        return;
    }
    for name in ["/spec/containers", "/spec/initContainers"] {
        let of = |object, member: &str| -> Vec<Value> {
            let all = list(object, name).iter();
            all.map(|container| container.get(member).cloned().unwrap_or_default()).collect()
        };
        if of(look.before(), "image") != of(look.after(), "image") {
            out.add(R, SURE, "pod.image", "restarts its container");
        }
        if of(look.before(), "resources") != of(look.after(), "resources") {
            out.add(R, MAY, "pod.resized", "may restart its containers");
        }
    }
    if look.differs("/spec/ephemeralContainers") {
        out.add(M, SURE, "pod.debug", "runs something more inside the pod");
        out.flag(Flag::Escalation, "pod.debug", "runs something more inside the pod");
    }
    if controller(look.before()).is_some() && labels(look.before()) != labels(look.after()) {
        let mut edges = look.into("controls").peekable();
        if edges.peek().is_none() {
            out.add(R, UNREAD, "pod.leaves", "may leave its controller, which starts another");
        } else if edges.any(|edge| edge.before && !edge.after) {
            out.add(R, SURE, "pod.leaves", "leaves its controller, which starts another");
        }
    }
}
