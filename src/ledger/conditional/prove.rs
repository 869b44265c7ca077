//! Shows that a store keeps to conditions, by breaking them.

use std::fmt;

use futures_util::{StreamExt as _, stream};
use thiserror::Error;
use tokio::time::{Instant, sleep};

use super::{Conditional, Failure, Fate, PAUSES, Reason};
use crate::ledger::store::{Found, Name, Put, StoreError, Version};

/// A store refused what it had to refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The store, for people.
    pub place: String,
    /// The object that was written for it, if it was not removed.
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
            Some(left) => write!(f, "; the object {left} was not removed and may be"),
            None => Ok(()),
        }
    }
}

/// What a store did that does not keep to conditions.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProofError {
    /// Created twice.
    #[error(
        "it let two writers create the same object, so it cannot keep a ledger: an approval could be spent twice"
    )]
    CreatedTwice,
    /// Updated twice from one version.
    #[error(
        "it let two writers change the same version of an object, so it cannot keep a ledger: an approval could be spent twice"
    )]
    UpdatedTwice,
    /// It refused a writer whose bytes stand there, or took them from another one.
    #[error("the bytes of the writer that it let through are not the ones that stand there")]
    OtherBytes,
    /// It let nobody through.
    #[error("it let neither of two writers through, again and again")]
    Neither,
}

/// Shows by two pairs of conflicting writers that a store keeps to conditions, on a record
/// `probe/<random>` that nobody else knows; `random` is 128 fresh bits.
pub(in crate::ledger) async fn prove<S: Conditional>(
    store: &S,
    random: [u8; 16],
) -> Result<Proof, StoreError> {
    let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let name = Name::of(&[&"probe", &random]);
    let proved = conflicts(store, &name).await;
    let removed = match &proved {
        Err(Failure { fate: Fate::Missing, .. }) => true,
        Ok(()) | Err(_) => store.remove(&name, Instant::now() + store.patience()).await,
    };
    proved.map_err(|failure| store.undone(failure))?;
    let left = (!removed).then(|| store.shown(&name));
    Ok(Proof { place: store.place().to_owned(), left })
}

async fn conflicts<S: Conditional>(store: &S, name: &Name) -> Result<(), Failure> {
    let first = race(store, name, None, ["a1", "b1"], ProofError::CreatedTwice).await?;
    late(store, name, None, &first, ProofError::CreatedTwice).await?;
    let expected = Some(&first.version);
    let second = race(store, name, expected, ["a2", "b2"], ProofError::UpdatedTwice).await?;
    late(store, name, expected, &second, ProofError::UpdatedTwice).await
}

/// Two writers at the same moment, with the same condition.
async fn race<S: Conditional>(
    store: &S,
    name: &Name,
    expected: Option<&Version>,
    texts: [&'static str; 2],
    twice: ProofError,
) -> Result<Found, Failure> {
    for pause in PAUSES {
        let writers =
            texts.map(|text| async move { (text, written(store, name, text, expected).await) });
        let ended: Vec<_> = stream::iter(writers).buffer_unordered(2).collect().await;
        let mut through = Vec::new();
        for (text, written) in ended {
            if written? {
                through.push(text);
            }
        }
        let found = look(store, name).await?;
        match (through.as_slice(), found) {
            ([text], Some(found)) if found.bytes == text.as_bytes() => return Ok(found),
            ([], _) => {}
            ([_, _], _) => return Err(broken(twice)),
            _ => return Err(broken(ProofError::OtherBytes)),
        }
        // Some stores turn two writers of the same moment away, and let the next one through.
        sleep(pause).await;
    }
    Err(broken(ProofError::Neither))
}

/// A writer that comes when the condition has long been broken, and must leave no trace.
async fn late<S: Conditional>(
    store: &S,
    name: &Name,
    expected: Option<&Version>,
    winner: &Found,
    twice: ProofError,
) -> Result<(), Failure> {
    if written(store, name, "late", expected).await? {
        return Err(broken(twice));
    }
    match look(store, name).await? {
        Some(found) if found == *winner => Ok(()),
        Some(_) | None => Err(broken(ProofError::OtherBytes)),
    }
}

fn broken(error: ProofError) -> Failure {
    Failure::new(Fate::Refused, Reason::from(error))
}

/// Sends one write, once: an answer that is lost is no proof of anything.
async fn written<S: Conditional>(
    store: &S,
    name: &Name,
    text: &str,
    expected: Option<&Version>,
) -> Result<bool, Failure> {
    let put =
        Put { name: name.clone(), bytes: text.as_bytes().to_vec(), expected: expected.cloned() };
    match store.send(&put, Instant::now() + store.patience()).await {
        Ok(_) => Ok(true),
        Err(Failure { fate: Fate::Lapsed, .. }) => Ok(false),
        Err(failure) => Err(failure),
    }
}

async fn look<S: Conditional>(store: &S, name: &Name) -> Result<Option<Found>, Failure> {
    store.look(name, Instant::now() + store.patience()).await
}
