//! What lies beside a plan, read once: the planner's statement and the approvals. Nothing here is
//! believed yet.

use thiserror::Error;

use crate::files::{FileError, Folder};

/// Bytes of one statement that are read at most.
const MOST: u64 = 1 << 20;
/// Approvals of one plan that are read at most.
const MOST_APPROVALS: usize = 1_000;

/// Why the papers cannot be read.
#[derive(Debug, Error)]
pub enum PapersError {
    /// A file cannot be read.
    #[error("the statements beside the plan cannot be read")]
    File(#[from] FileError),
    /// More files than any plan needs.
    #[error("{0} holds more than {MOST_APPROVALS} files; approvals of one plan are a handful")]
    TooMany(String),
}

/// A statement as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paper {
    /// Its name, for messages: `approvals/alice-….intoto.json`.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The armored SSHSIG beside it, where it has one.
    pub signature: Option<Vec<u8>>,
}

/// Everything that was found beside a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Papers {
    /// `planner.intoto.json`.
    pub planner: Option<Vec<u8>>,
    /// Approvals and rejections, sorted by name.
    pub approvals: Vec<Paper>,
}

impl Papers {
    /// Reads what lies in a plan's folder.
    ///
    /// # Errors
    /// [`PapersError`].
    pub fn read(plan: &Folder) -> Result<Self, PapersError> {
        let planner = plan.read_if_there("planner.intoto.json", MOST)?;
        let mut papers = Self { planner, approvals: Vec::new() };
        if plan.kind("approvals")?.is_some() {
            papers.add(&plan.folder("approvals")?, "approvals")?;
        }
        Ok(papers)
    }

    /// Adds the approvals that lie in another folder.
    ///
    /// # Errors
    /// [`PapersError`].
    pub fn add(&mut self, folder: &Folder, shown: &str) -> Result<(), PapersError> {
        let entries = folder.entries()?;
        let files: Vec<_> =
            entries.iter().filter(|e| !e.folder && !e.name.starts_with('.')).collect();
        if files.len() > MOST_APPROVALS {
            return Err(PapersError::TooMany(shown.to_owned()));
        }
        for file in &files {
            let body = file.name.strip_suffix(".sig");
            if body.is_some_and(|body| files.iter().any(|other| other.name == body)) {
                continue;
            }
            let signature = match file.name.ends_with(".intoto.json") {
                true => None,
                false => folder.read_if_there(&format!("{}.sig", file.name), MOST)?,
            };
            self.approvals.push(Paper {
                name: format!("{shown}/{}", file.name),
                bytes: folder.read(&file.name, MOST)?,
                signature,
            });
        }
        self.approvals.sort_by(|a, b| a.name.cmp(&b.name));
        // The same file in two folders is one approval.
        self.approvals.dedup_by(|a, b| a.bytes == b.bytes && a.signature == b.signature);
        Ok(())
    }
}
