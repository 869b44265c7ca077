//! What the API server was asked about the objects, by its own count.

use std::collections::BTreeMap;
use std::fmt;

use crate::support::cluster::client::Client;

/// The resources of the objects, and those of the questions about one's rights.
const RESOURCES: [&str; 5] =
    ["configmaps", "services", "deployments", "serviceaccounts", "selfsubjectaccessreviews"];

/// Requests by what they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests(BTreeMap<String, u64>);

impl Requests {
    /// All until now.
    pub(crate) fn so_far(admin: &Client) -> Self {
        let answer = admin.send("GET", "/metrics", "text/plain", b"").expect("it is answered");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let mut found = BTreeMap::new();
        for line in text.lines().filter_map(|line| line.strip_prefix("apiserver_request_total{")) {
            let Some((labels, count)) = line.rsplit_once("} ") else { continue };
            let label = |name: &str| {
                let from = labels.split_once(&format!("{name}=\""))?.1;
                Some(from.split_once('"')?.0)
            };
            if !label("resource").is_some_and(|resource| RESOURCES.contains(&resource)) {
                continue;
            }
            let dry = label("dry_run").is_some_and(|dry| !dry.is_empty());
            let verb = label("verb").unwrap_or_default();
            let verb = if dry { format!("{verb} (dry run)") } else { verb.to_owned() };
            let count = count.trim().parse::<f64>().unwrap_or_default();
            *found.entry(verb).or_default() += count as u64;
        }
        Self(found)
    }

    /// Those that came since then.
    pub(crate) fn since(&self, then: &Self) -> Self {
        let new = |(verb, count): (&String, &u64)| {
            let count = count - then.0.get(verb).unwrap_or(&0);
            (count > 0).then(|| (verb.clone(), count))
        };
        Self(self.0.iter().filter_map(new).collect())
    }
}

impl fmt::Display for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> =
            self.0.iter().map(|(verb, count)| format!("{count} {verb}")).collect();
        f.write_str(&words.join(", "))
    }
}
