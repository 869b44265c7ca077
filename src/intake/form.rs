//! The written form of a Proposal: its members, the texts in them, and what is missing.

use serde_json::{Map, Value};

use super::operation::{self, Draft};
use super::page::{Leaf, Page, Place, Report, kind_of};
use super::{Defaults, Settled};
use crate::document::ident::{Label, Pointer};
use crate::document::operation::Consent;
use crate::document::proposal::Intent;
use crate::manifest::problem::Problem;

/// Members of a Proposal.
pub(super) const PROPOSAL: [&str; 7] =
    ["apiVersion", "kind", "name", "environment", "target", "intent", "operations"];
/// Members of an intent.
pub(super) const INTENT: [&str; 2] = ["request", "summary"];

/// The only version that is read.
const API_VERSION: &str = "countersign/v1";

/// What only a trusted configuration may say, wherever it stands.
const FIXED: [&str; 20] = [
    "context",
    "cluster",
    "kubeconfig",
    "server",
    "endpoint",
    "profile",
    "account",
    "region",
    "role",
    "roleArn",
    "roleARN",
    "serviceRole",
    "credentials",
    "token",
    "secrets",
    "command",
    "ledger",
    "policy",
    "project",
    "notifications",
];

/// A member that is there, is not, or is wrong (and was reported).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Member<T> {
    /// Not there.
    #[default]
    Missing,
    /// There, and not what it should be.
    Wrong,
    /// There.
    Given(T),
}

impl<T> Member<T> {
    pub(super) fn given(self) -> Option<T> {
        match self {
            Self::Given(value) => Some(value),
            Self::Missing | Self::Wrong => None,
        }
    }
}

/// A map whose members are known.
pub(super) struct Members {
    at: Pointer,
    map: Map<String, Value>,
}

impl Members {
    /// Opens a map and reports every member that is not known.
    pub(super) fn open(
        value: Value,
        at: &Pointer,
        known: &[&str],
        leaf: &mut Leaf<'_, '_>,
    ) -> Option<Self> {
        let Value::Object(map) = value else {
            leaf.refuse(at, format!("{}, where a map is expected", kind_of(&value)), "");
            return None;
        };
        for name in map.keys().filter(|name| !known.contains(&name.as_str())) {
            if leaf.is_full() {
                break;
            }
            let shown: String = name.chars().take(60).collect();
            let hint = advice(name, known);
            leaf.refuse_member(&at.join(name), format!("unknown member {shown:?}"), &hint);
        }
        Some(Self { at: at.clone(), map })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    pub(super) fn root(&self) -> Pointer {
        self.at.clone()
    }

    pub(super) fn at(&self, name: &str) -> Pointer {
        self.at.join(name)
    }

    pub(super) fn take(&mut self, name: &str) -> Option<(Value, Pointer)> {
        let value = self.map.remove(name)?;
        Some((value, self.at.join(name)))
    }

    /// A member that must be there.
    pub(super) fn need(&mut self, name: &str, leaf: &mut Leaf<'_, '_>) -> Option<(Value, Pointer)> {
        let found = self.take(name);
        if found.is_none() {
            leaf.refuse(&self.at, format!("`{name}` is missing"), &format!("write `{name}:`"));
        }
        found
    }

    pub(super) fn text(&mut self, name: &str, leaf: &mut Leaf<'_, '_>) -> Member<String> {
        match self.take(name) {
            None => Member::Missing,
            Some((Value::String(text), _)) => Member::Given(text),
            Some((value, at)) => {
                leaf.refuse(&at, format!("{}, where a text is expected", kind_of(&value)), "");
                Member::Wrong
            }
        }
    }

    pub(super) fn label(&mut self, name: &str, leaf: &mut Leaf<'_, '_>) -> Member<(Label, Place)> {
        let at = self.at(name);
        match self.text(name, leaf) {
            Member::Missing => Member::Missing,
            Member::Wrong => Member::Wrong,
            Member::Given(text) => match text.parse() {
                Ok(label) => Member::Given((label, leaf.place(&at))),
                Err(error) => {
                    leaf.refuse(&at, format!("{error}"), "");
                    Member::Wrong
                }
            },
        }
    }

    pub(super) fn consent(&mut self, name: &str, leaf: &mut Leaf<'_, '_>) -> Consent {
        let at = self.at(name);
        match self.text(name, leaf) {
            Member::Missing | Member::Wrong => Consent::default(),
            Member::Given(text) => match text.as_str() {
                "allowed" => Consent::Allowed,
                "refused" => Consent::Refused,
                _ => {
                    leaf.refuse(&at, format!("{text:?} is neither `allowed` nor `refused`"), "");
                    Consent::default()
                }
            },
        }
    }
}

/// What to write in place of an unknown member.
fn advice(name: &str, known: &[&str]) -> String {
    match name {
        "requestedBy" => return "`--requested-by` says who asked".to_owned(),
        "planner" => return "the key that signs says who plans".to_owned(),
        "verb" | "body" => {
            return "write the verb itself: `apply:`, `patch:`, `delete:` or `stack:`".to_owned();
        }
        "metadata" => return "`namespace` and `name` stand here themselves".to_owned(),
        _ => {}
    }
    if FIXED.contains(&name) {
        return "countersign.toml alone says this".to_owned();
    }
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// The known name nearest to an unknown one, if any is near.
pub(super) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let short: String = name.chars().take(60).collect();
    let scored = known.map(|known| (strsim::jaro_winkler(&short, known), known));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(score, _)| *score > 0.8).map(|(_, known)| known)
}

/// What a Proposal says of itself, before the command line is asked.
#[derive(Default)]
pub(super) struct Header {
    name: Member<(Label, Place)>,
    environment: Member<(Label, Place)>,
    target: Member<(Label, Place)>,
    intent: Intent,
}

impl Header {
    /// Fills in what the command line says; `None` if something is missing or contradicts it.
    pub(super) fn settled(
        self,
        defaults: &Defaults,
        pages: &[Page<'_>],
        report: &mut Report,
    ) -> Option<Settled> {
        let mut settle = |found, given: [Option<&Label>; 2], member, flag| {
            settled(found, given, (member, flag), pages, report)
        };
        let only = defaults.only.as_ref();
        let [environment, target] = [only.map(|only| &only.0), only.map(|only| &only.1)];
        let environment = [defaults.environment.as_ref(), environment];
        let target = [defaults.target.as_ref(), target];
        let name = settle(self.name, [defaults.name.as_ref(), None], "name", "--name");
        let environment = settle(self.environment, environment, "environment", "--env");
        let target = settle(self.target, target, "target", "--target");
        Some(Settled {
            name: name?,
            environment: environment?,
            target: target?,
            intent: self.intent,
        })
    }
}

fn settled(
    found: Member<(Label, Place)>,
    [given, only]: [Option<&Label>; 2],
    (member, flag): (&str, &str),
    pages: &[Page<'_>],
    report: &mut Report,
) -> Option<Label> {
    match (found, given) {
        (Member::Missing, None) if only.is_some() => only.cloned(),
        (Member::Given((found, place)), Some(given)) if found != *given => {
            let message = format!("`{member}` is {found} here, and {flag} says {given}");
            let (file, problem) = place.problem(pages, message);
            report.add(file, problem.hint(format!("leave {flag} out, or make them the same")));
            None
        }
        (Member::Given((found, _)), _) => Some(found),
        (Member::Missing, Some(given)) => Some(given.clone()),
        (Member::Missing, None) => {
            let problem = Problem::new(format!("the plan has no {member}"));
            let hint = format!("give `{flag} {}`", member.to_uppercase());
            report.add("", problem.hint(hint));
            None
        }
        (Member::Wrong, _) => None,
    }
}

/// Whether a document is meant as a Proposal.
pub(super) fn is_proposal(value: &Value) -> bool {
    let text = |name| value.get(name).and_then(Value::as_str);
    let api = text("apiVersion").unwrap_or_default();
    api == "countersign"
        || api.starts_with("countersign/")
        || (text("kind") == Some("Proposal") && !api.contains('/'))
}

/// Reads a Proposal: what it says of itself, and its operations.
pub(super) fn proposal(value: Value, leaf: &mut Leaf<'_, '_>) -> (Header, Vec<Draft>) {
    let mut header = Header::default();
    let mut drafts = Vec::new();
    let Some(mut members) = Members::open(value, &Pointer::default(), &PROPOSAL, leaf) else {
        return (header, drafts);
    };
    for (name, wanted) in [("apiVersion", API_VERSION), ("kind", "Proposal")] {
        let at = members.at(name);
        match members.need(name, leaf) {
            Some((value, _)) if value == wanted => {}
            Some(_) => leaf.refuse(&at, format!("`{name}` is not {wanted}"), "no other is read"),
            None => {}
        }
    }
    header.name = members.label("name", leaf);
    header.environment = members.label("environment", leaf);
    header.target = members.label("target", leaf);
    if let Some((value, at)) = members.take("intent")
        && let Some(mut intent) = Members::open(value, &at, &INTENT, leaf)
    {
        header.intent.request = intent.text("request", leaf).given().unwrap_or_default();
        header.intent.summary = intent.text("summary", leaf).given().unwrap_or_default();
    }
    match members.need("operations", leaf) {
        Some((Value::Array(items), at)) => {
            if items.is_empty() {
                leaf.refuse(&at, "no operations", "say at least one thing that is to be done");
            }
            for (index, item) in items.into_iter().enumerate() {
                drafts.push(operation::draft(item, &at.join(&index.to_string()), leaf));
            }
        }
        Some((value, at)) => {
            leaf.refuse(&at, format!("{}, where a list is expected", kind_of(&value)), "");
        }
        None => {}
    }
    (header, drafts)
}
