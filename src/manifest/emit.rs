//! Writes YAML that YAML 1.1 and 1.2 read as the same value.

use serde_json::Value;

use super::scalar::{Plain, plain};
use crate::document::canonical::float_text;

/// The text of one document in block style, ending with a line feed.
pub fn document(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => members(map.iter(), 0, &mut out),
        Value::Array(list) if !list.is_empty() => items(list, 0, &mut out),
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => {
            out.push_str(&flow(value));
            out.push('\n');
        }
    }
    out
}

/// One member of a block map, at this indentation (which is not written), ending with a line feed.
pub fn member(name: &str, value: &Value, indent: usize) -> String {
    let mut out = scalar_text(name, false);
    out.push(':');
    after_colon(value, indent, &mut out);
    out
}

/// One item of a block list, at this indentation (which is not written), ending with a line feed.
pub fn item(value: &Value, indent: usize) -> String {
    let mut out = String::from("-");
    after_dash(value, indent, &mut out);
    out
}

/// A value on one line, in braces and brackets where it has parts.
pub fn flow(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number_text(number),
        Value::String(text) => scalar_text(text, true),
        Value::Array(list) => {
            format!("[{}]", list.iter().map(flow).collect::<Vec<_>>().join(", "))
        }
        Value::Object(map) => {
            let member = |(name, value): (&String, &Value)| {
                format!("{}: {}", scalar_text(name, true), flow(value))
            };
            format!("{{{}}}", map.iter().map(member).collect::<Vec<_>>().join(", "))
        }
    }
}

/// A text in double quotes, with JSON's escapes and those that keep it on one printable line.
pub fn double_quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if printable(c) => out.push(c),
            c if u32::from(c) <= 0xffff => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

/// A text as a scalar on one line: plain where that is safe, else in double quotes.
pub fn scalar_text(text: &str, in_flow: bool) -> String {
    if safe_plain(text, in_flow) { text.to_owned() } else { double_quoted(text) }
}

/// Whether both versions read this plain scalar as this very text, in block or flow context.
pub fn safe_plain(text: &str, in_flow: bool) -> bool {
    let first = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '/' | '.' | '_' | '<' | '(' | '$')
            || (!c.is_ascii() && printable(c))
    };
    plain(text) == Plain::Value(text.into())
        && (!may_be_number(text) || is_quantity(text))
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
        && text.starts_with(first)
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with([':', ' '])
        && text.chars().all(printable)
        && !text.contains('\u{a0}')
        && !(in_flow && text.contains([',', '[', ']', '{', '}', ':', '?', '"', '\'']))
        && !text.starts_with("...")
}

/// Texts that some reader, in some case of its letters, takes for something else.
const WORDS: [&str; 12] =
    ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "inf", "infinity", "nan"];

/// Whether a text begins as a number, a time or a date does: readers differ in what follows, so none
/// is left to guess.
fn may_be_number(text: &str) -> bool {
    let rest = text.trim_start_matches(['-', '+', '.', '_']);
    rest.starts_with(|c: char| c.is_ascii_digit()) || text.starts_with("._")
}

/// Whether a text is digits, perhaps a fraction, and one unit: `100m`, `1.5Gi`, `50%`, `30s`. No
/// reader takes these for a number, and manifests are full of them.
fn is_quantity(text: &str) -> bool {
    const UNITS: [&str; 12] = ["m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti", "%", "s", "h"];
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
    let Some(unit) = text.find(|c: char| !c.is_ascii_digit() && c != '.') else { return false };
    let (amount, unit) = text.split_at(unit);
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, "0"));
    digits(whole) && digits(fraction) && UNITS.contains(&unit)
}

fn printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn number_text(number: &serde_json::Number) -> String {
    if number.is_i64() || number.is_u64() {
        return number.to_string();
    }
    let text = float_text(number.as_f64().unwrap_or_default());
    // YAML 1.1 takes an exponent only behind a point.
    match text.split_once('e') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => format!("{mantissa}.0e{exponent}"),
        Some(_) | None if text.contains('.') => text,
        Some(_) | None => format!("{text}.0"),
    }
}

fn members<'v>(
    map: impl Iterator<Item = (&'v String, &'v Value)>,
    indent: usize,
    out: &mut String,
) {
    for (name, value) in map {
        pad(indent, out);
        out.push_str(&member(name, value, indent));
    }
}

fn items(list: &[Value], indent: usize, out: &mut String) {
    for value in list {
        pad(indent, out);
        out.push_str(&item(value, indent));
    }
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn after_colon(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            members(map.iter(), indent + 2, out);
        }
        Value::Array(list) if !list.is_empty() => {
            out.push('\n');
            items(list, indent + 2, out);
        }
        Value::String(text) => {
            out.push(' ');
            block_text(text, indent, out);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            out.push(' ');
            out.push_str(&flow(value));
            out.push('\n');
        }
    }
}

fn after_dash(value: &Value, indent: usize, out: &mut String) {
    out.push(' ');
    match value {
        Value::Object(map) if !map.is_empty() => {
            let mut rest = map.iter();
            if let Some((name, value)) = rest.next() {
                out.push_str(&member(name, value, indent + 2));
            }
            members(rest, indent + 2, out);
        }
        Value::Array(list) if !list.is_empty() => {
            if let Some((first, rest)) = list.split_first() {
                out.push_str(&item(first, indent + 2));
                items(rest, indent + 2, out);
            }
        }
        Value::String(text) => block_text(text, indent, out),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            out.push_str(&flow(value));
            out.push('\n');
        }
    }
}

/// A text of several lines as a literal block where that keeps every byte; else on one line.
fn block_text(text: &str, indent: usize, out: &mut String) {
    let body = text.trim_end_matches('\n');
    let keep = |c: char| c == '\n' || c == '\t' || printable(c);
    let literal = body.contains('\n')
        && !body.starts_with([' ', '\n', '\t'])
        && text.chars().all(keep)
        && !body.lines().any(|line| line.ends_with([' ', '\t']));
    if !literal {
        out.push_str(&scalar_text(text, false));
        out.push('\n');
        return;
    }
    let extra = text.len() - body.len();
    out.push_str(match extra {
        0 => "|-\n",
        1 => "|\n",
        _ => "|+\n",
    });
    for line in body.split('\n') {
        if !line.is_empty() {
            pad(indent + 2, out);
            out.push_str(line);
        }
        out.push('\n');
    }
    for _ in 1..extra {
        out.push('\n');
    }
}
