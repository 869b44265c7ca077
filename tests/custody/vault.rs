//! Values go from their source to the places that the configuration names, and nowhere else: not
//! into an error, a `Debug`, a message of a server, or what a plan holds.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use countersign::causes;
use countersign::config::Secret;
use countersign::custody::masking::MaskingKey;
use countersign::custody::vault::{
    CommandError, HIDDEN, MOST, Reference, SourceWorld, Vault, VaultError, WITHHELD, references,
    touches_a_secret,
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

#[test]
fn what_is_sent_has_the_values_and_what_is_shown_has_not() {
    let vault = canary();
    let encoded = base64(CANARY.as_bytes());
    let db = json!({"$secret": "db"});
    let asked = body(&json!({"data": {"password": db, "gone": null}, "stringData": {"other": db}}));
    let filled = vault.fill(&shop_db(), &asked).unwrap();
    let expected = body(
        &json!({"data": {"password": encoded, "gone": null}, "stringData": {"other": CANARY}}),
    );
    assert_eq!(*filled.body(), expected);
    assert_eq!(format!("{filled:?}"), "Filled(not shown)");
    let patch = json!([
        {"op": "add", "path": "/data/password", "value": db},
        {"op": "replace", "path": "/stringData", "value": {"other": db}},
        {"op": "remove", "path": "/data/x"},
        {"op": "add", "path": "/metadata/labels/x", "value": "y"},
    ]);
    let filled = vault.fill(&shop_db(), &patch).unwrap();
    let mut expected = patch.clone();
    expected[0]["value"] = json!(encoded);
    expected[1]["value"]["other"] = json!(CANARY);
    assert_eq!(*filled.body(), expected);
    // Other kinds have no such places.
    let map = ResourceRef { kind: "ConfigMap".to_owned(), ..shop_db() };
    assert_eq!(*vault.fill(&map, &asked).unwrap().body(), asked);
    assert_eq!(vault.masked(&map, &expected, None).unwrap(), expected);
    for shown in [format!("{vault:?}"), format!("{vault:#?}")] {
        assert!(!shown.contains("canary") && shown.contains("db"), "{shown}");
    }
}

#[test]
fn a_body_with_anything_but_references_is_not_sent() {
    let vault = canary();
    for members in [
        json!({"data": {"password": "canary"}}),
        json!({"data": {"password": {"$secret": "db", "x": 1}}}),
        json!({"data": {"password": {"$secret": "Canary"}}}),
        json!({"data": {"password": 7}}),
        json!({"data": "canary"}),
        json!({"stringData": ["canary"]}),
    ] {
        let error = vault.fill(&shop_db(), &body(&members)).unwrap_err();
        assert!(matches!(error, VaultError::Literal { .. }), "{error:?}");
        assert!(!said(&error).to_lowercase().contains("canary"), "{error:?}");
    }
    let bytes = Sources::new();
    bytes.write("bytes", b"\xffcanary", 0o600);
    let places = ["Secret/shop/db#/data/password"];
    let asked = |member: &str| body(&json!({member: {"password": {"$secret": "db"}}}));
    let entry = secret("db", json!({"file": "bytes"}), &places);
    let vault = bytes.open(&[entry], asked("data")).unwrap();
    assert!(vault.fill(&shop_db(), &asked("data")).is_ok());
    let error = vault.fill(&shop_db(), &asked("stringData")).unwrap_err();
    assert!(said(&error).contains("Secret/shop/db#/stringData/password"), "{error:?}");
    assert!(matches!(error, VaultError::NotText { .. }) && !said(&error).contains("canary"));
}

#[test]
fn a_value_masks_alike_wherever_it_is_spelled_and_unlike_anywhere_else() {
    let vault = canary();
    let masked = |vault: &Vault, resource: &ResourceRef, members: Value, at: &str| {
        let masked = vault.masked(resource, &body(&members), None).unwrap();
        masked.pointer(at).unwrap().as_str().unwrap().to_owned()
    };
    let here = masked(&vault, &shop_db(), json!({"data": {"a": base64(b"value")}}), "/data/a");
    assert!(here.starts_with("hmac-sha256:") && here.len() == 76, "{here}");
    let text = json!({"stringData": {"a": "value"}});
    assert_eq!(masked(&vault, &shop_db(), text, "/stringData/a"), here);
    let direct = vault.mask(&shop_db().id(), &pointer("/data/a"), b"value").unwrap();
    assert_eq!(direct, here);
    let other = ResourceRef { name: "db2".to_owned(), ..shop_db() };
    let entry = secret("db", json!({"env": "CANARY"}), &["Secret/shop/db#/data/password"]);
    let sources = Sources::new();
    let world = SourceWorld {
        environment: &sources.environment,
        folder: sources.folder.path(),
        patience: sources.patience,
        interrupted: &|| false,
    };
    let elsewhere =
        Vault::open(&BTreeMap::from([entry]), &[], &label("main"), Some(mask("another")), world)
            .unwrap();
    let value =
        json!({"data": {"a": base64(b"value"), "b": base64(b"value"), "c": base64(b"Value")}});
    let all = [
        here,
        masked(&vault, &shop_db(), value.clone(), "/data/b"),
        masked(&vault, &shop_db(), value.clone(), "/data/c"),
        masked(&vault, &other, value.clone(), "/data/a"),
        masked(&elsewhere, &shop_db(), value, "/data/a"),
    ];
    let different: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len(), "{all:#?}");
}

#[test]
fn what_is_masked_holds_no_value_in_any_corner() {
    let vault = canary();
    let encoded = base64(CANARY.as_bytes());
    let old = "old-canary-value";
    let live = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": "db", "namespace": "shop", "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": "{\"data\":{\"short\":\"eA==\"}}",
            "kapp.k14s.io/original": "{\"data\":{\"short\":\"eA==\"}}",
            "objectset.rio.cattle.io/applied": "H4sIAAAAAAAA/3JMTkktAgQAAP//",
            "note": format!("it was {old}, trust me"),
            "encoded": format!("x{}", base64(old.as_bytes())),
            "brief": "eA==",
            "plain": "kept as it is",
        }},
        "data": {
            "password": encoded, "old": base64(old.as_bytes()), "short": "eA==", "bad": "canary!",
            "number": 7, "list": ["canary"], "none": null,
        },
        "stringData": "canary",
    });
    let masked = vault.masked(&shop_db(), &live, None).unwrap();
    let text = masked.to_string();
    for leak in ["canary", old, &encoded, &base64(old.as_bytes()), "eA==", "H4sI"] {
        assert!(!text.contains(leak), "{leak} in {masked:#}");
    }
    let annotations = masked["metadata"]["annotations"].as_object().unwrap();
    assert_eq!(annotations.len(), 6, "{masked:#}");
    assert_eq!(annotations["plain"], "kept as it is");
    assert_eq!(masked["type"], "Opaque");
    assert!(masked["data"]["none"].is_null() && masked["stringData"].is_string());
    // Every value is known from now on.
    assert_eq!(vault.filter("x"), WITHHELD);
    // Of an object without other annotations nothing is left of them.
    let live = json!({"metadata": {"annotations":
        {"kubectl.kubernetes.io/last-applied-configuration": "{}"}}});
    assert_eq!(vault.masked(&shop_db(), &live, None).unwrap(), json!({"metadata": {}}));
}

#[test]
fn a_reference_is_kept_where_the_value_is_that_of_the_entry() {
    let db = json!({"$secret": "db"});
    let asked = body(&json!({"data": {"other": db}, "stringData": {"password": db}}));
    let live = |password: &str| {
        body(&json!({"data": {
            "password": base64(password.as_bytes()), "other": base64(b"another value"),
        }}))
    };
    let vault = canary();
    let after = vault.masked(&shop_db(), &live(CANARY), Some(&asked)).unwrap();
    let mask = vault.mask(&shop_db().id(), &pointer("/data/password"), CANARY.as_bytes()).unwrap();
    let named = json!({"$secret": {"name": "db", "value": mask}});
    assert_eq!(after["data"]["password"], named);
    // Somebody else decides what stands there: it is not said to be the entry's.
    assert!(after["data"]["other"].is_string(), "{after:#}");
    let before = vault.masked(&shop_db(), &live("old"), Some(&asked)).unwrap();
    assert!(before["data"]["password"].is_string(), "{before:#}");
    assert_eq!(vault.masked(&shop_db(), &live(CANARY), Some(&asked)).unwrap(), after);
    // What nobody could rehearse has the references themselves.
    let deferred = vault.masked(&shop_db(), &asked, Some(&asked)).unwrap();
    assert_eq!(deferred["stringData"]["password"], named);
    // So has a JSON patch.
    let patch = json!([{"op": "replace", "path": "/data/password", "value": db}]);
    let after = vault.masked(&shop_db(), &live(CANARY), Some(&patch)).unwrap();
    assert_eq!(after["data"]["password"], named);
}

#[test]
fn every_spelling_of_a_value_is_taken_out_of_a_message() {
    let vault = canary();
    vault.seen(b"tiny");
    vault.seen(b"  padded-on-the-target\n");
    vault.seen(&[0xff, 0xfe, 0xfb, 0xef, 0xbe, 0x00, 0x01, 0xff, 0xfe]);
    let quoted = json!(CANARY).to_string();
    let twice = json!(quoted).to_string();
    let page = quoted.replace('<', "\\u003c").replace('&', "\\u0026");
    for (before, spelled, after) in [
        ("Secret \"db\" is invalid: ", CANARY.to_owned(), " is too long"),
        ("Invalid value: ", quoted.clone(), ": no"),
        ("Invalid value: ", page, ": no"),
        ("in ", twice, "|..."),
        ("in ", base64(CANARY.as_bytes()), " at byte 4"),
        ("in ", base64(CANARY.as_bytes()).trim_end_matches('=').to_owned(), " at byte 4"),
        ("é", "tiny".to_owned(), "é"),
        ("is ", base64(b"tiny"), "."),
        ("is ", "padded-on-the-target".to_owned(), "."),
        ("is ", base64(b"padded-on-the-target\n"), "."),
        ("is ", base64(&[0xff, 0xfe, 0xfb, 0xef, 0xbe, 0x00, 0x01, 0xff, 0xfe]), "."),
        ("is ", "__77774AAf_-".to_owned(), "."),
    ] {
        let text = format!("{before}{spelled}{after}");
        let shown = vault.filter(&text);
        assert!(shown.contains(HIDDEN), "{text}: {shown}");
        for piece in pieces(&spelled, 8) {
            assert!(!shown.contains(&piece), "{text}: {shown}");
        }
        assert!(shown.starts_with(before) && shown.ends_with(after), "{text}: {shown}");
    }
    for offset in 0..3 {
        let body = format!("{}{{\"password\":\"{CANARY}\"}}", " ".repeat(offset));
        let text = format!("cannot read {}", base64(body.as_bytes()));
        let shown = vault.filter(&text);
        assert!(shown.starts_with("cannot read ") && shown.contains(HIDDEN), "{shown}");
    }
    // A server that quotes some bytes of a body around the place of an error.
    let shown = vault.filter("error found in #10 byte of ...|anary-7Qx\\\"|..., bigger context");
    assert_eq!(shown, "error found in #10 byte of ...|(secret)|..., bigger context");
    for harmless in ["", "nothing to see", "can can can", "é ü ß", "tin"] {
        assert_eq!(vault.filter(harmless), harmless);
    }
    assert_eq!(vault.filter("tinytiny and tiny"), "(secret) and (secret)");
}

#[test]
fn what_is_learned_of_a_live_secret_is_filtered_without_being_masked() {
    let vault = Vault::empty();
    let live =
        body(&json!({"data": {"a": base64(b"learned-value"), "n": null, "bad": "not base64!"},
        "stringData": {"b": "written-value"}}));
    let map = ResourceRef { kind: "ConfigMap".to_owned(), ..shop_db() };
    vault.learn(&map, &live);
    let text = "learned-value, not base64!, written-value";
    assert_eq!(vault.filter(text), text);
    vault.learn(&shop_db(), &live);
    assert_eq!(vault.filter(text), "(secret), (secret), (secret)");
}

#[test]
fn a_text_is_withheld_while_a_value_is_known_that_cannot_be_looked_for() {
    let vault = canary();
    for blank in ["", "\n", "   "] {
        vault.seen(blank.as_bytes());
        assert_eq!(vault.filter("as it is"), "as it is");
    }
    vault.seen(b"no\n");
    assert_eq!(vault.filter("any text at all"), WITHHELD);
    assert_eq!(vault.filter(""), "");
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(200))]

    /// Whatever stands around a value, and whatever it is, no eight bytes of it come through.
    #[test]
    fn no_piece_of_a_value_comes_through(
        value in "[ -~é😀\\n]{8,60}", before in "[ -~é]{0,20}", after in "[ -~é]{0,20}", cut in 0_usize..20,
    ) {
        let vault = Vault::empty();
        vault.seen(value.as_bytes());
        let some: String = value.chars().skip(cut).collect();
        let shown = vault.filter(&format!("{before}{some}{after}"));
        let shown = shown.replace(HIDDEN, "\u{0}");
        for piece in pieces(value.trim(), 8) {
            proptest::prop_assert!(!shown.contains(&piece), "{shown:?} has {piece:?}");
        }
    }
}

/// Every run of this many characters.
fn pieces(text: &str, length: usize) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters.windows(length).map(|piece| piece.iter().collect()).collect()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn a_message_of_a_page_is_filtered_in_no_time() {
    let vault = Vault::empty();
    for index in 0..200_u32 {
        vault.seen(format!("{index:04}-{}", "x".repeat(4000)).as_bytes());
    }
    let text = "x".repeat(64 << 10);
    let started = Instant::now();
    assert_eq!(vault.filter(&text), HIDDEN);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}
