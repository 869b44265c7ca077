//! The network between, and a server in trouble: what is asked again, and what never is.

use std::time::{Duration, Instant};

use countersign::remote::kubernetes::{
    Access, Answer, Call, Change, Cluster, Failure, Reason, Writer,
};
use serde_json::json;

use super::{access, config_map, get, place};
use crate::support::cluster::{Namespace, cluster};
use crate::support::proxy::{Fault, Proxy, Rule, rehearses, writes};

struct Case {
    proxy: Proxy,
    connection: Cluster,
    namespace: Namespace,
}

impl Case {
    fn new(patience: Duration) -> Self {
        let (served, folder) = (cluster(), tempfile::tempdir().unwrap());
        let (namespace, user, proxy) = (served.namespace("network"), served.user(), served.proxy());
        let rules = json!([{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]}]);
        served.grant(&user, Some(namespace.name()), &rules);
        let path = namespace.path("configmaps");
        user.client().wait_for(&path, "the grant", |list| list["items"].is_array());
        let kubeconfig = user.kubeconfig_by(folder.path(), &proxy);
        let access = Access { patience, ..access(kubeconfig) };
        let connection = Cluster::connect(&access, None).unwrap();
        Self { proxy, connection, namespace }
    }

    fn call(&self, name: &str) -> Call {
        let place = place(config_map(), self.namespace.name(), name);
        let body = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "resourceVersion": "1"}});
        Call { place, change: Change::Apply { body, force: false } }
    }

    fn rehearse(&self, name: &str) -> Result<Answer, Failure> {
        let (asked, call) = (self.connection.clone(), self.call(name));
        self.connection.run(async move { asked.rehearsal().ask(call).await }).unwrap()
    }

    fn commit(&self, name: &str) -> Result<Answer, Failure> {
        let (writer, call) = (Writer::of(&self.connection), self.call(name));
        self.connection.run(async move { writer.commit(call).await }).unwrap()
    }

    fn is_there(&self, name: &str) -> bool {
        let path = self.namespace.path(&format!("configmaps/{name}"));
        cluster().admin().get(&path).0 == 200
    }
}

#[test]
fn what_is_sent_once_has_the_time_of_one_answer() {
    let case = Case::new(Duration::from_secs(10));
    let once = case.connection.clone().giving_up_after(Duration::ZERO);
    let (writer, call) = (Writer::of(&once), case.call("one"));
    case.connection.run(async move { writer.commit(call).await }).unwrap().unwrap();
    assert!(case.is_there("one"));
    // And it is once.
    case.proxy.add(Rule::each(Fault::Status(429, Some(0))));
    case.proxy.take_seen();
    let (writer, call) = (Writer::of(&once), case.call("two"));
    case.connection.run(async move { writer.commit(call).await }).unwrap().unwrap_err();
    assert_eq!(case.proxy.take_seen().len(), 1);
}

const PASSING: [Fault; 8] = [
    Fault::Status(429, Some(1)),
    Fault::Status(500, None),
    Fault::Status(502, None),
    Fault::Status(503, Some(0)),
    Fault::Status(504, None),
    Fault::CutHead,
    Fault::CutAfter,
    Fault::CutWithin,
];

#[test]
fn what_changes_nothing_is_asked_again() {
    let case = Case::new(Duration::from_secs(10));
    for fault in PASSING {
        case.proxy.add(Rule::each(fault).times(2));
        case.rehearse("one").unwrap();
        let seen = case.proxy.take_seen();
        assert_eq!(seen.len(), 3, "{fault:?}");
        assert!(seen.iter().all(|request| !request.writes), "{seen:?}");
        case.proxy.add(Rule::each(fault).times(2));
        assert_eq!(get(&case.connection, case.call("one").place).unwrap(), None, "{fault:?}");
        assert_eq!(case.proxy.take_seen().len(), 3, "{fault:?}");
    }
    // Not for ever.
    case.proxy.add(Rule::each(Fault::Status(503, None)).which(rehearses));
    let failure = case.rehearse("one").unwrap_err();
    assert_eq!(
        failure.to_string(),
        format!(
            "patch ConfigMap {}/one: the server answered 503 ServiceUnavailable",
            case.namespace.name()
        )
    );
    assert_eq!(case.proxy.take_seen().len(), 6);
}

#[test]
fn a_write_whose_answer_does_not_come_is_sent_once() {
    let case = Case::new(Duration::from_secs(10));
    for (at, (fault, lands)) in [
        (Fault::Status(500, None), false),
        (Fault::Status(502, None), false),
        (Fault::Status(503, Some(1)), false),
        (Fault::Status(504, None), false),
        (Fault::Status(408, None), false),
        (Fault::CutHead, false),
        (Fault::CutBody, false),
        (Fault::CutAfter, true),
        (Fault::CutWithin, true),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("at-{at}");
        case.proxy.add(Rule::each(fault).times(1));
        match case.commit(&name) {
            Err(Failure::Unanswered(lost)) => assert!(!lost.unsent, "{fault:?}"),
            other => panic!("{fault:?}: {other:?}"),
        }
        let seen = case.proxy.take_seen();
        assert_eq!(seen.iter().filter(|request| request.writes).count(), 1, "{fault:?}");
        assert_eq!(case.is_there(&name), lands, "{fault:?}");
    }
}

#[test]
fn a_server_that_asks_for_patience_gets_it_and_the_write_lands_once() {
    let case = Case::new(Duration::from_secs(10));
    case.proxy.add(Rule::each(Fault::Status(429, Some(1))).which(writes).times(2));
    let begun = Instant::now();
    case.commit("one").unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!(case.proxy.take_seen().len(), 3);
    assert!(case.is_there("one"));
    // Not for ever, either.
    let case = Case::new(Duration::from_secs(1));
    case.proxy.add(Rule::each(Fault::Status(429, Some(3600))));
    let begun = Instant::now();
    let failure = case.commit("one").unwrap_err();
    assert_eq!(failure.reason(), Some(&Reason::Busy));
    let Failure::Refused(refused) = failure else { panic!() };
    assert_eq!(refused.retry_after, Some(Duration::from_secs(3600)));
    assert!(begun.elapsed() < Duration::from_secs(4));
    assert!(!case.is_there("one"));
}

#[test]
fn a_server_that_stalls_is_waited_for_so_long_and_no_longer() {
    let case = Case::new(Duration::from_secs(1));
    for fault in [Fault::Stall, Fault::StallAfter] {
        case.proxy.add(Rule::each(fault).times(1));
        case.rehearse("one").unwrap();
        case.proxy.add(Rule::each(fault));
        let begun = Instant::now();
        let name = format!("{fault:?}").to_lowercase();
        match case.commit(&name) {
            Err(Failure::Unanswered(lost)) => {
                assert!(!lost.unsent);
                assert!(lost.message.contains("nothing came within 1 s"), "{lost}");
            }
            other => panic!("{other:?}"),
        }
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        case.proxy.heal();
    }
}

#[test]
fn a_write_that_never_left_is_sent_when_the_server_is_back() {
    let case = Case::new(Duration::from_secs(10));
    case.proxy.refuse();
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| case.commit("one"));
        std::thread::sleep(Duration::from_millis(300));
        case.proxy.heal();
        writing.join().unwrap().unwrap();
    });
    assert_eq!(case.proxy.take_seen().len(), 1);
    let case = Case::new(Duration::from_secs(1));
    case.proxy.refuse();
    match case.commit("one") {
        Err(Failure::Unanswered(lost)) => {
            assert!(lost.unsent && !lost.untrusted, "{lost}");
            assert!(lost.message.starts_with("no connection: "), "{lost}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_slow_answer_holds_up_nobody_else() {
    let case = Case::new(Duration::from_secs(20));
    case.proxy.add(Rule::each(Fault::Delay(Duration::from_secs(3))).times(1));
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| case.rehearse("slow"));
        while case.proxy.take_seen().is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let begun = Instant::now();
        case.rehearse("quick").unwrap();
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        slow.join().unwrap().unwrap();
    });
}
