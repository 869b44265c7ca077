//! Nodes, quotas, limits and budgets: what bounds pods, and which way the bound moves.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::document::effect::Flag;
use crate::plan::class::look::{Findings, Look};
use crate::plan::class::table::short::{M, MAY, O, R, SURE};
use crate::plan::class::verb::Verb;
use crate::plan::shape::{list, members, text};

pub(super) fn judge(look: &Look<'_>, out: &mut Findings) {
    if look.verb != Verb::Update {
        return;
    }
    match (look.group(), look.kind()) {
        ("", "Node") => taints(look, out),
        ("", "ResourceQuota") => quota(look, out),
        ("", "LimitRange") => limits(look, out),
        ("policy", "PodDisruptionBudget") => budget(look, out),
        _ => {}
    }
}

fn taints(look: &Look<'_>, out: &mut Findings) {
    let evicting = |object| -> BTreeSet<(&str, &str)> {
        list(object, "/spec/taints")
            .iter()
            .filter(|taint| text(taint, "/effect") == "NoExecute")
            .map(|taint| (text(taint, "/key"), text(taint, "/value")))
            .collect()
    };
    if !evicting(look.after()).is_subset(&evicting(look.before())) {
        out.add(R, SURE, "node.evicts", "pods that do not tolerate the taint are evicted");
    }
}

/// A quantity in thousandths, rounded down; `None` if it is none.
fn quantity(value: &Value) -> Option<i128> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let split =
        text.find(|c: char| !matches!(c, '0'..='9' | '.' | '-' | '+')).unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(split)?;
    let thousandths: i128 = match suffix {
        "n" | "u" => 0,
        "m" => 1,
        "" => 1_000,
        "k" => 1_000_i128.pow(2),
        "M" => 1_000_i128.pow(3),
        "G" => 1_000_i128.pow(4),
        "T" => 1_000_i128.pow(5),
        "P" => 1_000_i128.pow(6),
        "E" => 1_000_i128.pow(7),
        "Ki" => 1_000 * 1_024,
        "Mi" => 1_000 * 1_024_i128.pow(2),
        "Gi" => 1_000 * 1_024_i128.pow(3),
        "Ti" => 1_000 * 1_024_i128.pow(4),
        "Pi" => 1_000 * 1_024_i128.pow(5),
        "Ei" => 1_000 * 1_024_i128.pow(6),
        _ => return None,
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let part = part.get(..part.len().min(9))?;
    let scale = 10_i128.pow(u32::try_from(part.len()).ok()?);
    let digits: i128 = format!("{whole}{part}").parse().ok()?;
    Some(digits.checked_mul(thousandths)?.div_euclid(scale))
}

/// Which way a bound moves; `None` if that cannot be told.
fn moves(before: &Value, after: &Value) -> Option<Ordering> {
    match (before, after) {
        (Value::String(a), Value::String(b)) if a.ends_with('%') && b.ends_with('%') => {
            let percent = |text: &str| text.trim_end_matches('%').parse::<i64>().ok();
            Some(percent(b)?.cmp(&percent(a)?))
        }
        _ => Some(quantity(after)?.cmp(&quantity(before)?)),
    }
}

/// Whether bounds become tighter, and whether they become looser. An unknown move is both.
#[derive(Default)]
struct Bounds {
    tighter: bool,
    looser: bool,
}

impl Bounds {
    /// `upper`: a smaller value is the tighter one.
    fn compare(&mut self, before: Option<&Value>, after: Option<&Value>, upper: bool) {
        match (before, after) {
            (None, None) => {}
            (None, Some(_)) => self.tighter = true,
            (Some(_), None) => self.looser = true,
            (Some(before), Some(after)) if before == after => {}
            (Some(before), Some(after)) => match moves(before, after) {
                Some(Ordering::Equal) => {}
                Some(Ordering::Less) if upper => self.tighter = true,
                Some(Ordering::Greater) if !upper => self.tighter = true,
                Some(Ordering::Less | Ordering::Greater) => self.looser = true,
                None => {
                    self.tighter = true;
                    self.looser = true;
                }
            },
        }
    }

    fn tell(self, rule: &str, says: &'static str, out: &mut Findings) {
        if self.tighter {
            out.add(O, MAY, rule, says);
        }
        if self.looser {
            out.add(M, SURE, rule, "bounds less than before");
            out.flag(Flag::GuardRemoved, rule, "bounds less than before");
        }
    }
}

fn quota(look: &Look<'_>, out: &mut Findings) {
    let hard = |object| members(object, "/spec/hard").collect::<BTreeMap<_, _>>();
    let (before, after) = (hard(look.before()), hard(look.after()));
    let keys: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let mut bounds = Bounds::default();
    for key in keys {
        bounds.compare(before.get(key).copied(), after.get(key).copied(), true);
    }
    bounds.tell("quota.hard", "pods beyond it are refused", out);
}

fn limits(look: &Look<'_>, out: &mut Findings) {
    let read = |object, member: &str| -> BTreeMap<String, &Value> {
        let mut found = BTreeMap::new();
        for limit in list(object, "/spec/limits") {
            let kind = text(limit, "/type");
            found.extend(
                members(limit, member).map(|(key, value)| (format!("{kind}/{key}"), value)),
            );
        }
        found
    };
    let mut bounds = Bounds::default();
    for (member, upper) in [("/max", true), ("/maxLimitRequestRatio", true), ("/min", false)] {
        let (before, after) = (read(look.before(), member), read(look.after(), member));
        let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for key in keys {
            bounds.compare(before.get(key).copied(), after.get(key).copied(), upper);
        }
    }
    bounds.tell("limits.range", "pods outside it are refused", out);
}

fn budget(look: &Look<'_>, out: &mut Findings) {
    let mut bounds = Bounds::default();
    for (at, upper) in [("/spec/minAvailable", false), ("/spec/maxUnavailable", true)] {
        bounds.compare(look.before().pointer(at), look.after().pointer(at), upper);
    }
    if bounds.looser || look.differs("/spec/selector") {
        let says = "eviction is held back less";
        out.add(M, SURE, "budget.looser", says);
        out.flag(Flag::GuardRemoved, "budget.looser", says);
    }
}
