//! The second half of a replacement: the deleted object is waited for to be gone, and only then is the
//! new one rehearsed and created.

use std::time::{Duration, Instant as Monotonic};

use serde_json::Value;

use super::error::WriteError;
use super::job::uid;
use super::job::{Known, State};
use super::lanes::Look;
use super::write::Writing;
use crate::ledger::Recorded;
use crate::remote::kubernetes::Failure;

impl Writing<'_, '_, '_> {
    /// Looks again whether a deleted object is gone.
    pub(super) fn going(&mut self, at: usize, recorded: Recorded, after: Duration) {
        let Some(job) = self.jobs.get_mut(at) else { return };
        let since = Monotonic::now();
        job.state = State::Going(recorded, since);
        if let Some(place) = job.place.clone() {
            self.lanes.look(at, Look { after, place });
        }
    }

    /// The object of a replacement is, or is not, gone.
    pub(super) fn gone(
        &mut self,
        at: usize,
        recorded: Recorded,
        since: Monotonic,
        found: Result<Option<Value>, Failure>,
    ) {
        let glass = self.sight.glass;
        let Some(job) = self.jobs.get_mut(at) else { return };
        let patience = Duration::from_secs(u64::from(job.operation.wait.timeout_seconds));
        let why = match found {
            Ok(None) => return self.created(at, recorded),
            Ok(Some(live)) if uid(&live) != job.cleared => {
                let why = "another object has its name now".to_owned();
                return self.failed(at, WriteError::Halved(why));
            }
            Ok(Some(live)) => still_there(&live),
            Err(failure) => glass.said(&failure),
        };
        if self.stop.is_none()
            && let Err(stop) = self.run.may_begin()
        {
            self.stop = Some(stop);
        }
        if self.stop.is_some() {
            return self.abandoned(at);
        }
        if since.elapsed() >= patience {
            return self.failed(at, WriteError::Halved(why));
        }
        (self.run.progress)(&format!("waiting until {} is gone: {why}", job.words()));
        job.state = State::Going(recorded, since);
        if let Some(place) = job.place.clone() {
            self.lanes.look(at, Look { after: self.patience.pause(since), place });
        }
    }

    /// The name of a replaced object is free: it is created now.
    pub(super) fn created(&mut self, at: usize, recorded: Recorded) {
        let glass = self.sight.glass;
        let Some(job) = self.jobs.get_mut(at) else { return };
        job.known = Some(Known::of(glass.lens(job, None), None));
        job.needs = job.needed(true);
        self.go_on(at, recorded);
    }
}

/// What keeps a deleted object, in words.
pub(super) fn still_there(live: &Value) -> String {
    let finalizers = live.pointer("/metadata/finalizers").and_then(Value::as_array);
    let names: Vec<&str> = finalizers.into_iter().flatten().filter_map(Value::as_str).collect();
    match names.as_slice() {
        [] => "it is still there".to_owned(),
        names => format!("it is kept by {}", names.join(", ")),
    }
}
