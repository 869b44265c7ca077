//! Snapshots without what differs from run to run: folders, digests, ids, times, counts of rules.

use std::path::Path;

/// Replaces what differs by its name in brackets.
pub(crate) fn filtered(text: &str, folder: &Path) -> String {
    let text = text.replace(&folder.display().to_string(), "[DIR]");
    let text = text.replace(env!("CARGO_MANIFEST_DIR"), "[SOURCE]");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(first) = rest.chars().next() {
        let (length, shown) = token(rest);
        let length = length.max(first.len_utf8());
        match shown {
            Some(shown) => out.push_str(shown),
            None => out.push_str(&rest[..length]),
        }
        rest = &rest[length..];
        // Where a rule stands in its file is no message either.
        if out.ends_with(".rego") && rest.starts_with(':') {
            rest = rest[1..].trim_start_matches(|c: char| c.is_ascii_digit());
            out.push_str(":[LINE]");
        }
    }
    out
}

/// Length of the token that `text` begins with, and what stands for it.
fn token(text: &str) -> (usize, Option<&'static str>) {
    if let Some(rest) = text.strip_prefix("SHA256:")
        && rest.len() >= 43
        && rest.bytes().take(43).all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/'))
    {
        return ("SHA256:".len() + 43, Some("[KEY]"));
    }
    if text.len() > 20 && is_time(&text.as_bytes()[..20]) {
        return (20, Some("[TIME]"));
    }
    let length = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    let word = &text[..length];
    let hex = word.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c));
    let digits = !word.is_empty() && word.bytes().all(|c| c.is_ascii_digit());
    let then = &text[length..];
    let shown = match length {
        64 if hex => Some("[SHA256]"),
        32 if hex => Some("[ID]"),
        12 if hex => Some("[SHORT-ID]"),
        8 if hex && then.starts_with('…') => Some("[SHORT]"),
        // More rules than today are no other message.
        _ if digits && then.starts_with(" rules") => Some("[N]"),
        _ if digits && then.starts_with(" s by ") => Some("[N]"),
        // The clock goes on between two commands.
        _ if digits && then.starts_with(" days.") => Some("[N]"),
        _ => None,
    };
    (length, shown)
}

fn is_time(bytes: &[u8]) -> bool {
    let shape = b"0000-00-00T00:00:00Z";
    bytes.iter().zip(shape).all(|(byte, shape)| match shape {
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    })
}

#[test]
fn what_differs_is_replaced_and_the_rest_stays() {
    let text = format!(
        "/x/y: {} at 2026-01-02T03:04:05Z by {}, é 12 of 25 rules, {}…\n",
        "ab".repeat(32),
        "0f".repeat(16),
        "1a2b3c4d"
    );
    let wanted = "[DIR]: [SHA256] at [TIME] by [ID], é 12 of [N] rules, [SHORT]…\n";
    assert_eq!(filtered(&text, Path::new("/x/y")), wanted);
}
