//! The schemas say what the readers read: judged by another implementation of JSON Schema.

use std::process::Command;

use countersign::intake::schema;
use countersign::manifest::{Limits, read};
use serde_json::{Value, json};

use super::fixture;

/// What `jsonschema` says of each instance: the empty text, or why it is invalid.
fn verdicts(cases: &[(Value, Value)]) -> Vec<String> {
    let python = std::env::var_os("COUNTERSIGN_TEST_PYTHON")
        .expect("run the tests with tests/run, which installs jsonschema and names its Python");
    let script = "import json,sys,jsonschema\nout=[]\nfor s,i in json.load(open(sys.argv[1])):\n v=jsonschema.Draft202012Validator(s)\n v.check_schema(s)\n e=jsonschema.exceptions.best_match(v.iter_errors(i))\n out.append('' if e is None else e.message)\nprint(json.dumps(out))";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cases.json");
    std::fs::write(&file, serde_json::to_vec(cases).unwrap()).unwrap();
    let output = Command::new(python).arg("-c").arg(script).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn document(text: &str) -> Value {
    read::documents(text, &Limits::default()).unwrap().remove(0).value
}

fn text_of(name: &str) -> String {
    String::from_utf8(fixture(name).bytes).unwrap()
}

#[test]
fn what_is_read_is_valid_and_what_is_refused_is_not() {
    let chat = text_of("scale-web.chat.md");
    let fenced = chat.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let one = |operation: Value| json!({"apiVersion": "countersign/v1", "kind": "Proposal", "operations": [operation]});
    let resource = json!({"apiVersion": "v1", "kind": "Pod", "namespace": "a", "name": "b"});
    let config = "name = \"shop\"\n[environments.prod.targets.manifests]\nkind = \"directory\"\npath = \"manifests\"\n";
    let config: Value = toml::from_str(config).unwrap();
    let good = [
        (schema::proposal(), document(fenced)),
        (schema::proposal(), document(&text_of("drop-db.yaml"))),
        (schema::proposal(), document(&text_of("flags.json"))),
        (schema::proposal(), one(json!({"stack": {"name": "a", "template": null}}))),
        (schema::proposal(), one(json!({"delete": resource, "wait": {"ready": false}}))),
        (schema::config(), config),
    ];
    for (verdict, (_, instance)) in verdicts(&good).iter().zip(&good) {
        assert_eq!(verdict, "", "{instance}");
    }
    let bad = [
        (schema::proposal(), json!({"kind": "Proposal", "operations": []})),
        (schema::proposal(), one(json!({}))),
        (schema::proposal(), one(json!({"verb": "apply", "apply": {}}))),
        (schema::proposal(), one(json!({"apply": {}, "delete": resource}))),
        (schema::proposal(), one(json!({"delete": resource, "replace": "maybe"}))),
        (schema::proposal(), one(json!({"delete": resource, "id": "A_B"}))),
        (schema::proposal(), one(json!({"patch": {"resource": resource}}))),
        (schema::config(), json!({"name": "shop", "environments": {}, "typo": 1})),
        (schema::config(), json!({"name": "Not A Label"})),
        (schema::plan(), json!({"apiVersion": "countersign/v1", "kind": "Plan"})),
        (schema::receipt(), json!({"principal": "a"})),
    ];
    for (verdict, (_, instance)) in verdicts(&bad).iter().zip(&bad) {
        assert_ne!(verdict, "", "{instance}");
    }
}

#[test]
fn every_member_of_a_proposal_is_described_and_in_place() {
    fn described(schema: &Value, at: &str) {
        if let Some(members) = schema.get("properties").and_then(Value::as_object) {
            for (name, member) in members {
                assert!(member.get("description").is_some(), "{at}/{name}");
                described(member, &format!("{at}/{name}"));
            }
            assert_eq!(schema.get("additionalProperties"), Some(&json!(false)), "{at}");
        }
        for item in schema.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
            described(item, at);
        }
        if let Some(items) = schema.get("items") {
            described(items, at);
        }
    }
    let schema = schema::proposal();
    described(&schema, "");
    assert!(!schema.to_string().contains("$ref"), "{schema:#}");
    assert!(!schema.to_string().contains("\"default\""), "{schema:#}");
}
