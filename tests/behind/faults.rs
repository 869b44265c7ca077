//! The network fails at each request of an apply.

use serde_json::json;

use super::Behind;
use crate::cli::kube_project::{KubeProject, applies};

#[test]
fn sequence() {
    let project = KubeProject::new();
    project.ours(&project.map("web", &json!({"a": "1"})));
    project.ours(&project.map("old", &json!({"a": "1"})));
    let deployment = project.deployment("api", "example.invalid/api:1");
    project.approved(&json!([
        applies(&project.map("web", &json!({"a": "2"}))),
        applies(&deployment),
        project.deletion("v1", "ConfigMap", "old"),
    ]));
    let behind = Behind(project);
    let proxy = behind.cluster.proxy();
    behind.through(&proxy);
    let begun = std::time::Instant::now();
    let run = behind.apply().exits(0);
    println!("{run:#?} {:?}", begun.elapsed());
    for seen in proxy.take_seen() {
        println!("{} {} {}", seen.writes, seen.method, seen.target);
    }
}
