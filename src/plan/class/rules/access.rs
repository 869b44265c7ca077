//! Roles, bindings and accounts: who may do more than before, and who may do less.

use std::collections::BTreeSet;

use serde_json::Value;

use super::widen::{Widened, widened};
use crate::document::effect::{Flag, Known};
use crate::plan::class::look::{Findings, Look};
use crate::plan::class::table::short::{M, MAY, O, SURE};
use crate::plan::class::verb::Verb;
use crate::plan::facts::properties::bound_role;
use crate::plan::facts::rows;
use crate::plan::shape::{labels, list, members, text};

pub(super) fn judge(look: &Look<'_>, out: &mut Findings) {
    match (look.group(), look.kind()) {
        ("rbac.authorization.k8s.io", "Role" | "ClusterRole") => role(look, out),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => binding(look, out),
        ("", "ServiceAccount") => account(look, out),
        _ => {}
    }
}

fn flag(widened: Widened, rule: &str, out: &mut Findings) {
    if widened.any {
        out.flag(Flag::Privilege, rule, "allows what was not allowed before");
    }
    if widened.escalation {
        out.flag(Flag::Escalation, rule, "allows enough to take over");
    }
}

fn role(look: &Look<'_>, out: &mut Findings) {
    let (before, after) = (list(look.before(), "/rules"), list(look.after(), "/rules"));
    let bound = look.into(rows::GRANTS).any(|edge| !edge.optional && (edge.before || edge.after));
    match look.verb {
        Verb::Create => flag(widened(&[], after), "role.widened", out),
        Verb::Update => {
            if look.before().get("aggregationRule").is_some() && look.differs("/rules") {
                out.add(M, SURE, "role.aggregated", "its controller overwrites the rules");
            } else if widened(after, before).any && bound {
                out.add(O, MAY, "role.narrowed", "whoever has it may do less");
            }
            flag(widened(before, after), "role.widened", out);
            aggregates(look, after, out);
        }
        Verb::Delete if bound => {
            out.add(O, MAY, "role.deleted", "whoever has it may do nothing with it");
        }
        Verb::Replace => flag(widened(before, after), "role.widened", out),
        Verb::Delete | Verb::Nothing => {}
    }
}

/// A label that puts the rules of one role into others.
fn aggregates(look: &Look<'_>, rules: &[Value], out: &mut Findings) {
    let put = |object| -> BTreeSet<&str> {
        let own = labels(object).into_iter().flatten();
        own.map(|(key, _)| key.as_str())
            .filter(|key| key.starts_with("rbac.authorization.k8s.io/aggregate-to-"))
            .collect()
    };
    let (old, new) = (put(look.before()), put(look.after()));
    let gained = look.into(rows::AGGREGATES).any(|edge| edge.after && !edge.before);
    let lost = look.into(rows::AGGREGATES).any(|edge| edge.before && !edge.after);
    if gained || !new.is_subset(&old) {
        flag(widened(&[], rules), "role.aggregated", out);
    }
    if lost || !old.is_subset(&new) {
        out.add(O, MAY, "role.unaggregated", "whoever has the aggregated role may do less");
    }
}

/// Kind, namespace, name of each subject; an account without a namespace is in that of the binding.
fn subjects(look: &Look<'_>, object: &Value) -> BTreeSet<(String, String, String)> {
    list(object, "/subjects")
        .iter()
        .map(|subject| {
            let kind = text(subject, "/kind");
            let namespace = match text(subject, "/namespace") {
                "" if kind == "ServiceAccount" => look.case.id.namespace.as_str(),
                namespace => namespace,
            };
            (kind.to_owned(), namespace.to_owned(), text(subject, "/name").to_owned())
        })
        .collect()
}

fn binding(look: &Look<'_>, out: &mut Findings) {
    let (old, new) = (subjects(look, look.before()), subjects(look, look.after()));
    if look.verb == Verb::Update && !old.is_subset(&new) {
        out.add(O, MAY, "binding.subject-removed", "a subject may no longer act");
    }
    if look.after().is_null() {
        return;
    }
    let added: Vec<_> = if look.differs("/roleRef") {
        new.iter().collect()
    } else {
        new.difference(&old).collect()
    };
    if added.is_empty() {
        return;
    }
    let rule = "binding.widened";
    out.flag(Flag::Privilege, rule, "gives a role to somebody");
    if role_escalates(look) || added.iter().any(|(_, _, name)| name == "system:masters") {
        out.flag(
            Flag::Escalation,
            rule,
            "gives enough to take over, or a role that cannot be seen",
        );
    }
    let open = |name: &str| {
        matches!(name, "system:unauthenticated" | "system:anonymous" | "system:authenticated")
            || name.starts_with("system:serviceaccounts")
    };
    if added.iter().any(|(kind, _, name)| kind != "ServiceAccount" && open(name)) {
        out.flag(Flag::Exposure, rule, "gives a role to whole groups of callers");
    }
}

/// Whether the role behind a binding suffices to take over; one that cannot be read does.
fn role_escalates(look: &Look<'_>) -> bool {
    let Some(role) = bound_role(&look.case.id, look.after()) else { return true };
    let strong = matches!(role.name.as_str(), "cluster-admin" | "admin" | "edit");
    if role.kind == "ClusterRole" && (strong || role.name.starts_with("system:")) {
        return true;
    }
    if let Some(case) = look.other(&role) {
        let opaque = case.after.is_null() || case.after.get("aggregationRule").is_some();
        return opaque || widened(&[], list(case.after, "/rules")).escalation;
    }
    match look.role(&role) {
        Some(fact) if fact.present == Known::Yes => widened(&[], list(&fact.rules, "")).escalation,
        Some(_) | None => true,
    }
}

fn account(look: &Look<'_>, out: &mut Findings) {
    if look.after().is_null() {
        return;
    }
    let cloud = |key: &str| {
        matches!(key, "eks.amazonaws.com/role-arn" | "iam.gke.io/gcp-service-account")
            || key.starts_with("azure.workload.identity/")
    };
    let roles = |object| -> BTreeSet<(&str, String)> {
        let all = members(object, "/metadata/annotations").filter(|(key, _)| cloud(key));
        all.map(|(key, value)| (key, value.to_string())).collect()
    };
    if roles(look.before()) != roles(look.after()) {
        out.flag(Flag::Identity, "account.cloud-role", "acts under another role of the cloud");
    }
    let off =
        |object: &Value| object.get("automountServiceAccountToken") == Some(&Value::Bool(false));
    if look.verb != Verb::Create && off(look.before()) && !off(look.after()) {
        out.flag(Flag::Identity, "account.automount", "its pods get its token");
    }
    let pulls = |object| {
        list(object, "/imagePullSecrets").iter().map(|s| text(s, "/name")).collect::<BTreeSet<_>>()
    };
    if look.verb == Verb::Update && !pulls(look.before()).is_subset(&pulls(look.after())) {
        out.add(O, MAY, "account.pull-secret", "its new pods may not get their images");
    }
}
