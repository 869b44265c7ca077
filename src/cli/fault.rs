//! Any error of the rooms above as a person and a program see it: code, what went wrong, why, and
//! what to do next. Decided once, here.

use std::error::Error as StdError;

use serde::Serialize;

use crate::causes;
use crate::document::code::Code;
use crate::gate::{Refusal, Refused};

/// How a command failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    #[serde(rename = "code")]
    number: u8,
    #[serde(rename = "error")]
    code: Code,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
    /// Where an input is wrong, for a program that mends it; only in JSON.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<serde_json::Value>,
}

impl Fault {
    /// A failure in one sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let number = code.number();
        let (causes, hints, problems) = (Vec::new(), Vec::new(), Vec::new());
        Self { number, code, message: message.into(), causes, hints, problems }
    }

    /// An error and its sources, each a cause.
    pub fn of(code: Code, error: &(dyn StdError + 'static)) -> Self {
        let mut fault = Self::new(code, error.to_string());
        fault.causes = causes::of(error);
        fault
    }

    /// Adds a cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        if !hint.is_empty() && !self.hints.contains(&hint) {
            self.hints.push(hint);
        }
        self
    }

    /// Adds a problem of an input, with its file, line, column and pointer as members.
    #[must_use]
    pub fn problem<T: Serialize>(mut self, problem: &T) -> Self {
        self.problems.extend(serde_json::to_value(problem));
        self
    }

    /// The exit code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What went wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Why, outermost first.
    pub fn causes(&self) -> &[String] {
        &self.causes
    }

    /// What to do next.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// A refusal of the gate; `plan` is how the user named the plan.
    pub fn refused(refused: &Refused, plan: &str) -> Self {
        let mut fault = Self::refusal(&refused.first, plan);
        for other in &refused.others {
            let other = Self::refusal(other, plan);
            fault.causes.push(format!("also: {} [{}]", other.message, other.code.name()));
            fault.causes.extend(other.causes.into_iter().map(|cause| format!("  {cause}")));
        }
        fault
    }

    /// One refusal of the gate.
    pub fn refusal(refusal: &Refusal, plan: &str) -> Self {
        let mut fault = Self::of(refusal.code(), refusal);
        fault.causes.extend(refusal.details());
        fault.hint(refusal.hint().replace("{plan}", plan))
    }
}
