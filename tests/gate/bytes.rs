//! Every byte of everything that is signed or trusted, flipped, cut or doubled: refused with its
//! code. What may differ is named here and nowhere else: the key that an envelope names, and
//! whitespace around what was signed.

use countersign::document::code::Code;
use countersign::document::statement::Statement;
use countersign::gate::approval::{Against, judge};
use countersign::gate::{Paper, Papers, Refusal, against_trust, planned_by};
use countersign::plan::Plan;
use countersign::trust::root::TrustRoot;
use countersign::trust::sshsig::NAMESPACE;

use crate::support::apply::now;
use crate::support::project::Project;
use crate::support::trust::run;

/// One way to spoil bytes at a place.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Spoil {
    Low,
    High,
    Cut,
    Twice,
}

/// All bytes spoilt at every place, and what was done.
fn spoilt(bytes: &[u8]) -> impl Iterator<Item = (usize, Spoil, Vec<u8>)> + '_ {
    let ways = [Spoil::Low, Spoil::High, Spoil::Cut, Spoil::Twice];
    let each = move |at| ways.map(|way| (at, way, spoil(bytes, at, way)));
    (0..bytes.len()).flat_map(each)
}

fn spoil(bytes: &[u8], at: usize, way: Spoil) -> Vec<u8> {
    let mut spoilt = bytes.to_vec();
    match way {
        Spoil::Low => spoilt[at] ^= 1,
        Spoil::High => spoilt[at] ^= 0x80,
        Spoil::Cut => spoilt.truncate(at),
        Spoil::Twice => spoilt.insert(at, bytes[at]),
    }
    spoilt
}

/// Other spellings of JSON: indented, members in another order, whitespace, a mark in front, twice.
fn respelled(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let value: serde_json::Value = serde_json::from_slice(bytes).unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    vec![
        ("indented", serde_json::to_vec_pretty(&value).unwrap()),
        ("plain", serde_json::to_vec(&value).unwrap()),
        ("reordered", reversed(&value).into_bytes()),
        ("a space", format!(" {text}").into_bytes()),
        ("line ends", text.replace('\n', "\r\n").into_bytes()),
        ("a mark", format!("\u{feff}{text}").into_bytes()),
        ("twice", text.repeat(2).into_bytes()),
        ("nothing", Vec::new()),
        ("null", b"null\n".to_vec()),
    ]
}

/// The text of a value with the members of every object in reverse order.
fn reversed(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Object(members) => {
            let member = |(name, value): (&String, &serde_json::Value)| {
                format!("{}:{}", serde_json::json!(name), reversed(value))
            };
            let members: Vec<_> = members.iter().rev().map(member).collect();
            format!("{{{}}}", members.join(","))
        }
        serde_json::Value::Array(items) => {
            format!("[{}]", items.iter().map(reversed).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

/// Why this is not the plan that was signed: steps 1 and 3.
fn refusal_of_plan(bytes: &[u8], papers: &Papers, root: &TrustRoot) -> Refusal {
    match Plan::open(bytes.to_vec()) {
        Err(error) => Refusal::Plan(Box::new(error)),
        // Another plan that makes sense, which the planner never signed.
        Ok(plan) => planned_by(&plan, papers, root).unwrap_err(),
    }
}

#[test]
fn no_byte_of_a_plan_can_be_another() {
    let project = Project::planned();
    let (papers, trusted) = (project.papers(), project.trusted());
    let good = std::fs::read(project.paper("plan.json")).unwrap();
    let plan = Plan::open(good.clone()).unwrap();
    planned_by(&plan, &papers, &trusted.root).unwrap();
    let mut others = 0;
    for (at, way, bytes) in spoilt(&good) {
        let refusal = refusal_of_plan(&bytes, &papers, &trusted.root);
        assert_eq!(refusal.code(), Code::PlanIntegrity, "{way:?} at {at}: {refusal}");
        others += u32::from(!matches!(refusal, Refusal::Plan(_)));
    }
    // Words of the model and names, which follow from nothing.
    assert!(others > 10, "{others}");
    for (what, bytes) in respelled(&good) {
        let refusal = refusal_of_plan(&bytes, &papers, &trusted.root);
        assert!(matches!(refusal, Refusal::Plan(_)), "{what}: {refusal}");
    }
}

/// Where the name of the key stands in an envelope.
fn name_of_key(envelope: &[u8]) -> std::ops::Range<usize> {
    let text = std::str::from_utf8(envelope).unwrap();
    let start = text.find("\"keyid\":\"").unwrap() + "\"keyid\":\"".len();
    start..start + text[start..].find('"').unwrap()
}

/// What a reader of envelopes may pass over: the name of the key, and the last line feed.
fn passed_over(envelope: &[u8], at: usize, way: Spoil) -> bool {
    let last = at + 1 == envelope.len() && matches!(way, Spoil::Cut | Spoil::Twice);
    last || (name_of_key(envelope).contains(&at) && matches!(way, Spoil::Low | Spoil::Twice))
}

#[test]
fn no_byte_of_a_planners_statement_can_be_another() {
    let project = Project::planned();
    let trusted = project.trusted();
    let plan = Plan::open(std::fs::read(project.paper("plan.json")).unwrap()).unwrap();
    let good = project.papers().planner.unwrap();
    let said = |bytes: Vec<u8>| {
        let papers = Papers { planner: Some(bytes), approvals: Vec::new() };
        planned_by(&plan, &papers, &trusted.root).map_err(Box::new)
    };
    let honest = said(good.clone()).unwrap();
    for (at, way, bytes) in spoilt(&good) {
        match said(bytes) {
            Ok(planned) => {
                assert!(passed_over(&good, at, way), "{way:?} at {at}");
                assert_eq!(planned, honest);
            }
            Err(refusal) => assert_eq!(refusal.code(), Code::PlanIntegrity, "{way:?} at {at}"),
        }
    }
    for (what, bytes) in respelled(&good) {
        let free = ["indented", "plain", "reordered", "a space", "line ends"].contains(&what);
        assert_eq!(said(bytes).is_ok_and(|planned| planned == honest), free, "{what}");
    }
}

#[test]
fn no_byte_of_an_approval_can_be_another() {
    let project = Project::approved();
    let trusted = project.trusted();
    let against = Against {
        plan: project.digest(),
        policy: trusted.bundle.digest(),
        root: &trusted.root,
        now: now(),
        spent: &|_| false,
    };
    let paper = project.papers().approvals.remove(0);
    let honest = judge(&paper, &against).unwrap();
    for (at, way, bytes) in spoilt(&paper.bytes) {
        if let Ok(approval) = judge(&Paper { bytes, ..paper.clone() }, &against) {
            assert!(passed_over(&paper.bytes, at, way), "{way:?} at {at}");
            assert_eq!(approval, honest);
        }
    }
    for (what, bytes) in respelled(&paper.bytes) {
        let free = ["indented", "plain", "reordered", "a space", "line ends"].contains(&what);
        let judged = judge(&Paper { bytes, ..paper.clone() }, &against);
        assert_eq!(judged.is_ok_and(|approval| approval == honest), free, "{what}");
    }
}

#[test]
fn no_byte_of_an_approval_by_ssh_keygen_can_be_another() {
    let project = Project::planned();
    let statement = Statement { plan: project.digest(), predicate: project.approval("bob") };
    let good = statement.to_bytes().unwrap();
    project.put_paper("bob.json", &good);
    let mut command = std::process::Command::new("ssh-keygen");
    command.args(["-q", "-Y", "sign", "-n", NAMESPACE, "-f"]).arg(project.root().join("keys/bob"));
    run(command.arg(project.paper("approvals/bob.json")));
    let trusted = project.trusted();
    let against = Against {
        plan: project.digest(),
        policy: trusted.bundle.digest(),
        root: &trusted.root,
        now: now(),
        spent: &|_| false,
    };
    let paper = project.papers().approvals.remove(0);
    let signature = paper.signature.clone().unwrap();
    let honest = judge(&paper, &against).unwrap();
    assert_eq!(honest, statement.predicate);
    for (at, way, bytes) in spoilt(&good) {
        assert!(judge(&Paper { bytes, ..paper.clone() }, &against).is_err(), "{way:?} at {at}");
    }
    for (at, way, bytes) in spoilt(&signature) {
        let judged = judge(&Paper { signature: Some(bytes), ..paper.clone() }, &against);
        // The line feed after the last line.
        let free = at + 1 == signature.len() && way == Spoil::Cut;
        assert_eq!(judged.is_ok(), free, "{way:?} at {at}");
    }
    for (what, bytes) in respelled(&good) {
        // What was signed is already the plain spelling.
        let judged = judge(&Paper { bytes, ..paper.clone() }, &against);
        assert_eq!(judged.is_ok(), what == "plain" || what == "line ends", "{what}");
    }
}

#[test]
fn no_byte_of_a_trust_root_that_was_applied_with_can_be_another() {
    let project = Project::approved();
    project.apply().must(Code::Ok);
    let ledger = project.ledger();
    let good = std::fs::read(project.file("trust.json")).unwrap();
    let text = std::str::from_utf8(&good).unwrap();
    let version = text.find("\"version\": 5").unwrap() + "\"version\": ".len();
    let load = |bytes: &[u8]| TrustRoot::parse(bytes);
    assert!(against_trust(&load(&good).unwrap(), Some(&ledger), now()).is_empty());
    let mut loads = 0;
    for (at, way, bytes) in spoilt(&good) {
        let Ok(root) = load(&bytes) else { continue };
        let refusals = against_trust(&root, Some(&ledger), now());
        let code = refusals.first().map(Refusal::code);
        // A higher version is how a trust root changes: whoever writes the trusted side may do that.
        let newer = at == version && way == Spoil::Twice;
        assert_eq!(code, (!newer).then_some(Code::TrustInvalid), "{way:?} at {at}");
        loads += 1;
    }
    assert!(loads > 3, "{loads}");
    for (what, bytes) in respelled(&good) {
        assert!(load(&bytes).is_err() || bytes == good, "{what}");
    }
}

/// A few of all these places through the whole program: the code that a pipeline sees, and nothing
/// that changed.
#[test]
fn the_program_refuses_spoilt_bytes_with_their_codes() {
    let approval = std::fs::read_dir(Project::approved().paper("approvals"))
        .unwrap()
        .map(|entry| format!("plans/change/approvals/{}", entry.unwrap().file_name().display()))
        .min()
        .unwrap();
    let cases = [
        ("plans/change/plan.json".to_owned(), Code::PlanIntegrity),
        ("plans/change/planner.intoto.json".to_owned(), Code::PlanIntegrity),
        (approval, Code::ApprovalInvalid),
        ("trust.json".to_owned(), Code::TrustInvalid),
        ("countersign.toml".to_owned(), Code::TrustInvalid),
    ];
    for (name, code) in cases {
        let good = std::fs::read(Project::approved().file(&name)).unwrap();
        let mid = good.len() / 2;
        for way in [Spoil::Low, Spoil::High, Spoil::Cut] {
            // Its comments may say anything.
            if name == "countersign.toml" && way != Spoil::High {
                continue;
            }
            let project = Project::approved();
            std::fs::write(project.file(&name), spoil(&good, mid, way)).unwrap();
            project.refuses(code, "");
            let said = project.run(&["-o", "json", "verify", "plans/change", "--trusted", "."]);
            let said: serde_json::Value = serde_json::from_str(&said.out).unwrap();
            assert_eq!(said["code"], code.number(), "{name}: {said}");
        }
    }
}
