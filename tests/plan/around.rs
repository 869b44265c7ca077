//! A plan of a cluster, made of what was observed and what is read around it: no value of a Secret
//! gets in, and what could not be read keeps it from being applied.

use std::collections::{BTreeMap, BTreeSet};

use countersign::document::effect::{Class, Preview, PreviewState, TargetIdentity};
use countersign::document::operation::ResourceRef;
use countersign::observe::{ListOf, Observed, ObservedChange, Surroundings};
use countersign::plan::{MakeError, Plan};
use serde_json::{Value, json};

/// What a cluster said about one operation.
fn observed(operation: Value, before: Value, after: Value) -> Observed {
    let object = if after.is_null() { &before } else { &after };
    let resource = ResourceRef::of(object).unwrap();
    let guard = match before.is_null() {
        true => BTreeMap::new(),
        false => BTreeMap::from([("uid".to_owned(), "u".to_owned())]),
    };
    let (verb, body) = operation.as_object().unwrap().iter().next().unwrap();
    let proposal = json!({
        "project": "shop", "name": "p", "environment": "prod", "target": "main",
        "planner": "planner", "requestedBy": "", "intent": {"request": "", "summary": ""},
        "operations": [{"id": "op-1", "verb": verb, "body": body, "reason": "", "dependsOn": [],
            "replace": "refused", "force": "refused",
            "wait": {"ready": true, "timeoutSeconds": 600}}],
    });
    Observed {
        proposal: serde_json::from_value(proposal).unwrap(),
        target: TargetIdentity::Kubernetes {
            cluster_uid: "c".to_owned(),
            ca_spki: "sha256:0".to_owned(),
            namespaces: BTreeMap::from([("shop".to_owned(), "u-shop".to_owned())]),
        },
        changes: vec![ObservedChange {
            operation: "op-1".parse().unwrap(),
            resource,
            before,
            after,
            preview: Preview {
                state: PreviewState::Server,
                because: String::new(),
                by: String::new(),
            },
            unknown: Vec::new(),
            replace_paths: Vec::new(),
            force: Vec::new(),
            warnings: Vec::new(),
            without_effect: Vec::new(),
            guard,
        }],
        files: BTreeMap::new(),
        stack: None,
        masking: "0123456789abcdef".to_owned(),
        surroundings: Surroundings::default(),
    }
}

fn secret(members: &Value) -> Value {
    let mut object = json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"namespace": "shop", "name": "db"}});
    for (member, value) in members.as_object().unwrap() {
        object[member] = value.clone();
    }
    object
}

fn nothing(_: &BTreeSet<ListOf>) -> Result<Surroundings, countersign::observe::ObserveError> {
    Ok(Surroundings::default())
}

#[test]
fn a_plan_that_would_hold_a_secret_value_is_not_made() {
    let mask = format!("hmac-sha256:{}", "0a".repeat(32));
    let named = json!({"$secret": {"name": "db", "value": mask}});
    let asked = json!({"apply": secret(&json!({"data": {"password": {"$secret": "db"}}}))});
    let before = secret(&json!({"data": {"password": mask}}));
    let make = |before: &Value, after: &Value| {
        Plan::make_around(observed(asked.clone(), before.clone(), after.clone()), nothing)
    };
    for after in [
        json!({"data": {"password": mask}}),
        json!({"data": {"password": named, "none": null}, "type": "Opaque"}),
        json!({"data": mask}),
        json!({}),
    ] {
        let plan = make(&before, &secret(&after)).unwrap();
        assert_eq!(plan.document().effect.masking, "0123456789abcdef");
        Plan::open(plan.bytes().to_vec()).unwrap();
    }
    for bare in [
        json!({"data": {"password": "Y2FuYXJ5"}}),
        json!({"data": {"password": "hmac-sha256:Y2FuYXJ5"}}),
        json!({"data": {"password": {"$secret": {"name": "db", "value": "Y2FuYXJ5"}}}}),
        json!({"data": {"password": {"$secret": {"name": "db", "value": mask, "x": "Y2FuYXJ5"}}}}),
        json!({"data": {"password": named, "other": "Y2FuYXJ5"}}),
        json!({"stringData": {"password": "Y2FuYXJ5"}}),
        json!({"data": ["Y2FuYXJ5"]}),
    ] {
        let bare = secret(&bare);
        for (before, after) in [(&before, &bare), (&bare, &before), (&Value::Null, &bare)] {
            let error = make(before, after).unwrap_err();
            let said = format!("{} {error:?}", countersign::causes::line(&error));
            assert!(matches!(error, MakeError::Derive(_)), "{said}");
            assert!(said.contains("a plan holds masks only"), "{said}");
            assert!(!said.contains("Y2FuYXJ5"), "{said}");
        }
    }
}

#[test]
fn what_is_read_around_a_plan_is_asked_for_step_by_step() {
    let meta = json!({"namespace": "shop", "name": "web"});
    let labels = json!({"app": "web"});
    let web = |image: &str| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta,
            "spec": {"replicas": 3, "template": {"metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": image}]}}}})
    };
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": meta,
        "spec": {"selector": labels}});
    let ingress = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": meta, "spec": {"defaultBackend": {"service": {"name": "web"}}}});
    let live = [service, ingress];
    let look = |lists: &BTreeSet<ListOf>, refused: &str| {
        let mut found = Surroundings::default();
        for object in &live {
            let id = ResourceRef::of(object).unwrap().id();
            let wanted = |list: &&ListOf| (&list.group, &list.kind) == (&id.group, &id.kind);
            match lists.iter().find(wanted) {
                Some(list) if id.kind == refused => {
                    found.unresolved.insert(format!("list {refused}: forbidden"));
                    found.unread.insert(list.clone());
                }
                Some(_) => {
                    found.objects.insert(id, object.clone());
                }
                None => {}
            }
        }
        Ok(found)
    };
    let asked =
        || observed(json!({"apply": web("b@sha256:0")}), web("a@sha256:0"), web("b@sha256:0"));
    let mut steps = 0;
    let plan = Plan::make_around(asked(), |lists| {
        steps += 1;
        look(lists, "")
    });
    let plan = plan.unwrap();
    let effect = &plan.document().effect;
    assert_eq!(effect.changes[0].class, Class::Disruptive);
    let reached: Vec<String> = effect.impact.dependents.iter().map(ToString::to_string).collect();
    assert_eq!(reached, ["/Service/shop/web", "networking.k8s.io/Ingress/shop/web"]);
    assert!(effect.complete);
    Plan::open(plan.bytes().to_vec()).unwrap();
    // The Services of the Deployment, then what needs them.
    assert_eq!(steps, 2);
    let plan = Plan::make_around(asked(), |lists| look(lists, "Ingress")).unwrap();
    let effect = &plan.document().effect;
    assert_eq!(effect.impact.unresolved, ["list Ingress: forbidden"]);
    assert!(!effect.complete);
    Plan::open(plan.bytes().to_vec()).unwrap();
}
