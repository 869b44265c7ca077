//! What is wrong with a text, where, and what to do about it.

use std::fmt;

use serde::Serialize;

use crate::document::ident::Pointer;

/// One thing that is wrong with a text. Line and column count from 1; 0 where none is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Line.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
    /// The place in the value, within its document.
    pub pointer: Pointer,
    /// What is wrong.
    pub message: String,
    /// What to do; may be empty.
    pub hint: String,
}

impl Problem {
    /// A problem without a place.
    pub fn new(message: impl Into<String>) -> Self {
        let (message, pointer) = (message.into(), Pointer::default());
        Self { line: 0, column: 0, pointer, message, hint: String::new() }
    }

    /// The same, at this place of the text.
    #[must_use]
    pub fn at(mut self, line: u32, column: u32) -> Self {
        (self.line, self.column) = (line, column);
        self
    }

    /// The same, at this place of the value.
    #[must_use]
    pub fn within(mut self, pointer: Pointer) -> Self {
        self.pointer = pointer;
        self
    }

    /// The same, with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}, column {}: ", self.line, self.column)?;
        }
        if !self.pointer.as_str().is_empty() {
            write!(f, "{}: ", self.pointer)?;
        }
        f.write_str(&self.message)
    }
}
