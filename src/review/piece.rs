//! A line is made of pieces, each of which says whose words it holds. A renderer neutralises every
//! piece by its kind, so that no line can carry text that nobody looked at.

use super::neutral::{self, Kind, Neutral};
use crate::document::ident::ResourceId;
use crate::manifest::object;

/// Columns of a name that are shown; Kubernetes allows 253.
const NAME: usize = 300;
/// Columns of a value that are shown.
const VALUE: usize = 400;
/// Columns of a sentence that are shown.
const PROSE: usize = 1_000;
/// Columns of a line of a file that are shown.
const SOURCE: usize = 2_000;

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Our words.
    Words(String),
    /// A name out of the plan.
    Name(String),
    /// An object, as `Kind namespace/name`.
    Object(ResourceId),
    /// A value out of the plan.
    Value(String),
    /// Sentences of somebody else.
    Prose(String),
    /// A command to type.
    Command(String),
}

/// What is read as one line, however a renderer breaks it.
pub type Line = Vec<Piece>;

impl Piece {
    /// Our words.
    pub(super) fn words(text: impl Into<String>) -> Self {
        Self::Words(text.into())
    }

    /// A name out of the plan.
    pub(super) fn name(text: impl Into<String>) -> Self {
        Self::Name(text.into())
    }

    /// The harmless text. Our own words go through as well: they may quote a number or a label.
    pub(super) fn neutral(&self) -> Neutral {
        match self {
            Self::Words(text) => neutral::neutral(text, Kind::Value, usize::MAX),
            Self::Name(text) => neutral::neutral(text, Kind::Name, NAME),
            Self::Object(id) => named(id),
            Self::Value(text) => neutral::neutral(text, Kind::Value, VALUE),
            Self::Prose(text) => neutral::neutral(text, Kind::Prose, PROSE),
            Self::Command(text) => neutral::neutral(text, Kind::Value, VALUE),
        }
    }
}

/// `Kind namespace/name`; the group tells apart what is not of the core API or a built-in one.
fn named(id: &ResourceId) -> Neutral {
    let ResourceId { group, kind, namespace, name } = id;
    let part = |text: &str| neutral::neutral(text, Kind::Name, NAME);
    let mut whole = part(kind);
    let mut add = |before: &str, text: &str| {
        let Neutral { text, cut } = part(text);
        whole.text.push_str(before);
        whole.text.push_str(&text);
        whole.cut += cut;
    };
    // Kinds of other makers may bear the name of a built-in one.
    if !object::is_builtin(group) {
        add(".", group);
    }
    match namespace.is_empty() {
        true => add(" ", name),
        false => {
            add(" ", namespace);
            add("/", name);
        }
    }
    whole
}

/// One line of a file, harmless.
pub(super) fn source(text: &str) -> Neutral {
    neutral::neutral(text, Kind::Source, SOURCE)
}

/// A whole line as plain text.
pub(super) fn plain(line: &[Piece]) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Command(_) => format!("`{}`", piece.neutral().text),
        Piece::Words(_) | Piece::Name(_) | Piece::Object(_) | Piece::Value(_) | Piece::Prose(_) => {
            piece.neutral().text
        }
    };
    line.iter().map(piece).collect()
}

/// A whole line as Markdown: what is not ours stands in code spans.
pub(super) fn markdown(line: &[Piece]) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Words(_) => piece.neutral().text,
        Piece::Name(_)
        | Piece::Object(_)
        | Piece::Value(_)
        | Piece::Prose(_)
        | Piece::Command(_) => neutral::code_span(&piece.neutral().text),
    };
    line.iter().map(piece).collect()
}

/// Characters that the pieces of a line leave out.
pub(super) fn cut(line: &[Piece]) -> usize {
    line.iter().map(|piece| piece.neutral().cut).sum()
}
