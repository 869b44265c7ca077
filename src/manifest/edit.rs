//! Changes objects in a text and keeps every byte that need not change: other documents, comments,
//! line ends, quoting. What an edit gives is read again and must mean exactly what was wanted;
//! where an edit in place does not, that one document is emitted anew and its comments are counted
//! as lost. Pure.

mod place;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;
use thiserror::Error;

use super::problem::Problem;
use super::read::{self, Document};
use super::{Limits, emit, object};
use crate::document::ident::ResourceId;

/// What is edited.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'t> {
    text: &'t str,
    json: bool,
    /// Whether its lines end as on Windows. Looked for once, as a text may hold many documents.
    crlf: bool,
}

/// One object as it should stand in the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Edit<'v> {
    /// It has this value; it is added at the end if the text does not have it.
    Put(&'v Value),
    /// It is not there.
    Remove,
}

/// What became of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The text; `None` when its last document went.
    pub text: Option<String>,
    /// Comments that the new text does not have.
    pub comments_lost: u32,
}

/// Why a text cannot be changed.
#[derive(Debug, Error)]
pub enum EditError {
    /// The text is not a manifest.
    #[error("the text cannot be read: {}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Read(Vec<Problem>),
    /// The object to remove is not there.
    #[error("{0} does not stand in this text")]
    Absent(ResourceId),
    /// The result would not mean what was wanted. Never expected; checked all the same.
    #[error("the edited text would not read as what was wanted")]
    Unfaithful,
}

/// Makes these edits in a text (`""` for a file that does not exist). `json` says that the text is
/// JSON and stays so.
///
/// # Errors
/// [`EditError`]; nothing is half-changed.
pub fn edit(
    text: &str,
    edits: &BTreeMap<ResourceId, Edit<'_>>,
    json: bool,
) -> Result<Edited, EditError> {
    let documents = read::documents(text, &Limits::default()).map_err(EditError::Read)?;
    edit_documents(text, &documents, edits, json)
}

/// As [`edit`], for a text whose `documents` have been read already.
///
/// # Errors
/// As [`edit`].
pub fn edit_documents(
    text: &str,
    documents: &[Document],
    edits: &BTreeMap<ResourceId, Edit<'_>>,
    json: bool,
) -> Result<Edited, EditError> {
    let mut open: BTreeMap<&ResourceId, Edit<'_>> =
        edits.iter().map(|(id, edit)| (id, *edit)).collect();
    let kept: Vec<(&Document, Cow<'_, Value>)> = documents
        .iter()
        .filter_map(|document| Some((document, after(&document.value, edits, &mut open)?)))
        .collect();
    let mut added = Vec::with_capacity(open.len());
    for (id, edit) in open {
        match edit {
            Edit::Put(value) => added.push(value),
            Edit::Remove => return Err(EditError::Absent(id.clone())),
        }
    }
    if kept.is_empty() && added.is_empty() {
        return Ok(Edited { text: None, comments_lost: 0 });
    }
    let expected = || kept.iter().map(|(_, value)| value.as_ref()).chain(added.iter().copied());
    let source = Source { text, json, crlf: text.contains("\r\n") };
    // Nearly every edit in place is right, so each is looked at by itself only if the whole is not.
    for trust in [Trust::InPlace, Trust::Checked] {
        let result = assembled(source, &kept, &added, trust);
        let Ok(again) = read::documents(&result, &Limits::default()) else { continue };
        if again.iter().map(|document| &document.value).eq(expected()) {
            let count = |documents: &[Document]| documents.iter().map(|d| d.comments).sum::<u32>();
            let comments_lost = count(documents).saturating_sub(count(&again));
            return Ok(Edited { text: Some(result), comments_lost });
        }
    }
    Err(EditError::Unfaithful)
}

/// Which edits in place are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    /// All that could be made.
    InPlace,
    /// Those that were read again, each in its own document.
    Checked,
}

fn assembled(
    source: Source<'_>,
    kept: &[(&Document, Cow<'_, Value>)],
    added: &[&Value],
    trust: Trust,
) -> String {
    let text = source.text;
    let mut result = String::with_capacity(text.len());
    for (document, wanted) in kept {
        if **wanted == document.value {
            result.push_str(text.get(document.span.clone()).unwrap_or_default());
        } else {
            result.push_str(&changed(source, document, wanted, trust));
        }
    }
    for value in added {
        let body = appended(source, &result, value);
        result.push_str(&body);
    }
    result
}

/// What a document is after the edits; `None` if nothing of it remains.
fn after<'v>(
    value: &'v Value,
    edits: &BTreeMap<ResourceId, Edit<'v>>,
    open: &mut BTreeMap<&ResourceId, Edit<'v>>,
) -> Option<Cow<'v, Value>> {
    if let Some(items) = object::list_items(value) {
        let rest: Vec<Value> =
            items.iter().filter_map(|item| after(item, edits, open).map(Cow::into_owned)).collect();
        if rest.is_empty() && !items.is_empty() {
            return None;
        }
        let mut list = value.clone();
        if let Some(slot) = list.get_mut("items") {
            *slot = Value::Array(rest);
        }
        return Some(Cow::Owned(list));
    }
    let id = object::identity(value).ok().map(|resource| resource.id());
    let Some((id, edit)) = id.as_ref().and_then(|id| edits.get_key_value(id)) else {
        return Some(Cow::Borrowed(value));
    };
    open.remove(id);
    match edit {
        Edit::Put(value) => Some(Cow::Borrowed(value)),
        Edit::Remove => None,
    }
}

/// The text of a document with another value.
fn changed(source: Source<'_>, document: &Document, wanted: &Value, trust: Trust) -> String {
    let Source { text, json, crlf: _ } = source;
    let piece = text.get(document.span.clone()).unwrap_or_default();
    let shift =
        |range: &Range<usize>| range.start - document.span.start..range.end - document.span.start;
    if document.aliased {
        return anew(piece, None, wanted, json);
    }
    let node = &document.node;
    if let Some(in_place) =
        place::splice(source, node, &document.value, wanted, document.span.clone())
        && (trust == Trust::InPlace
            || read::documents(&in_place, &Limits::default())
                .is_ok_and(|d| matches!(d.as_slice(), [d] if d.value == *wanted)))
    {
        return in_place;
    }
    anew(piece, Some(shift(&node.span)), wanted, json)
}

/// The text of a document whose content is written again; what stands around it stays.
fn anew(piece: &str, content: Option<Range<usize>>, wanted: &Value, json: bool) -> String {
    let crlf = piece.contains("\r\n");
    let fresh = line_ends(crlf, &fresh(wanted, json));
    let marker = if piece.starts_with("---") { "---\n" } else { "" };
    let Some(content) = content else {
        return line_ends(crlf, &format!("{marker}{fresh}"));
    };
    let start = place::line_start(piece, content.start);
    let head = piece.get(..start).unwrap_or_default();
    // What follows the marker on its own line is content, not head.
    let head = if head.is_empty() && !marker.is_empty() {
        line_ends(crlf, marker)
    } else {
        head.to_owned()
    };
    format!("{head}{fresh}")
}

/// A new document behind the others.
fn appended(source: Source<'_>, above: &str, value: &Value) -> String {
    let body = fresh(value, source.json);
    let separator = match above {
        "" => "",
        _ if above.ends_with('\n') => "---\n",
        _ => "\n---\n",
    };
    line_ends(source.crlf, &format!("{separator}{body}"))
}

fn fresh(value: &Value, json: bool) -> String {
    if !json {
        return emit::document(value);
    }
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

/// `new` with the line ends of the old text.
fn line_ends(crlf: bool, new: &str) -> String {
    if crlf { new.replace('\n', "\r\n") } else { new.to_owned() }
}
