//! The trust root: who may say what. A value of [`TrustRoot`] keeps every rule for loading one, so
//! that no environment is without a quorum, no quorum falls, and no key is two principals'.
//!
//! The file is JSON with sorted members and lists, two-space indent and a final line feed; no other
//! spelling of the same root loads, and the digest is over those bytes.

mod edit;
mod error;
mod rules;
mod written;

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Instant;
use crate::document::canonical;
use crate::document::effect::Class;
use crate::document::ident::{Digest, Label};
use crate::document::statement::ApprovalId;

use super::fingerprint::Fingerprint;
use super::key::PublicKey;
use super::principal::{Nature, Principal};
use super::quorum::Demand;

pub use edit::{Addition, Initial, Revocation, RevocationError};
pub use error::RootError;

/// Most bytes of a trust root, as a file: 4 MiB.
pub const MAX_BYTES: usize = 4 << 20;

/// One entry of the quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    require: BTreeMap<Label, u32>,
    requester_may_approve: bool,
}

/// What an approved plan needs, before policies raise it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The least class of the entry that applies.
    pub from_class: Class,
    /// So many people of so many roles, sorted by role.
    pub demands: Vec<Demand>,
    /// Whether the requester and the owner of the planner count.
    pub requester_may_approve: bool,
}

/// A trust root that loaded: every rule holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustRoot {
    version: u64,
    expires_at: Instant,
    principals: BTreeMap<Label, Principal>,
    quorum: BTreeMap<Label, BTreeMap<Class, Entry>>,
    approval_max_hours: u32,
    revoked_approvals: BTreeSet<ApprovalId>,
    revoked_keys: BTreeSet<Fingerprint>,
    bytes: Vec<u8>,
}

impl TrustRoot {
    /// Reads the bytes of trust.json. Expiry and rollback are for the caller to look at, who knows
    /// the time and the highest version that was used.
    ///
    /// # Errors
    /// [`RootError`], with one variant per rule.
    pub fn parse(bytes: &[u8]) -> Result<Self, RootError> {
        if bytes.len() > MAX_BYTES {
            return Err(RootError::TooLarge);
        }
        let value = canonical::parse_strict(bytes).map_err(RootError::Read)?;
        let root = rules::load(written::read(value)?)?;
        if root.bytes == bytes { Ok(root) } else { Err(spelling(&root.bytes, bytes)) }
    }

    /// The bytes of trust.json: the ones that were read.
    pub fn to_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of [`TrustRoot::to_bytes`].
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }

    /// Its version, from 1.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// From when on it is refused.
    pub fn expires_at(&self) -> Instant {
        self.expires_at
    }

    /// Whether it is refused at `now`.
    pub fn is_expired(&self, now: Instant) -> bool {
        now >= self.expires_at
    }

    /// The longest that an approval may be valid, in hours; at least 1.
    pub fn approval_max_hours(&self) -> u32 {
        self.approval_max_hours
    }

    /// Every principal, sorted by name.
    pub fn principals(&self) -> impl Iterator<Item = &Principal> {
        self.principals.values()
    }

    /// The machines, sorted by name.
    pub fn machines(&self) -> impl Iterator<Item = &Principal> {
        self.principals.values().filter(|principal| principal.is_machine())
    }

    /// The principal of this name.
    pub fn principal(&self, id: &Label) -> Option<&Principal> {
        self.principals.get(id)
    }

    /// The principal whose key this is; `None` also for a revoked key.
    pub fn principal_of(&self, key: &PublicKey) -> Option<&Principal> {
        self.holder_of(key).filter(|_| !self.is_revoked_key(key))
    }

    /// The principal whose key this is or, if it is revoked, was: for messages.
    pub fn holder_of(&self, key: &PublicKey) -> Option<&Principal> {
        self.principals.values().find(|principal| principal.keys.contains(key))
    }

    /// The keys with which a principal may sign: those that are not revoked.
    pub fn keys_of(&self, id: &Label) -> Vec<&PublicKey> {
        let keys = self.principals.get(id).into_iter().flat_map(Principal::keys);
        keys.filter(|key| !self.is_revoked_key(key)).collect()
    }

    /// Every key there is, revoked ones too, so that a signature by one can be named. Whoever
    /// verifies with these asks [`TrustRoot::principal_of`] next.
    pub fn all_keys(&self) -> Vec<&PublicKey> {
        self.principals.values().flat_map(Principal::keys).collect()
    }

    /// Whether an approval was revoked.
    pub fn is_revoked_approval(&self, id: &ApprovalId) -> bool {
        self.revoked_approvals.contains(id)
    }

    /// Whether a key was revoked.
    pub fn is_revoked_key(&self, key: &PublicKey) -> bool {
        self.revoked_keys.contains(&key.fingerprint())
    }

    /// Revoked approvals, sorted.
    pub fn revoked_approvals(&self) -> impl Iterator<Item = &ApprovalId> {
        self.revoked_approvals.iter()
    }

    /// Revoked keys, sorted.
    pub fn revoked_keys(&self) -> impl Iterator<Item = &Fingerprint> {
        self.revoked_keys.iter()
    }

    /// The environments that have a quorum, sorted.
    pub fn environments(&self) -> impl Iterator<Item = &Label> {
        self.quorum.keys()
    }

    /// What a plan for `environment` whose worst class is `worst` needs: the entry of the highest
    /// class not above it. `None` if the environment is not named, which refuses.
    pub fn requirement(&self, environment: &Label, worst: Class) -> Option<Requirement> {
        let (class, entry) = self.quorum.get(environment)?.range(..=worst).next_back()?;
        Some(Requirement {
            from_class: *class,
            demands: entry
                .require
                .iter()
                .map(|(role, count)| Demand { role: role.clone(), count: *count })
                .collect(),
            requester_may_approve: entry.requester_may_approve,
        })
    }

    /// People, not machines, who have `role` and a key that is not revoked; sorted.
    pub fn people_of_role(&self, role: &Label) -> impl Iterator<Item = &Principal> {
        self.principals.values().filter(move |principal| {
            principal.nature == Nature::Person
                && principal.has_role(role)
                && principal.keys.iter().any(|key| !self.is_revoked_key(key))
        })
    }
}

/// Names the first line that differs.
fn spelling(wanted: &[u8], found: &[u8]) -> RootError {
    let mut wanted = wanted.split(|byte| *byte == b'\n');
    let mut found = found.split(|byte| *byte == b'\n');
    let mut line = 0;
    loop {
        line += 1;
        match (wanted.next(), found.next()) {
            (Some(wanted), Some(found)) if wanted == found => {}
            (wanted, _) => {
                let wanted = String::from_utf8_lossy(wanted.unwrap_or_default()).into_owned();
                return RootError::Spelling { line, wanted };
            }
        }
    }
}
