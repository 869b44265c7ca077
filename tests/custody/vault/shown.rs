//! What is sent has the values; what is kept, shown or said has masks.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use countersign::custody::vault::{HIDDEN, SourceWorld, Vault, VaultError, WITHHELD};
use countersign::document::operation::ResourceRef;
use serde_json::{Value, json};

use super::{CANARY, Sources, base64, body, canary, label, mask, pointer, said, secret, shop_db};

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
