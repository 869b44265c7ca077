//! An error and what is behind it, in words: each error says its own layer, and here they are put
//! together again.

use std::error::Error;

/// The causes of an error, outermost first, without the error itself. A transparent error says what
/// its source says: that stands once.
pub fn of(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut last = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        if text != last {
            found.push(text.clone());
        }
        last = text;
        source = error.source();
    }
    found
}

/// An error with its causes, in one line.
pub fn line(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    for cause in of(error) {
        text.push_str(": ");
        text.push_str(&cause);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Middle);

    #[derive(Debug, thiserror::Error)]
    #[error(transparent)]
    struct Middle(std::num::ParseIntError);

    #[test]
    fn what_is_said_twice_stands_once() {
        let inner = "x".parse::<u8>().unwrap_err();
        let said = inner.to_string();
        let error = Outer(Middle(inner));
        assert_eq!(line(&error), format!("outer: {said}"));
        assert_eq!(of(&error), [said]);
    }
}
