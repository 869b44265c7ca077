//! Somebody else is at work between the look and the rehearsal.

use std::time::Duration;

use countersign::custody::vault::Vault;
use countersign::document::effect::PreviewState;
use countersign::observe::ObservedChange;
use countersign::observe::kubernetes::{Reach, observe};
use countersign::remote::kubernetes::{Access, Proxies};
use serde_json::{Value, json};

use super::super::label;
use super::{Stage, proposal, state};
use crate::support::proxy::{Fault, Proxy, Rule, rehearses};

/// What comes of an operation while `meanwhile` is done before each of the first rehearsals reaches
/// the server.
fn with(
    stage: &Stage,
    operation: &Value,
    times: usize,
    meanwhile: &dyn Fn(usize),
) -> ObservedChange {
    let proxy = stage.cluster.proxy();
    let hold = Rule::each(Fault::Hold(Duration::from_millis(400)));
    proxy.add(hold.which(rehearses).times(times));
    let access = Access {
        kubeconfig: vec![stage.user.kubeconfig_by(stage.folder.path(), &proxy)],
        context: "prod".to_owned(),
        patience: Duration::from_secs(60),
        proxies: Proxies::default(),
    };
    let reach = Reach::new(access, label("main"), Vault::empty());
    let target = stage.target();
    let mark = stage.cluster.mark();
    let found = std::thread::scope(|scope| {
        let asked = scope.spawn(|| observe(proposal(json!([operation])), &target, &reach).unwrap());
        for time in 0..times {
            if held(&proxy, || asked.is_finished()) {
                meanwhile(time);
            }
        }
        asked.join().unwrap()
    });
    assert!(stage.cluster.writes(stage.user.name(), mark).is_empty());
    found.changes.into_iter().next().unwrap()
}

/// Waits until a rehearsal is held; whether one is.
fn held(proxy: &Proxy, over: impl Fn() -> bool) -> bool {
    while !over() {
        if proxy.take_seen().iter().any(|seen| seen.fault.is_some()) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

fn patch(stage: &Stage, patch: Value) -> Value {
    let mut all = json!({"resource": {"apiVersion": "v1", "kind": "ConfigMap",
        "namespace": stage.name(), "name": "flags"}});
    for (member, value) in patch.as_object().unwrap() {
        all[member] = value.clone();
    }
    json!({"patch": all})
}

#[test]
fn an_object_that_changed_meanwhile_is_read_again() {
    let operations = |stage: &Stage| {
        [
            json!({"apply": stage.configmap("flags", json!({"ours": "1"}))}),
            patch(stage, json!({"merge": {"data": {"ours": "1"}}})),
            patch(
                stage,
                json!({"operations": [{"op": "add", "path": "/data/ours", "value": "1"}]}),
            ),
            stage.delete("ConfigMap", "flags"),
        ]
    };
    for at in 0..4 {
        let stage = Stage::new();
        stage.made("other", &stage.configmap("flags", json!({"a": "1"})));
        let operation = &operations(&stage)[at];
        let change = with(&stage, operation, 1, &|_| {
            stage.made("other", &stage.configmap("flags", json!({"a": "2"})));
        });
        assert_eq!(state(&change), (PreviewState::Server, ""), "{operation}");
        assert_eq!(change.before["data"], json!({"a": "2"}), "{operation}");
        if !change.after.is_null() {
            assert_eq!(change.after["data"], json!({"a": "2", "ours": "1"}), "{operation}");
        }
    }
}

#[test]
fn an_object_that_comes_or_goes_meanwhile_is_seen_as_it_is_then() {
    let stage = Stage::new();
    let operation = json!({"apply": stage.configmap("flags", json!({"ours": "1"}))});
    let come = with(&stage, &operation, 1, &|_| {
        stage.made("other", &stage.configmap("flags", json!({"a": "1"})));
    });
    assert_eq!(come.before["data"], json!({"a": "1"}));
    assert_eq!(come.guard.len(), 1);
    let path = stage.namespace.path("configmaps/flags");
    let gone = with(&stage, &operation, 1, &|_| {
        stage.cluster.admin().delete(&path, &json!({}));
    });
    assert!(gone.before.is_null() && gone.guard.is_empty());
    assert_eq!(gone.after["data"], json!({"ours": "1"}));
    stage.made("other", &stage.configmap("flags", json!({"a": "1"})));
    let mut uid = String::new();
    let uid_of = |object: &Value| object["metadata"]["uid"].as_str().unwrap().to_owned();
    let made_anew = std::sync::Mutex::new(&mut uid);
    let anew = with(&stage, &operation, 1, &|_| {
        stage.cluster.admin().delete(&path, &json!({}));
        let object = stage.made("other", &stage.configmap("flags", json!({"a": "3"})));
        **made_anew.lock().unwrap() = uid_of(&object);
    });
    assert_eq!(anew.before["data"], json!({"a": "3"}));
    assert_eq!(anew.guard["uid"], uid);
}

#[test]
fn an_object_that_never_holds_still_is_unstable() {
    let stage = Stage::new();
    stage.made("other", &stage.configmap("flags", json!({"a": "0"})));
    let operation = json!({"apply": stage.configmap("flags", json!({"ours": "1"}))});
    let change = with(&stage, &operation, 5, &|time| {
        stage.made("other", &stage.configmap("flags", json!({"a": format!("{}", time + 1)})));
    });
    let because = "unstable: the object changes faster than it can be read";
    assert_eq!(state(&change), (PreviewState::Blocked, because));
}
