//! Every rule for loading a trust root, in one pass over what is written; the only maker of
//! [`TrustRoot`].

use std::collections::{BTreeMap, BTreeSet};

use crate::document::canonical::MAX_INTEGER;
use crate::document::effect::Class;
use crate::document::ident::Label;

use super::super::places::Places;
use super::super::principal::is_machine_role;
use super::written::{Limits, Revoked, Written, WrittenDemand, WrittenEntry, WrittenPrincipal};
use super::{Entry, Nature, Principal, PublicKey, RootError, TrustRoot};

/// Checks everything, and writes the result down in its one spelling.
pub(super) fn load(written: Written) -> Result<TrustRoot, RootError> {
    let Written {
        api_version: _,
        kind: _,
        expires_at,
        limits: Limits { approval_max_hours },
        principals,
        quorum,
        revoked: Revoked { approvals, keys },
        version,
    } = written;
    if version == 0 || version > MAX_INTEGER {
        return Err(RootError::Version(version));
    }
    if approval_max_hours == 0 {
        return Err(RootError::NoHours);
    }
    let mut root = TrustRoot {
        version,
        expires_at,
        principals: read_principals(principals)?,
        quorum: read_quorum(quorum)?,
        approval_max_hours,
        revoked_approvals: approvals.into_iter().collect(),
        revoked_keys: keys.into_iter().collect(),
        bytes: Vec::new(),
    };
    for (environment, entries) in &root.quorum {
        covers_and_rises(environment, entries)?;
        can_be_filled(&root, environment, entries)?;
    }
    root.bytes = write(&root).to_bytes()?;
    Ok(root)
}

/// What stands in the file of a root; everything sorted.
pub(super) fn write(root: &TrustRoot) -> Written {
    let TrustRoot {
        version,
        expires_at,
        principals,
        quorum,
        approval_max_hours,
        revoked_approvals,
        revoked_keys,
        bytes: _,
    } = root;
    let mut written = Written::new(*version, *expires_at, *approval_max_hours);
    written.principals = principals.values().map(write_principal).collect();
    written.quorum = quorum
        .iter()
        .flat_map(|(environment, entries)| {
            entries.iter().map(|(class, entry)| write_entry(environment, *class, entry))
        })
        .collect();
    written.revoked.approvals = revoked_approvals.iter().cloned().collect();
    written.revoked.keys = revoked_keys.iter().cloned().collect();
    written
}

fn write_principal(principal: &Principal) -> WrittenPrincipal {
    let Principal { id, nature, keys, roles } = principal;
    let (machine, owner) = match nature {
        Nature::Person => (false, String::new()),
        Nature::Machine { owner } => (true, owner.to_string()),
    };
    let mut keys: Vec<_> = keys.iter().map(PublicKey::to_openssh).collect();
    keys.sort();
    WrittenPrincipal {
        id: id.clone(),
        keys,
        machine,
        owner,
        roles: roles.iter().cloned().collect(),
    }
}

fn write_entry(environment: &Label, class: Class, entry: &Entry) -> WrittenEntry {
    let Entry { require, requester_may_approve } = entry;
    let demand =
        |(role, count): (&Label, &u32)| WrittenDemand { count: *count, role: role.clone() };
    WrittenEntry {
        class,
        environment: environment.clone(),
        requester_may_approve: *requester_may_approve,
        require: require.iter().map(demand).collect(),
    }
}

fn read_principals(
    written: Vec<WrittenPrincipal>,
) -> Result<BTreeMap<Label, Principal>, RootError> {
    let mut principals = BTreeMap::new();
    let mut holders: BTreeMap<PublicKey, Label> = BTreeMap::new();
    for principal in written {
        let principal = read_principal(principal, &mut holders)?;
        if principals.contains_key(&principal.id) {
            return Err(RootError::PrincipalTwice(principal.id));
        }
        principals.insert(principal.id.clone(), principal);
    }
    for principal in principals.values() {
        let Nature::Machine { owner } = &principal.nature else { continue };
        let (machine, owner) = (principal.id.clone(), owner.clone());
        match principals.get(&owner).map(Principal::is_machine) {
            Some(false) => {}
            Some(true) => return Err(RootError::OwnerMachine { machine, owner }),
            None => return Err(RootError::OwnerUnknown { machine, owner }),
        }
    }
    Ok(principals)
}

fn read_principal(
    written: WrittenPrincipal,
    holders: &mut BTreeMap<PublicKey, Label>,
) -> Result<Principal, RootError> {
    let WrittenPrincipal { id, keys, machine, owner, roles } = written;
    let nature = match (machine, owner.is_empty()) {
        (false, true) => Nature::Person,
        (false, false) => return Err(RootError::PersonOwned(id)),
        (true, true) => return Err(RootError::NoOwner(id)),
        (true, false) => match owner.parse() {
            Ok(owner) => Nature::Machine { owner },
            Err(_) => return Err(RootError::NoOwner(id)),
        },
    };
    let roles: BTreeSet<Label> = roles.into_iter().collect();
    if let (Nature::Person, Some(role)) = (&nature, roles.iter().find(|role| is_machine_role(role)))
    {
        return Err(RootError::MachineRole { principal: id, role: role.clone() });
    }
    let mut enrolled = BTreeSet::new();
    for line in keys {
        let key = PublicKey::from_openssh(&line)
            .map_err(|source| RootError::Key { principal: id.clone(), source })?;
        if key.to_openssh() != line {
            return Err(RootError::KeyComment(id));
        }
        if let Some(first) = holders.insert(key.clone(), id.clone()) {
            return Err(RootError::KeyTwice { key: key.fingerprint(), first, second: id });
        }
        enrolled.insert(key);
    }
    if enrolled.is_empty() {
        return Err(RootError::NoKey(id));
    }
    Ok(Principal { id, nature, keys: enrolled, roles })
}

fn read_quorum(
    written: Vec<WrittenEntry>,
) -> Result<BTreeMap<Label, BTreeMap<Class, Entry>>, RootError> {
    let mut quorum: BTreeMap<Label, BTreeMap<Class, Entry>> = BTreeMap::new();
    for WrittenEntry { class, environment, requester_may_approve, require } in written {
        let require = read_demands(&environment, class, require)?;
        let entries = quorum.entry(environment.clone()).or_default();
        if entries.insert(class, Entry { require, requester_may_approve }).is_some() {
            return Err(RootError::EntryTwice { environment, class });
        }
    }
    if quorum.is_empty() { Err(RootError::NoEnvironment) } else { Ok(quorum) }
}

fn read_demands(
    environment: &Label,
    class: Class,
    written: Vec<WrittenDemand>,
) -> Result<BTreeMap<Label, u32>, RootError> {
    let environment = || environment.clone();
    let mut require = BTreeMap::new();
    for WrittenDemand { count, role } in written {
        if is_machine_role(&role) {
            return Err(RootError::RoleNotRequirable { environment: environment(), role });
        }
        if count == 0 {
            return Err(RootError::CountZero { environment: environment(), class, role });
        }
        if require.insert(role.clone(), count).is_some() {
            return Err(RootError::RoleTwice { environment: environment(), class, role });
        }
    }
    if require.is_empty() {
        return Err(RootError::NobodyRequired { environment: environment(), class });
    }
    Ok(require)
}

/// Every class has an entry, and a worse class never asks for less. As no role's count falls, the
/// number of people does not either.
fn covers_and_rises(
    environment: &Label,
    entries: &BTreeMap<Class, Entry>,
) -> Result<(), RootError> {
    let environment = || environment.clone();
    match entries.keys().next() {
        Some(Class::None) => {}
        Some(least) => {
            return Err(RootError::Uncovered { environment: environment(), least: *least });
        }
        None => return Err(RootError::NoEnvironment),
    }
    for ((below, lower), (class, higher)) in entries.iter().zip(entries.iter().skip(1)) {
        for (role, lower) in &lower.require {
            let higher = higher.require.get(role).copied().unwrap_or_default();
            if higher < *lower {
                return Err(RootError::QuorumFalls {
                    environment: environment(),
                    class: *class,
                    below: *below,
                    role: role.clone(),
                    lower: *lower,
                    higher,
                });
            }
        }
        if higher.requester_may_approve && !lower.requester_may_approve {
            return Err(RootError::RequesterFalls { environment: environment(), class: *class });
        }
    }
    Ok(())
}

/// There are people enough: of each role, and for all places of an entry at once.
fn can_be_filled(
    root: &TrustRoot,
    environment: &Label,
    entries: &BTreeMap<Class, Entry>,
) -> Result<(), RootError> {
    for (class, entry) in entries {
        for (role, wanted) in &entry.require {
            let found = root.people_of_role(role).count();
            if u32::try_from(found).unwrap_or(u32::MAX) < *wanted {
                let (environment, role) = (environment.clone(), role.clone());
                return Err(RootError::TooFewOfRole { environment, role, wanted: *wanted, found });
            }
        }
        let mut places = Places::new(entry.require.iter().map(|(role, count)| (role, *count)));
        let people: BTreeMap<_, _> = entry
            .require
            .keys()
            .flat_map(|role| root.people_of_role(role))
            .map(|person| (person.id(), person))
            .collect();
        let mut found = 0;
        for person in people.values() {
            found += u64::from(places.seat(person.id(), person.roles()));
        }
        let wanted = entry.require.values().map(|count| u64::from(*count)).sum();
        if found < wanted {
            let (environment, class) = (environment.clone(), *class);
            return Err(RootError::TooFewPeople { environment, class, wanted, found });
        }
    }
    Ok(())
}
