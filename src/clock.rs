//! Time as an argument: the only place that reads the system clock. No environment variable and
//! no file sets it.

use std::fmt;
use std::str::FromStr;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime, UtcOffset};

/// An instant in whole seconds, written as RFC 3339 in UTC with `Z`.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"))]
pub struct Instant(OffsetDateTime);

/// A time that is not written as this project writes times.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is not a time like 2026-01-31T09:00:00Z (UTC, whole seconds)")]
pub struct InstantError(String);

impl Instant {
    /// Reads the system clock.
    pub fn now() -> Self {
        Self::whole(OffsetDateTime::now_utc())
    }

    /// `seconds` after this instant (before it, if negative); stops at the ends of the calendar.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::whole(self.0.saturating_add(Duration::seconds(seconds)))
    }

    /// Seconds from `earlier` to this instant; negative if that lies later.
    pub fn seconds_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).whole_seconds()
    }

    /// Seconds since 1970-01-01T00:00:00Z; negative before.
    pub fn unix_seconds(self) -> i64 {
        self.0.unix_timestamp()
    }

    fn whole(time: OffsetDateTime) -> Self {
        Self(time.replace_nanosecond(0).unwrap_or(time))
    }
}

/// The end of somebody's patience, on a clock that only runs forwards. Says nothing about the time
/// of day.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(std::time::Instant);

impl Deadline {
    /// So long from now.
    pub fn after(patience: std::time::Duration) -> Self {
        let now = std::time::Instant::now();
        Self(now.checked_add(patience).unwrap_or(now))
    }

    /// What is left; `None` once it is over.
    pub fn left(self) -> Option<std::time::Duration> {
        let left = self.0.saturating_duration_since(std::time::Instant::now());
        Some(left).filter(|left| !left.is_zero())
    }
}

/// A moment on a clock that only runs forwards, and runs on while the machine sleeps: what others do
/// meanwhile takes as long as it does for them. Says nothing about the time of day.
///
/// Linux has such a clock as `CLOCK_BOOTTIME`, macOS as `CLOCK_MONOTONIC`. A virtual machine that is
/// stopped from outside is told by neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(std::time::Duration);

impl Moment {
    /// Reads that clock.
    pub fn now() -> Self {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        const CLOCK: ClockId = ClockId::Boottime;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        const CLOCK: ClockId = ClockId::Monotonic;
        // Since the machine was started, so it is never negative.
        Self(clock_gettime(CLOCK).try_into().unwrap_or_default())
    }

    /// So long after it; `None` beyond what can be counted.
    pub fn after(self, time: std::time::Duration) -> Option<Self> {
        self.0.checked_add(time).map(Self)
    }

    /// Time from `earlier` to it; none if that is not earlier.
    pub fn since(self, earlier: Self) -> std::time::Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl FromStr for Instant {
    type Err = InstantError;
    fn from_str(text: &str) -> Result<Self, InstantError> {
        let wrong = || InstantError(text.to_owned());
        let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| wrong())?;
        let instant = Self::whole(time);
        // One spelling only: `+00:00`, fractions, leap seconds and lower case do not come back.
        let same = time.offset() == UtcOffset::UTC && instant.to_string() == text;
        if same { Ok(instant) } else { Err(wrong()) }
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Instant {
    type Error = InstantError;
    fn try_from(text: String) -> Result<Self, InstantError> {
        text.parse()
    }
}

impl From<Instant> for String {
    fn from(instant: Instant) -> Self {
        instant.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_of_a_time_is_accepted() {
        assert_eq!(
            "2026-01-31T09:00:00Z".parse::<Instant>().unwrap().to_string(),
            "2026-01-31T09:00:00Z"
        );
        for bad in [
            "2026-01-31T09:00:00+00:00",
            "2026-01-31T09:00:00.5Z",
            "2026-01-31T09:00:60Z",
            "2026-01-31t09:00:00z",
            "2026-01-31",
            "2026-01-31T10:00:00+01:00",
            "",
            "10000-01-01T00:00:00Z",
        ] {
            assert!(bad.parse::<Instant>().is_err(), "{bad}");
        }
    }
    #[test]
    fn a_moment_is_followed_by_later_ones_as_fast_as_time_goes() {
        let (by_this_clock, by_another) = (Moment::now(), std::time::Instant::now());
        std::thread::sleep(std::time::Duration::from_millis(20));
        let (least, now) = (by_another.elapsed(), Moment::now());
        let passed = now.since(by_this_clock);
        assert!(passed >= least && passed < least + std::time::Duration::from_secs(5));
        assert_eq!(by_this_clock.since(now), std::time::Duration::ZERO);
        assert_eq!(by_this_clock.after(passed), Some(now));
        assert_eq!(now.after(std::time::Duration::MAX), None);
    }
}
