//! An apply whose process is killed at any of its requests, before or after that had its effect, is
//! gone on with by another process: every object is written once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use countersign::apply::Run;
use countersign::apply::kubernetes::{Place, execute};
use countersign::config::Target;
use countersign::custody::vault::Vault;
use countersign::document::statement::Outcome;
use countersign::observe::kubernetes::Reach;
use countersign::plan::Plan;
use countersign::remote::kubernetes::Access;
use serde_json::{Value, json};

use super::stage::{PATIENCE, Stage, config};
use crate::support::apply::*;
use crate::support::cluster::cluster;
use crate::support::killed::{child, folder, so_many_side_by_side};
use crate::support::proxy::{Fault, Proxy, Rule, writes};
use crate::support::tls::Between;

const CHILD: &str = "apply::kubernetes::crash::child_applies";

/// Creations, updates, deletions and a replacement, of twelve objects in several waves.
fn twelve(stage: &Stage) -> Plan {
    let mut operations = Vec::new();
    for at in 0..4 {
        let (made, changed) = (format!("made-{at}"), format!("changed-{at}"));
        stage.ours(&stage.configmap(&changed, json!({"a": "1"})));
        operations.push(json!({"apply": stage.configmap(&made, json!({"a": "2"}))}));
        operations.push(json!({"apply": stage.configmap(&changed, json!({"a": "2"}))}));
    }
    for at in 0..3 {
        let gone = format!("gone-{at}");
        stage.ours(&stage.configmap(&gone, json!({"a": "1"})));
        operations.push(stage.delete("v1", "ConfigMap", &gone));
    }
    let mut body = stage.deployment("web", 0);
    stage.ours(&body);
    body["spec"]["selector"]["matchLabels"] = json!({"app": "other"});
    body["spec"]["template"]["metadata"]["labels"] = json!({"app": "other"});
    operations.push(json!({"apply": body, "replace": "allowed"}));
    stage.plan(Value::Array(operations))
}

/// Thirteen: a replacement takes two.
const REQUESTS: usize = 13;

fn data(stage: &Stage) -> BTreeMap<String, Value> {
    let all = stage.cluster.admin().read(&stage.namespace.path("configmaps"));
    let items = all["items"].as_array().unwrap().iter();
    let ours = items.filter(|item| item["metadata"]["name"] != "kube-root-ca.crt");
    let pair = |item: &Value| {
        (item["metadata"]["name"].as_str().unwrap().to_owned(), item["data"].clone())
    };
    ours.map(pair).collect()
}

fn wanted() -> BTreeMap<String, Value> {
    let names = (0..4).flat_map(|at| [format!("made-{at}"), format!("changed-{at}")]);
    names.map(|name| (name, json!({"a": "2"}))).collect()
}

/// What the child needs.
fn prepared(stage: &Stage, plan: &Plan, server: &str) {
    let folder = stage.folder.path();
    std::fs::write(folder.join("plan.json"), plan.bytes()).unwrap();
    let target = stage.target();
    let facts = json!([target.cluster, target.ca, stage.name()]);
    std::fs::write(folder.join("facts.json"), facts.to_string()).unwrap();
    stage.user.kubeconfig_to(folder, server, stage.cluster.ca_pem());
}

#[test]
fn an_apply_killed_at_any_request_is_gone_on_with_by_another_process() {
    let cases = [Fault::StallAfter, Fault::Stall]
        .into_iter()
        .flat_map(|fault| (1..=REQUESTS).map(move |number| (fault, number)));
    so_many_side_by_side(4, cases, |(fault, number)| {
        let stage = Stage::new();
        let plan = twelve(&stage);
        let authority = cluster().authority();
        let proxy = Proxy::before_tls(cluster().address(), Between::new(authority, authority));
        prepared(&stage, &plan, &format!("https://{}", proxy.address()));
        proxy.add(Rule::each(fault).which(writes).from(number).times(1));
        let mark = stage.cluster.mark();
        killed_at(child(CHILD, stage.folder.path()), &proxy, fault);
        let before = landed(&stage, mark);
        // Whatever was under way has its effect by now, or never.
        let ended = stage.resume(&plan);
        assert_eq!(
            ended.report.outcome(),
            Outcome::Applied,
            "{fault:?} {number}: {}",
            ended.stop()
        );
        assert_eq!(data(&stage), wanted(), "{fault:?} {number}");
        let web = stage.namespace.path_of("apps/v1", "deployments/web");
        let web = stage.cluster.admin().read(&web);
        assert_eq!(web["spec"]["selector"]["matchLabels"], json!({"app": "other"}));
        let after = ended.writes.iter().filter(|write| write.code < 400).count();
        assert_eq!(before + after, REQUESTS, "{fault:?} {number}: {:?}", ended.writes);
        assert!(stage.ledger().locks().unwrap().is_empty(), "{fault:?} {number}");
    });
}

fn landed(stage: &Stage, mark: crate::support::cluster::audit::Mark) -> usize {
    stage.writes(mark).iter().filter(|write| write.code != 0 && write.code < 400).count()
}

/// Kills the child once the fault was met.
fn killed_at(mut command: Command, proxy: &Proxy, fault: Fault) {
    let mut process = command.spawn().unwrap();
    let begun = Instant::now();
    loop {
        let met = proxy.take_seen().iter().any(|seen| seen.fault == Some(fault));
        if met {
            // What was sent beside it, and what follows from its effect, is answered.
            std::thread::sleep(Duration::from_millis(300));
            process.kill().unwrap();
            process.wait().unwrap();
            return;
        }
        let over = process.try_wait().unwrap();
        assert!(over.is_none(), "{fault:?}: it ended before: {over:?}");
        assert!(begun.elapsed() < Duration::from_secs(60), "{fault:?}: it was not met");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
#[ignore = "run by an_apply_killed_at_any_request_is_gone_on_with_by_another_process"]
fn child_applies() {
    let folder: PathBuf = folder();
    let plan = Plan::open(std::fs::read(folder.join("plan.json")).unwrap()).unwrap();
    let ledger = local(&folder.join("ledger"));
    let lock = locked(&ledger, "main", plan.digest(), false);
    let spent = spend(&ledger, lock, &ids(&[10]), fresh(), false).unwrap();
    let run = Run {
        ledger: &ledger,
        spent: &spent,
        expires_at: "2026-03-01T10:00:00Z".parse().unwrap(),
        now: &now,
        interrupted: &|| false,
        progress: &|_| (),
        recheck: &|_| Ok(()),
    };
    let (config, reach) = reached(&folder);
    let target = config.target(&label("prod"), &label("main")).unwrap();
    let Target::Kubernetes(target) = target else { panic!("{target:?}") };
    execute(&plan, &run, Place { target, reach: &reach, patience: PATIENCE });
}

fn reached(folder: &Path) -> (countersign::config::Config, Reach) {
    let facts = std::fs::read(folder.join("facts.json")).unwrap();
    let [uid, ca, namespace]: [String; 3] = serde_json::from_slice(&facts).unwrap();
    let config = config(&uid, &ca, &namespace, "");
    let access = Access {
        kubeconfig: vec![folder.join("kubeconfig")],
        context: "prod".to_owned(),
        patience: Duration::from_secs(60),
        proxies: Default::default(),
    };
    (config, Reach::new(access, label("main"), Vault::empty()))
}
