//! Requests that change something. Nothing is sent twice: a request whose answer does not come is
//! for the caller to read back.

use super::answer::{Answer, Failure};
use super::call::{Call, Earnest};
use super::cluster::Cluster;

/// The way to change something. Only `apply` and `ledger` name it.
#[derive(Clone, Debug)]
pub struct Writer {
    cluster: Cluster,
}

impl Writer {
    /// Writes over this connection.
    pub fn of(cluster: &Cluster) -> Self {
        Self { cluster: cluster.clone() }
    }

    /// The connection.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Sends a request once. A 429 is waited for and sent again: it says that nothing was done. So
    /// is what never left, because no connection was made.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn commit(&self, call: Call) -> Result<Answer, Failure> {
        self.cluster.tell(&call.asked(Earnest::Meant)?).await
    }
}
