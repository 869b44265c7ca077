//! Carries out a plan on a cluster: every object is looked at before the first is written; then wave
//! by wave, many writes at once, each recorded before it begins, tied to the very version of the
//! object that was compared with the plan, and its result compared with the plan. A wave begins when
//! the one before it is ready.
//!
//! Done again after a crash, with a spend that resumes, it goes on where it was: an object that is as
//! it was before is written, one that is as it will be is passed over, anything else stops. What no
//! precondition covers is another object that the plan rests on, between the look at it before a
//! wave and the last write of that wave.

mod conflicts;
mod doubt;
mod error;
mod glass;
mod job;
mod judge;
mod lanes;
mod ready;
mod replace;
mod same;
mod send;
mod survey;
mod wait;
mod write;

use std::sync::Arc;
use std::time::{Duration, Instant as Monotonic};

use super::report::{Report, Stop};
use super::run::Run;
use crate::config::KubernetesTarget;
use crate::observe::kubernetes::Reach;
use crate::plan::Plan;
use crate::remote::kubernetes::{Cluster, Failure, Kinds};

use glass::Glass;
use job::Job;
use judge::Past;
use survey::{Sight, is_open, namespaces, survey};

pub use error::{ClusterError, WriteError};
pub use ready::{Readiness, readiness};
pub use send::{Ask, Sent, send};

/// How long what is waited for, where the plan does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// A rehearsal that is older is made again right before the write.
    pub rehearsed: Duration,
    /// After this long, a request that had no effect will have none: an API server gives one up
    /// after 34 seconds (k8s.io/apiserver, `requestTimeoutUpperBound`).
    pub settles: Duration,
    /// How long a cluster that does not answer is asked what became of a request.
    pub silence: Duration,
    /// The shortest pause between two looks at the same object.
    pub shortest: Duration,
    /// The longest.
    pub longest: Duration,
}

impl Patience {
    /// How long until the next look: the longer it took, the longer.
    fn pause(&self, since: Monotonic) -> Duration {
        (since.elapsed() / 4).clamp(self.shortest, self.longest)
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            rehearsed: Duration::from_secs(60),
            settles: Duration::from_secs(40),
            silence: Duration::from_secs(120),
            shortest: Duration::from_millis(250),
            longest: Duration::from_secs(5),
        }
    }
}

/// Where a plan is carried out.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The target, as the trusted configuration has it.
    pub target: &'a KubernetesTarget,
    /// The way to its cluster.
    pub reach: &'a Reach,
    /// How long what is waited for.
    pub patience: Patience,
}

/// Carries out the changes of a plan. Whether it resumes, the spend says.
pub fn execute(plan: &Plan, run: &Run<'_>, place: Place<'_>) -> Report {
    let ids = plan.document().effect.waves.iter().flatten();
    let mut report = Report::new(ids.map(ToString::to_string));
    if let Err(stop) = go(plan, run, place, &mut report) {
        report.stopped(stop);
    }
    report
}

/// What rounds that are given up left behind: which objects have been written, which not, and which
/// are neither. Nothing is changed.
pub fn given_up(plan: &Plan, place: Place<'_>) -> Report {
    let ids = plan.document().effect.waves.iter().flatten();
    let mut report = Report::new(ids.map(ToString::to_string));
    let past = Past { resumes: true, begun: true };
    let mut begun = match Begun::of(plan, place) {
        Ok(begun) => begun,
        Err(stop) => {
            report.unseen(&stop);
            report.stopped(stop);
            return report;
        }
    };
    match survey(&mut begun.jobs, begun.sight, &|_| past, &mut report) {
        // Said of each object of its own; giving up is not stopped by it.
        Ok(()) | Err(Stop::Stale { .. }) => {}
        Err(stop) => report.stopped(stop),
    }
    report
}

/// A plan that is about to be carried out.
struct Begun<'p> {
    jobs: Vec<Job<'p>>,
    waves: Vec<std::ops::Range<usize>>,
    sight: Sight<'p>,
    kinds: Arc<Kinds>,
}

impl<'p> Begun<'p> {
    fn of(plan: &'p Plan, place: Place<'p>) -> Result<Self, Stop> {
        let Place { target, reach, patience: _ } = place;
        let glass = Glass { target, reach };
        let (mut jobs, mut waves) = (Vec::new(), Vec::new());
        for wave in Job::all(plan).map_err(cluster)? {
            let first = jobs.len();
            jobs.extend(wave);
            waves.push(first..jobs.len());
        }
        let reached = reach.cluster(target);
        let sight = Sight {
            glass,
            cluster: reached.map_err(|error| cluster(ClusterError::Unreached(Box::new(error))))?,
        };
        let kinds = served(sight, |cluster| async move { cluster.kinds().await })?;
        for job in &mut jobs {
            job.find(&kinds);
        }
        Ok(Self { jobs, waves, sight, kinds })
    }
}

fn go(plan: &Plan, run: &Run<'_>, place: Place<'_>, report: &mut Report) -> Result<(), Stop> {
    let looked = Begun::of(plan, place).and_then(|begun| {
        namespaces(plan, &begun.jobs, &begun.kinds, begun.sight)?;
        Ok(begun)
    });
    let mut begun = match looked {
        Ok(begun) => begun,
        Err(stop) => {
            if !run.spent.begun_before().is_empty() {
                // What earlier rounds began may have been written, and nobody has looked.
                report.took_effect();
            }
            return Err(stop);
        }
    };
    let past = |job: &Job<'_>| Past {
        resumes: run.resumes(),
        begun: run.spent.begun_before().contains(&job.id),
    };
    survey(&mut begun.jobs, begun.sight, &past, report)?;
    // Whoever resumes was not shown anew what each change would give.
    let rehearsed = (!run.resumes()).then(Monotonic::now);
    for (index, of) in begun.waves.clone().into_iter().enumerate() {
        if of.clone().any(|at| is_open(report, at)) {
            if index > 0 {
                (run.recheck)(index).map_err(|found| Stop::Facts { found })?;
                namespaces(plan, &begun.jobs, &begun.kinds, begun.sight)?;
            }
            find(&mut begun, of.clone(), place.patience, run)?;
            write::write(write::Wave {
                run,
                sight: begun.sight,
                patience: place.patience,
                jobs: &mut begun.jobs,
                of: of.clone(),
                report,
                rehearsed,
            })?;
        }
        let how = (begun.sight, place.patience);
        wait::wait(run, how, &begun.jobs, of, report)?;
    }
    Ok(())
}

/// How long a kind may take to be served once its definition is established.
const SERVED: Duration = Duration::from_secs(30);

/// Finds the kinds of a wave that were not served when the apply began: an earlier wave made them.
fn find(
    begun: &mut Begun<'_>,
    of: std::ops::Range<usize>,
    patience: Patience,
    run: &Run<'_>,
) -> Result<(), Stop> {
    let since = Monotonic::now();
    loop {
        let unserved = |job: &&Job<'_>| job.place.is_none();
        let Some(job) = begun.jobs.get(of.clone()).into_iter().flatten().find(unserved) else {
            return Ok(());
        };
        if since.elapsed() >= SERVED {
            let resource = &job.change.resource;
            let (kind, api_version) = (resource.kind.clone(), resource.api_version.clone());
            return Err(cluster(ClusterError::Unserved { kind, api_version }));
        }
        run.wanted()?;
        let kinds = served(begun.sight, |cluster| async move { cluster.kinds_again().await })?;
        let missing = begun.jobs.get_mut(of.clone()).into_iter().flatten();
        let mut left = false;
        for job in missing.filter(|job| job.place.is_none()) {
            job.find(&kinds);
            left |= job.place.is_none();
        }
        if left {
            std::thread::sleep(patience.shortest);
        }
    }
}

/// What the cluster serves.
fn served<F>(sight: Sight<'_>, ask: impl FnOnce(Cluster) -> F) -> Result<Arc<Kinds>, Stop>
where
    F: Future<Output = Result<Arc<Kinds>, Failure>> + Send + 'static,
{
    let found = sight.cluster.run(ask(sight.cluster.clone()));
    let found = found.ok_or_else(|| cluster(ClusterError::Broken))?;
    found.map_err(|failure| cluster(ClusterError::Unanswered(sight.glass.said(&failure))))
}

fn cluster(error: ClusterError) -> Stop {
    Stop::Cluster(Box::new(error))
}
