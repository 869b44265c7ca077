//! What every executor goes by, whatever its target is, and what it asks before each write begins.

use super::report::Stop;
use crate::clock::Instant;
use crate::ledger::{Ledger, Spent};

/// What an apply goes by besides the changes themselves.
pub struct Run<'a> {
    /// Where each write is recorded before it is made.
    pub ledger: &'a Ledger,
    /// The approvals that were spent for it. Whether it resumes, they say.
    pub spent: &'a Spent,
    /// No write begins at this time or after it.
    pub expires_at: Instant,
    /// The time.
    pub now: &'a dyn Fn() -> Instant,
    /// Whether somebody asked to stop.
    pub interrupted: &'a dyn Fn() -> bool,
    /// Is told what is being waited for, and why.
    pub progress: &'a dyn Fn(&str),
    /// Looks again, before the wave with this index, at what the plan rests on besides the objects
    /// that it changes; says what differs.
    pub recheck: &'a dyn Fn(usize) -> Result<(), String>,
}

impl Run<'_> {
    /// Whether it goes on with rounds that did not finish.
    pub(super) fn resumes(&self) -> bool {
        !self.spent.resumes().is_empty()
    }

    /// Whether nobody asked to stop. Asked once for each write.
    ///
    /// # Errors
    /// [`Stop::Interrupted`].
    pub(super) fn wanted(&self) -> Result<(), Stop> {
        if (self.interrupted)() { Err(Stop::Interrupted) } else { Ok(()) }
    }

    /// Whether the approvals still hold.
    ///
    /// # Errors
    /// [`Stop::Expired`].
    pub(super) fn in_time(&self) -> Result<(), Stop> {
        let at = self.expires_at;
        if (self.now)() >= at { Err(Stop::Expired { at }) } else { Ok(()) }
    }

    /// Whether a write may begin now: nobody asked to stop, the approvals hold, the lock is held.
    ///
    /// # Errors
    /// [`Stop::Interrupted`], [`Stop::Expired`], [`Stop::Ledger`].
    pub(super) fn may_begin(&self) -> Result<(), Stop> {
        self.wanted()?;
        self.in_time()?;
        self.spent.holds().map_err(|error| Stop::Ledger(Box::new(error)))
    }
}
