//! The values of secrets, from the one place that is allowed to know them to the one place that
//! they may go to. No value is shown by a `Debug` or an error, and all are wiped when dropped.
//!
//! An entry of the trusted configuration says where a value comes from, and to which targets and
//! places it may go. All of that is checked before a source is read.

mod body;
mod command;
mod filter;
mod reference;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use thiserror::Error;
use zeroize::Zeroizing;

use super::masking::{MaskingError, PlanMask};
use super::setting::Withheld;
use crate::config::Secret;
use crate::document::ident::{Label, Pointer, ResourceId};

pub use body::{Filled, is_masked, unmasked};
pub use command::CommandError;
pub use filter::{HIDDEN, WITHHELD};
pub use reference::{
    BadReference, HOLDERS, MEMBER, Reference, reference, references, touches_a_secret,
};
pub use source::{MOST, PATIENCE, SourceWorld};

/// Why a secret value cannot be used. Names the entry and the kind of its source; never a value,
/// the path of a file, or an argument of a command.
#[derive(Debug, Error)]
pub enum VaultError {
    /// No such entry.
    #[error("secret {name} is no entry of countersign.toml; it has {known}")]
    Unknown {
        /// What was referred to.
        name: Label,
        /// What there is.
        known: String,
    },
    /// The entry is not for this target.
    #[error("secret {name} may not go to target {target}; its `targets` are {targets}")]
    Target {
        /// The entry.
        name: Label,
        /// The target of the proposal.
        target: Label,
        /// Where it may go.
        targets: String,
    },
    /// The entry is not for this place.
    #[error("secret {name} may not go to {place}; its `pointers` are {places}")]
    Place {
        /// The entry.
        name: Label,
        /// `Kind/namespace/name#/pointer`.
        place: String,
        /// Where it may go.
        places: String,
    },
    /// The variable is not set.
    #[error("secret {name}: environment variable {variable} is not set")]
    Unset {
        /// The entry.
        name: Label,
        /// The variable.
        variable: String,
    },
    /// The file cannot be used.
    #[error("secret {name}: its file cannot be used")]
    File {
        /// The entry.
        name: Label,
        /// Why, without the path.
        source: Withheld,
    },
    /// The command gave no value.
    #[error("secret {name}: its command {program} gave no value")]
    Command {
        /// The entry.
        name: Label,
        /// The program, without its arguments.
        program: String,
        /// Why.
        source: CommandError,
    },
    /// A source that holds nothing: far more often a mistake than a secret.
    #[error("secret {name}: its {kind} is empty")]
    Empty {
        /// The entry.
        name: Label,
        /// `environment variable`, `file` or `command`.
        kind: &'static str,
    },
    /// The entry names no source, or was not among the references that the vault was opened for.
    #[error("secret {0} was not read")]
    Unread(Label),
    /// The field takes text only.
    #[error("secret {name} is not UTF-8, which {place} must be; put it beneath /data")]
    NotText {
        /// The entry.
        name: Label,
        /// `Kind/namespace/name#/pointer`.
        place: String,
    },
    /// Something else than a reference where a value belongs.
    #[error("{place} holds something else than a reference to a secret")]
    Literal {
        /// `Kind/namespace/name#/pointer`.
        place: String,
    },
    /// A Secret, and no masking key.
    #[error("{place} cannot be masked: there is no masking key")]
    NoKey {
        /// `Kind/namespace/name#/pointer`.
        place: String,
    },
    /// The masking key fails, which no input of this program causes.
    #[error("a secret value cannot be masked")]
    Masking(#[source] MaskingError),
}

/// What a plan may say of secret values, and what they are.
pub struct Vault {
    entries: BTreeMap<Label, Entry>,
    mask: Option<(String, PlanMask)>,
    seen: Mutex<BTreeSet<Known>>,
}

/// A value that was read, and where it may go.
struct Entry {
    value: Zeroizing<Vec<u8>>,
    places: BTreeSet<String>,
}

/// A value of whatever source. Two are compared by their bytes.
#[derive(PartialEq, Eq)]
struct Known(Zeroizing<Vec<u8>>);

impl Ord for Known {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.as_slice().cmp(other.0.as_slice())
    }
}

impl PartialOrd for Known {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Vault {
    /// A vault without values or a masking key: for a target that takes no secret and shows none.
    pub fn empty() -> Self {
        Self { entries: BTreeMap::new(), mask: None, seen: Mutex::default() }
    }

    /// Reads the source of each entry that is referred to, once, after the reach of every reference
    /// was checked. `mask` is the masking key of this plan with the id of the key that it is derived
    /// from; without one, no Secret can be shown.
    ///
    /// # Errors
    /// [`VaultError`]. If a reference may not go where it stands, no source is touched.
    pub fn open(
        secrets: &BTreeMap<Label, Secret>,
        references: &[Reference],
        target: &Label,
        mask: Option<(String, PlanMask)>,
        world: SourceWorld<'_>,
    ) -> Result<Self, VaultError> {
        let mut wanted: BTreeMap<&Label, &Secret> = BTreeMap::new();
        for reference in references {
            let secret = secrets.get(&reference.name).ok_or_else(|| VaultError::Unknown {
                name: reference.name.clone(),
                known: listed(secrets.keys().map(Label::as_str)),
            })?;
            reference::check_target(&reference.name, secret, target)?;
            let (places, place) = (reference::places(secret), reference.place());
            reference::check_place(&reference.name, &places, &place)?;
            wanted.insert(&reference.name, secret);
        }
        let mut entries = BTreeMap::new();
        for (name, secret) in wanted {
            let value = source::read(name, secret, world)?;
            entries.insert(name.clone(), Entry { value, places: reference::places(secret) });
        }
        Ok(Self { entries, mask, seen: Mutex::default() })
    }

    /// Id of the masking key; empty if there is none.
    pub fn key_id(&self) -> &str {
        self.mask.as_ref().map_or("", |(id, _)| id)
    }

    /// The value of an entry, if it may go to this place.
    ///
    /// # Errors
    /// [`VaultError::Unread`], [`VaultError::Place`].
    pub fn value(
        &self,
        name: &Label,
        resource: &ResourceId,
        at: &Pointer,
    ) -> Result<&[u8], VaultError> {
        let entry = self.entries.get(name).ok_or_else(|| VaultError::Unread(name.clone()))?;
        reference::check_place(name, &entry.places, &reference::place(resource, at))?;
        Ok(&entry.value)
    }

    /// What stands for a value at a place: `hmac-sha256:` and 64 hexadecimal digits. `/stringData/x`
    /// is another spelling of `/data/x`, where the server puts it, and masks as that.
    ///
    /// # Errors
    /// [`VaultError::NoKey`], [`VaultError::Masking`].
    pub fn mask(
        &self,
        resource: &ResourceId,
        at: &Pointer,
        value: &[u8],
    ) -> Result<String, VaultError> {
        let (_, mask) = self
            .mask
            .as_ref()
            .ok_or_else(|| VaultError::NoKey { place: reference::place(resource, at) })?;
        mask.mask(resource, &reference::stored_at(at), value).map_err(VaultError::Masking)
    }

    /// Remembers a value that was seen on the target, so that it is filtered too.
    pub fn seen(&self, value: &[u8]) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(Known(Zeroizing::new(value.to_vec())));
    }

    /// A text of somebody else, such as a server's message, in which each piece of a known value is
    /// replaced by [`HIDDEN`], whether it stands there as it is, escaped as in JSON, or in base64.
    ///
    /// Eight bytes of a value in a row count as a piece of it. A value of less than four bytes cannot
    /// be told from other text: while one is known, every text is [`WITHHELD`].
    pub fn filter(&self, text: &str) -> String {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = self.entries.values().map(|entry| entry.value.as_slice());
        filter::filter(text, entries.chain(seen.iter().map(|known| known.0.as_slice())))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("entries", &self.entries.keys())
            .field("key", &self.key_id())
            .finish_non_exhaustive()
    }
}

fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
