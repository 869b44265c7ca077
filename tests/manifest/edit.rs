//! An edit changes what was asked and keeps every other byte.

use std::collections::BTreeMap;

use countersign::manifest::edit::{Edit, EditError, edit};
use countersign::manifest::{Limits, object, read};
use proptest::prelude::*;
use serde_json::{Value, json};

const FILE: &str = "# top\napiVersion: v1\nkind: ConfigMap   # a kind\nmetadata:\n  name: a\n  namespace: shop\ndata:\n  one: \"1\"   # first\n  two: '2'\n  # above three\n  three: plain\n---\n# second\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  replicas: 3  # three\n  args:\n    - a   # the a\n    - b\n  # last word\n";

fn documents(text: &str) -> Vec<Value> {
    let documents = read::documents(text, &Limits::default()).unwrap();
    documents.into_iter().map(|document| document.value).collect()
}

/// Changes one object of a text with `change`, and gives the text and the comments lost.
fn put(text: &str, index: usize, change: impl FnOnce(&mut Value)) -> (String, u32) {
    let mut value = documents(text)[index].clone();
    change(&mut value);
    let id = object::identity(&value).unwrap().id();
    let edited = edit(text, &BTreeMap::from([(id, Edit::Put(&value))]), false).unwrap();
    let after = edited.text.unwrap();
    assert_eq!(documents(&after)[index], value);
    (after, edited.comments_lost)
}

#[test]
fn scalars_change_where_they_stand() {
    let (after, lost) = put(FILE, 0, |v| {
        v["data"]["one"] = json!("yes");
        v["data"]["two"] = json!("it's");
        v["data"]["three"] = json!("no");
    });
    let wanted = FILE
        .replace("\"1\"   # first", "\"yes\"   # first")
        .replace("'2'", "'it''s'")
        .replace("three: plain", "three: \"no\"");
    assert_eq!((after, lost), (wanted, 0));
    let (after, lost) = put(FILE, 1, |v| v["spec"]["replicas"] = json!(5));
    assert_eq!((after, lost), (FILE.replace("replicas: 3", "replicas: 5"), 0));
}

#[test]
fn members_and_items_come_and_go_alone() {
    let (after, lost) = put(FILE, 0, |v| {
        v["data"]["four"] = json!("x: y");
        v["data"].as_object_mut().unwrap().remove("two");
    });
    let wanted = FILE
        .replace("  two: '2'\n", "")
        .replace("three: plain\n", "three: plain\n  four: \"x: y\"\n");
    assert_eq!((after, lost), (wanted, 0));
    let (after, lost) = put(FILE, 1, |v| v["spec"]["args"] = json!(["a", "b", "c"]));
    assert_eq!((after, lost), (FILE.replace("    - b\n", "    - b\n    - c\n"), 0));
    let (after, lost) = put(FILE, 1, |v| v["spec"]["args"] = json!(["b"]));
    assert_eq!((after, lost), (FILE.replace("    - a   # the a\n", ""), 1));
    let (after, lost) = put(FILE, 1, |v| v["metadata"]["labels"] = json!({"x": "y"}));
    assert_eq!(lost, 0);
    assert!(
        after.contains("metadata: {labels: {x: \"y\"}, name: web, namespace: shop}\n"),
        "{after}"
    );
}

#[test]
fn crlf_stays_crlf() {
    let crlf = FILE.replace('\n', "\r\n");
    let (after, _) = put(&crlf, 0, |v| v["data"]["four"] = json!("a\nb"));
    assert_eq!(after.matches('\n').count(), after.matches("\r\n").count());
    assert!(after.contains("  four: |-\r\n    a\r\n    b\r\n"), "{after}");
}

#[test]
fn what_cannot_change_in_place_is_emitted_anew_and_counted() {
    let text = "# kept\na: &x {k: 1}  # lost\nb: *x\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: s}\n";
    let (after, lost) = put(text, 0, |v| v["b"]["k"] = json!(2));
    assert!(lost > 0, "{after}");
}

#[test]
fn objects_come_and_go_in_files_and_lists() {
    let ids: Vec<_> = documents(FILE).iter().map(|v| object::identity(v).unwrap().id()).collect();
    let gone = |which: &[usize]| {
        let edits = which.iter().map(|n| (ids[*n].clone(), Edit::Remove)).collect();
        edit(FILE, &edits, false).unwrap().text
    };
    let (first, second) = FILE.split_at(FILE.find("---").unwrap());
    assert_eq!(gone(&[1]).as_deref(), Some(first));
    assert_eq!(gone(&[0]).as_deref(), Some(second));
    assert_eq!(gone(&[0, 1]), None);
    let new = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "z", "namespace": "shop"}});
    let id = object::identity(&new).unwrap().id();
    let edits = BTreeMap::from([(id.clone(), Edit::Put(&new))]);
    let after = edit(FILE, &edits, false).unwrap().text.unwrap();
    assert_eq!(
        after,
        format!(
            "{FILE}---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: z\n  namespace: shop\n"
        )
    );
    let absent = BTreeMap::from([(id, Edit::Remove)]);
    assert!(matches!(edit(FILE, &absent, false), Err(EditError::Absent(_))));

    let list = "apiVersion: v1\nkind: List\nitems:\n  # one\n  - apiVersion: v1\n    kind: ServiceAccount\n    metadata: {name: a, namespace: s}\n  - apiVersion: v1\n    kind: ServiceAccount\n    metadata: {name: b, namespace: s}\n";
    let id = |name: &str| format!("/ServiceAccount/s/{name}").parse().unwrap();
    let after =
        edit(list, &BTreeMap::from([(id("b"), Edit::Remove)]), false).unwrap().text.unwrap();
    assert_eq!(after, list[..list.rfind("  - apiVersion").unwrap()]);
    let both = BTreeMap::from([(id("a"), Edit::Remove), (id("b"), Edit::Remove)]);
    assert_eq!(edit(list, &both, false).unwrap().text, None);
}

#[test]
fn json_stays_json() {
    let text = "{\n  \"apiVersion\": \"v1\", \"kind\": \"ConfigMap\",\n  \"metadata\": {\"name\": \"a\", \"namespace\": \"s\"},\n  \"data\": {\"x\": \"1\"}\n}\n";
    for change in [json!({"x": "no"}), json!({"x": "1", "y": "\u{1f602}\n"})] {
        let mut value: Value = serde_json::from_str(text).unwrap();
        value["data"] = change;
        let id = object::identity(&value).unwrap().id();
        let edited = edit(text, &BTreeMap::from([(id, Edit::Put(&value))]), true).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&edited.text.unwrap()).unwrap(), value);
    }
}

fn small() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        (0..9).prop_map(Value::from),
        "[a-c #:\n-]{0,4}".prop_map(Value::from),
        Just(Value::Null)
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-d]", inner, 0..4)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn any_change_reads_back_and_leaves_the_neighbours(old in small(), new in small()) {
        let whole = |data: &Value| json!({"apiVersion": "v1", "data": data, "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "s"}});
        let middle = countersign::manifest::emit::document(&whole(&old));
        let text = format!("{FILE}---\n{middle}---\n{}", FILE.replace("name: a", "name: b").replace("name: web", "name: web2"));
        let (after, _) = put(&text, 2, |v| *v = whole(&new));
        prop_assert!(after.starts_with(FILE));
        prop_assert!(after.ends_with(&text[text.len() - FILE.len()..]));
    }
}
