//! A tree of manifests and a proposal of changes to it: the same bytes in every run, and shares of
//! kinds, of files and of operations that do not depend on how many there are.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

/// Objects of one application.
pub(crate) const KINDS: usize = 10;
/// Applications of the tree: 20,000 objects.
pub(crate) const APPS: usize = 2_000;
/// Operations on one application.
pub(crate) const OPERATIONS: usize = 5;
/// Applications of a namespace.
const NEIGHBOURS: usize = 20;

/// Applications stand two in a file; one pair of twenty has a file for each of its objects.
fn alone(app: usize) -> bool {
    (app / 2).is_multiple_of(20)
}

/// Writes the tree into `folder`, and says how many files it has.
pub(crate) fn write(folder: &Path) -> std::io::Result<usize> {
    let mut files = 0;
    for first in (0..APPS).step_by(2) {
        let above = folder.join(namespace(first));
        fs::create_dir_all(&above)?;
        let objects = (first..first + 2).flat_map(objects);
        if alone(first) {
            for (name, text) in objects {
                fs::write(above.join(format!("{name}.yaml")), text)?;
                files += 1;
            }
        } else {
            let texts: Vec<String> = objects.map(|(_, text)| text).collect();
            fs::write(above.join(format!("apps-{first:04}.yaml")), texts.join("---\n"))?;
            files += 1;
        }
    }
    Ok(files)
}

/// A proposal of `count` operations, in whole files spread over the tree: three patches, one whole
/// object, and one deletion or creation for each application.
pub(crate) fn proposal(count: usize) -> Value {
    let every = APPS * OPERATIONS / count;
    // Blocks of twenty pairs, so that each share of files is the same in every proposal.
    let chosen = (0..APPS).filter(|app| (app / 40).is_multiple_of(every));
    let operations: Vec<Value> = chosen.flat_map(operations).collect();
    json!({
        "apiVersion": "countersign/v1", "kind": "Proposal", "name": "many",
        "environment": "prod", "target": "manifests",
        "intent": {"request": "measure", "summary": format!("{count} changes")},
        "operations": operations,
    })
}

fn namespace(app: usize) -> String {
    format!("team-{:03}", app / NEIGHBOURS)
}

fn operations(app: usize) -> [Value; OPERATIONS] {
    let (name, space) = (format!("app-{app:04}"), namespace(app));
    let resource = |api: &str, kind: &str, name: &str| json!({"apiVersion": api, "kind": kind, "namespace": space, "name": name});
    let image = format!("registry.example/{name}:2.0.1");
    let rollout = match app.is_multiple_of(2) {
        true => json!({"merge": {"spec": {"replicas": 5}}}),
        false => json!({"operations": [
            {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image},
        ]}),
    };
    let mut deployment = rollout;
    deployment["resource"] = resource("apps/v1", "Deployment", &name);
    let last = match app.is_multiple_of(10) {
        true => json!({"apply": {
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": format!("{name}-flags"), "namespace": space},
            "data": {"beta": "on", "sale": "off"},
        }}),
        false => json!({"delete": resource("batch/v1", "CronJob", &name)}),
    };
    [
        json!({"patch": deployment, "reason": "p95 latency doubled at noon"}),
        json!({"patch": {
            "resource": resource("v1", "ConfigMap", &name),
            "merge": {"data": {"log.level": "debug", "pool.size": "40"}},
        }}),
        json!({"patch": {
            "resource": resource("autoscaling/v2", "HorizontalPodAutoscaler", &name),
            "merge": {"spec": {"maxReplicas": 20}},
        }}),
        json!({"apply": {
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": name, "namespace": space, "labels": {"app": name}},
            "spec": {"selector": {"app": name}, "ports": [
                {"name": "http", "port": 80, "targetPort": 8080},
                {"name": "metrics", "port": 9090, "targetPort": 9090},
            ]},
        }}),
        last,
    ]
}

/// The objects of one application as a person writes them, each with a name for its file.
fn objects(app: usize) -> [(String, String); KINDS] {
    let (name, space) = (format!("app-{app:04}"), namespace(app));
    let head = |api: &str, kind: &str| {
        let mut text = format!("# {kind} of {name}, owned by {space}.\napiVersion: {api}\n");
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "kind: {kind}\nmetadata:\n  name: {name}\n  namespace: {space}\n  labels:\n    app: {name}\n    tier: web  # read by the dashboards\n"
        );
        text
    };
    let object = |api: &str, kind: &str, body: &str| {
        let body = body.replace("NAME", &name).replace("SPACE", &space);
        (format!("{}-{name}", kind.to_lowercase()), format!("{}{body}", head(api, kind)))
    };
    [
        object("apps/v1", "Deployment", DEPLOYMENT),
        object("v1", "Service", SERVICE),
        object("v1", "ConfigMap", CONFIG),
        object("v1", "ServiceAccount", "automountServiceAccountToken: false\n"),
        object("rbac.authorization.k8s.io/v1", "Role", ROLE),
        object("rbac.authorization.k8s.io/v1", "RoleBinding", BINDING),
        object("autoscaling/v2", "HorizontalPodAutoscaler", SCALER),
        object("policy/v1", "PodDisruptionBudget", BUDGET),
        object("networking.k8s.io/v1", "Ingress", INGRESS),
        object("batch/v1", "CronJob", CRON),
    ]
}

const DEPLOYMENT: &str = "spec:
  replicas: 3
  selector:
    matchLabels:
      app: NAME
  template:
    metadata:
      labels:
        app: NAME
    spec:
      serviceAccountName: NAME
      containers:
      - name: web
        image: registry.example/NAME:1.4.2  # pinned by the release job
        ports:
        - containerPort: 8080
        envFrom:
        - configMapRef:
            name: NAME
        resources:
          requests: {cpu: 100m, memory: 128Mi}
          limits: {memory: 256Mi}
        readinessProbe:
          httpGet: {path: /ready, port: 8080}
";
const SERVICE: &str = "spec:
  selector:
    app: NAME
  ports:
  - name: http
    port: 80
    targetPort: 8080
";
const CONFIG: &str = "data:
  log.level: info
  pool.size: \"20\"
  greeting: |
    Welcome to NAME.
    Have a look around.
";
const ROLE: &str = "rules:
- apiGroups: [\"\"]
  resources: [configmaps]
  resourceNames: [NAME]
  verbs: [get, watch]
";
const BINDING: &str = "roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: NAME
subjects:
- kind: ServiceAccount
  name: NAME
  namespace: SPACE
";
const SCALER: &str = "spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: NAME}
  minReplicas: 2
  maxReplicas: 10
  metrics:
  - type: Resource
    resource:
      name: cpu
      target: {type: Utilization, averageUtilization: 70}
";
const BUDGET: &str = "spec:
  minAvailable: 1
  selector:
    matchLabels:
      app: NAME
";
const INGRESS: &str = "spec:
  rules:
  - host: NAME.example
    http:
      paths:
      - path: /
        pathType: Prefix
        backend:
          service:
            name: NAME
            port: {name: http}
";
const CRON: &str = "spec:
  schedule: \"15 3 * * *\"
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
          - name: sweep
            image: registry.example/sweep:1.0.3
            args: [\"--app\", NAME]
";
