//! Lists, page by page, each as of one moment.

use serde_json::Value;

use super::answer::Failure;
use super::cluster::Cluster;
use super::kinds::Kind;

/// Objects that are asked for at once.
pub const PAGE: usize = 500;

impl Cluster {
    /// Every object of a kind, in a namespace (empty: in all of them, or without any). Begins anew
    /// where the server lost its place (410).
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn list(&self, kind: &Kind, namespace: &str) -> Result<Vec<Value>, Failure> {
        let _ = (kind, namespace);
        unimplemented!()
    }
}
