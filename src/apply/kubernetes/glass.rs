//! What is seen of a cluster's objects here is what was seen when the plan was made: through the same
//! lens, masked in the same way; and what is sent is what was rehearsed.

use serde_json::Value;

use super::job::Job;
use crate::config::KubernetesTarget;
use crate::document::operation::Propagation;
use crate::observe::kubernetes::{Lens, Reach, call, deletion, shown};
use crate::remote::kubernetes::{Call, Failure, Place};

/// The way to a cluster, and the secrets that go there.
#[derive(Clone, Copy)]
pub(super) struct Glass<'r> {
    pub(super) target: &'r KubernetesTarget,
    pub(super) reach: &'r Reach,
}

impl Glass<'_> {
    /// The lens for a change of an object as it is.
    pub(super) fn lens(&self, job: &Job<'_>, live: Option<&Value>) -> Lens {
        Lens::of(self.target, &job.operation.action, live)
    }

    /// What of an object counts, masked.
    ///
    /// # Errors
    /// Why it cannot be masked, in words.
    pub(super) fn seen(&self, job: &Job<'_>, lens: &Lens, object: &Value) -> Result<Value, String> {
        let (action, resource) = (&job.operation.action, &job.change.resource);
        shown(self.reach.vault(), action, resource, lens.look(object))
    }

    /// The request of a change, on an object as it was read.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub(super) fn call(
        &self,
        job: &Job<'_>,
        place: &Place,
        live: Option<&Value>,
        force: bool,
    ) -> Result<Call, String> {
        call(&job.operation.action, place, live, force, self.reach.vault())
    }

    /// The first request of a replacement.
    ///
    /// # Errors
    /// Why there is none, in words.
    pub(super) fn deletion(
        &self,
        job: &Job<'_>,
        place: &Place,
        live: &Value,
    ) -> Result<Call, String> {
        let propagation = match job.change.propagation.as_str() {
            "Background" => Propagation::Background,
            "Foreground" => Propagation::Foreground,
            "Orphan" => Propagation::Orphan,
            other => {
                return Err(format!(
                    "the plan does not say what becomes of what it owns ({other:?})"
                ));
            }
        };
        deletion(place, live, propagation)
    }

    /// A failure in words, without a secret.
    pub(super) fn said(&self, failure: &Failure) -> String {
        let vault = self.reach.vault();
        match failure {
            Failure::Refused(refused) if refused.message.is_empty() => {
                vault.filter(&refused.to_string())
            }
            Failure::Refused(refused) => vault.filter(&format!("{refused}: {}", refused.message)),
            Failure::Unanswered(unanswered) => vault.filter(&unanswered.to_string()),
        }
    }

    /// A text of the cluster's, without a secret.
    pub(super) fn filter(&self, text: &str) -> String {
        self.reach.vault().filter(text)
    }
}
