//! The files of a folder and the objects in them. Names that begin with a dot, and files that do
//! not end in `.yaml`, `.yml` or `.json`, are not manifests and are passed over, and so are the files
//! that tell Kustomize how to build the tree; a symlink, device, pipe or socket anywhere is refused,
//! whatever its name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::ObserveError;
use super::forms::Forms;
use crate::config::{DirectoryTarget, Limits};
use crate::document::effect::FileChange;
use crate::document::ident::ResourceId;
use crate::document::operation::ResourceRef;
use crate::files::{self, Folder};
use crate::manifest::problem::Problem;
use crate::manifest::{self, many, object, read, text};

/// Where an object stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Path beneath the target's folder, `/`-separated.
    pub path: String,
    /// Line of its document.
    pub line: u32,
}

/// Files that count as they were before they were written, by path.
type Undone<'f> = BTreeMap<&'f str, &'f FileChange>;

/// A folder of manifests, read whole.
#[derive(Debug, Default)]
pub struct Tree {
    texts: BTreeMap<String, String>,
    objects: BTreeMap<ResourceId, (Value, Place)>,
    secrets: BTreeSet<String>,
    forms: Forms,
}

/// The manifests of a folder, before anybody has looked into them.
#[derive(Debug, Default)]
struct Files {
    found: BTreeMap<String, Vec<u8>>,
    /// Bytes of all files so far.
    bytes: usize,
}

impl Tree {
    /// Reads every manifest of the target's folder.
    ///
    /// # Errors
    /// [`ObserveError`] for anything that is not a plain file or folder, or not a manifest, and for an
    /// object that has not the form of its kind.
    pub fn read(
        project: &Path,
        target: &DirectoryTarget,
        limits: &Limits,
    ) -> Result<Self, ObserveError> {
        Self::read_before(project, target, limits, &[])
    }

    /// Reads the tree as it was before `written` was written: a file that has its text `after`
    /// counts as having its text `before`. Any other text counts as it stands.
    ///
    /// # Errors
    /// As [`Tree::read`].
    pub fn read_before(
        project: &Path,
        target: &DirectoryTarget,
        limits: &Limits,
        written: &[FileChange],
    ) -> Result<Self, ObserveError> {
        let folder = files::open_folder(project)?.folder(target.path.as_str())?;
        let mut files = Files::default();
        let undone: Undone<'_> = written.iter().map(|file| (file.path.as_str(), file)).collect();
        files.walk(&folder, "", limits, &undone, 0)?;
        for file in written {
            // What the writing removed.
            if let (None, Some(before)) = (&file.after, &file.before)
                && !files.found.contains_key(&file.path)
            {
                files.add(file.path.clone(), before.clone().into_bytes());
            }
        }
        Self::of(files, limits)
    }

    /// The bytes of every manifest of the target's folder, by path, before anybody looks into them:
    /// what [`Tree::read`] goes by.
    ///
    /// # Errors
    /// [`ObserveError::Files`], [`ObserveError::Depth`].
    pub fn bytes(
        project: &Path,
        target: &DirectoryTarget,
        limits: &Limits,
    ) -> Result<BTreeMap<String, Vec<u8>>, ObserveError> {
        let folder = files::open_folder(project)?.folder(target.path.as_str())?;
        let mut files = Files::default();
        files.walk(&folder, "", limits, &Undone::new(), 0)?;
        Ok(files.found)
    }

    /// Whether [`Tree::read`] reads the file at a path beneath the target's folder.
    pub fn takes(path: &str) -> bool {
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        object::is_manifest_name(name)
            && !object::is_kustomization_name(name)
            && !path.split('/').any(|part| part.starts_with('.'))
    }

    fn of(files: Files, limits: &Limits) -> Result<Self, ObserveError> {
        let Files { found, mut bytes } = files;
        let found: Vec<(String, Vec<u8>)> = found.into_iter().collect();
        // What aliases expand to counts for all files together, so in the first reading none makes
        // more of a file than its own size.
        let read = many::each(&found, |(path, text)| manifests(path, text, text.len(), limits));
        let mut tree = Self::default();
        for ((path, text), documents) in found.into_iter().zip(read) {
            let documents = documents.or_else(|_| {
                let left = limits.max_tree_bytes.saturating_sub(bytes);
                let most = manifest::Limits::default().max_bytes.min(left);
                manifests(&path, &text, text.len().max(most), limits)
            })?;
            for Manifest { value, line, expanded } in documents {
                bytes = bytes.saturating_add(expanded);
                tree.add(value, &Place { path: path.clone(), line })?;
            }
            // It was read as a manifest, so it is UTF-8.
            tree.texts.insert(path, String::from_utf8(text).unwrap_or_default());
        }
        // A definition may stand behind the objects of its kind.
        for (id, (_, place)) in &tree.objects {
            if let Some(message) = tree.forms.against(id) {
                let problem = Problem::new(message).at(place.line, 1);
                return Err(ObserveError::Manifest { path: place.path.clone(), problem });
            }
        }
        Ok(tree)
    }

    /// The object with this identity.
    pub fn object(&self, id: &ResourceId) -> Option<&Value> {
        self.objects.get(id).map(|(value, _)| value)
    }

    /// The file that holds an object, or would hold it.
    pub fn path_of(&self, resource: &ResourceRef) -> String {
        let known = self.objects.get(&resource.id());
        known.map_or_else(|| object::default_path(resource), |(_, place)| place.path.clone())
    }

    /// The text of a file.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// Whether a file holds a Secret with values.
    pub fn holds_secrets(&self, path: &str) -> bool {
        self.secrets.contains(path)
    }

    /// What is known of the kinds in it.
    pub(super) fn forms(&self) -> &Forms {
        &self.forms
    }

    /// Every object by identity.
    pub fn into_objects(self) -> BTreeMap<ResourceId, Value> {
        self.objects.into_iter().map(|(id, (value, _))| (id, value)).collect()
    }

    fn add(&mut self, value: Value, place: &Place) -> Result<(), ObserveError> {
        let value = match object::into_list_items(value) {
            Ok(items) => return items.into_iter().try_for_each(|item| self.add(item, place)),
            Err(value) => value,
        };
        if object::is_inert(&value) {
            return Ok(());
        }
        let resource = object::identity(&value).map_err(|error| {
            let problem = Problem::new(error.to_string()).at(place.line, 1);
            ObserveError::Manifest { path: place.path.clone(), problem }
        })?;
        if object::holds_secret_values(&value) {
            self.secrets.insert(place.path.clone());
        }
        let id = resource.id();
        if let Some((_, other)) = self.objects.get(&id) {
            // Named in the order of the alphabet, whichever file was read first.
            let mut both = [other.path.clone(), place.path.clone()];
            both.sort();
            let [first, second] = both;
            return Err(ObserveError::Twice { id: Box::new(id), first, second });
        }
        self.forms.note(&id, &value);
        self.objects.insert(id, (value, place.clone()));
        Ok(())
    }
}

impl Files {
    fn walk(
        &mut self,
        folder: &Folder,
        prefix: &str,
        limits: &Limits,
        undone: &Undone<'_>,
        depth: usize,
    ) -> Result<(), ObserveError> {
        if depth > limits.max_depth {
            return Err(ObserveError::Depth { path: prefix.trim_end_matches('/').to_owned() });
        }
        for entry in folder.entries()? {
            if entry.name.starts_with('.') {
                continue;
            }
            let path = format!("{prefix}{}", entry.name);
            if entry.folder {
                let inner = folder.folder(&entry.name)?;
                self.walk(&inner, &format!("{path}/"), limits, undone, depth + 1)?;
            } else if object::is_manifest_name(&entry.name)
                && !object::is_kustomization_name(&entry.name)
            {
                let left = limits.max_tree_bytes.saturating_sub(self.bytes);
                let bytes = folder.read(&entry.name, u64::try_from(left).unwrap_or(u64::MAX))?;
                let change = undone.get(path.as_str());
                let change = change.filter(|file| {
                    file.after.as_ref().is_some_and(|after| after.as_bytes() == bytes)
                });
                match change.map(|file| &file.before) {
                    None => self.add(path, bytes),
                    Some(Some(before)) => self.add(path, before.clone().into_bytes()),
                    // The writing made it.
                    Some(None) => {}
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, path: String, bytes: Vec<u8>) {
        self.bytes += bytes.len();
        self.found.insert(path, bytes);
    }
}

/// One document of a file.
struct Manifest {
    value: Value,
    line: u32,
    /// Bytes that its aliases expanded to.
    expanded: usize,
}

/// The documents of one file whose aliases expand to `most` bytes at most.
fn manifests(
    path: &str,
    bytes: &[u8],
    most: usize,
    limits: &Limits,
) -> Result<Vec<Manifest>, ObserveError> {
    let wrong = |problem| ObserveError::Manifest { path: path.to_owned(), problem };
    let text = text::utf8(bytes).map_err(wrong)?;
    let limits = manifest::Limits { max_bytes: most, max_depth: limits.max_depth };
    let documents = read::documents(text, &limits).map_err(|problems| {
        wrong(problems.into_iter().next().unwrap_or_else(|| Problem::new("unreadable")))
    })?;
    let of = |document: read::Document| {
        let read::Document { value, line, expanded, .. } = document;
        Manifest { value, line, expanded }
    };
    Ok(documents.into_iter().map(of).collect())
}
