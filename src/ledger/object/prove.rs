//! Shows that a store keeps to conditions, by breaking them.

use std::fmt;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use object_store::path::Path;
use tokio::time::{Instant, sleep};

use super::answer::{Failure, Fate};
use super::error::{Doing, ObjectError, ProofError};
use super::{Open, PAUSES};
use crate::ledger::store::{Name, StoreError, Version};

/// A store refused what it had to refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The store, for people.
    pub place: String,
    /// The object that was written for it, if the store did not let it be removed.
    pub left: Option<String>,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, left } = self;
        write!(
            f,
            "{place} keeps to conditions: of two writers that created one object, and of two that \
             changed one version of it, it let one through"
        )?;
        match left {
            Some(left) => write!(f, "; the object {left} could not be removed and may be"),
            None => Ok(()),
        }
    }
}

/// What one of the writers had written, and the version that made.
type Winner = (Vec<u8>, Version);

pub(super) async fn prove(open: Arc<Open>, random: [u8; 16]) -> Result<Proof, StoreError> {
    let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let path = open.path(&Name::of(&[&"probe", &random]));
    let proved = conflicts(&open, &path).await;
    let removed = remove(&open, &path).await;
    proved.map_err(|error| open.unusable(error))?;
    let left = removed.err().map(|_| path.to_string());
    Ok(Proof { place: open.place.clone(), left })
}

async fn conflicts(open: &Open, path: &Path) -> Result<(), Box<ObjectError>> {
    let first = race(open, path, None, ["a1", "b1"], ProofError::CreatedTwice).await?;
    late(open, path, None, &first, ProofError::CreatedTwice).await?;
    let expected = Some(&first.1);
    let second = race(open, path, expected, ["a2", "b2"], ProofError::UpdatedTwice).await?;
    late(open, path, expected, &second, ProofError::UpdatedTwice).await
}

/// Two writers at the same moment, with the same condition.
async fn race(
    open: &Open,
    path: &Path,
    expected: Option<&Version>,
    texts: [&str; 2],
    twice: ProofError,
) -> Result<Winner, Box<ObjectError>> {
    let refuse = |error: ProofError| Box::new(ObjectError::from(error));
    for pause in PAUSES {
        let writers = texts.map(|text| async move {
            (text, written(open, path, text.as_bytes(), expected).await)
        });
        let ended: Vec<_> = stream::iter(writers).buffer_unordered(2).collect().await;
        let mut through = Vec::new();
        for (text, written) in ended {
            if written? {
                through.push(text);
            }
        }
        let found = look(open, path).await?;
        match (through.as_slice(), found) {
            ([text], Some((bytes, version))) if bytes == text.as_bytes() => {
                return Ok((bytes, version));
            }
            ([], _) => {}
            ([_, _], _) => return Err(refuse(twice)),
            _ => return Err(refuse(ProofError::OtherBytes)),
        }
        // Some stores turn two writers of the same moment away, and let the next one through.
        sleep(pause).await;
    }
    Err(refuse(ProofError::Neither))
}

/// A writer that comes when the condition has long been broken, and must leave no trace.
async fn late(
    open: &Open,
    path: &Path,
    expected: Option<&Version>,
    winner: &Winner,
    twice: ProofError,
) -> Result<(), Box<ObjectError>> {
    if written(open, path, b"late", expected).await? {
        return Err(Box::new(twice.into()));
    }
    match look(open, path).await? {
        Some(found) if found == *winner => Ok(()),
        Some(_) | None => Err(Box::new(ProofError::OtherBytes.into())),
    }
}

/// Sends one write, once: an answer that is lost is no proof of anything.
async fn written(
    open: &Open,
    path: &Path,
    bytes: &[u8],
    expected: Option<&Version>,
) -> Result<bool, Box<ObjectError>> {
    let doing = Doing { verb: "write", object: path.to_string() };
    let end = Instant::now() + open.patience;
    match open.ask(&doing, end, open.send(path, bytes, expected)).await {
        Ok(_) => Ok(true),
        Err(Failure { fate: Fate::Lapsed, .. }) => Ok(false),
        Err(failure) => Err(failure.error),
    }
}

async fn look(open: &Open, path: &Path) -> Result<Option<Winner>, Box<ObjectError>> {
    let found = open.look(path, Instant::now() + open.patience).await;
    let found = found.map_err(|failure| failure.error)?;
    Ok(found.map(|found| (found.bytes, found.version)))
}

async fn remove(open: &Open, path: &Path) -> Result<(), Failure> {
    let doing = Doing { verb: "remove", object: path.to_string() };
    let end = Instant::now() + open.patience;
    let paths = stream::iter([Ok(path.clone())]).boxed();
    let removed = async {
        let mut removed = open.store.delete_stream(paths);
        while let Some(path) = removed.next().await {
            path?;
        }
        Ok(())
    };
    open.ask(&doing, end, removed).await
}
