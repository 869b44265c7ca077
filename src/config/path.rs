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

    /// Whether this folder holds or lies in a place that decides about plans.
    pub fn reserved(&self) -> bool {
        let first = self.0.split('/').next().unwrap_or_default();
        RESERVED.iter().any(|name| name.eq_ignore_ascii_case(first))
    }

    /// Whether one of two folders is the other or lies in it.
    pub fn overlaps(&self, other: &Self) -> bool {
        let within = |a: &str, b: &str| {
            a.strip_prefix(b).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        within(&self.0, &other.0) || within(&other.0, &self.0)
    }
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
