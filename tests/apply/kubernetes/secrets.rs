//! A secret value goes to its place in the cluster, and nowhere else: not into a report, a receipt, a
//! digest that could be guessed, a progress line, or what is told of an error.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign::config::Secret;
use countersign::custody::masking::MaskingKey;
use countersign::custody::vault::{SourceWorld, Vault, references};
use countersign::document::statement::{Fate, Outcome};
use serde_json::{Value, json};

use super::stage::{Ended, Hooks, Stage, proposal};
use crate::support::apply::*;

const OLD: &str = "old-canary-5Zr";
const NEW: &str = "new-canary-7Qx";

fn vault(stage: &Stage, operations: &Value, value: &str) -> Vault {
    let places = [format!("Secret/{}/db#/data/password", stage.name())];
    let entry = json!({"env": "CANARY", "targets": ["main"], "pointers": places});
    let entry: Secret = serde_json::from_value(entry).unwrap();
    let secrets = BTreeMap::from([(label("db-password"), entry)]);
    let proposal = proposal(operations.clone());
    let references: Vec<_> = proposal.operations.iter().flat_map(references).collect();
    let key = MaskingKey::parse(&"ab".repeat(32)).unwrap();
    let mask = key.of_plan(&label("shop"), &label("prod"), &label("one")).unwrap();
    let environment = [("CANARY".into(), value.into())];
    let world = SourceWorld {
        folder: stage.folder.path(),
        environment: &environment,
        patience: Duration::from_secs(10),
        interrupted: &|| false,
    };
    let mask = Some(("key-1".to_owned(), mask));
    Vault::open(&secrets, &references, &label("main"), mask, world).unwrap()
}

fn operations(stage: &Stage) -> Value {
    let reference = json!({"$secret": "db-password"});
    let body = stage.object("v1", "Secret", "db", json!({"data": {"password": reference}}));
    json!([{"apply": body}])
}

fn clean(ended: &Ended) {
    let shown = format!("{:?} {:?} {:?}", ended.report, ended.report.lines(), ended.told);
    for canary in [OLD.to_owned(), NEW.to_owned(), STANDARD.encode(OLD), STANDARD.encode(NEW)] {
        assert!(!shown.contains(&canary), "{shown}");
    }
}

#[test]
fn a_secret_value_gets_to_its_place_and_nowhere_else() {
    for before in [None, Some(OLD)] {
        let stage = Stage::new();
        if let Some(before) = before {
            let data = json!({"data": {"password": STANDARD.encode(before)}});
            stage.ours(&stage.object("v1", "Secret", "db", data));
        }
        let asked = operations(&stage);
        let plan = stage.plan_with(asked.clone(), vault(&stage, &asked, NEW));
        let ended = stage.round(&plan, Hooks::default(), false, vault(&stage, &asked, NEW));
        ended.must(Outcome::Applied);
        clean(&ended);
        let path = format!("{}/db", stage.namespace.path("secrets"));
        assert_eq!(stage.cluster.admin().read(&path)["data"]["password"], STANDARD.encode(NEW));
        let guessed = countersign::document::ident::Digest::of(NEW.as_bytes()).to_string();
        assert_ne!(ended.report.lines()[0].digest, guessed);
    }
}

#[test]
fn a_value_that_changed_at_its_source_is_not_what_was_planned() {
    let stage = Stage::new();
    let asked = operations(&stage);
    let plan = stage.plan_with(asked.clone(), vault(&stage, &asked, OLD));
    // Whoever resumes has no rehearsal of the gate behind it: it is found out right before the write.
    let patience = super::stage::PATIENCE;
    let patience =
        countersign::apply::kubernetes::Patience { rehearsed: Duration::ZERO, ..patience };
    let hooks = Hooks { patience, ..Hooks::default() };
    let ended = stage.round(&plan, hooks, false, vault(&stage, &asked, NEW));
    ended.must(Outcome::FailedClean);
    assert_eq!(ended.fates(), [Fate::Failed]);
    assert!(ended.stop().contains("/data/password"), "{}", ended.stop());
    assert!(ended.writes.is_empty(), "{:?}", ended.writes);
    clean(&ended);
}

#[test]
fn what_the_server_repeats_of_a_secret_is_filtered() {
    let stage = Stage::new();
    let data = json!({"data": {"password": STANDARD.encode(OLD)}});
    stage.ours(&stage.object("v1", "Secret", "db", data));
    let resource =
        json!({"apiVersion": "v1", "kind": "Secret", "namespace": stage.name(), "name": "db"});
    let reference = json!({"$secret": "db-password"});
    let asked =
        json!([{"patch": {"resource": resource, "merge": {"data": {"password": reference}}}}]);
    let plan = stage.plan_with(asked.clone(), vault(&stage, &asked, NEW));
    // It cannot be changed any more, and the server says so.
    let spoil = || {
        let path = format!("{}/db", stage.namespace.path("secrets"));
        let merge = "application/merge-patch+json";
        let (status, answer) =
            stage.cluster.admin().patch(&path, merge, &json!({"immutable": true}));
        assert_eq!(status, 200, "{answer}");
    };
    spoil();
    let ended = stage.round(&plan, Hooks::default(), false, vault(&stage, &asked, NEW));
    ended.must(Outcome::FailedClean);
    clean(&ended);
}
