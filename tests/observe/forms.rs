//! Whether a kind has a namespace is no choice of whoever writes an object of it.

use countersign::config::Limits;
use countersign::observe::directory::Tree;

use super::{observed, project, said, target};

fn definition(scope: &str) -> String {
    format!(
        "{{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {{name: grants.x.io}}, spec: {{group: x.io, scope: {scope}, names: {{plural: grants, kind: Grant}}}}}}"
    )
}

fn grant(name: &str, namespace: &str) -> String {
    let namespace = if namespace.is_empty() { "" } else { &format!(", namespace: {namespace}") };
    format!("{{apiVersion: x.io/v1, kind: Grant, metadata: {{name: {name}{namespace}}}}}")
}

const EVERYTHING: &str = "";
const LIMITED: &str = "namespaces = [\"s\"]";
const WITH_CLUSTER: &str = "namespaces = [\"s\"]\ncluster-scoped = true";

/// What these applies get on a tree of these objects, for a target with these lines.
fn tried(tree: &[&str], lines: &str, applied: &[&str]) -> Result<(), String> {
    let files = tree.iter().enumerate().map(|(n, text)| (format!("{n}.yaml"), *text));
    let files: Vec<_> = files.collect();
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let folder = project(&files);
    let operations: String = applied.iter().map(|object| format!("- apply: {object}\n")).collect();
    observed(folder.path(), &target(lines), &operations).map(|_| ()).map_err(|error| said(&error))
}

#[test]
fn an_object_of_another_form_than_its_definition_is_refused() {
    let (cluster, namespaced) = (definition("Cluster"), definition("Namespaced"));
    for lines in [EVERYTHING, LIMITED, WITH_CLUSTER] {
        let found = tried(&[&cluster], lines, &[&grant("a", "s")]).unwrap_err();
        let wanted = "x.io/Grant/s/a is namespaced, and apiextensions.k8s.io/CustomResourceDefinition//grants.x.io says that its kind is cluster-scoped";
        assert!(found.contains(wanted), "{lines}: {found}");
        assert!(tried(&[&namespaced], lines, &[&grant("a", "s")]).is_ok(), "{lines}");
    }
    for lines in [EVERYTHING, WITH_CLUSTER] {
        let found = tried(&[&namespaced], lines, &[&grant("a", "")]).unwrap_err();
        assert!(found.contains("says that its kind is namespaced"), "{lines}: {found}");
        assert!(tried(&[&cluster], lines, &[&grant("a", "")]).is_ok(), "{lines}");
    }
}

#[test]
fn a_definition_of_the_same_plan_counts_in_either_order() {
    let cluster = definition("Cluster");
    let good = grant("a", "");
    let bad = grant("a", "s");
    for lines in [EVERYTHING, WITH_CLUSTER] {
        for applied in [[cluster.as_str(), &good], [&good, &cluster]] {
            let found = tried(&[], lines, &applied);
            assert!(found.is_ok(), "{lines}: {found:?}");
        }
        for applied in [[cluster.as_str(), &bad], [&bad, &cluster]] {
            let found = tried(&[], lines, &applied).unwrap_err();
            assert!(found.contains("x.io/Grant/s/a"), "{lines}: {found}");
        }
    }
}

#[test]
fn a_definition_that_the_tree_contradicts_is_refused() {
    let (cluster, namespaced) = (definition("Cluster"), definition("Namespaced"));
    let found = tried(&[&grant("a", "s")], EVERYTHING, &[&cluster]).unwrap_err();
    assert!(found.contains("says that Grant is cluster-scoped, and by x.io/Grant/s/a"), "{found}");
    let found = tried(&[&namespaced], EVERYTHING, &[&cluster]).unwrap_err();
    assert!(found.contains("says that Grant is cluster-scoped, and by"), "{found}");
    assert!(tried(&[&grant("a", "")], EVERYTHING, &[&cluster]).is_ok());
}

#[test]
fn a_tree_that_contradicts_its_definition_is_not_read() {
    let (definition, object) = (definition("Cluster"), grant("a", "s"));
    for files in [
        [("a.yaml", &definition), ("b.yaml", &object)],
        [("a.yaml", &object), ("b.yaml", &definition)],
    ] {
        let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let folder = project(&files);
        let error = Tree::read(folder.path(), &target(""), &Limits::default()).unwrap_err();
        let said = said(&error);
        assert!(said.contains(".yaml: line 1, column 1: x.io/Grant/s/a is namespaced"), "{said}");
    }
}

#[test]
fn an_object_of_another_form_than_those_of_its_kind_is_refused() {
    let found = tried(&[&grant("a", "")], EVERYTHING, &[&grant("b", "s")]).unwrap_err();
    assert!(found.contains("x.io/Grant/s/b is namespaced, and x.io/Grant//a"), "{found}");
    let found = tried(&[&grant("a", "s")], EVERYTHING, &[&grant("b", "")]).unwrap_err();
    assert!(found.contains("x.io/Grant//b is cluster-scoped, and x.io/Grant/s/a"), "{found}");
    let found = tried(&[], EVERYTHING, &[&grant("a", "s"), &grant("b", "")]).unwrap_err();
    assert!(found.contains("of the same kind is namespaced"), "{found}");
    assert!(tried(&[&grant("a", "s")], EVERYTHING, &[&grant("b", "t")]).is_ok());
}

#[test]
fn a_limited_target_takes_no_kind_of_unknown_form() {
    let wrong_name = definition("Namespaced").replace("name: grants.x.io", "name: other.x.io");
    let wrong_scope = definition("Somewhere");
    for tree in [vec![], vec![grant("z", "s")], vec![wrong_name], vec![wrong_scope]] {
        let tree: Vec<_> = tree.iter().map(String::as_str).collect();
        for lines in [LIMITED, WITH_CLUSTER, "cluster-scoped = false"] {
            let found = tried(&tree, lines, &[&grant("a", "s")]).unwrap_err();
            assert!(found.contains("whether Grant has a namespace is not known"), "{found}");
            assert!(found.contains("put its CustomResourceDefinition into the tree"), "{found}");
        }
        assert!(tried(&tree, EVERYTHING, &[&grant("a", "s")]).is_ok());
    }
    let future = "{apiVersion: v1, kind: Future, metadata: {name: a, namespace: s}}";
    assert!(tried(&[], LIMITED, &[future]).unwrap_err().contains("is not known"));
}

#[test]
fn no_definition_decides_about_a_kind_of_kubernetes_itself() {
    let lie = "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: clusterroles.rbac.authorization.k8s.io}, spec: {group: rbac.authorization.k8s.io, scope: Namespaced, names: {plural: clusterroles, kind: ClusterRole}}}";
    let role =
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: all}}";
    assert!(tried(&[lie, role], EVERYTHING, &[role]).is_ok());
    assert!(tried(&[lie], LIMITED, &[role]).unwrap_err().contains("outside the scope"));
}
