//! What takes longer than half a second says on stderr what it is doing, even while it is doing it;
//! what is faster says nothing.

use std::io::Write as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Moment};

/// Before this, nothing is said.
const PATIENCE: Duration = Duration::from_millis(500);

#[derive(Debug)]
struct State {
    began: Moment,
    /// What is being done now; empty: nothing that needs words.
    doing: String,
    /// What was said last.
    said: String,
    over: bool,
}

/// The watch over one command; it ends with the value.
#[derive(Debug)]
pub(super) struct Progress {
    shared: Arc<(Mutex<State>, Condvar)>,
    watched: bool,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Progress {
    pub(super) fn new() -> Self {
        let (doing, said) = (String::new(), String::new());
        let state = State { began: Moment::now(), doing, said, over: false };
        Self { shared: Arc::new((Mutex::new(state), Condvar::new())), watched: false }
    }

    /// From now on this is being done. Said once half a second has passed since the command began.
    pub(super) fn doing(&mut self, what: &str) {
        what.clone_into(&mut lock(&self.shared.0).doing);
        self.shared.1.notify_all();
        if !self.watched {
            self.watched = true;
            let shared = Arc::clone(&self.shared);
            // Without a thread there is no progress to be seen, and all else goes on.
            let _watch = std::thread::Builder::new().spawn(move || watch(&shared));
        }
    }

    /// Says what is being done by something that was begun already.
    pub(super) fn more(&self) -> impl Fn(&str) + use<> {
        let shared = Arc::clone(&self.shared);
        move |what| {
            what.clone_into(&mut lock(&shared.0).doing);
            shared.1.notify_all();
        }
    }

    /// Nothing is being done that needs words: a result is shown, or somebody is asked.
    pub(super) fn pause(&self) {
        lock(&self.shared.0).doing.clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        lock(&self.shared.0).over = true;
        self.shared.1.notify_all();
    }
}

fn watch((state, changed): &(Mutex<State>, Condvar)) {
    let mut held = lock(state);
    while !held.over {
        let left = PATIENCE.saturating_sub(held.began.elapsed());
        if left.is_zero() {
            if !held.doing.is_empty() && held.doing != held.said {
                held.said = held.doing.clone();
                // While the lock is held, so that no result comes in between.
                let _closed = writeln!(std::io::stderr(), "{} ...", held.said);
            }
            held = changed.wait(held).unwrap_or_else(PoisonError::into_inner);
        } else {
            let waited = changed.wait_timeout(held, left);
            held = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
