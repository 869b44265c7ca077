//! Edits of a trust root: the next version of one that loads, or none.

use countersign::document::effect::Class;
use countersign::document::statement::ApprovalId;
use countersign::trust::principal::Nature;
use countersign::trust::quorum::Demand;
use countersign::trust::root::{Addition, Initial, Revocation, RootError, TrustRoot};

use crate::support::trust::{label, load, public, root};

fn initial(environments: &[&str]) -> Result<TrustRoot, RootError> {
    let environments: Vec<_> = environments.iter().map(|name| label(name)).collect();
    TrustRoot::initial(&Initial {
        person: &label("alice"),
        person_key: &public(1),
        planner_key: &public(4),
        applier_key: &public(5),
        environments: &environments,
        now: "2026-01-01T00:00:00Z".parse().unwrap(),
    })
}

#[test]
fn the_first_root_lets_one_person_work_alone() {
    let root = initial(&["prod", "dev"]).unwrap();
    assert_eq!(TrustRoot::parse(root.to_bytes()).unwrap(), root);
    assert_eq!((root.version(), root.approval_max_hours()), (1, 24));
    assert_eq!(root.expires_at(), "2027-01-01T00:00:00Z".parse().unwrap());
    let environments: Vec<_> = root.environments().map(ToString::to_string).collect();
    assert_eq!(environments, ["dev", "prod"]);
    let needed = root.requirement(&label("prod"), Class::DataLoss).unwrap();
    assert!(needed.requester_may_approve);
    assert_eq!(needed.demands, [Demand { role: label("approver"), count: 1 }]);
    let roles = |id| root.principal(&label(id)).unwrap().roles().cloned().collect::<Vec<_>>();
    assert_eq!(roles("alice"), [label("approver")]);
    assert_eq!(roles("planner"), [label("planner")]);
    assert_eq!(roles("applier"), [label("applier")]);
    assert!(matches!(initial(&[]), Err(RootError::NoEnvironment)));
    assert!(matches!(initial(&["prod", "prod"]), Err(RootError::EntryTwice { .. })));
}

#[test]
fn every_edit_gives_the_next_version_of_a_root_that_loads() {
    let first = initial(&["prod"]).unwrap();
    let bob = Addition {
        id: label("bob"),
        nature: Nature::Person,
        key: public(2),
        roles: vec![label("sre"), label("approver")],
    };
    let second = first.with(&bob).unwrap();
    assert_eq!(second.version(), 2);
    assert_eq!(TrustRoot::parse(second.to_bytes()).unwrap(), second);
    // The same person gets a second key and keeps the first.
    let third = second
        .with(&Addition { key: public(3), roles: vec![label("dba")], ..bob.clone() })
        .unwrap();
    assert_eq!(third.keys_of(&label("bob")).len(), 2);
    assert_eq!(third.principal(&label("bob")).unwrap().roles().count(), 3);
    let fourth = third.revoke(&Revocation::Key(public(2).fingerprint())).unwrap();
    assert_eq!(fourth.keys_of(&label("bob")), [&public(3)]);
    let id = ApprovalId::from_random([1; 16]);
    let fifth = fourth.revoke(&id.as_str().parse().unwrap()).unwrap();
    assert!(fifth.is_revoked_approval(&id));
    let sixth = fifth.without(&label("bob")).unwrap();
    assert_eq!(sixth.version(), 6);
    assert_eq!(TrustRoot::parse(sixth.to_bytes()).unwrap(), sixth);
    assert!(sixth.principal(&label("bob")).is_none());
}

#[test]
fn an_edit_that_would_break_a_rule_leaves_no_root() {
    let root = load(&root()).unwrap();
    let add = |id: &str, nature, seed, roles: &[&str]| {
        let roles = roles.iter().map(|role| label(role)).collect();
        root.with(&Addition { id: label(id), nature, key: public(seed), roles }).unwrap_err()
    };
    let owned = |owner: &str| Nature::Machine { owner: label(owner) };
    assert!(matches!(add("dave", Nature::Person, 1, &["sre"]), RootError::KeyTwice { .. }));
    assert!(matches!(add("dave", Nature::Person, 8, &["planner"]), RootError::MachineRole { .. }));
    assert!(matches!(add("bot", owned("zoe"), 8, &["planner"]), RootError::OwnerUnknown { .. }));
    assert!(matches!(add("alice", owned("bob"), 8, &[]), RootError::NatureChanges(_)));
    assert!(matches!(add("planner", owned("bob"), 8, &[]), RootError::NatureChanges(_)));
    assert!(matches!(add("planner", Nature::Person, 8, &[]), RootError::NatureChanges(_)));
    let without = |id: &str| root.without(&label(id)).unwrap_err();
    assert!(matches!(without("zoe"), RootError::PrincipalUnknown(_)));
    assert!(matches!(without("carol"), RootError::TooFewOfRole { .. }));
    assert!(matches!(without("alice"), RootError::OwnerUnknown { .. }));
    let revoke = |seed| root.revoke(&Revocation::Key(public(seed).fingerprint()));
    assert!(matches!(revoke(9), Err(RootError::KeyUnknown(_))));
    assert!(matches!(revoke(3), Err(RootError::TooFewOfRole { .. })));
    let again = revoke(1).unwrap().revoke(&Revocation::Key(public(1).fingerprint()));
    assert!(matches!(again, Err(RootError::RevokedAlready(_))));
    for bad in ["", "x", "SHA256:x", "0123"] {
        assert!(bad.parse::<Revocation>().is_err(), "{bad}");
    }
    let mut value = crate::support::trust::root();
    value["version"] = ((1_u64 << 53) - 1).into();
    let last = load(&value).unwrap().revoke(&Revocation::Key(public(1).fingerprint()));
    assert!(matches!(last, Err(RootError::Version(_))));
}
