//! What is read of a folder, and what in it is refused.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use countersign::config::Limits;
use countersign::observe::directory::Tree;
use proptest::prelude::*;

use super::{configmap, project, said, target};

fn names(project: &Path) -> Vec<String> {
    let tree = Tree::read(project, &target(""), &Limits::default()).unwrap();
    tree.into_objects().into_keys().map(|id| id.name).collect()
}

fn refusal(project: &Path) -> String {
    said(&Tree::read(project, &target(""), &Limits::default()).unwrap_err())
}

#[test]
fn documents_lists_and_json_are_objects_and_other_files_are_not() {
    let folder = project(&[
        ("two.yaml", &format!("{}---\n{}", configmap("a", "x"), configmap("b", "x"))),
        (
            "deep/er/list.yml",
            "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: s}}\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: d, namespace: s}}\n",
        ),
        (
            "one.json",
            "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"e\",\"namespace\":\"s\"}}",
        ),
        ("empty.yaml", "# nothing yet\n"),
        ("kustomization.yaml", "resources: [two.yaml]\n"),
        ("deep/kustomization.yml", "this: [is, no\nmanifest"),
        ("built.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"),
        ("notes.md", "no manifest: [\n"),
        (".hidden.yaml", "no: [manifest\n"),
        (".git/config.yaml", "no: [manifest\n"),
        (".countersign-7f.tmp", "half"),
    ]);
    assert_eq!(names(folder.path()), ["a", "b", "c", "d", "e"]);
}

#[test]
fn whatever_is_no_plain_file_is_refused() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("o.yaml"), configmap("o", "x")).unwrap();
    let target_file = outside.path().join("o.yaml");
    for (name, to) in [
        ("link.yaml", target_file.as_path()),
        ("link", outside.path()),
        ("dangling.yaml", Path::new("nowhere")),
        (".hidden", outside.path()),
    ] {
        let folder = project(&[("a.yaml", &configmap("a", "x"))]);
        symlink(to, folder.path().join("m").join(name)).unwrap();
        let refused = refusal(folder.path());
        assert!(refused.contains(name) && refused.contains("a symlink"), "{refused}");
    }
    let folder = project(&[]);
    let pipe = folder.path().join("m/pipe.yaml");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(refusal(folder.path()).contains("pipe.yaml is a device, pipe or socket"));
}

#[test]
fn the_folder_itself_is_no_symlink_and_there() {
    let folder = tempfile::tempdir().unwrap();
    assert!(refusal(folder.path()).contains("cannot be opened"));
    let outside = project(&[]);
    symlink(outside.path().join("m"), folder.path().join("m")).unwrap();
    assert!(refusal(folder.path()).contains("a symlink"));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("m"), "").unwrap();
    assert!(refusal(folder.path()).contains("not a folder"));
}

#[test]
fn an_object_that_stands_twice_is_named_with_both_files() {
    let other = configmap("a", "x").replace("apiVersion: v1", "apiVersion: v2");
    for second in [configmap("a", "x"), other] {
        let folder = project(&[("z.yaml", &configmap("a", "x")), ("b/a.yaml", &second)]);
        let refused = refusal(folder.path());
        assert!(refused.contains("/ConfigMap/s/a stands twice"), "{refused}");
        assert!(refused.contains("in b/a.yaml and in z.yaml"), "{refused}");
    }
}

#[test]
fn what_cannot_be_read_is_named_with_file_and_line() {
    for (text, what) in [
        ("a: 1\na: 2\n", "bad.yaml: line 2, column 1: /a: a member that stands twice"),
        ("apiVersion: v1\nkind: X\n", "bad.yaml: line 1, column 1: metadata.name is missing"),
        ("just words\n", "bad.yaml: line 1, column 1: apiVersion is missing"),
        ("\u{feff}a: 1\n", "byte order mark"),
        ("a: \0\n", "NUL"),
    ] {
        let folder = project(&[("bad.yaml", text)]);
        let refused = refusal(folder.path());
        assert!(refused.contains(what), "{text:?}: {refused}");
    }
    let folder = project(&[]);
    std::fs::write(folder.path().join("m/bad.yaml"), b"a: \xff\n").unwrap();
    assert!(refusal(folder.path()).contains("line 1, column 4: not UTF-8"));
}

#[test]
fn the_limit_is_of_the_whole_tree() {
    let text = configmap("a", "x");
    let folder = project(&[("a.yaml", &text), ("b.yaml", &configmap("b", "x"))]);
    let limits = Limits { max_tree_bytes: text.len() * 2 - 1, ..Limits::default() };
    let error = Tree::read(folder.path(), &target(""), &limits).unwrap_err();
    assert!(said(&error).contains("b.yaml is larger than"), "{error}");
    let limits = Limits { max_tree_bytes: text.len() * 2, ..Limits::default() };
    assert!(Tree::read(folder.path(), &target(""), &limits).is_ok());
}

#[test]
fn the_shop_is_read_whole() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let text =
        "name = \"a\"\n[environments.prod.targets.m]\nkind = \"directory\"\npath = \"shop\"\n";
    let config = countersign::config::Config::parse(text).unwrap();
    let found = config.target(&super::label("prod"), &super::label("m")).unwrap();
    let countersign::config::Target::Directory(target) = found else { panic!() };
    let tree = Tree::read(&fixtures, target, &Limits::default()).unwrap();
    assert!(tree.into_objects().len() >= 35);
}

#[test]
fn twenty_thousand_objects_are_read_in_time() {
    let folder = project(&[]);
    let many: String =
        (0..10_000).map(|n| format!("{}---\n", configmap(&format!("b{n}"), "x"))).collect();
    std::fs::write(folder.path().join("m/many.yaml"), many).unwrap();
    for n in 0..10_000 {
        let path = folder.path().join(format!("m/f{n}.yaml"));
        std::fs::write(path, configmap(&format!("a{n}"), "x")).unwrap();
    }
    let start = std::time::Instant::now();
    let found = names(folder.path()).len();
    assert_eq!(found, 20_000);
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn the_order_of_the_folder_is_no_part_of_the_result(
        order in Just((0..12).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let files: Vec<_> = (0..12)
            .map(|n| (format!("{}/{n}.yaml", n % 3), configmap(&format!("c{n}"), "x")))
            .collect();
        let made = |order: &[usize]| {
            let chosen: Vec<_> =
                order.iter().map(|n| (files[*n].0.as_str(), files[*n].1.as_str())).collect();
            let folder = project(&chosen);
            let tree = Tree::read(folder.path(), &target(""), &Limits::default()).unwrap();
            let texts: BTreeMap<_, _> =
                files.iter().map(|(name, _)| (name.clone(), tree.text(name).map(str::to_owned))).collect();
            (texts, tree.into_objects())
        };
        prop_assert_eq!(made(&order), made(&(0..12).collect::<Vec<_>>()));
    }
}
