//! Reading what a repository holds: the files of a commit and their bytes, all of them or an error.

use super::Repository;
use super::error::GitError;
use super::name::ObjectId;
use super::run::Call;

/// What stands at a path of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeEntry {
    /// Path from the top of the tree; bytes that are not UTF-8 are replaced.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// Id of its blob; of its commit for a submodule.
    pub id: ObjectId,
}

/// What an entry of a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File,
    /// A file that can be run.
    Executable,
    /// A symlink.
    Symlink,
    /// A submodule.
    Submodule,
}

impl Repository {
    /// Every file of a commit, beneath all folders, sorted by the bytes of the path; those beneath
    /// one path only, if one is given.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn tree(
        &self,
        commit: &ObjectId,
        beneath: Option<&str>,
    ) -> Result<Vec<TreeEntry>, GitError> {
        let mut call = Call::new(
            "git ls-tree",
            &["--literal-pathspecs", "ls-tree", "-r", "-z", "--full-tree"],
        )
        .argument(commit.as_str());
        if let Some(path) = beneath {
            super::name::check_path(path)?;
            call = call.argument("--").argument(path);
        }
        let answer = self.run(call)?;
        let what = answer.what.clone();
        let bytes = answer.succeeded()?;
        let lines = bytes.split(|byte| *byte == 0).filter(|line| !line.is_empty());
        let entries: Option<Vec<_>> = lines.map(entry).collect();
        entries.ok_or(GitError::Answer(what))
    }

    /// The bytes of blobs, in the order asked for; `None` for one that is not in the repository, or
    /// is no blob. Together they may have `most` bytes.
    ///
    /// # Errors
    /// [`GitError`]; [`GitError::TooLarge`] if there are more.
    pub fn blobs(&self, ids: &[ObjectId], most: u64) -> Result<Vec<Option<Vec<u8>>>, GitError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let lines: String = ids.iter().map(|id| format!("{id}\n")).collect();
        // Each is led by its id, kind and size, and followed by a line feed.
        let frame = u64::try_from(ids.len()).unwrap_or(u64::MAX).saturating_mul(128);
        let call = Call::new("git cat-file", &["cat-file", "--batch"]);
        let answer = self.run(call.stdin(lines.into()).most(most.saturating_add(frame)))?;
        let what = answer.what.clone();
        let bytes = answer.succeeded()?;
        let mut rest = bytes.as_slice();
        let read: Option<Vec<_>> = ids.iter().map(|id| one(&mut rest, id)).collect();
        read.filter(|_| rest.is_empty()).ok_or(GitError::Answer(what))
    }

    /// Whether a commit is in the repository.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn contains(&self, commit: &ObjectId) -> Result<bool, GitError> {
        let call = Call::new("git cat-file", &["cat-file", "--batch-check=%(objecttype)"]);
        let answer = self.run(call.stdin(format!("{commit}\n").into()))?;
        Ok(answer.succeeded()? == b"commit\n")
    }

    /// Whether one commit is the other, or in its history. Both must be in the repository.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn is_ancestor(&self, earlier: &ObjectId, later: &ObjectId) -> Result<bool, GitError> {
        if earlier == later {
            return Ok(true);
        }
        let call = Call::new("git merge-base", &["merge-base", "--is-ancestor"]);
        let answer = self.run(call.argument(earlier.as_str()).argument(later.as_str()))?;
        match answer.code {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            Some(_) | None => Err(answer.failure()),
        }
    }
}

/// `<mode> <kind> <id>\t<path>`
fn entry(line: &[u8]) -> Option<TreeEntry> {
    let at = line.iter().position(|byte| *byte == b'\t')?;
    let head = std::str::from_utf8(line.get(..at)?).ok()?;
    let path = String::from_utf8_lossy(line.get(at.checked_add(1)?..)?).into_owned();
    let mut parts = head.split(' ');
    let (mode, _, id) = (parts.next()?, parts.next()?, parts.next()?);
    let kind = match mode {
        "100755" => EntryKind::Executable,
        "120000" => EntryKind::Symlink,
        "160000" => EntryKind::Submodule,
        // Old programs wrote others, like 100664.
        file if file.starts_with("100") => EntryKind::File,
        _ => return None,
    };
    Some(TreeEntry { path, kind, id: id.parse().ok()? })
}

/// `<id> blob <size>\n<bytes>\n`, or `<id> missing\n`; moves on behind it.
fn one(rest: &mut &[u8], id: &ObjectId) -> Option<Option<Vec<u8>>> {
    let at = rest.iter().position(|byte| *byte == b'\n')?;
    let head = std::str::from_utf8(rest.get(..at)?).ok()?;
    let body = rest.get(at.checked_add(1)?..)?;
    let (named, head) = head.split_once(' ')?;
    if named != id.as_str() {
        return None;
    }
    if head == "missing" {
        *rest = body;
        return Some(None);
    }
    let (kind, size) = head.split_once(' ')?;
    let size: usize = size.parse().ok()?;
    let bytes = body.get(..size)?.to_vec();
    *rest = body.get(size..)?.strip_prefix(b"\n")?;
    Some((kind == "blob").then_some(bytes))
}
