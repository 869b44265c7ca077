//! What stands around the changes.

use std::collections::BTreeSet;

use countersign::custody::vault::Vault;
use countersign::observe::ListOf;
use countersign::observe::kubernetes::surroundings;
use serde_json::json;

use super::Stage;

fn list(group: &str, kind: &str, namespace: &str) -> ListOf {
    ListOf { group: group.to_owned(), kind: kind.to_owned(), namespace: namespace.to_owned() }
}

#[test]
fn lists_give_objects_or_say_that_they_were_refused() {
    let stage = Stage::new();
    stage.made("other", &stage.configmap("flags", json!({"a": "1"})));
    stage.made(
        "other",
        &stage.object(
            "v1",
            "Secret",
            "db",
            json!({
        "stringData": {"password": "canary"}}),
        ),
    );
    let name = stage.name();
    let wanted: BTreeSet<ListOf> = [
        list("", "ConfigMap", name),
        list("", "Secret", name),
        list("apps", "StatefulSet", name),
        list("", "PersistentVolume", ""),
        list("example.invalid", "Widget", name),
    ]
    .into();
    let mark = stage.cluster.mark();
    let found = surroundings(&wanted, &stage.target(), &stage.reach(Vault::empty())).unwrap();
    assert!(stage.cluster.audit(stage.user.name(), mark).is_empty());
    let unresolved: Vec<_> = found.unresolved.iter().cloned().collect();
    assert_eq!(
        unresolved,
        [
            "list persistentvolumes: forbidden".to_owned(),
            format!("list statefulsets.apps in {name}: forbidden"),
        ]
    );
    let unread: Vec<_> = found.unread.iter().cloned().collect();
    assert_eq!(unread, [list("", "PersistentVolume", ""), list("apps", "StatefulSet", name)]);
    let flags = &found.objects[&format!("/ConfigMap/{name}/flags").parse().unwrap()];
    assert_eq!(flags["data"], json!({"a": "1"}));
    assert!(flags["metadata"]["uid"].is_string());
    let secret = &found.objects[&format!("/Secret/{name}/db").parse().unwrap()];
    assert_eq!(secret["data"], json!({"password": null}));
    assert!(!format!("{found:?}").contains("Y2FuYXJ5"));
}

#[test]
fn a_star_stands_for_every_kind_that_a_namespace_can_hold() {
    let stage = Stage::new();
    stage.made("other", &stage.configmap("flags", json!({"a": "1"})));
    let wanted = [list("", "*", stage.name())].into();
    let found = surroundings(&wanted, &stage.target(), &stage.reach(Vault::empty())).unwrap();
    assert!(
        found.objects.contains_key(&format!("/ConfigMap/{}/flags", stage.name()).parse().unwrap())
    );
    let refused = format!("list statefulsets.apps in {}: forbidden", stage.name());
    assert!(found.unresolved.contains(&refused), "{:?}", found.unresolved);
    assert!(
        !found
            .unresolved
            .iter()
            .any(|text| text.contains("events") || text.contains("deployments"))
    );
}
