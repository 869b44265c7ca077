//! Namespaces: what goes with one, and which pods it lets in.

use crate::document::effect::Flag;
use crate::plan::class::look::{Findings, Look};
use crate::plan::class::table::short::{D, M, MAY, O, SURE, UNREAD};
use crate::plan::class::verb::Verb;
use crate::plan::facts::rows;
use crate::plan::shape::label;

pub(super) fn judge(look: &Look<'_>, out: &mut Findings) {
    if (look.group(), look.kind()) != ("", "Namespace") {
        return;
    }
    match look.verb {
        Verb::Delete | Verb::Replace => contents(look, out),
        Verb::Create | Verb::Update => {
            security(look, out);
            holds(look, out);
        }
        Verb::Nothing => {}
    }
}

fn contents(look: &Look<'_>, out: &mut Findings) {
    let name = look.case.id.name.as_str();
    let rule = "namespace.contents";
    if name == "kube-node-lease" {
        out.add(O, MAY, "namespace.leases", "nodes may count as lost");
    }
    let Some(fact) = look.contents(name) else {
        out.add(D, UNREAD, rule, "what it holds was not read");
        return;
    };
    for case in &fact.cases {
        match case.as_str() {
            "volume-delete" => out.add(D, SURE, rule, "deletes volumes in it"),
            "volume-unread" => out.add(D, UNREAD, rule, "may delete volumes in it"),
            "custom" => out.add(D, UNREAD, rule, "deletes custom resources in it"),
            "unreadable" => out.add(D, UNREAD, rule, "may hold more than was read"),
            "secret" => out.add(D, MAY, rule, "deletes Secrets in it"),
            "workload" => out.add(O, SURE, rule, "stops the pods in it"),
            "other" => out.add(M, SURE, rule, ""),
            // A word that these rules do not know.
            _ => out.add(D, UNREAD, rule, "holds what these rules do not know"),
        }
    }
}

fn level(text: &str) -> u8 {
    match text {
        "restricted" => 2,
        "baseline" => 1,
        _ => 0,
    }
}

fn security(look: &Look<'_>, out: &mut Findings) {
    let key = |name: &str| format!("pod-security.kubernetes.io/{name}");
    let differs = |name: &str| label(look.before(), &key(name)) != label(look.after(), &key(name));
    let all = ["enforce", "enforce-version", "audit", "audit-version", "warn", "warn-version"];
    if look.verb == Verb::Create {
        return;
    }
    if all.iter().any(|name| differs(name)) {
        out.flag(Flag::Admission, "namespace.pod-security", "lets other pods in than before");
    }
    let enforce = |object| level(label(object, &key("enforce")));
    let (old, new) = (enforce(look.before()), enforce(look.after()));
    let rule = "namespace.enforce";
    if new > old {
        out.add(O, MAY, rule, "pods that start from now on may be refused");
    } else if new < old {
        out.add(M, SURE, rule, "pods with more rights are let in");
        out.flag(Flag::GuardRemoved, rule, "pods with more rights are let in");
    } else if differs("enforce-version") && new > 0 {
        out.add(O, MAY, rule, "pods that start from now on may be refused");
        out.flag(Flag::GuardRemoved, rule, "pods with more rights may be let in");
    }
}

/// Policies and webhooks that take the namespace by its labels.
fn holds(look: &Look<'_>, out: &mut Findings) {
    for edge in look.out(rows::ADMITS_NAMESPACE) {
        out.flag(Flag::Admission, "namespace.admission", "is checked otherwise than before");
        if edge.before && !edge.after {
            out.flag(
                Flag::GuardRemoved,
                "namespace.admission",
                "is no longer checked by a webhook or policy",
            );
        } else {
            out.add(O, MAY, "namespace.admission", "writes in it may be refused");
        }
    }
    for edge in look.out(rows::POLICY_NAMESPACE) {
        if edge.before && !edge.after {
            out.add(
                O,
                MAY,
                "namespace.policy-lost",
                "a NetworkPolicy may no longer let it through",
            );
        } else {
            out.flag(Flag::Exposure, "namespace.policy-gained", "a NetworkPolicy lets it through");
        }
    }
}
