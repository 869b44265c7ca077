//! Canonical bytes straight from a document, without a tree of values in between: as fast and as
//! small as the bytes themselves. What it is not made for it leaves to the way over a value, which
//! gives the same bytes and says what is wrong.

mod shapes;

use std::ops::Range;

use serde::ser::{self, Serialize};
use thiserror::Error;

use super::{MAX_DEPTH, MAX_INTEGER, name_order, write_string};

/// This document is to be written over a value.
#[derive(Debug, Error)]
#[error("not to be written directly")]
pub(super) struct Unsuited;

impl ser::Error for Unsuited {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self
    }
}

/// The RFC 8785 bytes of a document.
pub(super) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Unsuited> {
    let mut encoder = Encoder::default();
    value.serialize(&mut encoder)?;
    Ok(encoder.out)
}

/// One member that was written: its name, and where it stands with its name.
struct Member {
    name: Range<usize>,
    at: Range<usize>,
}

#[derive(Default)]
struct Encoder {
    out: Vec<u8>,
    depth: usize,
    /// Members of every object that is open, the innermost last.
    members: Vec<Member>,
    /// Their names, one after the other.
    names: String,
}

impl Encoder {
    fn integer(&mut self, magnitude: u64, negative: bool) -> Result<(), Unsuited> {
        if magnitude > MAX_INTEGER {
            return Err(Unsuited);
        }
        if negative {
            self.out.push(b'-');
        }
        let mut digits = [0_u8; 20];
        let mut rest = magnitude;
        let mut used = 0;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).map_err(|_| Unsuited)?;
            rest /= 10;
            used += 1;
            if rest == 0 {
                break;
            }
        }
        self.out.extend(digits.iter().skip(digits.len() - used));
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Unsuited> {
        write_string(text, &mut self.out).map_err(|_| Unsuited)
    }

    /// Opens a list or an object.
    fn open(&mut self, bracket: u8) -> Result<Inside<'_>, Unsuited> {
        // What stands in it is one deeper, and an empty one may stand at the limit.
        self.depth += 1;
        self.out.push(bracket);
        let (start, first, names) = (self.out.len(), self.members.len(), self.names.len());
        Ok(Inside { encoder: self, start, first, names, empty: true, sorted: true })
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unsuited> {
        if self.depth > MAX_DEPTH {
            return Err(Unsuited);
        }
        value.serialize(self)
    }

    fn variant(&mut self, name: &str) -> Result<(), Unsuited> {
        self.depth += 1;
        self.out.push(b'{');
        self.text(name)?;
        self.out.push(b':');
        Ok(())
    }

    fn end_variant(&mut self) {
        self.depth -= 1;
        self.out.push(b'}');
    }
}

/// A list or an object that is being written.
struct Inside<'e> {
    encoder: &'e mut Encoder,
    /// Where its content starts.
    start: usize,
    /// Where its members and their names start.
    first: usize,
    names: usize,
    empty: bool,
    sorted: bool,
}

impl Inside<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unsuited> {
        if !std::mem::take(&mut self.empty) {
            self.encoder.out.push(b',');
        }
        self.encoder.value(value)
    }

    fn end_list(self) {
        self.encoder.depth -= 1;
        self.encoder.out.push(b']');
    }

    /// Begins a member: `write` writes its name as a text.
    fn begin(
        &mut self,
        write: impl FnOnce(&mut Encoder) -> Result<(), Unsuited>,
    ) -> Result<(), Unsuited> {
        let encoder = &mut *self.encoder;
        if encoder.members.len() > self.first {
            encoder.out.push(b',');
        }
        let start = encoder.out.len();
        write(encoder)?;
        let written = encoder.out.get(start..).unwrap_or_default();
        let [b'"', inner @ .., b'"'] = written else { return Err(Unsuited) };
        let named = encoder.names.len();
        if inner.contains(&b'\\') {
            let name: String = serde_json::from_slice(written).map_err(|_| Unsuited)?;
            encoder.names.push_str(&name);
        } else {
            encoder.names.push_str(std::str::from_utf8(inner).map_err(|_| Unsuited)?);
        }
        encoder.out.push(b':');
        let name = named..encoder.names.len();
        if let Some(last) = encoder.members.get(self.first..).and_then(<[Member]>::last) {
            let text = |range: &Range<usize>| encoder.names.get(range.clone()).unwrap_or_default();
            self.sorted &= name_order(text(&last.name), text(&name)).is_lt();
        }
        encoder.members.push(Member { name, at: start..start });
        Ok(())
    }

    fn finish<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unsuited> {
        self.encoder.value(value)?;
        let end = self.encoder.out.len();
        if let Some(member) = self.encoder.members.last_mut() {
            member.at.end = end;
        }
        Ok(())
    }

    fn end_object(self) -> Result<(), Unsuited> {
        let Self { encoder, start, first, names, empty: _, sorted } = self;
        if !sorted {
            let Encoder { out, members, names, .. } = &mut *encoder;
            let members = members.get_mut(first..).unwrap_or_default();
            let name = |member: &Member| names.get(member.name.clone()).unwrap_or_default();
            members.sort_by(|a, b| name_order(name(a), name(b)));
            // A name that stands twice has one value in a document, and which is not decided here.
            if members.windows(2).any(|two| matches!(two, [a, b] if name(a) == name(b))) {
                return Err(Unsuited);
            }
            let mut ordered = Vec::with_capacity(out.len() - start);
            for (index, member) in members.iter().enumerate() {
                if index > 0 {
                    ordered.push(b',');
                }
                ordered.extend_from_slice(out.get(member.at.clone()).unwrap_or_default());
            }
            out.truncate(start);
            out.extend_from_slice(&ordered);
        }
        encoder.members.truncate(first);
        encoder.names.truncate(names);
        encoder.depth -= 1;
        encoder.out.push(b'}');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::document::canonical::over_a_value;

    #[derive(serde::Serialize, PartialEq, Eq, PartialOrd, Ord)]
    #[serde(rename_all = "kebab-case")]
    enum Word {
        TwoWords,
        One(u8),
    }

    #[derive(serde::Serialize)]
    struct All {
        zebra: Option<bool>,
        #[serde(rename = "\u{fb33}")]
        high: char,
        #[serde(rename = "\u{1f602}")]
        pair: (i64, f64),
        #[serde(rename = "a\"b")]
        quoted: Word,
        by_word: BTreeMap<Word, Vec<Word>>,
        aardvark: serde_json::Value,
    }

    #[test]
    fn both_ways_give_the_same_bytes() {
        let inner = json!({"b": {"z": [1.5, {}, []], "\u{1}": ""}, "a": null, "a\\": -0.0});
        let all = All {
            zebra: None,
            high: 'é',
            pair: (-9_007_199_254_740_991, 1e-7),
            quoted: Word::One(0),
            by_word: BTreeMap::from([(Word::TwoWords, vec![Word::One(255), Word::TwoWords])]),
            aardvark: inner,
        };
        let direct = encode(&[&all, &all]).unwrap();
        assert_eq!(direct, over_a_value(&[&all, &all]).unwrap());
    }

    #[test]
    fn what_has_no_canonical_bytes_has_none_directly() {
        let mut deep = json!(1);
        for _ in 0..MAX_DEPTH {
            deep = json!([deep]);
        }
        assert!(encode(&deep).is_ok());
        let deeper = json!({ "a": deep });
        for bad in [deeper, json!(9_007_199_254_740_992_u64), json!(1e20)] {
            assert!(encode(&bad).is_err() && over_a_value(&bad).is_err(), "{bad}");
        }
        let twice: BTreeMap<(), ()> = BTreeMap::from([((), ())]);
        assert!(encode(&twice).is_err(), "a name that is no text");
        assert!(encode(&f64::NAN).is_err());
    }
}
