//! Writes the objects of one wave, many at once, each only if it still is what the plan says it was,
//! and only after the ledger recorded it. The first failure stops: what is under way then is waited
//! for, and nothing new begins.
//!
//! A request is tied to the very version of the object that was compared with the plan, so that the
//! cluster itself refuses it once anything else has happened to the object; then the object is
//! compared anew. While it is not known whether a request had its effect, nothing else begins.

use std::collections::VecDeque;
use std::time::{Duration, Instant as Monotonic};

use serde_json::Value;

use super::error::{Touched, WriteError};
use super::job::{Doubt, Job, Need, State, Verb, uid};
use super::judge::{Past, Standing, judge};
use super::lanes::{Lanes, Look, Told};
use super::ready::{Readiness, readiness};
use super::same;
use super::send::{Ask, Sent};
use super::survey::{Sight, TICK, is_open};
use super::{Patience, conflicts};
use crate::apply::report::{Report, Stop};
use crate::apply::run::Run;
use crate::causes;
use crate::ledger::Recorded;
use crate::observe::kubernetes::forced;
use crate::remote::kubernetes::{Answer, Failure, Reason};

/// Requests that are under way at once.
const WIDTH: usize = 16;
/// Changes that are recorded by one durable step of the ledger.
const TOGETHER: usize = 256;
/// How often an object is compared anew because it keeps changing.
const LOOKS: usize = 4;

/// The writing of one wave.
pub(super) struct Writing<'w, 'r, 'p> {
    pub(super) run: &'w Run<'r>,
    pub(super) sight: Sight<'w>,
    pub(super) patience: Patience,
    pub(super) jobs: &'w mut [Job<'p>],
    pub(super) report: &'w mut Report,
    rehearsed: Option<Monotonic>,
    pub(super) lanes: Lanes,
    /// Not recorded yet.
    queue: VecDeque<usize>,
    /// Recorded, and not begun.
    recorded: VecDeque<(usize, Recorded)>,
    /// Requests of which it is not known whether they had an effect.
    pub(super) doubts: usize,
    pub(super) stop: Option<Stop>,
}

/// What a wave is written with.
pub(super) struct Wave<'w, 'r, 'p> {
    pub(super) run: &'w Run<'r>,
    pub(super) sight: Sight<'w>,
    pub(super) patience: Patience,
    pub(super) jobs: &'w mut [Job<'p>],
    /// The jobs of this wave.
    pub(super) of: std::ops::Range<usize>,
    pub(super) report: &'w mut Report,
    /// When the changes were rehearsed last; `None`: not by this process.
    pub(super) rehearsed: Option<Monotonic>,
}

/// Writes those objects of a wave that are not written yet.
///
/// # Errors
/// Why it stopped.
pub(super) fn write(wave: Wave<'_, '_, '_>) -> Result<(), Stop> {
    let Wave { run, sight, patience, jobs, of, report, rehearsed } = wave;
    let queue: VecDeque<usize> = of.filter(|at| is_open(report, *at)).collect();
    let lanes = Lanes::new(sight.cluster);
    let recorded = VecDeque::new();
    let mut writing = Writing {
        run,
        sight,
        patience,
        jobs,
        report,
        rehearsed,
        lanes,
        queue,
        recorded,
        doubts: 0,
        stop: None,
    };
    writing.go();
    writing.stop.map_or(Ok(()), Err)
}

impl Writing<'_, '_, '_> {
    fn go(&mut self) {
        loop {
            self.fill();
            if self.lanes.under_way() == 0 {
                return;
            }
            if let Some((at, told)) = self.lanes.next(TICK) {
                self.heard(at, told);
            }
        }
    }

    /// Begins as much as may be under way at once.
    fn fill(&mut self) {
        while self.stop.is_none() && self.doubts == 0 && self.lanes.under_way() < WIDTH {
            let Some((at, recorded)) = self.recorded.pop_front() else {
                if self.queue.is_empty() {
                    return;
                }
                if let Err(stop) = self.record() {
                    self.stop.get_or_insert(stop);
                }
                continue;
            };
            self.begin(at, recorded);
        }
    }

    /// Records the next few.
    fn record(&mut self) -> Result<(), Stop> {
        self.run.may_begin()?;
        let some: Vec<usize> = self.queue.drain(..TOGETHER.min(self.queue.len())).collect();
        let jobs = &self.jobs;
        let items = some.iter().filter_map(|at| jobs.get(*at)).map(|job| {
            let (before, after) = job.digests();
            (job.id.as_str(), before, after)
        });
        let begun = self.run.ledger.begin_all(self.run.spent, items);
        let begun = begun.map_err(|error| Stop::Ledger(Box::new(error)))?;
        self.recorded.extend(some.into_iter().zip(begun));
        Ok(())
    }

    fn begin(&mut self, at: usize, recorded: Recorded) {
        let again = self.rehearsed.is_none_or(|then| then.elapsed() >= self.patience.rehearsed);
        let Some(job) = self.jobs.get_mut(at) else { return };
        match (&job.known, &job.cleared) {
            (Some(_), _) => {
                job.needs = job.needed(again);
                self.go_on(at, recorded);
            }
            (None, Some(_)) => self.going(at, recorded, Duration::ZERO),
            (None, None) => self.look(at, recorded),
        }
    }

    /// Makes the next request that a change needs.
    pub(super) fn go_on(&mut self, at: usize, recorded: Recorded) {
        let Some(job) = self.jobs.get_mut(at) else { return };
        let (Some(need), Some(known), Some(place)) =
            (job.needs.pop_front(), &job.known, &job.place)
        else {
            return self.failed(at, WriteError::Unrecorded);
        };
        let glass = self.sight.glass;
        let live = known.version.as_ref();
        let force = !job.change.force.is_empty();
        let made = match (need, job.deletes(), live) {
            (Need::Owners, _, _) => glass.call(job, place, live, false),
            (Need::Write, true, Some(live)) if job.verb == Verb::Replace => {
                glass.deletion(job, place, live)
            }
            (Need::Rehearsal | Need::Write, _, _) => glass.call(job, place, live, force),
        };
        let call = match made {
            Ok(call) => call,
            Err(why) => return self.failed(at, WriteError::Unmade(why)),
        };
        match need {
            Need::Owners | Need::Rehearsal => {
                job.state = State::Rehearsed(recorded, need);
                self.lanes.rehearse(at, call);
            }
            Need::Write => {
                if self.doubts > 0 {
                    // Begun anew once it is known.
                    job.state = State::Idle;
                    return self.recorded.push_front((at, recorded));
                }
                if self.stop.is_none()
                    && let Err(stop) = self.run.may_begin()
                {
                    self.stop = Some(stop);
                }
                if self.stop.is_some() {
                    return self.abandoned(at);
                }
                match Ask::of(recorded, call) {
                    Ok(ask) => {
                        job.state = State::Sent(Monotonic::now());
                        self.lanes.send(at, ask);
                    }
                    Err(_) => self.failed(at, WriteError::Unrecorded),
                }
            }
        }
    }

    /// What was not begun because something else stopped the apply.
    pub(super) fn abandoned(&mut self, at: usize) {
        if let Some(job) = self.jobs.get_mut(at) {
            job.state = State::Idle;
            if job.cleared.is_some() {
                let why = "the apply was stopped".to_owned();
                self.report.failed(at, None, WriteError::Halved(why).to_string());
            }
        }
    }

    fn look(&mut self, at: usize, recorded: Recorded) {
        let Some(job) = self.jobs.get_mut(at) else { return };
        let Some(place) = job.place.clone() else {
            let why = format!("the cluster does not serve {}", job.change.resource.kind);
            return self.failed(at, WriteError::Unseen(why));
        };
        job.state = State::Looked(recorded);
        self.lanes.look(at, Look { after: Duration::ZERO, place });
    }

    fn heard(&mut self, at: usize, told: Told) {
        let Some(job) = self.jobs.get_mut(at) else { return };
        let state = std::mem::replace(&mut job.state, State::Idle);
        match (state, told) {
            (State::Looked(recorded), Told::Found(found)) => self.found(at, recorded, found),
            (State::Rehearsed(recorded, need), Told::Rehearsed(answer)) => {
                self.rehearsed(at, recorded, need, answer);
            }
            (State::Sent(since), Told::Sent(sent)) => self.answered(at, since, *sent),
            (State::Going(recorded, since), Told::Found(found)) => {
                self.gone(at, recorded, since, found);
            }
            (State::Doubted(doubt), Told::Found(found)) => self.read_back(at, doubt, found),
            (State::Doubted(_), _) => {
                self.doubts = self.doubts.saturating_sub(1);
                self.failed(at, WriteError::Broken);
            }
            (State::Sent(_), _) => self.failed(at, WriteError::Broken),
            (
                State::Idle | State::Looked(_) | State::Rehearsed(..) | State::Going(..),
                Told::Found(_)
                | Told::Listed(_)
                | Told::Rehearsed(_)
                | Told::Sent(_)
                | Told::Broken,
            ) => {
                let why = "it was broken off by a fault of this program".to_owned();
                self.failed(at, WriteError::Unseen(why));
            }
        }
    }

    /// An object that had changed was looked at again.
    fn found(&mut self, at: usize, recorded: Recorded, found: Result<Option<Value>, Failure>) {
        let glass = self.sight.glass;
        let Some(job) = self.jobs.get_mut(at) else { return };
        let live = match found {
            Ok(live) => live,
            Err(failure) => return self.failed(at, WriteError::Unseen(glass.said(&failure))),
        };
        if job.cleared.is_some() {
            return match live {
                None => {
                    self.created(at, recorded);
                }
                Some(_) => {
                    let why = "another object has its name now".to_owned();
                    self.failed(at, WriteError::Refused(why));
                }
            };
        }
        match judge(job, live.as_ref(), Past::NONE, glass) {
            Ok(Standing::Before(known)) => {
                job.known = Some(known);
                job.needs = job.needed(false);
                self.go_on(at, recorded);
            }
            Ok(Standing::Other(found)) => {
                let stop = Stop::Stale { item: job.id.clone(), found };
                let stop = self.report.refused(at, stop);
                self.stop.get_or_insert(stop);
            }
            Ok(
                Standing::After(_) | Standing::Going | Standing::Cleared(_) | Standing::Clearing,
            ) => self.failed(at, WriteError::Broken),
            Err(why) => self.failed(at, WriteError::Unseen(why)),
        }
    }

    /// Compares the object anew, as it is not the version any more that was compared last. `false`:
    /// it keeps changing.
    fn looked_again(&mut self, at: usize, recorded: Recorded) -> Option<Recorded> {
        let job = self.jobs.get_mut(at)?;
        if job.looks >= LOOKS {
            return Some(recorded);
        }
        job.looks += 1;
        self.look(at, recorded);
        None
    }

    fn rehearsed(
        &mut self,
        at: usize,
        recorded: Recorded,
        need: Need,
        answer: Result<Answer, Failure>,
    ) {
        let glass = self.sight.glass;
        let Some(job) = self.jobs.get_mut(at) else { return };
        match (need, answer) {
            (Need::Owners, answer) => {
                job.held = match &answer {
                    Ok(_) => Vec::new(),
                    Err(failure) => match conflicts::of(failure) {
                        Some(held) => held,
                        None => return self.not_rehearsed(at, recorded, failure),
                    },
                };
                self.go_on(at, recorded);
            }
            (Need::Rehearsal | Need::Write, Err(failure)) => {
                self.not_rehearsed(at, recorded, &failure);
            }
            (Need::Rehearsal | Need::Write, Ok(Answer { object, .. })) => {
                let Some(known) = &job.known else { return self.failed(at, WriteError::Broken) };
                let held = forced(&job.held, &object);
                // Whose fields a patch changes was looked at with the object itself.
                if !job.is_patch()
                    && let Some(why) = conflicts::differ(&job.change.force, &held)
                {
                    return self.failed(at, WriteError::Taken(why));
                }
                match glass.seen(job, &known.lens, &object) {
                    Err(why) => self.failed(at, WriteError::Unseen(why)),
                    Ok(seen) => match job.differs(&seen) {
                        differs if differs.is_empty() => self.go_on(at, recorded),
                        differs => self.failed(at, WriteError::Rehearsed(same::shown(&differs))),
                    },
                }
            }
        }
    }

    fn not_rehearsed(&mut self, at: usize, recorded: Recorded, failure: &Failure) {
        let mut recorded = Some(recorded);
        if self.may_have_changed(at, failure)
            && let Some(held) = recorded.take()
        {
            recorded = self.looked_again(at, held);
        }
        if recorded.is_some() {
            let said = self.sight.glass.said(failure);
            self.failed(at, WriteError::Unseen(said));
        }
    }

    /// Whether a refusal may only say that the object is not the version that was compared.
    fn may_have_changed(&self, at: usize, failure: &Failure) -> bool {
        match failure.reason() {
            Some(Reason::Changed | Reason::OtherObject | Reason::Exists | Reason::Absent) => true,
            Some(Reason::Invalid | Reason::Other | Reason::Malformed) => {
                self.jobs.get(at).is_some_and(Job::is_vague)
            }
            // Said of an older version as well: the first time it is looked at what is there now.
            Some(Reason::Conflict(_)) => self.jobs.get(at).is_some_and(|job| job.looks == 0),
            Some(
                Reason::NamespaceAbsent
                | Reason::NamespaceEnding
                | Reason::KindAbsent
                | Reason::Immutable(_)
                | Reason::NoDryRun
                | Reason::Forbidden
                | Reason::Denied
                | Reason::Unauthorized
                | Reason::Busy
                | Reason::Expired,
            )
            | None => false,
        }
    }

    fn answered(&mut self, at: usize, sent: Monotonic, Sent { recorded, answer }: Sent) {
        match answer {
            Ok(Answer { object, .. }) => match self.jobs.get(at).is_some_and(Job::deletes) {
                true => self.deleted(at, recorded),
                false => self.resulted(at, recorded, &object),
            },
            Err(Failure::Unanswered(unanswered)) if !unanswered.unsent => {
                let why = self.sight.glass.filter(&unanswered.to_string());
                self.doubts += 1;
                let since = Monotonic::now();
                self.doubt(at, Doubt { recorded, sent, since, why }, Duration::ZERO);
            }
            Err(failure) => {
                let mut recorded = Some(recorded);
                if self.may_have_changed(at, &failure)
                    && let Some(held) = recorded.take()
                {
                    recorded = self.looked_again(at, held);
                }
                if recorded.is_some() {
                    let said = self.sight.glass.said(&failure);
                    let error = match failure {
                        Failure::Refused(_) => WriteError::Refused(said),
                        Failure::Unanswered(_) => WriteError::Lost(said),
                    };
                    self.failed(at, error);
                }
            }
        }
    }

    /// An object goes.
    pub(super) fn deleted(&mut self, at: usize, recorded: Recorded) {
        let Some(job) = self.jobs.get_mut(at) else { return };
        match job.verb {
            Verb::Replace => {
                self.report.took_effect();
                let uid = job.known.take().and_then(|known| uid(known.version.as_ref()?));
                job.cleared = Some(uid.unwrap_or_default());
                self.going(at, recorded, Duration::ZERO);
            }
            Verb::Create | Verb::Update | Verb::Delete => {
                self.report.wrote(at, None);
                self.noted(recorded);
            }
        }
    }

    /// A request was answered with what came of it.
    fn resulted(&mut self, at: usize, recorded: Recorded, object: &Value) {
        let glass = self.sight.glass;
        let Some(job) = self.jobs.get_mut(at) else { return };
        let Some(known) = &job.known else { return self.failed(at, WriteError::Broken) };
        let ready = readiness(object, Duration::ZERO);
        job.made = uid(object);
        match glass.seen(job, &known.lens, object) {
            Ok(seen) => match job.differs(&seen) {
                differs if differs.is_empty() => {
                    job.settled = matches!(ready, Readiness::Ready | Readiness::Silent);
                    self.wrote(at, recorded, &seen);
                }
                differs => {
                    let error = WriteError::Differs(same::shown(&differs));
                    self.failed_with(at, same::digest(&seen), error);
                }
            },
            Err(why) => self.failed(at, WriteError::Unread(why)),
        }
    }

    /// An object was written as planned.
    pub(super) fn wrote(&mut self, at: usize, recorded: Recorded, seen: &Value) {
        self.report.wrote(at, same::digest(seen));
        self.noted(recorded);
    }

    fn noted(&mut self, recorded: Recorded) {
        if let Err(error) = self.run.ledger.done(self.run.spent, recorded.written()) {
            self.stop.get_or_insert(Stop::Ledger(Box::new(error)));
        }
    }

    pub(super) fn failed(&mut self, at: usize, error: WriteError) {
        self.failed_with(at, None, error);
    }

    fn failed_with(
        &mut self,
        at: usize,
        digest: Option<crate::document::ident::Digest>,
        error: WriteError,
    ) {
        let Some(job) = self.jobs.get_mut(at) else { return };
        job.state = State::Idle;
        let error = match (&job.cleared, error.touched()) {
            (Some(_), Touched::No) => WriteError::Halved(causes::line(&error)),
            (Some(_) | None, Touched::No | Touched::Yes | Touched::Unknown) => error,
        };
        match error.touched() {
            Touched::No => {}
            Touched::Yes => self.report.took_effect(),
            Touched::Unknown => self.report.lost_sight(),
        }
        self.report.failed(at, digest, causes::line(&error));
        self.stop.get_or_insert(Stop::Object { id: job.id.clone(), source: Box::new(error) });
    }
}
