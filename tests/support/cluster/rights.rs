//! What `fixtures/kubernetes` grants, for the namespace and the users of a test.

use std::path::Path;

use serde_json::Value;

use super::Cluster;

/// The namespace and the users that the manifests name.
const NAMESPACE: &str = "shop";
const USERS: [&str; 2] = ["planner", "applier"];

/// The manifests: file, objects.
pub(crate) const TARGET: &str = "target-role.yaml";
pub(crate) const REHEARSES: &str = "planner-rehearses.yaml";

/// The objects of a manifest, as they stand there.
pub(crate) fn manifest(name: &str) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("fixtures/kubernetes").join(name)).unwrap();
    serde_saphyr::from_multiple(&text).unwrap()
}

/// The objects of [`TARGET`] for one user in one namespace, under names that nobody else has.
pub(crate) fn target(namespace: &str, user: &str) -> Vec<Value> {
    let mut objects = manifest(TARGET);
    for object in &mut objects {
        let own = |name: &Value| format!("{}-{namespace}-{user}", name.as_str().unwrap()).into();
        let metadata = &mut object["metadata"];
        metadata["name"] = own(&metadata["name"]);
        if metadata["namespace"] == NAMESPACE {
            metadata["namespace"] = namespace.into();
        }
        for name in each(object, "rules").flat_map(|rule| each(rule, "resourceNames")) {
            if *name == NAMESPACE {
                *name = namespace.into();
            }
        }
        if let Some(role) = object.get_mut("roleRef") {
            role["name"] = own(&role["name"]);
        }
        if let Some(subjects) = object.get_mut("subjects").and_then(Value::as_array_mut) {
            let named: Vec<&Value> = subjects.iter().map(|subject| &subject["name"]).collect();
            assert_eq!(named, USERS);
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
