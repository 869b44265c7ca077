//! Writes on a condition. What is said of a write is true: it was done, it was not and will not be,
//! or nobody can know.
//!
//! A request whose answer was lost may have been done, or may be done yet. It is sent again with the
//! same condition, which harms nothing: the second one lapses if the first was done. Then the
//! object is looked at, and if it holds the very bytes, they are this write's.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt as _, stream};
use object_store::path::Path;
use object_store::{PutMode, PutOptions, PutPayload, UpdateVersion};
use tokio::time::{Instant, sleep};

use super::answer::{Failure, Fate};
use super::error::{Doing, ObjectError};
use super::{MAX_RECORD, Open, PAUSES, SIDE_BY_SIDE};
use crate::files::steps::step;
use crate::ledger::store::{Change, Found, Put, StoreError, Version};

impl Open {
    /// One step after the other; the records of a step side by side.
    pub(super) async fn write(&self, change: Change) -> Result<Vec<Version>, StoreError> {
        if let Some(along) = change.along {
            let only = "a bucket takes no commits; only a ledger of kind git is in the same remote";
            return Err(StoreError::Branch { branch: along.branch, source: only.into() });
        }
        let large = change.steps.iter().flatten().find(|put| put.bytes.len() > MAX_RECORD);
        if let Some(put) = large {
            let object = self.path(&put.name).to_string();
            return Err(self.unusable(Box::new(ObjectError::TooLarge { object, most: MAX_RECORD })));
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
                let written = self.put(&put).await;
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
    async fn put(&self, put: &Put) -> Result<Version, StoreError> {
        let start = Instant::now();
        let end = start + self.patience;
        // From then on there is only time to look.
        let last = end - self.attempt();
        let path = self.path(&put.name);
        let doing = Doing { verb: "write", object: path.to_string() };
        let mut pauses = PAUSES.iter();
        // Whether a request may have been done although it was not said to be; and may be yet.
        let (mut doubted, mut under_way) = (false, false);
        step(&format!("put {}: send", put.name));
        let failure = loop {
            let sent = self.send(&path, &put.bytes, put.expected.as_ref());
            let failure = match self.ask(&doing, last, sent).await {
                Ok(Some(version)) => {
                    step(&format!("put {}: answered", put.name));
                    return Ok(version);
                }
                // It was written; only looking tells which version that made.
                Ok(None) => {
                    doubted = true;
                    let error = ObjectError::Unversioned(path.to_string());
                    break Failure::new(Fate::Silent, error);
                }
                Err(failure) => failure,
            };
            match failure.fate {
                Fate::Lapsed | Fate::Absent => match self.look(&path, end).await {
                    Ok(found) => match settled(put, found) {
                        Settled::Ours(version) => return Ok(version),
                        Settled::Theirs => return Err(StoreError::Conflict(put.name.clone())),
                        // Two requests at the same moment; some stores let neither through.
                        Settled::AsBefore => {}
                    },
                    Err(looked) => return Err(self.unknown(looked.error)),
                },
                Fate::Refused => break failure,
                Fate::Unsent => {}
                Fate::Failed => doubted = true,
                Fate::Silent => (doubted, under_way) = (true, true),
            }
            match pauses.next() {
                Some(pause) if Instant::now() + *pause < last => sleep(*pause).await,
                Some(_) | None => break failure,
            }
        };
        if !doubted {
            return Err(match failure.fate {
                Fate::Lapsed | Fate::Absent => StoreError::Conflict(put.name.clone()),
                Fate::Refused | Fate::Unsent | Fate::Failed | Fate::Silent => {
                    self.unusable(failure.error)
                }
            });
        }
        match self.look(&path, end).await {
            Ok(found) => match settled(put, found) {
                Settled::Ours(version) => Ok(version),
                Settled::Theirs => Err(StoreError::Conflict(put.name.clone())),
                Settled::AsBefore if under_way => Err(self.unknown(failure.error)),
                Settled::AsBefore => Err(self.unusable(failure.error)),
            },
            Err(_) => Err(self.unknown(failure.error)),
        }
    }

    /// One request: `None` if its answer does not tell which version it made.
    pub(super) async fn send(
        &self,
        path: &Path,
        bytes: &[u8],
        expected: Option<&Version>,
    ) -> object_store::Result<Option<Version>> {
        let mode = match expected {
            None => PutMode::Create,
            Some(Version(text)) => {
                let (e_tag, number) = text.split_once('\n').unwrap_or((text, ""));
                let number = Some(number.to_owned()).filter(|number| !number.is_empty());
                PutMode::Update(UpdateVersion { e_tag: Some(e_tag.to_owned()), version: number })
            }
        };
        let payload = PutPayload::from(bytes.to_vec());
        let written = self.store.put_opts(path, payload, PutOptions::from(mode)).await?;
        Ok(self.version(written.e_tag.as_deref(), written.version.as_deref()))
    }

    fn unknown(&self, source: Box<ObjectError>) -> StoreError {
        StoreError::Unknown { place: self.place.clone(), source }
    }
}

/// What an object shows about a write that was to be made to it.
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
