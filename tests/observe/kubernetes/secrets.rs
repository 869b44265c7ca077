//! No secret value leaves the observation: not in a change, an error, or a `Debug`.

use std::collections::BTreeMap;
use std::time::Duration;

use countersign::config::Secret;
use countersign::custody::masking::MaskingKey;
use countersign::custody::vault::{SourceWorld, Vault, references};
use countersign::document::effect::PreviewState;
use serde_json::{Value, json};

use super::super::label;
use super::{Stage, proposal, state};

const CANARY: &str = "canary-value-7Qx";
const OLD: &str = "old-canary-5Zr";

pub(super) fn vault(stage: &Stage, operations: &Value) -> Vault {
    let places = [format!("Secret/{}/db#/data/password", stage.name())];
    let entry = json!({"env": "CANARY", "targets": ["main"], "pointers": places});
    let entry: Secret = serde_json::from_value(entry).unwrap();
    let secrets = BTreeMap::from([(label("db-password"), entry)]);
    let proposal = proposal(operations.clone());
    let references: Vec<_> = proposal.operations.iter().flat_map(references).collect();
    let key = MaskingKey::parse(&"ab".repeat(32)).unwrap();
    let mask = key.of_plan(&label("a"), &label("prod"), &label("one")).unwrap();
    let environment = [("CANARY".into(), CANARY.into())];
    let world = SourceWorld {
        folder: stage.folder.path(),
        environment: &environment,
        patience: Duration::from_secs(10),
        interrupted: &|| false,
    };
    let mask = Some(("key-1".to_owned(), mask));
    Vault::open(&secrets, &references, &label("main"), mask, world).unwrap()
}

fn secret(stage: &Stage, members: Value) -> Value {
    stage.object("v1", "Secret", "db", members)
}

/// Neither canary, in any spelling.
fn clean(text: &str) {
    use base64::Engine as _;
    let encoded = |value| base64::engine::general_purpose::STANDARD.encode(value);
    for canary in [CANARY.to_owned(), OLD.to_owned(), encoded(CANARY), encoded(OLD)] {
        assert!(!text.contains(&canary), "{text}");
    }
}

#[test]
fn a_secret_is_shown_masked_on_both_sides() {
    let stage = Stage::new();
    stage.made(
        "other",
        &secret(&stage, json!({"stringData": {"password": OLD, "user": "x-user-x"}})),
    );
    let reference = json!({"$secret": "db-password"});
    let operations = json!([{
        "apply": secret(&stage, json!({"data": {"password": reference}})), "force": "allowed",
    }]);
    let found = stage.observe_with(operations.clone(), vault(&stage, &operations)).unwrap();
    let change = &found.changes[0];
    assert_eq!(state(change), (PreviewState::Server, ""));
    assert_eq!(found.masking, "key-1");
    let masked =
        |value: &Value| value.as_str().is_some_and(|text| text.starts_with("hmac-sha256:"));
    assert!(masked(&change.before["data"]["password"]) && masked(&change.before["data"]["user"]));
    let after = &change.after["data"]["password"]["$secret"];
    assert_eq!(after["name"], "db-password");
    assert!(masked(&after["value"]));
    assert_ne!(after["value"], change.before["data"]["password"]);
    assert_eq!(change.before["data"]["user"], change.after["data"]["user"]);
    clean(&format!("{found:?}"));
    let again = stage.observe_with(operations.clone(), vault(&stage, &operations)).unwrap();
    assert_eq!(format!("{:?}", found.changes), format!("{:?}", again.changes));
}

#[test]
fn what_the_server_repeats_of_a_secret_is_filtered() {
    let stage = Stage::new();
    stage.made("other", &secret(&stage, json!({"stringData": {"password": OLD}})));
    // A merge patch with an unknown field is answered with the whole object.
    let resource = json!({
        "apiVersion": "v1", "kind": "Secret", "namespace": stage.name(), "name": "db",
    });
    let reference = json!({"$secret": "db-password"});
    for patch in [
        json!({"resource": resource, "merge": {"data": {"password": reference}, "dta": "x"}}),
        json!({"resource": resource, "operations": [
            {"op": "add", "path": "/data/password", "value": reference},
            {"op": "add", "path": "/dta", "value": "x"}]}),
    ] {
        let operations = json!([{"patch": patch}]);
        let error = stage.observe_with(operations.clone(), vault(&stage, &operations)).unwrap_err();
        let said = countersign::causes::line(&error);
        assert!(said.contains("refuses it"), "{said}");
        clean(&said);
        clean(&format!("{error:?}"));
    }
}

#[test]
fn a_secret_that_goes_is_masked_too_and_none_is_shown_without_a_key() {
    let stage = Stage::new();
    stage.made("other", &secret(&stage, json!({"stringData": {"password": OLD}})));
    let operations = json!([stage.delete("Secret", "db")]);
    let found = stage.observe_with(operations.clone(), vault(&stage, &operations)).unwrap();
    clean(&format!("{found:?}"));
    let error = stage.observe(operations).unwrap_err();
    let said = countersign::causes::line(&error);
    assert!(said.contains("there is no masking key"), "{said}");
    clean(&said);
}
