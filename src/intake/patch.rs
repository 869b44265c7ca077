//! What `patch` holds: a merge patch (RFC 7396) or a list of operations (RFC 6902), neither of
//! which may touch what only a server writes or carry a secret value.

use serde_json::Value;

use super::body;
use super::form::{Members, nearest};
use super::operation::About;
use super::page::{Leaf, kind_of};
use super::secret;
use crate::document::ident::Pointer;
use crate::document::operation::{Action, Patch, PatchBody, ResourceRef};
use crate::manifest::object;

/// Members of a patch.
pub(super) const PATCH: [&str; 3] = ["resource", "merge", "operations"];
/// Operations of RFC 6902, 4.
const OPS: [&str; 6] = ["add", "remove", "replace", "move", "copy", "test"];

/// Reads the body of a `patch`.
pub(super) fn patch(
    value: Value,
    at: &Pointer,
    leaf: &mut Leaf<'_, '_>,
) -> Option<(Action, About)> {
    let mut members = Members::open(value, at, &PATCH, leaf)?;
    let named = members.need("resource", leaf).and_then(|(value, at)| {
        let mut members = Members::open(value, &at, &body::RESOURCE, leaf)?;
        body::resource(&mut members, leaf)
    });
    let patch = match (members.take("merge"), members.take("operations")) {
        (Some((value, at)), None) => merge(value, &at, named.as_ref(), leaf),
        (None, Some((value, at))) => operations(value, &at, named.as_ref(), leaf),
        (Some(_), Some((_, at))) => {
            leaf.refuse_member(&at, "both `merge` and `operations`", "keep one of them");
            None
        }
        (None, None) => {
            leaf.refuse(at, "neither `merge` nor `operations`", "say what is to be changed");
            None
        }
    };
    let (resource, patch) = (named?, patch?);
    let about = About::Object(resource.id());
    Some((Action::Patch(PatchBody { resource, patch }), about))
}

fn merge(
    value: Value,
    at: &Pointer,
    resource: Option<&ResourceRef>,
    leaf: &mut Leaf<'_, '_>,
) -> Option<Patch> {
    if !value.is_object() {
        leaf.refuse(at, format!("{}, where a map is expected", kind_of(&value)), "");
        return None;
    }
    for pointer in object::server_owned(&value) {
        let whole = pointer.segments().fold(at.clone(), |at, segment| at.join(&segment));
        body::server_owned(&whole, &pointer, leaf);
    }
    if let Value::Object(members) = &value {
        for name in members.keys().filter(|name| object::is_items(name)) {
            items(&at.join(name), leaf);
        }
    }
    body::depth(&value, at, leaf);
    match resource {
        Some(resource) => secret::body(&value, resource, at, leaf),
        None => secret::none(&value, at, leaf),
    }
    Some(Patch::Merge(value))
}

fn operations(
    value: Value,
    at: &Pointer,
    resource: Option<&ResourceRef>,
    leaf: &mut Leaf<'_, '_>,
) -> Option<Patch> {
    let Value::Array(items) = &value else {
        leaf.refuse(at, format!("{}, where a list is expected", kind_of(&value)), "");
        return None;
    };
    if items.is_empty() {
        leaf.refuse(at, "no operations", "say what is to be changed");
    }
    let secret = resource.is_some_and(ResourceRef::is_secret);
    let mut good = true;
    for (index, item) in items.iter().enumerate() {
        good &= operation(item, &at.join(&index.to_string()), secret, leaf).is_some();
    }
    body::depth(&value, at, leaf);
    good.then_some(Patch::Operations(value))
}

/// Checks one operation of RFC 6902; `None` if it has not its shape.
fn operation(item: &Value, at: &Pointer, secret: bool, leaf: &mut Leaf<'_, '_>) -> Option<()> {
    let op = item.get("op").and_then(Value::as_str).unwrap_or_default();
    let known: &[&str] = match op {
        "add" | "replace" | "test" => &["op", "path", "value"],
        "remove" => &["op", "path"],
        "move" | "copy" => &["op", "from", "path"],
        _ => {
            let hint = match nearest(op, OPS.into_iter()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("one of {}", OPS.join(", ")),
            };
            leaf.refuse(&at.join("op"), format!("{op:?} is no operation of RFC 6902"), &hint);
            return None;
        }
    };
    let mut members = Members::open(item.clone(), at, known, leaf)?;
    let _ = members.take("op");
    let path = pointer(&mut members, "path", leaf)?;
    let place = members.at("path");
    if path.as_str().is_empty() && op != "test" {
        let hint = "`apply` takes a whole object";
        leaf.refuse(&place, "a patch of the whole object", hint);
    }
    let from =
        if known.contains(&"from") { Some(pointer(&mut members, "from", leaf)?) } else { None };
    let value = if known.contains(&"value") { Some(members.need("value", leaf)?) } else { None };
    if op != "test" {
        if path.segments().next().is_some_and(|first| object::is_items(&first)) {
            items(&place, leaf);
        }
        owned_at(&path, value.as_ref().map(|(value, _)| value), from.is_some(), &place, leaf);
    }
    if secret {
        in_secret(op, &path, from.as_ref(), value.as_ref(), &place, leaf);
    } else if let Some((value, at)) = &value {
        secret::none(value, at, leaf);
    }
    Some(())
}

/// Reports a patch that would make its object look like a list.
fn items(at: &Pointer, leaf: &mut Leaf<'_, '_>) {
    let message = "a top-level `items`, and readers take whatever has one for a list of objects";
    leaf.refuse_member(at, message, "no object has such a member; leave it out");
}

fn pointer(members: &mut Members, name: &str, leaf: &mut Leaf<'_, '_>) -> Option<Pointer> {
    let (value, at) = members.need(name, leaf)?;
    let text = value.as_str().map(str::parse::<Pointer>);
    match text {
        Some(Ok(pointer)) => Some(pointer),
        Some(Err(error)) => {
            leaf.refuse(&at, error.to_string(), "write it as `/spec/replicas`");
            None
        }
        None => {
            leaf.refuse(&at, format!("{}, where a text is expected", kind_of(&value)), "");
            None
        }
    }
}

/// Reports fields of the server that an operation would write.
fn owned_at(
    path: &Pointer,
    value: Option<&Value>,
    whole: bool,
    place: &Pointer,
    leaf: &mut Leaf<'_, '_>,
) {
    for text in object::SERVER_OWNED {
        let Ok(owned) = text.parse::<Pointer>() else { continue };
        let beneath = text.strip_prefix(path.as_str()).filter(|rest| rest.starts_with('/'));
        let brought = beneath
            .is_some_and(|rest| whole || value.is_some_and(|value| value.pointer(rest).is_some()));
        if path.is_within(&owned) || brought {
            body::server_owned(place, &owned, leaf);
            return;
        }
    }
}

/// Checks an operation on a Secret.
fn in_secret(
    op: &str,
    path: &Pointer,
    from: Option<&Pointer>,
    value: Option<&(Value, Pointer)>,
    place: &Pointer,
    leaf: &mut Leaf<'_, '_>,
) {
    let segments: Vec<_> = path.segments().collect();
    let inside = |pointer: &Pointer| {
        pointer.segments().next().is_none_or(|first| secret::HOLDERS.contains(&first.as_str()))
    };
    if from.is_some_and(|from| inside(from) || inside(path)) {
        let hint = "remove it, and add a reference to an entry of countersign.toml";
        return leaf.refuse(place, "a secret value that is moved or copied", hint);
    }
    let Some((value, at)) = value else { return };
    match segments.as_slice() {
        _ if !inside(path) => secret::none(value, at, leaf),
        _ if op == "test" => {
            leaf.refuse(at, "a test of a secret value", "leave it out");
        }
        [_] => secret::holder(value, at, leaf),
        [_, _] => secret::held(value, at, leaf),
        _ => leaf.refuse(place, "a path beneath a secret value", "name the value itself"),
    }
}
