//! Changes objects in a text and keeps every byte that need not change: other documents, comments,
//! line ends, quoting. What an edit gives is read again and must mean exactly what was wanted;
//! where an edit in place does not, that one document is emitted anew and its comments are counted
//! as lost. Pure.

mod place;

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;
use thiserror::Error;

use super::problem::Problem;
use super::read::{self, Document};
use super::{Limits, emit, object};
use crate::document::ident::ResourceId;

/// One object as it should stand in the text.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// It has this value; it is added at the end if the text does not have it.
    Put(Value),
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
    edits: &BTreeMap<ResourceId, Edit>,
    json: bool,
) -> Result<Edited, EditError> {
    let limits = Limits::default();
    let documents = read::documents(text, &limits).map_err(EditError::Read)?;
    let mut open: BTreeMap<&ResourceId, &Edit> = edits.iter().collect();
    let wanted: Vec<Option<Value>> =
        documents.iter().map(|document| after(&document.value, edits, &mut open)).collect();
    let mut pieces = Vec::with_capacity(documents.len() + 1);
    let mut expected = Vec::new();
    for (document, wanted) in documents.iter().zip(wanted) {
        let whole = text.get(document.span.clone()).unwrap_or_default();
        let Some(wanted) = wanted else { continue };
        pieces.push(if wanted == document.value {
            whole.to_owned()
        } else {
            changed(text, document, &wanted, json)
        });
        expected.push(wanted);
    }
    for (id, edit) in open {
        match edit {
            Edit::Put(value) => {
                pieces.push(appended(text, pieces.last(), value, json));
                expected.push(value.clone());
            }
            Edit::Remove => return Err(EditError::Absent(id.clone())),
        }
    }
    if expected.is_empty() {
        return Ok(Edited { text: None, comments_lost: 0 });
    }
    let result = pieces.concat();
    let again = read::documents(&result, &limits).map_err(|_| EditError::Unfaithful)?;
    if !again.iter().map(|document| &document.value).eq(expected.iter()) {
        return Err(EditError::Unfaithful);
    }
    let count = |documents: &[Document]| documents.iter().map(|d| d.comments).sum::<u32>();
    let comments_lost = count(&documents).saturating_sub(count(&again));
    Ok(Edited { text: Some(result), comments_lost })
}

/// What a document is after the edits; `None` if nothing of it remains.
fn after(
    value: &Value,
    edits: &BTreeMap<ResourceId, Edit>,
    open: &mut BTreeMap<&ResourceId, &Edit>,
) -> Option<Value> {
    if let Some(items) = object::list_items(value) {
        let rest: Vec<Value> = items.iter().filter_map(|item| after(item, edits, open)).collect();
        if rest.is_empty() && !items.is_empty() {
            return None;
        }
        let mut list = value.clone();
        if let Some(slot) = list.get_mut("items") {
            *slot = Value::Array(rest);
        }
        return Some(list);
    }
    let id = object::identity(value).ok().map(|resource| resource.id());
    let Some(edit) = id.as_ref().and_then(|id| edits.get(id)) else {
        return Some(value.clone());
    };
    if let Some(id) = &id {
        open.remove(id);
    }
    match edit {
        Edit::Put(value) => Some(value.clone()),
        Edit::Remove => None,
    }
}

/// The text of a document with another value.
fn changed(text: &str, document: &Document, wanted: &Value, json: bool) -> String {
    let piece = text.get(document.span.clone()).unwrap_or_default();
    let limits = Limits::default();
    let shift =
        |range: &Range<usize>| range.start - document.span.start..range.end - document.span.start;
    if document.aliased {
        return anew(piece, None, wanted, json);
    }
    let node = &document.node;
    if let Some(in_place) =
        place::splice(text, node, &document.value, wanted, document.span.clone(), json)
        && read::documents(&in_place, &limits)
            .is_ok_and(|d| matches!(d.as_slice(), [d] if d.value == *wanted))
    {
        return in_place;
    }
    anew(piece, Some(shift(&node.span)), wanted, json)
}

/// The text of a document whose content is written again; what stands around it stays.
fn anew(piece: &str, content: Option<Range<usize>>, wanted: &Value, json: bool) -> String {
    let fresh = line_ends(piece, &fresh(wanted, json));
    let marker = if piece.starts_with("---") { "---\n" } else { "" };
    let Some(content) = content else {
        return line_ends(piece, &format!("{marker}{fresh}"));
    };
    let start = place::line_start(piece, content.start);
    let head = piece.get(..start).unwrap_or_default();
    // What follows the marker on its own line is content, not head.
    let head = if head.is_empty() && !marker.is_empty() {
        line_ends(piece, marker)
    } else {
        head.to_owned()
    };
    format!("{head}{fresh}")
}

/// A new document behind the others.
fn appended(text: &str, last: Option<&String>, value: &Value, json: bool) -> String {
    let body = fresh(value, json);
    let separator = match last {
        None => "",
        Some(last) if last.ends_with('\n') => "---\n",
        Some(_) => "\n---\n",
    };
    line_ends(text, &format!("{separator}{body}"))
}

fn fresh(value: &Value, json: bool) -> String {
    if !json {
        return emit::document(value);
    }
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

/// `new` with the line ends of `old`.
pub(super) fn line_ends(old: &str, new: &str) -> String {
    if old.contains("\r\n") { new.replace('\n', "\r\n") } else { new.to_owned() }
}
