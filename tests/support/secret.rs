//! The text of a private key as it arrives in a setting that somebody filled in wrongly.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Spellings of a key file that are not read as one, each with its name.
pub(crate) fn spellings(text: &str) -> Vec<(&'static str, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let body = &lines[1..lines.len() - 1];
    let joined = body.concat();
    let seed = STANDARD.decode(&joined).unwrap()[161..193].to_vec();
    let encoded = STANDARD.encode(text);
    let wrapped: Vec<&str> =
        encoded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let mangled = joined.replacen("AAAA", "AAAB", 2);
    vec![
        ("in base64", encoded.clone()),
        ("in base64 of lines", wrapped.join("\n")),
        ("in base64 for URLs", URL_SAFE_NO_PAD.encode(text)),
        ("in base64 behind a line feed", STANDARD.encode(format!("\n{text}"))),
        ("in base64 twice", STANDARD.encode(&encoded)),
        ("its inside", joined.clone()),
        ("its inside in lines", body.join("\n")),
        ("its inside in quotes", format!("\"{joined}\"")),
        ("its inside mangled", format!("{}\n{mangled}\n{}\n", lines[0], lines[lines.len() - 1])),
        ("in quotes", format!("\"{text}\"")),
        ("as JSON", serde_json::json!(text).to_string()),
        ("behind a name", format!("KEY={text}")),
        ("with escaped line feeds", lines.join("\\n")),
        ("on one line", lines.join(" ")),
        ("without line feeds", lines.concat()),
        ("without its first line", lines[1..].join("\n")),
        ("without its last line", lines[..lines.len() - 1].join("\n")),
        ("with its lines reversed", lines.iter().rev().copied().collect::<Vec<_>>().join("\n")),
        ("half of it", text[..text.len() / 2].to_owned()),
        ("twice", text.repeat(2)),
        ("in capitals", text.to_uppercase()),
        ("in percent signs", text.replace('\n', "%0A").replace(' ', "%20")),
        ("its seed in digits", seed.iter().map(|byte| format!("{byte:02x}")).collect()),
        ("its seed in base64 for URLs", URL_SAFE_NO_PAD.encode(&seed)),
    ]
}

/// A part of the value that was said, if one was; the words around a key are none.
pub(crate) fn leaked(value: &str, said: &str) -> Option<String> {
    let letters: Vec<char> = value.chars().collect();
    let parts = letters.windows(10).map(|part| part.iter().collect::<String>());
    let frame = ["-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"];
    parts
        .filter(|part| !frame.iter().any(|frame| frame.contains(part.as_str())))
        .find(|part| said.contains(part.as_str()))
}
