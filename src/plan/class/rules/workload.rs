//! Deployments, DaemonSets, ReplicaSets, Jobs: what restarts, stops or scales their pods.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::document::effect::Certainty;
use crate::document::operation::Propagation;
use crate::plan::class::look::{Findings, Look};
use crate::plan::class::table::short::{A, M, MAY, O, R, SURE, UNREAD};
use crate::plan::class::verb::Verb;
use crate::plan::shape::{Workload, controller, list, number, share, size, text, yes};

pub(super) fn judge(look: &Look<'_>, out: &mut Findings) {
    let Some(workload) = Workload::of(look.group(), look.kind()) else { return };
    if owned(look, workload, out) {
        return;
    }
    match look.verb {
        Verb::Delete => deleted(look, workload, out),
        Verb::Replace => replaced(look, workload, out),
        Verb::Create => adopts(look, out),
        Verb::Update => updated(look, workload, out),
        Verb::Nothing => {}
    }
}

/// A ReplicaSet under a Deployment follows it, whatever is done to it.
fn owned(look: &Look<'_>, workload: Workload, out: &mut Findings) -> bool {
    let replica = matches!(workload, Workload::ReplicaSet | Workload::ReplicationController);
    if !replica || controller(look.object()).is_none() {
        return false;
    }
    match look.verb {
        Verb::Create => out.add(R, UNREAD, "owned.create", "its owner may undo it"),
        Verb::Update if look.touches("/spec/**") => {
            out.add(R, SURE, "owned.undone", "its owner undoes it, with new pods");
        }
        Verb::Update => out.add(M, SURE, "owned.metadata", ""),
        Verb::Delete | Verb::Replace => {
            out.add(R, SURE, "owned.recreated", "its owner makes it anew, with new pods");
        }
        Verb::Nothing => {}
    }
    true
}

/// Whether a deletion leaves the pods running. A tree records no propagation, so there it does not.
pub(super) fn orphans(look: &Look<'_>) -> bool {
    look.verb == Verb::Delete
        && look.filled_in()
        && look.case.propagation == Some(Propagation::Orphan)
}

fn deleted(look: &Look<'_>, workload: Workload, out: &mut Findings) {
    let n = size(&look.case.id, look.before());
    if orphans(look) && workload != Workload::Pod {
        out.add(M, SURE, "workload.orphans", "its pods run on without a controller");
        return;
    }
    match workload {
        Workload::Deployment
        | Workload::StatefulSet
        | Workload::ReplicaSet
        | Workload::ReplicationController
        | Workload::DaemonSet => {
            if n > 0 {
                out.add(O, SURE, "workload.deleted", "all its pods stop");
            }
        }
        Workload::Job => out.add(R, MAY, "job.deleted", "work in flight is lost"),
        Workload::CronJob => {
            out.add(R, SURE, "cronjob.deleted", "its Jobs and their pods go too");
        }
        Workload::Pod => pod_gone(look, out),
    }
}

fn replaced(look: &Look<'_>, workload: Workload, out: &mut Findings) {
    match workload {
        Workload::ReplicaSet | Workload::ReplicationController => {
            if size(&look.case.id, look.before()) > 0 {
                out.add(O, SURE, "workload.replaced", "all its pods stop first");
            }
        }
        Workload::Pod => pod_gone(look, out),
        Workload::Deployment
        | Workload::StatefulSet
        | Workload::DaemonSet
        | Workload::Job
        | Workload::CronJob => {}
    }
}

fn pod_gone(look: &Look<'_>, out: &mut Findings) {
    if controller(look.before()).is_some() {
        out.add(R, SURE, "pod.owned", "its controller starts another");
    } else {
        out.add(O, SURE, "pod.bare", "nothing starts it again");
    }
}

/// A new controller takes over the bare pods that it selects, and deletes those it has no use for.
fn adopts(look: &Look<'_>, out: &mut Findings) {
    let adopted = look.into("adopts").filter(|edge| edge.after || edge.before);
    let adopted = u64::try_from(adopted.count()).unwrap_or(u64::MAX);
    let surplus = match look.kind() {
        // The pod of an ordinal is rolled to the new template.
        "StatefulSet" => adopted > 0,
        _ => adopted > size(&look.case.id, look.after()),
    };
    if surplus {
        out.add(R, SURE, "workload.adopts", "takes over pods that run already, and stops some");
    } else if adopted > 0 {
        out.add(A, SURE, "workload.adopts", "takes over pods that run already");
    }
}

fn updated(look: &Look<'_>, workload: Workload, out: &mut Findings) {
    let template = look.differs(workload.template());
    match workload {
        Workload::Deployment => {
            if template {
                deployment_rolls(look, out);
            }
            replicas(look, out);
        }
        Workload::DaemonSet if template => daemon_rolls(look, out),
        Workload::ReplicaSet | Workload::ReplicationController => replicas(look, out),
        // StatefulSets and pods have files of their own; the tables say all of Jobs.
        Workload::DaemonSet
        | Workload::StatefulSet
        | Workload::Job
        | Workload::CronJob
        | Workload::Pod => {}
    }
}

const ROLLS: &str = "workload.rolls";

/// O iff all pods may be gone at once: Recreate, or as many unavailable as there are.
fn deployment_rolls(look: &Look<'_>, out: &mut Findings) {
    let after = look.after();
    let n = number(after, "/spec/replicas").unwrap_or(1).max(0);
    if n == 0 || yes(after, "/spec/paused") {
        out.add(M, SURE, ROLLS, "takes effect later");
        return;
    }
    let rolling = |name: &str| after.pointer(&format!("/spec/strategy/rollingUpdate/{name}"));
    let recreate = text(after, "/spec/strategy/type") == "Recreate";
    let surge = share(rolling("maxSurge"), "25%", n, true);
    let away = match share(rolling("maxUnavailable"), "25%", n, false) {
        // Nothing could move otherwise.
        0 if surge == 0 => 1,
        away => away,
    };
    if recreate || away >= n {
        out.add(O, SURE, ROLLS, "all its pods stop before new ones start");
    } else {
        out.add(R, SURE, ROLLS, "restarts its pods");
    }
}

fn daemon_rolls(look: &Look<'_>, out: &mut Findings) {
    let after = look.after();
    if narrower_placement(look.before(), after) {
        let says = "its pods stop on nodes that no longer match";
        out.add(O, MAY, "daemonset.placement", says);
    }
    if text(after, "/spec/updateStrategy/type") == "OnDelete" {
        out.add(M, SURE, ROLLS, "takes effect when its pods are deleted");
        return;
    }
    let most = after.pointer("/spec/updateStrategy/rollingUpdate/maxUnavailable");
    let all = most.and_then(Value::as_str).and_then(|text| text.strip_suffix('%'));
    if all.and_then(|text| text.parse::<u64>().ok()).is_some_and(|percent| percent >= 100) {
        out.add(O, SURE, ROLLS, "all its pods stop before new ones start");
    } else {
        out.add(R, SURE, ROLLS, "restarts its pods");
    }
}

fn narrower_placement(before: &Value, after: &Value) -> bool {
    let at = |object: &'static str| format!("/spec/template/spec/{object}");
    let (node, affinity, tolerations) = (at("nodeSelector"), at("affinity"), at("tolerations"));
    let kept = list(after, &tolerations);
    before.pointer(&node) != after.pointer(&node)
        || before.pointer(&affinity) != after.pointer(&affinity)
        || list(before, &tolerations).iter().any(|old| !kept.contains(old))
}

/// A change of the declared size. An autoscaler may be of another opinion, unless it is switched
/// off by a size of 0.
pub(super) fn replicas(look: &Look<'_>, out: &mut Findings) {
    if !look.differs("/spec/replicas") {
        return;
    }
    let [before, after] =
        [look.before(), look.after()].map(|object| number(object, "/spec/replicas").unwrap_or(1));
    let certainty = match look.declared() {
        Some(fact) if fact.max.is_some() => MAY,
        Some(_) => SURE,
        None => Certainty::Unknown,
    };
    let rule = "workload.replicas";
    if after <= 0 && before > 0 {
        out.add(O, SURE, rule, "all its pods stop");
    } else if after < before {
        out.add(R, certainty, rule, "runs fewer pods");
    } else {
        out.add(M, certainty, rule, "");
    }
}

/// Names of the images that a template runs.
pub(super) fn images(template: &Value) -> BTreeSet<&str> {
    crate::plan::shape::containers(template).map(|container| text(container, "/image")).collect()
}
