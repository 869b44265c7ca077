//! Fields of others that a patch changes. The server refuses an `apply` that would take them over; a
//! patch it lets through, so that here the owners are looked at instead.

use std::collections::BTreeSet;

use serde_json::Value;

use super::path;
use crate::document::effect::Forced;
use crate::document::operation::Action;
use crate::remote::kubernetes::{FIELD_MANAGER, Managed, ManagedEntry};

/// The fields of other managers that stand otherwise in `after` than in `before`: sorted, each once.
/// Empty but for a patch. Who owns them is what `live` says, of which `before` is what a plan holds.
pub fn overwritten(action: &Action, live: &Value, before: &Value, after: &Value) -> Vec<Forced> {
    match action {
        Action::Patch(_) => {}
        Action::Apply(_) | Action::Delete(_) | Action::Stack(_) => return Vec::new(),
    }
    let mut found = BTreeSet::new();
    for entry in Managed::of(live).entries.into_iter().filter(is_of_another) {
        for field in entry.fields {
            let steps = path::steps(&field, live);
            let at = |object: &Value| {
                let place = path::pointer(&steps, object)?;
                object.pointer(place.as_str()).cloned()
            };
            if at(before) != at(after) {
                found.insert(Forced { path: field, manager: entry.manager.clone() });
            }
        }
    }
    found.into_iter().collect()
}

/// What is written through a subresource is not written by a patch of the object.
fn is_of_another(entry: &ManagedEntry) -> bool {
    entry.manager != FIELD_MANAGER && entry.subresource.is_empty()
}
