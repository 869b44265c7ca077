//! A text, and where each of its problems stands in the file that it came from.

use std::borrow::Cow;

use serde_json::Value;

use super::{IntakeError, Located, MOST_PROBLEMS};
use crate::config;
use crate::document::ident::Pointer;
use crate::manifest::node::Node;
use crate::manifest::problem::Problem;
use crate::manifest::{self, text};

/// Everything that is wrong so far.
#[derive(Default)]
pub(super) struct Report {
    problems: Vec<Located>,
}

impl Report {
    pub(super) fn add(&mut self, file: &str, problem: Problem) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(Located { file: file.to_owned(), problem });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// Whether nothing further would be reported.
    pub(super) fn is_full(&self) -> bool {
        self.problems.len() >= MOST_PROBLEMS
    }

    pub(super) fn finish(self) -> Result<(), IntakeError> {
        if self.problems.is_empty() { Ok(()) } else { Err(IntakeError { problems: self.problems }) }
    }
}

/// A text that is read as YAML: a whole file, or what stands in a fence of one.
pub(super) struct Page<'s> {
    /// Its number among the pages of one input.
    pub(super) index: usize,
    /// Name of the file.
    pub(super) file: Cow<'s, str>,
    /// The text.
    pub(super) text: Cow<'s, str>,
    /// Line of the file on which it begins.
    pub(super) first_line: u32,
    /// Characters that were taken from the beginning of each line; empty for none at all.
    pub(super) indents: Vec<u32>,
}

impl<'s> Page<'s> {
    pub(super) fn whole(file: &'s str, text: &'s str) -> Self {
        Self { index: 0, file: file.into(), text: text.into(), first_line: 1, indents: Vec::new() }
    }

    pub(super) fn limits(&self, limits: &config::Limits) -> manifest::Limits {
        manifest::Limits { max_bytes: limits.max_bytes, max_depth: limits.max_depth }
    }

    /// The line of the file for a line of the text.
    pub(super) fn line(&self, line: u32) -> u32 {
        line.saturating_add(self.first_line).saturating_sub(1)
    }

    /// A problem of the text as one of the file.
    pub(super) fn placed(&self, mut problem: Problem) -> Problem {
        if problem.line > 0 {
            let index = usize::try_from(problem.line - 1).unwrap_or(usize::MAX);
            problem.column += self.indents.get(index).copied().unwrap_or_default();
            problem.line = self.line(problem.line);
        }
        problem
    }

    /// One document of the page, for problems with it.
    pub(super) fn leaf<'p>(&'p self, node: Node, report: &'p mut Report) -> Leaf<'p, 's> {
        Leaf { page: self, node, report }
    }
}

/// One document, and the report that its problems go to.
pub(super) struct Leaf<'p, 's> {
    page: &'p Page<'s>,
    node: Node,
    report: &'p mut Report,
}

impl Leaf<'_, '_> {
    /// A problem with the value at a pointer.
    pub(super) fn problem(&self, at: &Pointer, message: impl Into<String>) -> Problem {
        self.placed(self.node.value_at(at), at, message.into())
    }

    /// A problem with the member at a pointer, placed at its name.
    pub(super) fn member(&self, at: &Pointer, message: impl Into<String>) -> Problem {
        self.placed(self.node.name_at(at), at, message.into())
    }

    fn placed(&self, byte: usize, at: &Pointer, message: String) -> Problem {
        let (line, column) = text::position(&self.page.text, byte);
        self.page.placed(Problem::new(message).at(line, column).within(at.clone()))
    }

    pub(super) fn add(&mut self, problem: Problem) {
        self.report.add(&self.page.file, problem);
    }

    /// Reports that the value at a pointer is wrong.
    pub(super) fn refuse(&mut self, at: &Pointer, message: impl Into<String>, hint: &str) {
        // Finding a place costs a pass over the text: not for what nobody will see.
        if self.is_full() {
            return;
        }
        let problem = self.problem(at, message).hint(hint);
        self.add(problem);
    }

    /// Reports that the member at a pointer may not be there.
    pub(super) fn refuse_member(&mut self, at: &Pointer, message: impl Into<String>, hint: &str) {
        if self.is_full() {
            return;
        }
        let problem = self.member(at, message).hint(hint);
        self.add(problem);
    }

    /// Whether nothing further would be reported.
    pub(super) fn is_full(&self) -> bool {
        self.report.is_full()
    }

    /// Where something stands, for problems that show later.
    pub(super) fn place(&self, at: &Pointer) -> Place {
        Place { page: self.page.index, byte: self.node.value_at(at), pointer: at.clone() }
    }
}

/// Where something stands. Its line is counted only if it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    page: usize,
    byte: usize,
    pointer: Pointer,
}

impl Place {
    /// File, line and problem of what stands here.
    pub(super) fn problem<'p>(
        &self,
        pages: &'p [Page<'_>],
        message: impl Into<String>,
    ) -> (&'p str, Problem) {
        let problem = Problem::new(message).within(self.pointer.clone());
        let Some(page) = pages.get(self.page) else {
            return ("", problem);
        };
        let (line, column) = text::position(&page.text, self.byte);
        (&page.file, page.placed(problem.at(line, column)))
    }

    /// `file, line n`, for a message about something else.
    pub(super) fn said(&self, pages: &[Page<'_>]) -> String {
        let (file, problem) = self.problem(pages, "");
        format!("{file}, line {}", problem.line)
    }
}

/// What a value is, in words.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
