//! Every version that the objects of a namespace had, and whose it was.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use serde_json::{Value, json};

use super::somebody::Made;
use super::{NAMES, Planned};
use crate::support::cluster::Namespace;
use crate::support::cluster::client::{Client, JSON};

/// Writes the versions down as they come.
pub(super) struct Watching {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Value>>,
}

impl Watching {
    pub(super) fn new(client: Client, namespace: &Namespace) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (seen, path) = (Arc::clone(&over), namespace.path("configmaps"));
        let list = client.read(&path);
        let mut from = list["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
        let thread = std::thread::spawn(move || {
            let mut events = Vec::new();
            loop {
                // What happens after this is asked is in the next answer.
                let last = seen.load(Ordering::SeqCst);
                let path = format!("{path}?watch=1&timeoutSeconds=1&resourceVersion={from}");
                let answer = client.send("GET", &path, JSON, b"").unwrap();
                assert_eq!(answer.status, 200);
                for line in answer.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
                {
                    let event: Value = serde_json::from_slice(line).unwrap();
                    assert_ne!(event["type"], "ERROR", "{event}");
                    from =
                        event["object"]["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
                    events.push(event);
                }
                if last {
                    return events;
                }
            }
        });
        Self { over, thread }
    }

    /// Everything up to now.
    pub(super) fn ended(self) -> Vec<Value> {
        self.over.store(true, Ordering::SeqCst);
        self.thread.join().unwrap()
    }
}

/// Goes through the versions, in their order; how many of them the program made.
#[track_caller]
pub(super) fn check(events: &[Value], made: &Made, plans: &[Vec<Planned>], seed: &str) -> usize {
    let mut there: BTreeMap<String, Value> = BTreeMap::new();
    let mut count = 0;
    for event in events {
        let object = &event["object"];
        let text = |member: &str| object["metadata"][member].as_str().unwrap_or_default();
        let name = text("name").to_owned();
        if !NAMES.contains(&&*name) {
            continue;
        }
        let gone = event["type"] == "DELETED";
        let theirs = match gone {
            true => made.deleted.contains(text("uid")),
            false => made.versions.contains(text("resourceVersion")),
        };
        let before = there.get(&name);
        if !theirs {
            count += 1;
            let seen = before.map_or(Value::Null, shown);
            let result = if gone { Value::Null } else { shown(object) };
            let uid = before.and_then(|before| before["metadata"]["uid"].as_str());
            let planned = |planned: &&Planned| {
                planned.name == name
                    && planned.uid.as_deref() == uid
                    && shown(&planned.before) == seen
                    && shown(&planned.after) == result
            };
            let plan = plans.iter().flatten().find(planned);
            assert!(plan.is_some(), "seed {seed}: {event:#} upon {before:#?} was in no plan");
        }
        match gone {
            true => there.remove(&name),
            false => there.insert(name, object.clone()),
        };
    }
    count
}

/// What of an object a plan speaks of.
fn shown(object: &Value) -> Value {
    if object.is_null() {
        return Value::Null;
    }
    let mut annotations = object["metadata"]["annotations"].clone();
    if let Some(members) = annotations.as_object_mut() {
        members.remove("note");
    }
    let none = |value: Value| if value == json!({}) { Value::Null } else { value };
    json!({"data": none(object["data"].clone()), "annotations": none(annotations)})
}
