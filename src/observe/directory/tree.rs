//! The files of a folder and the objects in them. Names that begin with a dot, and files that do
//! not end in `.yaml`, `.yml` or `.json`, are not manifests and are passed over; a symlink, device,
//! pipe or socket anywhere is refused, whatever its name.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::OpenOptionsExt as _;
use cap_std::fs::{Dir, FileType, OpenOptions};
use serde_json::Value;

use super::ObserveError;
use crate::config::{DirectoryTarget, Limits};
use crate::document::ident::ResourceId;
use crate::document::operation::ResourceRef;
use crate::manifest::{self, object, read};

/// Where an object stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Path beneath the target's folder, `/`-separated.
    pub path: String,
    /// Line of its document.
    pub line: u32,
}

/// A folder of manifests, read whole.
#[derive(Debug, Default)]
pub struct Tree {
    texts: BTreeMap<String, String>,
    objects: BTreeMap<ResourceId, (Value, Place)>,
    secrets: BTreeSet<String>,
}

impl Tree {
    /// Reads every manifest of the target's folder.
    ///
    /// # Errors
    /// [`ObserveError`] for anything that is not a plain file or folder, or not a manifest.
    pub fn read(
        project: &Path,
        target: &DirectoryTarget,
        limits: &Limits,
    ) -> Result<Self, ObserveError> {
        let folder = open(project, target.path.as_str())?;
        let mut tree = Self::default();
        tree.walk(&folder, "", limits, 0)?;
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

    /// Every object by identity.
    pub fn into_objects(self) -> BTreeMap<ResourceId, Value> {
        self.objects.into_iter().map(|(id, (value, _))| (id, value)).collect()
    }

    fn walk(
        &mut self,
        folder: &Dir,
        prefix: &str,
        limits: &Limits,
        depth: usize,
    ) -> Result<(), ObserveError> {
        let failed = |source| ObserveError::Read { path: shown(prefix), source };
        if depth > limits.max_depth {
            let path = shown(prefix);
            return Err(ObserveError::Surprise {
                path,
                what: "nested deeper than folders are read",
            });
        }
        for entry in folder.entries().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let path = format!("{prefix}{}", name.to_string_lossy());
            let kind = entry.file_type().map_err(failed)?;
            if let Some(what) = surprise(&kind) {
                return Err(ObserveError::Surprise { path, what });
            }
            let Some(name) = name.to_str() else {
                return Err(ObserveError::Surprise { path, what: "a name that is not UTF-8" });
            };
            if name.starts_with('.') {
                continue;
            }
            if kind.is_dir() {
                let inner = folder
                    .open_dir(name)
                    .map_err(|source| ObserveError::Read { path: path.clone(), source })?;
                self.walk(&inner, &format!("{path}/"), limits, depth + 1)?;
            } else if matches!(
                Path::new(name).extension().and_then(|e| e.to_str()),
                Some("yaml" | "yml" | "json")
            ) {
                let text = read_text(folder, name, limits.max_bytes)
                    .map_err(|source| ObserveError::Read { path: path.clone(), source })?;
                self.file(path, text, limits)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: String, text: String, limits: &Limits) -> Result<(), ObserveError> {
        let manifest =
            manifest::Limits { max_bytes: limits.max_bytes, max_depth: limits.max_depth };
        let wrong = |problem| ObserveError::Manifest { path: path.clone(), problem };
        let documents = read::documents(&text, &manifest).map_err(|problems| {
            wrong(
                problems
                    .into_iter()
                    .next()
                    .unwrap_or_else(|| manifest::problem::Problem::new("unreadable")),
            )
        })?;
        for document in documents {
            let line = document.line;
            self.add(document.value, &Place { path: path.clone(), line })?;
        }
        self.texts.insert(path, text);
        Ok(())
    }

    fn add(&mut self, value: Value, place: &Place) -> Result<(), ObserveError> {
        if object::is_kustomization(&value) {
            return Ok(());
        }
        if let Some(items) = object::list_items(&value) {
            return items.iter().try_for_each(|item| self.add(item.clone(), place));
        }
        let resource = object::identity(&value).map_err(|error| {
            let problem = manifest::problem::Problem::new(error.to_string()).at(place.line, 1);
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
        self.objects.insert(id, (value, place.clone()));
        Ok(())
    }
}

/// Opens a folder of the project, refusing a symlink at every step of the way.
///
/// # Errors
/// [`ObserveError::Open`] or [`ObserveError::Surprise`].
pub(super) fn open(project: &Path, path: &str) -> Result<Dir, ObserveError> {
    let failed = |source| ObserveError::Open { path: project.join(path), source };
    let mut folder = Dir::open_ambient_dir(project, ambient_authority()).map_err(failed)?;
    for part in path.split('/') {
        let kind = folder.symlink_metadata(part).map_err(failed)?.file_type();
        if let Some(what) = surprise(&kind) {
            return Err(ObserveError::Surprise { path: path.to_owned(), what });
        }
        folder = folder.open_dir(part).map_err(failed)?;
    }
    Ok(folder)
}

fn surprise(kind: &FileType) -> Option<&'static str> {
    if kind.is_symlink() {
        Some("a symlink")
    } else if kind.is_dir() || kind.is_file() {
        None
    } else {
        Some("a device, pipe or socket")
    }
}

/// Reads a plain file of a folder as text, never through a symlink.
fn read_text(folder: &Dir, name: &str, most: usize) -> std::io::Result<String> {
    let invalid = |message: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, message);
    let mut options = OpenOptions::new();
    let nofollow =
        i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits() | rustix::fs::OFlags::NONBLOCK.bits());
    options.read(true).custom_flags(nofollow.unwrap_or(0));
    let file = folder.open_with(name, &options)?;
    if !file.metadata()?.is_file() {
        return Err(invalid("not a plain file"));
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(invalid("larger than the limit `max-bytes`"));
    }
    String::from_utf8(bytes).map_err(|_| invalid("not UTF-8"))
}

fn shown(prefix: &str) -> String {
    if prefix.is_empty() { ".".to_owned() } else { prefix.trim_end_matches('/').to_owned() }
}
