//! Somebody else, who does what comes to mind, and knows afterwards what it was.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::NAMES;
use crate::support::cluster::client::{APPLY, Client, MERGE};

/// Numbers that look like chance, and come again from the same seed.
#[derive(Debug)]
pub(super) struct Chance {
    seed: u64,
    state: u64,
}

impl Chance {
    pub(super) fn new() -> Self {
        let mut bits = [0; 8];
        getrandom::fill(&mut bits).unwrap();
        let seed = u64::from_le_bytes(bits) | 1;
        Self { seed, state: seed }
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// One below `count`.
    pub(super) fn of(&mut self, count: u64) -> u64 {
        // xorshift64: G. Marsaglia, "Xorshift RNGs", 2003.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 16) % count
    }

    /// Another one.
    pub(super) fn split(&mut self) -> Self {
        let seed = self.of(u64::MAX >> 20) | 1;
        Self { seed, state: seed }
    }

    /// The pauses before each edit of a round; none in every third.
    pub(super) fn edits(&mut self) -> Vec<Duration> {
        if self.of(3) == 0 {
            return Vec::new();
        }
        (0..=self.of(3)).map(|_| Duration::from_millis(self.of(600))).collect()
    }
}

/// What somebody made: versions, and the objects that were deleted.
#[derive(Clone, Debug, Default)]
pub(super) struct Made {
    pub(super) versions: BTreeSet<String>,
    pub(super) deleted: BTreeSet<String>,
}

pub(super) struct Somebody {
    client: Client,
    namespace: String,
    count: AtomicU64,
    made: Mutex<Made>,
}

impl Somebody {
    pub(super) fn new(client: Client, namespace: &str) -> Self {
        let namespace = namespace.to_owned();
        Self { client, namespace, count: AtomicU64::new(0), made: Mutex::default() }
    }

    pub(super) fn made(&self) -> Made {
        self.made.lock().unwrap().clone()
    }

    /// One edit, after a pause. Each leaves a mark of its own, so that it always gives a version.
    pub(super) fn edits(&self, pause: Duration, chance: &mut Chance) {
        std::thread::sleep(pause);
        let name = NAMES[chance.of(NAMES.len() as u64) as usize];
        let root = format!("/api/v1/namespaces/{}/configmaps", self.namespace);
        let path = format!("{root}/{name}?fieldManager=somebody");
        let mark = format!("t{}", self.count.fetch_add(1, Ordering::SeqCst));
        let merge = |patch: Value| self.client.patch(&path, MERGE, &patch);
        let map = |data: Value| {
            json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data,
            })
        };
        let (status, answer) = match chance.of(8) {
            0 => merge(json!({"data": {"ours": mark}})),
            1 => merge(json!({"data": {"theirs": mark}})),
            2 | 3 => merge(json!({"metadata": {"annotations": {"note": mark}}})),
            4 => self.client.patch(
                &format!("{path}&force=true"),
                APPLY,
                &map(json!({"ours": mark, "theirs": mark})),
            ),
            5 => self.client.post(&root, &map(json!({"theirs": mark}))),
            6 => {
                let uid = self.client.get(&path).1["metadata"]["uid"].clone();
                let answer = self.client.delete(&path, &json!({"preconditions": {"uid": uid}}));
                if answer.0 == 200 {
                    let uid = uid.as_str().unwrap().to_owned();
                    self.made.lock().unwrap().deleted.insert(uid);
                }
                return;
            }
            _ => {
                // Another owner of the same value.
                let data = self.client.get(&path).1["data"].clone();
                let mut body = map(json!({"ours": data["ours"]}));
                body["metadata"]["annotations"] = json!({"note": mark});
                if data["ours"].is_null() {
                    return;
                }
                self.client.patch(&format!("{path}&force=true"), APPLY, &body)
            }
        };
        assert!(matches!(status, 200 | 201 | 404 | 409), "{status} {answer}");
        if let (200 | 201, Some(version)) = (status, answer["metadata"]["resourceVersion"].as_str())
        {
            self.made.lock().unwrap().versions.insert(version.to_owned());
        }
    }
}
