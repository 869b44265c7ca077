//! What a plain scalar means, and which ones YAML 1.1 and 1.2 read differently. Those are refused
//! by name, because the next reader of the file may be of either kind.
//!
//! Sources: YAML 1.2.2, 10.3.2 (core schema); the YAML 1.1 type repository (bool, int, float,
//! timestamp, merge, value); the readers in Go behind kubectl, which take out every `_` and then read
//! an integer as Go does (`strconv.ParseInt` with base 0: `0x`, `0b`, `0o` in either case).

use serde_json::{Number, Value};

/// What a plain scalar turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Plain {
    /// The same value under YAML 1.1 and 1.2.
    Value(Value),
    /// Read differently: how, in words.
    Ambiguous(&'static str),
    /// A number that no JSON document can hold.
    Unrepresentable,
}

/// Reads a plain scalar.
pub fn plain(text: &str) -> Plain {
    let ambiguous = Plain::Ambiguous;
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Value(Value::Null),
        "true" | "True" | "TRUE" => return Plain::Value(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Plain::Value(Value::Bool(false)),
        "y" | "Y" | "yes" | "Yes" | "YES" | "n" | "N" | "no" | "No" | "NO" | "on" | "On" | "ON"
        | "off" | "Off" | "OFF" => return ambiguous("a boolean in YAML 1.1, a text in YAML 1.2"),
        "<<" => return ambiguous("a merge in YAML 1.1, a text in YAML 1.2"),
        "=" => return ambiguous("a default value in YAML 1.1, a text in YAML 1.2"),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
        return Plain::Unrepresentable;
    }
    // Behind a sign, some readers pass over a separator.
    let first = if unsigned.len() < text.len() { unsigned.trim_start_matches('_') } else { text };
    if !first.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Plain::Value(text.into());
    }
    number(text, unsigned)
}

fn number(text: &str, unsigned: &str) -> Plain {
    let ambiguous = Plain::Ambiguous;
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
    if digits(unsigned) {
        if unsigned.len() > 1 && unsigned.starts_with('0') {
            return ambiguous(
                "an octal number or a text in YAML 1.1, a decimal number in YAML 1.2",
            );
        }
        return integer(text);
    }
    let bare = unsigned.replace('_', "");
    let separated = bare.len() < unsigned.len();
    if let Some((radix, digits)) = prefixed(&bare, separated) {
        let signed = text.len() != unsigned.len();
        let exact = unsigned.starts_with("0x") && !signed && !separated;
        return match (radix, u64::from_str_radix(digits, radix)) {
            (16, Ok(value)) if exact => Plain::Value(value.into()),
            (2, _) => ambiguous("a binary number in YAML 1.1, a text in YAML 1.2"),
            (8, _) => ambiguous("a text in YAML 1.1, an octal number in YAML 1.2"),
            (_, _) => ambiguous("a number to some readers, a text to others"),
        };
    }
    if timestamp(unsigned) {
        return ambiguous("a timestamp in YAML 1.1, a text in YAML 1.2");
    }
    if sexagesimal(&bare) {
        return ambiguous("a number in base 60 in YAML 1.1, a text in YAML 1.2");
    }
    let (mantissa, exponent) = match bare.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (bare.as_str(), None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let loose = |part: &str| part.bytes().all(|c| c.is_ascii_digit());
    let exponent_digits = exponent.map(|e| e.strip_prefix(['-', '+']).unwrap_or(e));
    let shaped = loose(whole)
        && fraction.is_none_or(loose)
        && exponent_digits.is_none_or(digits)
        && (!whole.is_empty() || fraction.is_some_and(|f| !f.is_empty()));
    if !shaped {
        return Plain::Value(text.into());
    }
    if separated {
        return ambiguous("a number with separators to some readers, a text to others");
    }
    if exponent.is_some_and(|e| fraction.is_none() || !e.starts_with(['-', '+'])) {
        return ambiguous("a text in YAML 1.1, a number in YAML 1.2");
    }
    match text.parse::<f64>().ok().and_then(Number::from_f64) {
        Some(number) => Plain::Value(Value::Number(number)),
        None => Plain::Unrepresentable,
    }
}

/// The base and the digits of `0x1F`, `0B11`, `0o17`; no digits count where a separator stands for
/// them, which some readers fail at.
fn prefixed(bare: &str, separated: bool) -> Option<(u32, &str)> {
    let rest = bare.strip_prefix('0')?;
    let radix = match rest.chars().next()?.to_ascii_lowercase() {
        'x' => 16,
        'b' => 2,
        'o' => 8,
        _ => return None,
    };
    let digits = rest.get(1..)?;
    let good = digits.chars().all(|c| c.is_digit(radix)) && (separated || !digits.is_empty());
    good.then_some((radix, digits))
}

fn integer(text: &str) -> Plain {
    let text = text.strip_prefix('+').unwrap_or(text);
    match (text.parse::<i64>(), text.parse::<u64>()) {
        (Ok(value), _) => Plain::Value(value.into()),
        (Err(_), Ok(value)) => Plain::Value(value.into()),
        (Err(_), Err(_)) => Plain::Unrepresentable,
    }
}

/// `2001-12-14` and what may follow it; also times, as far as they begin like one.
fn timestamp(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let part = |part: Option<&str>, from: usize, to: usize| {
        part.is_some_and(|p| {
            (from..=to).contains(&p.len()) && p.bytes().all(|c| c.is_ascii_digit())
        })
    };
    let year = part(parts.next(), 4, 4);
    let month = part(parts.next(), 1, 2);
    let rest = parts.next().unwrap_or_default();
    let day = rest.bytes().take_while(u8::is_ascii_digit).count();
    let after = rest.as_bytes().get(day).copied();
    year && month
        && (1..=2).contains(&day)
        && matches!(after, None | Some(b'T' | b't' | b' ' | b'\t'))
}

/// `1:30`, `1:30:00`, `1:30.5`.
fn sexagesimal(text: &str) -> bool {
    let mut groups = text.split(':');
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
    let Some(first) = groups.next() else {
        return false;
    };
    let rest: Vec<_> = groups.collect();
    let Some((last, middle)) = rest.split_last() else {
        return false;
    };
    let last = last.split_once('.').map_or(*last, |(whole, _)| whole);
    let sixty = |part: &str| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
    digits(first) && middle.iter().all(|part| sixty(part)) && sixty(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_both_versions_read_alike_is_read() {
        for (text, value) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("true", json!(true)),
            ("False", json!(false)),
            ("0", json!(0)),
            ("-12", json!(-12)),
            ("+5", json!(5)),
            ("0x1F", json!(31)),
            ("1.5", json!(1.5)),
            (".5", json!(0.5)),
            ("1.", json!(1.0)),
            ("1.5e+3", json!(1500.0)),
            ("-1.0e-7", json!(-1e-7)),
            ("web:1.4", json!("web:1.4")),
            ("1.2.3", json!("1.2.3")),
            ("10.0.0.1", json!("10.0.0.1")),
            ("8080:80", json!("8080:80")),
            ("100m", json!("100m")),
            ("1Gi", json!("1Gi")),
            ("--", json!("--")),
            ("-", json!("-")),
            (".", json!(".")),
            ("...", json!("...")),
            ("1e", json!("1e")),
            ("0xZZ", json!("0xZZ")),
            ("2001-01-01-x", json!("2001-01-01-x")),
            ("nope", json!("nope")),
            ("0x", json!("0x")),
            ("0o", json!("0o")),
            ("0b2", json!("0b2")),
            ("0o8", json!("0o8")),
            ("_1", json!("_1")),
            ("-_", json!("-_")),
            ("1-2", json!("1-2")),
            ("18446744073709551615", json!(18_446_744_073_709_551_615_u64)),
        ] {
            assert_eq!(plain(text), Plain::Value(value), "{text}");
        }
    }

    #[test]
    fn what_they_read_differently_is_named() {
        for text in [
            "no",
            "Yes",
            "ON",
            "off",
            "y",
            "N",
            "0755",
            "-0755",
            "08",
            "0o17",
            "0b11",
            "1_000",
            "1:30",
            "22:22:22",
            "1:30.5",
            "2001-01-01",
            "2001-1-1T10:00:00Z",
            "2001-12-14 21:59:43",
            "1e3",
            "1.5e3",
            "1E+3",
            "<<",
            "=",
            "-0x1F",
            "0x1_F",
            "1_0.5",
            "1_",
            "-_1",
            "1e_3",
            "0X1F",
            "-0X1f",
            "0B11",
            "0O17",
            "0X_1",
            "0x_1F",
            "0_x1F",
            "0x_",
            "0_7",
            "+0b1",
            "-0o7",
            "1_0:30",
        ] {
            assert!(matches!(plain(text), Plain::Ambiguous(_)), "{text}: {:?}", plain(text));
        }
        for text in [".inf", "-.INF", ".NaN", "1.0e+999", "99999999999999999999"] {
            assert_eq!(plain(text), Plain::Unrepresentable, "{text}");
        }
    }
}
