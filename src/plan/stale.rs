//! What differs between a plan and the plan that its proposal gives now, in words.

use std::collections::BTreeMap;

use serde_json::Value;

use super::diff;
use super::seal::differing;
use crate::document::effect::Change;
use crate::document::ident::Pointer;
use crate::document::plan::PlanDocument;

/// Differences that are named; the rest is counted.
const MOST: usize = 5;

/// The differences that a person can act on: fields of objects first, then texts of files, then
/// whatever else. At least one, if the documents differ.
pub fn differences(planned: &PlanDocument, now: &PlanDocument) -> Vec<String> {
    let mut found = Vec::new();
    let changes: BTreeMap<_, _> =
        now.effect.changes.iter().map(|change| (&change.id, change)).collect();
    let files: BTreeMap<_, _> = now.effect.files.iter().map(|file| (&file.path, file)).collect();
    for change in &planned.effect.changes {
        let other = changes.get(&change.id);
        let Some(other) = other.filter(|other| other.before != change.before) else { continue };
        object(change, other, &mut found);
    }
    for file in &planned.effect.files {
        match files.get(&file.path) {
            None if found.is_empty() => {
                found.push(format!("{}: its objects do not stand there any more", file.path));
            }
            Some(other) if other.before != file.before && found.is_empty() => {
                found.push(format!("{}: its text is not what it was when planned", file.path));
            }
            None | Some(_) => {}
        }
    }
    if found.is_empty() && planned != now {
        let plain = |document: &PlanDocument| serde_json::to_value(document).unwrap_or_default();
        let at = differing(&plain(planned), &plain(now), &Pointer::default());
        found.push(format!("what surrounds the changes is not what it was: {at} differs"));
    }
    let more = found.len().saturating_sub(MOST);
    if more > 0 {
        found.truncate(MOST);
        found.push(format!("and {more} more"));
    }
    found
}

fn object(planned: &Change, now: &Change, found: &mut Vec<String>) {
    let name = &planned.resource;
    let shown = match name.namespace.as_str() {
        "" => format!("{} {}", name.kind, name.name),
        namespace => format!("{} {namespace}/{}", name.kind, name.name),
    };
    match (&planned.before, &now.before) {
        (Value::Null, _) => found.push(format!("{shown} exists now, and did not when planned")),
        (_, Value::Null) => found.push(format!("{shown} is gone; it was there when planned")),
        (before, live) => {
            for field in diff::fields(before, live) {
                let value = |value: &Option<Value>| {
                    value.as_ref().map_or_else(|| "absent".to_owned(), short)
                };
                found.push(format!(
                    "{shown}: {} is {}, was {} when planned",
                    field.path,
                    value(&field.after),
                    value(&field.before)
                ));
            }
        }
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}… ({} bytes)", text.get(..at).unwrap_or_default(), text.len()),
        None => text,
    }
}
