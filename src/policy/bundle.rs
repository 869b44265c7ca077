//! A bundle is every file that counts, read once: nothing in its folders is passed over in silence,
//! and its digest covers all of it, the built-in bundle, and the engine.

use serde_json::Value;
use thiserror::Error;

use super::data::{self, DataFile};
use super::problem::Problem;
use super::{ENGINE_NAME, ENGINE_VERSION, builtin};
use crate::document::canonical::{self, CanonicalError};
use crate::document::ident::Digest;
use crate::files::{FileError, Folder};
use crate::manifest::{self, Limits};

/// Largest file of rules, in bytes: the engine's own limit.
const MOST_RULES: u64 = 1 << 20;
/// Largest file of data, in bytes.
const MOST_DATA: u64 = 16 << 20;
/// Most files of one bundle.
const MOST_FILES: usize = 10_000;
/// Deepest folder of one bundle.
const MOST_DEPTH: usize = 16;

/// Why the policies could not be loaded.
#[derive(Debug, Error)]
pub enum BundleError {
    /// A file or folder could not be read, or is a symlink or device.
    #[error("bundle {bundle} cannot be read")]
    File {
        /// The bundle.
        bundle: String,
        /// Why.
        source: FileError,
    },
    /// A file that would be neither rules nor data.
    #[error("{file} is neither .rego nor .json nor .yaml, so nothing would read it")]
    Stray {
        /// `bundle/path`.
        file: String,
    },
    /// A bundle without a file.
    #[error("bundle {bundle} holds no rules and no data")]
    Empty {
        /// The bundle.
        bundle: String,
    },
    /// No bundle at all.
    #[error("there are no policies: the built-in bundle is off and no other is named")]
    None,
    /// A name that is taken or reserved.
    #[error("{0:?} cannot name a bundle: it is empty, reserved, or used twice")]
    Name(String),
    /// Too many files, or folders too deep.
    #[error(
        "bundle {bundle} has more than {MOST_FILES} files, or folders deeper than {MOST_DEPTH}"
    )]
    TooMuch {
        /// The bundle.
        bundle: String,
    },
    /// Files that can be read and do not hold what they should.
    #[error("{}", super::judge::listed(.0))]
    Content(Vec<Problem>),
    /// The digest could not be taken.
    #[error("the policies have no digest")]
    Digest(#[from] CanonicalError),
}

/// What a file is to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Rules.
    Rules,
    /// Tests, `*_test.rego`: never loaded when a plan is judged.
    Tests,
    /// A data document.
    Data,
}

/// One file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleFile {
    /// Name of the bundle.
    pub bundle: String,
    /// Path beneath it, `/`-separated.
    pub path: String,
    /// What it is.
    pub role: Role,
    /// Its text.
    pub text: String,
}

impl BundleFile {
    /// `bundle/path`, as findings name it.
    pub fn name(&self) -> String {
        format!("{}/{}", self.bundle, self.path)
    }
}

/// All that judges a plan, besides the engine.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// Sorted by bundle and path.
    files: Vec<BundleFile>,
    /// In the same order.
    data: Vec<DataFile>,
    digest: Digest,
}

impl Bundle {
    /// Reads the built-in bundle, if `builtin`, and the given folders with the names they are
    /// known by.
    ///
    /// # Errors
    /// [`BundleError`]: nothing is skipped.
    pub fn load(builtin: bool, folders: &[(String, Folder)]) -> Result<Self, BundleError> {
        let mut files = Vec::new();
        if builtin {
            files.extend(builtin_files());
        }
        for (index, (name, folder)) in folders.iter().enumerate() {
            let taken = folders.iter().take(index).any(|(other, _)| other == name);
            let reserved = [builtin::NAME, ENGINE, ""].contains(&name.as_str());
            if taken || reserved || name.chars().any(char::is_control) {
                return Err(BundleError::Name(name.clone()));
            }
            let before = files.len();
            read(name, folder, "", &mut files)?;
            if files.len() == before {
                return Err(BundleError::Empty { bundle: name.clone() });
            }
        }
        if files.is_empty() {
            return Err(BundleError::None);
        }
        files.sort_by(|a, b| (&a.bundle, &a.path).cmp(&(&b.bundle, &b.path)));
        let digest = digest(builtin, &files)?;
        let data = data_files(&files).map_err(BundleError::Content)?;
        data::merge(&data).map_err(BundleError::Content)?;
        Ok(Self { files, data, digest })
    }

    /// SHA-256 over the JCS of `[[bundle, path, sha256], …]`, sorted: every file, the built-in
    /// bundle's digest or its absence, and the engine's name and version.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Every file, sorted by bundle and path.
    pub fn files(&self) -> &[BundleFile] {
        &self.files
    }

    pub(super) fn data(&self) -> &[DataFile] {
        &self.data
    }
}

/// Stands where a bundle's name would in the row of the engine.
const ENGINE: &str = "engine";

fn builtin_files() -> impl Iterator<Item = BundleFile> {
    builtin::FILES.iter().filter_map(|(path, text)| {
        let (bundle, path, text) =
            (builtin::NAME.to_owned(), (*path).to_owned(), (*text).to_owned());
        Some(BundleFile { role: role(&path)?, bundle, path, text })
    })
}

fn role(path: &str) -> Option<Role> {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((stem, "rego")) if stem.ends_with("_test") => Some(Role::Tests),
        Some((_, "rego")) => Some(Role::Rules),
        Some((_, "json" | "yaml" | "yml")) => Some(Role::Data),
        Some(_) | None => None,
    }
}

fn read(
    bundle: &str,
    folder: &Folder,
    prefix: &str,
    files: &mut Vec<BundleFile>,
) -> Result<(), BundleError> {
    let failed = |source| BundleError::File { bundle: bundle.to_owned(), source };
    if prefix.matches('/').count() > MOST_DEPTH {
        return Err(BundleError::TooMuch { bundle: bundle.to_owned() });
    }
    for entry in folder.entries().map_err(failed)? {
        if entry.name.starts_with('.') {
            continue;
        }
        let path = format!("{prefix}{}", entry.name);
        if entry.folder {
            let inner = folder.folder(&entry.name).map_err(failed)?;
            read(bundle, &inner, &format!("{path}/"), files)?;
            continue;
        }
        let Some(role) = role(&path) else {
            return Err(BundleError::Stray { file: format!("{bundle}/{path}") });
        };
        if files.len() >= MOST_FILES {
            return Err(BundleError::TooMuch { bundle: bundle.to_owned() });
        }
        let most = match role {
            Role::Rules | Role::Tests => MOST_RULES,
            Role::Data => MOST_DATA,
        };
        let bytes = folder.read(&entry.name, most).map_err(failed)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let file = format!("{bundle}/{path}");
            let message = format!("not UTF-8 (byte {at})");
            BundleError::Content(vec![Problem::new(file, 0, message)])
        })?;
        files.push(BundleFile { bundle: bundle.to_owned(), path, role, text });
    }
    Ok(())
}

fn digest(builtin: bool, files: &[BundleFile]) -> Result<Digest, CanonicalError> {
    let of = |files: &mut dyn Iterator<Item = &BundleFile>| -> Vec<[String; 3]> {
        files
            .map(|BundleFile { bundle, path, role: _, text }| {
                [bundle.clone(), path.clone(), Digest::of(text.as_bytes()).to_string()]
            })
            .collect()
    };
    let mut own = of(&mut files.iter().filter(|file| file.bundle == builtin::NAME));
    own.sort();
    let own = if builtin {
        Digest::of(&canonical::to_jcs(&own)?).to_string()
    } else {
        "absent".to_owned()
    };
    let mut rows = of(&mut files.iter().filter(|file| file.bundle != builtin::NAME));
    rows.push([builtin::NAME.to_owned(), String::new(), own]);
    rows.push([ENGINE.to_owned(), ENGINE_NAME.to_owned(), ENGINE_VERSION.to_owned()]);
    rows.sort();
    Ok(Digest::of(&canonical::to_jcs(&rows)?))
}

fn data_files(files: &[BundleFile]) -> Result<Vec<DataFile>, Vec<Problem>> {
    let mut found = Vec::new();
    let mut problems = Vec::new();
    for file in files.iter().filter(|file| file.role == Role::Data) {
        match parse(file) {
            Ok(value) => found.push(DataFile {
                file: file.name(),
                builtin: file.bundle == builtin::NAME,
                value: data::rooted(&file.path, value),
            }),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

fn parse(file: &BundleFile) -> Result<Value, Problem> {
    let wrong = |line, message: String| Problem::new(file.name(), line, message);
    let value = if file.path.ends_with(".json") {
        canonical::parse_strict(file.text.as_bytes()).map_err(|error| match error {
            CanonicalError::Json(error) => {
                wrong(u32::try_from(error.line()).unwrap_or_default(), error.to_string())
            }
            CanonicalError::Integer { .. }
            | CanonicalError::Depth { .. }
            | CanonicalError::Shape(_)
            | CanonicalError::Bytes { .. } => wrong(0, error.to_string()),
        })?
    } else {
        let limits = Limits { max_bytes: file.text.len().max(1 << 20), ..Limits::default() };
        let documents = manifest::read::documents(&file.text, &limits).map_err(|problems| {
            let first = problems.into_iter().next();
            let (line, message) =
                first.map_or((0, "not YAML".to_owned()), |first| (first.line, first.message));
            wrong(line, message)
        })?;
        let mut documents = documents.into_iter();
        match (documents.next(), documents.next()) {
            (Some(only), None) => only.value,
            (None, _) => return Err(wrong(0, "the file is empty".to_owned())),
            (Some(_), Some(_)) => {
                return Err(wrong(0, "more than one document in one data file".to_owned()));
            }
        }
    };
    // The rules compare numbers: one that another reader would round is refused, as in a plan.
    canonical::to_jcs(&value).map_err(|error| wrong(0, error.to_string()))?;
    if !value.is_object() {
        return Err(wrong(0, "data must be an object of values by name".to_owned()));
    }
    Ok(value)
}
