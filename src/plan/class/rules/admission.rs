//! Webhooks, admission policies, aggregated APIs: what the API server accepts, and whether it can
//! still answer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::document::effect::{Flag, Known};
use crate::plan::class::look::{Findings, Look};
use crate::plan::class::table::short::{A, M, MAY, O, SURE, UNREAD};
use crate::plan::class::verb::Verb;
use crate::plan::facts::rows;
use crate::plan::shape::{id, list, text};

pub(super) fn judge(look: &Look<'_>, out: &mut Findings) {
    match (look.group(), look.kind()) {
        (
            "admissionregistration.k8s.io",
            "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration",
        ) => webhooks(look, out),
        (
            "admissionregistration.k8s.io",
            "ValidatingAdmissionPolicy" | "MutatingAdmissionPolicy",
        ) => policy(look, out),
        ("admissionregistration.k8s.io", kind) if kind.ends_with("Binding") => binding(look, out),
        ("apiregistration.k8s.io", "APIService") => api(look, out),
        _ => {}
    }
}

/// Whether the Service behind a `clientConfig` stands; a URL always counts as standing.
pub(super) fn backend(look: &Look<'_>, service: Option<&Value>) -> Known {
    let Some(service) = service else { return Known::Yes };
    let to = id("", "Service", text(service, "/namespace"), text(service, "/name"));
    look.stands(rows::CALLBACK, &to)
}

fn fails(webhook: &Value) -> bool {
    text(webhook, "/failurePolicy") != "Ignore"
}

fn webhooks(look: &Look<'_>, out: &mut Findings) {
    let named = |object| -> BTreeMap<&str, &Value> {
        list(object, "/webhooks").iter().map(|hook| (text(hook, "/name"), hook)).collect()
    };
    let (before, after) = (named(look.before()), named(look.after()));
    if after.is_empty() && look.after().is_null() {
        return;
    }
    for (name, hook) in &after {
        let old = before.get(name).copied();
        if look.verb == Verb::Update && old == Some(*hook) {
            continue;
        }
        closes(look, old, hook, out);
        if old.is_some_and(|old| loosened(old, hook)) {
            unguarded(out);
        }
    }
    if before.keys().any(|name| !after.contains_key(name)) {
        unguarded(out);
    }
}

fn unguarded(out: &mut Findings) {
    out.add(M, SURE, "webhook.loosened", "less is checked by it");
    out.flag(Flag::GuardRemoved, "webhook.loosened", "less is checked by it");
}

/// A webhook that fails closed holds up every write that it matches.
fn closes(look: &Look<'_>, old: Option<&Value>, hook: &Value, out: &mut Findings) {
    if !fails(hook) || list(hook, "/rules").is_empty() {
        if look.verb == Verb::Create {
            out.add(A, SURE, "webhook.ignored", "");
        }
        return;
    }
    let says = "every write that it matches fails, because its Service is not there";
    match backend(look, hook.pointer("/clientConfig/service")) {
        Known::No => out.add(O, SURE, "webhook.no-backend", says),
        Known::Unread => out.add(O, UNREAD, "webhook.no-backend", says),
        Known::Yes => {}
    }
    let wider = old.is_none_or(|old| {
        !fails(old)
            || !tuples(hook).is_subset(&tuples(old))
            || [
                "namespaceSelector",
                "objectSelector",
                "clientConfig",
                "matchConditions",
                "matchPolicy",
            ]
            .iter()
            .any(|member| old.get(member) != hook.get(member))
    });
    if wider {
        out.add(O, MAY, "webhook.closed", "writes that it matches fail while it does not answer");
    }
}

fn loosened(old: &Value, new: &Value) -> bool {
    fails(old) && !fails(new)
        || !tuples(old).is_subset(&tuples(new))
        || ["namespaceSelector", "objectSelector", "matchConditions"]
            .iter()
            .any(|member| old.get(member) != new.get(member))
}

/// What the rules of a webhook match, one by one.
fn tuples(hook: &Value) -> BTreeSet<[String; 5]> {
    let mut found = BTreeSet::new();
    let texts = |rule: &Value, at: &str| -> Vec<String> {
        list(rule, at).iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    for rule in list(hook, "/rules") {
        let scope = text(rule, "/scope").to_owned();
        for group in texts(rule, "/apiGroups") {
            for version in texts(rule, "/apiVersions") {
                for resource in texts(rule, "/resources") {
                    for verb in texts(rule, "/operations") {
                        let (group, version) = (group.clone(), version.clone());
                        found.insert([group, version, resource.clone(), verb, scope.clone()]);
                    }
                }
            }
        }
    }
    found
}

fn policy(look: &Look<'_>, out: &mut Findings) {
    if look.verb != Verb::Update || !look.touches("/spec/**") {
        return;
    }
    let bound = look.into(rows::BINDS).any(|edge| edge.after);
    if bound && text(look.after(), "/spec/failurePolicy") != "Ignore" {
        out.add(O, MAY, "admission.stricter", "writes that it matches may be refused");
    }
    let rules = |object| -> BTreeSet<String> {
        ["/spec/validations", "/spec/mutations", "/spec/matchConstraints/resourceRules"]
            .iter()
            .flat_map(|at| list(object, at))
            .map(Value::to_string)
            .collect()
    };
    let ignored = text(look.before(), "/spec/failurePolicy") != "Ignore"
        && text(look.after(), "/spec/failurePolicy") == "Ignore";
    let narrower =
        look.touches("/spec/matchConstraints/**") || look.touches("/spec/matchConditions/**");
    if ignored || narrower || !rules(look.before()).is_subset(&rules(look.after())) {
        out.flag(Flag::GuardRemoved, "admission.loosened", "less may be checked by it");
    }
}

/// Whether a binding refuses; one of a mutating policy always has its way.
fn denies(look: &Look<'_>, object: &Value) -> bool {
    if object.is_null() {
        return false;
    }
    let mutating = look.kind().starts_with("Mutating");
    mutating || list(object, "/spec/validationActions").iter().any(|a| a.as_str() == Some("Deny"))
}

fn binding(look: &Look<'_>, out: &mut Findings) {
    let (old, new) = (denies(look, look.before()), denies(look, look.after()));
    let touched = match look.verb {
        Verb::Create | Verb::Replace => true,
        Verb::Update => look.touches("/spec/**"),
        Verb::Delete | Verb::Nothing => false,
    };
    if new && touched {
        out.add(O, MAY, "admission.bound", "writes that it matches may be refused");
    }
    if look.verb == Verb::Update && old && touched {
        let narrower = look.touches("/spec/matchResources/**") || look.differs("/spec/policyName");
        if !new || narrower {
            out.flag(Flag::GuardRemoved, "admission.loosened", "less may be checked by it");
        }
    }
}

fn api(look: &Look<'_>, out: &mut Findings) {
    let service = |object: &'_ Value| object.pointer("/spec/service").is_some_and(|s| !s.is_null());
    if look.verb.goes() {
        if service(look.before()) {
            out.add(O, SURE, "api.deleted", "its API is no longer served");
        }
        return;
    }
    if !service(look.after()) {
        return;
    }
    let says = "while its Service is not there, no namespace can be deleted";
    match backend(look, look.after().pointer("/spec/service")) {
        Known::No => out.add(O, MAY, "api.no-backend", says),
        Known::Unread => out.add(O, UNREAD, "api.no-backend", says),
        Known::Yes => {}
    }
}
