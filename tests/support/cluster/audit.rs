//! What was really sent to the API server, by its audit log: everything but reads.

use std::collections::BTreeMap;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Cluster;

/// How long a request may be under way.
const PATIENCE: Duration = Duration::from_secs(70);

/// A moment, as the length of the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark(u64);

/// A request that came, and was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub(crate) verb: String,
    /// Path and query.
    pub(crate) uri: String,
    /// The status of the answer; 0 if there was none.
    pub(crate) code: u16,
    /// Such as `deployments`; empty where no object was meant.
    pub(crate) resource: String,
    /// Such as `status`, or empty.
    pub(crate) subresource: String,
    /// Empty for what lies in none.
    pub(crate) namespace: String,
    /// Empty where a creation left it to the body.
    pub(crate) name: String,
    /// Whether it was one.
    pub(crate) dry_run: bool,
}

impl Event {
    fn of(line: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let object = &line["objectRef"];
        let uri = text(&line["requestURI"]);
        let query = uri.split_once('?').map_or("", |(_, query)| query);
        // A deletion with a body is not asked by its query.
        let dry_run = match &line["requestObject"] {
            Value::Object(options) => options.get("dryRun") == Some(&json!(["All"])),
            _ => query.split('&').any(|pair| pair == "dryRun=All"),
        };
        Self {
            verb: text(&line["verb"]),
            code: line["responseStatus"]["code"].as_u64().map_or(0, |code| code as u16),
            resource: text(&object["resource"]),
            subresource: text(&object["subresource"]),
            namespace: text(&object["namespace"]),
            name: text(&object["name"]),
            dry_run,
            uri,
        }
    }

    /// Whether it was meant to change something. Reviews of one's own rights are made, and kept
    /// nowhere.
    pub(crate) fn is_write(&self) -> bool {
        let asks = ["selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"];
        !self.dry_run && !asks.contains(&self.resource.as_str())
    }
}

impl Cluster {
    /// Now.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.log().metadata().unwrap().len())
    }

    /// What a user has sent since then, except reads, in the order in which it was answered. Every
    /// request that was answered is in it; one that is still under way is waited for.
    pub(crate) fn audit(&self, user: &str, since: Mark) -> Vec<Event> {
        let begun = Instant::now();
        loop {
            let (events, under_way) = self.read_since(user, since);
            if under_way.is_empty() {
                return events;
            }
            assert!(begun.elapsed() < PATIENCE, "not answered: {under_way:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What of that was meant to change something.
    pub(crate) fn writes(&self, user: &str, since: Mark) -> Vec<Event> {
        self.audit(user, since).into_iter().filter(Event::is_write).collect()
    }

    fn log(&self) -> std::fs::File {
        std::fs::File::open(self.folder().join("audit.log")).unwrap()
    }

    /// Events, and what was received and not answered yet.
    fn read_since(&self, user: &str, Mark(since): Mark) -> (Vec<Event>, Vec<String>) {
        let mut log = self.log();
        log.seek(SeekFrom::Start(since.saturating_sub(1))).unwrap();
        let mut text = Vec::new();
        log.read_to_end(&mut text).unwrap();
        let mut events = Vec::new();
        let mut under_way = BTreeMap::new();
        // The last piece is empty, or a line that is being written.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        // So was perhaps the one at the mark, which belongs to what was before.
        let end = || text.iter().position(|byte| *byte == b'\n').map_or(whole, |end| end + 1);
        let first = if since == 0 { 0 } else { end() };
        for line in text[first..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
        {
            let line: Value = serde_json::from_slice(line).unwrap();
            if line["user"]["username"] != user {
                continue;
            }
            let id = line["auditID"].as_str().unwrap().to_owned();
            match line["stage"].as_str().unwrap() {
                "RequestReceived" => {
                    under_way.insert(id, line["requestURI"].to_string());
                }
                // One that was received before the mark belongs to what was before.
                "ResponseComplete" | "Panic" if under_way.remove(&id).is_some() => {
                    events.push(Event::of(&line));
                }
                _ => {}
            }
        }
        (events, under_way.into_values().collect())
    }
}
