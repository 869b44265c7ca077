//! Somebody edits the objects of a namespace at random while plans for them are made, approved and
//! applied. Afterwards every version of every object is gone through: one that the program wrote
//! stands upon the very version that its plan was made for, and is what that plan says.

mod history;
mod somebody;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use countersign::clock::Instant;
use countersign::document::code::Code;
use serde_json::{Value, json};

use crate::cli::kube_project::{KubeProject, PLAN, applies, proposal};
use crate::support::cluster::Cluster;
use crate::support::cluster::cluster;
use crate::support::killed::so_many_side_by_side;
use crate::support::project::{Clock, Said};
use crate::support::proxy::{Fault, Rule, writes};

use history::Watching;
use somebody::{Chance, Somebody};

/// The objects that are fought over.
const NAMES: [&str; 4] = ["a", "b", "c", "d"];
/// Namespaces in which it goes on side by side.
const WIDTH: u64 = 4;

/// How the applies ended: how many with which code.
type Ends = BTreeMap<u8, usize>;

/// What a plan said of an object.
#[derive(Clone, Debug)]
struct Planned {
    name: String,
    before: Value,
    after: Value,
    uid: Option<String>,
}

#[test]
fn no_edit_of_somebody_is_lost_and_nothing_is_written_that_was_not_planned() {
    let ends = rounds(cluster(), 200);
    println!("{ends:?}");
    // It is no test of edits if everything is refused, or nothing.
    let of = |code: Code| ends.get(&code.number()).copied().unwrap_or_default();
    assert!(of(Code::Ok) > 20 && of(Code::PlanStale) > 5, "{ends:?}");
}

#[test]
#[ignore = "takes half an hour"]
fn five_thousand_rounds_lose_no_edit() {
    println!("{:?}", rounds(cluster(), 5_000));
}

fn rounds(cluster: &'static Cluster, count: u64) -> Ends {
    let ends = std::sync::Mutex::new(Ends::new());
    so_many_side_by_side(WIDTH as usize, 0..WIDTH, |at| {
        for (code, count) in fight(cluster, count / WIDTH, at % 2 == 0) {
            *ends.lock().unwrap().entry(code).or_default() += count;
        }
    });
    ends.into_inner().unwrap()
}

/// Some rounds in one namespace. Where the way to the cluster is a slow one, there is time between
/// the look at an object and its write.
fn fight(cluster: &'static Cluster, count: u64, slow: bool) -> Ends {
    let project = KubeProject::on(cluster);
    project.configure("ignore = { ConfigMap = [\"/metadata/annotations/note\"] }");
    let proxy = cluster.proxy();
    if slow {
        proxy.add(Rule::each(Fault::Hold(Duration::from_millis(200))).which(writes));
        project.through(&proxy);
    }
    let mut chance = Chance::new();
    let seed = chance.seed();
    let watching = Watching::new(project.admin().clone(), &project.namespace);
    let somebody = Somebody::new(project.admin().clone(), project.name());
    let (mark, mut ends) = (cluster.mark(), Ends::new());
    let (mut plans, mut sent) = (Vec::new(), 0);
    for round in 0..count {
        let asked = operations(&project, &mut chance, round);
        let edits = chance.edits();
        let mut its = chance.split();
        // While it is planned and approved, or while it is applied.
        let early = chance.of(2) == 0;
        let mut edit = || edits.iter().for_each(|pause| somebody.edits(*pause, &mut its));
        let (mut code, planned) = std::thread::scope(|scope| {
            if early {
                scope.spawn(&mut edit);
            }
            approved(&project, &asked)
        });
        if code == Code::Ok {
            code = std::thread::scope(|scope| {
                if !early {
                    scope.spawn(&mut edit);
                }
                run(&project, &["apply", PLAN, "--trusted", "."]).code
            });
        }
        *ends.entry(code.number()).or_default() += 1;
        plans.push(planned);
        let documented = [
            Code::Ok,
            Code::PlanStale,
            Code::NotApplyable,
            Code::ApplyFailedClean,
            Code::ApplyPartial,
        ];
        assert!(documented.contains(&code), "seed {seed}, round {round}: {code:?}");
        let landed = |event: &crate::support::cluster::audit::Event| {
            event.resource == "configmaps" && (200..300).contains(&event.code)
        };
        let now = project.writes(mark).iter().filter(|event| landed(event)).count();
        let silent = matches!(code, Code::PlanStale | Code::NotApplyable | Code::ApplyFailedClean);
        assert!(!silent || now == sent, "seed {seed}, round {round}: {code:?} and {now}");
        if matches!(code, Code::ApplyFailedClean | Code::ApplyPartial) {
            gone_on_or_given_up(&project, chance.of(2) == 0);
        }
        sent = project.writes(mark).iter().filter(|event| landed(event)).count();
    }
    let versions = watching.ended();
    let checked = history::check(&versions, &somebody.made(), &plans, &seed.to_string());
    assert_eq!(checked, sent, "seed {seed}: each write of the program is in the history");
    ends
}

/// What a round asks for.
fn operations(project: &KubeProject<'_>, chance: &mut Chance, round: u64) -> Value {
    let mut operations = Vec::new();
    for name in NAMES {
        let operation = match chance.of(6) {
            0 | 1 => continue,
            2 if project.data(name).is_object() => project.deletion("v1", "ConfigMap", name),
            _ => {
                let mut operation =
                    applies(&project.map(name, &json!({"ours": round.to_string()})));
                operation["force"] = json!("allowed");
                operation
            }
        };
        operations.push(operation);
    }
    if operations.is_empty() {
        return json!([applies(&project.map("a", &json!({"ours": round.to_string()})))]);
    }
    Value::Array(operations)
}

/// Nothing else is applied to a target while an apply of it is half-way.
fn gone_on_or_given_up(project: &KubeProject<'_>, goes_on: bool) {
    let line = ["apply", PLAN, "--trusted", "."];
    if goes_on {
        let on = run(project, &[&line[..], &["--resume"]].concat());
        match on.code {
            Code::Ok => return,
            Code::PlanStale | Code::ApplyFailedClean | Code::ApplyPartial => {}
            other => panic!("{other:?}: {}", on.err),
        }
    }
    run(project, &[&line[..], &["--abandon", "--reason", "enough"]].concat()).must(Code::Ok);
}

fn run(project: &KubeProject<'_>, line: &[&str]) -> Said {
    let clock: Clock = Arc::new(Instant::now);
    project.run_at(&clock, line)
}

/// Plans and approves; how that ended, and what the plan said.
fn approved(project: &KubeProject<'_>, operations: &Value) -> (Code, Vec<Planned>) {
    // A plan of the same name that has a receipt is kept.
    let folder = project.shop.path(&format!("shop/{PLAN}"));
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    project.shop.write("proposal.json", proposal(operations));
    let plan = run(project, &["plan", "-q", "-f", "../proposal.json", "--requested-by", "alice"]);
    if plan.code == Code::Error && plan.err.contains("it is not there") {
        // An object that was to be deleted went while it was planned.
        return (Code::NotApplyable, Vec::new());
    }
    plan.must(Code::Ok);
    let document = project.document();
    let digest = project.shop.digest("change");
    let all = "--acknowledge=data-loss,outage";
    let approve = run(project, &["approve", PLAN, "--digest", &digest, all]);
    let planned = document["effect"]["changes"].as_array().unwrap().iter().map(|change| Planned {
        name: change["resource"]["name"].as_str().unwrap().to_owned(),
        before: change["before"].clone(),
        after: change["after"].clone(),
        uid: change["guard"]["uid"].as_str().map(str::to_owned),
    });
    (approve.code, planned.collect())
}
