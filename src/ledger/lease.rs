//! A lock whose record is renewed while its holder lives, for stores that several machines share.
//! No clock of another machine decides anything: whoever wants to take a lock over watches its
//! record for a whole lease by a clock of its own that only runs forwards, and only a record that
//! stays the same all the while has lost its holder. The holder, for its part, stops writing
//! before anybody can have watched for that long. Both clocks run on while their machine sleeps, so
//! that a holder that wakes up after its lease knows that it may have lost the lock.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::lock::{Lock, LockView};
use super::record::{self, LockRecord, TargetKey};
use super::store::{Change, Put, Store, StoreError, Version};
use super::{Ledger, LedgerError, encode};
use crate::clock::{Instant, Moment};

/// The longest lease that anybody waits for, as the configuration has it.
const LONGEST: Duration = Duration::from_secs(3600);
/// How often a living holder renews within a lease.
const RENEWALS: u32 = 3;
/// How often a watcher looks within a lease at least, and the bounds of the time between two looks.
const LOOKS: u32 = 8;
const SHORTEST_LOOK: Duration = Duration::from_millis(50);
const LONGEST_LOOK: Duration = Duration::from_secs(5);

/// How a lock in a shared store says that its holder is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lease {
    /// For how long an unchanged record means life, in milliseconds.
    pub milliseconds: u64,
    /// How often it was renewed.
    pub renewals: u64,
    /// When it was renewed last, by its holder's clock. For people.
    pub renewed_at: Instant,
}

impl Lease {
    /// A lease that begins.
    pub(super) fn new(length: Duration, now: Instant) -> Self {
        let milliseconds = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        Self { milliseconds, renewals: 0, renewed_at: now }
    }

    fn length(&self) -> Duration {
        // Whoever writes a longer one does not make others wait for it.
        Duration::from_millis(self.milliseconds).min(LONGEST)
    }
}

/// The record of a lock that this process holds, and for how long it may go by it.
#[derive(Debug)]
pub(super) struct Standing {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    store: Arc<dyn Store>,
    place: String,
    target: TargetKey,
    taken: Moment,
    record: Mutex<Recorded>,
    life: Mutex<Life>,
    wake: Condvar,
}

/// The record as this process wrote it last. Whoever writes it holds the mutex meanwhile.
#[derive(Clone, Debug)]
pub(super) struct Recorded {
    pub(super) view: LockView,
    pub(super) version: Version,
}

#[derive(Debug)]
struct Life {
    /// No write of the holder begins at this time or after it; `None` where no lease ends.
    until: Option<Moment>,
    /// The record is somebody else's.
    lost: bool,
    /// The lock was given back or dropped.
    over: bool,
}

impl Standing {
    /// The standing of a lock that was just recorded; `sent` is when that was begun. Where it has a
    /// lease, a thread of its own renews it until the value is dropped.
    pub(super) fn new(
        (store, place): (Arc<dyn Store>, String),
        target: TargetKey,
        recorded: Recorded,
        sent: Moment,
    ) -> Self {
        let lease = recorded.view.lease;
        let life =
            Life { until: lease.and_then(|lease| end(&lease, sent)), lost: false, over: false };
        let shared = Arc::new(Shared {
            store,
            place,
            target,
            taken: sent,
            record: Mutex::new(recorded),
            life: Mutex::new(life),
            wake: Condvar::new(),
        });
        if let Some(lease) = lease {
            let renewing = Arc::clone(&shared);
            // Not joined: a store that hangs must not hang the end of an apply.
            std::thread::spawn(move || renewing.renew_while_alive(lease.length()));
        }
        Self { shared }
    }

    /// The record, to be changed by whoever holds this.
    pub(super) fn record(&self) -> MutexGuard<'_, Recorded> {
        unpoisoned(&self.shared.record)
    }

    /// The record as it will be when it is renewed now.
    pub(super) fn renewed(&self, view: &LockView) -> LockView {
        self.shared.renewed(view)
    }

    /// That the record was written, by a write that began at `sent`.
    pub(super) fn wrote(&self, lease: Option<Lease>, sent: Moment) {
        unpoisoned(&self.shared.life).until = lease.and_then(|lease| end(&lease, sent));
    }

    /// That the lock is about to be given back: it is not renewed any more. To be called by whoever
    /// holds the record.
    pub(super) fn over(&self) {
        unpoisoned(&self.shared.life).over = true;
        self.shared.wake.notify_all();
    }

    /// Whether nobody else can have the lock yet.
    pub(super) fn is_alive(&self) -> bool {
        let life = unpoisoned(&self.shared.life);
        !life.lost && life.until.is_none_or(|until| Moment::now() < until)
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        self.over();
    }
}

impl Shared {
    fn renewed(&self, view: &LockView) -> LockView {
        let mut view = view.clone();
        if let Some(lease) = &mut view.lease {
            let held = i64::try_from(Moment::now().since(self.taken).as_secs()).unwrap_or(i64::MAX);
            lease.renewals = lease.renewals.saturating_add(1);
            lease.renewed_at = view.holder.since.plus_seconds(held);
        }
        view
    }

    fn renew_while_alive(&self, lease: Duration) {
        let (often, soon) = (lease / RENEWALS, lease / (RENEWALS * 4));
        let mut pause = often;
        loop {
            let life = unpoisoned(&self.life);
            let waited = self.wake.wait_timeout_while(life, pause, |life| !life.over);
            let (life, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if life.over || life.lost {
                return;
            }
            drop(life);
            pause = if self.renew() { often } else { soon };
        }
    }

    /// Renews it once; whether that worked.
    fn renew(&self) -> bool {
        let mut record = unpoisoned(&self.record);
        if unpoisoned(&self.life).over {
            return true;
        }
        let name = record::lock(&self.target);
        let view = self.renewed(&record.view);
        let new = LockRecord::held(self.target.clone(), view.clone());
        let Ok(bytes) = encode(&new, &name, &self.place) else {
            return false;
        };
        let why = format!("Renew the lock of {}\n\nLock: {}\n", self.target, view.id);
        let put = Put { name, bytes, expected: Some(record.version.clone()) };
        let sent = Moment::now();
        match self.store.write(&Change::of(why, put)) {
            Ok(versions) => {
                record.version = versions.into_iter().next().unwrap_or(record.version.clone());
                let lease = view.lease;
                record.view = view;
                unpoisoned(&self.life).until = lease.and_then(|lease| end(&lease, sent));
                true
            }
            Err(StoreError::Conflict(_)) => self.look(&mut record),
            Err(_) => {
                // It may have landed: what stands there now is found out with the next one.
                false
            }
        }
    }

    /// Whose the record is that was changed under our feet: an own renewal whose answer was lost,
    /// or somebody else's lock. Gives false, so that a renewal follows soon.
    fn look(&self, record: &mut Recorded) -> bool {
        let name = record::lock(&self.target);
        let found =
            self.store.refresh().and_then(|()| self.store.read(std::slice::from_ref(&name)));
        let Ok(found) = found else {
            return false;
        };
        let found = found.into_iter().next().flatten();
        let read = found.and_then(|found| {
            let held: LockRecord = super::decode(&found.bytes, &name, &self.place).ok()?;
            Some((held.held?, found.version))
        });
        match read {
            Some((view, version)) if view.id == record.view.id => {
                *record = Recorded { view, version }
            }
            Some(_) | None => unpoisoned(&self.life).lost = true,
        }
        false
    }
}

/// Until when a holder may go by a lease: well before a watcher can have seen all of it.
fn end(lease: &Lease, sent: Moment) -> Option<Moment> {
    sent.after(lease.length() / 4 * 3)
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each of them is whole at every moment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a watcher saw.
pub(super) enum Watched {
    /// The same record for a whole lease: nobody is alive. The version to take it over from.
    Gone(Version),
    /// It was renewed.
    Alive,
    /// It was given back, or is another lock by now.
    Changed,
}

impl Ledger {
    /// Watches a lock until it is renewed, changed, or has stayed the same for a whole lease.
    pub(super) fn watch(
        &self,
        target: &TargetKey,
        lock: &LockView,
        own: Duration,
    ) -> Result<Watched, LedgerError> {
        let lease = lock.lease.map_or(own, |lease| lease.length().max(own));
        let longest = (lease / LOOKS).clamp(SHORTEST_LOOK, LONGEST_LOOK);
        let mut pause = SHORTEST_LOOK;
        let name = record::lock(target);
        let mut same: Option<(Version, LockView, Moment)> = None;
        loop {
            let looking = Moment::now();
            self.refresh()?;
            let Some((LockRecord { held: Some(view), .. }, version)) =
                self.get::<LockRecord>(&name)?
            else {
                return Ok(Watched::Changed);
            };
            if view.id != lock.id {
                return Ok(Watched::Changed);
            }
            match &same {
                None => same = Some((version, view, Moment::now())),
                Some((_, first, _)) if *first != view => return Ok(Watched::Alive),
                // From the end of the first look to the beginning of this one: whatever was renewed
                // before that lies further back.
                Some((version, _, since)) if looking.since(*since) > lease => {
                    return Ok(Watched::Gone(version.clone()));
                }
                Some(_) => {}
            }
            if self.home.is_interrupted() {
                return Ok(Watched::Alive);
            }
            std::thread::sleep(pause);
            // Most locks are given back soon.
            pause = (pause * 2).min(longest);
        }
    }
}

impl Lock {
    /// Whether nobody else can have the lock yet.
    ///
    /// # Errors
    /// [`LedgerError::Lost`].
    pub(super) fn alive(&self) -> Result<(), LedgerError> {
        match self.standing.is_alive() {
            true => Ok(()),
            false => Err(LedgerError::Lost(self.target.clone())),
        }
    }
}
