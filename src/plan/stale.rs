//! What differs between a plan and the plan that its proposal gives now, in words.

use std::collections::BTreeMap;

use serde_json::Value;

use super::diff::{self, FieldChange};
use super::seal::differing;
use crate::document::effect::{Change, Effect, Forced, PreviewState, TargetIdentity};
use crate::document::ident::{Pointer, ResourceId};
use crate::document::operation::ResourceRef;
use crate::document::plan::PlanDocument;

/// Differences that are named; the rest is counted.
const MOST: usize = 5;

/// The differences that a person can act on: objects first, then texts of files, then what stands
/// around the changes, then whatever else. At least one, if the documents differ.
pub fn differences(planned: &PlanDocument, now: &PlanDocument) -> Vec<String> {
    let mut found = objects(planned, now);
    if found.is_empty() {
        around(&planned.effect, &now.effect, &mut found);
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

/// What could be read around the changes when they were planned, and cannot be now. Empty where the
/// objects themselves differ: what is known to differ counts for more than what is not known.
pub fn unread(planned: &PlanDocument, now: &PlanDocument) -> Vec<String> {
    match objects(planned, now).is_empty() {
        true => unread_now(&planned.effect, &now.effect.impact.unresolved).cloned().collect(),
        false => Vec::new(),
    }
}

/// Reads that fail now, and did not when it was planned.
pub(super) fn unread_now<'n>(
    planned: &Effect,
    now: &'n [String],
) -> impl Iterator<Item = &'n String> {
    now.iter().filter(|read| !planned.impact.unresolved.contains(read))
}

/// The changed objects and the texts of files that differ.
fn objects(planned: &PlanDocument, now: &PlanDocument) -> Vec<String> {
    let mut found = Vec::new();
    namespaces(&planned.effect.target, &now.effect.target, &mut found);
    let changes: BTreeMap<_, _> =
        now.effect.changes.iter().map(|change| (&change.id, change)).collect();
    let files: BTreeMap<_, _> = now.effect.files.iter().map(|file| (&file.path, file)).collect();
    for change in &planned.effect.changes {
        if let Some(other) = changes.get(&change.id) {
            object(change, other, &mut found);
        }
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
    found
}

const ANEW: &str = "is another one than when planned: deleted, and created anew";

fn namespaces(planned: &TargetIdentity, now: &TargetIdentity, found: &mut Vec<String>) {
    let (
        TargetIdentity::Kubernetes { namespaces: planned, .. },
        TargetIdentity::Kubernetes { namespaces: now, .. },
    ) = (planned, now)
    else {
        return;
    };
    for (name, uid) in planned {
        match now.get(name).map(String::as_str) {
            Some(other) if other == uid => {}
            Some(_) if uid.is_empty() => {
                found.push(format!("namespace {name} exists now, and did not when planned"));
            }
            Some("") | None => {
                found.push(format!("namespace {name} is gone; it was there when planned"));
            }
            Some(_) => found.push(format!("namespace {name} {ANEW}")),
        }
    }
}

/// The first of these that differs explains the others.
fn object(planned: &Change, now: &Change, found: &mut Vec<String>) {
    let shown = shown(&planned.resource);
    if planned.before != now.before {
        before(&shown, &planned.before, &now.before, found);
    } else if planned.guard != now.guard {
        found.push(format!("{shown} {ANEW}"));
    } else if planned.preview != now.preview {
        let because = match now.preview.because.as_str() {
            "" => "its preview is another one".to_owned(),
            because => because.to_owned(),
        };
        found.push(match now.preview.state {
            PreviewState::Blocked | PreviewState::Unpreviewable => {
                format!("{shown} cannot be changed any more as planned: {because}")
            }
            PreviewState::Server | PreviewState::Local | PreviewState::Deferred => {
                format!("{shown} is not what it was when planned: {because}")
            }
        });
    } else if planned.force != now.force {
        let (would, was) = (taken(&now.force), taken(&planned.force));
        found.push(format!("{shown}: it would take over {would}, and {was} when planned"));
    } else if planned.after != now.after {
        for field in diff::fields(&planned.after, &now.after) {
            if let Some(path) = secret(&field) {
                let than = "another secret value than when planned";
                found.push(format!("{shown}: {path} would get {than}"));
                continue;
            }
            let (would, was) = (value(field.after.as_ref()), value(field.before.as_ref()));
            let path = field.path;
            found.push(format!("{shown}: {path} would become {would}, and {was} when planned"));
        }
    }
}

fn before(shown: &str, planned: &Value, now: &Value, found: &mut Vec<String>) {
    match (planned, now) {
        (Value::Null, _) => found.push(format!("{shown} exists now, and did not when planned")),
        (_, Value::Null) => found.push(format!("{shown} is gone; it was there when planned")),
        (planned, live) => {
            for field in diff::fields(planned, live) {
                if let Some(told) = source(&field) {
                    found.push(format!("{shown}: {} {told}", field.path));
                    continue;
                }
                if let Some(path) = secret(&field) {
                    let than = "another secret value than when planned";
                    found.push(format!("{shown}: {path} has {than}"));
                    continue;
                }
                let (is, was) = (value(field.after.as_ref()), value(field.before.as_ref()));
                found.push(format!("{shown}: {} is {is}, was {was} when planned", field.path));
            }
        }
    }
}

/// What the changes would do, and did not when they were planned.
fn around(planned: &Effect, now: &Effect, found: &mut Vec<String>) {
    for (change, other) in planned.changes.iter().zip(&now.changes) {
        if change.id == other.id && change.class != other.class {
            let (is, was) = (other.class, change.class);
            let shown = shown(&change.resource);
            found.push(format!("{shown}: its class is {is}, was {was} when planned"));
        }
    }
    let unread = unread_now(planned, &now.impact.unresolved);
    let (then, now) = (&planned.impact, &now.impact);
    let lacks = |list: &Vec<ResourceId>, id: &&ResourceId| !list.contains(id);
    for id in now.dependents.iter().filter(|id| lacks(&then.dependents, id)) {
        found.push(format!("it would reach {id} too, which was not there when planned"));
    }
    for id in then.dependents.iter().filter(|id| lacks(&now.dependents, id)) {
        found.push(format!("it would not reach {id} any more"));
    }
    found.extend(unread.map(|read| format!("not readable any more: {read}")));
}

fn shown(name: &ResourceRef) -> String {
    match name.namespace.as_str() {
        "" => format!("{} {}", name.kind, name.name),
        namespace => format!("{} {namespace}/{}", name.kind, name.name),
    }
}

fn taken(fields: &[Forced]) -> String {
    let one = |field: &Forced| format!("{} of {}", field.path, field.manager);
    match fields {
        [] => "nothing".to_owned(),
        fields => fields.iter().map(one).collect::<Vec<_>>().join(", "),
    }
}

/// The mask of a value: of one that an entry of the configuration gives, with the entry's name.
fn masked(value: &Option<Value>) -> Option<(&str, Option<&str>)> {
    let value = value.as_ref()?;
    let text = |pointer| value.pointer(pointer).and_then(Value::as_str);
    let mask = text("").or_else(|| text("/$secret/value"))?;
    mask.starts_with("hmac-sha256:").then(|| (mask, text("/$secret/name")))
}

/// What is there is what it was, and its source in the configuration gives another value.
fn source(field: &FieldChange) -> Option<String> {
    let (planned, now) = (masked(&field.before)?, masked(&field.after)?);
    match (planned, now) {
        ((was, None), (is, Some(name))) if was == is => {
            Some(format!("is what secret {name} gives now, and was not when planned"))
        }
        ((was, Some(name)), (is, None)) if was == is => {
            Some(format!("is not what secret {name} gives now, and was when planned"))
        }
        _ => None,
    }
}

/// Where a masked value differs from a masked value: a digest says nothing to a person.
fn secret(field: &FieldChange) -> Option<&str> {
    let path = field.path.as_str();
    let both = masked(&field.before).is_some() && masked(&field.after).is_some();
    both.then(|| path.strip_suffix("/$secret/value").unwrap_or(path))
}

fn value(value: Option<&Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), short)
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}… ({} bytes)", text.get(..at).unwrap_or_default(), text.len()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::before;

    #[test]
    fn a_secret_is_told_by_what_changed_and_without_a_digest() {
        let mask = |c: &str| format!("hmac-sha256:{}", c.repeat(64));
        let named = |c: &str| json!({"$secret": {"name": "db", "value": mask(c)}});
        let other = "has another secret value than when planned";
        for (planned, now, told) in [
            (json!(mask("a")), json!(mask("b")), other),
            (json!(mask("a")), named("b"), other),
            (named("a"), json!(mask("b")), other),
            (named("a"), named("b"), other),
            (json!(mask("a")), named("a"), "is what secret db gives now, and was not when planned"),
            (named("a"), json!(mask("a")), "is not what secret db gives now, and was when planned"),
        ] {
            let object = |value| json!({"data": {"password": value}});
            let mut found = Vec::new();
            before("Secret shop/db", &object(planned), &object(now), &mut found);
            assert_eq!(found, [format!("Secret shop/db: /data/password {told}")]);
        }
    }
}
