//! The texts of a directory's files after a plan: a pure function of their texts before it and of
//! the changes. Every object that changes must stand in exactly one of them, as the plan says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use thiserror::Error;

use super::judgement::Case;
use crate::document::effect::FileChange;
use crate::document::ident::ResourceId;
use crate::manifest::edit::{Edit, EditError, Edited, edit_documents};
use crate::manifest::object::ObjectError;
use crate::manifest::{Limits, many, object, read};

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
}

/// What is put on a file: the changes of its objects, and of those that are created in it.
type Edits<'c> = BTreeMap<ResourceId, Edit<'c>>;

/// The changes that act, by their objects.
type Acting<'c, 'v> = BTreeMap<&'c ResourceId, &'c Case<'v>>;

/// Every file that changes, sorted by path.
///
/// # Errors
/// [`FilesError`], if the texts and the changes contradict each other.
pub(super) fn written(
    cases: &[Case<'_>],
    before: BTreeMap<String, Option<String>>,
) -> Result<Vec<Written>, FilesError> {
    let acts = |case: &&Case<'_>| !case.actions.is_empty();
    let acting: Acting<'_, '_> = cases.iter().filter(acts).map(|case| (&case.id, case)).collect();
    let mut created: BTreeMap<String, Vec<&Case<'_>>> = BTreeMap::new();
    for case in acting.values().filter(|case| case.before.is_null()) {
        created.entry(object::default_path(case.resource)).or_default().push(case);
    }
    let before: Vec<(String, Option<String>)> = before.into_iter().collect();
    let most = Limits::default().max_bytes;
    let look = |path: &str, text: &Option<String>, expanded: usize| {
        let created = created.get(path).map(Vec::as_slice).unwrap_or_default();
        let text = text.as_deref();
        let max_bytes = text.map_or(0, str::len).max(expanded).min(most);
        one(path, text, &acting, created, Limits { max_bytes, ..Limits::default() })
    };
    // What aliases expand to counts for all files together, so at first none makes more of a file
    // than its own size.
    let results = many::each(&before, |(path, text)| look(path, text, 0));
    let mut left = most;
    let (mut homes, mut stray) = (BTreeSet::new(), None);
    let mut seen = BTreeSet::new();
    let mut found = Vec::with_capacity(before.len());
    for ((path, before), result) in before.into_iter().zip(results) {
        let result = result.or_else(|_| look(&path, &before, left));
        let One { ids, edited, objects, expanded } = result?;
        left = left.saturating_sub(expanded);
        for id in objects {
            if let Some(twice) = seen.replace(id) {
                return Err(FilesError::Before { id: Box::new(twice) });
            }
        }
        if ids.is_empty() {
            stray.get_or_insert(path);
            continue;
        }
        homes.insert(path.clone());
        let change = FileChange { path, before, after: edited.text };
        found.push(Written { change, ids });
    }
    let homeless = |case: &&&Case<'_>| !case.before.is_null() && !seen.contains(&case.id);
    if let Some(case) = acting.values().find(homeless) {
        return Err(FilesError::Before { id: Box::new(case.id.clone()) });
    }
    match stray.or_else(|| created.into_keys().find(|path| !homes.contains(path))) {
        Some(path) => Err(FilesError::Stray { path }),
        None => Ok(found),
    }
}

/// One file by itself.
struct One {
    /// Objects of it that change; a file without any does not belong to the plan.
    ids: Vec<ResourceId>,
    edited: Edited,
    /// Every object that stands in it.
    objects: Vec<ResourceId>,
    /// Bytes that aliases expanded to.
    expanded: usize,
}

fn one(
    path: &str,
    text: Option<&str>,
    acting: &Acting<'_, '_>,
    created: &[&Case<'_>],
    limits: Limits,
) -> Result<One, FilesError> {
    if text.is_some() && !of_a_tree(path) {
        return Err(FilesError::Stray { path: path.to_owned() });
    }
    let wrong = |error| FilesError::Edit { path: path.to_owned(), source: Box::new(error) };
    let text = text.unwrap_or_default();
    let documents = read::documents(text, &limits);
    let documents = documents.map_err(|problems| wrong(EditError::Read(problems)))?;
    let mut objects = Vec::new();
    for document in &documents {
        place(&document.value, path, &mut objects)?;
    }
    let mut edits: Edits<'_> = created.iter().map(|case| (case.id.clone(), wanted(case))).collect();
    for (id, value) in &objects {
        let Some(case) = acting.get(id) else { continue };
        if case.before != *value {
            return Err(FilesError::Before { id: Box::new(id.clone()) });
        }
        edits.insert(id.clone(), wanted(case));
    }
    let edited = match edits.is_empty() {
        // No change belongs here: whoever asked says so once all files are known.
        true => Edited { text: None, comments_lost: 0 },
        false => {
            edit_documents(text, &documents, &edits, path.ends_with(".json")).map_err(wrong)?
        }
    };
    let objects = objects.into_iter().map(|(id, _)| id).collect();
    let expanded =
        documents.iter().fold(0, |sum: usize, document| sum.saturating_add(document.expanded));
    Ok(One { ids: edits.into_keys().collect(), edited, objects, expanded })
}

/// Whether a path is one beneath the target's folder where manifests are read: nothing else can
/// have been seen there.
fn of_a_tree(path: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains('\0');
    path.split('/').all(plain) && path.rsplit('/').next().is_some_and(object::is_manifest_name)
}

fn wanted<'c>(case: &Case<'c>) -> Edit<'c> {
    if case.after.is_null() { Edit::Remove } else { Edit::Put(case.after) }
}

/// The objects of a document.
fn place<'d>(
    value: &'d Value,
    path: &str,
    objects: &mut Vec<(ResourceId, &'d Value)>,
) -> Result<(), FilesError> {
    if let Some(items) = object::list_items(value) {
        return items.iter().try_for_each(|item| place(item, path, objects));
    }
    if object::is_inert(value) {
        return Ok(());
    }
    let resource = object::identity(value)
        .map_err(|source| FilesError::Object { path: path.to_owned(), source })?;
    if object::holds_secret_values(value) {
        return Err(FilesError::Stray { path: path.to_owned() });
    }
    objects.push((resource.id(), value));
    Ok(())
}
