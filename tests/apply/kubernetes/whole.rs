//! What a whole apply does, and that it sends no more than that.

use std::cell::Cell;
use std::time::Duration;

use countersign::apply::Stop;
use countersign::apply::kubernetes::{Patience, Place, given_up};
use countersign::custody::vault::Vault;
use countersign::document::statement::{Fate, Outcome};
use countersign::ledger::local::Local;
use countersign::ledger::{Home, Ledger};
use countersign::plan::Plan;
use serde_json::{Value, json};

use super::stage::{Hooks, PATIENCE, Stage, applied, config};
use crate::support::apply::*;

#[test]
fn every_verb_is_written_once_and_reads_back_as_planned() {
    let stage = Stage::new();
    stage.ours(&stage.configmap("changed", json!({"a": "1"})));
    stage.theirs(&stage.configmap("patched", json!({"a": "1", "b": "1"})));
    stage.theirs(&stage.configmap("listed", json!({"a": "1"})));
    stage.theirs(&stage.configmap("gone", json!({"a": "1"})));
    let resource = |name| json!({"apiVersion": "v1", "kind": "ConfigMap", "namespace": stage.name(), "name": name});
    let plan = stage.plan(json!([
        applied(&stage.configmap("made", json!({"a": "1"}))),
        applied(&stage.configmap("changed", json!({"a": "2"}))),
        {"patch": {"resource": resource("patched"), "merge": {"data": {"a": "2", "b": null}}}},
        {"patch": {"resource": resource("listed"), "operations": [
            {"op": "replace", "path": "/data/a", "value": "2"}]}},
        stage.delete("v1", "ConfigMap", "gone"),
    ]));
    let ended = stage.apply(&plan);
    ended.must(Outcome::Applied);
    assert_eq!(ended.fates(), [Fate::Written; 5]);
    assert_eq!(stage.data("made"), json!({"a": "1"}));
    assert_eq!(stage.data("changed"), json!({"a": "2"}));
    assert_eq!(stage.data("patched"), json!({"a": "2"}));
    assert_eq!(stage.data("listed"), json!({"a": "2"}));
    assert_eq!(stage.data("gone"), Value::Null);
    assert_eq!(ended.writes.len(), 5, "{:?}", ended.writes);
    let without: Vec<_> = ended.report.lines();
    assert_eq!(without.iter().filter(|line| line.digest.is_empty()).count(), 1, "{without:?}");
}

#[test]
fn what_was_rehearsed_too_long_ago_is_rehearsed_again_before_it_is_written() {
    let stage = Stage::new();
    stage.ours(&stage.configmap("x", json!({"a": "1"})));
    let plan = stage.plan(json!([applied(&stage.configmap("x", json!({"a": "2"})))]));
    let patience = Patience { rehearsed: Duration::ZERO, ..PATIENCE };
    let mark = stage.cluster.mark();
    stage.apply_with(&plan, Hooks { patience, ..Hooks::default() }).must(Outcome::Applied);
    let sent = stage.cluster.audit(stage.user.name(), mark);
    let kinds: Vec<bool> =
        sent.iter().filter(|one| one.verb == "patch").map(|one| one.dry_run).collect();
    assert_eq!(kinds, [true, false]);
}

#[test]
fn no_write_begins_at_expiry_or_later() {
    let stage = Stage::new();
    let plan = stage.plan(json!([applied(&stage.configmap("x", json!({"a": "2"})))]));
    let late = || "2026-03-01T10:00:00Z".parse().unwrap();
    let ended = stage.apply_with(&plan, Hooks { now: &late, ..Hooks::default() });
    ended.must(Outcome::FailedClean);
    assert!(ended.stop().contains("expired"), "{}", ended.stop());
    assert!(ended.writes.is_empty());
}

/// A plan of three objects, one after the other.
fn in_a_row(stage: &Stage) -> Plan {
    let names = ["a", "b", "c"];
    let operations = names.iter().enumerate().map(|(at, name)| {
        let needs: Vec<&str> = names[..at].last().into_iter().copied().collect();
        let body = stage.configmap(name, json!({"a": "1"}));
        json!({"id": name, "apply": body, "dependsOn": needs})
    });
    stage.plan(Value::Array(operations.collect()))
}

#[test]
fn an_interrupt_stops_before_the_next_object() {
    let stage = Stage::new();
    let plan = in_a_row(&stage);
    // Asked before an object is recorded, before it is sent, and while the wave is waited for.
    let asked = Cell::new(0);
    let interrupted = || asked.replace(asked.get() + 1) >= 2;
    let ended = stage.apply_with(&plan, Hooks { interrupted: &interrupted, ..Hooks::default() });
    ended.must(Outcome::Partial);
    assert_eq!(ended.fates(), [Fate::Written, Fate::NotWritten, Fate::NotWritten]);
    assert!(ended.stop().contains("interrupted"), "{}", ended.stop());
    let ended = stage.resume(&plan);
    ended.must(Outcome::Applied);
    assert_eq!(ended.fates(), [Fate::AlreadyWritten, Fate::Written, Fate::Written]);
    assert_eq!(ended.writes.len(), 2);
}

#[test]
fn whoever_gives_up_is_told_what_is_written_and_what_is_not() {
    let stage = Stage::new();
    for name in ["a", "b", "c"] {
        stage.ours(&stage.configmap(name, json!({"a": "1"})));
    }
    let operations = ["a", "b", "c"].map(|name| applied(&stage.configmap(name, json!({"a": "2"}))));
    let plan = stage.plan(Value::Array(operations.into()));
    stage.ours(&stage.configmap("a", json!({"a": "2"})));
    stage.theirs(&stage.configmap("c", json!({"a": "9"})));
    let mark = stage.cluster.mark();
    let reach = stage.reach(Vault::empty());
    let place = Place { target: stage.target(), reach: &reach, patience: PATIENCE };
    let report = given_up(&plan, place);
    let fates: Vec<Fate> = report.items().iter().map(|item| item.fate).collect();
    assert_eq!(fates, [Fate::AlreadyWritten, Fate::NotWritten, Fate::NotWritten]);
    assert!(report.lines()[2].because.contains("not what it was when planned"));
    assert!(report.stop().is_none(), "{report:?}");
    assert!(stage.writes(mark).is_empty());
}

/// Of three objects, one after the other, the first is written.
fn half_done(stage: &Stage) -> Plan {
    let plan = in_a_row(stage);
    let asked = Cell::new(0);
    let interrupted = || asked.replace(asked.get() + 1) >= 2;
    let ended = stage.apply_with(&plan, Hooks { interrupted: &interrupted, ..Hooks::default() });
    ended.must(Outcome::Partial);
    plan
}

/// The same namespace, by an entry that pins another authority: nothing can be looked at.
fn unseen(stage: Stage) -> Stage {
    let ca = format!("sha256:{}", "0".repeat(64));
    Stage { config: config(&stage.cluster.uid(), &ca, stage.name(), ""), ..stage }
}

#[test]
fn whoever_gives_up_without_a_look_is_not_told_that_nothing_is_written() {
    let stage = Stage::new();
    let plan = half_done(&stage);
    let stage = unseen(stage);
    let reach = stage.reach(Vault::empty());
    let report =
        given_up(&plan, Place { target: stage.target(), reach: &reach, patience: PATIENCE });
    assert!(report.stop().is_some());
    for line in report.lines() {
        assert!(line.because.starts_with("not looked at: "), "{line:?}");
    }
}

#[test]
fn a_resume_that_sees_nothing_does_not_say_that_nothing_is_written() {
    let stage = Stage::new();
    let plan = half_done(&stage);
    let stage = unseen(stage);
    stage.resume(&plan).must(Outcome::Partial);
}

#[test]
fn another_cluster_or_authority_than_the_pinned_one_is_written_nothing() {
    let stage = Stage::new();
    let plan = stage.plan(json!([applied(&stage.configmap("x", json!({"a": "2"})))]));
    for (uid, ca, says) in [
        ("00000000-0000-0000-0000-000000000000", None, "is pinned to"),
        (&*stage.cluster.uid(), Some(format!("sha256:{}", "0".repeat(64))), "is pinned to"),
    ] {
        let stage = Stage::new();
        let ca = ca.unwrap_or_else(|| stage.target().ca.clone());
        let stage = Stage { config: config(uid, &ca, stage.name(), ""), ..stage };
        let ended = stage.apply(&plan);
        ended.must(Outcome::FailedClean);
        assert!(ended.stop().contains(says), "{}", ended.stop());
        assert!(ended.writes.is_empty());
    }
}

#[test]
fn many_objects_are_looked_at_by_few_requests() {
    let stage = Stage::new();
    let names: Vec<String> = (0..60).map(|at| format!("x{at:02}")).collect();
    for name in names.iter().step_by(2) {
        stage.ours(&stage.configmap(name, json!({"a": "1"})));
    }
    let plan = stage.plan(Value::Array(
        names.iter().map(|name| applied(&stage.configmap(name, json!({"a": "2"})))).collect(),
    ));
    let ended = stage.apply(&plan);
    ended.must(Outcome::Applied);
    assert_eq!(ended.writes.len(), 60);
    assert!(ended.writes.iter().all(|write| write.code < 300), "{:?}", ended.writes);
}

#[test]
fn a_ledger_that_takes_no_record_permits_no_write() {
    let stage = Stage::new();
    let plan = stage.plan(json!([applied(&stage.configmap("x", json!({"a": "2"})))]));
    let ledger = stage.ledger();
    let spent = stage.spent(&ledger, &plan, false);
    let other = tempfile::tempdir().unwrap();
    let store = Home::local(Local::create(&other.path().join("ledger")).unwrap());
    let foreign = Ledger::create(store, &label("shop"), id(2), now()).unwrap();
    let mark = stage.cluster.mark();
    let (report, _) = stage.run(&plan, (&foreign, &spent), Hooks::default(), Vault::empty());
    assert!(matches!(report.stop(), Some(Stop::Ledger(_))), "{report:?}");
    assert_eq!(report.outcome(), Outcome::FailedClean);
    assert!(stage.writes(mark).is_empty());
}
