//! Waits until the objects of a wave do what they were written for, or says of which this cannot be
//! said. Nothing is written here, and nothing of a later wave begins before it is over.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant as Monotonic};

use serde_json::Value;

use super::Patience;
use super::job::{Job, Verb};
use super::lanes::{Lanes, Look, Told};
use super::ready::{Readiness, readiness};
use super::replace::still_there;
use super::survey::{Sight, TICK, listed, many};
use super::write::pause;
use crate::apply::report::{Report, Stop};
use crate::apply::run::Run;
use crate::document::statement::Fate;
use crate::remote::kubernetes::Failure;

/// Objects that are looked at side by side.
const WIDTH: usize = 16;

/// One object that is waited for.
struct Awaited {
    at: usize,
    /// Why it is not ready; empty before the first look.
    why: String,
    /// When it is looked at next; `None` while it is looked at.
    next: Option<Monotonic>,
}

/// Waits for the objects of a wave that the plan says are to be waited for.
///
/// # Errors
/// [`Stop::Unready`] for the first that is not ready in its time, [`Stop::Interrupted`].
pub(super) fn wait(
    run: &Run<'_>,
    (sight, patience): (Sight<'_>, Patience),
    jobs: &[Job<'_>],
    of: std::ops::Range<usize>,
    report: &mut Report,
) -> Result<(), Stop> {
    let since = Monotonic::now();
    let mut lanes = Lanes::new(sight.cluster);
    let mut awaited: Vec<Awaited> = of
        .filter(|at| jobs.get(*at).is_some_and(|job| is_awaited(job, report.fate(*at))))
        .map(|at| Awaited { at, why: String::new(), next: Some(since) })
        .collect();
    let mut told = String::new();
    // What lists said of objects, and was not looked into yet.
    let mut seen = VecDeque::new();
    while !awaited.is_empty() {
        if (run.interrupted)() {
            for one in &awaited {
                report
                    .unready(one.at, &reason(one, "it was interrupted while this was waited for"));
            }
            return Err(Stop::Interrupted);
        }
        let now = Monotonic::now();
        if seen.is_empty() {
            seen = looked_at_together(&mut awaited, now, jobs, sight);
        }
        for one in &mut awaited {
            let due = one.next.is_some_and(|next| next <= now);
            let place = jobs.get(one.at).and_then(|job| job.place.clone());
            if let (true, Some(place)) = (due && lanes.under_way() < WIDTH, place) {
                one.next = None;
                lanes.look(one.at, Look { after: Duration::ZERO, place });
            }
        }
        if lanes.under_way() == 0 && seen.is_empty() {
            std::thread::sleep(patience.shortest.min(TICK));
            continue;
        }
        let heard = seen.pop_front().or_else(|| lanes.next(TICK));
        let Some((at, heard)) = heard else { continue };
        let Some(index) = awaited.iter().position(|one| one.at == at) else { continue };
        let Some(job) = jobs.get(at) else { continue };
        let found = match heard {
            Told::Found(found) => look(job, found, since.elapsed(), sight),
            Told::Rehearsed(_) | Told::Sent(_) | Told::Broken => {
                Readiness::Waiting("it could not be looked at".to_owned())
            }
        };
        let timeout = Duration::from_secs(u64::from(job.operation.wait.timeout_seconds));
        let (why, over) = match found {
            Readiness::Ready | Readiness::Silent => {
                awaited.swap_remove(index);
                continue;
            }
            Readiness::Waiting(why) => (why, since.elapsed() >= timeout),
            Readiness::Failed(why) => (why, true),
        };
        let why = sight.glass.filter(&why);
        if over {
            let item = job.id.clone();
            report.unready(at, &why);
            for other in awaited.iter().filter(|other| other.at != at) {
                report.unready(other.at, &reason(other, "it was not waited for to its end"));
            }
            return Err(Stop::Unready { item, why });
        }
        if let Some(one) = awaited.get_mut(index) {
            one.why = why;
            one.next = Some(Monotonic::now() + pause(since, &patience));
        }
        let line = line(&awaited, jobs);
        if line != told && !line.is_empty() {
            (run.progress)(&line);
            told = line;
        }
    }
    Ok(())
}

/// Looks at those that are due now and many of their kind, by one list of each kind. What cannot be
/// listed is left to be looked at one by one.
fn looked_at_together(
    awaited: &mut [Awaited],
    now: Monotonic,
    jobs: &[Job<'_>],
    sight: Sight<'_>,
) -> VecDeque<(usize, Told)> {
    let is_due = |one: &&Awaited| one.next.is_some_and(|next| next <= now);
    let due: Vec<usize> = awaited.iter().filter(is_due).map(|one| one.at).collect();
    let mut seen = BTreeMap::new();
    for group in many(jobs, due) {
        let Some(mut found) = listed(&group, sight) else { continue };
        let object = |(at, name): (usize, String)| (at, Told::Found(Ok(found.remove(&name))));
        seen.extend(group.members.into_iter().map(object));
    }
    for one in awaited.iter_mut().filter(|one| seen.contains_key(&one.at)) {
        one.next = None;
    }
    seen.into_iter().collect()
}

fn reason(one: &Awaited, otherwise: &str) -> String {
    if one.why.is_empty() { otherwise.to_owned() } else { one.why.clone() }
}

fn is_awaited(job: &Job<'_>, fate: Option<Fate>) -> bool {
    let written = match fate {
        Some(Fate::Written | Fate::AlreadyWritten) => true,
        Some(Fate::NotWritten | Fate::Failed) | None => false,
    };
    written && job.operation.wait.ready && !job.settled
}

fn look(
    job: &Job<'_>,
    found: Result<Option<Value>, Failure>,
    waited: Duration,
    sight: Sight<'_>,
) -> Readiness {
    let live = match found {
        Ok(live) => live,
        // It may be back before the time is over.
        Err(failure) => return Readiness::Waiting(sight.glass.said(&failure)),
    };
    match (job.verb, live) {
        (Verb::Delete, None) => Readiness::Ready,
        (Verb::Delete, Some(live)) => {
            let uid = live.pointer("/metadata/uid").and_then(Value::as_str);
            match uid == job.change.guard.get("uid").map(String::as_str) {
                true => Readiness::Waiting(still_there(&live)),
                // Somebody has created another one since: this one is gone.
                false => Readiness::Ready,
            }
        }
        (Verb::Create | Verb::Update | Verb::Replace, None) => {
            Readiness::Failed("it is gone".to_owned())
        }
        (Verb::Create | Verb::Update | Verb::Replace, Some(live)) => readiness(&live, waited),
    }
}

/// What is being waited for, and why: the first in order, and how many more.
fn line(awaited: &[Awaited], jobs: &[Job<'_>]) -> String {
    let known = awaited.iter().filter(|one| !one.why.is_empty()).min_by_key(|one| one.at);
    let Some((one, job)) = known.and_then(|one| Some((one, jobs.get(one.at)?))) else {
        return String::new();
    };
    let more = match awaited.len().saturating_sub(1) {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let until = match job.verb {
        Verb::Delete => " to be gone",
        Verb::Create | Verb::Update | Verb::Replace => "",
    };
    format!("waiting for {}{until}: {}{more}", job.words(), one.why)
}
