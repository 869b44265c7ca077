//! The look at every object before the first of them is written, so that most of what can be in the
//! way is found while nothing has changed. A round that goes on finds here how far it had come.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::error::ClusterError;
use super::glass::Glass;
use super::job::{Job, State, uid};
use super::judge::{Past, Standing, judge};
use super::lanes::{Lanes, Look, Told};
use crate::apply::report::{Report, Stop};
use crate::document::effect::TargetIdentity;
use crate::document::ident::ResourceId;
use crate::document::statement::Fate;
use crate::plan::Plan;
use crate::remote::kubernetes::{Cluster, Kind, Kinds, Place};

/// Objects that are looked at side by side.
const WIDTH: usize = 32;
/// Objects of one kind and namespace from which on they are listed: one answer for many.
pub(super) const MANY: usize = 32;
/// How long nothing is heard of any of them before it is looked whether somebody asked to stop.
pub(super) const TICK: Duration = Duration::from_millis(200);

/// Everything that looks at objects goes by this.
#[derive(Clone, Copy)]
pub(super) struct Sight<'r> {
    pub(super) glass: Glass<'r>,
    pub(super) cluster: &'r Cluster,
}

/// Looks at the object of every job. Says of each that cannot be written why, and gives the first
/// reason. `past` says what earlier rounds did to it.
///
/// # Errors
/// [`Stop`].
pub(super) fn survey<'p>(
    jobs: &mut [Job<'p>],
    sight: Sight<'_>,
    past: &dyn Fn(&Job<'p>) -> Past,
    report: &mut Report,
) -> Result<(), Stop> {
    let mut lanes = Lanes::new(sight.cluster);
    let mut stop: Option<(usize, Stop)> = None;
    let mut left: BTreeSet<usize> = (0..jobs.len()).collect();
    for group in many(jobs) {
        let Some(mut found) = listed(&group, sight) else { continue };
        for (at, name) in group.members {
            left.remove(&at);
            let Some(job) = jobs.get_mut(at) else { continue };
            let live = found.remove(&name);
            if let Err(other) = settle(job, at, (live.as_ref(), past(job)), sight.glass, report) {
                keep_first(&mut stop, at, other);
            }
        }
    }
    loop {
        while lanes.under_way() < WIDTH
            && let Some(at) = left.pop_first()
        {
            let Some(job) = jobs.get_mut(at) else { continue };
            match job.place.clone() {
                Some(place) => lanes.look(at, Look { after: Duration::ZERO, place }),
                // Its kind is not served: there is no object of it.
                None => {
                    if let Err(found) = settle(job, at, (None, past(job)), sight.glass, report) {
                        keep_first(&mut stop, at, found);
                    }
                }
            }
        }
        if lanes.under_way() == 0 {
            break;
        }
        let Some((at, told)) = lanes.next(TICK) else { continue };
        let Some(job) = jobs.get_mut(at) else { continue };
        let settled = match told {
            Told::Found(Ok(live)) => {
                settle(job, at, (live.as_ref(), past(job)), sight.glass, report)
            }
            Told::Found(Err(failure)) => {
                if past(job).begun {
                    // An earlier round may have written it.
                    report.took_effect();
                }
                let said = sight.glass.said(&failure);
                let stop = Stop::Cluster(Box::new(ClusterError::Unanswered(said)));
                Err(report.refused(at, stop))
            }
            Told::Listed(_) | Told::Rehearsed(_) | Told::Sent(_) | Told::Broken => {
                Err(report.refused(at, Stop::Cluster(Box::new(ClusterError::Broken))))
            }
        };
        if let Err(found) = settled {
            keep_first(&mut stop, at, found);
        }
    }
    stop.map_or(Ok(()), |(_, stop)| Err(stop))
}

/// Objects of one kind and namespace.
struct Group {
    kind: Kind,
    namespace: String,
    /// Index and name of each.
    members: Vec<(usize, String)>,
}

/// Those objects that are many enough to be listed.
fn many(jobs: &[Job<'_>]) -> Vec<Group> {
    let mut found: BTreeMap<(&Kind, &str), Vec<(usize, String)>> = BTreeMap::new();
    for (at, job) in jobs.iter().enumerate() {
        let Some(Place { kind, namespace, name }) = &job.place else { continue };
        if kind.listable {
            found.entry((kind, namespace)).or_default().push((at, name.clone()));
        }
    }
    let group = |((kind, namespace), members): ((&Kind, &str), Vec<_>)| Group {
        kind: kind.clone(),
        namespace: namespace.to_owned(),
        members,
    };
    found.into_iter().filter(|(_, members)| members.len() >= MANY).map(group).collect()
}

/// The objects of a group by name; `None` if they cannot be listed, which says nothing of each.
fn listed(group: &Group, sight: Sight<'_>) -> Option<BTreeMap<String, Value>> {
    let Group { kind, namespace, members } = group;
    let (cluster, kind, namespace) = (sight.cluster.clone(), kind.clone(), namespace.clone());
    let found = sight.cluster.run(async move { cluster.list(&kind, &namespace).await });
    let wanted: BTreeSet<&str> = members.iter().map(|(_, name)| name.as_str()).collect();
    let named = |object: Value| {
        let name = object.pointer("/metadata/name").and_then(Value::as_str)?.to_owned();
        wanted.contains(name.as_str()).then_some((name, object))
    };
    Some(found?.ok()?.into_iter().filter_map(named).collect())
}

/// Whichever was heard of first, the first in order is told.
fn keep_first(stop: &mut Option<(usize, Stop)>, at: usize, found: Stop) {
    if stop.as_ref().is_none_or(|(first, _)| at < *first) {
        *stop = Some((at, found));
    }
}

fn settle(
    job: &mut Job<'_>,
    at: usize,
    (live, past): (Option<&Value>, Past),
    glass: Glass<'_>,
    report: &mut Report,
) -> Result<(), Stop> {
    job.state = State::Idle;
    match judge(job, live, past, glass) {
        Ok(Standing::Before(known)) => job.known = Some(known),
        Ok(Standing::After(digest)) => {
            job.made = live.and_then(uid);
            report.already_written(at, digest);
        }
        Ok(Standing::Going) => report.already_written(at, None),
        Ok(Standing::Cleared(known)) => {
            report.took_effect();
            job.cleared = Some(guard(job));
            job.known = Some(known);
        }
        Ok(Standing::Clearing) => {
            report.took_effect();
            job.cleared = Some(guard(job));
        }
        Ok(Standing::Other(found)) => {
            if past.begun {
                // Somebody changed it again after this apply may have written it.
                report.took_effect();
            }
            return Err(report.refused(at, Stop::Stale { item: job.id.clone(), found }));
        }
        Err(found) => {
            return Err(report.refused(at, Stop::Stale { item: job.id.clone(), found }));
        }
    }
    Ok(())
}

fn namespace_id(name: &str) -> ResourceId {
    let (group, kind, namespace) = (String::new(), "Namespace".to_owned(), String::new());
    ResourceId { group, kind, namespace, name: name.to_owned() }
}

fn guard(job: &Job<'_>) -> String {
    job.change.guard.get("uid").cloned().unwrap_or_default()
}

/// Whether a change is left to be made.
pub(super) fn is_open(report: &Report, at: usize) -> bool {
    match report.fate(at) {
        Some(Fate::NotWritten) => true,
        Some(Fate::Written | Fate::AlreadyWritten | Fate::Failed) | None => false,
    }
}

/// Whether the namespaces of the plan are the very ones that it was made for, or that it has made:
/// what is created in one has no object of its own to be told by.
///
/// # Errors
/// [`Stop::Stale`], [`Stop::Cluster`].
pub(super) fn namespaces(
    plan: &Plan,
    jobs: &[Job<'_>],
    kinds: &Kinds,
    sight: Sight<'_>,
) -> Result<(), Stop> {
    let none = BTreeMap::new();
    let named = match &plan.document().effect.target {
        TargetIdentity::Kubernetes { namespaces, .. } => namespaces,
        TargetIdentity::Directory { .. } | TargetIdentity::Cloudformation { .. } => &none,
    };
    let broken = |error| Stop::Cluster(Box::new(error));
    let kind = kinds.find("v1", "Namespace").ok_or_else(|| {
        let (kind, api_version) = ("Namespace".to_owned(), "v1".to_owned());
        broken(ClusterError::Unserved { kind, api_version })
    })?;
    // Those without a uid are made by the plan itself, and have none before.
    let made: BTreeMap<&ResourceId, &str> =
        jobs.iter().filter_map(|job| Some((&job.change.id, job.made.as_deref()?))).collect();
    let uid_of = |name: &String, uid: &String| match uid.as_str() {
        "" => made.get(&namespace_id(name)).map(|uid| (*uid).to_owned()),
        uid => Some(uid.to_owned()),
    };
    let known: Vec<(&String, String)> =
        named.iter().filter_map(|(name, uid)| Some((name, uid_of(name, uid)?))).collect();
    let places = known.iter().map(|(name, _)| Place {
        kind: kind.clone(),
        namespace: String::new(),
        name: (*name).clone(),
    });
    let (cluster, places) = (sight.cluster.clone(), places.collect::<Vec<_>>());
    let found = sight.cluster.run(async move {
        let look = |cluster: Cluster, place| async move { cluster.get(&place).await };
        cluster.side_by_side(places, WIDTH, look).await
    });
    let found = found.ok_or_else(|| broken(ClusterError::Broken))?;
    for ((name, uid), found) in known.into_iter().zip(found) {
        let live = found
            .map_err(|failure| broken(ClusterError::Unanswered(sight.glass.said(&failure))))?;
        let text = |pointer| live.as_ref().and_then(|live| live.pointer(pointer)?.as_str());
        let stale = |found: &str| {
            Err(Stop::Stale { item: format!("/Namespace//{name}"), found: found.to_owned() })
        };
        match text("/metadata/uid") {
            None => return stale("it is gone"),
            Some(found) if found != uid => {
                let than = match named.get(name).is_some_and(String::is_empty) {
                    true => "the one that this apply made",
                    false => "when planned",
                };
                return stale(&format!(
                    "it is another object than {than}: deleted, and created anew"
                ));
            }
            Some(_) if text("/metadata/deletionTimestamp").is_some() => {
                return stale("it is being deleted");
            }
            Some(_) => {}
        }
    }
    Ok(())
}
