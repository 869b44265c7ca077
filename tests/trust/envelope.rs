//! Envelopes that must be refused, each for its own reason, and checks by another library.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use countersign::document::canonical;
use countersign::document::ident::Digest;
use countersign::document::statement::{Decision, PAYLOAD_TYPE, Statement};
use countersign::trust::Verified;
use countersign::trust::envelope::{Envelope, EnvelopeError, MAX_BYTES, SealError, seal};
use countersign::trust::key::PublicKey;
use countersign::trust::sign::{Sign, SignError};
use serde_json::{Value, json};

use super::quorum::approval;
use crate::support::trust::{public, python, run, secret};

const PAYLOAD: &[u8] = b"{\"says\":\"the very bytes?>>\"}";

fn open(bytes: &[u8], keys: &[&PublicKey]) -> Result<Verified, EnvelopeError> {
    Envelope::parse(bytes)?.verify(keys)
}

/// The envelope of [`PAYLOAD`] as a value to be spoilt.
fn envelope(seed: u8) -> Value {
    serde_json::from_slice(&seal(PAYLOAD, &secret(seed)).unwrap()).unwrap()
}

/// The bytes of an envelope that was spoilt: only its members are wrong, not its spelling.
fn spelled(envelope: &Value) -> Vec<u8> {
    canonical::to_bytes(envelope).unwrap()
}

fn signature(envelope: &Value) -> Vec<u8> {
    STANDARD.decode(envelope["signatures"][0]["sig"].as_str().unwrap()).unwrap()
}

#[test]
fn what_is_sealed_opens_under_its_key_alone() {
    let sealed = seal(PAYLOAD, &secret(1)).unwrap();
    assert!(sealed.ends_with(b"}\n"));
    let verified = open(&sealed, &[&public(2), &public(1)]).unwrap();
    assert_eq!((verified.payload(), verified.key()), (PAYLOAD, &public(1)));
    for keys in [&[][..], &[&public(2), &public(3)]] {
        let refused = open(&sealed, keys).unwrap_err();
        assert!(
            matches!(&refused, EnvelopeError::NotSigned { tried, named }
                if *tried == keys.len() && *named == public(1).fingerprint().to_string()),
            "{refused}"
        );
    }
}

#[test]
fn no_bit_of_an_envelope_can_be_another() {
    let sealed = seal(PAYLOAD, &secret(1)).unwrap();
    for at in 0..sealed.len() {
        for bit in 0..8 {
            let mut other = sealed.clone();
            other[at] ^= 1 << bit;
            assert!(open(&other, &[&public(1), &public(2)]).is_err(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn a_cut_or_doubled_envelope_is_refused() {
    let sealed = seal(PAYLOAD, &secret(1)).unwrap();
    for end in 0..sealed.len() {
        assert!(open(&sealed[..end], &[&public(1)]).is_err(), "cut at {end}");
        assert!(open(&sealed[end + 1..], &[&public(1)]).is_err(), "cut before {end}");
        let twice = [&sealed[..=end], &sealed[end..]].concat();
        assert!(open(&twice, &[&public(1)]).is_err(), "twice at {end}");
    }
    let doubled = [&sealed[..], &sealed[..]].concat();
    assert!(matches!(open(&doubled, &[&public(1)]), Err(EnvelopeError::Spelling(_))));
}

#[test]
fn an_envelope_has_one_spelling() {
    let sealed = seal(PAYLOAD, &secret(1)).unwrap();
    let text = String::from_utf8(sealed.clone()).unwrap();
    let value = envelope(1);
    let members = |order: [&str; 3]| {
        let member = |name: &str| format!("{}:{}", json!(name), value[name]);
        format!("{{{}}}\n", order.map(member).join(","))
    };
    assert_eq!(members(["payload", "payloadType", "signatures"]), text);
    for other in [
        value.to_string(),
        format!("{text}\n"),
        format!(" {text}"),
        text.replace('\n', "\r\n"),
        text.replace('\n', " "),
        format!("{}\n", serde_json::to_string_pretty(&value).unwrap()),
        text.replacen("\":", "\": ", 1),
        members(["payloadType", "payload", "signatures"]),
        members(["signatures", "payload", "payloadType"]),
        text.replacen("application/vnd", "application\\/vnd", 1),
        text.replacen("payload\"", "p\\u0061yload\"", 1),
    ] {
        let refused = open(other.as_bytes(), &[&public(1)]).unwrap_err();
        assert!(matches!(refused, EnvelopeError::Spelling(_)), "{other}: {refused}");
    }
    assert!(open(&sealed, &[&public(1)]).is_ok());
}

#[test]
fn the_key_that_is_named_chooses_nothing_and_must_be_the_one_that_signed() {
    for named in [public(1).fingerprint().to_string(), String::new(), "\u{202e}rubbish".to_owned()]
    {
        let mut by_bob = envelope(2);
        by_bob["signatures"][0]["keyid"] = named.clone().into();
        let bytes = spelled(&by_bob);
        let refused = open(&bytes, &[&public(1), &public(2)]).unwrap_err();
        assert!(
            matches!(&refused, EnvelopeError::KeyId { named: found, signer }
                if *found == named && *signer == public(2).fingerprint()),
            "{refused}"
        );
        let refused = open(&bytes, &[&public(1)]).unwrap_err();
        assert!(matches!(refused, EnvelopeError::NotSigned { tried: 1, .. }), "{refused}");
    }
}

#[test]
fn one_spelling_of_base64_is_read() {
    let mut envelope = envelope(1);
    let payload = STANDARD.encode(PAYLOAD);
    assert!(payload.contains(['+', '/']), "the payload shows the difference");
    let mixed = format!("{payload}{}", URL_SAFE.encode([0xff; 3]));
    let unused_bits = {
        let mut text = STANDARD.encode(b"ab");
        text.replace_range(2..3, "J");
        text
    };
    for bad in [
        URL_SAFE.encode(PAYLOAD),
        payload.trim_end_matches('=').to_owned() + "=====",
        format!("{payload}\n"),
        format!(" {payload}"),
        format!("{}\n{}", &payload[..4], &payload[4..]),
        format!("{payload}="),
        mixed,
        unused_bits,
        "YQ".to_owned(),
        "é".to_owned(),
    ] {
        envelope["payload"] = bad.clone().into();
        let refused = open(&spelled(&envelope), &[&public(1)]).unwrap_err();
        assert!(matches!(refused, EnvelopeError::Base64("payload")), "{bad:?}: {refused}");
    }
}

#[test]
fn every_other_shape_has_its_own_refusal() {
    let good = envelope(1);
    let with = |spoil: &dyn Fn(&mut Value)| {
        let mut envelope = good.clone();
        spoil(&mut envelope);
        String::from_utf8(spelled(&envelope)).unwrap()
    };
    let text = good.to_string();
    let one = good["signatures"][0].clone();
    let table: Vec<(String, &str)> = vec![
        (with(&|e| e["payloadType"] = "application/json".into()), "payloadType is"),
        (
            with(&|e| e["payloadType"] = "application/vnd.in-toto.approval+json".into()),
            "payloadType is",
        ),
        (with(&|e| e["payloadType"] = PAYLOAD_TYPE.to_uppercase().into()), "payloadType is"),
        (with(&|e| e["payloadType"] = "".into()), "payloadType is"),
        (with(&|e| e["payloadType"] = 1.into()), "payloadType is not a text"),
        (with(&|e| e["PAYLOADTYPE"] = "x".into()), "unknown member \"PAYLOADTYPE\""),
        (with(&|e| e["extra"] = Value::Null), "unknown member \"extra\""),
        (with(&|e| e["signatures"][0]["cert"] = "x".into()), "unknown member \"cert\""),
        (with(&|e| e["signatures"][0]["KeyId"] = "x".into()), "unknown member \"KeyId\""),
        (with(&|e| drop(e.as_object_mut().unwrap().remove("payload"))), "no payload"),
        (with(&|e| drop(e.as_object_mut().unwrap().remove("payloadType"))), "no payloadType"),
        (with(&|e| drop(e.as_object_mut().unwrap().remove("signatures"))), "no signatures"),
        (with(&|e| drop(e["signatures"][0].as_object_mut().unwrap().remove("sig"))), "no sig"),
        (with(&|e| drop(e["signatures"][0].as_object_mut().unwrap().remove("keyid"))), "no keyid"),
        (with(&|e| e["signatures"] = json!([])), "0 signatures"),
        (with(&|e| e["signatures"] = json!([one, one])), "2 signatures"),
        (with(&|e| e["signatures"] = vec![one.clone(); 10_000].into()), "10000 signatures"),
        (with(&|e| e["signatures"] = one.clone()), "signatures is not a list"),
        (with(&|e| e["signatures"] = json!([["x"]])), "signatures[0] is not an object"),
        (with(&|e| e["signatures"][0]["keyid"] = Value::Null), "keyid is not a text"),
        (with(&|e| e["signatures"][0]["sig"] = STANDARD.encode([0; 63]).into()), "63 bytes"),
        (with(&|e| e["signatures"][0]["sig"] = STANDARD.encode([0; 65]).into()), "65 bytes"),
        (with(&|e| e["signatures"][0]["sig"] = "".into()), "0 bytes"),
        (with(&|e| e["signatures"][0]["sig"] = STANDARD.encode([0; 64]).into()), "not signed"),
        (with(&|e| e["payload"] = "".into()), "not signed"),
        (format!("[{text}]\n"), "whole is not an object"),
        (
            format!("[\"{}\",\"{PAYLOAD_TYPE}\",[]]\n", STANDARD.encode(PAYLOAD)),
            "whole is not an object",
        ),
        (format!("{text}{text}"), "not canonical JSON"),
        (format!("{text}\n{{"), "not canonical JSON"),
        (format!("\u{feff}{text}"), "not canonical JSON"),
        (text.replacen('{', "{\"payload\":\"\",", 1), "not canonical JSON"),
        (text.replacen('{', "{\"payloadType\":\"x\",", 1), "not canonical JSON"),
        (text.replacen('{', "{\"signatures\":[],", 1), "not canonical JSON"),
        (text.replacen('{', "{\"\\u0070ayload\":\"\",", 1), "not canonical JSON"),
        (text.replacen("\"sig\"", "\"sig\":\"\",\"sig\"", 1), "not canonical JSON"),
        ("[".repeat(100_000), "not canonical JSON"),
        (String::new(), "not canonical JSON"),
        (" ".repeat(MAX_BYTES + 1), "larger than"),
    ];
    for (bytes, wanted) in table {
        let refused = open(bytes.as_bytes(), &[&public(1)]).unwrap_err().to_string();
        assert!(refused.contains(wanted), "{wanted}: {refused}");
    }
}

#[test]
fn a_signature_over_anything_but_the_encoding_is_refused() {
    let key = secret(1);
    let body = STANDARD.encode(PAYLOAD);
    let prefixed = |kind: &str, length: usize, body: &[u8]| {
        [format!("DSSEv1 {} {kind} {length} ", kind.len()).as_bytes(), body].concat()
    };
    let right = prefixed(PAYLOAD_TYPE, PAYLOAD.len(), PAYLOAD);
    let mut good = envelope(1);
    assert_eq!(signature(&good), key.sign(&right).unwrap());
    for message in [
        PAYLOAD.to_vec(),
        body.clone().into_bytes(),
        prefixed(PAYLOAD_TYPE, body.len(), body.as_bytes()),
        prefixed(PAYLOAD_TYPE, PAYLOAD.len() + 1, PAYLOAD),
        prefixed("application/json", PAYLOAD.len(), PAYLOAD),
        prefixed("", PAYLOAD.len(), PAYLOAD),
        right[..right.len() - 1].to_vec(),
        [&right[..], b"\n"].concat(),
    ] {
        good["signatures"][0]["sig"] = STANDARD.encode(key.sign(&message).unwrap()).into();
        let refused = open(&spelled(&good), &[&public(1)]).unwrap_err();
        assert!(matches!(refused, EnvelopeError::NotSigned { .. }), "{refused}");
    }
}

#[test]
fn a_payload_that_is_not_text_is_signed_bytes_all_the_same() {
    let payload = [0xff, 0x00, 0xfe];
    let sealed = seal(&payload, &secret(1)).unwrap();
    let verified = open(&sealed, &[&public(1)]).unwrap();
    assert_eq!(verified.payload(), payload);
    let read = Statement::<countersign::document::statement::Approval>::from_bytes(&payload);
    assert!(read.is_err());
}

/// Says it is one key and signs with another.
struct Liar;

impl Sign for Liar {
    fn public(&self) -> &PublicKey {
        static KEY: std::sync::OnceLock<PublicKey> = std::sync::OnceLock::new();
        KEY.get_or_init(|| public(1))
    }
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        secret(2).sign(message)
    }
}

#[test]
fn nothing_is_sealed_with_a_signature_that_does_not_verify() {
    assert!(
        matches!(seal(PAYLOAD, &Liar), Err(SealError::Wrong(key)) if key == public(1).fingerprint())
    );
}

#[test]
fn nothing_is_sealed_that_would_be_too_large_to_open() {
    let payload = vec![b' '; MAX_BYTES / 4 * 3];
    assert!(matches!(seal(&payload, &secret(1)), Err(SealError::TooLarge)));
}

#[test]
fn securesystemslib_accepts_what_is_sealed_and_not_what_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let statement = Statement {
        plan: Digest::of(b"plan"),
        predicate: approval("alice", Decision::Approve, 1, 1),
    };
    let sealed = seal(&statement.to_bytes().unwrap(), &secret(1)).unwrap();
    let (file, key) = (folder.path().join("a.intoto.json"), folder.path().join("a.pub"));
    std::fs::write(&file, &sealed).unwrap();
    std::fs::write(&key, public(1).to_openssh()).unwrap();
    let check = || {
        let mut command = Command::new(python());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/others/check.py");
        command.arg(script).arg("dsse").arg(&file).arg(&key);
        command
    };
    let said = run(&mut check());
    assert_eq!(said.trim(), format!("dsse urn:countersign:approval:v1 {}", Digest::of(b"plan")));
    let text = String::from_utf8(sealed).unwrap().replacen("payload\":\"eyJ", "payload\":\"eyK", 1);
    std::fs::write(&file, text).unwrap();
    assert!(!check().output().unwrap().status.success());
}
