//! Canonical bytes: RFC 8785 (JCS) plus one line feed, under a strict profile. `read` accepts a
//! byte string only if writing what it means gives the same bytes again.

mod encode;

use std::cmp::Ordering;
use std::io::Write as _;

use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use thiserror::Error;

use super::ident::Pointer;

/// The largest integer that every JSON reader keeps exactly: 2^53 - 1.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// Deepest nesting of arrays and objects that is read or written.
pub const MAX_DEPTH: usize = 64;

/// Why something has no canonical bytes, or bytes are not canonical.
#[derive(Debug, Error)]
pub enum CanonicalError {
    /// An integer that other readers would round.
    #[error("the number {number} at {at:?} is beyond +-(2^53-1); write it as a string")]
    Integer {
        /// Where it stands.
        at: Pointer,
        /// How it is spelled.
        number: String,
    },
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels at {at:?}")]
    Depth {
        /// Where the limit was passed.
        at: Pointer,
    },
    /// The text is not JSON, or a member stands twice.
    #[error("not strict JSON: {0}")]
    Json(serde_json::Error),
    /// Valid JSON of the wrong shape: an unknown or missing member, another type.
    #[error("not the expected document: {0}")]
    Shape(serde_json::Error),
    /// JSON with other bytes than its canonical form.
    #[error("not canonical: differs from its canonical form at byte {at}")]
    Bytes {
        /// Offset of the first byte that differs.
        at: usize,
    },
}

/// The canonical bytes of `value`, with the final line feed.
///
/// # Errors
/// [`CanonicalError`] for an integer beyond 2^53-1 or nesting beyond the limit.
pub fn to_bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    let mut bytes = to_jcs(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The RFC 8785 bytes of `value`, without a line feed.
///
/// # Errors
/// As [`to_bytes`].
pub fn to_jcs<T: Serialize>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    match encode::encode(value) {
        Ok(bytes) => Ok(bytes),
        Err(encode::Unsuited) => over_a_value(value),
    }
}

fn over_a_value<T: Serialize>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    let value = serde_json::to_value(value).map_err(CanonicalError::Shape)?;
    let mut out = Vec::new();
    write(&value, &Path::Root, 0, &mut out)?;
    Ok(out)
}

/// Reads canonical bytes: strict JSON, no member twice, and `to_bytes(read(bytes)) == bytes`.
///
/// # Errors
/// [`CanonicalError`], which says what differs and where.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CanonicalError> {
    let value = read_value(bytes)?;
    serde_json::from_value(value).map_err(CanonicalError::Shape)
}

/// Reads canonical bytes as a plain JSON value.
///
/// # Errors
/// As [`read`], without the shape.
pub fn read_value(bytes: &[u8]) -> Result<Value, CanonicalError> {
    read_ending(bytes, b"\n")
}

/// As [`read_value`], for bytes without the final line feed: those of [`to_jcs`].
///
/// # Errors
/// As [`read_value`].
pub fn read_jcs(bytes: &[u8]) -> Result<Value, CanonicalError> {
    read_ending(bytes, b"")
}

fn read_ending(bytes: &[u8], ending: &[u8]) -> Result<Value, CanonicalError> {
    let value = parse_strict(bytes)?;
    let mut again = Vec::with_capacity(bytes.len());
    write(&value, &Path::Root, 0, &mut again)?;
    again.extend_from_slice(ending);
    if again == bytes {
        return Ok(value);
    }
    let at = again.iter().zip(bytes).take_while(|(a, b)| a == b).count();
    Err(CanonicalError::Bytes { at })
}

/// Whether bytes are canonical, whatever they mean.
///
/// # Errors
/// As [`read_value`].
pub fn check(bytes: &[u8]) -> Result<(), CanonicalError> {
    read_value(bytes).map(|_| ())
}

/// Parses JSON in which no object has a member twice; whitespace and order are free.
///
/// # Errors
/// [`CanonicalError::Json`] with line and column.
pub fn parse_strict(bytes: &[u8]) -> Result<Value, CanonicalError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict.deserialize(&mut reader).map_err(CanonicalError::Json)?;
    reader.end().map_err(CanonicalError::Json)?;
    Ok(value)
}

/// The way down to a value, kept on the stack so that it costs nothing until an error needs it.
enum Path<'a> {
    Root,
    Member(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl Path<'_> {
    fn pointer(&self) -> Pointer {
        match self {
            Self::Root => Pointer::default(),
            Self::Member(parent, name) => parent.pointer().join(name),
            Self::Item(parent, index) => parent.pointer().join(&index.to_string()),
        }
    }
}

fn write(
    value: &Value,
    path: &Path<'_>,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), CanonicalError> {
    if depth > MAX_DEPTH {
        return Err(CanonicalError::Depth { at: path.pointer() });
    }
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(number, path, out)?,
        Value::String(text) => write_string(text, out)?,
        Value::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(item, &Path::Item(path, index), depth + 1, out)?;
            }
            out.push(b']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by(|(a, _), (b, _)| name_order(a, b));
            out.push(b'{');
            for (index, (name, item)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_string(name, out)?;
                out.push(b':');
                write(item, &Path::Member(path, name), depth + 1, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

/// The order of members, RFC 8785, 3.2.3: by UTF-16 code units. UTF-8 order is the same below
/// U+D800.
fn name_order(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

fn write_number(
    number: &serde_json::Number,
    path: &Path<'_>,
    out: &mut Vec<u8>,
) -> Result<(), CanonicalError> {
    let refuse = || CanonicalError::Integer { at: path.pointer(), number: number.to_string() };
    if let Some(integer) = number.as_i64() {
        if integer.unsigned_abs() > MAX_INTEGER {
            return Err(refuse());
        }
        return write!(out, "{integer}").map_err(|_| refuse());
    }
    let float = number.as_f64().filter(|_| !number.is_u64()).ok_or_else(refuse)?;
    if float.fract() == 0.0 && float.abs() > MAX_INTEGER as f64 {
        return Err(refuse());
    }
    out.extend_from_slice(float_text(float).as_bytes());
    Ok(())
}

/// The text of a finite number as ECMAScript's Number::toString gives it, which RFC 8785,
/// 3.2.2.3 asks for. Knows nothing of the profile.
pub fn float_text(float: f64) -> String {
    ryu_js::Buffer::new().format_finite(float).to_owned()
}

fn write_string(text: &str, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
    // serde_json escapes exactly what RFC 8785, 3.2.2.2 asks for, in lower-case hexadecimal.
    serde_json::to_writer(out, text).map_err(CanonicalError::Json)
}

/// Builds a value and refuses a member that stands twice, which `Value` alone would overwrite.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;
    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Strict)? {
            list.push(item);
        }
        Ok(list.into())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = serde_json::Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if map.contains_key(&name) {
                return Err(serde::de::Error::custom(format_args!("member {name:?} stands twice")));
            }
            let value = members.next_value_seed(Strict)?;
            map.insert(name, value);
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn features_that_would_change_numbers_are_as_pinned() {
        // float_roundtrip on: this value is off by one unit in the last place without it.
        assert_eq!(
            serde_json::from_str::<f64>("10.090009999999999").unwrap().to_bits(),
            0x4024_2e15_ca6c_a03c_u64
        );
        // arbitrary_precision off: with it, this object would turn into a number.
        let magic = r#"{"$serde_json::private::Number":"1e5"}"#;
        assert!(serde_json::from_str::<Value>(magic).unwrap().is_object());
        // preserve_order off: maps are sorted.
        let value: Value = serde_json::from_str(r#"{"b":1,"a":2}"#).unwrap();
        assert_eq!(value.to_string(), r#"{"a":2,"b":1}"#);
    }

    #[test]
    fn what_is_written_reads_back() {
        let value = json!({"b": [1, -2, 0.25, 1e-7, 1e20], "a": "é\u{1}\"\\\u{7f}", "\u{fb33}": 1, "\u{1f602}": null});
        assert!(to_bytes(&value).is_err(), "1e20 is an integer beyond 2^53");
        let value = json!({"b": [1, -2, 0.25, 1e-7, 2.5e21], "\u{fb33}": 1, "\u{1f602}": null});
        assert!(to_bytes(&value).is_err(), "2.5e21 is integral");
        let value = json!({"b": [1, -2, 0.25, 1e-7], "\u{fb33}": 1, "\u{1f602}": null});
        let bytes = to_bytes(&value).unwrap();
        assert_eq!(
            String::from_utf8_lossy(&bytes),
            "{\"b\":[1,-2,0.25,1e-7],\"\u{1f602}\":null,\"\u{fb33}\":1}\n"
        );
        assert_eq!(read_value(&bytes).unwrap(), value);
    }

    #[test]
    fn everything_that_is_not_canonical_is_refused() {
        for bad in [
            "{\"a\":1,\"a\":1}\n",
            "{\"b\":1,\"a\":1}\n",
            "{ \"a\":1}\n",
            "{\"a\":1}",
            "{\"a\":1}\n\n",
            "{\"a\":1.0}\n",
            "{\"a\":1e2}\n",
            "{\"a\":-0}\n",
            "{\"a\":9007199254740992}\n",
            "{\"a\":9223372036854775807}\n",
            "{\"a\":9007199254740993.0}\n",
            "{\"a\":1e400}\n",
            "{\"a\":\"\\u0061\"}\n",
            "{\"a\":\"\\/\"}\n",
            "{\"a\":\"\\ud800\"}\n",
            "\u{feff}{}\n",
            "",
            "{\"\\u0061\":1,\"a\":1}\n",
        ] {
            assert!(read_value(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(read_value(b"{\"a\":\"\xff\"}\n").is_err());
        assert!(read_value(b"{\"a\":9007199254740991}\n").is_ok());
    }

    #[test]
    fn an_integer_that_would_be_rounded_is_named_by_its_pointer() {
        let error = to_bytes(&json!({"spec": [{"n": 9_007_199_254_740_992_u64}]})).unwrap_err();
        assert!(error.to_string().contains("/spec/0/n"), "{error}");
    }

    #[test]
    fn nesting_is_bounded_on_the_way_in_and_out() {
        let deep = format!("{}1{}\n", "[".repeat(65), "]".repeat(65));
        assert!(matches!(read_value(deep.as_bytes()), Err(CanonicalError::Depth { .. })));
        let bomb = "[".repeat(100_000);
        assert!(matches!(read_value(bomb.as_bytes()), Err(CanonicalError::Json(_))));
    }
}
