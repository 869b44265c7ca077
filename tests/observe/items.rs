//! Whatever has a top-level `items` is a list to kubectl: nothing is smuggled past the scope in one.

use serde_json::json;

use countersign::config::Limits;
use countersign::document::operation::{Action, Patch, PatchBody, ResourceRef};
use countersign::observe::directory::{Budget, Tree, result_of};

use super::{configmap, project, said, target};

const BINDING: &str =
    "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: b}}";

fn tree(text: &str) -> Result<Vec<String>, String> {
    let folder = project(&[("a.yaml", text)]);
    let tree = Tree::read(folder.path(), &target(""), &Limits::default());
    let tree = tree.map_err(|error| said(&error))?;
    Ok(tree.into_objects().into_keys().map(|id| id.to_string()).collect())
}

#[test]
fn a_list_is_its_items_whatever_its_name() {
    for head in [
        "kind: List",
        "kind: ClusterRoleBindingList",
        "kind: SecretList\nmetadata: {name: innocent, namespace: s}",
        "kind: ConfigMapList\nmetadata: {name: innocent}",
    ] {
        let text = format!("apiVersion: v1\n{head}\nitems: [{BINDING}]\n");
        let found = tree(&text).unwrap();
        assert_eq!(found, ["rbac.authorization.k8s.io/ClusterRoleBinding//b"], "{text}");
    }
}

#[test]
fn secret_values_in_a_list_with_a_name_are_seen() {
    let secret = "{apiVersion: v1, kind: Secret, metadata: {name: k, namespace: s}, stringData: {p: hunter2}}";
    let text = format!(
        "apiVersion: v1\nkind: SecretList\nmetadata: {{name: few, namespace: s}}\nitems: [{secret}]\n"
    );
    let folder = project(&[("a.yaml", &text)]);
    let tree = Tree::read(folder.path(), &target(""), &Limits::default()).unwrap();
    assert!(tree.holds_secrets("a.yaml"));
}

#[test]
fn an_object_with_items_is_refused_in_the_tree() {
    for (kind, items) in [
        ("ConfigMap", format!("items: [{BINDING}]")),
        ("ConfigMap", "items: []".to_owned()),
        ("ConfigMap", "items: {}".to_owned()),
        ("ConfigMap", "items: null".to_owned()),
        ("ConfigMap", "items: text".to_owned()),
        ("ConfigMap", format!("Items: [{BINDING}]")),
        ("ConfigMap", format!("item\u{17f}: [{BINDING}]")),
        ("ConfigMapList", "items: {}".to_owned()),
        ("ConfigMapList", format!("ITEMS: [{BINDING}]")),
    ] {
        let text =
            format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: a, namespace: s}}\n{items}\n");
        let refused = tree(&text).unwrap_err();
        let wanted = format!("a.yaml: line 1, column 1: {kind} has a top-level `items`");
        assert!(refused.contains(&wanted), "{text}: {refused}");
    }
    let kustomize = format!(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nmetadata: {{name: a}}\nitems: [{BINDING}]\n"
    );
    assert!(tree(&kustomize).unwrap_err().contains("has a top-level `items`"));
}

#[test]
fn no_operation_brings_items() {
    let before = serde_json::from_value(json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "s"}, "data": {"a": "x"}}))
    .unwrap();
    let resource: ResourceRef = serde_json::from_value(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "namespace": "s"}),
    )
    .unwrap();
    let patch = |patch| Action::Patch(PatchBody { resource: resource.clone(), patch });
    let apply = |items| {
        Action::Apply(json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "namespace": "s"}, "items": items}))
    };
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": "b"}});
    for action in [
        apply(json!([binding])),
        apply(json!([])),
        apply(json!(null)),
        apply(json!(1)),
        patch(Patch::Merge(json!({"items": [binding]}))),
        patch(Patch::Merge(json!({"Items": {}}))),
        patch(Patch::Operations(json!([{"op": "add", "path": "/items", "value": [binding]}]))),
        patch(Patch::Operations(json!([{"op": "move", "from": "/data", "path": "/items"}]))),
        patch(Patch::Operations(json!([{"op": "copy", "from": "/data", "path": "/items"}]))),
    ] {
        let found = result_of(&action, &before, &mut Budget::default()).unwrap_err();
        assert!(found.contains("ConfigMap has a top-level `items`"), "{action:?}: {found}");
    }
    let named = json!({"apiVersion": "v1", "kind": "ConfigMapList",
        "metadata": {"name": "a", "namespace": "s"}, "items": [binding]});
    let found = result_of(&Action::Apply(named), &json!(null), &mut Budget::default());
    assert!(found.unwrap_err().contains("is a list, not an object"));
}

#[test]
fn items_deeper_in_an_object_are_its_own_matter() {
    let text = configmap("a", "x") + "  items: \"1\"\n";
    assert_eq!(tree(&text).unwrap(), ["/ConfigMap/s/a"]);
}
