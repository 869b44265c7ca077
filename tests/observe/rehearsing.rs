//! What operations make of a folder, in memory.

use countersign::document::effect::{PreviewState, TargetIdentity};
use countersign::observe::directory::ObserveError;
use serde_json::{Value, json};

use super::{configmap, observed, project, said, target};

const RESOURCE: &str = "{apiVersion: v1, kind: ConfigMap, namespace: s, name: a}";

/// Before and after of the one change that an operation makes.
fn change(operation: &str) -> Result<(Value, Value), String> {
    let folder = project(&[("a.yaml", &configmap("a", "x"))]);
    let observed = observed(folder.path(), &target(""), operation).map_err(|error| said(&error))?;
    let [change] = observed.changes.as_slice() else { panic!("{observed:?}") };
    assert_eq!(change.preview.state, PreviewState::Local);
    Ok((change.before.clone(), change.after.clone()))
}

fn object(data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "s"}, "data": data})
}

#[test]
fn patches_and_deletes_are_carried_out_in_memory() {
    let before = object(json!({"a": "x"}));
    for (operation, after) in [
        (
            format!("- patch: {{resource: {RESOURCE}, merge: {{data: {{b: z, a: null}}}}}}\n"),
            object(json!({"b": "z"})),
        ),
        (
            format!(
                "- patch: {{resource: {RESOURCE}, operations: [{{op: test, path: /data/a, value: x}}, {{op: replace, path: /data/a, value: z}}]}}\n"
            ),
            object(json!({"a": "z"})),
        ),
        (format!("- delete: {RESOURCE}\n"), Value::Null),
        (
            "- apply: {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: s}}\n"
                .to_owned(),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "s"}}),
        ),
    ] {
        assert_eq!(change(&operation).unwrap(), (before.clone(), after), "{operation}");
    }
}

#[test]
fn what_cannot_be_carried_out_is_refused_with_its_operation() {
    let absent = RESOURCE.replace("name: a", "name: z");
    for (operation, what) in [
        (format!("- delete: {absent}\n"), "operation op-1: /ConfigMap/s/z: the object is not there"),
        (
            format!("- patch: {{resource: {absent}, merge: {{data: {{}}}}}}\n"),
            "the object is not there",
        ),
        (
            format!(
                "- patch: {{resource: {RESOURCE}, operations: [{{op: test, path: /data/a, value: other}}]}}\n"
            ),
            "the patch does not apply",
        ),
        (
            format!("- patch: {{resource: {RESOURCE}, operations: [{{op: remove, path: /data/q}}]}}\n"),
            "the patch does not apply",
        ),
        (
            format!("- patch: {{resource: {RESOURCE}, merge: {{metadata: {{name: other}}}}}}\n"),
            "would turn /ConfigMap/s/a into /ConfigMap/s/other",
        ),
        (
            format!("- patch: {{resource: {RESOURCE}, merge: {{kind: Secret}}}}\n"),
            "would turn",
        ),
        (
            format!("- patch: {{resource: {RESOURCE}, merge: {{metadata: {{namespace: t}}}}}}\n"),
            "would turn",
        ),
        (
            "- apply: {apiVersion: v1, kind: Secret, metadata: {name: k, namespace: s}, data: {p: {$secret: x}}}\n".to_owned(),
            "a Secret with values may not stand in a plan",
        ),
        ("- stack: {name: a, template: null}\n".to_owned(), "names no object"),
    ] {
        let found = change(&operation).unwrap_err();
        assert!(found.contains(what), "{operation}: {found}");
    }
}

#[test]
fn only_files_that_change_are_part_of_it() {
    let folder = project(&[("x.yaml", &configmap("a", "x")), ("y.yaml", &configmap("b", "x"))]);
    let unchanged = "- apply: {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: s}, data: {a: x}}\n";
    let seen = observed(folder.path(), &target(""), unchanged).unwrap();
    assert!(seen.files.is_empty(), "{:?}", seen.files);
    assert_eq!(seen.changes[0].before, seen.changes[0].after);
    let new = "- apply: {apiVersion: apps/v1, kind: Deployment, metadata: {name: new, namespace: s}}\n- apply: {apiVersion: v1, kind: Namespace, metadata: {name: t}}\n";
    let seen = observed(folder.path(), &target(""), new).unwrap();
    let files: Vec<_> =
        seen.files.iter().map(|(path, text)| (path.as_str(), text.is_some())).collect();
    assert_eq!(files, [("_cluster/namespace-t.yaml", false), ("s/deployment-new.yaml", false)]);
    let TargetIdentity::Directory { project, path } = &seen.target else { panic!() };
    assert_eq!((project.as_str(), path.as_str()), ("a", "m"));
    assert_eq!(seen.surroundings.objects.len(), 2);
}

#[test]
fn nothing_outside_the_scope_is_changed() {
    let folder = project(&[]);
    let scoped = target("namespaces = [\"s\"]\ncluster-scoped = false");
    for (object, within) in [
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: s}}", true),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: t}}", false),
        ("{apiVersion: v1, kind: Namespace, metadata: {name: s}}", false),
    ] {
        let found = observed(folder.path(), &scoped, &format!("- apply: {object}\n"));
        assert_eq!(found.is_ok(), within, "{object}: {found:?}");
        if let Err(error) = found {
            assert!(error.to_string().contains("outside the scope of target m"), "{error}");
        }
    }
}

#[test]
fn a_file_that_also_holds_secret_values_is_not_touched() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: k, namespace: s}\nstringData: {p: hunter2}\n";
    let folder = project(&[
        ("both.yaml", &format!("{}---\n{secret}", configmap("a", "x"))),
        ("other.yaml", &configmap("b", "x")),
    ]);
    let patch = |name: &str| {
        let resource = RESOURCE.replace("name: a", &format!("name: {name}"));
        format!("- patch: {{resource: {resource}, merge: {{data: {{a: other}}}}}}\n")
    };
    let error = observed(folder.path(), &target(""), &patch("a")).unwrap_err();
    let text = said(&error);
    assert!(text.contains("both.yaml also holds a Secret with values"), "{text}");
    assert!(!text.contains("hunter2"));
    assert!(observed(folder.path(), &target(""), &patch("b")).is_ok());
    // The Secret itself cannot go either: the text before would stand in the plan.
    let delete = "- delete: {apiVersion: v1, kind: Secret, namespace: s, name: k}\n";
    assert!(observed(folder.path(), &target(""), delete).is_err());
}

#[test]
fn the_examples_fit_the_shop() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let text = "name = \"shop\"\n[environments.prod.targets.manifests]\nkind = \"directory\"\npath = \"shop\"\n";
    let config = countersign::config::Config::parse(text).unwrap();
    let (prod, manifests) = (super::label("prod"), super::label("manifests"));
    let found = config.target(&prod, &manifests).unwrap();
    let countersign::config::Target::Directory(target) = found else { panic!() };
    let defaults = countersign::intake::Defaults {
        project: config.name.clone(),
        planner: super::label("planner"),
        name: None,
        environment: None,
        target: None,
        only: None,
        requested_by: None,
    };
    for (name, files) in [
        ("scale-web.chat.md", vec!["shop/config.yaml", "shop/web.yaml"]),
        ("drop-db.yaml", vec!["shop/db.yaml"]),
        ("flags.json", vec!["shop/config.yaml"]),
    ] {
        let bytes = std::fs::read(root.join("proposals").join(name)).unwrap();
        let source = countersign::intake::Source { name: name.to_owned(), bytes };
        let limits = countersign::config::Limits::default();
        let proposal = countersign::intake::read(&[source], &defaults, &limits).unwrap().proposal;
        let seen =
            countersign::observe::directory::observe(proposal, &root, target, &limits).unwrap();
        assert_eq!(seen.files.keys().collect::<Vec<_>>(), files, "{name}");
    }
}

#[test]
fn everything_that_cannot_be_done_is_told_at_once() {
    let folder = project(&[("a.yaml", &configmap("a", "x"))]);
    let operations = "- delete: {apiVersion: v1, kind: ConfigMap, namespace: s, name: gone}\n\
                      - patch: {resource: {apiVersion: v1, kind: ConfigMap, namespace: s, name: gone-too}, merge: {data: {a: b}}}\n\
                      - patch: {resource: {apiVersion: v1, kind: ConfigMap, namespace: s, name: a}, operations: [{op: test, path: /data/a, value: other}]}\n";
    match observed(folder.path(), &target(""), operations) {
        Err(ObserveError::Several(errors)) => {
            let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(said.len(), 3, "{said:?}");
            for (said, operation) in said.iter().zip(["op-1", "op-2", "op-3"]) {
                assert!(said.contains(operation), "{said}");
            }
        }
        other => panic!("{other:?}"),
    }
}
