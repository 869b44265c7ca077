//! What `fixtures/kubernetes` grants, for the namespace and the users of a test.

use std::path::Path;

use serde_json::Value;

use super::Cluster;

/// The manifests.
pub(crate) const TARGET: &str = "target-role.yaml";
pub(crate) const REHEARSES: &str = "planner-rehearses.yaml";
pub(crate) const LEDGER: &str = "ledger-role.yaml";

/// The objects of a manifest, as they stand there.
pub(crate) fn manifest(name: &str) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("fixtures/kubernetes").join(name)).unwrap();
    serde_saphyr::from_multiple(&text).unwrap()
}

/// What [`TARGET`] grants, for one user in one namespace, under names that nobody else has.
pub(crate) fn target(namespace: &str, user: &str) -> Vec<Value> {
    own(TARGET, ("shop", &["planner", "applier"]), namespace, user)
}

/// The same of [`LEDGER`].
pub(crate) fn ledger(namespace: &str, user: &str) -> Vec<Value> {
    own(LEDGER, ("countersign", &["applier"]), namespace, user)
}

/// A manifest that names `from`: a namespace, and users who are all granted the same.
fn own(name: &str, from: (&str, &[&str]), namespace: &str, user: &str) -> Vec<Value> {
    let mut objects = manifest(name);
    for object in &mut objects {
        let own = |name: &Value| format!("{}-{namespace}-{user}", name.as_str().unwrap()).into();
        let metadata = &mut object["metadata"];
        metadata["name"] = own(&metadata["name"]);
        if metadata["namespace"] == from.0 {
            metadata["namespace"] = namespace.into();
        }
        for name in each(object, "rules").flat_map(|rule| each(rule, "resourceNames")) {
            if *name == from.0 {
                *name = namespace.into();
            }
        }
        if let Some(role) = object.get_mut("roleRef") {
            role["name"] = own(&role["name"]);
        }
        if let Some(subjects) = object.get_mut("subjects").and_then(Value::as_array_mut) {
            let named: Vec<&Value> = subjects.iter().map(|subject| &subject["name"]).collect();
            assert_eq!(named, from.1);
            subjects.truncate(1);
            subjects[0]["name"] = user.into();
        }
    }
    objects
}

/// What a list of an object holds; nothing where it lacks.
fn each<'o>(object: &'o mut Value, member: &str) -> impl Iterator<Item = &'o mut Value> + use<'o> {
    object.get_mut(member).and_then(Value::as_array_mut).into_iter().flatten()
}

impl Cluster {
    /// Makes objects, or makes them so.
    pub(crate) fn made(&self, objects: &[Value]) {
        let admin = self.admin();
        for object in objects {
            admin.apply(object);
        }
    }
}
