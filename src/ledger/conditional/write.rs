//! Writes on a condition. What is said of a write is true: it was done, it was not and will not be,
//! or nobody can know.
//!
//! A request whose answer was lost may have been done, or may be done yet. It is sent again with the
//! same condition, which harms nothing: the second one lapses if the first was done. Then the
//! record is looked at, and if it holds the very bytes, they are this write's.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, sleep};

use super::{Conditional, Failure, Fate, Reason, SIDE_BY_SIDE};
use crate::files::steps::step;
use crate::ledger::store::{Change, Found, Put, StoreError, Version};

/// One step after the other; the records of a step side by side.
pub(in crate::ledger) async fn write<S: Conditional>(
    store: &S,
    change: Change,
) -> Result<Vec<Version>, StoreError> {
    if let Some(along) = change.along {
        let what = S::WHAT;
        let only = format!(
            "{what} takes no commits; only a ledger of kind git is in the same remote as a branch"
        );
        return Err(StoreError::Branch { branch: along.branch, source: only.into() });
    }
    for put in change.steps.iter().flatten() {
        store.check(put).map_err(|error| store.unusable(error))?;
    }
    let mut versions = Vec::new();
    for puts in change.steps {
        // After a failure the rest of the step is not begun.
        let failed = AtomicBool::new(false);
        let failed = &failed;
        let write = |put: Put| async move {
            if failed.load(Ordering::Relaxed) {
                return None;
            }
            let written = write_one(store, &put).await;
            failed.fetch_or(written.is_err(), Ordering::Relaxed);
            Some(written)
        };
        let writes = stream::iter(puts).map(write).buffered(SIDE_BY_SIDE);
        let written: Vec<_> = writes.filter_map(std::future::ready).collect().await;
        let mut worst = None;
        for written in written {
            match written {
                Ok(version) => versions.push(version),
                Err(error) => worst = Some(worse(worst, error)),
            }
        }
        if let Some(error) = worst {
            return Err(error);
        }
    }
    Ok(versions)
}

/// Writes one record if it is in the expected state.
async fn write_one<S: Conditional>(store: &S, put: &Put) -> Result<Version, StoreError> {
    let unknown = |source: Reason| StoreError::Unknown { place: store.place().to_owned(), source };
    let conflict = || StoreError::Conflict(put.name.clone());
    let end = Instant::now() + store.patience();
    // From then on there is only time to look.
    let last = end - store.attempt();
    let mut pauses = S::PAUSES.iter();
    // Whether a request may have been done although it was not said to be; and may be yet.
    let (mut doubted, mut under_way) = (false, false);
    step(&format!("put {}: send", put.name));
    let failure = loop {
        let failure = match store.send(put, last).await {
            Ok(Some(version)) => {
                step(&format!("put {}: answered", put.name));
                return Ok(version);
            }
            // It was written; only looking tells which version that made.
            Ok(None) => {
                doubted = true;
                break Failure::new(Fate::Silent, store.unversioned(&put.name));
            }
            Err(failure) => failure,
        };
        match failure.fate {
            Fate::Lapsed | Fate::Absent => match store.look(&put.name, end).await {
                Ok(found) => match settled(put, found) {
                    Settled::Ours(version) => return Ok(version),
                    Settled::Theirs => return Err(conflict()),
                    // Two requests at the same moment; some stores let neither through.
                    Settled::AsBefore => {}
                },
                Err(looked) => return Err(unknown(looked.error)),
            },
            Fate::Refused | Fate::Missing => break failure,
            Fate::Unsent => {}
            Fate::Failed => doubted = true,
            Fate::Silent => (doubted, under_way) = (true, true),
        }
        let asked = failure.wait.unwrap_or_default();
        match pauses.next().map(|pause| asked.max(*pause)) {
            Some(pause) if Instant::now() + pause < last => sleep(pause).await,
            Some(_) | None => break failure,
        }
    };
    if !doubted {
        return Err(match failure.fate {
            Fate::Lapsed | Fate::Absent => conflict(),
            Fate::Missing | Fate::Refused | Fate::Unsent | Fate::Failed | Fate::Silent => {
                store.undone(failure)
            }
        });
    }
    match store.look(&put.name, end).await {
        Ok(found) => match settled(put, found) {
            Settled::Ours(version) => Ok(version),
            Settled::Theirs => Err(conflict()),
            Settled::AsBefore if under_way => Err(unknown(failure.error)),
            Settled::AsBefore => Err(store.unusable(failure.error)),
        },
        Err(_) => Err(unknown(failure.error)),
    }
}

/// What a record shows about a write that was to be made to it.
enum Settled {
    Ours(Version),
    Theirs,
    AsBefore,
}

fn settled(put: &Put, found: Option<Found>) -> Settled {
    match (found, &put.expected) {
        (Some(found), _) if found.bytes == put.bytes => Settled::Ours(found.version),
        (Some(found), Some(expected)) if found.version == *expected => Settled::AsBefore,
        (None, None) => Settled::AsBefore,
        (Some(_), _) | (None, Some(_)) => Settled::Theirs,
    }
}

/// The one of two errors that says less about what was written.
fn worse(one: Option<StoreError>, other: StoreError) -> StoreError {
    let rank = |error: &StoreError| match error {
        StoreError::Unknown { .. } => 2,
        StoreError::Conflict(_) => 0,
        StoreError::Missing(_)
        | StoreError::Damaged(_)
        | StoreError::Rewound { .. }
        | StoreError::Unusable { .. }
        | StoreError::Branch { .. } => 1,
    };
    match one {
        Some(one) if rank(&one) >= rank(&other) => one,
        Some(_) | None => other,
    }
}
