//! The network fails at each request of an apply: it ends as planned, or with a receipt, and whoever
//! goes on finishes it. Nothing is written twice.

use serde_json::{Value, json};

use crate::cli::kube_project::{KubeProject, applies};
use crate::support::cluster::Cluster;
use crate::support::cluster::audit::{Event, Mark};
use crate::support::killed::so_many_side_by_side;
use crate::support::proxy::{Fault, Proxy, Rule, writes};

/// Three changes, one after the other, approved.
struct Three<'c> {
    project: KubeProject<'c>,
    proxy: Proxy,
    mark: Mark,
}

const NAMES: [&str; 3] = ["web", "new", "old"];

impl<'c> Three<'c> {
    fn on(cluster: &'c Cluster) -> Self {
        let project = KubeProject::on(cluster);
        project.ours(&project.map("web", &json!({"a": "1"})));
        project.ours(&project.map("old", &json!({"a": "1"})));
        let mut operations = [
            applies(&project.map("web", &json!({"a": "2"}))),
            applies(&project.map("new", &json!({"a": "2"}))),
            project.deletion("v1", "ConfigMap", "old"),
        ];
        for (operation, name) in operations.iter_mut().zip(NAMES) {
            operation["id"] = json!(name);
        }
        operations[1]["dependsOn"] = json!([NAMES[0]]);
        operations[2]["dependsOn"] = json!([NAMES[1]]);
        project.approved(&json!(operations));
        let proxy = cluster.proxy();
        project.through(&proxy);
        let mark = cluster.mark();
        Self { project, proxy, mark }
    }

    /// Everything is as planned, and was written once.
    #[track_caller]
    fn done(&self, case: &str) {
        let found = NAMES.map(|name| self.project.data(name));
        assert_eq!(found, [json!({"a": "2"}), json!({"a": "2"}), Value::Null], "{case}");
        let landed = |event: &Event| (200..300).contains(&event.code);
        let mut landed: Vec<(String, String)> = self
            .project
            .writes(self.mark)
            .into_iter()
            .filter(landed)
            .map(|event| (event.name, event.verb))
            .collect();
        landed.sort();
        let wanted = [("new", "patch"), ("old", "delete"), ("web", "patch")];
        let landed: Vec<_> = landed.iter().map(|(name, verb)| (&**name, &**verb)).collect();
        assert_eq!(landed, wanted, "{case}");
    }
}

#[test]
fn whatever_is_only_asked_is_asked_again_where_it_fails() {
    let faults = [
        Fault::Status(429, Some(1)),
        Fault::Answer(500),
        Fault::Status(503, None),
        Fault::CutHead,
        Fault::CutAfter,
        Fault::CutWithin,
    ];
    so_many_side_by_side(3, faults, |fault| {
        let three = Three::on(crate::support::cluster::cluster());
        let reads = |request: &_| !writes(request);
        three.proxy.add(Rule::each(fault).which(reads).once_for_each());
        let run = three.project.apply();
        assert_eq!(run.code, Some(0), "{fault:?}: {run:#?}");
        let failed = three.proxy.take_seen().iter().filter(|seen| seen.fault.is_some()).count();
        assert!(failed > 15, "{fault:?}: {failed}");
        three.done(&format!("{fault:?}"));
    });
}

#[test]
fn a_write_that_fails_is_made_once_in_the_end() {
    // An answer that does not come back is read back; a server that is busy is asked again.
    let passed = [Fault::Status(429, Some(1)), Fault::CutAfter, Fault::CutWithin];
    // Whether the request is still on its way is known only after a while.
    let stopped = [Fault::Answer(500), Fault::Status(503, None), Fault::CutHead, Fault::CutBody];
    let case = |ends| move |fault| (1..=3).map(move |number| (fault, number, ends));
    let cases: Vec<(Fault, usize, bool)> = passed
        .into_iter()
        .flat_map(case(true))
        .chain(stopped.into_iter().flat_map(case(false)))
        .collect();
    so_many_side_by_side(cases.len(), cases, |(fault, number, ends)| {
        let case = format!("{fault:?} at write {number}");
        let three = Three::on(crate::support::cluster::cluster());
        three.proxy.add(Rule::each(fault).which(writes).from(number).times(1));
        let run = three.project.apply();
        let code = match (ends, number) {
            (true, _) => 0,
            (false, 1) => 20,
            (false, _) => 21,
        };
        assert_eq!(run.code, Some(code), "{case}: {run:#?}");
        if !ends {
            assert_eq!(three.project.receipts().len(), 1, "{case}");
            let again = three.project.apply();
            assert_eq!(again.code, Some(15), "{case}: {again:#?}");
            let on = three.project.apply_with(&["--resume"]);
            assert_eq!(on.code, Some(0), "{case}: {on:#?}");
        }
        three.done(&case);
    });
}

#[test]
fn an_api_server_that_starts_again_in_the_middle_loses_nothing() {
    let cluster = Cluster::alone();
    // A request that comes when it is back.
    let three = Three::on(&cluster);
    three.proxy.add(Rule::each(Fault::Gate).which(writes).from(2).times(1));
    let applying = three.project.applying(&[]);
    three.proxy.held(1);
    cluster.restart_api_server();
    three.proxy.forward_held();
    applying.ended().exits(0);
    three.done("restarted");
    // And what is asked while it is away.
    let three = Three::on(&cluster);
    three.proxy.add(Rule::each(Fault::Gate).behind(("PATCH", "/web?fieldManager=")).times(1));
    let applying = three.project.applying(&[]);
    three.proxy.held(1);
    std::thread::scope(|scope| {
        let restarted = scope.spawn(|| cluster.restart_api_server());
        std::thread::sleep(std::time::Duration::from_millis(300));
        three.proxy.forward_held();
        restarted.join().unwrap();
    });
    let run = applying.ended();
    // How long it is away is nothing that a test should rest on.
    if run.code != Some(0) {
        assert_eq!(run.code, Some(21), "{run:#?}");
        three.project.apply_with(&["--resume"]).exits(0);
    }
    three.done("away");
}
