//! Says which labels a selector takes, with the meaning that Kubernetes gives to empty and absent.

use serde_json::{Map, Value};

use super::shape::{list, members, text};

type Labels<'a> = Option<&'a Map<String, Value>>;

fn value_of<'a>(labels: Labels<'a>, key: &str) -> Option<&'a str> {
    labels.and_then(|labels| labels.get(key)).and_then(Value::as_str)
}

/// A plain map of labels (Service, ReplicationController): empty takes nothing.
pub(crate) fn map_matches(selector: &Value, labels: Labels<'_>) -> bool {
    let mut wanted = members(selector, "").peekable();
    wanted.peek().is_some() && wanted.all(|(key, value)| value_of(labels, key) == value.as_str())
}

/// A label selector that is there: empty takes everything. An operator that is not known takes
/// everything too, so that nothing is overlooked.
pub(crate) fn matches(selector: &Value, labels: Labels<'_>) -> bool {
    let equal = members(selector, "/matchLabels")
        .all(|(key, value)| value_of(labels, key) == value.as_str());
    equal && list(selector, "/matchExpressions").iter().all(|wanted| expression(wanted, labels))
}

fn expression(wanted: &Value, labels: Labels<'_>) -> bool {
    let held = value_of(labels, text(wanted, "/key"));
    let among = |held: &str| list(wanted, "/values").iter().any(|v| v.as_str() == Some(held));
    match text(wanted, "/operator") {
        "In" => held.is_some_and(among),
        "NotIn" => !held.is_some_and(among),
        "Exists" => held.is_some(),
        "DoesNotExist" => held.is_none(),
        _ => true,
    }
}

/// One label that everything it takes must have, for looking things up; `None` if there is none.
pub(crate) fn required(selector: &Value) -> Option<(&str, &str)> {
    if let Some((key, value)) = members(selector, "/matchLabels").next() {
        return value.as_str().map(|value| (key, value));
    }
    list(selector, "/matchExpressions").iter().find_map(|wanted| {
        match (text(wanted, "/operator"), list(wanted, "/values")) {
            ("In", [Value::String(value)]) => Some((text(wanted, "/key"), value.as_str())),
            _ => None,
        }
    })
}

/// As [`required`], of a plain map.
pub(crate) fn map_required(selector: &Value) -> Option<(&str, &str)> {
    members(selector, "").find_map(|(key, value)| Some((key, value.as_str()?)))
}
