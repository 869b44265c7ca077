//! Of a cluster the outcome is the server's word. What can be held against the operation is: the
//! outcome was asked for, nothing that it sets is left open, what takes something from others or
//! destroys it was allowed in so many words, and the guard names the object.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Own, steps, wrong};
use crate::custody::vault;
use crate::document::effect::{Preview, PreviewState, Step};
use crate::document::ident::{Label, Pointer};
use crate::document::operation::{Action, Consent, Operation, Propagation};
use crate::observe::ObservedChange;
use crate::observe::kubernetes::unshown;
use crate::plan::class;
use crate::plan::derive::DeriveError;

/// Why a replacement is deferred: the server cannot rehearse what comes after the old object is gone.
pub(super) const REPLACE: &str = "replace";

pub(super) fn own(
    operation: &Operation,
    seen: &ObservedChange,
    makers: &BTreeMap<String, &Label>,
) -> Result<Own, DeriveError> {
    let refuse = |message: &str| Err(wrong(operation, message));
    let id = seen.resource.id();
    let deletes = match &operation.action {
        Action::Apply(_) => false,
        Action::Patch(_) if seen.before.is_null() => return refuse("the object is not there"),
        Action::Patch(_) => false,
        Action::Delete(_) if seen.before.is_null() => return refuse("the object is not there"),
        Action::Delete(_) => true,
        Action::Stack(_) => return refuse("a cluster has no stacks"),
    };
    if seen.after.is_null() != deletes {
        return refuse("`after` is not what the operation asks for");
    }
    shown(operation)?;
    guarded(operation, seen)?;
    hidden(operation, seen)?;
    open(operation, seen)?;
    if !seen.force.is_empty() && operation.force == Consent::Refused {
        return refuse("fields of others are taken over, and the operation lacks `force: allowed`");
    }
    let Preview { state, because, by } = &seen.preview;
    let own_id = id.to_string();
    let replaces = *state == PreviewState::Deferred && because == REPLACE;
    let told = !because.is_empty();
    let good = match state {
        PreviewState::Server => !told && by.is_empty() && seen.replace_paths.is_empty(),
        PreviewState::Deferred if replaces => {
            operation.replace == Consent::Allowed
                && *by == own_id
                && !seen.before.is_null()
                && !seen.replace_paths.is_empty()
                && is_body(operation, seen)
        }
        PreviewState::Deferred => {
            let maker = makers.get(by.as_str()).is_some_and(|maker| **maker != operation.id);
            told && maker
                && seen.before.is_null()
                && seen.replace_paths.is_empty()
                && is_body(operation, seen)
        }
        PreviewState::Blocked | PreviewState::Unpreviewable => told && by.is_empty(),
        PreviewState::Local => false,
    };
    if !good {
        return refuse("`preview` does not fit the operation and its object");
    }
    let mut needs = operation.depends_on.clone();
    if let Some(maker) = makers.get(by.as_str()).filter(|maker| **maker != &operation.id) {
        needs.push((*maker).clone());
    }
    let actions = steps(&seen.before, &seen.after, replaces);
    let propagation = match &operation.action {
        Action::Delete(body) => Some(body.propagation),
        // What belonged to the old object is gone before the new one comes.
        Action::Apply(_) | Action::Patch(_) | Action::Stack(_) => {
            actions.contains(&Step::Delete).then_some(Propagation::Foreground)
        }
    };
    let (preview, replace_paths) = (seen.preview.clone(), seen.replace_paths.clone());
    let without_effect = seen.without_effect.clone();
    Ok(Own { id, actions, preview, replace_paths, without_effect, propagation, needs })
}

/// Whether the operation writes nothing but what both sides of a change show: the rest would be
/// written without anybody having seen it.
fn shown(operation: &Operation) -> Result<(), DeriveError> {
    match unshown(&operation.action) {
        Some(at) => {
            let message = format!("{at} is what no plan shows, and the operation sets it");
            Err(wrong(operation, &message))
        }
        None => Ok(()),
    }
}

/// Whether the guard ties the change to the very object that is there, if one is.
fn guarded(operation: &Operation, seen: &ObservedChange) -> Result<(), DeriveError> {
    let uid = seen.guard.get("uid").map(String::as_str);
    match (&seen.before, uid, seen.guard.len()) {
        (Value::Null, None, 0) => Ok(()),
        (before, Some(uid), 1) if !before.is_null() && !uid.is_empty() => Ok(()),
        _ => Err(wrong(operation, "`guard` does not name the object that is there")),
    }
}

/// Whether no value of a Secret stands in the change: whoever observed it must have masked them all.
fn hidden(operation: &Operation, seen: &ObservedChange) -> Result<(), DeriveError> {
    let bare = [&seen.before, &seen.after]
        .into_iter()
        .find_map(|object| vault::unmasked(&seen.resource, object));
    match bare {
        Some(at) => {
            let message = format!("{at} holds a secret value, and a plan holds masks only");
            Err(wrong(operation, &message))
        }
        None => Ok(()),
    }
}

/// Whether what is left open is left open by the operation too.
fn open(operation: &Operation, seen: &ObservedChange) -> Result<(), DeriveError> {
    for path in &seen.unknown {
        let set = match &operation.action {
            Action::Apply(body) => body.pointer(path.as_str()).is_some(),
            Action::Patch(_) | Action::Delete(_) | Action::Stack(_) => false,
        };
        if set || seen.after.pointer(path.as_str()).is_some() {
            let message = format!("{path} is set, and `unknown` says that it is left open");
            return Err(wrong(operation, &message));
        }
    }
    Ok(())
}

/// Whether `after` is what the operation says, secrets aside: nobody has evaluated it yet.
fn is_body(operation: &Operation, seen: &ObservedChange) -> bool {
    let Action::Apply(body) = &operation.action else { return false };
    let mut sides = [body.clone(), seen.after.clone()];
    let hidden: BTreeSet<Pointer> =
        class::sensitive(&seen.resource, body, &seen.after).into_iter().collect();
    for side in &mut sides {
        for pointer in &hidden {
            if let Some(value) = side.pointer_mut(pointer.as_str()) {
                *value = Value::Null;
            }
        }
    }
    let [asked, told] = sides;
    asked == told
}

/// Whether the identity of the target has just the namespaces of the changes.
pub(in crate::plan) fn namespaces(
    named: &BTreeMap<String, String>,
    changes: &[ObservedChange],
) -> Result<(), DeriveError> {
    let used: BTreeSet<&str> = changes
        .iter()
        .map(|seen| seen.resource.namespace.as_str())
        .filter(|namespace| !namespace.is_empty())
        .collect();
    let made = |name: &str| {
        changes.iter().any(|seen| {
            let resource = &seen.resource;
            resource.group().is_empty()
                && (resource.kind.as_str(), resource.name.as_str()) == ("Namespace", name)
                && seen.before.is_null()
        })
    };
    if let Some(missing) = used.iter().find(|name| !named.contains_key(**name)) {
        return Err(DeriveError::Namespaces((*missing).to_owned()));
    }
    let stray = named
        .iter()
        .find(|(name, uid)| !used.contains(name.as_str()) || uid.is_empty() != made(name));
    match stray {
        Some((name, _)) => Err(DeriveError::Namespaces(name.clone())),
        None => Ok(()),
    }
}
