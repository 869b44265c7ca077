//! A network that breaks in the middle of an apply: what became of a request is found out before
//! anything else begins, nothing is sent twice that had its effect, and nothing is claimed that is
//! not known.

use std::cell::Cell;
use std::time::Duration;

use countersign::apply::kubernetes::Patience;
use countersign::custody::vault::Vault;
use countersign::document::statement::{Fate, Outcome};
use countersign::plan::Plan;
use serde_json::{Value, json};

use super::stage::{Ended, Hooks, PATIENCE, Stage, applied, authority};
use crate::support::cluster::{Cluster, cluster};
use crate::support::killed::so_many_side_by_side;
use crate::support::proxy::{Fault, Proxy, Rule, writes};
use crate::support::tls::Between;

/// A stage that reaches its cluster through a proxy.
fn behind() -> (Stage, Proxy) {
    let authority = cluster().authority();
    let proxy = Proxy::before_tls(cluster().address(), Between::new(authority, authority));
    let mut stage = Stage::new();
    stage.server = Some(format!("https://{}", proxy.address()));
    (stage, proxy)
}

/// A creation, an update and a deletion, one after the other.
fn three(stage: &Stage) -> Plan {
    stage.ours(&stage.configmap("b", json!({"a": "1"})));
    stage.ours(&stage.configmap("c", json!({"a": "1"})));
    stage.plan(json!([
        {"id": "a", "apply": stage.configmap("a", json!({"a": "2"}))},
        {"id": "b", "apply": stage.configmap("b", json!({"a": "2"})), "dependsOn": ["a"]},
        {"id": "c", "dependsOn": ["b"], "delete": {
            "apiVersion": "v1", "kind": "ConfigMap", "namespace": stage.name(), "name": "c"}},
    ]))
}

fn all_three(stage: &Stage) -> [Value; 3] {
    ["a", "b", "c"].map(|name| stage.data(name))
}

fn done() -> [Value; 3] {
    [json!({"a": "2"}), json!({"a": "2"}), Value::Null]
}

/// Those that had an effect.
fn landed(ended: &Ended) -> usize {
    ended.writes.iter().filter(|write| write.code < 400).count()
}

#[test]
fn an_answer_that_is_lost_is_read_back() {
    for fault in [Fault::CutAfter, Fault::CutWithin] {
        for number in 1..=3 {
            let (stage, proxy) = behind();
            let plan = three(&stage);
            proxy.add(Rule::each(fault).which(writes).from(number).times(1));
            let ended = stage.apply(&plan);
            ended.must(Outcome::Applied);
            assert_eq!(ended.fates(), [Fate::Written; 3], "{fault:?} {number}");
            assert_eq!(all_three(&stage), done(), "{fault:?} {number}");
            assert_eq!(landed(&ended), 3, "{fault:?} {number}: {:?}", ended.writes);
            let asks = ended.told.iter().any(|told| told.starts_with("finding out whether"));
            assert!(asks, "{:?}", ended.told);
        }
    }
}

#[test]
fn a_request_that_got_lost_stops_the_apply_and_is_made_by_whoever_goes_on() {
    let faults = [Fault::CutHead, Fault::CutBody, Fault::Status(503, None), Fault::Answer(500)];
    let cases = faults.into_iter().flat_map(|fault| (1..=3).map(move |number| (fault, number)));
    so_many_side_by_side(4, cases, |(fault, number)| {
        let (stage, proxy) = behind();
        let plan = three(&stage);
        proxy.add(Rule::each(fault).which(writes).from(number).times(1));
        let ended = stage.apply(&plan);
        let outcome = if number == 1 { Outcome::FailedClean } else { Outcome::Partial };
        assert_eq!(ended.report.outcome(), outcome, "{fault:?} {number}: {}", ended.stop());
        assert!(ended.stop().contains("had no effect"), "{fault:?} {number}: {}", ended.stop());
        assert_eq!(landed(&ended), number - 1, "{fault:?} {number}: {:?}", ended.writes);
        let ended = stage.resume(&plan);
        ended.must(Outcome::Applied);
        assert_eq!(all_three(&stage), done(), "{fault:?} {number}");
        assert_eq!(landed(&ended), 4 - number, "{fault:?} {number}: {:?}", ended.writes);
    });
}

#[test]
fn a_server_that_is_busy_is_asked_again() {
    let (stage, proxy) = behind();
    let plan = three(&stage);
    proxy.add(Rule::each(Fault::Status(429, Some(1))).which(writes).from(2).times(1));
    let ended = stage.apply(&plan);
    ended.must(Outcome::Applied);
    assert_eq!(landed(&ended), 3, "{:?}", ended.writes);
}

#[test]
fn a_server_that_is_gone_after_a_request_leaves_it_unknown() {
    let (stage, proxy) = behind();
    let plan = three(&stage);
    proxy.add(Rule::each(Fault::CutAfter).which(writes).from(2).times(1));
    // From then on, nothing gets through.
    proxy.add(Rule::each(Fault::CutHead).behind(("PATCH", "/configmaps/b")));
    let patience = Patience { silence: Duration::from_secs(2), ..PATIENCE };
    let ended = stage.apply_with(&plan, Hooks { patience, ..Hooks::default() });
    ended.must(Outcome::Indeterminate);
    assert_eq!(ended.fates(), [Fate::Written, Fate::Failed, Fate::NotWritten]);
    assert!(ended.stop().contains("not known"), "{}", ended.stop());
    proxy.heal();
    let ended = stage.resume(&plan);
    ended.must(Outcome::Applied);
    assert_eq!(ended.fates(), [Fate::AlreadyWritten, Fate::AlreadyWritten, Fate::Written]);
    assert_eq!(all_three(&stage), done());
}

#[test]
fn a_request_that_nobody_answers_is_looked_after_and_not_sent_again() {
    let (stage, proxy) = behind();
    let plan = three(&stage);
    proxy.add(Rule::each(Fault::StallAfter).which(writes).from(2).times(1));
    let ended = stage.apply(&plan);
    ended.must(Outcome::Applied);
    assert_eq!(landed(&ended), 3, "{:?}", ended.writes);
    assert_eq!(all_three(&stage), done());
}

#[test]
fn nothing_else_begins_while_a_request_is_in_doubt() {
    let (stage, proxy) = behind();
    let names: Vec<String> = (0..40).map(|at| format!("x{at:02}")).collect();
    let plan = stage.plan(Value::Array(
        names.iter().map(|name| applied(&stage.configmap(name, json!({"a": "1"})))).collect(),
    ));
    proxy.add(Rule::each(Fault::CutHead).which(writes).from(5).times(1));
    let ended = stage.apply(&plan);
    ended.must(Outcome::Partial);
    let fates = ended.fates();
    let count = |fate| fates.iter().filter(|found| **found == fate).count();
    assert_eq!(count(Fate::Failed), 1, "{fates:?}");
    assert!(count(Fate::NotWritten) >= 40 - 5 - 16, "{fates:?}");
    assert_eq!(count(Fate::Written), landed(&ended), "{fates:?}");
    let ended = stage.resume(&plan);
    ended.must(Outcome::Applied);
    assert_eq!(landed(&ended), 40 - count(Fate::Written), "{:?}", ended.writes);
}

#[test]
fn an_api_server_that_starts_anew_in_the_middle_loses_nothing() {
    // It lasts as long as the tests do.
    let cluster: &'static Cluster = Box::leak(Box::new(Cluster::alone()));
    let ca = authority(cluster);
    for moment in [1, 2, 8, 15, 30] {
        let stage = Stage::on(cluster, &ca, "");
        let names: Vec<String> = (0..24).map(|at| format!("x{at:02}")).collect();
        let plan = stage.plan(Value::Array(
            names.iter().map(|name| applied(&stage.configmap(name, json!({"a": "1"})))).collect(),
        ));
        let asked = Cell::new(0);
        let interrupted = || {
            if asked.replace(asked.get() + 1) == moment {
                cluster.restart_api_server();
            }
            false
        };
        let hooks = || Hooks { audited: false, ..Hooks::default() };
        let first = Hooks { interrupted: &interrupted, ..hooks() };
        let mut ended = stage.apply_with(&plan, first);
        let mut rounds = 0;
        while ended.report.outcome() != Outcome::Applied {
            assert_ne!(ended.report.outcome(), Outcome::Indeterminate, "{}", ended.stop());
            rounds += 1;
            assert!(rounds < 3, "{moment}: {}", ended.stop());
            ended = stage.round(&plan, hooks(), true, Vault::empty());
        }
        for name in &names {
            // A creation that had been sent twice would have been refused.
            assert_eq!(stage.data(name), json!({"a": "1"}), "{moment} {name}");
        }
    }
}
