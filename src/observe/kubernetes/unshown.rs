//! What a plan shows of no object may be set by no operation: it would be written unseen.

use serde_json::Value;

use super::normal::is_unshown;
use crate::document::ident::Pointer;
use crate::document::operation::{Action, Patch};

/// The first place that an operation writes and that is left out of both sides of a change; `None`
/// if all that it writes is shown. Whoever observes asks, and so does whoever opens a plan: a body
/// need not have come by the intake.
pub fn unshown(action: &Action) -> Option<Pointer> {
    match action {
        Action::Apply(body) => in_object(body, &Pointer::default()),
        Action::Patch(body) => match &body.patch {
            Patch::Merge(patch) => in_object(patch, &Pointer::default()),
            Patch::Operations(operations) => {
                operations.as_array().into_iter().flatten().find_map(in_operation)
            }
        },
        Action::Delete(_) | Action::Stack(_) => None,
    }
}

/// The first such place in what is written at `at`. None lies deeper than an annotation.
fn in_object(value: &Value, at: &Pointer) -> Option<Pointer> {
    value.as_object().into_iter().flatten().find_map(|(name, value)| {
        let at = at.join(name);
        match (is_unshown(&at), leads_there(&at)) {
            (true, _) => Some(at),
            (false, true) => in_object(value, &at),
            (false, false) => None,
        }
    })
}

/// Whether such places lie beneath this one.
fn leads_there(at: &Pointer) -> bool {
    matches!(at.as_str(), "" | "/metadata" | "/metadata/annotations")
}

/// The same for one operation of RFC 6902. What is moved or copied to a place around such places is
/// not known here, and may hold them.
fn in_operation(operation: &Value) -> Option<Pointer> {
    let text = |member: &str| operation.get(member).and_then(Value::as_str);
    let op = text("op")?;
    let path: Pointer = text("path")?.parse().ok()?;
    let from: Option<Pointer> = text("from").and_then(|from| from.parse().ok());
    let brings = match op {
        "test" => return None,
        "move" | "copy" => leads_there(&path),
        _ => false,
    };
    if brings || is_unshown(&path) {
        return Some(path);
    }
    if let Some(from) = from.filter(|from| op == "move" && is_unshown(from)) {
        return Some(from);
    }
    let value = operation.get("value").filter(|_| leads_there(&path))?;
    in_object(value, &path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document::operation::{PatchBody, ResourceRef};

    fn patch(patch: Patch) -> Action {
        let text = |text: &str| text.to_owned();
        let resource = ResourceRef {
            api_version: text("v1"),
            kind: text("ConfigMap"),
            namespace: text("shop"),
            name: text("x"),
        };
        Action::Patch(PatchBody { resource, patch })
    }

    fn found(action: &Action) -> String {
        unshown(action).map(|at| at.to_string()).unwrap_or_default()
    }

    #[test]
    fn no_body_says_anything_that_no_plan_shows() {
        let last = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";
        for (body, at) in [
            (json!({"status": null}), "/status"),
            (json!({"metadata": {"managedFields": [{}]}}), "/metadata/managedFields"),
            (json!({"metadata": {"creationTimestamp": null}}), "/metadata/creationTimestamp"),
            (
                json!({"metadata": {"annotations": {
                    "kubectl.kubernetes.io/last-applied-configuration": "{}"}}}),
                last,
            ),
            (
                json!({"metadata": {"annotations": {"kapp.k14s.io/original-diff-md5": "x"}}}),
                "/metadata/annotations/kapp.k14s.io~1original-diff-md5",
            ),
            (json!({"metadata": {"annotations": {"note": "x"}, "labels": {"uid": "x"}}}), ""),
            (json!({"metadata": {"annotations": null, "finalizers": []}}), ""),
            (json!({"spec": {"status": 1, "metadata": {"uid": "x"}}, "data": {"status": "x"}}), ""),
        ] {
            assert_eq!(found(&Action::Apply(body.clone())), at, "{body}");
            assert_eq!(found(&patch(Patch::Merge(body.clone()))), at, "{body}");
        }
    }

    #[test]
    fn no_operation_writes_what_no_plan_shows() {
        let name = "kubectl.kubernetes.io/last-applied-configuration";
        let last = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";
        for (operation, at) in [
            (json!({"op": "remove", "path": "/status/phase"}), "/status/phase"),
            (json!({"op": "add", "path": "/metadata/uid", "value": "x"}), "/metadata/uid"),
            (json!({"op": "replace", "path": last, "value": "x"}), last),
            (json!({"op": "add", "path": "/metadata/annotations", "value": {name: "x"}}), last),
            (
                json!({"op": "add", "path": "/metadata", "value": {"annotations": {name: "x"}}}),
                last,
            ),
            (json!({"op": "replace", "path": "", "value": {"status": {}}}), "/status"),
            (json!({"op": "move", "path": "/metadata/labels/a", "from": last}), last),
            (
                json!({"op": "copy", "path": "/metadata/annotations", "from": "/data"}),
                "/metadata/annotations",
            ),
            (json!({"op": "copy", "path": "/metadata/labels", "from": "/data"}), ""),
            (json!({"op": "test", "path": "/metadata/uid", "value": "x"}), ""),
            (json!({"op": "add", "path": "/metadata/annotations", "value": {"a": "x"}}), ""),
            (json!({"op": "add", "path": "/data/status", "value": {"status": "x"}}), ""),
        ] {
            let action = patch(Patch::Operations(json!([operation])));
            assert_eq!(found(&action), at, "{operation}");
        }
    }
}
