//! A network that misbehaves on command: a proxy before any HTTP/1.1 server, which forwards each
//! request over a connection of its own, and writes down what was asked. Before a server that speaks
//! TLS it ends TLS on its side, and speaks it on the other. Stops when dropped.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::http::{Connection, Request, answer};
use super::listen::{Guest, Listening, Port};
use super::tls::Between;

mod tests;

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
    fn answered(self) -> Option<Vec<u8>> {
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
}

impl Rule {
    /// Every request, for ever.
    pub(crate) fn each(fault: Fault) -> Self {
        let which = |_: &Request| true;
        Self { fault, of: ("", ""), which, behind: None, skip: 0, times: usize::MAX }
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

    /// What this rule does with a request; counts it.
    fn meets(&mut self, request: &Request) -> Option<Fault> {
        if let Some(first) = self.behind {
            self.behind = self.behind.filter(|_| !is_of(first, request));
            return None;
        }
        if !is_of(self.of, request) || !(self.which)(request) {
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

/// A request that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// `GET`, `POST`, ...
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// Whether it may have changed something in a cluster; see [`writes`].
    pub(crate) writes: bool,
    /// What became of it, if not the usual.
    pub(crate) fault: Option<Fault>,
}

/// The proxy.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    upstream: Upstream,
    state: Arc<Mutex<State>>,
    door: Mutex<Door>,
}

/// Who is behind the proxy.
#[derive(Clone, Debug)]
struct Upstream {
    address: SocketAddr,
    tls: Option<Between>,
}

impl Upstream {
    fn client(&self, guest: &Guest) -> io::Result<Connection> {
        match &self.tls {
            Some(tls) => Ok(Connection::through(tls.from_client(guest.stream.try_clone()?)?)),
            None => Connection::over(&guest.stream),
        }
    }

    fn server(&self, server: &Guest) -> io::Result<Connection> {
        match &self.tls {
            Some(tls) => {
                Ok(Connection::through(tls.to_server(self.address, server.stream.try_clone()?)?))
            }
            None => Connection::over(&server.stream),
        }
    }
}

#[derive(Debug)]
enum Door {
    Open(Listening),
    Closed(Port),
    /// Between the two; left behind by a panic only.
    Moving,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    seen: Vec<Seen>,
}

impl Proxy {
    /// A proxy that forwards.
    pub(crate) fn before(upstream: SocketAddr) -> Self {
        Self::of(Upstream { address: upstream, tls: None })
    }

    /// The same before a server that speaks TLS.
    pub(crate) fn before_tls(upstream: SocketAddr, tls: Between) -> Self {
        Self::of(Upstream { address: upstream, tls: Some(tls) })
    }

    fn of(upstream: Upstream) -> Self {
        let state = Arc::default();
        let listening = forwarding(Port::free(), upstream.clone(), Arc::clone(&state));
        let address = listening.address();
        Self { address, upstream, state, door: Mutex::new(Door::Open(listening)) }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a rule; of several that meet a request the first decides.
    pub(crate) fn add(&self, rule: Rule) {
        self.state.lock().unwrap().rules.push(rule);
    }

    /// Refuses every connection from now on, and cuts the ones it has.
    pub(crate) fn refuse(&self) {
        let mut door = self.door.lock().unwrap();
        *door = match std::mem::replace(&mut *door, Door::Moving) {
            Door::Open(listening) => Door::Closed(listening.close()),
            closed @ (Door::Closed(_) | Door::Moving) => closed,
        };
    }

    /// Forwards everything again.
    pub(crate) fn heal(&self) {
        self.state.lock().unwrap().rules.clear();
        let mut door = self.door.lock().unwrap();
        *door = match std::mem::replace(&mut *door, Door::Moving) {
            Door::Closed(port) => {
                Door::Open(forwarding(port, self.upstream.clone(), Arc::clone(&self.state)))
            }
            open @ (Door::Open(_) | Door::Moving) => open,
        };
    }

    /// What came since this was asked last, in the order in which it had come in whole.
    pub(crate) fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state.lock().unwrap().seen)
    }
}

fn forwarding(port: Port, upstream: Upstream, state: Arc<Mutex<State>>) -> Listening {
    port.open(move |guest| {
        // A connection that ends early is what all this is about.
        drop(forward(&guest, &upstream, &state));
    })
}

fn forward(guest: &Guest, upstream: &Upstream, state: &Mutex<State>) -> io::Result<()> {
    let mut client = upstream.client(guest)?;
    while let Some(request) = client.request()? {
        let fault = state.lock().unwrap().arrived(&request);
        let bytes = request.bytes();
        if let Some(answered) = fault.and_then(Fault::answered) {
            client.send(&answered)?;
            continue;
        }
        if fault == Some(Fault::Stall) {
            client.wait_for_the_end();
            return Ok(());
        }
        if let Some(Fault::Hold(time)) = fault {
            std::thread::sleep(time);
        }
        // Kept until its answer is there: with it goes the connection.
        let server = guest.connect(upstream.address)?;
        let mut server_side = upstream.server(&server)?;
        match fault {
            Some(Fault::CutHead) => return server_side.send(&bytes[..request.method().len() + 2]),
            Some(Fault::CutBody) => {
                return server_side.send(&bytes[..bytes.len() - 1 - request.body.len() / 2]);
            }
            _ => {}
        }
        server_side.send(&bytes)?;
        let as_it_comes = matches!(fault, None | Some(Fault::Hold(_)));
        let mut at_once = |bytes: &[u8]| if as_it_comes { client.send(bytes) } else { Ok(()) };
        let answer = server_side.answer(request.method(), &mut at_once)?;
        match fault {
            Some(Fault::Delay(time)) => {
                std::thread::sleep(time);
                client.send(&answer.bytes)?;
            }
            Some(Fault::CutWithin) => {
                return client.send(&answer.bytes[..answer.bytes.len() / 2]);
            }
            Some(Fault::CutAfter) => return Ok(()),
            Some(Fault::StallAfter) => client.wait_for_the_end(),
            _ => {}
        }
        if answer.last {
            return Ok(());
        }
    }
    Ok(())
}

impl State {
    fn arrived(&mut self, request: &Request) -> Option<Fault> {
        // Each rule counts, also the ones that another goes before.
        let meet: Vec<_> = self.rules.iter_mut().map(|rule| rule.meets(request)).collect();
        let fault = meet.into_iter().flatten().next();
        self.seen.push(Seen {
            method: request.method().to_owned(),
            target: request.target().to_owned(),
            writes: writes(request),
            fault,
        });
        fault
    }
}
