//! The texts of a directory's files after a plan: a pure function of their texts before it and of
//! the changes. Every object that changes must stand in exactly one of them, as the plan says.

use std::collections::BTreeMap;

use serde_json::Value;
use thiserror::Error;

use super::judgement::Case;
use crate::document::effect::FileChange;
use crate::document::ident::ResourceId;
use crate::manifest::edit::{Edit, EditError, edit};
use crate::manifest::object::ObjectError;
use crate::manifest::{Limits, object, read};

/// Why there is no text for a file.
#[derive(Debug, Error)]
pub enum FilesError {
    /// An object that does not stand in the files as the plan says.
    #[error("{id} does not stand in the files as `before` says")]
    Before {
        /// The object.
        id: Box<ResourceId>,
    },
    /// A file that no change touches, or that is missing.
    #[error("{path}: no change of this plan belongs there, or its text before is missing")]
    Stray {
        /// Path beneath the target's folder.
        path: String,
    },
    /// A document that is no object of a tree.
    #[error("{path} holds what no tree can hold")]
    Object {
        /// Path beneath the target's folder.
        path: String,
        /// What.
        source: ObjectError,
    },
    /// A text that cannot be edited.
    #[error("{path} cannot be changed")]
    Edit {
        /// Path beneath the target's folder.
        path: String,
        /// Why.
        source: Box<EditError>,
    },
}

/// A file and what it loses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) change: FileChange,
    /// Objects of it that change.
    pub(super) ids: Vec<ResourceId>,
    pub(super) comments_lost: u32,
}

/// Where the objects of these texts stand.
fn places(
    before: &BTreeMap<String, Option<String>>,
) -> Result<BTreeMap<ResourceId, (String, Value)>, FilesError> {
    let most = Limits::default().max_bytes;
    // What aliases may still expand to, in all files together: beyond their own size.
    let mut left = most;
    let mut found = BTreeMap::new();
    for (path, text) in before {
        let Some(text) = text else { continue };
        if !of_a_tree(path) {
            return Err(FilesError::Stray { path: path.clone() });
        }
        let limits = Limits { max_bytes: text.len().max(left).min(most), ..Limits::default() };
        let documents = read::documents(text, &limits).map_err(|problems| FilesError::Edit {
            path: path.clone(),
            source: Box::new(EditError::Read(problems)),
        })?;
        for document in documents {
            left = left.saturating_sub(document.expanded);
            place(&document.value, path, &mut found)?;
        }
    }
    Ok(found)
}

/// Whether a path is one beneath the target's folder where manifests are read: nothing else can
/// have been seen there.
fn of_a_tree(path: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains('\0');
    path.split('/').all(plain) && path.rsplit('/').next().is_some_and(object::is_manifest_name)
}

fn place(
    value: &Value,
    path: &str,
    found: &mut BTreeMap<ResourceId, (String, Value)>,
) -> Result<(), FilesError> {
    if let Some(items) = object::list_items(value) {
        return items.iter().try_for_each(|item| place(item, path, found));
    }
    if object::is_inert(value) {
        return Ok(());
    }
    let id = match object::identity(value) {
        Ok(resource) => resource.id(),
        Err(source) => return Err(FilesError::Object { path: path.to_owned(), source }),
    };
    if object::holds_secret_values(value) {
        return Err(FilesError::Stray { path: path.to_owned() });
    }
    if found.insert(id.clone(), (path.to_owned(), value.clone())).is_some() {
        return Err(FilesError::Before { id: Box::new(id) });
    }
    Ok(())
}

/// Every file that changes, sorted by path.
///
/// # Errors
/// [`FilesError`], if the texts and the changes contradict each other.
pub(super) fn written(
    cases: &[Case<'_>],
    before: BTreeMap<String, Option<String>>,
) -> Result<Vec<Written>, FilesError> {
    let places = places(&before)?;
    let mut edits: BTreeMap<String, BTreeMap<ResourceId, Edit>> = BTreeMap::new();
    for case in cases.iter().filter(|case| !case.actions.is_empty()) {
        let contradiction = || FilesError::Before { id: Box::new(case.id.clone()) };
        let path = match places.get(&case.id) {
            Some((path, value)) if value == case.before => path.clone(),
            None if case.before.is_null() => object::default_path(case.resource),
            Some(_) | None => return Err(contradiction()),
        };
        let edit = match case.after.is_null() {
            true => Edit::Remove,
            false => Edit::Put(case.after.clone()),
        };
        edits.entry(path).or_default().insert(case.id.clone(), edit);
    }
    if let Some(path) = before.keys().find(|path| !edits.contains_key(*path)) {
        return Err(FilesError::Stray { path: path.clone() });
    }
    let mut found = Vec::with_capacity(edits.len());
    for (path, edits) in edits {
        let Some(text) = before.get(&path) else {
            return Err(FilesError::Stray { path });
        };
        let json = path.ends_with(".json");
        let edited = edit(text.as_deref().unwrap_or_default(), &edits, json)
            .map_err(|error| FilesError::Edit { path: path.clone(), source: Box::new(error) })?;
        let change = FileChange { path, before: text.clone(), after: edited.text };
        let ids = edits.into_keys().collect();
        found.push(Written { change, ids, comments_lost: edited.comments_lost });
    }
    Ok(found)
}
