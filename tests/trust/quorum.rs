//! Counting people: who counts, where, and never twice.

use countersign::document::effect::Class;
use countersign::document::ident::Digest;
use countersign::document::statement::{Approval, ApprovalId, Decision};
use countersign::trust::quorum::{Demand, Question, QuorumError, Standing, count};
use countersign::trust::root::TrustRoot;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::trust::{entry, label, load, machine, person, public, root};

/// A statement of `principal`, made `minute` minutes after noon.
pub(crate) fn approval(principal: &str, decision: Decision, id: u8, minute: i64) -> Approval {
    let noon: countersign::clock::Instant = "2026-01-01T12:00:00Z".parse().unwrap();
    Approval {
        decision,
        approval_id: ApprovalId::from_random([id; 16]),
        principal: label(principal),
        approved_at: noon.plus_seconds(60 * minute),
        expires_at: noon.plus_seconds(60 * 60 * 8),
        policy_digest: Digest::of(b"policy"),
        trust_version: "7".to_owned(),
        renderer: "countersign 0.1.0".to_owned(),
        reason: String::new(),
    }
}

fn yes(principal: &str, id: u8) -> Approval {
    approval(principal, Decision::Approve, id, i64::from(id))
}

fn no(principal: &str, id: u8) -> Approval {
    approval(principal, Decision::Reject, id, i64::from(id))
}

fn demand(role: &str, count: u32) -> Demand {
    Demand { role: label(role), count }
}

fn ask(
    root: &TrustRoot,
    worst: Class,
    raised: &[Demand],
    requested_by: Option<&str>,
    statements: &[Approval],
) -> Result<Standing, QuorumError> {
    let requested_by = requested_by.map(label);
    count(
        root,
        &Question {
            environment: &label("prod"),
            worst,
            raised,
            planner: &label("planner"),
            requested_by: requested_by.as_ref(),
            statements,
        },
    )
}

/// Who fills which place, as `person:role`.
fn filled(standing: &Standing) -> Vec<String> {
    standing.counted.iter().map(|one| format!("{}:{}", one.principal, one.role)).collect()
}

/// What is open, as `role:count:who,could`.
fn open(standing: &Standing) -> Vec<String> {
    let one = |place: &countersign::trust::quorum::Missing| {
        let could: Vec<_> = place.could.iter().map(ToString::to_string).collect();
        format!("{}:{}:{}", place.role, place.count, could.join(","))
    };
    standing.missing.iter().map(one).collect()
}

/// Prod asks for `require`; eve is one more person, without a role that is asked for.
fn wanting(require: &[(&str, u32)]) -> Value {
    let mut value = root();
    value["principals"].as_array_mut().unwrap().insert(4, person("eve", 6, &["intern"]));
    value["quorum"] = json!([entry("prod", "none", require)]);
    value
}

#[test]
fn nothing_said_is_nothing_filled() {
    let root = load(&root()).unwrap();
    let standing = ask(&root, Class::Outage, &[], None, &[]).unwrap();
    assert!(!standing.is_met());
    assert_eq!(standing.required, [demand("dba", 1), demand("sre", 1)]);
    assert_eq!(open(&standing), ["dba:1:carol", "sre:1:bob,carol"]);
}

#[test]
fn one_person_with_two_keys_or_many_statements_is_one() {
    let mut value = wanting(&[("sre", 2)]);
    value["principals"][2]["keys"] = json!([public(2).to_openssh(), public(12).to_openssh()]);
    let keys = value["principals"][2]["keys"].as_array_mut().unwrap();
    keys.sort_by_key(|key| key.as_str().unwrap().to_owned());
    let root = load(&value).unwrap();
    let statements: Vec<_> = (1..=5).map(|id| yes("bob", id)).collect();
    let standing = ask(&root, Class::None, &[], None, &statements).unwrap();
    assert_eq!(filled(&standing), ["bob:sre"]);
    assert_eq!(standing.counted[0].approval, ApprovalId::from_random([5; 16]));
    assert_eq!(open(&standing), ["sre:1:carol"]);
}

#[test]
fn one_person_never_fills_two_places() {
    let root = load(&root()).unwrap();
    let standing = ask(&root, Class::Outage, &[], None, &[yes("carol", 1)]).unwrap();
    assert_eq!(filled(&standing), ["carol:dba"]);
    assert_eq!(open(&standing), ["sre:1:bob"]);
    assert!(!standing.is_met());
}

#[test]
fn a_person_of_two_roles_sits_where_it_helps_most() {
    let root = load(&root()).unwrap();
    for statements in [[yes("bob", 1), yes("carol", 2)], [yes("carol", 2), yes("bob", 1)]] {
        let standing = ask(&root, Class::Outage, &[], None, &statements).unwrap();
        assert!(standing.is_met());
        assert_eq!(filled(&standing), ["carol:dba", "bob:sre"]);
    }
}

#[test]
fn a_machine_never_counts_whatever_roles_it_has() {
    let mut value = wanting(&[("sre", 1)]);
    value["principals"][1]["roles"] = json!(["applier", "sre"]);
    let principals = value["principals"].as_array_mut().unwrap();
    principals.insert(2, machine("ai", "bob", 8, &["sre"]));
    principals.sort_by_key(|principal| principal["id"].as_str().unwrap().to_owned());
    value["quorum"][0]["requesterMayApprove"] = true.into();
    let root = load(&value).unwrap();
    let statements = [yes("ai", 1), yes("applier", 2), yes("planner", 3)];
    let standing = ask(&root, Class::None, &[], None, &statements).unwrap();
    assert_eq!(filled(&standing), [""; 0]);
    // Nor does its no.
    let standing = ask(&root, Class::None, &[], None, &[no("ai", 1), yes("bob", 2)]).unwrap();
    assert!(standing.is_met());
}

#[test]
fn whoever_asked_or_answers_for_the_planner_does_not_count() {
    let root = load(&wanting(&[("sre", 1)])).unwrap();
    // alice owns the planner; bob asked, by himself or through a machine of his.
    for (requested_by, who) in [
        (None, "alice"),
        (Some("bob"), "alice"),
        (Some("bob"), "bob"),
        (Some("applier"), "bob"),
        (Some("carol"), "carol"),
    ] {
        let standing = ask(&root, Class::None, &[], requested_by, &[yes(who, 1)]).unwrap();
        assert_eq!(filled(&standing), [""; 0], "{requested_by:?} {who}");
        assert!(!open(&standing)[0].contains(who), "{requested_by:?} {who}");
    }
    let standing = ask(&root, Class::None, &[], Some("bob"), &[yes("carol", 1)]).unwrap();
    assert!(standing.is_met());
}

#[test]
fn a_requester_who_is_nobody_refuses_because_nobody_would_be_excluded() {
    for may in [false, true] {
        let mut value = wanting(&[("sre", 1)]);
        value["quorum"][0]["requesterMayApprove"] = may.into();
        let root = load(&value).unwrap();
        let refused = ask(&root, Class::None, &[], Some("stranger"), &[yes("bob", 1)]);
        assert_eq!(refused.unwrap_err(), QuorumError::Requester(label("stranger")));
    }
}

#[test]
fn where_the_requester_may_approve_it_is_said() {
    let mut value = wanting(&[("sre", 2)]);
    value["quorum"][0]["requesterMayApprove"] = true.into();
    let root = load(&value).unwrap();
    let statements = [yes("alice", 1), yes("bob", 2)];
    let standing = ask(&root, Class::None, &[], None, &statements).unwrap();
    assert!(standing.is_met());
    let own: Vec<_> = standing.counted.iter().map(|one| one.self_approved).collect();
    assert_eq!(own, [true, false]);
}

#[test]
fn the_latest_word_of_a_person_counts_and_at_a_tie_the_no() {
    let root = load(&wanting(&[("sre", 1)])).unwrap();
    let (yes, no) = (Decision::Approve, Decision::Reject);
    for (statements, met) in [
        (vec![(yes, 1), (no, 2)], false),
        (vec![(no, 1), (yes, 2)], true),
        (vec![(yes, 1), (no, 1)], false),
        (vec![(yes, 1), (no, 2), (yes, 3)], true),
        (vec![(yes, 3), (no, 3), (yes, 2)], false),
    ] {
        let mut statements: Vec<_> = statements
            .into_iter()
            .enumerate()
            .map(|(id, (decision, minute))| approval("bob", decision, id as u8, minute))
            .collect();
        for _ in 0..2 {
            let standing = ask(&root, Class::None, &[], None, &statements).unwrap();
            assert_eq!(standing.is_met(), met, "{statements:?}");
            statements.reverse();
        }
    }
}

#[test]
fn the_no_of_somebody_who_could_approve_refuses_and_no_other() {
    let root = load(&wanting(&[("sre", 1)])).unwrap();
    let standing = ask(&root, Class::None, &[], None, &[yes("bob", 1), no("carol", 2)]).unwrap();
    assert!(standing.missing.is_empty() && !standing.is_met());
    assert_eq!(standing.rejected, [label("carol")]);
    // alice owns the planner, eve has no role that is asked for, zoe is nobody.
    let others = [yes("bob", 1), no("alice", 2), no("eve", 3), no("zoe", 4)];
    let standing = ask(&root, Class::None, &[], None, &others).unwrap();
    assert!(standing.is_met());
}

#[test]
fn roles_that_are_not_asked_for_fill_nothing() {
    let root = load(&wanting(&[("dba", 1)])).unwrap();
    let statements = [yes("bob", 1), yes("eve", 2), yes("zoe", 3)];
    let standing = ask(&root, Class::None, &[], None, &statements).unwrap();
    assert_eq!(filled(&standing), [""; 0]);
    assert_eq!(open(&standing), ["dba:1:carol"]);
}

#[test]
fn policies_raise_and_never_lower() {
    let root = load(&wanting(&[("sre", 2)])).unwrap();
    let raised = |raised: &[Demand]| ask(&root, Class::None, raised, None, &[]).map(|s| s.required);
    assert_eq!(raised(&[demand("sre", 1)]).unwrap(), [demand("sre", 2)]);
    assert_eq!(raised(&[demand("sre", 3), demand("sre", 1)]).unwrap(), [demand("sre", 3)]);
    assert_eq!(raised(&[demand("dba", 1)]).unwrap(), [demand("dba", 1), demand("sre", 2)]);
    // More than there are: nobody errs, and it is never met.
    let all = [yes("bob", 1), yes("carol", 2), yes("eve", 3)];
    let standing = ask(&root, Class::None, &[demand("sre", u32::MAX)], None, &all).unwrap();
    assert_eq!((standing.counted.len(), standing.is_met()), (2, false));
    for (role, count, refused) in [
        ("cto", 1, QuorumError::RoleNobodyHas(label("cto"))),
        ("planner", 1, QuorumError::MachineRole(label("planner"))),
        ("applier", 1, QuorumError::MachineRole(label("applier"))),
        ("sre", 0, QuorumError::CountZero(label("sre"))),
    ] {
        assert_eq!(raised(&[demand(role, count)]), Err(refused));
    }
}

#[test]
fn an_unknown_environment_or_planner_refuses() {
    let root = load(&root()).unwrap();
    let question = |environment: &str, planner: &str| {
        let question = Question {
            environment: &label(environment),
            worst: Class::None,
            raised: &[],
            planner: &label(planner),
            requested_by: None,
            statements: &[yes("bob", 1)],
        };
        count(&root, &question).map(|standing| standing.is_met())
    };
    assert_eq!(question("prod", "planner"), Ok(true));
    assert_eq!(question("dev", "planner"), Err(QuorumError::Environment(label("dev"))));
    assert_eq!(question("prod", "zoe"), Err(QuorumError::Planner(label("zoe"))));
    // A person who plans by hand does not approve it either.
    let own = question("prod", "bob");
    assert_eq!(own, Ok(false));
}

#[test]
fn somebody_whose_only_key_is_revoked_could_not_approve() {
    let mut value = wanting(&[("sre", 1)]);
    value["revoked"]["keys"] = json!([public(2).fingerprint()]);
    let root = load(&value).unwrap();
    let standing = ask(&root, Class::None, &[], None, &[yes("bob", 1)]).unwrap();
    assert_eq!(open(&standing), ["sre:1:carol"]);
}

/// Six people of any of three roles, two of whom the first machine's plan belongs to.
fn people() -> impl Strategy<Value = Value> {
    let roles = prop::collection::btree_set(prop::sample::select(vec!["a", "b", "c"]), 0..=3);
    let demands =
        prop::collection::btree_map(prop::sample::select(vec!["a", "b", "c"]), 1_u32..3, 1..=3);
    (prop::collection::vec(roles, 6), demands, any::<bool>()).prop_map(|(roles, demands, own)| {
        let mut principals: Vec<_> = roles
            .iter()
            .enumerate()
            .map(|(n, roles)| {
                let roles: Vec<_> = roles.iter().copied().collect();
                person(&format!("p{n}"), n as u8 + 20, &roles)
            })
            .collect();
        principals.push(machine("planner", "p0", 40, &["planner"]));
        let demands: Vec<_> = demands.into_iter().collect();
        let mut entry = entry("prod", "none", &demands);
        entry["requesterMayApprove"] = own.into();
        json!({
            "apiVersion": "countersign/v1", "kind": "TrustRoot", "version": 1,
            "expiresAt": "2099-01-01T00:00:00Z", "principals": principals, "quorum": [entry],
            "limits": {"approvalMaxHours": 1}, "revoked": {"approvals": [], "keys": []},
        })
    })
}

fn statements() -> impl Strategy<Value = Vec<Approval>> {
    let one = (0..7_u8, prop::bool::weighted(0.9), 0..3_i64);
    prop::collection::vec(one, 0..12).prop_map(|all| {
        all.into_iter()
            .enumerate()
            .map(|(id, (person, yes, minute))| {
                let decision = if yes { Decision::Approve } else { Decision::Reject };
                approval(&format!("p{person}"), decision, id as u8, minute)
            })
            .collect()
    })
}

/// The most places that these people could fill, found by trying every way.
fn most(places: &[String], people: &[(String, Vec<String>)]) -> usize {
    let Some((first, rest)) = people.split_first() else { return 0 };
    let mut best = most(places, rest);
    for (at, role) in places.iter().enumerate() {
        if first.1.contains(role) {
            let mut fewer = places.to_vec();
            fewer.remove(at);
            best = best.max(1 + most(&fewer, rest));
        }
    }
    best
}

proptest! {
    #[test]
    fn counting_is_fair_whatever_the_order(value in people(), statements in statements(), seed in any::<u64>()) {
        let Ok(root) = load(&value) else { return Ok(()) };
        let standing = ask(&root, Class::None, &[], Some("p1"), &statements).unwrap();

        // Any order of the files gives the same.
        let mut shuffled = statements.clone();
        shuffled.sort_by_key(|one| Digest::of(format!("{seed}{}", one.approval_id).as_bytes()));
        prop_assert_eq!(&ask(&root, Class::None, &[], Some("p1"), &shuffled).unwrap(), &standing);

        // Nobody twice, only in a role they have, and nobody whose plan it is unless that is said.
        let own_counts = value["quorum"][0]["requesterMayApprove"].as_bool().unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for one in &standing.counted {
            prop_assert!(seen.insert(one.principal.clone()), "{} twice", one.principal);
            prop_assert!(root.principal(&one.principal).unwrap().has_role(&one.role));
            let own = ["p0", "p1"].contains(&one.principal.as_str());
            prop_assert_eq!(one.self_approved, own);
            prop_assert!(own_counts || !own);
        }

        // Filled and open places are those that are asked for.
        for Demand { role, count } in &standing.required {
            let filled = standing.counted.iter().filter(|one| one.role == *role).count() as u32;
            let open: u32 = standing.missing.iter().filter(|one| one.role == *role).map(|one| one.count).sum();
            prop_assert_eq!(filled + open, *count, "{}", role);
        }

        // As many places are filled as can be.
        let places: Vec<String> = standing
            .required
            .iter()
            .flat_map(|one| vec![one.role.to_string(); one.count as usize])
            .collect();
        let approving: Vec<(String, Vec<String>)> = root
            .principals()
            .filter(|one| own_counts || !["p0", "p1"].contains(&one.id().as_str()))
            .filter(|one| {
                let own = statements.iter().filter(|said| said.principal == *one.id());
                own.max_by_key(|said| (said.approved_at, said.decision))
                    .is_some_and(|said| said.decision == Decision::Approve)
            })
            .map(|one| (one.id().to_string(), one.roles().map(ToString::to_string).collect()))
            .collect();
        prop_assert_eq!(standing.counted.len(), most(&places, &approving));
    }

    #[test]
    fn one_more_yes_never_takes_a_place_away(value in people(), statements in statements(), who in 0..6_u8) {
        let Ok(root) = load(&value) else { return Ok(()) };
        let before = ask(&root, Class::None, &[], None, &statements).unwrap();
        let mut more = statements;
        more.push(approval(&format!("p{who}"), Decision::Approve, 99, 99));
        let after = ask(&root, Class::None, &[], None, &more).unwrap();
        prop_assert!(after.counted.len() >= before.counted.len());
        prop_assert!(after.rejected.len() <= before.rejected.len());
    }
}
