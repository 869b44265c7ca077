//! Why a trust root is refused: one variant per rule, each naming the place and the values.

use thiserror::Error;

use crate::document::canonical::CanonicalError;
use crate::document::effect::Class;
use crate::document::ident::Label;

use super::super::fingerprint::Fingerprint;
use super::super::key::KeyError;
use super::MAX_BYTES;

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
fn name(class: Class) -> String {
    match serde_json::to_value(class) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(_) | Err(_) => format!("{class:?}"),
    }
}
