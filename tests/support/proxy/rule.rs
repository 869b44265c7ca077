//! What a proxy is told to break, and which requests it does that to.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use crate::support::http::{Request, answer};

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not forwarded and never answered.
    Stall,
    /// It is forwarded, and its answer never comes back.
    StallAfter,
    /// Its answer comes back so much later.
    Delay(Duration),
    /// It is forwarded so much later, even if nobody waits for its answer any more.
    Hold(Duration),
    /// It is held until the test says what becomes of it; see [`super::Proxy::held`].
    Gate,
    /// A part of its head is forwarded, then both connections are cut.
    CutHead,
    /// The same with half of its body; with all but the end of its head where it has none.
    CutBody,
    /// It is forwarded and was answered; the connection is cut instead of the answer.
    CutAfter,
    /// As [`Fault::CutAfter`], with half of the answer.
    CutWithin,
    /// The proxy answers with this status; nothing is forwarded.
    Answer(u16),
    /// The same as the API server of Kubernetes does it, which may name the seconds to wait in
    /// `Retry-After`.
    Status(u16, Option<u32>),
}

impl Fault {
    /// What the proxy answers by itself.
    pub(super) fn answered(self) -> Option<Vec<u8>> {
        match self {
            Self::Answer(status) => {
                let body = format!("the proxy answers {status}\n");
                let status = format!("{status} Answered by the proxy");
                Some(answer(&status, "Content-Type: text/plain\r\n", body.as_bytes()))
            }
            Self::Status(status, wait) => {
                let reason = match status {
                    429 => "TooManyRequests",
                    500 => "InternalError",
                    503 => "ServiceUnavailable",
                    504 => "Timeout",
                    _ => "",
                };
                let body = json!({
                    "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                    "message": "the proxy answers", "reason": reason, "code": status,
                    "details": wait.map(|seconds| json!({"retryAfterSeconds": seconds})),
                });
                let wait = wait.map(|seconds| format!("Retry-After: {seconds}\r\n"));
                let fields =
                    format!("Content-Type: application/json\r\n{}", wait.unwrap_or_default());
                let status = format!("{status} Answered by the proxy");
                Some(answer(&status, &fields, body.to_string().as_bytes()))
            }
            _ => None,
        }
    }
}

/// A method, or several with `|` between them, and what stands somewhere in path or query; either may
/// be empty.
pub(crate) type Kind = (&'static str, &'static str);

fn is_of((methods, target): Kind, request: &Request) -> bool {
    let method = methods.is_empty() || methods.split('|').any(|one| one == request.method());
    method && request.target().contains(target)
}

/// Whether a request to the API server of Kubernetes is one that may change something: no read, no
/// rehearsal, and no question about one's own rights.
pub(crate) fn writes(request: &Request) -> bool {
    !matches!(request.method(), "GET" | "HEAD" | "OPTIONS")
        && !rehearses(request)
        && !request.target().contains("/selfsubject")
}

/// Whether it only asks what would happen.
pub(crate) fn rehearses(request: &Request) -> bool {
    // A deletion that has a body is not asked by its query.
    if request.method() == "DELETE" && !request.body.is_empty() {
        let options: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
        return options["dryRun"] == json!(["All"]);
    }
    request.target().contains("dryRun=All")
}

/// Which requests meet a fault.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    fault: Fault,
    of: Kind,
    which: fn(&Request) -> bool,
    behind: Option<Kind>,
    skip: usize,
    times: usize,
    /// What was met already, if each is to be met once.
    met: Option<BTreeSet<(String, String)>>,
}

impl Rule {
    /// Every request, for ever.
    pub(crate) fn each(fault: Fault) -> Self {
        let which = |_: &Request| true;
        Self { fault, of: ("", ""), which, behind: None, skip: 0, times: usize::MAX, met: None }
    }

    /// Those of this kind.
    pub(crate) fn on(self, of: Kind) -> Self {
        Self { of, ..self }
    }

    /// Of those only the ones for which this is so, such as [`writes`].
    pub(crate) fn which(self, which: fn(&Request) -> bool) -> Self {
        Self { which, ..self }
    }

    /// Those that come after the first one of this kind.
    pub(crate) fn behind(self, of: Kind) -> Self {
        Self { behind: Some(of), ..self }
    }

    /// From the one with this number on, counted from 1.
    pub(crate) fn from(self, number: usize) -> Self {
        Self { skip: number - 1, ..self }
    }

    /// So many only.
    pub(crate) fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    /// Each of them only when it comes for the first time, by method, path and query.
    pub(crate) fn once_for_each(self) -> Self {
        Self { met: Some(BTreeSet::new()), ..self }
    }

    /// What this rule does with a request; counts it.
    pub(super) fn meets(&mut self, request: &Request) -> Option<Fault> {
        if let Some(first) = self.behind {
            self.behind = self.behind.filter(|_| !is_of(first, request));
            return None;
        }
        if !is_of(self.of, request) || !(self.which)(request) {
            return None;
        }
        if let Some(met) = &mut self.met
            && !met.insert((request.method().to_owned(), request.target().to_owned()))
        {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        self.times = self.times.checked_sub(1)?;
        Some(self.fault)
    }
}
