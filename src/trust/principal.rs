//! Somebody that a trust root names: a person, or a machine that a person answers for.

use std::collections::BTreeSet;

use crate::document::ident::Label;

use super::key::PublicKey;

/// Role of the machines that sign what they planned. Never required for an approval.
pub const PLANNER: &str = "planner";
/// Role of the machines that sign what they applied. Never required for an approval.
pub const APPLIER: &str = "applier";
/// Role that `init` gives to the person.
pub const APPROVER: &str = "approver";

/// Whether only machines have this role.
pub fn is_machine_role(role: &Label) -> bool {
    [PLANNER, APPLIER].contains(&role.as_str())
}

/// What kind of principal it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nature {
    /// A person: counted.
    Person,
    /// A machine: never counted.
    Machine {
        /// The person who answers for it.
        owner: Label,
    },
}

/// A principal of a trust root that loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    pub(super) id: Label,
    pub(super) nature: Nature,
    pub(super) keys: BTreeSet<PublicKey>,
    pub(super) roles: BTreeSet<Label>,
}

impl Principal {
    /// Its name.
    pub fn id(&self) -> &Label {
        &self.id
    }

    /// Person or machine.
    pub fn nature(&self) -> &Nature {
        &self.nature
    }

    /// Whether it is a machine.
    pub fn is_machine(&self) -> bool {
        match self.nature {
            Nature::Person => false,
            Nature::Machine { .. } => true,
        }
    }

    /// The person behind it: itself, or the owner of a machine.
    pub fn person(&self) -> &Label {
        match &self.nature {
            Nature::Person => &self.id,
            Nature::Machine { owner } => owner,
        }
    }

    /// Every key it has, revoked ones too: for display. What may sign: `TrustRoot::keys_of`.
    pub fn keys(&self) -> impl Iterator<Item = &PublicKey> {
        self.keys.iter()
    }

    /// Its roles, sorted.
    pub fn roles(&self) -> impl Iterator<Item = &Label> {
        self.roles.iter()
    }

    /// Whether it has a role.
    pub fn has_role(&self, role: &Label) -> bool {
        self.roles.contains(role)
    }
}
