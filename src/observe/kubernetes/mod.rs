//! Reads the objects of a proposal from a cluster and lets the cluster rehearse the operations.
//! Nothing is ever changed there.
//!
//! The same proposal on the same state gives the same observation: both sides of a change are seen
//! through one [`Lens`], and what the cluster makes up anew each time is named and left out.

mod answer;
mod around;
mod error;
mod live;
mod made_up;
mod normal;
mod observer;
mod owner;
mod path;
mod reach;
mod rehearse;
mod removed;
mod request;
mod rights;
mod scene;
mod secrets;
mod subject;
mod unshown;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::{ListOf, Observed, ObservedChange, Surroundings};
use crate::config::KubernetesTarget;
use crate::document::effect::TargetIdentity;
use crate::document::operation::Operation;
use crate::document::proposal::Proposal;
use crate::remote::kubernetes::{Kinds, Place};

pub use error::{ObserveError, OtherCluster, Rights};
pub use normal::{Lens, normalised};
pub use observer::Observer;
pub use owner::kept;
pub use path::remove;
pub use reach::Reach;
pub use request::{Version, call, deletion};
use rights::May;
pub use scene::forced;
pub use secrets::shown;
use subject::{Deferral, Makes, Standing, Subject};
pub use unshown::unshown;

/// Observes and rehearses every operation of a proposal.
///
/// # Errors
/// [`ObserveError`].
pub fn observe(
    proposal: Proposal,
    target: &KubernetesTarget,
    reach: &Reach,
) -> Result<Observed, ObserveError> {
    let observer = Observer::of(target, reach)?;
    let operations: Vec<Arc<Operation>> =
        proposal.operations.iter().cloned().map(Arc::new).collect();
    let cluster = observer.cluster().clone();
    let all = cluster.run(async move { all(&observer, &operations).await });
    let (changes, namespaces) = all.ok_or(ObserveError::BrokenOff)??;
    let target = TargetIdentity::Kubernetes {
        cluster_uid: target.cluster.clone(),
        ca_spki: target.ca.clone(),
        namespaces,
    };
    let secrets = changes.iter().any(|change| change.resource.is_secret());
    let masking = if secrets { reach.vault().key_id().to_owned() } else { String::new() };
    let (files, surroundings) = (BTreeMap::new(), Surroundings::default());
    Ok(Observed { proposal, target, changes, files, stack: None, masking, surroundings })
}

/// What stands around the changes, as far as it is wanted. A list that is refused or fails is
/// unresolved, which is not the same as empty; a kind that the cluster does not serve has no objects.
///
/// # Errors
/// [`ObserveError`] where the cluster cannot be reached.
pub fn surroundings(
    wanted: &BTreeSet<ListOf>,
    target: &KubernetesTarget,
    reach: &Reach,
) -> Result<Surroundings, ObserveError> {
    if wanted.is_empty() {
        return Ok(Surroundings::default());
    }
    let observer = Observer::of(target, reach)?;
    let (cluster, wanted) = (observer.cluster().clone(), wanted.clone());
    let around = cluster.run(async move { around::around(&observer, wanted).await });
    around.ok_or(ObserveError::BrokenOff)?
}

/// The change of every operation, and the uid of each namespace in which one lies (empty: made by
/// the plan).
async fn all(
    observer: &Observer,
    operations: &[Arc<Operation>],
) -> Result<(Vec<ObservedChange>, BTreeMap<String, String>), ObserveError> {
    let kinds = observer.cluster().kinds().await.map_err(|failure| observer.failed(failure))?;
    let subjects = subject::subjects(operations, &kinds, observer.target(), observer.name())?;
    let spaces = namespaces_of(&kinds, &subjects);
    let found = live::read(observer, spaces.iter(), &May::default()).await?;
    let uids = found.iter().map(|(place, object)| (place.name.as_str(), uid(object))).collect();
    let makes = Makes::of(operations);
    let (subjects, namespaces) = in_namespaces(subjects, &uids, &makes)?;
    let may = rights::check(observer, &subjects).await?;
    let served = subjects.iter().filter_map(|subject| match &subject.standing {
        Standing::Served(place) => Some(place),
        Standing::Deferred(_) => None,
    });
    let mut live = live::read(observer, served.clone(), &may).await?;
    let absent = served.filter(|place| !live.contains_key(*place));
    rights::check_creations(observer, &may, absent).await?;
    let work: Vec<(Subject, Option<Value>)> = subjects
        .into_iter()
        .map(|subject| {
            let object = match &subject.standing {
                Standing::Served(place) => live.remove(place),
                Standing::Deferred(_) => None,
            };
            (subject, object)
        })
        .collect();
    // Before anything is asked: what an answer looks like must not hang on which comes first.
    for (subject, object) in &work {
        if let Some(object) = object {
            observer.vault().learn(&subject.resource, object);
        }
    }
    let look = observer.clone();
    let results = observer
        .cluster()
        .side_by_side(work, observer::WIDTH, move |_, (subject, object)| {
            let observer = look.clone();
            async move {
                match &subject.standing {
                    Standing::Served(place) => {
                        rehearse::rehearse(&observer, &subject, place, object).await
                    }
                    Standing::Deferred(deferral) => {
                        rehearse::deferred(&observer, &subject, deferral)
                    }
                }
            }
        })
        .await;
    Ok((settled(results)?, namespaces))
}

/// All changes, or what is wrong with the operations; what is wrong with the cluster goes before.
fn settled(
    results: Vec<Result<ObservedChange, ObserveError>>,
) -> Result<Vec<ObservedChange>, ObserveError> {
    let (mut changes, mut wrong) = (Vec::with_capacity(results.len()), Vec::new());
    for result in results {
        match result {
            Ok(change) => changes.push(change),
            Err(error) if error.is_of_an_operation() => wrong.push(error),
            Err(error) => return Err(error),
        }
    }
    ObserveError::of(wrong).map_or(Ok(changes), Err)
}

/// The namespaces in which the subjects lie.
fn namespaces_of(kinds: &Kinds, subjects: &[Subject]) -> Vec<Place> {
    let names: BTreeSet<&String> =
        subjects.iter().map(|subject| &subject.resource.namespace).collect();
    let Some(kind) = kinds.find("v1", "Namespace") else { return Vec::new() };
    let place =
        |name: &String| Place { kind: kind.clone(), namespace: String::new(), name: name.clone() };
    names.into_iter().filter(|name| !name.is_empty()).map(place).collect()
}

fn uid(object: &Value) -> String {
    let uid = object.pointer("/metadata/uid").and_then(Value::as_str);
    uid.unwrap_or_default().to_owned()
}

/// The subjects, those deferred whose namespace the plan makes first; and the uid of each namespace.
fn in_namespaces(
    subjects: Vec<Subject>,
    uids: &BTreeMap<&str, String>,
    makes: &Makes,
) -> Result<(Vec<Subject>, BTreeMap<String, String>), ObserveError> {
    let (mut settled, mut wrong) = (Vec::with_capacity(subjects.len()), Vec::new());
    let mut namespaces = BTreeMap::new();
    for mut subject in subjects {
        let name = subject.resource.namespace.clone();
        if name.is_empty() {
            settled.push(subject);
            continue;
        }
        match (uids.get(name.as_str()), makes.namespace(&name)) {
            (Some(uid), _) => {
                namespaces.insert(name, uid.clone());
            }
            (None, Some(by)) => {
                if let Standing::Served(_) = subject.standing {
                    let deferral = Deferral { because: "namespace", by: by.clone() };
                    subject.standing = Standing::Deferred(deferral);
                }
                namespaces.insert(name, String::new());
            }
            (None, None) => {
                let message = format!("{}: namespace {name} is not there", subject.resource.id());
                let operation = subject.operation.id.clone();
                wrong.push(ObserveError::Operation { operation, message });
                continue;
            }
        }
        settled.push(subject);
    }
    ObserveError::of(wrong).map_or(Ok((settled, namespaces)), Err)
}
