//! Times that were measured: their median, with the least and the most.

use std::fmt;
use std::time::Duration;

/// Some times, sorted.
#[derive(Clone, Debug)]
pub(crate) struct Times(Vec<Duration>);

impl FromIterator<Duration> for Times {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        let mut times: Vec<Duration> = times.into_iter().collect();
        times.sort();
        Self(times)
    }
}

impl fmt::Display for Times {
    /// In milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [Some(median), Some(least), Some(most)] =
            [self.0.get(self.0.len() / 2), self.0.first(), self.0.last()]
                .map(|time| time.map(shown))
        else {
            return Ok(());
        };
        match self.0.len() {
            1 => f.write_str(&median),
            _ => write!(f, "{median} ({least} to {most})"),
        }
    }
}

/// Three digits are more than the next run has in common with this one.
fn shown(time: &Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1e3;
    let digits = if milliseconds < 10.0 { 1 } else { 0 };
    format!("{milliseconds:.digits$}")
}
