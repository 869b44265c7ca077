//! What became of a request that nobody answered is found out by looking at its object, before
//! anything else begins. Only what the object shows is believed.

use std::time::Duration;

use serde_json::Value;

use super::error::WriteError;
use super::job::{Doubt, State};
use super::judge;
use super::lanes::Look;
use super::write::Writing;
use crate::remote::kubernetes::Failure;

impl Writing<'_, '_, '_> {
    /// Looks at the object of a request that nobody answered, after a while.
    pub(super) fn doubt(&mut self, at: usize, doubt: Doubt, after: Duration) {
        let Some(job) = self.jobs.get_mut(at) else { return };
        let Some(place) = job.place.clone() else {
            self.doubts = self.doubts.saturating_sub(1);
            return self.failed(at, WriteError::Unknown(doubt.why));
        };
        let why = &doubt.why;
        (self.run.progress)(&format!("finding out whether {} was written: {why}", job.words()));
        job.state = State::Doubted(doubt);
        self.lanes.look(at, Look { after, place });
    }

    /// Nobody answered a request, and its object was looked at.
    pub(super) fn read_back(
        &mut self,
        at: usize,
        doubt: Doubt,
        found: Result<Option<Value>, Failure>,
    ) {
        let Some(job) = self.jobs.get(at) else { return };
        let (glass, patience) = (self.sight.glass, self.patience);
        let Doubt { sent, since, ref why, .. } = doubt;
        let fate = match found {
            Ok(live) => match judge::fate(job, live.as_ref(), glass) {
                // A request may still be on its way for as long as a server works on one.
                Ok(judge::Fate::Untouched) if sent.elapsed() < patience.settles => {
                    return self.doubt(at, doubt, patience.pause(since));
                }
                Ok(judge::Fate::Landed(seen)) => Ok(seen),
                Ok(judge::Fate::Untouched | judge::Fate::Barred) => {
                    Err(WriteError::Lost(why.clone()))
                }
                Ok(judge::Fate::Unclear(found)) => {
                    Err(WriteError::Unknown(format!("{why}; and now {found}")))
                }
                Err(found) => Err(WriteError::Unknown(format!("{why}; {found}"))),
            },
            Err(_) if since.elapsed() < patience.silence => {
                return self.doubt(at, doubt, patience.pause(since));
            }
            Err(failure) => Err(WriteError::Unknown(format!("{why}; {}", glass.said(&failure)))),
        };
        self.doubts = self.doubts.saturating_sub(1);
        match fate {
            Ok(None) => self.deleted(at, doubt.recorded),
            Ok(Some(seen)) => self.wrote(at, doubt.recorded, &seen),
            Err(error) => self.failed(at, error),
        }
    }
}
