//! Untrusted text becomes text that is only read. What comes out is one line without a control
//! character, an invisible character or anything that moves other text; nothing is left out without
//! a count; and whatever is escaped can be told from text that only looks like an escape.

use std::fmt::Write as _;

use serde_json::Value;
use unicode_security::{GeneralSecurityProfile as _, MixedScript as _, skeleton};
use unicode_width::UnicodeWidthChar as _;

/// Combining marks that one letter may carry; the rest of a pile is escaped.
const MARKS: usize = 3;

/// What a text is, which says how much it may look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name: only printable ASCII without spaces stays as it is, and a name that looks like
    /// another is followed by what it looks like.
    Name,
    /// A value beside words of ours: letters of right-to-left scripts, which would move those
    /// words, and letters that pass for ASCII ones are escaped.
    Value,
    /// Sentences of a person, a model or a server: letters that pass for ASCII ones are escaped
    /// where a word mixes scripts.
    Prose,
    /// A line of a file: as prose.
    Source,
}

/// A text that was made harmless.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neutral {
    /// The text, one line.
    pub text: String,
    /// Characters of the original that it leaves out, which it also says itself.
    pub cut: usize,
}

/// Makes `text` harmless. At most `columns` columns of it are shown, followed by a count of the
/// characters that are left out.
pub fn neutral(text: &str, kind: Kind, columns: usize) -> Neutral {
    // A column takes a letter and its marks at most: no more than this is looked at.
    let most = columns.saturating_add(1).saturating_mul(MARKS + 1);
    let end = text.char_indices().nth(most).map_or(text.len(), |(at, _)| at);
    let head = text.get(..end).unwrap_or_default();
    let mut writer = Writer { out: String::new(), used: 0, columns, taken: 0, marks: MARKS };
    let whole = words(head).all(|word| writer.word(word, kind)) && end == text.len();
    let Writer { mut out, taken, .. } = writer;
    let cut = if whole { 0 } else { text.chars().count().saturating_sub(taken) };
    if cut > 0 {
        let _ = write!(out, "… [{cut} more characters]");
    } else if kind == Kind::Name {
        if text.is_empty() {
            out.push_str("\"\"");
        } else if let Some(other) = looks_like(text) {
            let _ = write!(out, " (looks like {other})");
        }
    }
    Neutral { text: out, cut }
}

/// Text of a person, a model or a server for a terminal, whole.
pub fn terminal(text: &str) -> String {
    neutral(text, Kind::Prose, usize::MAX).text
}

/// Text for a Markdown document, whole: one code span, in which no Markdown, HTML, link, mention
/// or reference is alive. It can stand anywhere in a line, but not inside a block of HTML.
pub fn markdown(text: &str) -> String {
    code_span(&terminal(text))
}

/// Text for an HTML document, whole: for element content and for quoted attributes.
pub fn html(text: &str) -> String {
    escape_html(&terminal(text))
}

/// A code span around text that is one line already. CommonMark 6.1: it ends at the first run of
/// exactly as many backticks, and loses one space on both sides if it has one on both.
pub(super) fn code_span(line: &str) -> String {
    if line.is_empty() {
        return code_span("\"\"");
    }
    let ticks = "`".repeat(longest_run(line, '`') + 1);
    let edge = |c: Option<char>| c.is_some_and(|c| c == '`' || c == ' ');
    let blank = line.chars().all(|c| c == ' ');
    if !blank && (edge(line.chars().next()) || edge(line.chars().next_back())) {
        return format!("{ticks} {line} {ticks}");
    }
    format!("{ticks}{line}{ticks}")
}

/// The length of the longest run of `wanted`.
pub(super) fn longest_run(text: &str, wanted: char) -> usize {
    text.split(|c| c != wanted).map(str::len).max().unwrap_or_default() / wanted.len_utf8()
}

/// Escapes what HTML reads as markup.
pub(super) fn escape_html(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '`' => out.push_str("&#96;"),
            _ => out.push(c),
        }
    }
    out
}

/// Indented JSON in which every invisible character is an escape, so that a terminal shows it.
pub fn json(value: &Value) -> String {
    let mut out = String::new();
    for c in format!("{value:#}").chars() {
        // Line feeds and spaces here are those of the layout: JSON escapes them within strings.
        if c == '\n' || !(is_hidden(c) || is_mark(c)) {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out + "\n"
}

/// Words with the spaces before them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let word = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
        let length = rest.get(word..)?.find(char::is_whitespace).map(|at| word + at);
        let (first, more) = rest.split_at_checked(length.unwrap_or(rest.len()))?;
        rest = more;
        (!first.is_empty()).then_some(first)
    })
}

struct Writer {
    out: String,
    used: usize,
    columns: usize,
    taken: usize,
    /// Marks since the last letter; at the limit where there is no letter to carry one.
    marks: usize,
}

impl Writer {
    /// Writes a word, and says whether all of it had room.
    fn word(&mut self, word: &str, kind: Kind) -> bool {
        let suspect = !word.is_ascii() && {
            let mixed = !word.trim().is_single_script();
            let mut letters = word.chars().filter(|c| c.is_alphabetic()).peekable();
            let passes = letters.peek().is_some() && letters.all(|c| ascii_twin(c).is_some());
            mixed || (kind == Kind::Value && passes)
        };
        let mut rest = word.chars();
        while let Some(c) = rest.next() {
            let escape = match kind {
                Kind::Name => !c.is_ascii_graphic(),
                Kind::Value => is_right_to_left(c),
                Kind::Prose | Kind::Source => false,
            };
            let passes = suspect && !c.is_ascii() && ascii_twin(c).is_some();
            // Otherwise text could hold an escape that nothing was escaped for.
            let fake = c == '\\' && rest.as_str().starts_with("u{");
            if !self.put(c, escape || passes || fake) {
                return false;
            }
        }
        true
    }

    fn put(&mut self, c: char, escape: bool) -> bool {
        let mark = is_mark(c);
        let raw = !escape && !is_hidden(c) && (!mark || self.marks < MARKS);
        let (text, width) = if raw {
            (c.to_string(), c.width().unwrap_or(1))
        } else {
            let text = format!("\\u{{{:x}}}", u32::from(c));
            let width = text.len();
            (text, width)
        };
        if self.used.saturating_add(width) > self.columns {
            return false;
        }
        self.marks = match (raw, mark) {
            (true, true) => self.marks + 1,
            (true, false) if c != ' ' => 0,
            (true | false, _) => MARKS,
        };
        self.out.push_str(&text);
        self.used += width;
        self.taken += 1;
        true
    }
}

/// Whether a character is seen as nothing, as a blank other than the space, or as whatever a font
/// makes of it: controls, formats, fillers, selectors, tags, private use.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || (c.is_whitespace() && c != ' ')
        || u32::from(c) & 0xfffe == 0xfffe
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}'
            | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1345f}' | '\u{16fe4}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..='\u{10ffff}')
        || (is_mark(c) && !c.identifier_allowed())
}

/// Whether a character takes no column of its own.
fn is_mark(c: char) -> bool {
    c.width() == Some(0)
}

/// Letters that are written from right to left and take what stands beside them along.
fn is_right_to_left(c: char) -> bool {
    matches!(c,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

/// The ASCII text that a character passes for (UTS #39, 4); the character itself where it is ASCII.
fn ascii_twin(c: char) -> Option<String> {
    if c.is_ascii() {
        return Some(c.to_string());
    }
    let twin: String = skeleton(c.encode_utf8(&mut [0; 4])).collect();
    (!twin.is_empty() && twin.is_ascii()).then_some(twin)
}

/// The ASCII name that a name is mistaken for, if it has characters that are not ASCII.
fn looks_like(name: &str) -> Option<String> {
    if name.is_ascii() {
        return None;
    }
    // What is not seen does not keep a name from looking like another.
    let twin: String = name
        .chars()
        .filter(|c| !is_hidden(*c) && !is_mark(*c))
        .map(ascii_twin)
        .collect::<Option<_>>()?;
    (!twin.is_empty() && twin.chars().all(|c| c.is_ascii_graphic())).then_some(twin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_shown_and_never_acts() {
        for (kind, text, shown) in [
            (Kind::Prose, "drop the old database, ship 1.5", "drop the old database, ship 1.5"),
            (Kind::Prose, "naïve “Grüße” 日本語 🎉", "naïve “Grüße” 日本語 🎉"),
            (Kind::Prose, "\u{1b}[2J\u{9b}1m\u{7}", r"\u{1b}[2J\u{9b}1m\u{7}"),
            (Kind::Prose, "\u{1b}]52;c;eA==\u{7}", r"\u{1b}]52;c;eA==\u{7}"),
            (Kind::Prose, "a\rb\u{8}\u{7f}c", r"a\u{d}b\u{8}\u{7f}c"),
            (Kind::Prose, "a\n[1] NONE\tb", r"a\u{a}[1] NONE\u{9}b"),
            (Kind::Prose, "a\u{202e}b\u{2066}c\u{200f}", r"a\u{202e}b\u{2066}c\u{200f}"),
            (Kind::Prose, "a\u{200b}b\u{feff}c\u{ad}", r"a\u{200b}b\u{feff}c\u{ad}"),
            (Kind::Prose, "a\u{e0041}\u{fe0f}\u{e0100}", r"a\u{e0041}\u{fe0f}\u{e0100}"),
            (Kind::Prose, "a\u{2028}b\u{2029}c\u{85}", r"a\u{2028}b\u{2029}c\u{85}"),
            (
                Kind::Prose,
                "a\u{a0}b\u{3000}c\u{3164}\u{2800}",
                r"a\u{a0}b\u{3000}c\u{3164}\u{2800}",
            ),
            (Kind::Prose, "e\u{301}", "e\u{301}"),
            (Kind::Prose, "\u{301}e", r"\u{301}e"),
            (Kind::Prose, "a\u{20dd}\u{e000}\u{10ffff}", r"a\u{20dd}\u{e000}\u{10ffff}"),
            (Kind::Prose, r"\u{202e}", r"\u{5c}u{202e}"),
            (Kind::Prose, r"C:\dir \n", r"C:\dir \n"),
            (Kind::Prose, "the \u{440}rod cluster", r"the \u{440}rod cluster"),
            (Kind::Prose, "это просто текст", "это просто текст"),
            (Kind::Prose, "שלום", "שלום"),
            (Kind::Value, "ש:1", r"\u{5e9}:1"),
            (Kind::Value, "\u{440}\u{430}\u{441}\u{435}", r"\u{440}\u{430}\u{441}\u{435}"),
            (Kind::Value, "web:1.4", "web:1.4"),
            (Kind::Name, "shop", "shop"),
            (Kind::Name, "", "\"\""),
            (Kind::Name, "a b", r"a\u{20}b"),
            (Kind::Name, "\u{440}rod", r"\u{440}rod (looks like prod)"),
            (Kind::Name, "prod\u{200b}", r"prod\u{200b} (looks like prod)"),
            (Kind::Name, "größe", r"gr\u{f6}\u{df}e"),
        ] {
            assert_eq!(neutral(text, kind, usize::MAX).text, shown, "{text:?}");
        }
    }

    #[test]
    fn a_pile_of_marks_is_escaped_from_the_fourth_on() {
        let flood = format!("a{}", "\u{301}".repeat(5));
        assert_eq!(terminal(&flood), "a\u{301}\u{301}\u{301}\\u{301}\\u{301}");
    }

    #[test]
    fn what_is_cut_is_counted() {
        let long = "x".repeat(10_000_000);
        let Neutral { text, cut } = neutral(&long, Kind::Source, 10);
        assert_eq!(text, "xxxxxxxxxx… [9999990 more characters]");
        assert_eq!(cut, 9_999_990);
        // An escape is shown whole or not at all.
        let Neutral { text, cut } = neutral("abc\u{202e}d", Kind::Source, 8);
        assert_eq!((text.as_str(), cut), ("abc… [2 more characters]", 2));
        assert_eq!(neutral("abc", Kind::Source, 3).text, "abc");
    }

    #[test]
    fn json_shows_what_is_invisible() {
        let value = serde_json::json!({"a": "\u{202e}\u{7f}\u{e0041}é\n"});
        let text = json(&value);
        assert_eq!(text, "{\n  \"a\": \"\\u202e\\u007f\\udb40\\udc41é\\n\"\n}\n");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn a_code_span_is_longer_than_any_run_inside() {
        for (text, span) in [
            ("a", "`a`"),
            ("", "`\"\"`"),
            (" ", "` `"),
            ("`", "`` ` ``"),
            ("a``b", "```a``b```"),
            (" a ", "`  a  `"),
            ("<!-- @root [x](y)", "`<!-- @root [x](y)`"),
        ] {
            assert_eq!(markdown(text), span, "{text:?}");
        }
        assert_eq!(html("<a href='x'>"), "&lt;a href=&#39;x&#39;&gt;");
    }
}
