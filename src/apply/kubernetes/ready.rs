//! Whether an object does what it was written for: a pure function of what the cluster says of it.
//! What says nothing is never waited for, and what says "no" for good is not waited for either.
//!
//! The rules are those of kstatus (sigs.k8s.io/cli-utils), and stricter where that takes "begun" for
//! "done": a Job has to complete, a Pod that failed has failed, a load balancer has to have its
//! address.

use std::time::Duration;

use serde_json::Value;

/// Pods that cannot start for longer than this are not about to.
const GRACE: Duration = Duration::from_secs(60);
/// A claim that nothing provisions by then waits for its first consumer, or for a volume of
/// somebody else's making: neither is what its own apply is to wait for.
const CLAIMED: Duration = Duration::from_secs(5);

/// What an object says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It works.
    Ready,
    /// Not yet: why, in words.
    Waiting(String),
    /// It does not, and will not by waiting: why, in words.
    Failed(String),
    /// Its kind says nothing: that it is there has to do.
    Silent,
}

use Readiness::{Failed, Ready, Silent, Waiting};

/// What a live object says of itself, once it has been waited for that long.
pub fn readiness(object: &Value, waited: Duration) -> Readiness {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        return Failed("it is being deleted".to_owned());
    }
    let look = Look { object };
    let seen = look.number("/status/observedGeneration");
    if seen.is_some() && seen != look.number("/metadata/generation") {
        return Waiting("its controller has not seen this version yet".to_owned());
    }
    let group = text("/apiVersion").split_once('/').map_or("", |(group, _)| group);
    match (group, text("/kind")) {
        ("apps", "Deployment") => look.observed().unwrap_or_else(|| look.deployment()),
        ("apps", "StatefulSet") => look.observed().unwrap_or_else(|| look.stateful_set()),
        ("apps", "DaemonSet") => look.observed().unwrap_or_else(|| look.daemon_set()),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => {
            look.observed().unwrap_or_else(|| look.replica_set())
        }
        ("batch", "Job") => look.job(),
        ("batch", "CronJob") => Silent,
        ("", "Pod") => look.pod(waited),
        ("", "Service") => look.service(),
        ("", "PersistentVolumeClaim") => look.claim(waited),
        ("", "Namespace") => match text("/status/phase") {
            "Active" => Ready,
            "Terminating" => Failed("it is being deleted".to_owned()),
            phase => Waiting(format!("its phase is {phase:?}")),
        },
        ("policy", "PodDisruptionBudget") => look.observed().unwrap_or_else(|| look.budget()),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => look.definition(),
        ("apiregistration.k8s.io", "APIService") => look.needs("Available"),
        ("autoscaling", "HorizontalPodAutoscaler") => match look.status("AbleToScale") {
            Some("False") => Waiting(look.told("AbleToScale")),
            Some(_) => Ready,
            None => Silent,
        },
        _ => look.generic(),
    }
}

struct Look<'o> {
    object: &'o Value,
}

impl Look<'_> {
    fn number(&self, pointer: &str) -> Option<i64> {
        self.object.pointer(pointer).and_then(Value::as_i64)
    }

    fn count(&self, pointer: &str) -> i64 {
        self.number(pointer).unwrap_or(0)
    }

    fn text(&self, pointer: &str) -> &str {
        self.object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    fn yes(&self, pointer: &str) -> bool {
        self.object.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
    }

    fn list(&self, pointer: &str) -> &[Value] {
        self.object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn condition(&self, kind: &str) -> Option<&Value> {
        let is = |condition: &&Value| condition.get("type").and_then(Value::as_str) == Some(kind);
        self.list("/status/conditions").iter().find(is)
    }

    fn status(&self, kind: &str) -> Option<&str> {
        self.condition(kind)?.get("status")?.as_str()
    }

    /// A condition in words, with its reason and message, as far as it has any.
    fn told(&self, kind: &str) -> String {
        let status = self.status(kind).unwrap_or("not reported");
        let part = |name: &str| self.condition(kind).and_then(|found| found.get(name)?.as_str());
        let mut told = format!("{kind} is {status}");
        for text in [part("reason"), part("message")].into_iter().flatten() {
            if !text.is_empty() {
                told.push_str(": ");
                told.push_str(text);
            }
        }
        told
    }

    fn needs(&self, kind: &str) -> Readiness {
        match self.status(kind) {
            Some("True") => Ready,
            Some(_) | None => Waiting(self.told(kind)),
        }
    }

    /// Some kinds always say which version of them was seen: until they do, nothing else counts.
    fn observed(&self) -> Option<Readiness> {
        let unseen = self.number("/status/observedGeneration").is_none();
        unseen.then(|| Waiting("its controller has not seen it yet".to_owned()))
    }

    fn wanted(&self) -> i64 {
        self.number("/spec/replicas").unwrap_or(1)
    }

    /// Waits until a number of replicas is what it should be.
    fn reached(&self, pointer: &str, wanted: i64, what: &str) -> Option<Readiness> {
        let found = self.count(pointer);
        let are = if wanted == 1 { "replica is" } else { "replicas are" };
        (found < wanted).then(|| Waiting(format!("{found} of {wanted} {are} {what}")))
    }

    fn deployment(&self) -> Readiness {
        if self.yes("/spec/paused") {
            // It was asked to roll nothing out.
            return Ready;
        }
        let reason = self.condition("Progressing").and_then(|found| found.get("reason")?.as_str());
        if reason == Some("ProgressDeadlineExceeded") {
            return Failed(self.told("Progressing"));
        }
        let wanted = self.wanted();
        let old = self.count("/status/replicas").saturating_sub(wanted.max(0));
        self.reached("/status/updatedReplicas", wanted, "updated")
            .or_else(|| (old > 0).then(|| Waiting(format!("{old} old replicas are still to go"))))
            .or_else(|| self.reached("/status/availableReplicas", wanted, "available"))
            .unwrap_or_else(|| match wanted {
                0 => Ready,
                _ => self.needs("Available"),
            })
    }

    fn stateful_set(&self) -> Readiness {
        let wanted = self.wanted();
        let by_hand = self.text("/spec/updateStrategy/type") == "OnDelete";
        let kept = self.count("/spec/updateStrategy/rollingUpdate/partition");
        let updated = wanted.saturating_sub(kept).max(0);
        let missing = self
            .reached("/status/replicas", wanted, "there")
            .or_else(|| self.reached("/status/readyReplicas", wanted, "ready"))
            .or_else(|| match by_hand {
                true => None,
                false => self.reached("/status/updatedReplicas", updated, "updated"),
            });
        if let Some(missing) = missing {
            return missing;
        }
        if self.count("/status/replicas") > wanted {
            return Waiting("replicas are still to go".to_owned());
        }
        let whole = !by_hand && kept == 0;
        let revisions = (self.text("/status/currentRevision"), self.text("/status/updateRevision"));
        if whole && wanted > 0 && revisions.0 != revisions.1 {
            return Waiting("the new revision is not the current one yet".to_owned());
        }
        Ready
    }

    fn daemon_set(&self) -> Readiness {
        let wanted = self.count("/status/desiredNumberScheduled");
        let by_hand = self.text("/spec/updateStrategy/type") == "OnDelete";
        let updated = match by_hand {
            true => None,
            false => self.reached("/status/updatedNumberScheduled", wanted, "updated"),
        };
        updated
            .or_else(|| self.reached("/status/numberAvailable", wanted, "available"))
            .unwrap_or(Ready)
    }

    fn replica_set(&self) -> Readiness {
        if self.status("ReplicaFailure") == Some("True") {
            return Failed(self.told("ReplicaFailure"));
        }
        let wanted = self.wanted();
        let more = self.count("/status/replicas") > wanted;
        self.reached("/status/fullyLabeledReplicas", wanted, "labelled")
            .or_else(|| self.reached("/status/readyReplicas", wanted, "ready"))
            .or_else(|| self.reached("/status/availableReplicas", wanted, "available"))
            .or_else(|| more.then(|| Waiting("replicas are still to go".to_owned())))
            .unwrap_or(Ready)
    }

    fn job(&self) -> Readiness {
        if self.status("Complete") == Some("True") {
            return Ready;
        }
        if self.status("Failed") == Some("True") {
            return Failed(self.told("Failed"));
        }
        if self.yes("/spec/suspend") {
            // It was asked not to run.
            return Silent;
        }
        let (done, wanted) = (self.count("/status/succeeded"), self.number("/spec/completions"));
        match wanted {
            Some(wanted) => Waiting(format!("{done} of {wanted} completions")),
            None => Waiting("it has not completed yet".to_owned()),
        }
    }

    fn pod(&self, waited: Duration) -> Readiness {
        match self.text("/status/phase") {
            "Succeeded" => return Ready,
            "Failed" => {
                let told = [self.text("/status/reason"), self.text("/status/message")];
                let told: Vec<&str> = told.into_iter().filter(|text| !text.is_empty()).collect();
                return Failed(format!("its phase is Failed: {}", told.join(": ")));
            }
            _ => {}
        }
        if self.status("Ready") == Some("True") {
            return Ready;
        }
        let of = ["/status/initContainerStatuses", "/status/containerStatuses"];
        for container in of.into_iter().flat_map(|pointer| self.list(pointer)) {
            let text =
                |pointer: &str| container.pointer(pointer).and_then(Value::as_str).unwrap_or("");
            let reason = text("/state/waiting/reason");
            let told = format!("container {} waits: {reason}", text("/name"));
            match reason {
                "InvalidImageName" | "ErrImageNeverPull" => return Failed(told),
                "CrashLoopBackOff" | "ImagePullBackOff" | "ErrImagePull" if waited >= GRACE => {
                    return Failed(told);
                }
                "" => {}
                _ => return Waiting(told),
            }
        }
        Waiting(self.told("Ready"))
    }

    fn service(&self) -> Readiness {
        match self.text("/spec/type") {
            "ExternalName" => Ready,
            _ if self.text("/spec/clusterIP").is_empty() => {
                Waiting("it has no address in the cluster yet".to_owned())
            }
            "LoadBalancer" if self.list("/status/loadBalancer/ingress").is_empty() => {
                Waiting("its load balancer has no address yet".to_owned())
            }
            _ => Ready,
        }
    }

    fn claim(&self, waited: Duration) -> Readiness {
        match self.text("/status/phase") {
            "Bound" => Ready,
            "Lost" => Failed("it has lost its volume".to_owned()),
            _ => {
                let annotations = self.object.pointer("/metadata/annotations");
                let provisioned = [
                    "volume.kubernetes.io/storage-provisioner",
                    "volume.beta.kubernetes.io/storage-provisioner",
                ]
                .iter()
                .any(|name| annotations.is_some_and(|found| found.get(name).is_some()));
                // The controller names a provisioner before it provisions. Without one, the class
                // waits for the first consumer, which a later wave may bring.
                match !provisioned && waited >= CLAIMED {
                    true => Silent,
                    false => Waiting("it is not bound to a volume yet".to_owned()),
                }
            }
        }
    }

    fn budget(&self) -> Readiness {
        if self.count("/status/expectedPods") == 0 {
            // The pods that it is for come in a later wave, or never.
            return Ready;
        }
        let wanted = self.count("/status/desiredHealthy");
        let found = self.count("/status/currentHealthy");
        match found >= wanted {
            true => Ready,
            false => Waiting(format!("{found} of {wanted} pods are healthy")),
        }
    }

    fn definition(&self) -> Readiness {
        if self.status("NamesAccepted") == Some("False") {
            return Failed(self.told("NamesAccepted"));
        }
        match self.needs("NamesAccepted") {
            Ready => self.needs("Established"),
            not_yet @ (Waiting(_) | Failed(_) | Silent) => not_yet,
        }
    }

    /// What kinds say by convention: `Ready`, `Reconciling`, `Stalled`.
    fn generic(&self) -> Readiness {
        if self.status("Stalled") == Some("True") {
            return Failed(self.told("Stalled"));
        }
        if self.status("Reconciling") == Some("True") {
            return Waiting(self.told("Reconciling"));
        }
        match self.status("Ready") {
            Some("True") => Ready,
            Some(_) => Waiting(self.told("Ready")),
            None => Silent,
        }
    }
}
