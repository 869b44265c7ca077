//! The objects that are applied: the same for every program, in each of their versions.

use serde_json::{Value, json};

/// Of every ten objects, this many are of a kind.
const MAPS: usize = 4;
const SERVICES: usize = 2;
const DEPLOYMENTS: usize = 3;

/// The path of each kind's objects, before and behind the namespace.
pub(crate) const PATHS: [(&str, &str); 4] = [
    ("/api/v1", "configmaps"),
    ("/api/v1", "services"),
    ("/apis/apps/v1", "deployments"),
    ("/api/v1", "serviceaccounts"),
];

/// So many objects, every one of which differs from version to version.
pub(crate) fn objects(namespace: &str, count: usize, version: usize) -> Vec<Value> {
    (0..count).map(|at| object(namespace, at, version)).collect()
}

/// Where an object is.
pub(crate) fn address(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (root, plural) = match text("/kind") {
        "ConfigMap" => PATHS[0],
        "Service" => PATHS[1],
        "Deployment" => PATHS[2],
        _ => PATHS[3],
    };
    let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name"));
    format!("{root}/namespaces/{namespace}/{plural}/{name}")
}

/// The objects as one file: YAML, each of whose documents is JSON.
pub(crate) fn manifest(objects: &[Value]) -> String {
    objects.iter().map(|object| format!("---\n{object}\n")).collect()
}

/// The objects as a proposal. Nothing is waited for, as the others wait for nothing.
pub(crate) fn proposal(name: &str, objects: &[Value]) -> String {
    let operation = |object: &Value| json!({"apply": object, "wait": {"ready": false}});
    json!({
        "apiVersion": "countersign/v1", "kind": "Proposal", "name": name,
        "environment": "prod", "target": "main",
        "intent": {"request": "measure", "summary": "every object changes"},
        "operations": objects.iter().map(operation).collect::<Vec<Value>>(),
    })
    .to_string()
}

fn object(namespace: &str, at: usize, version: usize) -> Value {
    let (app, release) = (format!("app-{at:05}"), format!("1.{version}.0"));
    let labels = json!({"app": app, "team": format!("team-{:02}", at % 20)});
    let metadata = json!({
        "name": app, "namespace": namespace, "labels": labels,
        "annotations": {"example.com/release": release},
    });
    match at % 10 {
        kind if kind < MAPS => json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata,
            "data": {
                "release": release,
                "settings.yaml": format!("name: {app}\nlimits:\n{}", "  - one: 100\n".repeat(20)),
            },
        }),
        kind if kind < MAPS + SERVICES => json!({
            "apiVersion": "v1", "kind": "Service", "metadata": metadata,
            "spec": {
                "selector": {"app": app},
                "ports": [{"name": "http", "port": 80 + version, "targetPort": 8080}],
            },
        }),
        kind if kind < MAPS + SERVICES + DEPLOYMENTS => json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": {"app": app}},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{
                        "name": "web", "image": format!("registry.example.com/{app}:{release}"),
                        "ports": [{"containerPort": 8080}],
                        "env": [{"name": "RELEASE", "value": release}],
                        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
                    }]},
                },
            },
        }),
        _ => json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}),
    }
}
