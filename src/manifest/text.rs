//! Bytes become text, or a problem with its place.

use super::problem::Problem;

/// Line and column, from 1, of a byte of a text; columns count characters.
pub fn position(text: &str, at: usize) -> (u32, u32) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.bytes().filter(|c| *c == b'\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (number(line), number(column))
}

/// The text of a file: UTF-8, without a byte order mark or NUL.
///
/// # Errors
/// The [`Problem`], with its place.
pub fn utf8(bytes: &[u8]) -> Result<&str, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let (line, column) = position(&String::from_utf8_lossy(good), good.len());
        Problem::new("not UTF-8").at(line, column).hint("save it as UTF-8")
    })?;
    if text.starts_with('\u{feff}') {
        let problem = Problem::new("a byte order mark, which readers treat differently");
        return Err(problem.at(1, 1).hint("save it as UTF-8 without a byte order mark"));
    }
    if let Some(at) = text.find('\0') {
        let (line, column) = position(text, at);
        return Err(Problem::new("a NUL byte").at(line, column).hint("take it out"));
    }
    Ok(text)
}

/// A count as it stands in a [`Problem`].
pub(super) fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
