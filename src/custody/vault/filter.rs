//! Takes known values out of text that somebody else wrote. What is left holds no eight bytes in a
//! row of a value, however a server spells it.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// What stands for a piece of a value.
pub const HIDDEN: &str = "(secret)";
/// What stands for a whole text while a value is known that is too short to be looked for.
pub const WITHHELD: &str = "(withheld: it may repeat a secret value)";

/// How many bytes of a value in a row are looked for. A server that quotes a part of a body does
/// not quote it from where a value begins.
const PIECE: usize = 8;
/// Values that are shorter than this cannot be told from other text.
const SHORTEST: usize = 4;

type Spelling = Zeroizing<Vec<u8>>;

/// A text without the values.
pub(super) fn filter<'v>(text: &str, values: impl Iterator<Item = &'v [u8]>) -> String {
    if text.is_empty() {
        return String::new();
    }
    let mut search = Search::of(text.as_bytes());
    for value in values {
        // Blanks around a value need not be in a message with it, and blanks alone hide nothing.
        let trimmed = value.trim_ascii();
        if trimmed.is_empty() {
            continue;
        }
        if trimmed.len() < SHORTEST {
            return WITHHELD.to_owned();
        }
        for spelling in spellings(trimmed) {
            search.look_for(&spelling);
        }
    }
    search.hidden(text)
}

/// Whether a text holds a whole value in one of its spellings. A short value is looked for in base64
/// alone.
pub(super) fn holds(text: &str, value: &[u8]) -> bool {
    let trimmed = value.trim_ascii();
    if trimmed.is_empty() {
        return false;
    }
    let found = |spelling: &[u8]| {
        spelling.len() >= SHORTEST
            && text.as_bytes().windows(spelling.len()).any(|window| window == spelling)
    };
    let padded = Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(value));
    found(padded.as_bytes()) || spellings(trimmed).iter().any(|spelling| found(spelling))
}

/// How a value may stand in a message.
fn spellings(value: &[u8]) -> Vec<Spelling> {
    let mut found: Vec<Spelling> = vec![Zeroizing::new(value.to_vec())];
    let mut add = |spelling: Vec<u8>| {
        let spelling = Zeroizing::new(spelling);
        if !found.contains(&spelling) {
            found.push(spelling);
        }
    };
    if let Ok(text) = std::str::from_utf8(value) {
        let once = Zeroizing::new(quoted(text));
        add(quoted(&once).into_bytes());
        // As Go writes JSON that may end in a page.
        let mut page = Zeroizing::new(once.replace('<', "\\u003c").replace('>', "\\u003e"));
        page = Zeroizing::new(page.replace('&', "\\u0026"));
        add(quoted(&page).into_bytes());
        add(page.as_bytes().to_vec());
        add(once.as_bytes().to_vec());
    }
    // As Go quotes bytes.
    add(value.escape_ascii().to_string().into_bytes());
    for offset in 0..3 {
        add(inside(value, offset, &STANDARD_NO_PAD));
        add(inside(value, offset, &URL_SAFE_NO_PAD));
    }
    found
}

/// The characters of base64 that a value alone decides, where `offset` bytes stand before it in
/// their group of three.
fn inside(value: &[u8], offset: usize, alphabet: &impl base64::Engine) -> Vec<u8> {
    let mut bytes = Zeroizing::new(vec![0; offset]);
    bytes.extend_from_slice(value);
    let text = Zeroizing::new(alphabet.encode(&bytes));
    let (first, end) = ((offset * 8).div_ceil(6), bytes.len() * 8 / 6);
    text.as_bytes().get(first..end).unwrap_or_default().to_vec()
}

/// The text of a JSON string, without its quotes.
fn quoted(text: &str) -> String {
    let mut quoted = Zeroizing::new(serde_json::Value::String(text.to_owned()).to_string());
    quoted.pop();
    if !quoted.is_empty() {
        quoted.remove(0);
    }
    std::mem::take(&mut quoted)
}

/// A text, and what of it is to be hidden.
struct Search<'t> {
    text: &'t [u8],
    /// Every run of [`PIECE`] bytes of the text, and whether a value holds it.
    pieces: HashMap<&'t [u8], bool>,
    /// Places of spellings that are shorter than that.
    short: Vec<(usize, usize)>,
}

impl<'t> Search<'t> {
    fn of(text: &'t [u8]) -> Self {
        let pieces = text.windows(PIECE).map(|piece| (piece, false)).collect();
        Self { text, pieces, short: Vec::new() }
    }

    fn look_for(&mut self, spelling: &[u8]) {
        if spelling.len() >= PIECE {
            for piece in spelling.windows(PIECE) {
                if let Some(found) = self.pieces.get_mut(piece) {
                    *found = true;
                }
            }
        } else if !spelling.is_empty() {
            let windows = self.text.windows(spelling.len()).enumerate();
            let found = windows.filter(|(_, window)| *window == spelling);
            self.short.extend(found.map(|(start, _)| (start, start + spelling.len())));
        }
    }

    /// `text`, which is the text, with each run of bytes that was found replaced.
    fn hidden(self, text: &str) -> String {
        let Self { text: bytes, pieces, mut short } = self;
        let long = bytes.windows(PIECE).enumerate();
        let long = long.filter(|(_, piece)| pieces.get(piece) == Some(&true));
        short.extend(long.map(|(start, _)| (start, start + PIECE)));
        short.sort_unstable();
        let (mut out, mut done) = (String::with_capacity(text.len()), 0);
        for (start, end) in short {
            // A run that begins or ends within a character takes all of it.
            let start = text.floor_char_boundary(start);
            let end = text.ceil_char_boundary(end);
            if end <= done {
                continue;
            }
            if start > done || done == 0 {
                out.push_str(text.get(done..start).unwrap_or_default());
                out.push_str(HIDDEN);
            }
            done = end;
        }
        out.push_str(text.get(done..).unwrap_or_default());
        out
    }
}
