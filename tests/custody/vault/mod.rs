//! Values go from their source to the places that the configuration names, and nowhere else: not
//! into an error, a `Debug`, a message of a server, or what a plan holds.

mod shown;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use countersign::causes;
use countersign::config::Secret;
use countersign::custody::masking::MaskingKey;
use countersign::custody::vault::{
    CommandError, MOST, Reference, SourceWorld, Vault, VaultError, references, touches_a_secret,
};
use countersign::document::ident::{Label, Pointer, ResourceId};
use countersign::document::operation::{Operation, ResourceRef};
use serde_json::{Value, json};

/// A value that must be found nowhere.
const CANARY: &str = "canary-7Qx\"&<é";

fn label(text: &str) -> Label {
    text.parse().unwrap()
}

fn pointer(text: &str) -> Pointer {
    text.parse().unwrap()
}

fn shop_db() -> ResourceRef {
    ResourceRef {
        api_version: "v1".to_owned(),
        kind: "Secret".to_owned(),
        namespace: "shop".to_owned(),
        name: "db".to_owned(),
    }
}

fn secret(of: &str, source: Value, places: &[&str]) -> (Label, Secret) {
    let mut entry = json!({"targets": ["main"], "pointers": places});
    for (member, value) in source.as_object().unwrap() {
        entry[member] = value.clone();
    }
    (label(of), serde_json::from_value(entry).unwrap())
}

/// An operation as a plan holds it.
fn operation(verb: &str, body: Value) -> Operation {
    serde_json::from_value(json!({
        "id": "op-1", "verb": verb, "body": body, "reason": "", "dependsOn": [],
        "replace": "refused", "force": "refused", "wait": {"ready": true, "timeoutSeconds": 600},
    }))
    .unwrap()
}

fn body(members: &Value) -> Value {
    let mut body = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "shop"},
    });
    for (member, value) in members.as_object().unwrap() {
        body[member] = value.clone();
    }
    body
}

struct Sources {
    folder: tempfile::TempDir,
    environment: Vec<(OsString, OsString)>,
    patience: Duration,
}

impl Sources {
    fn new() -> Self {
        let path = std::env::var_os("PATH").unwrap();
        Self {
            folder: tempfile::tempdir().unwrap(),
            environment: vec![("PATH".into(), path), ("CANARY".into(), CANARY.into())],
            patience: Duration::from_secs(30),
        }
    }

    fn write(&self, name: &str, bytes: &[u8], mode: u32) {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn open(&self, entries: &[(Label, Secret)], body: Value) -> Result<Vault, VaultError> {
        self.open_for(entries, &references(&operation("apply", body)), &|| false)
    }

    fn open_for(
        &self,
        entries: &[(Label, Secret)],
        references: &[Reference],
        interrupted: &dyn Fn() -> bool,
    ) -> Result<Vault, VaultError> {
        let entries: BTreeMap<_, _> = entries.iter().cloned().collect();
        Vault::open(
            &entries,
            references,
            &label("main"),
            Some(mask("p")),
            SourceWorld {
                environment: &self.environment,
                folder: self.folder.path(),
                patience: self.patience,
                interrupted,
            },
        )
    }

    /// A vault with one entry, `db`, for `/data/password`, from this source.
    fn one(&self, source: Value) -> Result<Vault, VaultError> {
        let entry = secret("db", source, &["Secret/shop/db#/data/password"]);
        self.open(&[entry], body(&json!({"data": {"password": {"$secret": "db"}}})))
    }

    fn read(&self, source: Value) -> Vec<u8> {
        let vault = self.one(source).unwrap();
        let at = pointer("/data/password");
        vault.value(&label("db"), &shop_db().id(), &at).unwrap().to_vec()
    }
}

fn mask(plan: &str) -> (String, countersign::custody::masking::PlanMask) {
    let key = MaskingKey::parse(&"0a".repeat(32)).unwrap();
    let mask = key.of_plan(&label("shop"), &label("prod"), &label(plan)).unwrap();
    (key.id().unwrap(), mask)
}

/// Everything that an error says of itself.
fn said(error: &VaultError) -> String {
    format!("{} {error:?}", causes::line(error))
}

/// A vault whose only entry has the canary, for two places.
fn canary() -> Vault {
    let places = ["Secret/shop/db#/data/password", "Secret/shop/db#/stringData/other"];
    let entry = secret("db", json!({"env": "CANARY"}), &places);
    let asked = body(&json!({"data": {"password": {"$secret": "db"}}}));
    Sources::new().open(&[entry], asked).unwrap()
}

#[test]
fn each_source_gives_its_bytes_without_one_line_feed_at_the_end() {
    let sources = Sources::new();
    sources.write("value", b"\xff\x00a\n\n", 0o644);
    sources.write("print", b"#!/bin/sh\nprintf '%s\\n\\n' \"$1$CANARY\"; echo noise >&2\n", 0o755);
    assert_eq!(sources.read(json!({"env": "CANARY"})), CANARY.as_bytes());
    assert_eq!(sources.read(json!({"file": "value"})), b"\xff\x00a\n");
    let whole = sources.folder.path().join("value").display().to_string();
    assert_eq!(sources.read(json!({"file": whole})), b"\xff\x00a\n");
    let printed = sources.read(json!({"command": ["./print", "$HOME;`id`"]}));
    assert_eq!(printed, format!("$HOME;`id`{CANARY}\n").as_bytes());
    // A name is looked for in the PATH that is handed on; standard input has nothing.
    assert_eq!(sources.read(json!({"command": ["sh", "-c", "cat; printf x"]})), b"x");
    assert_eq!(sources.read(json!({"command": ["sh", "-c", "pwd -P"]})), {
        let folder = sources.folder.path().canonicalize().unwrap();
        folder.display().to_string().into_bytes()
    });
}

#[test]
fn a_source_is_read_once_however_often_it_is_referred_to() {
    let sources = Sources::new();
    let count = json!({"command": ["sh", "-c", "echo x >> count; echo value"]});
    let places = ["Secret/shop/db#/data/a", "Secret/shop/db#/data/b"];
    let asked = body(&json!({"data": {"a": {"$secret": "db"}, "b": {"$secret": "db"}}}));
    sources.open(&[secret("db", count, &places)], asked).unwrap();
    assert_eq!(std::fs::read(sources.folder.path().join("count")).unwrap(), b"x\n");
}

#[test]
fn a_source_that_gives_nothing_is_refused_and_nothing_of_it_is_repeated() {
    let mut sources = Sources::new();
    sources.patience = Duration::from_millis(300);
    sources.environment.push(("EMPTY".into(), "".into()));
    sources.write("empty", b"\n", 0o600);
    sources.write("large-canary", &vec![b'x'; usize::try_from(MOST).unwrap() + 1], 0o600);
    std::os::unix::fs::symlink("empty", sources.folder.path().join("link-canary")).unwrap();
    let shell = |script: &str| json!({"command": ["sh", "-c", script, "canary-argument"]});
    let large = format!("head -c {} /dev/zero", MOST + 1);
    for (source, expected) in [
        (json!({"env": "NOT_SET"}), "environment variable NOT_SET is not set"),
        (json!({"env": "EMPTY"}), "its environment variable is empty"),
        (json!({"file": "empty"}), "its file is empty"),
        (json!({"file": "canary-missing"}), "its file cannot be used: it cannot be"),
        (json!({"file": "link-canary"}), "it is no plain file"),
        (json!({"file": "."}), "its file cannot be used"),
        (json!({"file": "large-canary"}), "larger than 1048576 bytes"),
        (shell("true"), "its command is empty"),
        (shell("echo canary; echo canary >&2; exit 3"), "sh gave no value: it ended with exit"),
        (shell("kill -9 $$"), "it ended with signal: 9"),
        (shell("echo canary; sleep 60"), "it did not end within 0.3 s"),
        // What it leaves behind keeps its answer open.
        (shell("echo canary; sleep 60 & exit 0"), "it did not end within 0.3 s"),
        (shell(&large), "prints more than 104857"),
        (shell("cat /dev/zero"), "prints more than 104857"),
        (json!({"command": ["no-such-program", "canary"]}), "it cannot be run"),
    ] {
        let started = Instant::now();
        let error = sources.one(source.clone()).unwrap_err();
        let said = said(&error);
        assert!(causes::line(&error).contains(expected), "{source}: {said}");
        assert!(said.contains("secret db"), "{source}: {said}");
        assert!(!said.to_lowercase().contains("canary"), "{source}: {said}");
        assert!(started.elapsed() < Duration::from_secs(20), "{source}");
    }
}

#[test]
fn a_command_is_ended_with_all_that_it_started_when_somebody_asks_to_stop() {
    let sources = Sources::new();
    let script = "sleep 300 & echo $! > child; wait";
    let entry =
        secret("db", json!({"command": ["sh", "-c", script]}), &["Secret/shop/db#/data/password"]);
    let asked =
        references(&operation("apply", body(&json!({"data": {"password": {"$secret": "db"}}}))));
    let noted = sources.folder.path().join("child");
    let child = || std::fs::read_to_string(&noted).unwrap_or_default();
    let error = sources.open_for(&[entry], &asked, &|| child().ends_with('\n')).unwrap_err();
    let VaultError::Command { source, .. } = &error else { panic!("{error:?}") };
    assert!(matches!(source, CommandError::Interrupted));
    let process = format!("/proc/{}/stat", child().trim());
    if !Path::new("/proc/self/stat").exists() {
        return;
    }
    // Whoever inherits it takes a moment to bury it.
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::fs::read_to_string(&process).is_ok_and(|stat| !stat.contains(") Z ")) {
        assert!(Instant::now() < deadline, "it is still at work");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_reference_beyond_its_reach_is_refused_before_a_source_is_touched() {
    let sources = Sources::new();
    let touch = json!({"command": ["sh", "-c", "echo x >> touched; echo value"]});
    let good = "Secret/shop/db#/data/password";
    let asked = |members: &Value| {
        let mut whole = body(members);
        whole["data"]["first"] = json!({"$secret": "first"});
        whole
    };
    let here = json!({"data": {"password": {"$secret": "db"}}});
    let mut elsewhere = secret("db", touch.clone(), &[good]);
    elsewhere.1.targets = vec![label("edge")];
    let entry = |places: &[&str]| secret("db", touch.clone(), places);
    for (entry, members, expected) in [
        (elsewhere, here.clone(), "may not go to target main; its `targets` are edge"),
        (entry(&[]), here.clone(), "its `pointers` are none"),
        (entry(&["Secret/shop/db2#/data/password"]), here.clone(), "may not go to"),
        (entry(&["Secret/stage/db#/data/password"]), here.clone(), "may not go to"),
        (entry(&["Secret/shop/db#/data"]), here.clone(), "may not go to"),
        (entry(&["Secret/shop/db#/data/passwor"]), here.clone(), "may not go to"),
        (entry(&["ConfigMap/shop/db#/data/password"]), here.clone(), "may not go to"),
        (
            entry(&[good]),
            json!({"stringData": {"other": {"$secret": "db"}}}),
            "may not go to Secret/shop/db#/data/other; its `pointers` are Secret/shop/db#/data/password",
        ),
        (
            entry(&[good]),
            json!({"data": {"password": {"$secret": "bd"}}}),
            "secret bd is no entry of countersign.toml; it has db, first",
        ),
    ] {
        let first = secret("first", touch.clone(), &["Secret/shop/db#/data/first"]);
        let error = sources.open(&[entry, first], asked(&members)).unwrap_err();
        assert!(said(&error).contains(expected), "{error:?}");
        assert!(!sources.folder.path().join("touched").exists(), "{error:?}");
    }
    // The two spellings of one place are one place.
    for (place, member) in [(good, "stringData"), ("Secret/shop/db#/stringData/password", "data")] {
        let asked = body(&json!({member: {"password": {"$secret": "db"}}}));
        sources.open(&[entry(&[place])], asked).unwrap();
    }
}

#[test]
fn a_value_is_given_to_no_other_place() {
    let vault = canary();
    let (name, id) = (label("db"), shop_db().id());
    assert_eq!(vault.value(&name, &id, &pointer("/data/other")).unwrap(), CANARY.as_bytes());
    let other: ResourceId = "/Secret/shop/db2".parse().unwrap();
    for (name, id, at) in [
        ("db", &id, "/data/third"),
        ("db", &id, "/data"),
        ("db", &other, "/data/password"),
        ("no", &id, "/data/password"),
    ] {
        let error = vault.value(&label(name), id, &pointer(at)).unwrap_err();
        assert!(!said(&error).contains("canary"), "{error:?}");
    }
}

#[test]
fn every_reference_of_an_operation_is_found_and_no_other_text() {
    let db = json!({"$secret": "db"});
    let resource = json!({"apiVersion": "v1", "kind": "Secret", "namespace": "shop", "name": "db"});
    let patch = |patch: Value| json!({"resource": resource, "patch": patch});
    let operations = json!([
        {"op": "add", "path": "/data/a", "value": db},
        {"op": "replace", "path": "/stringData", "value": {"b~/": db}},
        {"op": "remove", "path": "/data/c"},
        {"op": "add", "path": "/metadata/labels/x", "value": "y"},
    ]);
    for (verb, body, expected) in [
        (
            "apply",
            body(&json!({"data": {"a": db, "n": null}, "stringData": {"b": db}, "type": "x"})),
            vec!["/data/a", "/stringData/b"],
        ),
        ("apply", body(&json!({"spec": {"a": db}})), vec![]),
        ("patch", patch(json!({"merge": {"data": {"a": db}}})), vec!["/data/a"]),
        ("patch", patch(json!({"operations": operations})), vec!["/data/a", "/stringData/b~0~1"]),
        ("delete", json!({"resource": resource, "propagation": "Background"}), vec![]),
        (
            "apply",
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "db"}, "data": {"a": db}}),
            vec![],
        ),
    ] {
        let operation = operation(verb, body);
        let found = references(&operation);
        let at: Vec<_> = found.iter().map(|one| one.at.as_str()).collect();
        assert_eq!(at, expected, "{operation:?}");
        assert!(found.iter().all(|one| one.name.as_str() == "db"));
    }
}

#[test]
fn only_a_proposal_with_a_secret_needs_the_masking_key() {
    let proposal = |body: Value| {
        serde_json::from_value(json!({
            "project": "shop", "name": "p", "environment": "prod", "target": "main",
            "planner": "planner", "requestedBy": "", "intent": {"request": "", "summary": ""},
            "operations": [operation("apply", body)],
        }))
        .unwrap()
    };
    assert!(touches_a_secret(&proposal(body(&json!({})))));
    let other = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "db"}});
    assert!(!touches_a_secret(&proposal(other)));
    let vault = Vault::empty();
    assert_eq!(vault.key_id(), "");
    let live = body(&json!({"data": {"a": "YQ=="}}));
    let error = vault.masked(&shop_db(), &live, None).unwrap_err();
    assert!(matches!(error, VaultError::NoKey { .. }) && !said(&error).contains("YQ=="));
    assert!(said(&error).contains("Secret/shop/db#/data/a"));
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
