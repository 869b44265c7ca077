//! Fields that an operation no longer owns and that stay all the same, because somebody else holds
//! them: a removal that has no effect.

use std::collections::BTreeSet;

use serde_json::Value;

use super::normal::Lens;
use super::path::{self, Steps};
use crate::document::ident::Pointer;
use crate::remote::kubernetes::{FIELD_MANAGER, Managed, ManagedEntry};

/// Places in the rehearsed object that were ours and are not, with the same value as before, and
/// held by another manager. Sorted.
pub(super) fn without_effect(live: &Value, rehearsed: &Value, lens: &Lens) -> Vec<Pointer> {
    // The same fields are owned as before: nothing was removed. Told without resolving them.
    let (was, is) = (raw(live), raw(rehearsed));
    if was.is_none() || was == is {
        return Vec::new();
    }
    let (before, after) = (Managed::of(live), Managed::of(rehearsed));
    let owned = steps_of(&after, rehearsed, is_ours);
    let held = steps_of(&after, rehearsed, |entry| !is_ours(entry));
    let mut found = BTreeSet::new();
    for steps in steps_of(&before, live, is_ours) {
        // A map that is owned empty holds nothing of what others put into it.
        let kept = owned.iter().any(|own| own.starts_with(&steps));
        let taken = held.iter().any(|other| other.starts_with(&steps));
        let Some(place) = path::pointer(&steps, rehearsed).filter(|_| !kept && taken) else {
            continue;
        };
        let old = path::pointer(&steps, live).and_then(|at| live.pointer(at.as_str()).cloned());
        let same = old.as_ref() == rehearsed.pointer(place.as_str());
        if same && !lens.passes_over(&place, rehearsed) {
            found.insert(place);
        }
    }
    found.into_iter().collect()
}

fn is_ours(entry: &ManagedEntry) -> bool {
    (entry.manager.as_str(), entry.operation.as_str(), entry.subresource.as_str())
        == (FIELD_MANAGER, "Apply", "")
}

fn steps_of(
    managed: &Managed,
    object: &Value,
    which: impl Fn(&ManagedEntry) -> bool,
) -> BTreeSet<Steps> {
    let entries = managed.entries.iter().filter(|entry| which(entry));
    entries.flat_map(|entry| &entry.fields).map(|field| path::steps(field, object)).collect()
}

/// What we own by applying, as it is written.
fn raw(object: &Value) -> Option<&Value> {
    let text = |entry: &Value, member: &str| {
        entry.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let entries = object.pointer("/metadata/managedFields")?.as_array()?;
    let ours = entries.iter().find(|entry| {
        text(entry, "manager") == FIELD_MANAGER
            && text(entry, "operation") == "Apply"
            && text(entry, "subresource").is_empty()
    })?;
    ours.get("fieldsV1")
}
