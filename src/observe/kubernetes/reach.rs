//! The way to the cluster of one target, walked at the first need and never to another cluster.

use std::sync::{Arc, OnceLock};

use super::error::{ObserveError, OtherCluster, Rights};
use crate::config::KubernetesTarget;
use crate::custody::vault::Vault;
use crate::document::ident::Label;
use crate::remote::kubernetes::{Access, Cluster, Reason};

/// How to reach the cluster of a target, and what may be said of its secrets.
#[derive(Debug)]
pub struct Reach {
    access: Access,
    target: Label,
    vault: Arc<Vault>,
    cluster: OnceLock<Cluster>,
}

impl Reach {
    /// The way by `access` to the target of this name. Nothing is sent yet.
    pub fn new(access: Access, target: Label, vault: Vault) -> Self {
        Self { access, target, vault: Arc::new(vault), cluster: OnceLock::new() }
    }

    /// Name of the target.
    pub fn target(&self) -> &Label {
        &self.target
    }

    /// The secrets that the plan refers to.
    pub fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }

    /// The connection to the cluster of this target: made at the first call, and proven to be to the
    /// cluster that is pinned.
    ///
    /// # Errors
    /// [`ObserveError`]; of the state, if it is another cluster or has another authority.
    pub fn cluster(&self, target: &KubernetesTarget) -> Result<&Cluster, ObserveError> {
        if let Some(cluster) = self.cluster.get() {
            return Ok(cluster);
        }
        let connected = Cluster::connect(&self.access, Some(&target.ca));
        let cluster = connected.map_err(|error| ObserveError::Connect(Box::new(error)))?;
        let asked = cluster.clone();
        let identity = cluster
            .run(async move { asked.identity().await })
            .ok_or(ObserveError::BrokenOff)?
            .map_err(|failure| match failure.reason() {
                Some(Reason::Forbidden) => {
                    let (context, lacking) =
                        (self.access.context.clone(), vec![Cluster::to_identify()]);
                    ObserveError::Rights(Box::new(Rights { context, lacking }))
                }
                Some(_) | None => ObserveError::Failure(Box::new(failure)),
            })?;
        if identity.uid != target.cluster {
            return Err(ObserveError::OtherCluster(Box::new(OtherCluster {
                context: self.access.context.clone(),
                found: identity.uid,
                target: self.target.clone(),
                pinned: target.cluster.clone(),
            })));
        }
        Ok(self.cluster.get_or_init(|| cluster))
    }

    /// Name of the context.
    pub(super) fn context(&self) -> &str {
        &self.access.context
    }
}
