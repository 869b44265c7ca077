//! The texts that a plan changes, line by line: the files of a directory, and of other targets
//! each object as YAML.

use crate::document::effect::{Effect, TargetIdentity};
use crate::manifest::emit;
use crate::plan::diff::{self, Side};

use super::neutral::Neutral;
use super::piece;

/// The change of one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDiff {
    /// Path of the file, or `Kind namespace/name`. Harmless already.
    pub title: String,
    /// Lines of the diff, in the order of `diff -u`. Harmless already.
    pub lines: Vec<DiffLine>,
    /// Lines that come.
    pub added: usize,
    /// Lines that go.
    pub removed: usize,
    /// Characters that are left out, which the lines say.
    pub cut: usize,
}

/// One line of a diff as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiffLine {
    /// `---`, `+++`, `@@` and `\`.
    Meta(String),
    /// A line of the text, without its sign.
    Text(Side, String),
}

/// All of them, in the plan's order.
pub(super) fn of(effect: &Effect) -> Vec<FileDiff> {
    match &effect.target {
        TargetIdentity::Directory { .. } => effect
            .files
            .iter()
            .map(|file| one(&file.path, file.before.as_deref(), file.after.as_deref()))
            .collect(),
        TargetIdentity::Kubernetes { .. } | TargetIdentity::Cloudformation { .. } => effect
            .changes
            .iter()
            .filter(|change| change.before != change.after)
            .map(|change| {
                let text =
                    |value: &serde_json::Value| (!value.is_null()).then(|| emit::document(value));
                let (before, after) = (text(&change.before), text(&change.after));
                let id = change.id.to_string();
                one(id.trim_start_matches('/'), before.as_deref(), after.as_deref())
            })
            .collect(),
    }
}

fn one(path: &str, before: Option<&str>, after: Option<&str>) -> FileDiff {
    let mut cut = 0;
    let mut show = |text: &str| {
        let Neutral { text, cut: missing } = piece::source(text);
        cut += missing;
        text
    };
    let title = show(path);
    let mut lines: Vec<DiffLine> = diff::header(before.is_some(), after.is_some(), path)
        .iter()
        .map(|line| DiffLine::Meta(show(line)))
        .collect();
    let (mut added, mut removed) = (0, 0);
    for hunk in diff::hunks(before.unwrap_or_default(), after.unwrap_or_default()) {
        lines.push(DiffLine::Meta(hunk.header));
        for line in hunk.lines {
            match line.side {
                Side::Both => {}
                Side::Before => removed += 1,
                Side::After => added += 1,
            }
            lines.push(DiffLine::Text(line.side, show(line.text)));
            if line.unended {
                lines.push(DiffLine::Meta("\\ No newline at end of file".to_owned()));
            }
        }
    }
    FileDiff { title, lines, added, removed, cut }
}
