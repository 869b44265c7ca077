//! Where in countersign.toml an error stands, and which known key was meant.

use super::ConfigError;

pub(super) fn read_error(text: &str, error: &toml::de::Error) -> ConfigError {
    let at = error.span().map_or(0, |span| span.start);
    let message = error.message().to_owned();
    let at = culprit(text, at, &message);
    let line = text.bytes().take(at).filter(|c| *c == b'\n').count() + 1;
    // The list of known keys says less than the nearest of them.
    let nearest = nearest(&message);
    let message = if nearest.is_empty() {
        message
    } else {
        message.split(", expected").next().unwrap_or_default().to_owned()
    };
    ConfigError::Read { line, nearest, message }
}

/// Where the key or value that a message quotes first stands, if the error only names its table:
/// a target is read as a whole before its kind is known.
fn culprit(text: &str, at: usize, message: &str) -> usize {
    let table = text.get(at..).unwrap_or_default();
    if !table.starts_with('[') {
        return at;
    }
    let key = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
    let value = message.strip_prefix('"').and_then(|rest| rest.split('"').next());
    let mut offset = at;
    for (number, line) in table.split_inclusive('\n').enumerate() {
        let start = line.trim_start();
        if number > 0 && start.starts_with('[') {
            break;
        }
        let (name, rest) = start.split_once('=').unwrap_or_default();
        let named = key.is_some_and(|key| name.trim().trim_matches('"') == key);
        let held = value.is_some_and(|value| rest.contains(&format!("\"{value}\"")));
        if named || held {
            return offset;
        }
        offset += line.len();
    }
    at
}

/// The known key nearest to an unknown one, read from serde's message about it.
fn nearest(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    if !message.starts_with("unknown") {
        return String::new();
    }
    let unknown = quoted.next().unwrap_or_default();
    let scored = quoted.map(|known| (strsim::jaro_winkler(unknown, known), known));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(score, _)| *score > 0.7).map(|(_, known)| known.to_owned()).unwrap_or_default()
}
