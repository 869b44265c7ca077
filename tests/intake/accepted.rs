//! The forms that are read, and that they are read alike.

use countersign::config::Limits;
use countersign::document::operation::{Action, Consent, Patch, Propagation};
use countersign::intake::{Defaults, read};
use countersign::manifest::emit;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{defaults, filled, fixture, label, proposal, source, take};

#[test]
fn a_models_answer_is_its_one_fenced_proposal() {
    let intake = read(&[fixture("scale-web.chat.md")], &defaults(), &Limits::default()).unwrap();
    let proposal = &intake.proposal;
    assert_eq!(proposal.name, label("scale-web"));
    assert_eq!(proposal.environment, label("prod"));
    assert_eq!(proposal.project, label("shop"));
    assert_eq!(proposal.requested_by, None);
    let ids: Vec<_> = proposal.operations.iter().map(|o| o.id.as_str()).collect();
    assert_eq!(ids, ["web", "flags"]);
    assert_eq!(proposal.operations[1].depends_on, [label("web")]);
    let Action::Patch(patch) = &proposal.operations[1].action else { panic!() };
    assert_eq!(patch.patch, Patch::Merge(json!({"data": {"beta": "on"}})));
    assert!(intake.notes[0].contains("line 5"), "{:?}", intake.notes);
}

#[test]
fn every_example_is_read() {
    for (name, operations) in [("drop-db.yaml", 1), ("flags.json", 1), ("new-worker.yaml", 2)] {
        let given = if name == "new-worker.yaml" { filled() } else { defaults() };
        let intake = read(&[fixture(name)], &given, &Limits::default()).unwrap();
        assert_eq!(intake.proposal.operations.len(), operations, "{name}");
    }
}

#[test]
fn every_default_is_made_explicit() {
    let text = proposal("- delete: {apiVersion: v1, kind: Pod, namespace: a, name: b}\n");
    let given = Defaults { requested_by: Some(label("alice")), ..filled() };
    let proposal = take(text, &given).unwrap().proposal;
    assert_eq!(proposal.requested_by, Some(label("alice")));
    let operation = &proposal.operations[0];
    assert_eq!(operation.id, label("op-1"));
    assert_eq!((operation.replace, operation.force), (Consent::Refused, Consent::Refused));
    assert!(operation.wait.ready && operation.wait.timeout_seconds == 600);
    let Action::Delete(body) = &operation.action else { panic!() };
    assert_eq!(body.propagation, Propagation::Background);
}

#[test]
fn manifests_are_one_apply_each_and_lists_are_opened() {
    let object = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "s"}});
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [object("a"), object("b")]});
    let text = format!("{}---\n{}", emit::document(&list), emit::document(&object("c")));
    let intake = take(text, &filled()).unwrap();
    let bodies: Vec<_> = intake.proposal.operations.iter().map(|o| o.action.clone()).collect();
    assert_eq!(bodies, ["a", "b", "c"].map(|name| Action::Apply(object(name))));
    let ids: Vec<_> = intake.proposal.operations.iter().map(|o| o.id.as_str()).collect();
    assert_eq!(ids, ["op-1", "op-2", "op-3"]);
}

#[test]
fn a_fence_inside_a_manifest_is_text_of_it() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\ndata:\n  readme: |\n    ```yaml\n    kind: Proposal\n    ```\n";
    let intake = take(text, &filled()).unwrap();
    assert_eq!(intake.proposal.operations.len(), 1);
}

#[test]
fn fences_of_any_kind_and_indentation_are_read() {
    let body = "kind: Proposal\napiVersion: countersign/v1\noperations:\n- delete: {apiVersion: v1, kind: Pod, namespace: a, name: b}\n";
    let indented: String = body.lines().map(|line| format!("   {line}\n")).collect();
    for text in [
        format!("x\n```\n{body}```\n"),
        format!("x\n~~~ yaml\n{body}~~~~\n"),
        format!("x\n````yaml\n{body}````\n```\nother\n```\n"),
        format!("- x\n\n   ```yaml\n{indented}   ```\n"),
        format!("x\r\n```yaml\r\n{}```\r\n", body.replace('\n', "\r\n")),
    ] {
        let intake = take(text.as_str(), &filled());
        assert!(intake.is_ok(), "{text}: {intake:?}");
    }
}

#[test]
fn the_digest_is_of_the_bytes_that_were_given() {
    let file = fixture("drop-db.yaml");
    let digest = countersign::document::ident::Digest::of(&file.bytes);
    let intake = read(&[file], &defaults(), &Limits::default()).unwrap();
    assert_eq!(intake.input_digest, digest);
}

#[test]
fn ten_thousand_operations_are_read() {
    let text: String = (0..10_000)
        .map(|n| {
            format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c{n}\n  namespace: s\n---\n"
            )
        })
        .collect();
    assert_eq!(take(text, &filled()).unwrap().proposal.operations.len(), 10_000);
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["no", "0755", "1:30", "", "~", "a: b", "x\ny"])
            .prop_map(Value::from),
    ]
}

fn operation() -> impl Strategy<Value = Value> {
    let data = prop::collection::btree_map("[a-z.]{1,6}", leaf(), 0..4);
    let named = "[a-z]{1,8}";
    (0..3, named, data, "\\PC{0,20}", any::<bool>()).prop_map(|(verb, name, data, reason, wait)| {
        let resource = json!({"apiVersion": "v1", "kind": "ConfigMap", "namespace": "s", "name": name});
        let mut operation = match verb {
            0 => json!({"apply": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "s"}, "data": data}}),
            1 => json!({"patch": {"resource": resource, "merge": {"data": data}}}),
            _ => json!({"delete": resource}),
        };
        operation["reason"] = reason.into();
        operation["wait"] = json!({"ready": wait});
        operation
    })
}

proptest! {
    #[test]
    fn yaml_and_json_give_the_same_proposal(
        operations in prop::collection::vec(operation(), 1..4),
        request in "\\PC{0,40}",
    ) {
        let document = json!({
            "apiVersion": "countersign/v1", "kind": "Proposal", "name": "a", "environment": "prod",
            "target": "t", "intent": {"request": request}, "operations": operations,
        });
        let given = defaults();
        let yaml = take(emit::document(&document), &given);
        let json = take(serde_json::to_vec_pretty(&document).unwrap(), &given);
        let dense = take(document.to_string(), &given);
        match (yaml, json, dense) {
            (Ok(yaml), Ok(json), Ok(dense)) => {
                prop_assert_eq!(&yaml.proposal, &json.proposal);
                prop_assert_eq!(&json.proposal, &dense.proposal);
            }
            (Err(yaml), Err(json), Err(dense)) => {
                let said = |error: &countersign::intake::IntakeError| {
                    error.problems.iter().map(|l| l.problem.message.split(';').next().map(str::to_owned)).collect::<Vec<_>>()
                };
                prop_assert_eq!(said(&yaml), said(&json));
                prop_assert_eq!(said(&json), said(&dense));
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn no_bytes_make_the_reader_stop(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Err(error) = read(&[source(bytes)], &filled(), &Limits::default()) {
            prop_assert!(!error.problems.is_empty());
        }
    }
}
