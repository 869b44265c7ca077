//! The trust root: who may say what. A value of [`TrustRoot`] keeps every rule for loading one, so
//! that no environment is without a quorum, no quorum falls, and no key is two principals'.
//!
//! The file is JSON with sorted members and lists, two-space indent and a final line feed; no other
//! spelling of the same root loads, and the digest is over those bytes.

mod edit;
mod rules;
mod written;

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::clock::Instant;
use crate::document::canonical::{self, CanonicalError};
use crate::document::effect::Class;
use crate::document::ident::{Digest, Label};
use crate::document::statement::ApprovalId;

use super::fingerprint::Fingerprint;
use super::key::{KeyError, PublicKey};
use super::principal::{Nature, Principal};
use super::quorum::Demand;

pub use edit::{Addition, Initial, Revocation, RevocationError};

/// Most bytes of a trust root, as a file: 4 MiB.
pub const MAX_BYTES: usize = 4 << 20;

/// Why bytes are not a trust root, or an edit would leave none.
#[derive(Debug, Error)]
pub enum RootError {
    /// More than [`MAX_BYTES`].
    #[error("trust.json is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// Not strict JSON, or a member that is unknown, missing, twice there or misshapen.
    #[error("trust.json cannot be read")]
    Read(#[source] CanonicalError),
    /// Another kind of document.
    #[error("trust.json says {member} {found:?}, not {wanted:?}")]
    Document {
        /// `apiVersion` or `kind`.
        member: &'static str,
        /// What stands there.
        found: String,
        /// What should stand there.
        wanted: &'static str,
    },
    /// Version 0, or one that other readers would round.
    #[error("trust.json has version {0}; versions are 1 to 9007199254740991")]
    Version(u64),
    /// The right content in another spelling.
    #[error(
        "trust.json is not in its one spelling (members and lists sorted, two-space indent, one final line feed): line {line} should read {wanted:?}"
    )]
    Spelling {
        /// The first line that differs, from 1.
        line: usize,
        /// What should stand there; empty if nothing should.
        wanted: String,
    },
    /// Two principals of one name.
    #[error("trust.json has the principal {0} twice")]
    PrincipalTwice(Label),
    /// A principal that cannot sign anything.
    #[error("principal {0} has no key")]
    NoKey(Label),
    /// A line that is no enrolled key.
    #[error("a key of principal {principal} is refused")]
    Key {
        /// Whose.
        principal: Label,
        /// Why.
        source: KeyError,
    },
    /// A key line with something more than the key.
    #[error("a key of principal {0} has a comment; write it as `ssh-ed25519 AAAA…` alone")]
    KeyComment(Label),
    /// One key that stands twice.
    #[error("the key {key} is there twice, for {first} and for {second}")]
    KeyTwice {
        /// The key.
        key: Fingerprint,
        /// Whose.
        first: Label,
        /// Whose, too.
        second: Label,
    },
    /// A person with an owner.
    #[error("{0} is a person and has an owner; only machines have one")]
    PersonOwned(Label),
    /// A machine that nobody answers for.
    #[error("machine {0} has no owner; name the person who answers for it")]
    NoOwner(Label),
    /// An owner that is not there.
    #[error("machine {machine} is owned by {owner}, who is not in trust.json")]
    OwnerUnknown {
        /// The machine.
        machine: Label,
        /// Its owner.
        owner: Label,
    },
    /// An owner that is a machine.
    #[error("machine {machine} is owned by {owner}, which is a machine itself")]
    OwnerMachine {
        /// The machine.
        machine: Label,
        /// Its owner.
        owner: Label,
    },
    /// A person with a machine's role.
    #[error("{principal} is a person and has the role {role}, which only machines have")]
    MachineRole {
        /// Who.
        principal: Label,
        /// `planner` or `applier`.
        role: Label,
    },
    /// Nothing could ever be approved.
    #[error("trust.json names no environment in its quorum")]
    NoEnvironment,
    /// Two entries for one environment and class.
    #[error("the quorum of {environment} has two entries for class {}", name(*.class))]
    EntryTwice {
        /// The environment.
        environment: Label,
        /// The least class of both.
        class: Class,
    },
    /// Classes that no entry holds for.
    #[error(
        "the quorum of {environment} begins at class {}; an entry for class none must cover what is below", name(*.least)
    )]
    Uncovered {
        /// The environment.
        environment: Label,
        /// The least class that is covered.
        least: Class,
    },
    /// An entry that asks for nobody.
    #[error("the quorum of {environment} from class {} asks for nobody", name(*.class))]
    NobodyRequired {
        /// The environment.
        environment: Label,
        /// The least class of the entry.
        class: Class,
    },
    /// A count of 0.
    #[error("the quorum of {environment} from class {} asks for 0 of role {role}", name(*.class))]
    CountZero {
        /// The environment.
        environment: Label,
        /// The least class of the entry.
        class: Class,
        /// The role.
        role: Label,
    },
    /// A role twice in one entry.
    #[error("the quorum of {environment} from class {} names role {role} twice", name(*.class))]
    RoleTwice {
        /// The environment.
        environment: Label,
        /// The least class of the entry.
        class: Class,
        /// The role.
        role: Label,
    },
    /// A machine's role is required.
    #[error("the quorum of {environment} asks for role {role}, which only machines have")]
    RoleNotRequirable {
        /// The environment.
        environment: Label,
        /// `planner` or `applier`.
        role: Label,
    },
    /// Fewer people have the role than are asked for.
    #[error("the quorum of {environment} asks for {wanted} of role {role}; {found} could be had")]
    TooFewOfRole {
        /// The environment.
        environment: Label,
        /// The role.
        role: Label,
        /// How many are asked for.
        wanted: u32,
        /// How many people have it and a key that is not revoked.
        found: usize,
    },
    /// Enough for each role, and not enough for all of them at once.
    #[error(
        "the quorum of {environment} from class {} asks for {wanted} people at once; {found} places could be filled, each by another person", name(*.class)
    )]
    TooFewPeople {
        /// The environment.
        environment: Label,
        /// The least class of the entry.
        class: Class,
        /// Places of the entry.
        wanted: u64,
        /// Places that distinct people could fill.
        found: u64,
    },
    /// A worse class asks for less.
    #[error(
        "the quorum of {environment} falls: class {} asks for {lower} of role {role}, class {} for {higher}",
        name(*.below), name(*.class)
    )]
    QuorumFalls {
        /// The environment.
        environment: Label,
        /// The worse class.
        class: Class,
        /// The class below it.
        below: Class,
        /// The role.
        role: Label,
        /// How many the class below asks for.
        lower: u32,
        /// How many the worse class asks for.
        higher: u32,
    },
    /// A worse class lets the requester approve, a better one does not.
    #[error(
        "the quorum of {environment} falls: the requester may approve class {} and not what is below it", name(*.class)
    )]
    RequesterFalls {
        /// The environment.
        environment: Label,
        /// The worse class.
        class: Class,
    },
    /// Approvals that could never be valid.
    #[error("limits.approvalMaxHours is 0; it must be at least 1")]
    NoHours,
    /// An edit of a principal that is not there.
    #[error("there is no principal {0} in trust.json")]
    PrincipalUnknown(Label),
    /// A person is to become a machine, or the other way round.
    #[error("{0} is there already, and cannot change between person and machine, or its owner")]
    NatureChanges(Label),
    /// It is revoked already.
    #[error("{0} is revoked already")]
    RevokedAlready(String),
    /// A key that nobody has.
    #[error("no principal has the key {0}")]
    KeyUnknown(Fingerprint),
}

/// A class in the spelling of the documents.
pub(super) fn name(class: Class) -> String {
    match serde_json::to_value(class) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(_) | Err(_) => format!("{class:?}"),
    }
}

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
