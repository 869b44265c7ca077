//! What a whole apply does, and that it sends no more than that.

use countersign::document::statement::{Fate, Outcome};
use serde_json::{Value, json};

use super::stage::{Stage, applied};

#[test]
fn every_verb_is_written_once_and_reads_back_as_planned() {
    let stage = Stage::new();
    stage.ours(&stage.configmap("changed", json!({"a": "1"})));
    stage.theirs(&stage.configmap("patched", json!({"a": "1", "b": "1"})));
    stage.theirs(&stage.configmap("listed", json!({"a": "1"})));
    stage.theirs(&stage.configmap("gone", json!({"a": "1"})));
    let resource = |name| json!({"apiVersion": "v1", "kind": "ConfigMap", "namespace": stage.name(), "name": name});
    let plan = stage.plan(json!([
        applied(&stage.configmap("made", json!({"a": "1"}))),
        applied(&stage.configmap("changed", json!({"a": "2"}))),
        {"patch": {"resource": resource("patched"), "merge": {"data": {"a": "2", "b": null}}}},
        {"patch": {"resource": resource("listed"), "operations": [
            {"op": "replace", "path": "/data/a", "value": "2"}]}},
        stage.delete("v1", "ConfigMap", "gone"),
    ]));
    let ended = stage.apply(&plan);
    ended.must(Outcome::Applied);
    assert_eq!(ended.fates(), [Fate::Written; 5]);
    assert_eq!(stage.data("made"), json!({"a": "1"}));
    assert_eq!(stage.data("changed"), json!({"a": "2"}));
    assert_eq!(stage.data("patched"), json!({"a": "2"}));
    assert_eq!(stage.data("listed"), json!({"a": "2"}));
    assert_eq!(stage.data("gone"), Value::Null);
    assert_eq!(ended.writes.len(), 5, "{:?}", ended.writes);
    let without: Vec<_> = ended.report.lines();
    assert_eq!(without.iter().filter(|line| line.digest.is_empty()).count(), 1, "{without:?}");
}
