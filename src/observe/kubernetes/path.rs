//! Places in an object that stay the same when the items of a list move: an item that has a name is
//! told by it, any other by its index.

use serde_json::Value;

use crate::document::ident::Pointer;
use crate::document::operation::{Action, Patch};

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// A member of a map, or the index of an item without a name.
    Key(String),
    /// An item of a list, by its name.
    Named(String),
}

/// A place in an object, from the outside in.
pub(super) type Steps = Vec<Step>;

/// The name of a list item.
fn name(item: &Value) -> Option<&str> {
    item.get("name").and_then(Value::as_str)
}

/// The member or item at one step.
fn inner<'v>(value: &'v Value, step: &Step) -> Option<&'v Value> {
    match (value, step) {
        (Value::Object(map), Step::Key(key)) => map.get(key),
        (Value::Array(items), Step::Key(key)) => items.get(key.parse::<usize>().ok()?),
        (Value::Array(items), Step::Named(wanted)) => {
            items.iter().find(|item| name(item) == Some(wanted))
        }
        (Value::Object(_), Step::Named(_)) => None,
        (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => None,
    }
}

/// The steps that a pointer takes in an object. What the object lacks is told by index.
pub(super) fn steps(pointer: &Pointer, object: &Value) -> Steps {
    let mut at = Some(object);
    let mut steps = Vec::new();
    for segment in pointer.segments() {
        let key = Step::Key(segment);
        let next = at.and_then(|value| inner(value, &key));
        let named = at.filter(|value| value.is_array()).and(next).and_then(name);
        steps.push(named.map_or(key, |name| Step::Named(name.to_owned())));
        at = next;
    }
    steps
}

/// Where the steps lead in an object; `None` if it has nothing there.
pub(super) fn pointer(steps: &[Step], object: &Value) -> Option<Pointer> {
    let mut at = object;
    let mut pointer = Pointer::default();
    for step in steps {
        let next = inner(at, step)?;
        pointer = match (at, step) {
            (Value::Array(items), Step::Named(wanted)) => {
                let index = items.iter().position(|item| name(item) == Some(wanted))?;
                pointer.join(&index.to_string())
            }
            (_, Step::Key(key) | Step::Named(key)) => pointer.join(key),
        };
        at = next;
    }
    Some(pointer)
}

/// Whether an operation sets a place, something in it, or all around it. `live` is what the indexes
/// of a JSON patch count in.
pub(super) fn sets(action: &Action, place: &[Step], live: &Value) -> bool {
    match action {
        Action::Apply(body) => holds(body, place, false),
        Action::Patch(body) => match &body.patch {
            Patch::Merge(patch) => holds(patch, place, true),
            Patch::Operations(operations) => {
                touched(operations).any(|path| related(&steps(&path, live), place))
            }
        },
        Action::Delete(_) | Action::Stack(_) => false,
    }
}

/// Whether one of two paths leads through the other.
fn related(a: &[Step], b: &[Step]) -> bool {
    a.starts_with(b) || b.starts_with(a)
}

/// The places that a JSON patch writes.
fn touched(operations: &Value) -> impl Iterator<Item = Pointer> + '_ {
    let all = operations.as_array().into_iter().flatten();
    let writing = all.filter(|one| one.get("op").and_then(Value::as_str) != Some("test"));
    writing.flat_map(|one| {
        let moves = one.get("op").and_then(Value::as_str) == Some("move");
        let from = one.get("from").filter(|_| moves);
        [one.get("path"), from].into_iter().flatten().filter_map(|at| at.as_str()?.parse().ok())
    })
}

/// Whether a body says something at a place; `whole` if its lists replace those of the object.
fn holds(body: &Value, place: &[Step], whole: bool) -> bool {
    let mut at = body;
    for step in place {
        match at {
            Value::Object(_) => {}
            Value::Array(items) if whole || !items.iter().all(Value::is_object) => return true,
            Value::Array(_) => {}
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return true,
        }
        let Some(next) = inner(at, step) else { return false };
        at = next;
    }
    true
}

/// Takes what stands at a pointer out of an object, with the maps that are empty then. An item of a
/// list leaves null in its place, so that the others keep theirs.
pub fn remove(object: &mut Value, pointer: &Pointer) {
    let segments: Vec<String> = pointer.segments().collect();
    remove_at(object, &segments);
}

/// Whether `value` was emptied by it.
fn remove_at(value: &mut Value, segments: &[String]) -> bool {
    let Some((first, rest)) = segments.split_first() else { return false };
    match value {
        Value::Object(map) => {
            let Some(inner) = map.get_mut(first) else { return false };
            if rest.is_empty() || remove_at(inner, rest) {
                map.remove(first);
                return map.is_empty();
            }
            false
        }
        Value::Array(items) => {
            let index = first.parse::<usize>().ok();
            if let Some(inner) = index.and_then(|index| items.get_mut(index))
                && (rest.is_empty() || remove_at(inner, rest))
            {
                *inner = Value::Null;
            }
            false
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Pointer {
        text.parse().unwrap()
    }

    #[test]
    fn a_named_item_is_found_wherever_it_moved() {
        let before = json!({"spec": {"containers": [{"name": "web", "image": "a"}]}});
        let after =
            json!({"spec": {"containers": [{"name": "new"}, {"name": "web", "image": "b"}]}});
        let path = steps(&at("/spec/containers/0/image"), &before);
        assert_eq!(pointer(&path, &after), Some(at("/spec/containers/1/image")));
        assert_eq!(pointer(&path, &json!({"spec": {}})), None);
    }

    #[test]
    fn an_operation_sets_what_its_body_says_and_nothing_beside_it() {
        let live = json!({"spec": {"replicas": 3, "template": {"spec": {"containers": [
            {"name": "side"}, {"name": "web", "resources": {"limits": {"cpu": "1"}}}]}}}});
        let replicas = steps(&at("/spec/replicas"), &live);
        let limit = steps(&at("/spec/template/spec/containers/1/resources/limits/cpu"), &live);
        let body = |spec: Value| Action::Apply(json!({"spec": spec}));
        let cases = [
            (body(json!({"paused": true})), false, false),
            (body(json!({"replicas": 3})), true, false),
            (
                body(
                    json!({"template": {"spec": {"containers": [{"name": "web", "image": "x"}]}}}),
                ),
                false,
                false,
            ),
            (
                body(json!({"template": {"spec": {"containers": [
                {"name": "web", "resources": {"limits": {"cpu": "2"}}}]}}})),
                false,
                true,
            ),
        ];
        for (action, sets_replicas, sets_limit) in cases {
            assert_eq!(sets(&action, &replicas, &live), sets_replicas, "{action:?}");
            assert_eq!(sets(&action, &limit, &live), sets_limit, "{action:?}");
        }
    }

    #[test]
    fn what_is_taken_out_takes_the_maps_along_that_it_leaves_empty() {
        let mut object = json!({"a": {"b": {"c": 1}}, "d": {}, "e": [{"f": 1}, 2]});
        remove(&mut object, &at("/a/b/c"));
        remove(&mut object, &at("/e/0"));
        remove(&mut object, &at("/x/y"));
        assert_eq!(object, json!({"d": {}, "e": [null, 2]}));
    }
}
