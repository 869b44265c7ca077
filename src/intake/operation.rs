//! One operation of a Proposal, and a manifest as the operation that it stands for.

use serde_json::Value;

use super::form::{Member, Members};
use super::page::{Leaf, Place, kind_of};
use super::{body, patch};
use crate::document::ident::{Label, Pointer, ResourceId};
use crate::document::operation::{Action, Consent, Wait};
use crate::manifest::object;

/// The verbs, each a member that holds what it needs.
pub(super) const VERBS: [&str; 4] = ["apply", "patch", "delete", "stack"];
/// Members of an operation beside its verb.
pub(super) const BESIDE: [&str; 6] = ["id", "reason", "dependsOn", "replace", "force", "wait"];
/// Members of a wait.
pub(super) const WAIT: [&str; 2] = ["ready", "timeoutSeconds"];

/// Longest wait that may be asked for: a day.
const LONGEST_WAIT: u64 = 86_400;

/// An operation before its neighbours are known.
pub(super) struct Draft {
    /// Its own name, if it has one.
    pub(super) id: Member<(Label, Place)>,
    /// What it does; `None` if that was refused.
    pub(super) action: Option<Action>,
    /// The object it is about.
    pub(super) about: Option<About>,
    /// Why.
    pub(super) reason: String,
    /// What goes before it.
    pub(super) depends_on: Vec<(Label, Place)>,
    /// See [`crate::document::operation::Operation::replace`].
    pub(super) replace: Consent,
    /// See [`crate::document::operation::Operation::force`].
    pub(super) force: Consent,
    /// What to wait for.
    pub(super) wait: Wait,
    /// Where it stands.
    pub(super) place: Place,
}

/// What an operation changes: no two may change the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    /// An object.
    Object(ResourceId),
    /// A stack, by name.
    Stack(String),
}

impl std::fmt::Display for About {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Object(id) => id.fmt(f),
            Self::Stack(name) => write!(f, "stack {name}"),
        }
    }
}

impl Draft {
    fn bare(place: Place) -> Self {
        Self {
            id: Member::Missing,
            action: None,
            about: None,
            reason: String::new(),
            depends_on: Vec::new(),
            replace: Consent::default(),
            force: Consent::default(),
            wait: Wait::default(),
            place,
        }
    }

    fn doing(&mut self, done: Option<(Action, About)>) {
        if let Some((action, about)) = done {
            (self.action, self.about) = (Some(action), Some(about));
        }
    }
}

/// Reads one operation of a Proposal.
pub(super) fn draft(value: Value, at: &Pointer, leaf: &mut Leaf<'_, '_>) -> Draft {
    let mut draft = Draft::bare(leaf.place(at));
    let known: Vec<_> = VERBS.iter().chain(&BESIDE).copied().collect();
    let Some(mut members) = Members::open(value, at, &known, leaf) else {
        // Its id is not known either.
        draft.id = Member::Wrong;
        return draft;
    };
    draft.id = members.label("id", leaf);
    draft.reason = members.text("reason", leaf).given().unwrap_or_default();
    draft.replace = members.consent("replace", leaf);
    draft.force = members.consent("force", leaf);
    if let Some((value, at)) = members.take("wait") {
        draft.wait = wait(value, &at, leaf).unwrap_or_default();
    }
    if let Some((value, at)) = members.take("dependsOn") {
        draft.depends_on = labels(value, &at, leaf);
    }
    let verbs: Vec<_> = VERBS.into_iter().filter(|verb| members.has(verb)).collect();
    match verbs.as_slice() {
        [verb] => {
            if let Some((value, at)) = members.take(verb) {
                draft.doing(match *verb {
                    "apply" => body::apply(value, &at, leaf),
                    "patch" => patch::patch(value, &at, leaf),
                    "delete" => body::delete(value, &at, leaf),
                    _ => body::stack(value, &at, leaf),
                });
            }
        }
        [] => leaf.refuse(at, "an operation without a verb", "write one of apply, patch, delete"),
        [_, second, ..] => {
            let message = format!("two verbs in one operation: {}", verbs.join(" and "));
            leaf.refuse_member(&at.join(second), message, "make it two operations");
        }
    }
    draft
}

fn wait(value: Value, at: &Pointer, leaf: &mut Leaf<'_, '_>) -> Option<Wait> {
    let mut members = Members::open(value, at, &WAIT, leaf)?;
    let mut wait = Wait::default();
    match members.take("ready") {
        None => {}
        Some((Value::Bool(ready), _)) => wait.ready = ready,
        Some((value, at)) => {
            leaf.refuse(&at, format!("{}, where true or false is expected", kind_of(&value)), "");
        }
    }
    if let Some((value, at)) = members.take("timeoutSeconds") {
        match value.as_u64().filter(|seconds| (1..=LONGEST_WAIT).contains(seconds)) {
            Some(seconds) => wait.timeout_seconds = u32::try_from(seconds).unwrap_or(u32::MAX),
            None => {
                let message = format!("not a whole number of seconds from 1 to {LONGEST_WAIT}");
                leaf.refuse(&at, message, "");
            }
        }
    }
    Some(wait)
}

fn labels(value: Value, at: &Pointer, leaf: &mut Leaf<'_, '_>) -> Vec<(Label, Place)> {
    let Value::Array(items) = value else {
        leaf.refuse(at, format!("{}, where a list is expected", kind_of(&value)), "write `[id]`");
        return Vec::new();
    };
    let mut found = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let at = at.join(&index.to_string());
        let Some(text) = item.as_str() else {
            leaf.refuse(&at, format!("{}, where a text is expected", kind_of(&item)), "");
            continue;
        };
        match text.parse::<Label>() {
            Ok(label) => found.push((label, leaf.place(&at))),
            Err(error) => leaf.refuse(&at, error.to_string(), ""),
        }
    }
    found
}

/// Reads a document that is no Proposal: each object of it is one `apply`.
pub(super) fn manifests(
    value: Value,
    leaf: &mut Leaf<'_, '_>,
    drafts: &mut Vec<Draft>,
    notes: &mut Vec<String>,
) {
    let at = Pointer::default();
    match object::into_list_items(value) {
        Ok(items) => {
            notes.push(format!("a List of {} objects was read as its objects", items.len()));
            for (index, item) in items.into_iter().enumerate() {
                manifest(item, &at.join("items").join(&index.to_string()), leaf, drafts);
            }
        }
        Err(value) => manifest(value, &at, leaf, drafts),
    }
}

fn manifest(value: Value, at: &Pointer, leaf: &mut Leaf<'_, '_>, drafts: &mut Vec<Draft>) {
    let mut draft = Draft::bare(leaf.place(at));
    draft.doing(body::apply(value, at, leaf));
    drafts.push(draft);
}

/// What a value is, if it is an object: its kind and name.
pub(super) fn said(value: &Value) -> Option<String> {
    let resource = object::identity(value).ok()?;
    Some(format!("{} {}", resource.kind, resource.name))
}
