//! New trust roots from old ones: every edit raises the version by one and is checked like a root
//! that is read, so that no edit leaves a root that would not load.

use std::str::FromStr;

use thiserror::Error;

use crate::clock::Instant;
use crate::document::effect::Class;
use crate::document::ident::Label;
use crate::document::statement::ApprovalId;

use super::super::principal::{APPLIER, APPROVER, PLANNER};
use super::written::{Written, WrittenDemand, WrittenEntry, WrittenPrincipal};
use super::{Demand, Fingerprint, Nature, PublicKey, RootError, TrustRoot, rules};

/// Seconds for which a first root is valid: 365 days.
const FIRST_YEAR: i64 = 365 * 24 * 60 * 60;
/// `approvalMaxHours` of a first root.
const FIRST_HOURS: u32 = 24;

/// What `init` knows: one person, and the two machine keys that they answer for.
#[derive(Clone, Debug)]
pub struct Initial<'a> {
    /// Name of the person.
    pub person: &'a Label,
    /// Key of the person.
    pub person_key: &'a PublicKey,
    /// Key that signs plans.
    pub planner_key: &'a PublicKey,
    /// Key that signs receipts.
    pub applier_key: &'a PublicKey,
    /// Environments of the configuration; at least one.
    pub environments: &'a [Label],
    /// Now; the root expires a year later.
    pub now: Instant,
}

/// A principal to add, or a key and roles for one that is there.
#[derive(Clone, Debug)]
pub struct Addition {
    /// Its name.
    pub id: Label,
    /// Person or machine.
    pub nature: Nature,
    /// A key it does not have yet.
    pub key: PublicKey,
    /// Roles it gets; those it has stay.
    pub roles: Vec<Label>,
}

/// What is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// One approval.
    Approval(ApprovalId),
    /// A key, and with it every approval it signed.
    Key(Fingerprint),
}

/// A text that names nothing that can be revoked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is neither an approval id (32 hexadecimal digits) nor a fingerprint (SHA256:…)")]
pub struct RevocationError(String);

impl FromStr for Revocation {
    type Err = RevocationError;
    fn from_str(text: &str) -> Result<Self, RevocationError> {
        let key = text.parse().map(Self::Key).ok();
        let approval = || text.parse().map(Self::Approval).ok();
        key.or_else(approval).ok_or_else(|| RevocationError(text.to_owned()))
    }
}

impl TrustRoot {
    /// The root of one person's new project, version 1: the person approves, alone.
    ///
    /// # Errors
    /// [`RootError`], for instance if no environment is given, or two keys are the same.
    pub fn initial(initial: &Initial<'_>) -> Result<Self, RootError> {
        let Initial { person, person_key, planner_key, applier_key, environments, now } = initial;
        let mut written = Written::new(1, now.plus_seconds(FIRST_YEAR), FIRST_HOURS);
        let principal = |id: Label, key: &PublicKey, owner: String, role| {
            let (machine, keys) = (!owner.is_empty(), vec![key.to_openssh()]);
            Ok(WrittenPrincipal { id, keys, machine, owner, roles: vec![known(role)?] })
        };
        written.principals = vec![
            principal((*person).clone(), person_key, String::new(), APPROVER)?,
            principal(known(PLANNER)?, planner_key, person.to_string(), PLANNER)?,
            principal(known(APPLIER)?, applier_key, person.to_string(), APPLIER)?,
        ];
        for environment in *environments {
            written.quorum.push(WrittenEntry {
                class: Class::None,
                environment: environment.clone(),
                requester_may_approve: true,
                require: vec![WrittenDemand { count: 1, role: known(APPROVER)? }],
            });
        }
        rules::load(written)
    }

    /// With one more principal, or one more key and more roles for a principal that is there.
    ///
    /// # Errors
    /// [`RootError`]; a principal does not change between person and machine, or its owner.
    pub fn with(&self, addition: &Addition) -> Result<Self, RootError> {
        let Addition { id, nature, key, roles } = addition;
        let mut written = self.next();
        let old = written.principals.iter_mut().find(|principal| principal.id == *id);
        if self.principal(id).is_some_and(|principal| principal.nature() != nature) {
            return Err(RootError::NatureChanges(id.clone()));
        }
        match old {
            Some(principal) => {
                principal.keys.push(key.to_openssh());
                principal.roles.extend(roles.iter().cloned());
            }
            None => {
                let (machine, owner) = match nature {
                    Nature::Person => (false, String::new()),
                    Nature::Machine { owner } => (true, owner.to_string()),
                };
                let (id, keys) = (id.clone(), vec![key.to_openssh()]);
                let roles = roles.clone();
                written.principals.push(WrittenPrincipal { id, keys, machine, owner, roles });
            }
        }
        rules::load(written)
    }

    /// Without a principal.
    ///
    /// # Errors
    /// [`RootError`], for instance if a quorum could no longer be met, or it owns a machine.
    pub fn without(&self, id: &Label) -> Result<Self, RootError> {
        if self.principal(id).is_none() {
            return Err(RootError::PrincipalUnknown(id.clone()));
        }
        let mut written = self.next();
        written.principals.retain(|principal| principal.id != *id);
        rules::load(written)
    }

    /// With another quorum for changes of this class and worse in an environment; in place of the
    /// entry of the same class, if there is one.
    ///
    /// # Errors
    /// [`RootError`], for instance if the quorum would fall as the class rises.
    pub fn with_quorum(
        &self,
        environment: &Label,
        class: Class,
        require: &[Demand],
        requester_may_approve: bool,
    ) -> Result<Self, RootError> {
        let mut written = self.next();
        written.quorum.retain(|entry| entry.environment != *environment || entry.class != class);
        let demand =
            |demand: &Demand| WrittenDemand { count: demand.count, role: demand.role.clone() };
        written.quorum.push(WrittenEntry {
            class,
            environment: environment.clone(),
            requester_may_approve,
            require: require.iter().map(demand).collect(),
        });
        rules::load(written)
    }

    /// Valid until another time; with `hours`, approvals may be valid for that long.
    ///
    /// # Errors
    /// [`RootError`] for 0 hours.
    pub fn renewed(&self, at: Instant, hours: Option<u32>) -> Result<Self, RootError> {
        let mut written = self.next();
        written.expires_at = at;
        written.limits.approval_max_hours = hours.unwrap_or(self.approval_max_hours);
        rules::load(written)
    }

    /// With something revoked. A revoked key stays with its principal, so that what it signed is
    /// refused by name.
    ///
    /// # Errors
    /// [`RootError`], for instance if a quorum could no longer be met without the key.
    pub fn revoke(&self, revocation: &Revocation) -> Result<Self, RootError> {
        let mut written = self.next();
        match revocation {
            Revocation::Approval(id) if self.is_revoked_approval(id) => {
                return Err(RootError::RevokedAlready(id.to_string()));
            }
            Revocation::Approval(id) => written.revoked.approvals.push(id.clone()),
            Revocation::Key(key) if self.revoked_keys.contains(key) => {
                return Err(RootError::RevokedAlready(key.to_string()));
            }
            Revocation::Key(key) => {
                if !self.all_keys().iter().any(|held| held.fingerprint() == *key) {
                    return Err(RootError::KeyUnknown(key.clone()));
                }
                written.revoked.keys.push(key.clone());
            }
        }
        rules::load(written)
    }

    fn next(&self) -> Written {
        let mut written = rules::write(self);
        // Beyond the largest version, loading refuses.
        written.version = written.version.saturating_add(1);
        written
    }
}

/// A role or name of this module, which is a label.
fn known(text: &'static str) -> Result<Label, RootError> {
    text.parse().map_err(|_| RootError::Document {
        member: "role",
        found: text.to_owned(),
        wanted: "a DNS label",
    })
}
