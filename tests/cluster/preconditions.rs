//! What uid and resourceVersion are good for: in server-side apply, in the two kinds of patches, in
//! deletions, and in rehearsals of all of them.

use serde_json::{Value, json};

use super::{DRY, Here, OTHER_UID, map, refused};
use crate::support::cluster::client::{JSON_PATCH, MERGE};

const MODIFIED: &str = "the object has been modified";
const OWNED: &str = "FieldManagerConflict";
const NOT_VALID: &str = "FieldValueInvalid";

#[test]
fn version_1_creates_and_never_changes() {
    let here = Here::new();
    let only = json!({"resourceVersion": "1"});
    for (query, lasts) in [(DRY, false), ("", true)] {
        let (status, answer) = here.apply_map("one", query, &only, &json!({"a": "1"}));
        assert_eq!(status, 201, "{answer}");
        assert_eq!(here.admin.get(&here.config_map("one")).0 == 200, lasts);
        assert_eq!(answer["metadata"]["resourceVersion"] != "1", lasts);
    }
    for query in [DRY, "", "&force=true"] {
        let answer = here.apply_map("one", query, &only, &json!({"a": "2"}));
        refused("present", &answer, 409, "Conflict", &[], MODIFIED);
    }
    assert_eq!(here.admin.read(&here.config_map("one"))["data"]["a"], "1");
}

#[test]
fn only_a_uid_keeps_an_update_from_creating() {
    let here = Here::new();
    let live = here.made("one");
    let (uid, version) = (&live["uid"], &live["resourceVersion"]);
    let table = [
        ("version alone", json!({"resourceVersion": version}), true),
        ("nothing", json!({}), true),
        ("uid alone", json!({"uid": uid}), false),
        ("uid and version", json!({"uid": uid, "resourceVersion": version}), false),
    ];
    for (what, meta, creates) in table {
        for query in [DRY, ""] {
            let answer = here.apply_map("absent", query, &meta, &json!({}));
            if creates {
                assert_eq!(answer.0, 201, "{what}: {}", answer.1);
                here.admin.delete(&here.config_map("absent"), &Value::Null);
            } else {
                let says = "and no existing object was found";
                refused(what, &answer, 409, "Conflict", &[], says);
            }
        }
    }
}

#[test]
fn an_apply_to_another_object_or_version_is_refused() {
    let here = Here::new();
    let live = here.made("one");
    let (uid, version) = (&live["uid"], &live["resourceVersion"]);
    for query in [DRY, ""] {
        let meta = json!({"uid": uid, "resourceVersion": version});
        let (status, answer) = here.apply_map("one", query, &meta, &json!({"a": "1"}));
        assert_eq!((status, &answer["metadata"]["uid"]), (200, uid), "{answer}");
        assert_eq!(&answer["metadata"]["resourceVersion"], version, "nothing changed");
        let stale = json!({"uid": uid, "resourceVersion": "2"});
        let answer = here.apply_map("one", query, &stale, &json!({"a": "2"}));
        refused("stale", &answer, 409, "Conflict", &[], MODIFIED);
        let other = json!({"uid": OTHER_UID, "resourceVersion": version});
        let answer = here.apply_map("one", query, &other, &json!({"a": "2"}));
        // It is said twice.
        let causes = [(NOT_VALID, "metadata.uid"); 2];
        refused("wrong uid", &answer, 422, "Invalid", &causes, "field is immutable");
        let both = json!({"uid": OTHER_UID, "resourceVersion": "2"});
        let answer = here.apply_map("one", query, &both, &json!({"a": "2"}));
        refused("wrong uid and stale", &answer, 409, "Conflict", &[], MODIFIED);
    }
}

#[test]
fn a_field_of_another_manager_is_a_conflict_before_the_version_is_looked_at() {
    let here = Here::new();
    let live = here.made("one");
    let path = here.config_map("one");
    let theirs = json!({"data": {"b": "theirs"}});
    let (_, live_now) = here.admin.patch(&format!("{path}?fieldManager=other"), MERGE, &theirs);
    let version =
        |from: &Value| json!({"uid": live["uid"], "resourceVersion": from["resourceVersion"]});
    let ours = json!({"a": "1", "b": "ours"});
    let causes = [(OWNED, ".data.b")];
    for meta in [version(&live_now["metadata"]), version(&live), json!({})] {
        let answer = here.apply_map("one", DRY, &meta, &ours);
        refused("owned", &answer, 409, "Conflict", &causes, "conflict with \"other\"");
    }
    let answer = here.apply_map("one", "&dryRun=All&force=true", &version(&live), &ours);
    refused("stale, by force", &answer, 409, "Conflict", &[], MODIFIED);
    let forced = version(&live_now["metadata"]);
    let (status, answer) = here.apply_map("one", "&dryRun=All&force=true", &forced, &ours);
    assert_eq!((status, &answer["data"]["b"]), (200, &json!("ours")));
    // What nobody else holds goes; what another manager holds stays.
    let (status, answer) = here.apply_map("one", DRY, &forced, &json!({}));
    assert_eq!((status, &answer["data"]), (200, &json!({"b": "theirs"})));
}

#[test]
fn conflicts_name_the_items_of_lists_by_their_keys() {
    let here = Here::new();
    let mut web = super::deployment("web");
    let path = here.namespace.path_of("apps/v1", "deployments/web");
    web["metadata"]["namespace"] = json!(here.namespace.name());
    here.admin.apply_as("kubectl", &web);
    web["spec"]["replicas"] = json!(3);
    web["spec"]["template"]["spec"]["containers"][0]["image"] = json!("example.invalid/web:2");
    let answer = here.apply(&path, DRY, &web);
    let causes =
        [(OWNED, ".spec.replicas"), (OWNED, ".spec.template.spec.containers[name=\"web\"].image")];
    refused("two fields", &answer, 409, "Conflict", &causes, "conflicts with \"kubectl\":");
}

#[test]
fn what_the_server_makes_up_differs_from_one_rehearsed_creation_to_the_next() {
    let here = Here::new();
    let rehearse = || {
        here.apply_map("new", DRY, &json!({"resourceVersion": "1"}), &json!({})).1["metadata"]
            .clone()
    };
    let (first, second) = (rehearse(), rehearse());
    assert_ne!(first["uid"], second["uid"]);
    assert_eq!((&first["resourceVersion"], &second["resourceVersion"]), (&json!("1"), &json!("1")));
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "resourceVersion": "1"},
        "spec": {"ports": [{"port": 80}], "selector": {"app": "web"}},
    });
    let path = here.namespace.path("services/web");
    // In a rehearsal no address is taken; a placeholder stands for it.
    let (status, answer) = here.apply(&path, DRY, &service);
    assert_eq!((status, &answer["spec"]["clusterIP"]), (201, &json!("10.0.0.0")));
    let (status, answer) = here.apply(&path, "", &service);
    assert_eq!(status, 201);
    assert_ne!(answer["spec"]["clusterIP"], "10.0.0.0");
}

#[test]
fn a_merge_patch_is_held_to_uid_and_version_in_its_body() {
    let here = Here::new();
    let live = here.made("one");
    let path = here.config_map("one");
    let patch = |meta: Value| {
        let path = format!("{path}?fieldManager=test&fieldValidation=Strict&dryRun=All");
        here.admin.patch(&path, MERGE, &json!({"metadata": meta, "data": {"a": "9"}}))
    };
    let (uid, version) = (&live["uid"], &live["resourceVersion"]);
    let (status, answer) = patch(json!({"uid": uid, "resourceVersion": version}));
    assert_eq!((status, &answer["data"]["a"]), (200, &json!("9")));
    let answer = patch(json!({"uid": uid, "resourceVersion": "2"}));
    refused("stale", &answer, 409, "Conflict", &[], MODIFIED);
    let causes = [(NOT_VALID, "metadata.uid"); 2];
    for meta in [json!({"uid": OTHER_UID}), json!({"uid": OTHER_UID, "resourceVersion": version})] {
        refused("wrong uid", &patch(meta), 422, "Invalid", &causes, "field is immutable");
    }
    let absent = here.admin.patch(&here.config_map("absent"), MERGE, &json!({"data": {}}));
    refused("absent", &absent, 404, "NotFound", &[], "configmaps \"absent\" not found");
}

#[test]
fn a_replacement_is_held_to_uid_and_version_in_its_body() {
    let here = Here::new();
    let live = here.made("one");
    let put = |name: &str, meta: Value| {
        let path = format!("{}?fieldManager=test&dryRun=All", here.config_map(name));
        here.admin.put(&path, &map(name, &meta, &json!({"a": "9"})))
    };
    let (uid, version) = (&live["uid"], &live["resourceVersion"]);
    let (status, answer) = put("one", json!({"uid": uid, "resourceVersion": version}));
    assert_eq!((status, &answer["data"]["a"]), (200, &json!("9")));
    // Without a version it writes over whatever is there.
    assert_eq!(put("one", json!({})).0, 200);
    let answer = put("one", json!({"resourceVersion": "2"}));
    refused("stale", &answer, 409, "Conflict", &[], MODIFIED);
    let answer = put("one", json!({"uid": OTHER_UID, "resourceVersion": version}));
    refused("wrong uid", &answer, 409, "Conflict", &[], "Precondition failed: UID in precondition");
    let answer = put("absent", json!({}));
    refused("absent", &answer, 404, "NotFound", &[], "configmaps \"absent\" not found");
}

#[test]
fn a_json_patch_that_fails_does_not_say_at_what() {
    let here = Here::new();
    let live = here.made("one");
    let patch = |name: &str, operations: Value| {
        let path = here.config_map(name);
        here.admin.patch(&format!("{path}?fieldManager=test&dryRun=All"), JSON_PATCH, &operations)
    };
    let test = |path: &str, value: &Value| json!({"op": "test", "path": path, "value": value});
    let change = json!({"op": "replace", "path": "/data/a", "value": "2"});
    let held = [
        test("/metadata/uid", &live["uid"]),
        test("/metadata/resourceVersion", &live["resourceVersion"]),
        change.clone(),
    ];
    let (status, answer) = patch("one", json!(held));
    assert_eq!((status, &answer["data"]["a"]), (200, &json!("2")));
    let table = [
        ("value", json!([test("/data/a", &json!("no")), change])),
        ("version", json!([test("/metadata/resourceVersion", &json!("2")), change])),
        ("uid", json!([test("/metadata/uid", &json!(OTHER_UID)), change])),
        ("path of a test", json!([test("/data/none", &json!("x")), change])),
        ("removal of nothing", json!([{"op": "remove", "path": "/data/none"}])),
        ("no operation", json!([{"op": "frob", "path": "/data/a"}])),
    ];
    for (what, operations) in table {
        let says = "the server rejected our request due to an error in our request";
        refused(what, &patch("one", operations), 422, "Invalid", &[], says);
    }
    // To replace what is not there adds it.
    let added = json!([{"op": "replace", "path": "/data/none", "value": "2"}]);
    let (status, answer) = patch("one", added);
    assert_eq!((status, &answer["data"]["none"]), (200, &json!("2")));
    let answer = patch("absent", json!([change]));
    refused("absent", &answer, 404, "NotFound", &[], "configmaps \"absent\" not found");
}

#[test]
fn a_deletion_is_held_to_its_preconditions_and_rehearsed_by_its_body() {
    let here = Here::new();
    let live = here.made("one");
    let path = here.config_map("one");
    let (uid, version) = (&live["uid"], &live["resourceVersion"]);
    for dry in [json!([]), json!(["All"])] {
        let delete =
            |held: Value| here.admin.delete(&path, &json!({"preconditions": held, "dryRun": dry}));
        let answer = delete(json!({"uid": uid, "resourceVersion": "2"}));
        let says = "does not match the ResourceVersion in record";
        refused("stale", &answer, 409, "Conflict", &[], says);
        let answer = delete(json!({"uid": OTHER_UID, "resourceVersion": version}));
        let says = "does not match the UID in record";
        refused("wrong uid", &answer, 409, "Conflict", &[], says);
    }
    let held = json!({"uid": uid, "resourceVersion": version});
    let rehearsed = json!({"preconditions": held, "dryRun": ["All"]});
    let (status, answer) = here.admin.delete(&path, &rehearsed);
    assert_eq!((status, &answer["status"]), (200, &json!("Success")));
    assert_eq!(here.admin.read(&path)["metadata"]["resourceVersion"], *version);
    // Where there is a body, the query is not looked at.
    let (status, _) =
        here.admin.delete(&format!("{path}?dryRun=All"), &json!({"preconditions": held}));
    assert_eq!(status, 200);
    assert_eq!(here.admin.get(&path).0, 404);
    let answer = here.admin.delete(&path, &rehearsed);
    refused("absent", &answer, 404, "NotFound", &[], "configmaps \"one\" not found");
}

#[test]
fn what_a_finalizer_holds_back_is_answered_as_an_object() {
    let here = Here::new();
    let meta = json!({"finalizers": ["example.invalid/wait"]});
    assert_eq!(here.apply_map("held", "", &meta, &json!({})).0, 201);
    let path = here.config_map("held");
    let (status, answer) = here.admin.delete(&path, &json!({}));
    assert_eq!((status, &answer["kind"]), (200, &json!("ConfigMap")));
    assert!(answer["metadata"]["deletionTimestamp"].is_string(), "{answer}");
    // It can still be changed.
    let (status, answer) = here.apply_map("held", "", &meta, &json!({"a": "2"}));
    assert_eq!((status, &answer["data"]["a"]), (200, &json!("2")));
    let released = json!({"metadata": {"finalizers": null}});
    assert_eq!(here.admin.patch(&path, MERGE, &released).0, 200);
    assert_eq!(here.admin.get(&path).0, 404);
}
