//! Which files make a bundle, and what its digest covers.

use countersign::document::canonical;
use countersign::document::ident::Digest;
use countersign::files::open_folder;
use countersign::policy::bundle::{Bundle, BundleError};
use countersign::policy::judge::judge;
use countersign::policy::{ENGINE_NAME, ENGINE_VERSION};
use serde_json::json;

use super::{folder, limits, load, program, small_plan};

const RULE: &str = "package main\ndeny contains \"x\" if false\n";

fn refused(files: &[(&str, &str)]) -> String {
    load(files).unwrap_err().to_string()
}

#[test]
fn every_file_is_read_or_refused_by_name() {
    for stray in ["README.md", "main.rego~", "sub/LICENSE", "main.REGO", "rego", "x.toml"] {
        let error = refused(&[("main.rego", RULE), (stray, "x")]);
        assert!(error.contains(&format!("p/{stray}")), "{error}");
    }
    // Dot files and what dot folders hold are nobody's business.
    load(&[("main.rego", RULE), (".gitignore", "x"), (".git/config", "x")]).unwrap();
    assert!(matches!(load(&[(".keep", "")]), Err(BundleError::Empty { .. })));
    assert!(matches!(Bundle::load(false, &[]), Err(BundleError::None)));
}

#[test]
fn a_symlink_is_refused_wherever_it_points() {
    for target in ["/etc/hostname", "main.rego", "/nowhere"] {
        let files = folder(&[("main.rego", RULE)]);
        std::os::unix::fs::symlink(target, files.path().join("more.rego")).unwrap();
        let loaded = Bundle::load(false, &[("p".to_owned(), open_folder(files.path()).unwrap())]);
        assert!(matches!(loaded, Err(BundleError::File { .. })), "{target}: {loaded:?}");
    }
    let files = folder(&[("main.rego", RULE), ("real/x.rego", RULE)]);
    std::os::unix::fs::symlink("real", files.path().join("linked")).unwrap();
    assert!(Bundle::load(false, &[("p".to_owned(), open_folder(files.path()).unwrap())]).is_err());
}

#[test]
fn a_name_for_a_bundle_is_free_and_used_once() {
    let files = folder(&[("main.rego", RULE)]);
    let open = |name: &str| (name.to_owned(), open_folder(files.path()).unwrap());
    for names in [&["builtin"][..], &["engine"], &[""], &["a\nb"], &["a", "a"]] {
        let folders: Vec<_> = names.iter().map(|name| open(name)).collect();
        let loaded = Bundle::load(false, &folders);
        assert!(matches!(loaded, Err(BundleError::Name(_))), "{names:?}");
    }
}

#[test]
fn data_is_read_strictly() {
    for (name, text, says) in [
        ("d.json", "{\"a\":1,\"a\":2}", "stands twice"),
        ("d.json", "[1]", "must be an object"),
        ("d.json", "{\"a\":1} x", "trailing"),
        ("d.json", "{\"a\":9007199254740993}", "2^53-1"),
        ("d.json", "", "EOF"),
        ("d.yaml", "a: 1\na: 2\n", "a"),
        ("d.yaml", "a: no\n", "no"),
        ("d.yaml", "a: 0755\n", "0755"),
        ("d.yaml", "a: 1\n---\nb: 2\n", "more than one document"),
        ("d.yml", "- a\n", "must be an object"),
        ("d.yaml", "# nothing\n", "empty"),
        ("d.yaml", "a: !!set {x}\n", ""),
    ] {
        let error = refused(&[("main.rego", RULE), (name, text)]);
        assert!(error.contains(&format!("p/{name}")), "{text:?}: {error}");
        assert!(error.contains(says), "{text:?}: {error}");
    }
    let bytes = folder(&[("main.rego", RULE)]);
    std::fs::write(bytes.path().join("d.json"), b"{\"a\":\"\xff\"}").unwrap();
    let loaded = Bundle::load(false, &[("p".to_owned(), open_folder(bytes.path()).unwrap())]);
    assert!(loaded.unwrap_err().to_string().contains("p/d.json: not UTF-8"));
}

#[test]
fn data_of_two_files_never_meets() {
    let error = refused(&[("a.json", "{\"x\":{\"y\":1}}"), ("b.json", "{\"x\":{\"y\":1}}")]);
    assert!(error.contains("p/b.json: data.x.y is set by another file too"), "{error}");
    load(&[("a.json", "{\"x\":{\"y\":1}}"), ("x/b.json", "{\"z\":1}"), ("m.rego", RULE)]).unwrap();
    let error = refused(&[("a.json", "{\"x\":1}"), ("x/b.json", "{\"z\":1}")]);
    assert!(error.contains("data.x is set by another file"), "{error}");
}

#[test]
fn settings_are_overridden_by_name_and_type_or_not_at_all() {
    let load = |text: &str| {
        let files = folder(&[("settings.yaml", text)]);
        Bundle::load(true, &[("p".to_owned(), open_folder(files.path()).unwrap())])
    };
    load("settings: {max_deletes: 9, destroy_allowed: [\"/Secret/shop/old\"]}\n").unwrap();
    for (text, says) in [
        ("settings: {max_delets: 9}", "did you mean `max_deletes`?"),
        ("settings: {frobnicate: 9}", "there is no setting `frobnicate`"),
        ("settings: {max_deletes: \"9\"}", "must be a whole number"),
        ("settings: {max_deletes: -1}", "must be a whole number"),
        ("settings: {max_deletes: 1.5}", "must be a whole number"),
        ("settings: {max_deletes: null}", "must be a whole number"),
        ("settings: {destroy_allowed: x}", "must be a list of texts"),
        ("settings: {destroy_allowed: [1]}", "must be a list of texts"),
        ("settings: {outage_role: 1}", "must be a text"),
        ("settings: [1]", "must be an object"),
    ] {
        let problems = match load(text) {
            Err(BundleError::Content(problems)) => problems,
            other => panic!("{text}: {other:?}"),
        };
        let shown = format!("{} {}", problems[0], problems[0].hint);
        assert!(shown.contains(says) && shown.contains("p/settings.yaml"), "{shown}");
    }
    let files = folder(&[
        ("a.json", "{\"settings\":{\"max_deletes\":1}}"),
        ("b.json", "{\"settings\":{\"max_deletes\":1}}"),
    ]);
    let twice = Bundle::load(true, &[("p".to_owned(), open_folder(files.path()).unwrap())]);
    assert!(twice.unwrap_err().to_string().contains("more than one file"));
}

#[test]
fn a_setting_that_is_overridden_decides() {
    let files = folder(&[("s.json", "{\"settings\":{\"max_changes\":0}}")]);
    let bundle = Bundle::load(true, &[("p".to_owned(), open_folder(files.path()).unwrap())]);
    let plan = small_plan().to_string();
    let verdict = judge(program(), &bundle.unwrap(), plan.as_bytes(), limits()).unwrap();
    assert_eq!(verdict.deny[0].rule, "countersign.blast_radius.too_many_changes");
    let bundle = Bundle::load(true, &[]).unwrap();
    let verdict = judge(program(), &bundle, plan.as_bytes(), limits()).unwrap();
    assert!(verdict.passes() && verdict.rules > 12, "{verdict:?}");
}

#[test]
fn the_digest_is_the_one_that_is_written_down() {
    let sha = |text: &str| Digest::of(text.as_bytes()).to_string();
    let bundle = load(&[("b/m.rego", RULE), ("a.json", "{}")]).unwrap();
    let rows = json!([
        ["builtin", "", "absent"],
        ["engine", ENGINE_NAME, ENGINE_VERSION],
        ["p", "a.json", sha("{}")],
        ["p", "b/m.rego", sha(RULE)],
    ]);
    assert_eq!(bundle.digest(), Digest::of(&canonical::to_jcs(&rows).unwrap()));
}

#[test]
fn the_digest_changes_with_every_file_and_with_nothing_else() {
    let digest = |files: &[(&str, &str)]| load(files).unwrap().digest();
    let one = digest(&[("m.rego", RULE), ("m_test.rego", "package t\n"), ("d.json", "{}")]);
    let again =
        digest(&[("d.json", "{}"), ("m_test.rego", "package t\n"), ("m.rego", RULE), (".x", "y")]);
    assert_eq!(one, again);
    for other in [
        &[("m.rego", RULE), ("m_test.rego", "package u\n"), ("d.json", "{}")][..],
        &[("m.rego", RULE), ("m_test.rego", "package t\n"), ("d.json", "{ }")],
        &[("n.rego", RULE), ("m_test.rego", "package t\n"), ("d.json", "{}")],
        &[("m.rego", RULE), ("m_test.rego", "package t\n")],
    ] {
        assert_ne!(one, digest(other), "{other:?}");
    }
    let files = folder(&[("m.rego", RULE)]);
    let named = |builtin: bool, name: &str| {
        let folder = open_folder(files.path()).unwrap();
        Bundle::load(builtin, &[(name.to_owned(), folder)]).unwrap().digest()
    };
    assert_ne!(named(false, "p"), named(false, "q"));
    assert_ne!(named(false, "p"), named(true, "p"));
}

#[test]
fn the_order_in_which_bundles_are_named_changes_nothing() {
    let one = folder(&[("m.rego", "package one\ndeny contains \"1\" if true\n")]);
    let two = folder(&[(
        "m.rego",
        "package two\ndeny contains \"2\" if true\ndeny contains \"3\" if true\n",
    )]);
    let judged = |folders: &[(&str, &tempfile::TempDir)]| {
        let folders: Vec<_> = folders
            .iter()
            .map(|(name, folder)| ((*name).to_owned(), open_folder(folder.path()).unwrap()))
            .collect();
        let bundle = Bundle::load(true, &folders).unwrap();
        let plan = small_plan().to_string();
        let verdict = judge(program(), &bundle, plan.as_bytes(), limits()).unwrap();
        canonical::to_bytes(&verdict).unwrap()
    };
    let first = judged(&[("a", &one), ("b", &two)]);
    assert_eq!(first, judged(&[("b", &two), ("a", &one)]));
    assert_eq!(first, judged(&[("a", &one), ("b", &two)]));
}
