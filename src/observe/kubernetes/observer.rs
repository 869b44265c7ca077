//! One look at a cluster: the connection, the target that it is looked at for, and what may be said
//! of secrets, for as many requests side by side as there are objects.

use std::sync::Arc;

use serde_json::Value;

use super::error::ObserveError;
use super::reach::Reach;
use super::rehearse;
use super::subject::{Makes, Standing, subject};
use crate::config::KubernetesTarget;
use crate::custody::vault::Vault;
use crate::document::ident::Label;
use crate::document::operation::Operation;
use crate::observe::ObservedChange;
use crate::remote::kubernetes::{Cluster, Failure, Place, Refused, Unanswered};

/// Requests that are under way at once.
pub(super) const WIDTH: usize = 16;

/// See the module. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Observer {
    cluster: Cluster,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    context: String,
    name: Label,
    target: KubernetesTarget,
    vault: Arc<Vault>,
}

impl Observer {
    /// An observer of the cluster of this target.
    ///
    /// # Errors
    /// As [`Reach::cluster`].
    pub fn of(target: &KubernetesTarget, reach: &Reach) -> Result<Self, ObserveError> {
        let cluster = reach.cluster(target)?.clone();
        let inner = Inner {
            context: reach.context().to_owned(),
            name: reach.target().clone(),
            target: target.clone(),
            vault: Arc::clone(reach.vault()),
        };
        Ok(Self { cluster, inner: Arc::new(inner) })
    }

    /// The connection.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The target.
    pub fn target(&self) -> &KubernetesTarget {
        &self.inner.target
    }

    /// What is known of secrets.
    pub fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    /// Name of the target.
    pub(super) fn name(&self) -> &Label {
        &self.inner.name
    }

    /// Name of the context.
    pub(super) fn context(&self) -> &str {
        &self.inner.context
    }

    /// Observes and rehearses one operation, as [`super::observe`] does each. Permissions are not
    /// asked about before.
    ///
    /// # Errors
    /// [`ObserveError`].
    pub async fn change(&self, operation: &Arc<Operation>) -> Result<ObservedChange, ObserveError> {
        let kinds = self.cluster.kinds().await.map_err(|failure| self.failed(failure))?;
        let makes = Makes::default();
        let subject = subject(operation, &kinds, &makes, self.target(), self.name())?;
        match &subject.standing {
            Standing::Served(place) => {
                let live = self.read(place).await?;
                rehearse::rehearse(self, &subject, place, live).await
            }
            Standing::Deferred(deferral) => rehearse::deferred(self, &subject, deferral),
        }
    }

    /// One object as it is.
    pub(super) async fn read(&self, place: &Place) -> Result<Option<Value>, ObserveError> {
        self.cluster.get(place).await.map_err(|failure| self.failed(failure))
    }

    /// The error for a request that gave nothing, without what may not be shown.
    pub(super) fn failed(&self, failure: Failure) -> ObserveError {
        let failure = match failure {
            Failure::Refused(refused) => {
                let message = self.vault().filter(&refused.message);
                let refused = Refused { message, causes: Vec::new(), ..*refused };
                Failure::Refused(Box::new(refused))
            }
            Failure::Unanswered(unanswered) => {
                let message = self.vault().filter(&unanswered.message);
                Failure::Unanswered(Box::new(Unanswered { message, ..*unanswered }))
            }
        };
        ObserveError::Failure(Box::new(failure))
    }
}
