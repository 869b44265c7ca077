//! A folder of the project that a target or a policy bundle may have.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Places that a target may neither hold nor lie in: what decides about plans, and Git itself.
const RESERVED: [&str; 6] =
    [".git", ".github", "plans", "policies", "trust.json", "countersign.toml"];

/// A relative path inside the project, `/`-separated, without `.`, `..` or empty parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TargetPath(String);

/// A path that cannot be a folder of the project.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is not a folder inside the project (relative, `/`-separated, without `.` or `..`)")]
pub struct PathError(String);

impl TargetPath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The place that decides about plans, or Git's own, which this folder is or lies in. Letter
    /// case is no difference: on some file systems it is none.
    pub fn reserved(&self) -> Option<&'static str> {
        let mut parts = self.0.split('/');
        let first = parts.next().unwrap_or_default();
        let is = |name: &&&str| name.eq_ignore_ascii_case(first);
        // A repository inside the project has a `.git` of its own.
        let git = parts.any(|part| part.eq_ignore_ascii_case(".git")).then_some(".git");
        RESERVED.iter().find(is).copied().or(git)
    }

    /// Whether one of two folders is the other or lies in it, whatever the letter case.
    pub fn overlaps(&self, other: &Self) -> bool {
        let within = |a: &str, b: &str| {
            a.strip_prefix(b).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let (a, b) = (self.0.to_lowercase(), other.0.to_lowercase());
        within(&a, &b) || within(&b, &a)
    }
}

/// Characters that some file systems pass over: with one of them, `.git` is still `.git`.
/// Source: Git, `is_hfs_dotgit` (CVE-2014-9390).
fn unseen(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl TryFrom<String> for TargetPath {
    type Error = PathError;
    fn try_from(text: String) -> Result<Self, PathError> {
        let part = |part: &str| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && !part.contains(['\\', '\0'])
                && !part.contains(char::is_control)
                && !part.contains(unseen)
        };
        if text.split('/').all(part) { Ok(Self(text)) } else { Err(PathError(text)) }
    }
}

impl From<TargetPath> for String {
    fn from(path: TargetPath) -> Self {
        path.0
    }
}

impl fmt::Display for TargetPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for TargetPath {
    fn schema_name() -> Cow<'static, str> {
        "TargetPath".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string"})
    }
}
