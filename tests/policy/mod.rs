//! Tests of the room `policy`. The worker is always the built program.

mod answers;
mod builtin;
mod bundle;
mod check;
mod limits;
mod shipped;

use std::path::Path;

use countersign::files::open_folder;
use countersign::policy::bundle::{Bundle, BundleError};
use countersign::policy::judge::{PolicyError, WorkerLimits, judge};
use countersign::policy::verdict::Verdict;
use serde_json::{Value, json};

/// The program under test.
pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_countersign"))
}

/// Small enough that a policy which runs away is stopped soon.
fn limits() -> WorkerLimits {
    WorkerLimits { cpu_seconds: 5, memory_bytes: 1 << 30, wall_seconds: 20 }
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// A bundle `p` of these files alone.
fn load(files: &[(&str, &str)]) -> Result<Bundle, BundleError> {
    let folder = folder(files);
    Bundle::load(false, &[("p".to_owned(), open_folder(folder.path()).unwrap())])
}

/// What these files say of a small plan.
fn verdict_of(files: &[(&str, &str)]) -> Result<Verdict, PolicyError> {
    judge(program(), &load(files).unwrap(), small_plan().to_string().as_bytes(), limits())
}

/// Every problem with these files, as text.
fn problems_of(files: &[(&str, &str)]) -> String {
    match verdict_of(files) {
        Err(PolicyError::Refused(problems)) => {
            problems.iter().map(|problem| format!("{problem}\n  {}\n", problem.hint)).collect()
        }
        other => panic!("not refused: {other:?}"),
    }
}

/// A plan that scales a Deployment.
fn small_plan() -> Value {
    json!({
        "apiVersion": "countersign/v1", "kind": "Plan", "rules": 1,
        "proposal": {"project": "shop", "name": "scale-web", "environment": "prod",
            "target": "main", "planner": "planner", "requestedBy": "alice",
            "intent": {"request": "", "summary": ""}, "operations": []},
        "effect": {
            "target": {"kind": "directory", "project": "shop", "path": "manifests"},
            "masking": "",
            "facts": {"edges": [], "volumes": [], "roles": [], "instances": [], "owners": [],
                "contents": [], "declared": []},
            "changes": [{"id": "apps/Deployment/shop/web", "operation": "web",
                "resource": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop",
                    "name": "web"},
                "actions": ["update"], "class": "mutating", "certainty": "certain", "flags": [],
                "preview": {"state": "local", "because": "", "by": ""},
                "before": {}, "after": {}, "unknown": [], "sensitive": [], "replacePaths": [],
                "force": [], "warnings": [], "withoutEffect": [], "propagation": "", "guard": {}}],
            "files": [], "stack": null,
            "impact": {"create": 0, "update": 1, "replace": 0, "delete": 0,
                "byClass": {"none": 0, "additive": 0, "mutating": 1, "disruptive": 0, "outage": 0,
                    "data-loss": 0},
                "byKind": {"apps/Deployment": 1}, "namespaces": ["shop"], "clusterScoped": [],
                "stateful": [], "dependents": [], "unresolved": [], "truncated": false},
            "waves": [["apps/Deployment/shop/web"]], "complete": true
        }
    })
}
