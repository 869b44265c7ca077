//! A plan is a function of the proposal and the tree: the same bytes in whatever order the tree was
//! made, reopened to the same meaning, and its files hold exactly what its changes say.

use std::collections::BTreeMap;
use std::path::Path;

use countersign::config::{DirectoryTarget, Limits};
use countersign::document::canonical;
use countersign::document::ident::ResourceId;
use countersign::document::proposal::Proposal;
use countersign::observe::directory::{Tree, observe};
use countersign::plan::{OpenError, Plan};
use proptest::prelude::*;
use serde_json::{Value, json};

/// One object of a small tree, and how its document is written.
#[derive(Clone, Debug)]
struct Object {
    name: String,
    data: BTreeMap<String, String>,
    /// Which file it stands in.
    file: u8,
    comment: bool,
}

/// What is done to an object: by name, which may or may not be in the tree.
#[derive(Clone, Debug)]
enum Wish {
    Apply(String, BTreeMap<String, String>),
    Merge(String, BTreeMap<String, Option<String>>),
    Delete(String),
}

impl Wish {
    fn name(&self) -> &str {
        match self {
            Self::Apply(name, _) | Self::Merge(name, _) | Self::Delete(name) => name,
        }
    }
}

fn data() -> impl Strategy<Value = BTreeMap<String, String>> {
    prop::collection::btree_map("[a-c]", "[a-z0-9:# \n-]{0,6}", 0..3)
}

fn objects() -> impl Strategy<Value = Vec<Object>> {
    let one = (data(), 0..4_u8, any::<bool>());
    prop::collection::btree_map("[a-h]", one, 1..8).prop_map(|map| {
        let object = |(name, (data, file, comment))| Object { name, data, file, comment };
        map.into_iter().map(object).collect()
    })
}

fn wishes() -> impl Strategy<Value = Vec<Wish>> {
    let wish = prop_oneof![
        data().prop_map(|data| Wish::Apply(String::new(), data)),
        prop::collection::btree_map("[a-c]", prop::option::of("[a-z#: ]{0,5}"), 0..3)
            .prop_map(|patch| Wish::Merge(String::new(), patch)),
        Just(Wish::Delete(String::new())),
    ];
    prop::collection::btree_map("[a-j]", wish, 1..6).prop_map(|map| {
        map.into_iter()
            .map(|(name, wish)| match wish {
                Wish::Apply(_, data) => Wish::Apply(name, data),
                Wish::Merge(_, patch) => Wish::Merge(name, patch),
                Wish::Delete(_) => Wish::Delete(name),
            })
            .collect()
    })
}

fn manifest(name: &str, data: &BTreeMap<String, String>) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "s"}, "data": data})
}

/// Texts of the files that hold these objects.
fn texts(objects: &[Object]) -> BTreeMap<String, String> {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for object in objects {
        let text = files.entry(format!("f{}.yaml", object.file)).or_default();
        if !text.is_empty() {
            text.push_str("---\n");
        }
        if object.comment {
            text.push_str("# keep me\n");
        }
        let value = manifest(&object.name, &object.data);
        text.push_str(&countersign::manifest::emit::document(&value));
    }
    files
}

fn project<'f>(files: impl Iterator<Item = (&'f String, &'f String)>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("m")).unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join("m").join(name), text).unwrap();
    }
    folder
}

fn target() -> DirectoryTarget {
    serde_json::from_value(json!({"path": "m"})).unwrap()
}

fn proposal(wishes: &[Wish]) -> Proposal {
    let operation = |(at, wish): (usize, &Wish)| {
        let resource =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "namespace": "s", "name": wish.name()});
        let (verb, body) = match wish {
            Wish::Apply(name, data) => ("apply", manifest(name, data)),
            Wish::Merge(_, patch) => {
                ("patch", json!({"resource": resource, "patch": {"merge": {"data": patch}}}))
            }
            Wish::Delete(_) => {
                ("delete", json!({"resource": resource, "propagation": "Background"}))
            }
        };
        json!({"id": format!("op-{at}"), "verb": verb, "body": body, "reason": "", "dependsOn": [],
            "replace": "refused", "force": "refused", "wait": {"ready": true, "timeoutSeconds": 600}})
    };
    let operations: Vec<Value> = wishes.iter().enumerate().map(operation).collect();
    serde_json::from_value(json!({"project": "p", "name": "one", "environment": "prod",
        "target": "m", "planner": "planner", "requestedBy": "",
        "intent": {"request": "", "summary": ""}, "operations": operations}))
    .unwrap()
}

fn plan(folder: &Path, wishes: &[Wish]) -> Plan {
    let observed = observe(proposal(wishes), folder, &target(), &Limits::default()).unwrap();
    Plan::make(observed).unwrap()
}

/// Only what can be done to this tree.
fn possible(objects: &[Object], wishes: Vec<Wish>) -> Vec<Wish> {
    let there = |name: &str| objects.iter().any(|object| object.name == name);
    let can = |wish: &Wish| matches!(wish, Wish::Apply(..)) || there(wish.name());
    wishes.into_iter().filter(can).collect()
}

fn tree(folder: &Path) -> BTreeMap<ResourceId, Value> {
    Tree::read(folder, &target(), &Limits::default()).unwrap().into_objects()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn the_order_in_which_a_tree_was_made_changes_no_byte(objects in objects(), wishes in wishes()) {
        let wishes = possible(&objects, wishes);
        let files = texts(&objects);
        let one = project(files.iter());
        let other = project(files.iter().rev());
        let (plan, twin) = (plan(one.path(), &wishes), plan(other.path(), &wishes));
        prop_assert_eq!(plan.bytes(), twin.bytes());
        let again = Plan::open(plan.bytes().to_vec()).unwrap();
        prop_assert_eq!(again.document(), plan.document());
        prop_assert_eq!(again.judgements(), plan.judgements());
        prop_assert_eq!(again.digest(), plan.digest());
    }

    #[test]
    fn writing_the_files_of_a_plan_gives_exactly_after_and_nothing_else(objects in objects(), wishes in wishes()) {
        let wishes = possible(&objects, wishes);
        let folder = project(texts(&objects).iter());
        let mut expected = tree(folder.path());
        let plan = plan(folder.path(), &wishes);
        for change in &plan.document().effect.changes {
            prop_assert_eq!(expected.get(&change.id).cloned().unwrap_or_default(), change.before.clone());
            match &change.after {
                Value::Null => expected.remove(&change.id),
                after => expected.insert(change.id.clone(), after.clone()),
            };
        }
        for file in plan.files_in_order() {
            let path = folder.path().join("m").join(&file.path);
            prop_assert_eq!(std::fs::read_to_string(&path).ok(), file.before.clone());
            match &file.after {
                None => std::fs::remove_file(path).unwrap(),
                Some(text) => {
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    std::fs::write(path, text).unwrap();
                }
            }
        }
        prop_assert_eq!(tree(folder.path()), expected);
        prop_assert!(super::make::plan(folder.path(), &after_all(&plan)).is_empty());
    }
}

/// The same objects again, as they are after the plan: nothing is left to do.
fn after_all(plan: &Plan) -> Vec<Wish> {
    let after = |change: &countersign::document::effect::Change| {
        let data = change.after.get("data")?.as_object()?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let data = data.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        Some(Wish::Apply(change.resource.name.clone(), data))
    };
    plan.document().effect.changes.iter().filter_map(after).collect()
}

/// A plan over a small tree, as JSON that a test may bend.
pub(crate) fn sample() -> Value {
    let object = |name: &str, file| Object {
        name: name.to_owned(),
        data: BTreeMap::from([("a".to_owned(), "1".to_owned())]),
        file,
        comment: true,
    };
    let folder = project(texts(&[object("a", 0), object("b", 0), object("c", 1)]).iter());
    let merge = BTreeMap::from([("a".to_owned(), Some("2".to_owned()))]);
    let wishes = [
        Wish::Merge("a".to_owned(), merge),
        Wish::Delete("c".to_owned()),
        Wish::Apply("d".to_owned(), BTreeMap::new()),
    ];
    serde_json::from_slice(plan(folder.path(), &wishes).bytes()).unwrap()
}

#[test]
fn every_derived_member_that_lies_is_named() {
    for (at, lie) in [
        ("/effect/changes/0/class", json!("none")),
        ("/effect/changes/0/certainty", json!("possible")),
        ("/effect/changes/0/flags", json!(["system"])),
        ("/effect/changes/0/actions", json!([])),
        ("/effect/changes/0/preview/state", json!("server")),
        ("/effect/changes/0/preview/because", json!("trust me")),
        ("/effect/changes/0/sensitive", json!(["/data/a"])),
        ("/effect/changes/0/replacePaths", json!(["/data"])),
        ("/effect/changes/0/withoutEffect", json!(["/data"])),
        ("/effect/changes/0/propagation", json!("Orphan")),
        ("/effect/files/0/after", json!("apiVersion: v1\n")),
        ("/effect/impact/delete", json!(0)),
        ("/effect/impact/namespaces", json!([])),
        ("/effect/impact/truncated", json!(true)),
        ("/effect/waves", json!([])),
        ("/effect/complete", json!(false)),
        ("/effect/masking", json!("0123")),
    ] {
        let mut plan = sample();
        let slot = plan.pointer_mut(at).unwrap_or_else(|| panic!("no {at}"));
        assert_ne!(*slot, lie, "{at} is so already");
        *slot = lie;
        let bytes = canonical::to_bytes(&plan).unwrap();
        match Plan::open(bytes) {
            Err(OpenError::Derived { at: named }) => {
                assert!(
                    at.starts_with(named.as_str()) || named.as_str().starts_with(at),
                    "{named} for {at}"
                );
            }
            other => panic!("{at}: {other:?}"),
        }
    }
}

/// Bends a plan.
type Bend<'b> = &'b dyn Fn(&mut Value);

#[test]
fn a_document_that_contradicts_itself_is_refused() {
    let bend = |bend: &dyn Fn(&mut Value)| {
        let mut plan = sample();
        bend(&mut plan);
        Plan::open(canonical::to_bytes(&plan).unwrap())
    };
    assert!(bend(&|_| {}).is_ok());
    let cases: [(&str, Bend<'_>); 11] = [
        ("after", &|p| p["effect"]["changes"][0]["after"]["data"]["a"] = json!("3")),
        ("before", &|p| p["effect"]["changes"][0]["before"]["data"]["a"] = json!("0")),
        ("file before", &|p| {
            let text = p["effect"]["files"][0]["before"]
                .as_str()
                .unwrap()
                .replace("keep me", "x: 1\n---\n");
            p["effect"]["files"][0]["before"] = json!(text);
        }),
        ("operation", &|p| {
            p["proposal"]["operations"][0]["body"]["patch"]["merge"]["data"]["a"] = json!("9")
        }),
        ("a change less", &|p| {
            p["effect"]["changes"].as_array_mut().unwrap().remove(0);
        }),
        ("a change twice", &|p| {
            let first = p["effect"]["changes"][0].clone();
            p["effect"]["changes"].as_array_mut().unwrap().insert(1, first);
        }),
        ("an operation more", &|p| {
            let mut more = p["proposal"]["operations"][0].clone();
            more["id"] = json!("more");
            p["proposal"]["operations"].as_array_mut().unwrap().push(more);
        }),
        ("unknown", &|p| p["effect"]["changes"][0]["unknown"] = json!(["/data/a"])),
        ("guard", &|p| p["effect"]["changes"][0]["guard"] = json!({"uid": "1"})),
        ("a file less", &|p| {
            p["effect"]["files"].as_array_mut().unwrap().remove(0);
        }),
        ("a circle", &|p| {
            p["proposal"]["operations"][0]["dependsOn"] = json!(["op-1"]);
            p["proposal"]["operations"][1]["dependsOn"] = json!(["op-0"]);
        }),
    ];
    for (name, case) in cases {
        let opened = bend(case);
        let refused =
            matches!(opened, Err(OpenError::Contradiction(_) | OpenError::Derived { .. }));
        assert!(refused, "{name}: {:?}", opened.err());
    }
}

#[test]
fn another_version_of_the_rules_and_another_shape_are_refused_by_name() {
    let open = |plan: &Value| Plan::open(canonical::to_bytes(plan).unwrap());
    let mut plan = sample();
    plan["rules"] = json!(2);
    assert!(matches!(open(&plan), Err(OpenError::Rules { found }) if found == "2"));
    for (at, value) in [
        ("/extra", json!(1)),
        ("/effect/extra", json!(1)),
        ("/effect/changes/0/extra", json!(1)),
        ("/proposal/extra", json!(1)),
    ] {
        let mut plan = sample();
        let (parent, name) = at.rsplit_once('/').unwrap();
        plan.pointer_mut(parent).unwrap()[name] = value;
        assert!(matches!(open(&plan), Err(OpenError::Canonical(_))), "{at}");
    }
    for member in ["stack", "masking", "facts"] {
        let mut plan = sample();
        plan["effect"].as_object_mut().unwrap().remove(member);
        assert!(matches!(open(&plan), Err(OpenError::Canonical(_))), "{member}");
    }
    let mut plan = sample();
    let members: Vec<Value> =
        plan["effect"]["changes"][0]["preview"].as_object().unwrap().values().cloned().collect();
    plan["effect"]["changes"][0]["preview"] = json!(members);
    assert!(matches!(open(&plan), Err(OpenError::Canonical(_))));
}
