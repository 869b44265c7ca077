//! What the caller may do, asked of the cluster before anything is refused half-way.

use super::answer::Failure;
use super::cluster::Cluster;
use super::kinds::Kind;

/// One permission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// `get`, `list`, `create`, `patch`, `delete` ...
    pub verb: &'static str,
    /// The kind.
    pub kind: Kind,
    /// Namespace; empty: all, or none.
    pub namespace: String,
    /// Name; empty: every object.
    pub name: String,
}

impl Cluster {
    /// Those of the permissions that the caller lacks, by SelfSubjectAccessReview.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn lacking(&self, wanted: Vec<Permission>) -> Result<Vec<Permission>, Failure> {
        let _ = wanted;
        unimplemented!()
    }
}
