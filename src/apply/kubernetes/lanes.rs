//! Requests that are under way, several at once, each for one item. Whoever starts them hears of
//! each exactly once, in the order in which they end, and nothing is sent that was not started.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use serde_json::Value;

use super::send::{Ask, Sent, send};
use crate::remote::kubernetes::{Answer, Call, Cluster, Failure, Kind, Place, Writer};

/// What came of a request.
#[derive(Debug)]
pub(super) enum Told {
    /// Of a look: the object, or that it is not there.
    Found(Result<Option<Value>, Failure>),
    /// Of a list: the objects.
    Listed(Result<Vec<Value>, Failure>),
    /// Of a rehearsal.
    Rehearsed(Result<Answer, Failure>),
    /// Of a request that changes something.
    Sent(Box<Sent>),
    /// Nothing: it was broken off by a fault of this program.
    Broken,
}

/// A look at one object, after a while.
#[derive(Debug)]
pub(super) struct Look {
    /// How long to wait before it.
    pub(super) after: Duration,
    pub(super) place: Place,
}

/// Requests under way.
pub(super) struct Lanes {
    writer: Writer,
    tell: Sender<(usize, Told)>,
    told: Receiver<(usize, Told)>,
    under_way: usize,
}

/// Tells what came of one request; that nothing did, if it is dropped before.
struct Reply {
    tell: Sender<(usize, Told)>,
    at: usize,
    open: bool,
}

impl Reply {
    fn tell(mut self, told: Told) {
        self.open = false;
        // Whoever asked waits until all are told, or is gone with what it wanted to know.
        let _asked = self.tell.send((self.at, told));
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if self.open {
            let _asked = self.tell.send((self.at, Told::Broken));
        }
    }
}

impl Lanes {
    pub(super) fn new(cluster: &Cluster) -> Self {
        let (tell, told) = channel();
        Self { writer: Writer::of(cluster), tell, told, under_way: 0 }
    }

    /// Requests that were started and not heard of.
    pub(super) fn under_way(&self) -> usize {
        self.under_way
    }

    /// Starts a look for item `at`.
    pub(super) fn look(&mut self, at: usize, Look { after, place }: Look) {
        self.start(at, |writer| async move {
            if !after.is_zero() {
                tokio::time::sleep(after).await;
            }
            Told::Found(writer.cluster().get(&place).await)
        });
    }

    /// Starts a list of a kind in a namespace, for which item `at` stands.
    pub(super) fn list(&mut self, at: usize, (kind, namespace): (Kind, String)) {
        self.start(at, |writer| async move {
            Told::Listed(writer.cluster().list(&kind, &namespace).await)
        });
    }

    /// Starts a rehearsal for item `at`.
    pub(super) fn rehearse(&mut self, at: usize, call: Call) {
        self.start(at, |writer| async move {
            Told::Rehearsed(writer.cluster().rehearsal().ask(call).await)
        });
    }

    /// Starts a request that changes something, for item `at`.
    pub(super) fn send(&mut self, at: usize, ask: Ask) {
        self.start(at, |writer| async move { Told::Sent(Box::new(send(&writer, ask).await)) });
    }

    fn start<F: Future<Output = Told> + Send + 'static>(
        &mut self,
        at: usize,
        work: impl FnOnce(Writer) -> F,
    ) {
        self.under_way += 1;
        let reply = Reply { tell: self.tell.clone(), at, open: true };
        let work = work(self.writer.clone());
        // Left to itself on the connection's thread: the reply says how it ended, also where the
        // thread is gone.
        self.writer.cluster().begin(async move { reply.tell(work.await) });
    }

    /// The next request that ended; `None` if none did within this time, or none is under way.
    pub(super) fn next(&mut self, within: Duration) -> Option<(usize, Told)> {
        if self.under_way == 0 {
            return None;
        }
        match self.told.recv_timeout(within) {
            Ok(told) => {
                self.under_way -= 1;
                Some(told)
            }
            // Disconnected it cannot be: this end of it is held here.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }
}
