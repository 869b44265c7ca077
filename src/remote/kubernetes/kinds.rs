//! What kinds the cluster serves, by aggregated discovery. A group that fails is an error, never
//! an absence.

/// A kind as the cluster serves it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// API group; empty for the core API.
    pub group: String,
    /// Version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Plural, as in paths.
    pub plural: String,
    /// Whether its objects have a namespace.
    pub namespaced: bool,
    /// Whether it can be listed.
    pub listable: bool,
}

/// Every kind that the cluster serves.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    /// In the order of the cluster's preference within a group.
    all: Vec<Kind>,
}

impl Kinds {
    /// The kind at an `apiVersion`.
    pub fn find(&self, api_version: &str, kind: &str) -> Option<&Kind> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.all.iter().find(|one| {
            (one.group.as_str(), one.version.as_str(), one.kind.as_str()) == (group, version, kind)
        })
    }

    /// The kind in the version that the cluster prefers.
    pub fn preferred(&self, group: &str, kind: &str) -> Option<&Kind> {
        self.all.iter().find(|one| (one.group.as_str(), one.kind.as_str()) == (group, kind))
    }

    /// Every kind, once, in its preferred version.
    pub fn each(&self) -> impl Iterator<Item = &Kind> {
        let first = |one: &&Kind| self.preferred(&one.group, &one.kind) == Some(*one);
        self.all.iter().filter(first)
    }
}
