//! The good way, and what ends it.

use serde_json::{Value, json};

use crate::cli::kube_project::{KubeProject, applies};

#[test]
fn what_was_approved_is_written_once_and_no_more() {
    let project = KubeProject::new();
    project.ours(&project.map("flags", &json!({"beta": "off"})));
    project.ours(&project.map("old", &json!({"a": "1"})));
    let operations = json!([
        applies(&project.map("flags", &json!({"beta": "on"}))),
        applies(&project.map("new", &json!({"x": "1"}))),
        project.deletion("v1", "ConfigMap", "old"),
    ]);
    let mark = project.cluster.mark();
    project.approved(&operations);
    assert_eq!(project.writes(mark), [], "planning and approving");
    project.apply().exits(0);
    let mut written: Vec<_> = project
        .writes(mark)
        .into_iter()
        .map(|event| (event.name, event.verb, event.code))
        .collect();
    written.sort();
    let event = |name: &str, verb: &str, code| (name.to_owned(), verb.to_owned(), code);
    let wanted =
        [event("flags", "patch", 200), event("new", "patch", 201), event("old", "delete", 200)];
    assert_eq!(written, wanted);
    let found = ["flags", "new", "old"].map(|name| project.data(name));
    assert_eq!(found, [json!({"beta": "on"}), json!({"x": "1"}), Value::Null]);
    // Once.
    let mark = project.cluster.mark();
    project.apply().exits(12).says(&["spent"]);
    let mut again = operations;
    again.as_array_mut().unwrap().pop();
    let plan = project.plan(&again).exits(0);
    assert!(plan.stdout.contains("No change"), "{plan:#?}");
    assert_eq!(project.writes(mark), []);
}
