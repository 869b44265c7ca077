//! No patch takes more memory, time or stack than it is given.

use std::time::{Duration, Instant};

use countersign::document::operation::{
    Action, DeleteBody, Patch, PatchBody, Propagation, ResourceRef,
};
use countersign::observe::directory::{Budget, result_of};
use serde_json::{Value, json};

fn resource() -> ResourceRef {
    let named = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "namespace": "s"});
    serde_json::from_value(named).unwrap()
}

fn object(data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "s"}, "data": data})
}

/// What these operations make of an object with this data, and how long that takes.
fn patched(data: Value, operations: Vec<Value>) -> (Result<Value, String>, Duration) {
    let patch = Patch::Operations(Value::Array(operations));
    let action = Action::Patch(PatchBody { resource: resource(), patch });
    let start = Instant::now();
    (result_of(&action, &object(data), &mut Budget::default()), start.elapsed())
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!("x"), |inner, _| json!({"n": inner}))
}

#[test]
fn copies_that_double_end_at_the_budget() {
    let double =
        (0..64).map(|n| json!({"op": "copy", "from": "/data/a", "path": format!("/data/a/{n}")}));
    let (found, took) = patched(json!({"a": {"x": "y".repeat(1000)}}), double.collect());
    assert!(found.unwrap_err().contains("copy, move and shift more than 33554432 bytes"));
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn the_budget_is_of_all_patches_of_a_plan() {
    // Each leaves nothing behind.
    let operations = json!([{"op": "copy", "from": "/data", "path": "/data/b"},
        {"op": "remove", "path": "/data/b"}]);
    let patch = Patch::Operations(operations);
    let action = Action::Patch(PatchBody { resource: resource(), patch });
    let before = object(json!({"a": "y".repeat(1 << 20)}));
    let mut budget = Budget::default();
    let done = (0..1000).take_while(|_| result_of(&action, &before, &mut budget).is_ok()).count();
    assert!((30..32).contains(&done), "{done}");
}

#[test]
fn thirty_thousand_nested_copies_end_at_the_depth_of_a_body() {
    let mut path = String::from("/data/a");
    let mut operations = Vec::new();
    for _ in 0..30_000 {
        operations.push(json!({"op": "copy", "from": "/data/s", "path": path}));
        // Longer pointers would test the reader of pointers.
        if path.len() < 2000 {
            path += "/a";
        }
    }
    let (found, took) = patched(json!({"s": {}}), operations);
    let found = found.unwrap_err();
    assert!(found.contains("its operation 54: it would nest deeper than 56 levels"), "{found}");
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn nothing_nests_deeper_than_a_body_may() {
    let deep = |op: &str| json!({"op": op, "path": "/data/a", "value": nested(55)});
    for operations in [
        vec![deep("add")],
        vec![deep("replace")],
        vec![json!({"op": "move", "from": "/data/d", "path": "/data/e/f"})],
        vec![json!({"op": "copy", "from": "/data/d", "path": "/data/e/f"})],
    ] {
        let data = json!({"a": "x", "d": nested(54), "e": {}});
        let (found, _) = patched(data, operations.clone());
        let found = found.unwrap_err();
        assert!(found.contains("would nest deeper than 56 levels"), "{operations:?}: {found}");
    }
    let whole = Action::Apply(object(nested(56)));
    let found = result_of(&whole, &Value::Null, &mut Budget::default()).unwrap_err();
    assert!(found.contains("would nest deeper than 56 levels"), "{found}");
    let merge = Patch::Merge(json!({"data": nested(56)}));
    let merge = Action::Patch(PatchBody { resource: resource(), patch: merge });
    let found = result_of(&merge, &object(json!({})), &mut Budget::default()).unwrap_err();
    assert!(found.contains("would nest deeper than 56 levels"), "{found}");
    let whole = Action::Apply(object(nested(55)));
    assert!(result_of(&whole, &Value::Null, &mut Budget::default()).is_ok());
}

#[test]
fn moves_that_wrap_what_they_move_end_at_the_depth_too() {
    let mut operations = Vec::new();
    for _ in 0..30_000 {
        operations.push(json!({"op": "add", "path": "/data/b", "value": {}}));
        operations.push(json!({"op": "move", "from": "/data/a", "path": "/data/b/a"}));
        operations.push(json!({"op": "move", "from": "/data/b", "path": "/data/a"}));
    }
    let (found, took) = patched(json!({"a": {}}), operations);
    assert!(found.unwrap_err().contains("would nest deeper than 56 levels"));
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn a_long_chain_of_operations_takes_time_in_proportion() {
    let chain = |n: usize| -> Vec<Value> {
        let one = |n: usize| {
            let path = format!("/data/k{n}");
            [
                json!({"op": "add", "path": path, "value": "x"}),
                json!({"op": "copy", "from": path, "path": "/data/last"}),
                json!({"op": "test", "path": "/data/last", "value": "x"}),
                json!({"op": "move", "from": "/data/last", "path": path}),
            ]
        };
        (0..n).flat_map(one).collect()
    };
    let (small, short) = patched(json!({}), chain(2_000));
    let (large, long) = patched(json!({}), chain(20_000));
    assert!(small.is_ok() && large.is_ok(), "{small:?}");
    let bound = short.max(Duration::from_millis(20)) * 60;
    assert!(long < bound, "{short:?}, then {long:?}");
}

#[test]
fn inserting_at_the_front_of_a_long_list_is_bounded() {
    let list = vec![Value::from(0); 100_000];
    for op in [
        json!({"op": "add", "path": "/data/0", "value": 1}),
        json!({"op": "copy", "from": "/kind", "path": "/data/0"}),
        json!({"op": "remove", "path": "/data/0"}),
        json!({"op": "move", "from": "/data/0", "path": "/data/-"}),
    ] {
        let (found, took) = patched(list.clone().into(), vec![op.clone(); 50_000]);
        let found = found.unwrap_err();
        assert!(found.contains("copy, move and shift more than"), "{op}: {found}");
        assert!(took < Duration::from_secs(20), "{op}: {took:?}");
    }
    // At the end, nothing is shifted.
    let add = json!({"op": "add", "path": "/data/-", "value": 1});
    assert!(patched(list.into(), vec![add; 50_000]).0.is_ok());
}

#[test]
fn a_folder_cannot_say_that_dependents_stay() {
    for (propagation, good) in [
        (Propagation::Background, true),
        (Propagation::Foreground, true),
        (Propagation::Orphan, false),
    ] {
        let action = Action::Delete(DeleteBody { resource: resource(), propagation });
        let found = result_of(&action, &object(json!({})), &mut Budget::default());
        assert_eq!(found.is_ok(), good, "{propagation:?}: {found:?}");
        if let Err(message) = found {
            assert!(message.contains("leave `propagation: Orphan` out"), "{message}");
        }
    }
}
