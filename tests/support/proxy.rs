//! A network that misbehaves on command: a proxy before any HTTP/1.1 server, which forwards each
//! request over a connection of its own, and writes down what was asked. Before a server that speaks
//! TLS it ends TLS on its side, and speaks it on the other. Stops when dropped.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::http::{Connection, Request};
use super::listen::{Guest, Listening, Port};
use super::tls::Between;

mod rule;
mod tests;

pub(crate) use rule::{Fault, Kind, Rule, rehearses, writes};

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
    gate: Arc<Gate>,
    door: Mutex<Door>,
}

/// Where requests are held.
#[derive(Debug, Default)]
struct Gate {
    state: Mutex<Held>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Held {
    /// Requests that wait.
    waiting: usize,
    /// How often the gate was opened.
    opened: usize,
    /// Whether those that waited then were forwarded.
    forwards: bool,
    /// Whether nobody may wait any more.
    closed: bool,
}

/// How long a test waits for a request to come.
const PATIENCE: Duration = Duration::from_secs(60);

impl Gate {
    /// Waits; whether the request is to be forwarded.
    fn wait(&self) -> bool {
        let mut state = self.state.lock().unwrap();
        state.waiting += 1;
        self.changed.notify_all();
        let opened = state.opened;
        let waits = |now: &mut Held| now.opened == opened && !now.closed;
        let mut state = self.changed.wait_while(state, waits).unwrap();
        state.waiting -= 1;
        state.forwards && !state.closed
    }

    /// Whether nobody may wait from now on; those who do are cut.
    fn close(&self, closed: bool) {
        self.state.lock().unwrap().closed = closed;
        self.changed.notify_all();
    }

    fn open(&self, forwards: bool) {
        let mut state = self.state.lock().unwrap();
        state.opened += 1;
        state.forwards = forwards;
        self.changed.notify_all();
    }
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
            Some(tls) => Ok(Connection::through(tls.to_client(guest.stream.try_clone()?)?)),
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
        let (state, gate) = (Arc::default(), Arc::default());
        let shared = (Arc::clone(&state), Arc::clone(&gate));
        let listening = forwarding(Port::free(), upstream.clone(), shared);
        let address = listening.address();
        Self { address, upstream, state, gate, door: Mutex::new(Door::Open(listening)) }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a rule; of several that meet a request the first decides.
    pub(crate) fn add(&self, rule: Rule) {
        self.state.lock().unwrap().rules.push(rule);
    }

    /// Waits until so many requests are held by [`Fault::Gate`].
    pub(crate) fn held(&self, count: usize) {
        let state = self.gate.state.lock().unwrap();
        let enough = |state: &mut Held| state.waiting < count;
        let (state, time) = self.gate.changed.wait_timeout_while(state, PATIENCE, enough).unwrap();
        assert!(!time.timed_out(), "{} requests are held, not {count}", state.waiting);
    }

    /// Forwards what is held.
    pub(crate) fn forward_held(&self) {
        self.gate.open(true);
    }

    /// Cuts the connections of what is held; none of it reaches the server.
    pub(crate) fn cut_held(&self) {
        self.gate.open(false);
    }

    /// Refuses every connection from now on, and cuts the ones it has.
    pub(crate) fn refuse(&self) {
        self.gate.close(true);
        let mut door = self.door.lock().unwrap();
        *door = match std::mem::replace(&mut *door, Door::Moving) {
            Door::Open(listening) => Door::Closed(listening.close()),
            closed @ (Door::Closed(_) | Door::Moving) => closed,
        };
    }

    /// Forwards everything again.
    pub(crate) fn heal(&self) {
        self.state.lock().unwrap().rules.clear();
        self.gate.close(false);
        let mut door = self.door.lock().unwrap();
        *door = match std::mem::replace(&mut *door, Door::Moving) {
            Door::Closed(port) => {
                let shared = (Arc::clone(&self.state), Arc::clone(&self.gate));
                Door::Open(forwarding(port, self.upstream.clone(), shared))
            }
            open @ (Door::Open(_) | Door::Moving) => open,
        };
    }

    /// What came since this was asked last, in the order in which it had come in whole.
    pub(crate) fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state.lock().unwrap().seen)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.gate.close(true);
    }
}

fn forwarding(
    port: Port,
    upstream: Upstream,
    (state, gate): (Arc<Mutex<State>>, Arc<Gate>),
) -> Listening {
    port.open(move |guest| {
        // A connection that ends early is what all this is about.
        drop(forward(&guest, &upstream, &state, &gate));
    })
}

fn forward(
    guest: &Guest,
    upstream: &Upstream,
    state: &Mutex<State>,
    gate: &Gate,
) -> io::Result<()> {
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
        if fault == Some(Fault::Gate) && !gate.wait() {
            return Ok(());
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
        let as_it_comes = matches!(fault, None | Some(Fault::Hold(_) | Fault::Gate));
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
