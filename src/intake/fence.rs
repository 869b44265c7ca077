//! Of a model's chat text, the one fenced Proposal; of any other text, all of it. What stands
//! around the fence is untrusted text and is not read.
//!
//! Fences are those of CommonMark 0.31, 4.5, at any indentation (models put them into lists).

use super::page::{Page, Report};
use super::{form, operation};
use crate::config::Limits;
use crate::manifest::problem::Problem;
use crate::manifest::read;

/// A fenced block of a text.
struct Fence<'t> {
    /// Line of its opening fence, from 1.
    line: u32,
    /// What is said behind the opening fence.
    info: &'t str,
    indent: usize,
    closed: bool,
    /// Its lines, with their ends.
    lines: Vec<&'t str>,
}

/// The page of a text: what is fenced in it, or all of it.
pub(super) fn page<'s>(
    file: &'s str,
    text: &'s str,
    limits: &Limits,
    report: &mut Report,
    notes: &mut Vec<String>,
) -> Option<Page<'s>> {
    let (fences, around) = fences(text);
    if structured(&around) {
        return Some(Page::whole(file, text));
    }
    if fences.is_empty() {
        return unfenced(file, text, limits, report);
    }
    let proposals: Vec<_> =
        fences.iter().filter(|fence| proposes(&fence.page(file), limits)).collect();
    match proposals.as_slice() {
        [fence] if fence.closed => {
            notes.push(format!(
                "{file}: read the Proposal fenced at line {}; the text around it is not read",
                fence.line
            ));
            Some(fence.page(file))
        }
        [fence] => {
            let problem = Problem::new("the fence of the Proposal is opened and never closed");
            report.add(file, problem.at(fence.line, 1).hint("the answer may have been cut off"));
            None
        }
        [] => {
            let found: Vec<_> = fences.iter().take(5).map(|f| f.said(file, limits)).collect();
            let message =
                format!("no fenced block of the text is a Proposal; found {}", found.join("; "));
            let hint = "fence one document that begins with `apiVersion: countersign/v1`";
            let line = fences.first().map_or(1, |fence| fence.line);
            report.add(file, Problem::new(message).at(line, 1).hint(hint));
            None
        }
        [first, second, ..] => {
            let message = format!(
                "{} fenced Proposals, at line {} and at line {}",
                proposals.len(),
                first.line,
                second.line
            );
            let hint = "keep the one that is meant";
            report.add(file, Problem::new(message).at(second.line, 1).hint(hint));
            None
        }
    }
}

/// A text without a fence that does not look like a document: still one if it reads as one.
fn unfenced<'s>(
    file: &'s str,
    text: &'s str,
    limits: &Limits,
    report: &mut Report,
) -> Option<Page<'s>> {
    let page = Page::whole(file, text);
    let reading = read::reading(text, &page.limits(limits));
    let maps = reading.documents.iter().all(|document| document.value.is_object());
    if reading.problems.is_empty() && maps {
        return Some(page);
    }
    let start: String = text.trim().chars().take(40).collect();
    let message =
        format!("neither a document nor a text with a fenced Proposal; it begins with {start:?}");
    let hint = "give a Proposal, Kubernetes manifests, or a text with one fenced Proposal";
    report.add(file, Problem::new(message).at(1, 1).hint(hint));
    None
}

/// Whether a text is a document, whatever else stands in it: JSON, or a member at its top level
/// that every document has.
fn structured(text: &str) -> bool {
    let begins = |line: &str| {
        ["apiVersion:", "\"apiVersion\"", "'apiVersion'", "kind:"]
            .iter()
            .any(|name| line.starts_with(name))
    };
    text.trim_start().starts_with(['{', '[']) || text.lines().any(begins)
}

/// Whether what stands on a page is meant as a Proposal, even if it cannot be read.
fn proposes(page: &Page<'_>, limits: &Limits) -> bool {
    let reading = read::reading(&page.text, &page.limits(limits));
    let written = |line: &str| {
        let plain: String = line.chars().filter(|c| !matches!(c, '"' | '\'' | ' ' | ',')).collect();
        plain == "kind:Proposal" || plain.starts_with("apiVersion:countersign/")
    };
    reading.documents.iter().any(|document| form::is_proposal(&document.value))
        || (!reading.problems.is_empty() && page.text.lines().any(written))
}

impl Fence<'_> {
    fn page<'s>(&self, file: &'s str) -> Page<'s> {
        let mut indents = Vec::with_capacity(self.lines.len());
        let mut text = String::new();
        for line in &self.lines {
            let spaces = line.bytes().take_while(|c| *c == b' ').count().min(self.indent);
            indents.push(u32::try_from(spaces).unwrap_or_default());
            text.push_str(line.get(spaces..).unwrap_or_default());
        }
        let first_line = self.line.saturating_add(1);
        Page { index: 0, file: file.into(), text: text.into(), first_line, indents }
    }

    /// What it is, for a message.
    fn said(&self, file: &str, limits: &Limits) -> String {
        let page = self.page(file);
        let reading = read::reading(&page.text, &page.limits(limits));
        let what = reading.documents.first().and_then(|d| operation::said(&d.value));
        let what = what.unwrap_or_else(|| {
            let word: String = self.info.chars().take(20).collect();
            if word.is_empty() { "a block".to_owned() } else { format!("{word:?}") }
        });
        format!("{what} at line {}", self.line)
    }
}

/// The fenced blocks of a text, and the text without them.
fn fences(text: &str) -> (Vec<Fence<'_>>, String) {
    let mut found: Vec<Fence<'_>> = Vec::new();
    let mut around = String::new();
    // Character and length of the fence that is open.
    let mut open: Option<(char, usize)> = None;
    for (line, number) in text.split_inclusive('\n').zip(1_u32..) {
        let indent = line.bytes().take_while(|c| *c == b' ').count();
        let rest = line.get(indent..).unwrap_or_default().trim_end();
        let mark = rest.chars().next().filter(|c| matches!(c, '`' | '~'));
        let length = rest.chars().take_while(|c| Some(*c) == mark).count();
        let info = rest.get(length..).unwrap_or_default().trim();
        match (open, mark) {
            (Some((with, least)), Some(mark))
                if mark == with && length >= least && info.is_empty() =>
            {
                open = None;
                if let Some(last) = found.last_mut() {
                    last.closed = true;
                }
            }
            (Some(_), _) => {
                if let Some(last) = found.last_mut() {
                    last.lines.push(line);
                }
            }
            (None, Some(mark)) if length >= 3 && !(mark == '`' && info.contains('`')) => {
                open = Some((mark, length));
                found.push(Fence { line: number, info, indent, closed: false, lines: Vec::new() });
            }
            (None, _) => around.push_str(line),
        }
    }
    (found, around)
}
