//! One generated rule asks every entry once, and each answer has exactly the shape that is written
//! down, or it is an error which names the rule.

use std::collections::BTreeSet;

use regorus::Value;

use super::check::{AGGREGATOR, Catalogue, Entry, Kind};
use super::problem::Problem;
use super::request::Judged;
use super::verdict::{Finding, Raise};
use crate::document::ident::Label;

/// The path to evaluate.
pub(super) const RULE: &str = "data.__countersign.result";

/// The generated module: a list with one item per entry, each the list of the one value that the
/// entry has. One evaluation, since the engine forgets everything between two of them; a list
/// around each, so that one entry without a value cannot make the whole undefined.
pub(super) fn module(catalogue: &Catalogue) -> String {
    let mut text = format!("package {AGGREGATOR}\n\nresult := [\n");
    for Entry { package, kind, definitions: _ } in &catalogue.entries {
        let kind = kind.name();
        text.push_str(&format!("\t[value | value := data.{package}.{kind}],\n"));
    }
    text.push_str("]\n");
    text
}

/// Reads what the rule gave. `changes` are the ids of the plan's changes.
pub(super) fn read(
    catalogue: &Catalogue,
    result: &Value,
    changes: &BTreeSet<&str>,
) -> Result<Judged, Vec<Problem>> {
    let mut judged = Judged::default();
    let mut problems = Vec::new();
    let lists = result.as_array().map(|lists| lists.iter().collect::<Vec<_>>()).unwrap_or_default();
    if lists.len() != catalogue.entries.len() {
        let message = "the engine gave no answer for some rules".to_owned();
        return Err(vec![Problem::new("", 0, message)]);
    }
    for (entry, list) in catalogue.entries.iter().zip(lists) {
        judged.rules += u32::try_from(entry.definitions.len()).unwrap_or(u32::MAX);
        let set = list.as_array().ok().filter(|list| list.len() == 1);
        let set = set.and_then(|list| list.get(0)).and_then(|value| value.as_set().ok());
        let Some(set) = set else {
            problems.push(wrong(entry, "", "it is no set".to_owned()));
            continue;
        };
        for element in set.iter() {
            match answer(entry, element, changes) {
                Ok(Answer::Finding(finding)) if entry.kind == Kind::Deny => {
                    judged.deny.push(finding);
                }
                Ok(Answer::Finding(finding)) => judged.warn.push(finding),
                Ok(Answer::Raise(raise)) => judged.require_approval.push(raise),
                Err(problem) => problems.push(problem),
            }
        }
    }
    judged.deny.sort();
    judged.warn.sort();
    judged.require_approval.sort();
    if problems.is_empty() { Ok(judged) } else { Err(problems) }
}

enum Answer {
    Finding(Finding),
    Raise(Raise),
}

fn answer(entry: &Entry, element: &Value, changes: &BTreeSet<&str>) -> Result<Answer, Problem> {
    let mut id = "";
    let mut change = "";
    let mut message = "";
    let mut role = None;
    let mut count = 1;
    match element {
        Value::String(text) => message = text,
        Value::Object(members) => {
            for (name, value) in members.iter() {
                let name = name.as_string().map(|name| name.to_string()).unwrap_or_default();
                let text = value.as_string().map(|text| &**text);
                let not_text = || wrong(entry, id, format!("its `{name}` is no text"));
                match (name.as_str(), entry.kind) {
                    ("msg", _) => message = text.map_err(|_| not_text())?,
                    ("id", _) => id = text.map_err(|_| not_text())?,
                    ("change", _) => change = text.map_err(|_| not_text())?,
                    ("role", Kind::RequireApproval) => {
                        let text = text.map_err(|_| not_text())?;
                        let label = text.parse::<Label>();
                        role = Some(label.map_err(|error| wrong(entry, id, error.to_string()))?);
                    }
                    ("count", Kind::RequireApproval) => {
                        let number = value.as_u32().ok().filter(|number| *number > 0);
                        count = number.ok_or_else(|| {
                            wrong(entry, id, "its `count` is no whole number above 0".to_owned())
                        })?;
                    }
                    ("role" | "count", Kind::Deny | Kind::Warn) | (_, _) => {
                        let message = format!("it has a member {name:?} that means nothing here");
                        return Err(wrong(entry, id, message));
                    }
                }
            }
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Array(_)
        | Value::Set(_)
        | Value::Undefined => {
            return Err(wrong(entry, "", "it is neither a text nor an object".to_owned()));
        }
    }
    if message.trim().is_empty() {
        return Err(wrong(entry, id, "its message is missing or empty".to_owned()));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !id.chars().all(plain) {
        return Err(wrong(
            entry,
            "",
            format!("its id {id:?} has more than letters, digits, _ and -"),
        ));
    }
    if !change.is_empty() && !changes.contains(change) {
        return Err(wrong(entry, id, format!("its change {change:?} is no change of this plan")));
    }
    let (file, line) = place(entry, id);
    let rule =
        if id.is_empty() { entry.package.clone() } else { format!("{}.{id}", entry.package) };
    let (message, change) = (message.to_owned(), change.to_owned());
    let finding = Finding { rule, message, change, file, line };
    match (entry.kind, role) {
        (Kind::Deny | Kind::Warn, _) => Ok(Answer::Finding(finding)),
        (Kind::RequireApproval, Some(role)) => Ok(Answer::Raise(Raise { role, count, finding })),
        (Kind::RequireApproval, None) => Err(wrong(entry, id, "it names no `role`".to_owned())),
    }
}

/// The definition that a finding comes from: the one whose source mentions its id, else the first.
fn place(entry: &Entry, id: &str) -> (String, u32) {
    let quoted = format!("\"{id}\"");
    let named = entry
        .definitions
        .iter()
        .find(|definition| !id.is_empty() && definition.source.contains(&quoted));
    let definition = named.or(entry.definitions.first());
    definition.map_or((String::new(), 0), |definition| (definition.file.clone(), definition.line))
}

fn wrong(entry: &Entry, id: &str, what: String) -> Problem {
    let (file, line) = place(entry, id);
    let message =
        format!("an answer of data.{}.{} cannot be used: {what}", entry.package, entry.kind.name());
    let hint = match entry.kind {
        Kind::Deny | Kind::Warn => {
            "answer a text, or an object with `msg` and, if you like, `id` and `change`"
        }
        Kind::RequireApproval => {
            "answer an object with `msg`, `role` and, if you like, `count`, `id` and `change`"
        }
    };
    Problem::new(file, line, message).hint(hint)
}
