//! Whether what is there is what the plan says: the same in every field but those that only the
//! cluster decides, or, where nothing could be rehearsed, at least all that was asked for.

use serde_json::{Map, Value};

use crate::document::canonical;
use crate::document::ident::{Digest, Pointer};
use crate::manifest::object::is_builtin;
use crate::observe::kubernetes::remove;
use crate::plan::diff;

/// Paths that are named in a message; the rest is counted.
const SHOWN: usize = 5;

/// Digest of a masked, normalised object; `None` for nothing, and for what has no canonical form.
pub(super) fn digest(object: &Value) -> Option<Digest> {
    if object.is_null() {
        return None;
    }
    canonical::to_jcs(object).ok().map(|bytes| Digest::of(&bytes))
}

/// The paths in which two objects differ; none if they are the same.
pub(super) fn differences(planned: &Value, found: &Value) -> Vec<Pointer> {
    // The document's own form decides: 1.0 and 1 are the same number there.
    if planned == found || digest(planned) == digest(found) {
        return Vec::new();
    }
    let paths: Vec<_> = diff::fields(planned, found).into_iter().map(|field| field.path).collect();
    if paths.is_empty() { vec![Pointer::default()] } else { paths }
}

/// The same, where `planned` says nothing of what only the cluster decides.
pub(super) fn differences_but(planned: &Value, found: &Value, unknown: &[Pointer]) -> Vec<Pointer> {
    if unknown.is_empty() {
        return differences(planned, found);
    }
    let mut found = found.clone();
    unknown.iter().for_each(|pointer| remove(&mut found, pointer));
    differences(planned, &found)
}

/// The paths of what is found beyond what was planned; `None` if anything that was planned is not
/// there, or is another.
pub(super) fn additions(
    planned: &Value,
    found: &Value,
    unknown: &[Pointer],
) -> Option<Vec<Pointer>> {
    let mut found = found.clone();
    unknown.iter().for_each(|pointer| remove(&mut found, pointer));
    let fields = diff::fields(planned, &found);
    let added = |field: diff::FieldChange| field.before.is_none().then_some(field.path);
    fields.into_iter().map(added).collect()
}

/// The paths of what was asked for and is not there, or is there with another value.
pub(super) fn missing(asked: &Value, found: &Value) -> Vec<Pointer> {
    let mut paths = Vec::new();
    let asked = stored(asked);
    let group = text_of(&asked, "/apiVersion").and_then(|version| version.split_once('/'));
    let omits = is_builtin(group.map_or("", |(group, _)| group));
    lacks((&asked, omits), found, &Pointer::default(), &mut paths);
    paths
}

/// What a body looks like once it is stored: `stringData` of a Secret is only another way to write
/// `data`.
fn stored(asked: &Value) -> Value {
    let mut asked = asked.clone();
    if (text_of(&asked, "/apiVersion"), text_of(&asked, "/kind")) != (Some("v1"), Some("Secret")) {
        return asked;
    }
    if let Value::Object(members) = &mut asked
        && let Some(Value::Object(plain)) = members.remove("stringData")
        && let Value::Object(data) =
            members.entry("data").or_insert_with(|| Value::Object(Map::new()))
    {
        data.extend(plain);
    }
    asked
}

fn text_of<'v>(object: &'v Value, pointer: &str) -> Option<&'v str> {
    object.pointer(pointer).and_then(Value::as_str)
}

/// `omits`: whether the API may leave out what says nothing. Of a kind that a definition describes it
/// keeps all that was written, but for what all objects have.
fn lacks((asked, omits): (&Value, bool), found: &Value, at: &Pointer, paths: &mut Vec<Pointer>) {
    match (asked, found) {
        (Value::Object(asked), Value::Object(found)) => {
            for (member, asked) in asked {
                let omits = omits || (at.as_str().is_empty() && member == "metadata");
                match found.get(member) {
                    Some(found) => lacks((asked, omits), found, &at.join(member), paths),
                    None if asked.is_null() => {}
                    None if omits && is_nothing(asked) && !KEPT.contains(&member.as_str()) => {}
                    None => paths.push(at.join(member)),
                }
            }
        }
        (Value::Array(asked), Value::Array(found)) if asked.len() == found.len() => {
            for (index, (asked, found)) in asked.iter().zip(found).enumerate() {
                lacks((asked, omits), found, &at.join(&index.to_string()), paths);
            }
        }
        _ if asked == found || same_quantity(asked, found, at) => {}
        _ => paths.push(at.clone()),
    }
}

/// What the API leaves out when it writes an object down, because its absence says the same.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(yes) => !yes,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(is_nothing),
    }
}

/// Members whose absence says something else than the value that looks like nothing: the API keeps
/// that one, so whoever took it out changed the meaning. Source: k8s.io/api, optional members by
/// pointer.
const KEPT: [&str; 12] = [
    "allowPrivilegeEscalation",
    "automountServiceAccountToken",
    "enableServiceLinks",
    "fsGroup",
    "hostUsers",
    "labelSelector",
    "namespaceSelector",
    "podSelector",
    "runAsGroup",
    "runAsNonRoot",
    "runAsUser",
    "ttlSecondsAfterFinished",
];

/// Members beneath which the API writes quantities in its own spelling: `1000m` becomes `1`.
const QUANTITIES: [&str; 13] = [
    "limits",
    "requests",
    "resources",
    "capacity",
    "hard",
    "min",
    "max",
    "default",
    "defaultRequest",
    "maxLimitRequestRatio",
    "overhead",
    "sizeLimit",
    "averageValue",
];

/// Members of an object beneath which there are texts only, whatever they are called.
const TEXTS: [&str; 4] = ["metadata", "data", "stringData", "binaryData"];

/// Whether two values are the same amount, at a place where the API has amounts.
fn same_quantity(asked: &Value, found: &Value, at: &Pointer) -> bool {
    let texts = at.segments().next().is_some_and(|first| TEXTS.contains(&first.as_str()));
    let amounts = !texts && at.segments().any(|part| QUANTITIES.contains(&part.as_str()));
    let (asked, found) = (amount(asked), amount(found));
    amounts && asked.is_some() && asked == found
}

/// A quantity as a number of thousandths of millionths, exactly; `None` if it is none, or a finer or
/// larger one. Form: k8s.io/apimachinery, `resource.Quantity`.
fn amount(value: &Value) -> Option<i128> {
    const ONE: i128 = 1_000_000_000;
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let end = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-'));
    let (number, suffix) = text.split_at(end.unwrap_or(text.len()));
    let unit: i128 = match suffix {
        "n" => 1,
        "u" => 1_000,
        "m" => 1_000_000,
        "" => ONE,
        "k" => ONE * 1_000,
        "M" => ONE * 1_000_000,
        "G" => ONE * 1_000_000_000,
        "T" => ONE * 1_000_000_000_000,
        "P" => ONE * 1_000_000_000_000_000,
        "E" => ONE * 1_000_000_000_000_000_000,
        "Ki" => ONE << 10,
        "Mi" => ONE << 20,
        "Gi" => ONE << 30,
        "Ti" => ONE << 40,
        "Pi" => ONE << 50,
        "Ei" => ONE << 60,
        exponent => {
            let power: u32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            ONE.checked_mul(10_i128.checked_pow(power)?)?
        }
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits: i128 = format!("{whole}{part}").parse().ok()?;
    let scale = 10_i128.checked_pow(u32::try_from(part.len()).ok()?)?;
    let amount = digits.checked_mul(unit)?;
    (amount % scale == 0).then_some(amount / scale)
}

/// Paths in words.
pub(super) fn shown(paths: &[Pointer]) -> String {
    let name = |path: &Pointer| match path.as_str() {
        "" => "the object as a whole".to_owned(),
        path => path.to_owned(),
    };
    let mut words: Vec<String> = paths.iter().take(SHOWN).map(name).collect();
    let rest = paths.len().saturating_sub(SHOWN);
    if rest > 0 {
        words.push(format!("{rest} more"));
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn texts(paths: &[Pointer]) -> Vec<&str> {
        paths.iter().map(Pointer::as_str).collect()
    }

    #[test]
    fn two_objects_differ_where_their_documents_do() {
        assert!(differences(&json!({"a": 1}), &json!({"a": 1.0})).is_empty());
        let (a, b) = (json!({"a": {"b": 1}, "c": 1}), json!({"a": {"b": 2}, "d": 1}));
        assert_eq!(texts(&differences(&a, &b)), ["/a/b", "/c", "/d"]);
        assert_eq!(texts(&differences(&Value::Null, &json!([]))), [""]);
    }

    #[test]
    fn what_only_the_cluster_decides_is_passed_over() {
        let planned = json!({"spec": {"ports": [{"port": 80}]}});
        let found = json!({"spec": {
            "clusterIP": "10.0.0.1", "ports": [{"port": 80, "nodePort": 30001}]}});
        let unknown = ["/spec/clusterIP", "/spec/ports/0/nodePort"].map(|at| at.parse().unwrap());
        assert!(differences_but(&planned, &found, &unknown).is_empty());
        assert_eq!(
            texts(&differences_but(&planned, &found, &unknown[..1])),
            ["/spec/ports/0/nodePort"]
        );
    }

    #[test]
    fn a_result_may_hold_more_than_was_asked_for_and_never_less() {
        let pod = |container: Value| json!({"spec": {"containers": [container]}});
        let asked = pod(json!({"name": "a", "args": ["x"], "stdin": false, "env": []}));
        let more = pod(json!({"name": "a", "args": ["x"], "image": "b"}));
        assert!(missing(&asked, &more).is_empty());
        for (found, at) in [
            (pod(json!({"name": "b", "args": ["x"]})), "/spec/containers/0/name"),
            (pod(json!({"name": "a"})), "/spec/containers/0/args"),
            (pod(json!({"name": "a", "args": ["x", "y"]})), "/spec/containers/0/args"),
            (pod(json!({"name": "a", "args": ["x"], "stdin": true})), "/spec/containers/0/stdin"),
            (json!({"spec": {}}), "/spec/containers"),
            (json!({}), "/spec"),
        ] {
            assert_eq!(texts(&missing(&asked, &found)), [at], "{found}");
        }
    }

    #[test]
    fn what_looks_like_nothing_may_be_left_out_only_where_that_says_the_same() {
        let pod = |spec: Value| json!({"apiVersion": "v1", "kind": "Pod", "spec": spec});
        let bare = pod(json!({}));
        for (spec, at) in [
            (json!({"hostNetwork": false, "tolerations": [], "hostname": ""}), ""),
            (json!({"automountServiceAccountToken": false}), "/spec/automountServiceAccountToken"),
            (json!({"hostUsers": false}), "/spec/hostUsers"),
        ] {
            assert_eq!(texts(&missing(&pod(spec.clone()), &bare)).join(""), at, "{spec}");
        }
        let widget = |spec: Value| {
            json!({"apiVersion": "a.example.invalid/v1", "kind": "Widget",
                "metadata": {"name": "a", "labels": {}}, "spec": spec})
        };
        let mut bare = widget(json!({}));
        bare["metadata"] = json!({"name": "a"});
        for (spec, at) in [
            (json!({"open": false}), "/spec/open"),
            (json!({"from": []}), "/spec/from"),
            (json!({"left": null}), ""),
        ] {
            assert_eq!(texts(&missing(&widget(spec.clone()), &bare)).join(""), at, "{spec}");
        }
    }

    #[test]
    fn an_amount_in_another_spelling_is_the_same_where_there_are_amounts() {
        let limits = |cpu: Value| json!({"spec": {"resources": {"limits": {"cpu": cpu}}}});
        for (asked, found, same) in [
            (json!("1000m"), json!("1"), true),
            (json!(1), json!("1"), true),
            (json!("1024Mi"), json!("1Gi"), true),
            (json!("0.5"), json!("500m"), true),
            (json!("1e3"), json!("1k"), true),
            (json!("1000m"), json!("2"), false),
            (json!("1G"), json!("1Gi"), false),
            (json!("x"), json!("y"), false),
            (json!("1e99"), json!("1e98"), false),
        ] {
            let lacks = missing(&limits(asked.clone()), &limits(found.clone()));
            assert_eq!(lacks.is_empty(), same, "{asked} {found}");
        }
        let data = |text: &str| json!({"data": {"limits": text}});
        assert_eq!(texts(&missing(&data("1000m"), &data("1"))), ["/data/limits"]);
    }

    #[test]
    fn string_data_of_a_secret_is_stored_as_data() {
        let secret = |members: Value| {
            let mut secret = json!({"apiVersion": "v1", "kind": "Secret"});
            secret.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            secret
        };
        let asked = secret(json!({"stringData": {"a": "hmac-sha256:1"}, "data": {"b": "x"}}));
        let found = secret(json!({"data": {"a": "hmac-sha256:1", "b": "x"}, "type": "Opaque"}));
        assert!(missing(&asked, &found).is_empty());
        let other = secret(json!({"data": {"a": "hmac-sha256:2", "b": "x"}}));
        assert_eq!(texts(&missing(&asked, &other)), ["/data/a"]);
    }
}
