//! What the real server's answers are taken for.

use countersign::document::operation::Propagation;
use countersign::remote::kubernetes::{
    Answer, Call, Change, Cluster, Failure, Kind, Managed, Reason, Refused, Writer,
};
use serde_json::{Value, json};

use super::{config_map, connect, get, kind, place};
use crate::support::cluster::client::APPLY;
use crate::support::cluster::{Namespace, cluster};

/// A namespace, and the cluster as the administrator has it.
struct Case {
    connection: Cluster,
    namespace: Namespace,
}

impl Case {
    fn new(prefix: &str) -> Self {
        let served = cluster();
        Self { connection: connect(&served.administrator()), namespace: served.namespace(prefix) }
    }

    fn call(&self, kind: Kind, name: &str, change: Change) -> Call {
        let namespace = if kind.namespaced { self.namespace.name() } else { "" };
        Call { place: place(kind, namespace, name), change }
    }

    fn rehearse(&self, call: Call) -> Result<Answer, Failure> {
        let asked = self.connection.clone();
        self.connection.run(async move { asked.rehearsal().ask(call).await }).unwrap()
    }

    fn commit(&self, call: Call) -> Result<Answer, Failure> {
        let writer = Writer::of(&self.connection);
        self.connection.run(async move { writer.commit(call).await }).unwrap()
    }

    /// Both must be refused alike.
    #[track_caller]
    fn refused(&self, call: Call) -> Box<Refused> {
        let refused = |answer: Result<Answer, Failure>| match answer {
            Err(Failure::Refused(refused)) => refused,
            other => panic!("{other:?}"),
        };
        let (rehearsed, committed) =
            (refused(self.rehearse(call.clone())), refused(self.commit(call)));
        assert_eq!(rehearsed.reason, committed.reason);
        rehearsed
    }

    /// An object, made by somebody else.
    fn made(&self, object: Value) -> Value {
        let mut object = object;
        object["metadata"]["namespace"] = json!(self.namespace.name());
        cluster().admin().apply_as("kubectl", &object)
    }

    fn map(&self, name: &str) -> Value {
        self.made(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
            "data": {"a": "1"}}))
    }
}

fn apply(body: Value) -> Change {
    Change::Apply { body, force: false }
}

fn map_body(metadata: Value, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn deployment() -> Kind {
    kind("apps", "v1", "Deployment", "deployments")
}

#[test]
fn a_rehearsal_changes_nothing_and_a_commit_once() {
    let case = Case::new("once");
    let create = || {
        let body = map_body(json!({"name": "new", "resourceVersion": "1"}), json!({"a": "1"}));
        case.call(config_map(), "new", apply(body))
    };
    let here = || get(&case.connection, create().place).unwrap();
    let rehearsed = case.rehearse(create()).unwrap();
    assert_eq!((&rehearsed.object["data"]["a"], &rehearsed.warnings), (&json!("1"), &vec![]));
    assert_eq!(here(), None);
    let made = case.commit(create()).unwrap().object;
    assert_eq!(here().as_ref(), Some(&made));
    assert_eq!(Managed::of(&made).entries[0].manager, "countersign");
    assert_eq!(Managed::of(&made).entries[0].fields, ["/data/a".parse().unwrap()]);
    assert_eq!(case.refused(create()).reason, Reason::Changed, "it is there already");
    let delete = |uid: &Value, version: &str| Change::Delete {
        uid: text(uid),
        resource_version: version.to_owned(),
        propagation: Propagation::Background,
    };
    let (uid, version) = (&made["metadata"]["uid"], text(&made["metadata"]["resourceVersion"]));
    let gone = case.call(config_map(), "new", delete(uid, &version));
    case.rehearse(gone.clone()).unwrap();
    assert_eq!(here().as_ref(), Some(&made), "a rehearsed deletion deletes nothing");
    for (uid, version, reason) in
        [(uid, "1", Reason::Changed), (&json!("other"), version.as_str(), Reason::OtherObject)]
    {
        let stale = case.call(config_map(), "new", delete(uid, version));
        assert_eq!(case.refused(stale).reason, reason);
    }
    case.commit(gone.clone()).unwrap();
    assert!(matches!(case.refused(gone).reason, Reason::Absent));
}

#[test]
fn what_was_read_must_still_be_so() {
    let case = Case::new("stale");
    let read = case.map("flags");
    let (uid, version) =
        (text(&read["metadata"]["uid"]), text(&read["metadata"]["resourceVersion"]));
    let other = "00000000-0000-0000-0000-000000000000";
    let with = |uid: &str, version: &str| {
        map_body(
            json!({"name": "flags", "uid": uid, "resourceVersion": version}),
            json!({"b": "2"}),
        )
    };
    let call = |change| case.call(config_map(), "flags", change);
    case.rehearse(call(apply(with(&uid, &version)))).unwrap();
    case.rehearse(call(Change::Merge(with(&uid, &version)))).unwrap();
    for (body, reason) in [
        (with(&uid, "1"), Reason::Changed),
        (with(other, &version), Reason::OtherObject),
        (with(other, "1"), Reason::Changed),
    ] {
        assert_eq!(case.refused(call(apply(body.clone()))).reason, reason, "{body}");
        assert_eq!(case.refused(call(Change::Merge(body.clone()))).reason, reason, "{body}");
    }
    let absent = map_body(json!({"name": "no", "uid": uid, "resourceVersion": version}), json!({}));
    let absent = case.call(config_map(), "no", apply(absent));
    assert_eq!(case.refused(absent).reason, Reason::OtherObject);
    let replace = case.call(config_map(), "flags", Change::Replace(with(&uid, "1")));
    assert_eq!(case.refused(replace).reason, Reason::Changed);
    let create = Change::Create(map_body(json!({"name": "flags"}), json!({})));
    assert_eq!(case.refused(case.call(config_map(), "flags", create)).reason, Reason::Exists);
    let operations = |version: &str| {
        Change::Operations(json!([
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "test", "path": "/metadata/resourceVersion", "value": version},
            {"op": "replace", "path": "/data/a", "value": "2"},
        ]))
    };
    case.rehearse(call(operations(&version))).unwrap();
    // The server gives no cause.
    assert_eq!(case.refused(call(operations("1"))).reason, Reason::Invalid);
}

#[test]
fn fields_of_other_managers_are_listed_with_their_managers() {
    let case = Case::new("owners");
    let labels = json!({"app": "web"});
    let body = |replicas: u32, image: &str| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "web", "image": image}]}}}})
    };
    let live = case.made(body(0, "i:1"));
    let call = case.call(deployment(), "web", apply(body(1, "i:2")));
    let refused = case.refused(call);
    let Reason::Conflict(fields) = &refused.reason else { panic!("{refused:?}") };
    let image = ".spec.template.spec.containers[name=\"web\"].image";
    let ours = |field: &str| (field.to_owned(), "kubectl".to_owned());
    assert_eq!(fields, &[ours(".spec.replicas"), ours(image)]);
    let pointer = Managed::pointer(image, &live);
    assert_eq!(pointer.as_str(), "/spec/template/spec/containers/0/image");
    let owned = &Managed::of(&live).entries[0];
    assert!(owned.fields.contains(&pointer), "{owned:?}");
    let forced = Change::Apply { body: body(1, "i:2"), force: true };
    case.rehearse(case.call(deployment(), "web", forced)).unwrap();
    // Through a subresource, by an update.
    let path = format!("{}/scale", case.namespace.path_of("apps/v1", "deployments/web"));
    let scale = json!({"apiVersion": "autoscaling/v1", "kind": "Scale",
        "metadata": {"name": "web", "namespace": case.namespace.name()}, "spec": {"replicas": 0}});
    cluster().admin().patch(&format!("{path}?fieldManager=kubectl&force=true"), APPLY, &scale);
    let put = json!({"metadata": scale["metadata"], "spec": {"replicas": 3}});
    let merge = "application/merge-patch+json";
    let (status, answer) =
        cluster().admin().patch(&format!("{path}?fieldManager=the%20%22scaler%22"), merge, &put);
    assert_eq!(status, 200, "{answer}");
    let refused = case.refused(case.call(deployment(), "web", apply(body(1, "i:1"))));
    let Reason::Conflict(fields) = &refused.reason else { panic!("{refused:?}") };
    assert!(
        fields.contains(&(".spec.replicas".to_owned(), "the \"scaler\"".to_owned())),
        "{fields:?}"
    );
}

#[test]
fn what_is_not_there_is_named() {
    let case = Case::new("absent");
    let in_namespace = |namespace: &str, kind: Kind| Call {
        place: place(kind.clone(), namespace, "x"),
        change: apply(json!({
            "apiVersion": if kind.group.is_empty() { kind.version.clone() }
                else { format!("{}/{}", kind.group, kind.version) },
            "kind": kind.kind, "metadata": {"name": "x"},
        })),
    };
    let here = case.namespace.name();
    for (call, reason) in [
        (in_namespace("no-such", config_map()), Reason::NamespaceAbsent),
        (
            in_namespace(here, kind("example.invalid", "v1", "Widget", "widgets")),
            Reason::KindAbsent,
        ),
        (in_namespace(here, kind("apps", "v1", "Nothing", "nothings")), Reason::KindAbsent),
        (in_namespace(here, kind("apps", "v9", "Deployment", "deployments")), Reason::KindAbsent),
        (case.call(config_map(), "x", Change::Merge(json!({"data": {}}))), Reason::Absent),
        (
            case.call(
                kind("", "v1", "Namespace", "namespaces"),
                "no-such",
                Change::Merge(json!({"metadata": {"labels": {}}})),
            ),
            Reason::Absent,
        ),
    ] {
        let refused = case.refused(call);
        assert_eq!((&refused.reason, refused.status), (&reason, 404), "{refused:?}");
    }
}

#[test]
fn fields_that_cannot_be_changed_are_told_from_what_is_not_valid() {
    let case = Case::new("fixed");
    let labels = json!({"app": "web"});
    let pod = json!({"containers": [{"name": "c", "image": "i:1"}]});
    let template = json!({"metadata": {"labels": labels}, "spec": pod});
    let force = |body: Value| Change::Apply { body, force: true };
    let name = format!("fixed-{}", crate::support::cluster::random());
    let cases: Vec<(Kind, Value, &str, Value, &str)> = vec![
        (
            deployment(),
            json!({"spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}}),
            "/spec",
            json!({"selector": {"matchLabels": {"app": "b"}}, "template":
                {"metadata": {"labels": {"app": "b"}}, "spec": pod}}),
            "/spec/selector",
        ),
        (
            kind("", "v1", "Service", "services"),
            json!({"spec": {"ports": [{"port": 80}]}}),
            "/spec/clusterIP",
            json!("10.0.9.9"),
            "/spec/clusterIPs/0",
        ),
        (
            kind("", "v1", "Secret", "secrets"),
            json!({"immutable": true, "data": {"a": "aGk="}}),
            "/data/a",
            json!("aG8="),
            "/data",
        ),
        (
            kind("batch", "v1", "Job", "jobs"),
            json!({"spec": {"suspend": true, "completionMode": "NonIndexed", "template":
                {"spec": {"restartPolicy": "Never", "containers": pod["containers"]}}}}),
            "/spec/completionMode",
            json!("Indexed"),
            "/spec/completionMode",
        ),
        (
            kind("apps", "v1", "StatefulSet", "statefulsets"),
            json!({"spec": {"replicas": 0, "serviceName": "a", "selector": {"matchLabels": labels},
                "template": template}}),
            "/spec/serviceName",
            json!("b"),
            "/spec",
        ),
        (
            kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
            json!({"spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "a",
                "resources": {"requests": {"storage": "1Gi"}}}}),
            "/spec/accessModes",
            json!(["ReadOnlyMany"]),
            "/spec",
        ),
        (
            kind("", "v1", "Pod", "pods"),
            json!({"spec": {"containers": pod["containers"], "nodeSelector": {"never": "here"}}}),
            "/spec/hostNetwork",
            json!(true),
            "/spec",
        ),
        (
            kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
            json!({"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "a"}}),
            "/roleRef/name",
            json!("b"),
            "/roleRef",
        ),
        (
            kind("storage.k8s.io", "v1", "StorageClass", "storageclasses"),
            json!({"provisioner": "a.invalid/a"}),
            "/provisioner",
            json!("a.invalid/b"),
            "/provisioner",
        ),
        (
            kind("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses"),
            json!({"value": 1}),
            "/value",
            json!(2),
            "/value",
        ),
    ];
    for (kind, mut body, at, value, field) in cases {
        let slash = if kind.group.is_empty() { "" } else { "/" };
        body["apiVersion"] = json!(format!("{}{slash}{}", kind.group, kind.version));
        body["kind"] = json!(kind.kind);
        body["metadata"] = json!({"name": name});
        case.commit(case.call(kind.clone(), &name, force(body.clone()))).unwrap();
        let mut place = &mut body;
        let mut segments = at.split('/').skip(1).peekable();
        while let Some(segment) = segments.next() {
            match (segments.peek(), &value) {
                // Members of it, beside those that it has.
                (None, Value::Object(members)) if segment == "spec" => {
                    for (key, value) in members {
                        place["spec"][key] = value.clone();
                    }
                }
                (None, _) => place[segment] = value.clone(),
                (Some(_), _) => {}
            }
            place = &mut place[segment];
        }
        let refused = case.refused(case.call(kind.clone(), &name, force(body)));
        let Reason::Immutable(fields) = &refused.reason else {
            panic!("{}: {:?}", kind.kind, refused)
        };
        assert_eq!(fields[0].as_str(), field, "{refused:?}");
        assert_eq!(refused.status, 422);
        if !kind.namespaced {
            let path = format!("/apis/{}/{}/{}/{name}", kind.group, kind.version, kind.plural);
            assert_eq!(cluster().admin().delete(&path, &Value::Null).0, 200);
        }
    }
    // The words alone make no refusal of that kind.
    let quoting = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "q"},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels},
            "spec": {"containers": [{"name": "field is immutable", "image": "i"}]}}}});
    assert_eq!(case.refused(case.call(deployment(), "q", apply(quoting))).reason, Reason::Invalid);
}

#[test]
fn what_has_not_the_form_of_its_kind_is_no_failure_of_the_server() {
    let case = Case::new("form");
    let body = |change: Value| {
        let mut body = map_body(json!({"name": "x"}), json!({"a": "1"}));
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        case.call(config_map(), "x", apply(body))
    };
    for call in [
        body(json!({"dta": {}})),
        body(json!({"data": {"a": 1}})),
        body(json!({"metadata": {"name": "y"}})),
        case.call(
            kind("", "v1", "Secret", "secrets"),
            "x",
            apply(json!({"apiVersion": "v1",
            "kind": "Secret", "metadata": {"name": "x"}, "data": {"a": "!!"}})),
        ),
    ] {
        let refused = case.refused(call);
        assert_eq!(refused.reason, Reason::Malformed, "{refused:?}");
    }
    case.map("flags");
    let unknown = Change::Merge(json!({"dta": {"a": "9"}}));
    let refused = case.refused(case.call(config_map(), "flags", unknown));
    assert_eq!(refused.reason, Reason::Invalid);
    // So the message is for whoever knows the secrets to show.
    assert!(!refused.to_string().contains("flags\\"), "{refused}");
    let invalid = body(json!({"data": {"not a key": "1"}}));
    assert_eq!(case.refused(invalid).reason, Reason::Invalid);
}

#[test]
fn a_missing_permission_is_told_from_an_admission_rule() {
    let case = Case::new("denied");
    let served = cluster();
    let user = served.user();
    let stranger = Case { connection: connect(&user), namespace: case.namespace.clone() };
    let map = || map_body(json!({"name": "x", "resourceVersion": "1"}), json!({"bad": "1"}));
    let call = || case.call(config_map(), "x", apply(map()));
    let refused = stranger.refused(call());
    assert_eq!(refused.reason, Reason::Forbidden);
    assert!(refused.message.contains("cannot patch resource \"configmaps\""), "{refused:?}");
    let admin = served.admin();
    // What keeps the namespace for a while after it was deleted.
    case.made(json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "held", "finalizers": ["example.invalid/held"]}}));
    case.made(json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"},
        "spec": {"hard": {"count/secrets": "0"}}}));
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
    let quota = case.namespace.path("resourcequotas/few");
    admin.wait_for(&quota, "its status", |quota| quota["status"]["hard"].is_object());
    let refused = case.refused(case.call(kind("", "v1", "Secret", "secrets"), "s", apply(secret)));
    assert_eq!((&refused.reason, refused.status), (&Reason::Denied, 403));
    let name = case.namespace.name();
    admin.apply(&json!({"apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": {
            "matchConstraints": {"namespaceSelector": {"matchLabels":
                {"kubernetes.io/metadata.name": name}},
                "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"],
                    "operations": ["CREATE"], "resources": ["configmaps"]}]},
            "validations": [{"expression": "!('bad' in object.data)", "message": "no bad data"}]}}));
    admin.apply(&json!({"apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name}, "spec": {
            "policyName": name, "validationActions": ["Deny"]}}));
    let refused = loop {
        match case.rehearse(call()) {
            Ok(_) => std::thread::sleep(std::time::Duration::from_millis(50)),
            Err(Failure::Refused(refused)) => break refused,
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!((&refused.reason, refused.status), (&Reason::Denied, 422), "{refused:?}");
    for kind in ["validatingadmissionpolicybindings", "validatingadmissionpolicies"] {
        let path = format!("/apis/admissionregistration.k8s.io/v1/{kind}/{name}");
        assert_eq!(admin.delete(&path, &Value::Null).0, 200);
    }
    // Last, because nothing can be made here afterwards.
    admin.delete(&format!("/api/v1/namespaces/{name}"), &Value::Null);
    let late = map_body(json!({"name": "late", "resourceVersion": "1"}), json!({}));
    let refused = case.refused(case.call(config_map(), "late", apply(late)));
    assert_eq!((&refused.reason, refused.status), (&Reason::NamespaceEnding, 403));
    let held = json!({"metadata": {"finalizers": null}});
    admin.patch(&case.namespace.path("configmaps/held"), "application/merge-patch+json", &held);
}

#[test]
fn a_stranger_is_nobody() {
    let served = cluster();
    let folder = tempfile::tempdir().unwrap();
    let user = served.user();
    let mut config = user.kubeconfig_value(served.server(), served.ca_pem());
    config["users"][0]["user"]["token"] = json!("not-one-of-them");
    let path = folder.path().join("kubeconfig");
    std::fs::write(&path, config.to_string()).unwrap();
    let connection = Cluster::connect(&super::access(path), None).unwrap();
    let failure = get(&connection, place(config_map(), "default", "x")).unwrap_err();
    assert_eq!(failure.reason(), Some(&Reason::Unauthorized));
    assert!(!format!("{failure:?}").contains("not-one-of-them"));
}

#[test]
fn what_the_server_warns_of_is_kept() {
    let case = Case::new("warned");
    let body = json!({"apiVersion": "v1", "kind": "Endpoints",
        "metadata": {"name": "e", "resourceVersion": "1"}});
    let call = case.call(kind("", "v1", "Endpoints", "endpoints"), "e", apply(body));
    let text = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";
    assert_eq!(case.rehearse(call.clone()).unwrap().warnings, [text]);
    assert_eq!(case.commit(call).unwrap().warnings, [text]);
}
