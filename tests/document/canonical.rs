//! Canonical bytes against the published test data, an independent crate, and random values.

use std::fmt::Write as _;
use std::path::PathBuf;

use countersign::document::canonical::{self, CanonicalError};
use countersign::document::ident::Digest;
use proptest::prelude::*;
use serde_json::Value;

fn vectors() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/vectors/rfc8785")
}

#[test]
fn the_published_files_come_out_as_published() {
    let mut seen = 0;
    for entry in std::fs::read_dir(vectors().join("input")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        let input = canonical::parse_strict(&std::fs::read(&path).unwrap()).unwrap();
        let wanted = std::fs::read(vectors().join("output").join(name)).unwrap();
        seen += 1;
        if name == "values.json" {
            // It holds 1E30, which the strict profile refuses instead of writing `1e+30`.
            let error = canonical::to_jcs(&input).unwrap_err();
            assert!(
                matches!(&error, CanonicalError::Integer { at, .. } if at.as_str() == "/numbers/1")
            );
            continue;
        }
        assert_eq!(canonical::to_jcs(&input).unwrap(), wanted, "{name:?}");
    }
    assert_eq!(seen, 6);
}

/// The published sample: fixed bit patterns, 2,000 subnormals in a row, then a chain of SHA-256.
/// Its digests by number of lines are published beside it.
#[test]
fn ten_thousand_published_numbers_are_written_as_ecmascript_writes_them() {
    let fixed = std::fs::read_to_string(vectors().join("es6-bits.txt")).unwrap();
    let mut bits: Vec<u64> =
        fixed.lines().map(|line| u64::from_str_radix(line, 16).unwrap()).collect();
    bits.extend((0..2_000).map(|n| 0x0010_0000_0000_0000 + n));
    let mut block = [0_u8; 32];
    while bits.len() < 10_000 {
        block = *Digest::of(&block).as_bytes();
        for part in block.as_chunks::<8>().0 {
            let candidate = u64::from_le_bytes(*part);
            let float = f64::from_bits(candidate);
            if float != 0.0 && float.is_finite() {
                bits.push(candidate);
            }
        }
    }
    let mut lines = String::new();
    for (index, bits) in bits[..10_000].iter().enumerate() {
        let text = canonical::float_text(f64::from_bits(*bits));
        writeln!(lines, "{bits:x},{text}").unwrap();
        if index + 1 == 1_000 {
            let digest = "be18b62b6f69cdab33a7e0dae0d9cfa869fda80ddc712221570f9f40a5878687";
            assert_eq!(Digest::of(lines.as_bytes()).to_string(), digest);
        }
    }
    let digest = "b9f7a8e75ef22a835685a52ccba7f7d6bdc99e34b010992cbc5864cd12be6892";
    assert_eq!(Digest::of(lines.as_bytes()).to_string(), digest);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-(canonical::MAX_INTEGER as i64)..=canonical::MAX_INTEGER as i64).prop_map(Value::from),
        (-1.0e9..1.0e9_f64).prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(".*", inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn an_independent_writer_gives_the_same_bytes(value in value()) {
        let ours = canonical::to_jcs(&value).unwrap();
        prop_assert_eq!(&ours, &serde_json_canonicalizer::to_vec(&value).unwrap());
    }

    #[test]
    fn canonical_bytes_read_back_to_themselves(value in value()) {
        let bytes = canonical::to_bytes(&value).unwrap();
        let again = canonical::read_value(&bytes).unwrap();
        prop_assert_eq!(canonical::to_bytes(&again).unwrap(), bytes);
    }

    #[test]
    fn any_other_spelling_is_refused(value in value(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let bytes = canonical::to_bytes(&value).unwrap();
        let mut other = bytes.clone();
        let at = at.index(other.len());
        other[at] = byte;
        if let Ok(read) = canonical::read_value(&other) {
            prop_assert_eq!(canonical::to_bytes(&read).unwrap(), other);
        }
        let pretty = serde_json::to_vec_pretty(&value).unwrap();
        prop_assert!(canonical::read_value(&pretty).is_err());
    }
}
