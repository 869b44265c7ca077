//! Waits until the objects of a wave do what they were written for, or says of which this cannot be
//! said. Nothing is written here, and nothing of a later wave begins before it is over.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::{Duration, Instant as Monotonic};

use serde_json::Value;

use super::Patience;
use super::job::{Job, Verb};
use super::lanes::{Lanes, Look, Told};
use super::ready::{Readiness, readiness};
use super::replace::still_there;
use super::survey::{MANY, Sight, TICK};
use crate::apply::report::{Report, Stop};
use crate::apply::run::Run;
use crate::document::statement::Fate;
use crate::remote::kubernetes::{Failure, Kind, Reason};

/// Requests that are under way at once.
const WIDTH: usize = 16;

/// One object that is waited for.
struct Awaited {
    /// Why it is not ready; empty before the first look.
    why: String,
    /// When it is looked at next; `None` while it is looked at.
    next: Option<Monotonic>,
}

/// Objects of one kind in one namespace, which one list shows.
type Group = (Kind, String);

struct Waiting<'w, 'r, 'p> {
    run: &'w Run<'r>,
    sight: Sight<'w>,
    patience: Patience,
    jobs: &'w [Job<'p>],
    report: &'w mut Report,
    since: Monotonic,
    lanes: Lanes,
    awaited: BTreeMap<usize, Awaited>,
    /// Groups that are being listed, by who stands for them.
    listed: BTreeMap<usize, Group>,
    /// Groups that may not be listed.
    unlisted: BTreeSet<Group>,
    told: String,
}

/// Waits for the objects of a wave that the plan says are to be waited for.
///
/// # Errors
/// [`Stop::Unready`] for the first that is not ready in its time, [`Stop::Interrupted`].
pub(super) fn wait(
    run: &Run<'_>,
    (sight, patience): (Sight<'_>, Patience),
    jobs: &[Job<'_>],
    of: Range<usize>,
    report: &mut Report,
) -> Result<(), Stop> {
    let since = Monotonic::now();
    let fresh = |at| (at, Awaited { why: String::new(), next: Some(since) });
    let awaited =
        of.filter(|at| jobs.get(*at).is_some_and(|job| is_awaited(job, report.fate(*at))));
    let waiting = Waiting {
        run,
        sight,
        patience,
        jobs,
        awaited: awaited.map(fresh).collect(),
        report,
        since,
        lanes: Lanes::new(sight.cluster),
        listed: BTreeMap::new(),
        unlisted: BTreeSet::new(),
        told: String::new(),
    };
    waiting.go()
}

fn is_awaited(job: &Job<'_>, fate: Option<Fate>) -> bool {
    let written = match fate {
        Some(Fate::Written | Fate::AlreadyWritten) => true,
        Some(Fate::NotWritten | Fate::Failed) | None => false,
    };
    written && job.operation.wait.ready && !job.settled
}

impl Waiting<'_, '_, '_> {
    fn go(mut self) -> Result<(), Stop> {
        while !self.awaited.is_empty() {
            if (self.run.interrupted)() {
                self.unready(None, "it was interrupted while this was waited for");
                return Err(Stop::Interrupted);
            }
            self.look();
            if self.lanes.under_way() == 0 {
                std::thread::sleep(self.patience.shortest.min(TICK));
                continue;
            }
            let Some((at, told)) = self.lanes.next(TICK) else { continue };
            for (at, found) in self.heard(at, told) {
                self.settle(at, found)?;
            }
            self.tell();
        }
        Ok(())
    }

    fn group(&self, at: usize) -> Option<Group> {
        let place = self.jobs.get(at)?.place.as_ref()?;
        Some((place.kind.clone(), place.namespace.clone()))
    }

    /// Looks at whatever is due: at many of a kind by one list.
    fn look(&mut self) {
        let now = Monotonic::now();
        let due = |one: &Awaited| one.next.is_some_and(|next| next <= now);
        let due: Vec<usize> =
            self.awaited.iter().filter(|(_, one)| due(one)).map(|(at, _)| *at).collect();
        let mut groups: BTreeMap<Group, Vec<usize>> = BTreeMap::new();
        for at in due {
            if let Some(group) = self.group(at) {
                groups.entry(group).or_default().push(at);
            }
        }
        for (group, members) in groups {
            if self.lanes.under_way() >= WIDTH {
                return;
            }
            let lists = members.len() >= MANY && group.0.listable;
            if let (true, Some(first)) = (lists && !self.unlisted.contains(&group), members.first())
            {
                self.lanes.list(*first, group.clone());
                self.listed.insert(*first, group);
                members.iter().for_each(|at| self.looked_at(*at));
                continue;
            }
            for at in members {
                let place = self.jobs.get(at).and_then(|job| job.place.clone());
                let Some(place) = place.filter(|_| self.lanes.under_way() < WIDTH) else { break };
                self.lanes.look(at, Look { after: Duration::ZERO, place });
                self.looked_at(at);
            }
        }
    }

    fn looked_at(&mut self, at: usize) {
        if let Some(one) = self.awaited.get_mut(&at) {
            one.next = None;
        }
    }

    /// What was found of each object that a request was about.
    fn heard(&mut self, at: usize, told: Told) -> Vec<(usize, Readiness)> {
        let waited = self.since.elapsed();
        match told {
            Told::Found(found) => vec![(at, self.found(at, found.as_ref(), waited))],
            Told::Listed(found) => {
                let Some(group) = self.listed.remove(&at) else { return Vec::new() };
                let looked = self.awaited.iter().filter(|(_, one)| one.next.is_none());
                let members: Vec<usize> = looked
                    .map(|(at, _)| *at)
                    .filter(|at| self.group(*at).as_ref() == Some(&group))
                    .collect();
                match found {
                    Ok(objects) => self.each(&members, objects, waited),
                    Err(failure) if failure.reason() == Some(&Reason::Forbidden) => {
                        self.unlisted.insert(group);
                        let now = Monotonic::now();
                        for at in members {
                            if let Some(one) = self.awaited.get_mut(&at) {
                                one.next = Some(now);
                            }
                        }
                        Vec::new()
                    }
                    Err(failure) => {
                        let said = Readiness::Waiting(self.sight.glass.said(&failure));
                        members.into_iter().map(|at| (at, said.clone())).collect()
                    }
                }
            }
            Told::Rehearsed(_) | Told::Sent(_) | Told::Broken => {
                self.listed.remove(&at);
                vec![(at, Readiness::Waiting("it could not be looked at".to_owned()))]
            }
        }
    }

    /// The objects of a list, each for the one that waits for it.
    fn each(
        &self,
        members: &[usize],
        objects: Vec<Value>,
        waited: Duration,
    ) -> Vec<(usize, Readiness)> {
        let name = |object: &Value| {
            object.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned)
        };
        let mut found: BTreeMap<String, Value> =
            objects.into_iter().filter_map(|object| Some((name(&object)?, object))).collect();
        let one = |at: &usize| {
            let name = self.jobs.get(*at).map(|job| job.change.id.name.as_str());
            let live = name.and_then(|name| found.remove(name));
            (*at, self.found(*at, Ok(&live), waited))
        };
        members.iter().map(one).collect()
    }

    fn found(
        &self,
        at: usize,
        found: Result<&Option<Value>, &Failure>,
        waited: Duration,
    ) -> Readiness {
        let Some(job) = self.jobs.get(at) else { return Readiness::Silent };
        let live = match found {
            Ok(live) => live,
            // It may be back before the time is over.
            Err(failure) => return Readiness::Waiting(self.sight.glass.said(failure)),
        };
        match (job.verb, live) {
            (Verb::Delete, None) => Readiness::Ready,
            (Verb::Delete, Some(live)) => {
                let uid = live.pointer("/metadata/uid").and_then(Value::as_str);
                match uid == job.change.guard.get("uid").map(String::as_str) {
                    true => Readiness::Waiting(still_there(live)),
                    // Somebody has created another one since: this one is gone.
                    false => Readiness::Ready,
                }
            }
            (Verb::Create | Verb::Update | Verb::Replace, None) => {
                Readiness::Failed("it is gone".to_owned())
            }
            (Verb::Create | Verb::Update | Verb::Replace, Some(live)) => readiness(live, waited),
        }
    }

    fn settle(&mut self, at: usize, found: Readiness) -> Result<(), Stop> {
        let Some(job) = self.jobs.get(at) else { return Ok(()) };
        let timeout = Duration::from_secs(u64::from(job.operation.wait.timeout_seconds));
        let (why, over) = match found {
            Readiness::Ready | Readiness::Silent => {
                self.awaited.remove(&at);
                return Ok(());
            }
            Readiness::Waiting(why) => (why, self.since.elapsed() >= timeout),
            Readiness::Failed(why) => (why, true),
        };
        let why = self.sight.glass.filter(&why);
        if over {
            self.report.unready(at, &why);
            self.unready(Some(at), "it was not waited for to its end");
            return Err(Stop::Unready { item: job.id.clone(), why });
        }
        if let Some(one) = self.awaited.get_mut(&at) {
            one.why = why;
            one.next = Some(Monotonic::now() + self.patience.pause(self.since));
        }
        Ok(())
    }

    /// Says of all but one why they are not known to be ready.
    fn unready(&mut self, but: Option<usize>, otherwise: &str) {
        for (at, one) in self.awaited.iter().filter(|(at, _)| Some(**at) != but) {
            let why = if one.why.is_empty() { otherwise } else { &one.why };
            self.report.unready(*at, why);
        }
    }

    /// Says what is being waited for, and why: the first in order, and how many more.
    fn tell(&mut self) {
        let known = self.awaited.iter().find(|(_, one)| !one.why.is_empty());
        let Some((one, job)) = known.and_then(|(at, one)| Some((one, self.jobs.get(*at)?))) else {
            return;
        };
        let more = match self.awaited.len().saturating_sub(1) {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let until = match job.verb {
            Verb::Delete => " to be gone",
            Verb::Create | Verb::Update | Verb::Replace => "",
        };
        let line = format!("waiting for {}{until}: {}{more}", job.words(), one.why);
        if line != self.told {
            (self.run.progress)(&line);
            self.told = line;
        }
    }
}
