//! No reader takes a text that was written here for anything else, and none that is read here as a
//! text is a number to another.

use countersign::manifest::emit;
use countersign::manifest::scalar::{Plain, plain};
use proptest::prelude::*;

/// Whether a rough reader, more generous than any one that exists, takes a plain scalar for a text.
/// It takes out separators, reads integers of every base, and knows floats, base 60, dates and words.
fn rough_text(text: &str) -> bool {
    const WORDS: [&str; 25] = [
        "", "~", "null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE", "y",
        "Y", "yes", "Yes", "YES", "n", "N", "no", "No", "NO", "on", "On", "ON", "off",
    ];
    const MORE: [&str; 4] = ["Off", "OFF", "<<", "="];
    if WORDS.contains(&text) || MORE.contains(&text) {
        return false;
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return true;
    }
    let bare = text.replace('_', "");
    let bare = bare.strip_prefix(['-', '+']).unwrap_or(&bare);
    if [".inf", ".nan"].contains(&bare.to_lowercase().as_str()) {
        return false;
    }
    !(integer(bare) || float(bare) || sixty(bare) || date(bare))
}

fn integer(text: &str) -> bool {
    let lower = text.to_lowercase();
    let all =
        |digits: &str, radix| !digits.is_empty() && digits.chars().all(|c: char| c.is_digit(radix));
    let based = |prefix, radix| lower.strip_prefix(prefix).is_some_and(|rest| all(rest, radix));
    all(&lower, 10) || based("0x", 16) || based("0o", 8) || based("0b", 2)
}

fn float(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || c == '.') && text.parse::<f64>().is_ok()
}

fn sixty(text: &str) -> bool {
    let whole = text.split('.').next().unwrap_or_default();
    let mut groups = whole.split(':');
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
    let first = groups.next().is_some_and(digits);
    let rest: Vec<_> = groups.collect();
    let fraction = text.split_once('.').is_none_or(|(_, f)| f.bytes().all(|c| c.is_ascii_digit()));
    let small = |part: &&str| digits(part) && part.len() < 3 && part.parse::<u8>().unwrap() < 60;
    first && !rest.is_empty() && rest.iter().all(small) && fraction
}

fn date(text: &str) -> bool {
    let parts: Vec<_> = text.splitn(3, '-').collect();
    let [year, month, rest] = parts.as_slice() else { return false };
    let digits = |part: &str| part.bytes().all(|c| c.is_ascii_digit());
    let day = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    (year.len() == 4 && digits(year))
        && ((1..=2).contains(&month.len()) && digits(month))
        && (1..=2).contains(&day)
        && (rest[day..].is_empty() || rest[day..].starts_with(['T', 't', ' ']))
}

fn quoted(text: &str) -> bool {
    let (block, flow) = (emit::scalar_text(text, false), emit::scalar_text(text, true));
    block.starts_with('"') && flow.starts_with('"')
}

#[test]
fn what_a_go_reader_takes_for_a_number_is_refused_by_name_and_written_in_quotes() {
    for text in [
        "0X1F", "0x1f_", "-0X1F", "+0x1F", "0B11", "-0b1", "0O17", "0o17", "-0o17", "0X_1",
        "0x_1F", "0_x1F", "0_b1", "017", "0_17", "08", "1_0", "1__0", "1_", "-_1", "+_1", "1e3",
        "1E3", "1_e3", "1e_3", ".5_0", "._5", "1:30", "1_0:30", "2001-1-1",
    ] {
        assert!(matches!(plain(text), Plain::Ambiguous(_)), "{text}: {:?}", plain(text));
        assert!(quoted(text), "{text}");
    }
    for text in ["0x1F", ".5", "-.5", "1.", "+1", "12", "1.5e+3"] {
        assert!(matches!(plain(text), Plain::Value(serde_json::Value::Number(_))), "{text}");
        assert!(quoted(text), "{text}");
    }
    for text in ["+.inf", "-.INF", ".NaN"] {
        assert_eq!(plain(text), Plain::Unrepresentable, "{text}");
        assert!(quoted(text), "{text}");
    }
}

#[test]
fn a_text_that_begins_like_a_number_is_written_in_quotes_unless_it_is_a_quantity() {
    for text in [
        "1.2.3",
        "10.0.0.1",
        "10.0.0.0/8",
        "8080:80",
        "0x",
        "0o",
        "0b2",
        "1e",
        "1,000",
        "3rd",
        "12d",
        "1f",
        "1E",
        "1Gi5",
        ".5m",
        "1.m",
        "1.2.3Gi",
        "._",
        "._1",
        "_1",
        "2001-01-01-x",
        "nULL",
        "yEs",
        "tRUE",
        "Inf",
        "NaN",
    ] {
        assert!(quoted(text), "{text}");
    }
    for text in [
        "100m", "1.5Gi", "512Mi", "50%", "30s", "24h", "4Ti", "64Ki", "2k", "web:1.4", "v1", "./a",
        "_a", "a1", "no-cache", "/8",
    ] {
        assert_eq!(emit::scalar_text(text, false), text);
        assert_eq!(plain(text), Plain::Value(text.into()), "{text}");
    }
}

/// Texts from the letters that numbers, times and dates are written with.
fn like_a_number() -> impl Strategy<Value = String> {
    prop_oneof![
        "[-+.]?[0-9_xXbBoOeEaAfF.:-]{1,8}",
        "[-+]?_?0_?[xXbBoO]?_?[0-9a-fA-F_]{0,5}",
        "[-+]?[0-9_]{0,3}[.]?[0-9_]{0,3}([eE][-+]?[0-9_]{0,3})?",
        "[0-9]{3,5}-[0-9]{0,3}-[0-9]{0,3}[Tt :x]?[0-9:.]{0,6}",
        "[0-9_]{1,3}(:[0-9_]{0,3}){1,3}[.]?[0-9_]{0,2}",
        "[0-9]{1,3}[.]?[0-9]{0,2}[mkKMGTEi%shdfe]{0,2}",
        "[yYnNtToOfF~<=.][a-zA-Z]{0,4}",
    ]
    .prop_filter("plain scalars have no spaces around them", |text| text.trim() == text)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_another_reader_would_not_take_for_a_text_is_written_in_quotes(text in like_a_number()) {
        prop_assert!(rough_text(&text) || quoted(&text), "{}", text);
    }

    #[test]
    fn what_is_read_as_a_text_is_one_to_another_reader(text in like_a_number()) {
        let here = plain(&text) == Plain::Value(text.as_str().into());
        prop_assert!(!here || rough_text(&text), "{}", text);
    }
}
