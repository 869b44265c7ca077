//! Between plan and apply, what the cluster makes of a request changes: schemas, policies, quota,
//! permissions.

use serde_json::{Value, json};

use super::{Behind, Policy};
use crate::cli::kube_project::{KubeProject, applies};
use crate::support::cluster::client::{APPLY, path};
use crate::support::cluster::random;

/// A plan that creates the ConfigMap `web`, approved.
fn creates() -> Behind {
    let project = KubeProject::new();
    project.approved(&json!([applies(&project.map("web", &json!({"a": "2"})))]));
    Behind(project)
}

impl Behind {
    #[track_caller]
    fn creation_refuses(&self, code: i32, says: &[&str]) {
        self.refuses(code, says);
        assert_eq!(self.data("web"), Value::Null);
    }
}

/// A kind of the test's own, whose objects have the field `size`.
struct Kind {
    group: String,
}

impl Kind {
    fn new(project: &KubeProject<'_>) -> Self {
        let kind = Self { group: format!("t{}.example.invalid", random()) };
        kind.defined(project, &json!({"type": "integer"}));
        let verbs = json!(["get", "list", "create", "patch", "delete"]);
        project.cluster.grant(
            &project.user,
            Some(project.name()),
            &json!([{"apiGroups": [kind.group], "resources": ["widgets"], "verbs": verbs}]),
        );
        let all = project.namespace.path_of(&format!("{}/v1", kind.group), "widgets");
        project.user.client().wait_for(&all, "a right", |answer| answer["items"].is_array());
        kind
    }

    /// Defines it so, and waits until that is in force.
    fn defined(&self, project: &KubeProject<'_>, size: &Value) {
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("widgets.{}", self.group)},
            "spec": {
                "group": self.group, "scope": "Namespaced",
                "names": {"kind": "Widget", "plural": "widgets"},
                "versions": [{
                    "name": "v1", "served": true, "storage": true,
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                        "spec": {"type": "object", "properties": {
                            "name": {"type": "string"}, "size": size,
                        }},
                    }}},
                }],
            },
        });
        let admin = project.admin();
        admin.apply(&definition);
        admin.wait_for(&path(&definition), "served", |found| {
            let conditions = found["status"]["conditions"].as_array();
            conditions.into_iter().flatten().any(|condition| {
                condition["type"] == "Established" && condition["status"] == "True"
            })
        });
    }

    fn widget(&self, project: &KubeProject<'_>, spec: &Value) -> Value {
        project.object(&format!("{}/v1", self.group), "Widget", "one", &json!({"spec": spec}))
    }
}

#[test]
fn a_kind_that_now_has_another_default_gives_another_result() {
    let behind = Behind(KubeProject::new());
    let kind = Kind::new(&behind);
    let widget = kind.widget(&behind, &json!({"name": "a"}));
    // Its first object shows that it is served.
    let mut first = widget.clone();
    first["metadata"]["name"] = json!("first");
    behind.ours_once_served(&first);
    behind.approved(&json!([applies(&widget)]));
    kind.defined(&behind, &json!({"type": "integer", "default": 7}));
    behind.until_dry(&widget, |_, answer| answer["spec"]["size"] == 7);
    behind.refuses(13, &["/spec/size would become 7, and absent when planned"]);
}

#[test]
fn a_kind_whose_schema_takes_less_refuses_what_was_planned() {
    let behind = Behind(KubeProject::new());
    let kind = Kind::new(&behind);
    let widget = kind.widget(&behind, &json!({"size": 3}));
    behind.ours_once_served(&widget);
    let next = kind.widget(&behind, &json!({"size": 30}));
    behind.approved(&json!([applies(&next)]));
    kind.defined(&behind, &json!({"type": "integer", "maximum": 10}));
    behind.until_dry(&next, |status, _| status == 422);
    behind.refuses(13, &["[plan_stale]", "should be less than or equal to 10"]);
}

#[test]
fn a_mutating_policy_that_was_added_gives_another_result() {
    let behind = creates();
    behind.policy(Policy::Adds);
    behind.creation_refuses(
        13,
        &["ConfigMap", "/data/added would become \"by-policy\", and absent when planned"],
    );
}

#[test]
fn a_validating_policy_that_was_added_refuses_what_was_planned() {
    let behind = creates();
    behind.policy(Policy::Denies);
    behind.creation_refuses(13, &["cannot be changed any more as planned: denied: ", "not today"]);
}

#[test]
fn a_quota_that_was_added_refuses_what_was_planned() {
    let behind = creates();
    behind.quota();
    behind.creation_refuses(
        13,
        &["cannot be changed any more as planned: denied: ", "exceeded quota: few"],
    );
}

#[test]
fn a_right_that_was_taken_away_is_named() {
    let behind = creates();
    behind.ungranted();
    behind.creation_refuses(1, &["may not get configmaps", "patch configmaps"]);
}

impl Behind {
    /// As [`KubeProject::ours`], once the kind is served.
    fn ours_once_served(&self, object: &Value) {
        self.until(
            || {
                self.admin().patch(
                    &format!("{}?fieldManager=countersign", path(object)),
                    APPLY,
                    object,
                )
            },
            |status, _| status == 200 || status == 201,
        );
    }
}
