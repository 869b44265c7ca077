//! Ingresses, routes, gateways, network policies: ways that traffic takes, and ways that open.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::document::effect::{Flag, Known};
use crate::document::ident::ResourceId;
use crate::plan::class::look::{Findings, Look};
use crate::plan::class::table::short::{M, MAY, O, SURE, UNREAD};
use crate::plan::class::verb::Verb;
use crate::plan::facts::links::{self, managed_by};
use crate::plan::facts::rows;
use crate::plan::shape::{controller, id, label, list, members, text};

pub(super) fn judge(look: &Look<'_>, out: &mut Findings) {
    match (look.group(), look.kind()) {
        ("networking.k8s.io", "Ingress") => {
            ways(look, &["/spec/rules"], out);
            backends(look, out);
        }
        ("gateway.networking.k8s.io", "Gateway") => ways(look, &["/spec/listeners"], out),
        ("gateway.networking.k8s.io", "ReferenceGrant") => grant(look, out),
        ("gateway.networking.k8s.io", kind) if kind.ends_with("Route") => {
            ways(look, &["/spec/rules", "/spec/hostnames", "/spec/parentRefs"], out);
            backends(look, out);
        }
        ("networking.k8s.io", "NetworkPolicy") => policy(look, out),
        ("discovery.k8s.io", "EndpointSlice") | ("", "Endpoints") => slice(look, out),
        _ => {}
    }
}

/// The parts of a list, small enough that one that moves is not one that changes. Of an Ingress
/// each path of each host is one.
fn parts(object: &Value, pointer: &str) -> BTreeSet<String> {
    let mut parts = BTreeSet::new();
    for item in list(object, pointer) {
        let paths = list(item, "/http/paths");
        if paths.is_empty() {
            parts.insert(item.to_string());
        }
        for path in paths {
            parts.insert(format!("{} {path}", text(item, "/host")));
        }
    }
    parts
}

fn ways(look: &Look<'_>, pointers: &[&str], out: &mut Findings) {
    if look.verb != Verb::Update {
        return;
    }
    for pointer in pointers {
        let (before, after) = (parts(look.before(), pointer), parts(look.after(), pointer));
        if !before.is_subset(&after) {
            out.add(O, MAY, "traffic.way-gone", "a way that clients use goes or changes");
        }
        if !after.is_subset(&before) {
            out.add(M, SURE, "traffic.way-added", "");
            out.flag(Flag::Exposure, "traffic.way-added", "is reached in another way");
        }
    }
}

/// Backends that are not there once the plan is done.
fn backends(look: &Look<'_>, out: &mut Findings) {
    let moved = match look.verb {
        Verb::Update => look.touches("/spec/**"),
        Verb::Create | Verb::Replace => true,
        Verb::Delete | Verb::Nothing => false,
    };
    if !moved {
        return;
    }
    let wanted: BTreeSet<(ResourceId, &str)> = links::of(&look.case.id, look.after())
        .into_iter()
        .filter(|link| matches!(link.row, rows::BACKEND | rows::BACKEND_PORT))
        .map(|link| (id(link.to.0, link.to.1, link.to.2, link.to.3), link.part))
        .collect();
    // A new way that leads nowhere takes nothing from anybody.
    if look.verb == Verb::Create {
        return;
    }
    let rule = "traffic.backend";
    for (service, port) in &wanted {
        match look.stands(rows::BACKEND, service) {
            Known::No => out.add(O, MAY, rule, "leads to a Service that is not there"),
            Known::Unread => out.add(O, UNREAD, rule, "may lead to a Service that is not there"),
            Known::Yes if !port.is_empty() && !has_port(look, service, port) => {
                out.add(O, MAY, rule, "leads to a port that its Service does not have");
            }
            Known::Yes => {}
        }
    }
}

fn has_port(look: &Look<'_>, service: &ResourceId, port: &str) -> bool {
    match look.other(service) {
        Some(case) => list(case.after, "/spec/ports").iter().any(|p| text(p, "/name") == port),
        None => look
            .out(rows::BACKEND_PORT)
            .any(|edge| edge.after && edge.to == *service && rows::part(&edge.by) == port),
    }
}

fn grant(look: &Look<'_>, out: &mut Findings) {
    if look.verb != Verb::Update {
        return;
    }
    for pointer in ["/spec/from", "/spec/to"] {
        let (before, after) = (parts(look.before(), pointer), parts(look.after(), pointer));
        if !before.is_subset(&after) {
            out.add(O, MAY, "grant.narrowed", "references over namespaces may break");
        }
        if !after.is_subset(&before) {
            out.flag(Flag::Privilege, "grant.widened", "lets more be referred to");
        }
    }
}

fn policy(look: &Look<'_>, out: &mut Findings) {
    match look.verb {
        Verb::Create => {
            let lived = |from| look.other(from).is_none_or(|case| !case.before.is_null());
            if look.into(rows::POLICY).any(|edge| edge.after && lived(&edge.from)) {
                out.add(O, MAY, "policy.first", "traffic to running pods may be cut off");
            }
        }
        Verb::Update if look.touches("/spec/**") => {
            let opened = ["/spec/ingress", "/spec/egress"].iter().any(|pointer| {
                let rules = parts(look.after(), pointer);
                let before = parts(look.before(), pointer);
                !rules.is_subset(&before)
            });
            if opened || smaller_selector(look) || direction_dropped(look) {
                out.flag(Flag::Exposure, "policy.opened", "lets more traffic through");
            }
        }
        Verb::Update | Verb::Delete | Verb::Replace | Verb::Nothing => {}
    }
}

/// Whether the policy may let go of pods that it held.
fn smaller_selector(look: &Look<'_>) -> bool {
    let at = "/spec/podSelector";
    let labels = |object| -> BTreeSet<(&str, String)> {
        members(object, "/spec/podSelector/matchLabels").map(|(k, v)| (k, v.to_string())).collect()
    };
    let expressions = |object| parts(object, "/spec/podSelector/matchExpressions");
    look.differs(at)
        && !(labels(look.after()).is_subset(&labels(look.before()))
            && expressions(look.after()).is_subset(&expressions(look.before())))
}

fn direction_dropped(look: &Look<'_>) -> bool {
    let held = |object| parts(object, "/spec/policyTypes");
    !held(look.before()).is_subset(&held(look.after()))
}

/// Slices that a controller keeps come back in seconds; those made by hand do not.
fn slice(look: &Look<'_>, out: &mut Findings) {
    let object = if look.before().is_null() { look.after() } else { look.before() };
    let managed = controller(object).is_some()
        || !managed_by(object).is_empty()
        || !label(object, "endpoints.kubernetes.io/managed-by").is_empty();
    if managed {
        return;
    }
    match look.verb {
        Verb::Delete | Verb::Replace => {
            out.add(O, SURE, "slice.by-hand", "its Service no longer leads anywhere");
        }
        Verb::Update
            if ["/endpoints/**", "/ports/**", "/subsets/**", "/addressType"]
                .iter()
                .any(|pattern| look.touches(pattern)) =>
        {
            out.add(O, MAY, "slice.by-hand", "its Service leads elsewhere");
        }
        Verb::Update | Verb::Create | Verb::Nothing => {}
    }
}
