//! Trust roots that must not load, each for its own reason, and edits that keep the rules.

use countersign::document::effect::Class;
use countersign::document::ident::Digest;
use countersign::document::statement::ApprovalId;
use countersign::trust::key::KeyError;
use countersign::trust::quorum::Demand;
use countersign::trust::root::{RootError, TrustRoot};
use serde_json::{Value, json};

use crate::support::trust::{entry, label, line, load, machine, person, public, root, spelled};

#[test]
fn a_root_keeps_the_bytes_it_was_read_from() {
    let bytes = spelled(&root());
    let root = TrustRoot::parse(&bytes).unwrap();
    assert_eq!(root.to_bytes(), bytes);
    assert_eq!(root.digest(), Digest::of(&bytes));
    assert_eq!((root.version(), root.approval_max_hours()), (7, 24));
    let end = "2099-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(root.expires_at(), end);
    assert!(root.is_expired(end) && !root.is_expired(end.plus_seconds(-1)));
    let machines: Vec<_> = root.machines().map(|machine| machine.id().to_string()).collect();
    assert_eq!(machines, ["applier", "planner"]);
    assert_eq!(root.principal_of(&public(4)).unwrap().person(), &label("alice"));
    assert_eq!(root.keys_of(&label("carol")), [&public(3)]);
    assert!(root.principal_of(&public(9)).is_none());
    assert!(root.keys_of(&label("nobody")).is_empty());
}

#[test]
fn the_entry_of_the_highest_class_not_above_applies() {
    let root = load(&root()).unwrap();
    let prod = label("prod");
    let sre = Demand { role: label("sre"), count: 1 };
    let dba = Demand { role: label("dba"), count: 1 };
    for class in [Class::None, Class::Additive, Class::Mutating, Class::Disruptive] {
        assert_eq!(
            root.requirement(&prod, class).unwrap().demands,
            std::slice::from_ref(&sre),
            "{class:?}"
        );
    }
    for class in [Class::Outage, Class::DataLoss] {
        let demands = root.requirement(&prod, class).unwrap().demands;
        assert_eq!(demands, [dba.clone(), sre.clone()], "{class:?}");
    }
    assert_eq!(root.requirement(&label("staging"), Class::None), None);
}

/// A rule: what is spoilt, and the error it must get.
type Rule<'a> = (&'a str, &'a dyn Fn(&mut Value), &'a dyn Fn(&RootError) -> bool);

fn check(rules: &[Rule<'_>]) {
    for (name, spoil, wanted) in rules {
        let mut value = root();
        spoil(&mut value);
        match load(&value) {
            Ok(_) => panic!("{name}: loads"),
            Err(error) => assert!(wanted(&error), "{name}: {error:?}"),
        }
    }
}

#[test]
fn every_rule_about_the_document_refuses_by_itself() {
    check(&[
        ("kind", &|r| r["kind"] = "Plan".into(), &|e| {
            matches!(e, RootError::Document { member: "kind", .. })
        }),
        ("api", &|r| r["apiVersion"] = "countersign/v2".into(), &|e| {
            matches!(e, RootError::Document { member: "apiVersion", .. })
        }),
        ("no kind", &|r| drop(r.as_object_mut().unwrap().remove("kind")), &|e| {
            matches!(e, RootError::Document { .. })
        }),
        ("unknown member", &|r| r["threshold"] = 1.into(), &|e| matches!(e, RootError::Read(_))),
        ("unknown member of a principal", &|r| r["principals"][0]["x"] = 1.into(), &|e| {
            matches!(e, RootError::Read(_))
        }),
        ("unknown member of an entry", &|r| r["quorum"][0]["x"] = 1.into(), &|e| {
            matches!(e, RootError::Read(_))
        }),
        ("unknown limit", &|r| r["limits"]["x"] = 1.into(), &|e| matches!(e, RootError::Read(_))),
        ("no revoked", &|r| drop(r.as_object_mut().unwrap().remove("revoked")), &|e| {
            matches!(e, RootError::Read(_))
        }),
        (
            "no requesterMayApprove",
            &|r| drop(r["quorum"][0].as_object_mut().unwrap().remove("requesterMayApprove")),
            &|e| matches!(e, RootError::Read(_)),
        ),
        ("version 0", &|r| r["version"] = 0.into(), &|e| matches!(e, RootError::Version(0))),
        ("version -1", &|r| r["version"] = (-1).into(), &|e| matches!(e, RootError::Read(_))),
        ("version 2^53", &|r| r["version"] = (1_u64 << 53).into(), &|e| {
            matches!(e, RootError::Version(_))
        }),
        ("version 1.0", &|r| r["version"] = 1.0.into(), &|e| matches!(e, RootError::Read(_))),
        ("version as text", &|r| r["version"] = "7".into(), &|e| matches!(e, RootError::Read(_))),
        ("expiry with an offset", &|r| r["expiresAt"] = "2099-01-01T00:00:00+00:00".into(), &|e| {
            matches!(e, RootError::Read(_))
        }),
        ("no expiry", &|r| r["expiresAt"] = "".into(), &|e| matches!(e, RootError::Read(_))),
        ("no hours", &|r| r["limits"]["approvalMaxHours"] = 0.into(), &|e| {
            matches!(e, RootError::NoHours)
        }),
        ("negative hours", &|r| r["limits"]["approvalMaxHours"] = (-1).into(), &|e| {
            matches!(e, RootError::Read(_))
        }),
        ("an approval id of another form", &|r| r["revoked"]["approvals"] = json!(["x"]), &|e| {
            matches!(e, RootError::Read(_))
        }),
        ("a fingerprint of another form", &|r| r["revoked"]["keys"] = json!(["MD5:00"]), &|e| {
            matches!(e, RootError::Read(_))
        }),
        ("a list for an object", &|r| r["limits"] = json!([24]), &|e| {
            matches!(e, RootError::Spelling { .. })
        }),
    ]);
}

#[test]
fn every_rule_about_principals_refuses_by_itself() {
    let key =
        |seed| move |r: &mut Value, at: usize| r["principals"][at]["keys"] = json!([line(seed)]);
    let comment = format!("{} alice@example", line(1));
    let weak = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    check(&[
        (
            "one name twice",
            &|r| r["principals"][2]["id"] = "alice".into(),
            &|e| matches!(e, RootError::PrincipalTwice(id) if id.as_str() == "alice"),
        ),
        ("a name that is no label", &|r| r["principals"][0]["id"] = "Alice".into(), &|e| {
            matches!(e, RootError::Read(_))
        }),
        (
            "no key",
            &|r| r["principals"][0]["keys"] = json!([]),
            &|e| matches!(e, RootError::NoKey(id) if id.as_str() == "alice"),
        ),
        (
            "a key of two people",
            &|r| key(1)(r, 2),
            &|e| matches!(e, RootError::KeyTwice { first, second, .. } if first.as_str() == "alice" && second.as_str() == "bob"),
        ),
        ("a key of a person and a machine", &|r| key(1)(r, 4), &|e| {
            matches!(e, RootError::KeyTwice { .. })
        }),
        ("a key listed twice", &|r| r["principals"][0]["keys"] = json!([line(1), line(1)]), &|e| {
            matches!(e, RootError::KeyTwice { .. })
        }),
        ("a key with a comment", &|r| r["principals"][0]["keys"] = json!([comment]), &|e| {
            matches!(e, RootError::KeyComment(_))
        }),
        ("a weak key", &|r| r["principals"][0]["keys"] = json!([weak]), &|e| {
            matches!(e, RootError::Key { source: KeyError::Weak, .. })
        }),
        ("an RSA key", &|r| r["principals"][0]["keys"] = json!(["ssh-rsa AAAA"]), &|e| {
            matches!(e, RootError::Key { source: KeyError::Kind(_), .. })
        }),
        ("a person with an owner", &|r| r["principals"][0]["owner"] = "bob".into(), &|e| {
            matches!(e, RootError::PersonOwned(_))
        }),
        ("a machine without an owner", &|r| r["principals"][4]["owner"] = "".into(), &|e| {
            matches!(e, RootError::NoOwner(_))
        }),
        ("an owner that is no label", &|r| r["principals"][4]["owner"] = "A b".into(), &|e| {
            matches!(e, RootError::NoOwner(_))
        }),
        ("an owner that is not there", &|r| r["principals"][4]["owner"] = "zoe".into(), &|e| {
            matches!(e, RootError::OwnerUnknown { .. })
        }),
        ("an owner that is a machine", &|r| r["principals"][4]["owner"] = "applier".into(), &|e| {
            matches!(e, RootError::OwnerMachine { .. })
        }),
        ("a machine that owns itself", &|r| r["principals"][4]["owner"] = "planner".into(), &|e| {
            matches!(e, RootError::OwnerMachine { .. })
        }),
        (
            "a person who plans",
            &|r| r["principals"][0]["roles"] = json!(["planner", "sre"]),
            &|e| matches!(e, RootError::MachineRole { .. }),
        ),
        (
            "a person who applies",
            &|r| r["principals"][0]["roles"] = json!(["applier", "sre"]),
            &|e| matches!(e, RootError::MachineRole { .. }),
        ),
    ]);
}

#[test]
fn every_rule_about_the_quorum_refuses_by_itself() {
    let lax = |class: &str| {
        let mut entry = entry("prod", class, &[("sre", 1)]);
        entry["requesterMayApprove"] = true.into();
        entry
    };
    check(&[
        ("no environment", &|r| r["quorum"] = json!([]), &|e| {
            matches!(e, RootError::NoEnvironment)
        }),
        ("nothing below outage", &|r| drop(r["quorum"].as_array_mut().unwrap().remove(0)), &|e| {
            matches!(e, RootError::Uncovered { least: Class::Outage, .. })
        }),
        (
            "another environment not covered",
            &|r| {
                r["quorum"].as_array_mut().unwrap().push(entry(
                    "staging",
                    "additive",
                    &[("sre", 1)],
                ))
            },
            &|e| matches!(e, RootError::Uncovered { least: Class::Additive, .. }),
        ),
        ("two entries for a class", &|r| r["quorum"][1]["class"] = "none".into(), &|e| {
            matches!(e, RootError::EntryTwice { class: Class::None, .. })
        }),
        ("an unknown class", &|r| r["quorum"][1]["class"] = "Outage".into(), &|e| {
            matches!(e, RootError::Read(_))
        }),
        ("nobody required", &|r| r["quorum"][0]["require"] = json!([]), &|e| {
            matches!(e, RootError::NobodyRequired { .. })
        }),
        ("a count of 0", &|r| r["quorum"][0]["require"][0]["count"] = 0.into(), &|e| {
            matches!(e, RootError::CountZero { .. })
        }),
        ("a negative count", &|r| r["quorum"][0]["require"][0]["count"] = (-1).into(), &|e| {
            matches!(e, RootError::Read(_))
        }),
        (
            "no count",
            &|r| drop(r["quorum"][0]["require"][0].as_object_mut().unwrap().remove("count")),
            &|e| matches!(e, RootError::Read(_)),
        ),
        ("a role twice", &|r| r["quorum"][1]["require"][0]["role"] = "sre".into(), &|e| {
            matches!(e, RootError::RoleTwice { .. })
        }),
        (
            "a planner required",
            &|r| r["quorum"][0]["require"][0]["role"] = "planner".into(),
            &|e| matches!(e, RootError::RoleNotRequirable { .. }),
        ),
        (
            "an applier required",
            &|r| r["quorum"][1]["require"][0]["role"] = "applier".into(),
            &|e| matches!(e, RootError::RoleNotRequirable { .. }),
        ),
        ("a role nobody has", &|r| r["quorum"][1]["require"][0]["role"] = "cto".into(), &|e| {
            matches!(e, RootError::TooFewOfRole { found: 0, .. })
        }),
        ("more than there are", &|r| r["quorum"][1]["require"][1]["count"] = 4.into(), &|e| {
            matches!(e, RootError::TooFewOfRole { wanted: 4, found: 3, .. })
        }),
        ("a huge count", &|r| r["quorum"][1]["require"][1]["count"] = u32::MAX.into(), &|e| {
            matches!(e, RootError::TooFewOfRole { .. })
        }),
        (
            "more at once than there are",
            &|r| r["quorum"][1]["require"][1]["count"] = 3.into(),
            &|e| matches!(e, RootError::TooFewPeople { wanted: 4, found: 3, .. }),
        ),
        (
            "only a machine has the role",
            &|r| {
                r["principals"][4]["roles"] = json!(["cto", "planner"]);
                r["quorum"][1]["require"][0]["role"] = "cto".into();
            },
            &|e| matches!(e, RootError::TooFewOfRole { found: 0, .. }),
        ),
        (
            "a role's only key revoked",
            &|r| r["revoked"]["keys"] = json!([public(3).fingerprint()]),
            &|e| matches!(e, RootError::TooFewOfRole { found: 0, .. }),
        ),
        (
            "a count falls",
            &|r| {
                r["quorum"][0]["require"][0]["count"] = 2.into();
            },
            &|e| {
                matches!(
                    e,
                    RootError::QuorumFalls {
                        lower: 2,
                        higher: 1,
                        class: Class::Outage,
                        below: Class::None,
                        ..
                    }
                )
            },
        ),
        (
            "a role is dropped",
            &|r| r["quorum"][1]["require"] = json!([{"role": "dba", "count": 1}]),
            &|e| matches!(e, RootError::QuorumFalls { lower: 1, higher: 0, .. }),
        ),
        (
            "more of one role for less of another",
            &|r| {
                r["quorum"][0]["require"] = json!([{"role": "dba", "count": 1}]);
                r["quorum"][1]["require"] = json!([{"role": "sre", "count": 2}]);
            },
            &|e| matches!(e, RootError::QuorumFalls { .. }),
        ),
        (
            "the requester may approve only what is worse",
            &|r| r["quorum"][1] = lax("outage"),
            &|e| matches!(e, RootError::RequesterFalls { class: Class::Outage, .. }),
        ),
    ]);
}

#[test]
fn no_other_spelling_of_the_same_root_loads() {
    let bytes = spelled(&root());
    let text = String::from_utf8(bytes.clone()).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let reversed = |pointer: &str| {
        let mut value = value.clone();
        value.pointer_mut(pointer).unwrap().as_array_mut().unwrap().reverse();
        String::from_utf8(spelled(&value)).unwrap()
    };
    for other in [
        value.to_string(),
        text.replace("  ", "    "),
        text.replace("  ", "\t"),
        text.replace('\n', "\r\n"),
        text.trim_end().to_owned(),
        format!("{text}\n"),
        format!("\n{text}"),
        text.replacen("alice", "\\u0061lice", 1),
        text.replacen("\"version\": 7", "\"version\":7", 1),
        reversed("/principals"),
        reversed("/quorum"),
        reversed("/principals/3/roles"),
        reversed("/quorum/1/require"),
        text.replacen("\"approvals\": []", "\"approvals\": [\n    ]", 1),
    ] {
        let refused = TrustRoot::parse(other.as_bytes()).unwrap_err();
        assert!(matches!(refused, RootError::Spelling { .. }), "{refused}: {other}");
    }
    let moved =
        text.replacen("  \"version\": 7\n", "", 1).replacen("{\n", "{\n  \"version\": 7,\n", 1);
    assert!(TrustRoot::parse(moved.as_bytes()).is_err());
    for double in ["version", "principals", "quorum", "revoked", "kind"] {
        let doubled = text.replacen('{', &format!("{{\n  \"{double}\": 1,"), 1);
        assert!(
            matches!(TrustRoot::parse(doubled.as_bytes()), Err(RootError::Read(_))),
            "{double}"
        );
    }
    let doubled = [&bytes[..], &bytes[..]].concat();
    assert!(matches!(TrustRoot::parse(&doubled), Err(RootError::Read(_))));
    let error = TrustRoot::parse(text.replacen("alice", "alic", 1).as_bytes()).unwrap_err();
    assert!(matches!(error, RootError::OwnerUnknown { .. }));
}

#[test]
fn a_flip_of_any_bit_is_refused_or_another_digest() {
    let bytes = spelled(&root());
    let good = TrustRoot::parse(&bytes).unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut other = bytes.clone();
            other[at] ^= 1 << bit;
            if let Ok(root) = TrustRoot::parse(&other) {
                assert_eq!(root.to_bytes(), other);
                assert_ne!(root.digest(), good.digest(), "byte {at}, bit {bit}");
            }
        }
    }
    for end in 0..bytes.len() {
        assert!(TrustRoot::parse(&bytes[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn a_revoked_key_signs_for_nobody_and_still_has_a_name() {
    let mut value = root();
    value["revoked"]["keys"] = json!([public(1).fingerprint()]);
    value["revoked"]["approvals"] = json!([ApprovalId::from_random([7; 16])]);
    let root = load(&value).unwrap();
    assert!(root.is_revoked_key(&public(1)) && !root.is_revoked_key(&public(2)));
    assert!(root.keys_of(&label("alice")).is_empty());
    assert!(root.principal_of(&public(1)).is_none());
    assert_eq!(root.holder_of(&public(1)).unwrap().id(), &label("alice"));
    assert!(root.all_keys().contains(&&public(1)));
    let sre: Vec<_> = root.people_of_role(&label("sre")).map(|p| p.id().to_string()).collect();
    assert_eq!(sre, ["bob", "carol"]);
    assert!(root.is_revoked_approval(&ApprovalId::from_random([7; 16])));
    assert!(!root.is_revoked_approval(&ApprovalId::from_random([8; 16])));
}

#[test]
fn a_machine_may_have_a_role_and_is_not_among_its_people() {
    let mut value = root();
    value["principals"][4]["roles"] = json!(["planner", "sre"]);
    let root = load(&value).unwrap();
    let people: Vec<_> = root.people_of_role(&label("sre")).map(|p| p.id().to_string()).collect();
    assert_eq!(people, ["alice", "bob", "carol"]);
    assert!(matches!(machine("m", "o", 1, &[])["machine"], Value::Bool(true)));
    assert!(matches!(person("p", 1, &[])["machine"], Value::Bool(false)));
}
