//! Between plan and apply, somebody changes the objects of the plan, their owners, or their
//! namespace.

use serde_json::{Value, json};

use super::Behind;
use crate::cli::kube_project::{KubeProject, applies};
use crate::support::cluster::client::{MERGE, path};

/// A plan for `a` of the ConfigMap `web`, approved.
fn web(force: bool) -> Behind {
    let project = KubeProject::new();
    project.ours(&project.map("web", &json!({"a": "1"})));
    let mut operation = applies(&project.map("web", &json!({"a": "2"})));
    if force {
        operation["force"] = json!("allowed");
    }
    project.approved(&json!([operation]));
    Behind(project)
}

impl Behind {
    /// The refusal that names something of the ConfigMap `web`; it stays as it is.
    #[track_caller]
    fn web_refuses(&self, says: &str) {
        let before = self.read("web");
        let named = format!("ConfigMap {}/web", self.name());
        self.refuses(13, &["is stale; nothing was changed [plan_stale]", &named, says]);
        assert_eq!(self.read("web"), before);
    }

    /// A ConfigMap with everything that the server has of it.
    fn read(&self, name: &str) -> Value {
        self.admin().get(&format!("{}/{name}", self.namespace.path("configmaps"))).1
    }

    /// A merge patch of an object, as somebody else.
    fn edit(&self, object: &Value, query: &str, patch: &Value) {
        let path = format!("{}{query}?fieldManager=somebody", path(object));
        let (status, answer) = self.admin().patch(&path, MERGE, patch);
        assert_eq!(status, 200, "{answer}");
    }
}

#[test]
fn an_edit_of_a_field_of_ours_is_named() {
    let behind = web(false);
    behind.edit(&behind.map("web", &json!({})), "", &json!({"data": {"a": "9"}}));
    behind.web_refuses(r#"/data/a is "9", was "1" when planned"#);
}

#[test]
fn an_edit_of_a_field_of_theirs_on_our_object_is_named() {
    let behind = web(false);
    behind.theirs(&behind.map("web", &json!({"b": "x"})));
    behind.web_refuses(r#"/data/b is "x", was absent when planned"#);
}

#[test]
fn an_object_that_was_deleted_is_not_made_again() {
    let behind = web(false);
    behind.gone(&behind.map("web", &json!({})));
    behind.web_refuses("is gone; it was there when planned");
}

#[test]
fn an_object_that_was_made_anew_is_another_one() {
    let behind = web(false);
    let map = behind.map("web", &json!({"a": "1"}));
    behind.gone(&map);
    behind.ours(&map);
    behind.web_refuses("is another one than when planned: deleted, and created anew");
}

#[test]
fn an_object_that_appears_is_not_taken_for_the_one_to_be_created() {
    let project = KubeProject::new();
    project.approved(&json!([applies(&project.map("web", &json!({"a": "2"})))]));
    let behind = Behind(project);
    behind.theirs(&behind.map("web", &json!({"a": "2"})));
    behind.web_refuses("exists now, and did not when planned");
}

#[test]
fn a_field_that_somebody_took_over_is_not_taken_back() {
    // The values are what they were; only who owns them is not.
    let behind = web(false);
    behind.theirs(&behind.map("web", &json!({"a": "1"})));
    behind.web_refuses("conflict: /data/a is held by somebody");
}

#[test]
fn a_consent_to_force_is_one_for_the_owners_of_then() {
    let behind = web(true);
    behind.theirs(&behind.map("web", &json!({"a": "1"})));
    behind.web_refuses("it would take over /data/a of somebody, and nothing when planned");
}

#[test]
fn an_object_that_a_gitops_tool_took_over_is_left_to_it() {
    let behind = web(false);
    behind.edit(
        &behind.map("web", &json!({})),
        "",
        &json!({"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "shop:/ConfigMap:x/web"}}}),
    );
    behind.web_refuses("argocd.argoproj.io");
}

#[test]
fn a_namespace_that_was_made_anew_is_another_one() {
    let project = KubeProject::new();
    project.approved(&json!([applies(&project.map("web", &json!({"a": "2"})))]));
    let namespace = json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": project.name()},
    });
    project.gone(&namespace);
    assert_eq!(project.admin().post("/api/v1/namespaces", &namespace).0, 201);
    project.granted();
    let name = project.name().to_owned();
    let another = format!("namespace {name} is another one than when planned");
    project.refuses(13, &["[plan_stale]", &another]);
    assert_eq!(project.data("web"), Value::Null);
    // And one that is not there takes nothing.
    project.gone(&namespace);
    let gone = format!("namespace {name} is not there");
    project.refuses(13, &["[plan_stale]", &gone]);
}

#[test]
fn what_is_none_of_the_plans_business_does_not_make_it_stale() {
    let project = KubeProject::new();
    project.configure("ignore = { ConfigMap = [\"/metadata/annotations/note\"] }");
    let web = project.map("web", &json!({"a": "1"}));
    let api = project.deployment("api", "example.invalid/api:1");
    project.ours(&web);
    project.ours(&api);
    let unready = |operation: Value| {
        let mut operation = operation;
        operation["wait"] = json!({"ready": false});
        operation
    };
    project.approved(&json!([
        applies(&project.map("web", &json!({"a": "2"}))),
        unready(applies(&project.deployment("api", "example.invalid/api:2"))),
    ]));
    let behind = Behind(project);
    // A field that the trusted configuration leaves to others, the status, and what an autoscaler
    // writes by way of the subresource.
    behind.edit(&web, "", &json!({"metadata": {"annotations": {"note": "seen"}}}));
    behind.edit(&api, "/scale", &json!({"spec": {"replicas": 2}}));
    behind.edit(
        &api,
        "/status",
        &json!({"status": {"conditions": [{
            "type": "Seen", "status": "True", "reason": "Seen", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z", "lastUpdateTime": "2026-01-01T00:00:00Z",
        }]}}),
    );
    behind.apply().exits(0);
    let web = behind.read("web");
    assert_eq!(
        (&web["data"]["a"], &web["metadata"]["annotations"]["note"]),
        (&json!("2"), &json!("seen"))
    );
    let api = behind.admin().read(&path(&api));
    assert_eq!(api["spec"]["replicas"], 2, "theirs stays");
    assert_eq!(api["spec"]["template"]["spec"]["containers"][0]["image"], "example.invalid/api:2");
}
