//! Services and the workloads behind them, from either end: a selector that loses its pods, a
//! label that leaves its Service, a named port that nobody declares any more.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::document::effect::{Edge, Flag};
use crate::plan::class::look::{Findings, Look};
use crate::plan::class::table::short::{M, MAY, O, R, SURE};
use crate::plan::class::verb::Verb;
use crate::plan::facts::rows;
use crate::plan::shape::{Workload, labels, list, members, size, template, text};

pub(super) fn judge(look: &Look<'_>, out: &mut Findings) {
    if (look.group(), look.kind()) == ("", "Service") {
        exposure(look, out);
        match look.verb {
            Verb::Update => {
                selector(look, out);
                ports(look, out);
                ranges(look, out);
            }
            Verb::Delete => deleted(look, out),
            Verb::Create | Verb::Replace | Verb::Nothing => {}
        }
    }
    if Workload::of(look.group(), look.kind()).is_some() && look.verb == Verb::Update {
        lost_edges(look, out);
    }
}

fn selects<'a>(look: &Look<'a>) -> Vec<&'a Edge> {
    look.out(rows::SELECTS).collect()
}

fn selector(look: &Look<'_>, out: &mut Findings) {
    if !look.differs("/spec/selector") {
        return;
    }
    let filled = |object| members(object, "/spec/selector").next().is_some();
    let rule = "service.selector";
    if filled(look.before()) && !filled(look.after()) {
        out.add(O, MAY, rule, "its addresses are no longer kept up to date");
        return;
    }
    let edges = selects(look);
    let had = edges.iter().any(|edge| edge.before);
    let has = edges.iter().any(|edge| edge.after);
    // Both ends moved: between the two writes there is a gap.
    let moved = |edge: &&Edge| {
        look.other(&edge.from).or(look.other(&edge.to)).is_some() && pods_moved(look, edge)
    };
    if had && !has {
        out.add(O, SURE, rule, "no pod is left behind it");
    } else if edges.iter().any(|edge| edge.before != edge.after) || edges.iter().any(moved) {
        out.add(R, SURE, rule, "leads to other pods");
    }
}

fn pods_moved(look: &Look<'_>, edge: &Edge) -> bool {
    look.other(&edge.to).is_some_and(|case| {
        let pods = |object| template(&edge.to.group, &edge.to.kind, object).and_then(labels);
        pods(case.before) != pods(case.after)
    })
}

/// Ports by number and protocol.
fn port_map(object: &Value) -> BTreeMap<(i64, &str), &Value> {
    let key = |port| {
        let protocol = match text(port, "/protocol") {
            "" => "TCP",
            protocol => protocol,
        };
        (port.get("port").and_then(Value::as_i64).unwrap_or(0), protocol)
    };
    list(object, "/spec/ports").iter().map(|port| (key(port), port)).collect()
}

fn target_names(object: &Value) -> BTreeSet<&str> {
    let names = list(object, "/spec/ports").iter().map(|port| text(port, "/targetPort"));
    names.filter(|name| !name.is_empty()).collect()
}

fn ports(look: &Look<'_>, out: &mut Findings) {
    let (before, after) = (port_map(look.before()), port_map(look.after()));
    if look.differs("/spec/ports") && before.iter().any(|(key, port)| after.get(key) != Some(port))
    {
        out.add(O, MAY, "service.port", "a port that clients use goes or changes");
    }
    if !look.differs("/spec/ports") && !look.differs("/spec/selector") {
        return;
    }
    if !selects(look).iter().any(|edge| edge.after) {
        return;
    }
    for name in target_names(look.after()) {
        let declared = look.out(rows::PORT).any(|edge| edge.after && rows::part(&edge.by) == name);
        if !declared {
            out.add(O, SURE, "service.port-undeclared", "a named port has no target");
        }
    }
}

fn texts<'a>(object: &'a Value, pointer: &str) -> BTreeSet<&'a str> {
    list(object, pointer).iter().filter_map(Value::as_str).collect()
}

fn ranges(look: &Look<'_>, out: &mut Findings) {
    let at = "/spec/loadBalancerSourceRanges";
    let (before, after) = (texts(look.before(), at), texts(look.after(), at));
    let rule = "service.source-ranges";
    let narrowed = if before.is_empty() { !after.is_empty() } else { !before.is_subset(&after) };
    if narrowed && !after.is_empty() {
        out.add(O, MAY, rule, "clients outside the ranges are cut off");
    }
    if !before.is_empty() && (after.is_empty() || !after.is_subset(&before)) {
        out.flag(Flag::Exposure, rule, "is reached from more addresses");
    }
    let (old, new) =
        (texts(look.before(), "/spec/externalIPs"), texts(look.after(), "/spec/externalIPs"));
    if old.is_subset(&new) && old != new {
        out.add(M, SURE, "service.external-ips", "");
    } else if old != new {
        out.add(O, MAY, "service.external-ips", "an address that it answered on goes");
    }
}

fn exposure(look: &Look<'_>, out: &mut Findings) {
    if look.verb == Verb::Delete {
        return;
    }
    let open = |object| matches!(text(object, "/spec/type"), "LoadBalancer" | "NodePort");
    let kind = |object| text(object, "/spec/type");
    let rule = "service.exposed";
    if open(look.after()) && kind(look.before()) != kind(look.after()) {
        out.flag(Flag::Exposure, rule, "is reached from outside the cluster");
    }
    let ips = |object| texts(object, "/spec/externalIPs");
    if !ips(look.after()).is_subset(&ips(look.before())) {
        out.flag(Flag::Exposure, rule, "is reached on another address");
    }
}

fn deleted(look: &Look<'_>, out: &mut Findings) {
    let rule = "service.deleted";
    if look.out(rows::SELECTS).any(|edge| edge.before) {
        out.add(O, SURE, rule, "its clients no longer reach its pods");
    }
    if look.into(rows::SLICE).any(|edge| edge.before || edge.after) {
        out.add(O, SURE, rule, "its clients no longer reach its addresses");
    }
    for row in [rows::BACKEND, rows::CALLBACK] {
        if look.into(row).any(|edge| edge.after) {
            out.add(O, SURE, "service.still-named", "is still named by what leads to it");
        }
    }
}

/// What selected this workload and no longer does, or begins to.
fn lost_edges(look: &Look<'_>, out: &mut Findings) {
    let id = &look.case.id;
    let pods = |object| template(&id.group, &id.kind, object).and_then(labels);
    let relabelled = pods(look.before()) != pods(look.after());
    let resized = size(id, look.before()) != size(id, look.after());
    for row in [rows::SELECTS, rows::PORT] {
        for edge in look.into(row).filter(|edge| edge.before && !edge.after) {
            let service = look.other(&edge.from);
            if service.is_some_and(|case| case.after.is_null()) {
                continue;
            }
            let named = rows::part(&edge.by);
            // A Service that gave the name up itself has lost nothing.
            let wanted = row == rows::SELECTS
                || service.is_none_or(|case| target_names(case.after).contains(named));
            let own = relabelled || resized || row == rows::PORT;
            if !wanted || !own {
                continue;
            }
            let left = look.of_other(&edge.from, &edge.by).any(|other| other.after);
            let (rule, says) = match row {
                rows::PORT => ("service.lost-port", "a named port of its Service has no target"),
                _ => ("service.lost-edge", "leaves its Service"),
            };
            out.add(if left { R } else { O }, SURE, rule, says);
        }
    }
    for edge in look.out(rows::POLICY) {
        if edge.before && !edge.after {
            out.add(M, SURE, "policy.lost", "leaves a NetworkPolicy");
            out.flag(Flag::Exposure, "policy.lost", "leaves a NetworkPolicy");
            out.flag(Flag::GuardRemoved, "policy.lost", "leaves a NetworkPolicy");
        } else if edge.after && !edge.before {
            out.add(O, MAY, "policy.gained", "comes under a NetworkPolicy");
        }
    }
    for edge in look.out(rows::POLICY_PEER) {
        if edge.before && !edge.after {
            out.add(O, MAY, "policy.peer-lost", "a NetworkPolicy may no longer let it through");
        } else if edge.after && !edge.before {
            out.flag(Flag::Exposure, "policy.peer-gained", "a NetworkPolicy lets it through");
        }
    }
    if look.out(rows::BUDGET).any(|edge| edge.before && !edge.after) {
        out.add(M, SURE, "budget.lost", "leaves its PodDisruptionBudget");
        out.flag(Flag::GuardRemoved, "budget.lost", "leaves its PodDisruptionBudget");
    }
}
