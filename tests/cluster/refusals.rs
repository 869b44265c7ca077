//! The ways in which the API server itself says no: by the schema, the values, the rights, and the
//! namespace.

use serde_json::{Value, json};

use super::{DRY, Here, deployment, map, refused, until};
use crate::support::cluster::client::{APPLY, MERGE, path as path_to};
use crate::support::cluster::{cluster, random};

#[test]
fn what_is_not_in_the_schema_is_a_500_without_a_reason() {
    let here = Here::new();
    let path = here.namespace.path_of("apps/v1", "deployments/web");
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body = deployment("web");
        change(&mut body);
        here.apply(&path, DRY, &body)
    };
    let typed = "failed to create typed patch object (/web; apps/v1, Kind=Deployment): ";
    let answer = with(&|body| body["spec"]["replica"] = json!(2));
    let says = format!("{typed}.spec.replica: field not declared in schema");
    refused("unknown field", &answer, 500, "", &[], &says);
    let answer = with(&|body| body["spec"]["replicas"] = json!("two"));
    let says = format!("{typed}.spec.replicas: expected numeric (int or float), got string");
    refused("wrong type", &answer, 500, "", &[], &says);
    let answer = with(&|body| {
        let containers = body["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap();
        containers.push(containers[0].clone());
    });
    let says =
        format!("{typed}.spec.template.spec.containers: duplicate entries for key [name=\"web\"]");
    refused("same key twice", &answer, 500, "", &[], &says);
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "one"},
        "data": {"password": "no base64"},
    });
    let answer = here.apply(&here.namespace.path("secrets/one"), DRY, &secret);
    refused("no base64", &answer, 500, "", &[], "illegal base64 data");
}

#[test]
fn values_and_immutable_fields_are_named_by_their_paths() {
    let here = Here::new();
    let path = here.namespace.path_of("apps/v1", "deployments/web");
    let mut web = deployment("web");
    web["spec"]["replicas"] = json!(-1);
    web["spec"]["template"]["spec"]["containers"][0]["name"] = json!("Not_Valid");
    let causes = [
        ("FieldValueInvalid", "spec.replicas"),
        ("FieldValueInvalid", "spec.template.spec.containers[0].name"),
    ];
    let says = "Deployment.apps \"web\" is invalid: ";
    refused("values", &here.apply(&path, DRY, &web), 422, "Invalid", &causes, says);
    assert_eq!(here.apply(&path, "", &deployment("web")).0, 201);
    let mut web = deployment("web");
    web["spec"]["selector"]["matchLabels"] = json!({"app": "other"});
    web["spec"]["template"]["metadata"]["labels"] = json!({"app": "other"});
    let causes = [("FieldValueInvalid", "spec.selector")];
    let answer = here.apply(&path, DRY, &web);
    refused("selector", &answer, 422, "Invalid", &causes, "field is immutable");
}

#[test]
fn each_kind_has_its_own_words_for_what_never_changes() {
    let here = Here::new();
    let service = json!({"kind": "Service", "apiVersion": "v1", "spec": {"ports": [{"port": 80}]}});
    let job = json!({"kind": "Job", "apiVersion": "batch/v1", "spec": {"template": {"spec": {
        "restartPolicy": "Never", "containers": [{"name": "one", "image": "example.invalid/a:1"}],
    }}}});
    let stateful = json!({"kind": "StatefulSet", "apiVersion": "apps/v1", "spec": {
        "replicas": 0, "serviceName": "one", "selector": {"matchLabels": {"app": "one"}},
        "template": deployment("one")["spec"]["template"],
    }});
    let secret = json!({
        "kind": "Secret", "apiVersion": "v1", "immutable": true, "data": {"a": "aGk="},
    });
    let image = "/spec/template/spec/containers/0/image";
    let (invalid, forbidden) = ("FieldValueInvalid", "FieldValueForbidden");
    let template = "updates to statefulset spec for fields other than";
    let immutable = "field is immutable when `immutable` is set";
    let table = [
        (service, "/spec/clusterIP", "10.0.9.9", invalid, "spec.clusterIPs[0]", "may not change"),
        (job, image, "example.invalid/a:2", invalid, "spec.template", "field is immutable"),
        (stateful, "/spec/serviceName", "two", forbidden, "spec", template),
        (secret, "/data/a", "aG8=", forbidden, "data", immutable),
    ];
    for (mut object, pointer, value, reason, field, says) in table {
        object["metadata"] = json!({"name": "one", "namespace": here.namespace.name()});
        let path = path_to(&object);
        assert_eq!(here.apply(&path, "", &object).0, 201, "{object}");
        match object.pointer_mut(pointer) {
            Some(found) => *found = json!(value),
            None => object["spec"]["clusterIP"] = json!(value),
        }
        let answer = here.apply(&path, "&dryRun=All&force=true", &object);
        refused(pointer, &answer, 422, "Invalid", &[(reason, field)], says);
    }
}

#[test]
fn a_refused_merge_patch_quotes_the_whole_object_even_of_a_secret() {
    let here = Here::new();
    let path = here.namespace.path("secrets/one");
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "one"},
        "stringData": {"password": "hunter2"},
    });
    let (status, answer) = here.apply(&path, "", &secret);
    assert_eq!((status, &answer["data"]["password"]), (201, &json!("aHVudGVyMg==")));
    assert_eq!(answer["stringData"], Value::Null);
    let strict = format!("{path}?fieldManager=test&fieldValidation=Strict&dryRun=All");
    let (status, answer) = here.admin.patch(&strict, MERGE, &json!({"unknown": {"a": "9"}}));
    assert_eq!((status, &answer["reason"]), (422, &json!("Invalid")));
    assert!(answer["message"].as_str().unwrap().contains("aHVudGVyMg=="), "{answer}");
}

#[test]
fn a_missing_namespace_and_a_missing_kind_are_told_apart() {
    let here = Here::new();
    let body = map("one", &json!({"resourceVersion": "1"}), &json!({}));
    let nowhere = "/api/v1/namespaces/no-such/configmaps/one";
    let answer = here.apply(nowhere, DRY, &body);
    refused("namespace", &answer, 404, "NotFound", &[], "namespaces \"no-such\" not found");
    assert_eq!(answer.1["details"]["kind"], "namespaces");
    // A read does not know.
    let answer = here.admin.get(nowhere);
    refused("read", &answer, 404, "NotFound", &[], "configmaps \"one\" not found");
    let widget = json!({
        "apiVersion": "example.invalid/v1", "kind": "Widget", "metadata": {"name": "one"},
    });
    let path = here.namespace.path_of("example.invalid/v1", "widgets/one");
    let answer = here.apply(&path, DRY, &widget);
    assert_eq!(answer, (404, json!("404 page not found\n")));
    let answer = here.admin.get(&here.namespace.path_of("apps/v1", "widgets/one"));
    let says = "the server could not find the requested resource";
    refused("kind of a known group", &answer, 404, "NotFound", &[], says);
}

#[test]
fn a_namespace_that_is_being_deleted_takes_nothing_new() {
    let here = Here::new();
    let held = json!({"finalizers": ["example.invalid/wait"]});
    assert_eq!(here.apply_map("held", "", &held, &json!({})).0, 201);
    let (status, answer) =
        here.admin.delete(&format!("/api/v1/namespaces/{}", here.namespace.name()), &json!({}));
    assert_eq!((status, &answer["status"]["phase"]), (200, &json!("Terminating")));
    let late = || here.apply_map("late", DRY, &json!({"resourceVersion": "1"}), &json!({}));
    let answer = until(late, |(status, _)| *status != 201);
    let causes = [("NamespaceTerminating", "metadata.namespace")];
    refused("late", &answer, 403, "Forbidden", &causes, "because it is being terminated");
    let released = json!({"metadata": {"finalizers": null}});
    assert_eq!(here.admin.patch(&here.config_map("held"), MERGE, &released).0, 200);
}

#[test]
fn missing_rights_name_user_verb_and_resource() {
    let here = Here::new();
    let user = cluster().user();
    let path = format!("{}?fieldManager=test&dryRun=All", here.config_map("one"));
    let answer = user.client().patch(&path, APPLY, &map("one", &json!({}), &json!({})));
    let says = format!(
        "User \"{}\" cannot patch resource \"configmaps\" in API group \"\" in the namespace \"{}\"",
        user.name(),
        here.namespace.name()
    );
    refused("patch", &answer, 403, "Forbidden", &[], &says);
    // To create by apply needs both.
    let rules = json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["patch"]}]);
    cluster().grant(&user, Some(here.namespace.name()), &rules);
    let apply = || user.client().patch(&path, APPLY, &map("one", &json!({}), &json!({})));
    let answer = until(apply, |(_, answer)| {
        !answer["message"].as_str().unwrap_or_default().contains("cannot patch")
    });
    refused("create", &answer, 403, "Forbidden", &[], "cannot create resource \"configmaps\"");
}

#[test]
fn a_custom_kind_is_held_to_its_schema_its_rules_and_its_defaults() {
    let here = Here::new();
    let group = format!("g{}.example.invalid", random());
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("widgets.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {
                "openAPIV3Schema": {"type": "object", "properties": {"spec": {
                    "type": "object",
                    "properties": {
                        "size": {"type": "integer", "maximum": 3},
                        "colour": {"type": "string", "default": "red"},
                    },
                    "x-kubernetes-validations": [
                        {"rule": "self.size >= oldSelf.size", "message": "never smaller"},
                    ],
                }}},
            }}],
        },
    });
    here.admin.apply(&definition);
    let api = format!("{group}/v1");
    let all = here.namespace.path_of(&api, "widgets");
    here.admin.wait_for(&all, "served", |list| list["items"].is_array());
    let apply = |query: &str, spec: Value| {
        let widget = json!({
            "apiVersion": api, "kind": "Widget", "metadata": {"name": "one"}, "spec": spec,
        });
        here.apply(&format!("{all}/one"), query, &widget)
    };
    let answer = apply(DRY, json!({"size": 1, "unknown": 2}));
    refused("unknown", &answer, 500, "", &[], ".spec.unknown: field not declared in schema");
    let answer = apply(DRY, json!({"size": 9}));
    let says = "spec.size in body should be less than or equal to 3";
    refused("schema", &answer, 422, "Invalid", &[("FieldValueInvalid", "spec.size")], says);
    let (status, answer) = until(|| apply("", json!({"size": 2})), |(status, _)| *status == 201);
    assert_eq!((status, &answer["spec"]), (201, &json!({"size": 2, "colour": "red"})));
    let answer = apply(DRY, json!({"size": 1}));
    refused("rule", &answer, 422, "Invalid", &[("FieldValueInvalid", "spec")], "never smaller");
    let path = path_to(&definition);
    assert_eq!(here.admin.delete(&path, &Value::Null).0, 200);
}
