//! One change as it is shown: its class, what happens to which object, and what a person needs to
//! know of it, the worst first.

use std::collections::{BTreeMap, BTreeSet};

use super::comments::Losses;
use super::field::{self, Field};
use super::page::{self, Quote, Said};
use super::piece::{Line, Piece};
use super::words;
use crate::document::effect::{Change, Class, PreviewState, Step, TargetIdentity};
use crate::document::ident::{Label, Pointer, ResourceId};
use crate::document::plan::PlanDocument;
use crate::plan::judgement::{Judgement, Reason};
use crate::policy::verdict::{Finding, Verdict};

/// Fields that are named before the rest is a number.
const FIELDS: usize = 40;

/// One change as it is shown.
#[derive(Clone, Debug)]
pub struct Item {
    /// From 1, in the order shown.
    pub number: usize,
    /// Its place in the plan, from 0.
    pub index: usize,
    /// The object.
    pub id: ResourceId,
    /// The worst it may do.
    pub class: Class,
    /// What happens: `create`, `update`, `replace`, `delete`, `keep`.
    pub action: &'static str,
    /// What is said on the same line; may be empty.
    pub clause: Line,
    /// `BLOCKED`, `NO PREVIEW`, `DEFERRED`.
    pub state: Option<&'static str>,
    /// Sentences, in order.
    pub notes: Vec<Line>,
    /// Each rule that gives it a class, the worst first.
    pub reasons: Vec<Line>,
    /// Fields that change.
    pub fields: Vec<Field>,
    /// Fields that change and are not named.
    pub more_fields: usize,
    /// What the policies say of it: what denies first.
    pub said: Vec<Said>,
    /// Words of others.
    pub quotes: Vec<Quote>,
    /// Objects that do not change and that this one reaches.
    pub reaches: Vec<ResourceId>,
    /// Comments that its document loses.
    pub comments_lost: u32,
    denied: bool,
}

impl Item {
    /// Whether it keeps the plan from being applied.
    pub fn is_open(&self) -> bool {
        self.denied || self.state.is_some_and(|state| state != "DEFERRED")
    }
}

/// Every change of a plan, the most dangerous first.
pub(super) fn items(
    plan: &PlanDocument,
    judgements: &[Judgement],
    verdict: Option<&Verdict>,
    losses: &Losses,
) -> Vec<Item> {
    let effect = &plan.effect;
    let direct = page::direct(effect);
    let mut said: BTreeMap<&str, Vec<Said>> = BTreeMap::new();
    let mut denied: BTreeMap<&str, bool> = BTreeMap::new();
    if let Some(verdict) = verdict {
        let deny = verdict.deny.iter().map(|finding| ("DENY", finding));
        for (word, finding) in deny.chain(verdict.warn.iter().map(|finding| ("WARN", finding))) {
            let Finding { change, .. } = finding;
            said.entry(change).or_default().push(Said::of(word, finding));
            *denied.entry(change).or_default() |= word == "DENY";
        }
    }
    let mut order: Vec<usize> = (0..effect.changes.len()).collect();
    order.sort_by_key(|at| {
        let change = effect.changes.get(*at);
        std::cmp::Reverse(change.map(|change| (change.class, change.certainty)))
    });
    let numbers: BTreeMap<&ResourceId, usize> = order
        .iter()
        .enumerate()
        .filter_map(|(at, index)| Some((&effect.changes.get(*index)?.id, at + 1)))
        .collect();
    let given: BTreeMap<&Label, &str> = plan
        .proposal
        .operations
        .iter()
        .map(|operation| (&operation.id, operation.reason.as_str()))
        .collect();
    let in_tree = matches!(effect.target, TargetIdentity::Directory { .. });
    order
        .iter()
        .enumerate()
        .filter_map(|(at, index)| {
            let change = effect.changes.get(*index)?;
            let id = change.id.to_string();
            let reaches: Vec<_> = direct.get(&change.id).into_iter().flatten().copied().collect();
            let along = if in_tree { BTreeSet::new() } else { page::along(effect, change) };
            let (gone, used): (Vec<_>, Vec<_>) =
                reaches.iter().copied().partition(|id| along.contains(id));
            let mut fields = field::changed(change);
            let more_fields = fields.len().saturating_sub(FIELDS);
            fields.truncate(FIELDS);
            let (clause, also) = clause(change, judgements.get(*index));
            let mut notes = state_notes(change, &numbers);
            notes.extend(also);
            notes.extend(object_notes(change, in_tree));
            if !gone.is_empty() {
                let mut line = vec![Piece::words("Takes along ")];
                line.extend(page::names(&gone));
                line.push(Piece::words("."));
                notes.push(line);
            }
            if !used.is_empty() {
                let mut line = vec![Piece::words("Used by ")];
                line.extend(page::names(&used));
                line.push(Piece::words(if used.len() == 1 {
                    ", which does not change."
                } else {
                    ", which do not change."
                }));
                notes.push(line);
            }
            let comments_lost = losses.objects.get(&change.id).copied().unwrap_or_default();
            if comments_lost > 0 {
                let lost = words::count(comments_lost.into(), "comment");
                notes.push(vec![Piece::words(format!(
                    "{lost} lost: the document is written anew."
                ))]);
            }
            Some(Item {
                number: at + 1,
                index: *index,
                id: change.id.clone(),
                class: change.class,
                action: words::action(&change.actions),
                clause,
                state: words::preview(change.preview.state),
                notes,
                reasons: judgements.get(*index).map(reasons).unwrap_or_default(),
                fields,
                more_fields,
                said: said.remove(id.as_str()).unwrap_or_default(),
                quotes: quotes(&given, change),
                reaches: reaches.into_iter().cloned().collect(),
                comments_lost,
                denied: denied.get(id.as_str()).is_some_and(|denied| *denied),
            })
        })
        .collect()
}

/// What the first reason says, and what the others add.
fn clause(change: &Change, judgement: Option<&Judgement>) -> (Line, Vec<Line>) {
    let mut says: Vec<&str> = Vec::new();
    for reason in judgement.map(|judgement| judgement.reasons.as_slice()).unwrap_or_default() {
        if !reason.says.is_empty() && !says.contains(&reason.says.as_str()) {
            says.push(&reason.says);
        }
    }
    let mut says = says.into_iter().map(|text| Piece::Prose(text.to_owned()));
    let mut line: Line =
        says.next().or_else(|| size(change).map(Piece::Words)).into_iter().collect();
    match (words::certainty(change.certainty), line.is_empty()) {
        (None, _) => {}
        (Some(word), true) => line.push(Piece::words(word)),
        (Some(word), false) => line.push(Piece::words(format!(" ({word})"))),
    }
    (line, says.map(|piece| vec![Piece::words("Also: "), piece, Piece::words(".")]).collect())
}

/// By which rules it has its class, one line each.
fn reasons(judgement: &Judgement) -> Vec<Line> {
    let told = |reason: &Reason| {
        let Reason { rule, class, certainty, path, says } = reason;
        let mut line = vec![Piece::words(format!("{} by rule {rule}", words::class(*class)))];
        line.extend(words::certainty(*certainty).map(|word| Piece::words(format!(", {word}"))));
        if !path.as_str().is_empty() {
            line.extend([Piece::words(", at "), Piece::Value(path.to_string())]);
        }
        if !says.is_empty() {
            line.extend([Piece::words(": "), Piece::Prose(says.clone())]);
        }
        line
    };
    judgement.reasons.iter().map(told).collect()
}

/// How much a new object holds, where that is a number of keys.
fn size(change: &Change) -> Option<String> {
    let keys =
        |name| change.after.get(name).and_then(|data| data.as_object()).map(|data| data.len());
    let holds = matches!(change.id.kind.as_str(), "ConfigMap" | "Secret");
    let total = keys("data").unwrap_or_default() + keys("binaryData").unwrap_or_default();
    (holds && change.actions == [Step::Create]).then(|| words::count(total as u64, "key"))
}

fn state_notes(change: &Change, numbers: &BTreeMap<&ResourceId, usize>) -> Vec<Line> {
    if let Some(text) = awaits(change, numbers) {
        return vec![vec![Piece::Words(text)]];
    }
    let because = Piece::Prose(change.preview.because.clone());
    let told = match change.preview.state {
        PreviewState::Server | PreviewState::Local => return Vec::new(),
        PreviewState::Blocked => "Refused".to_owned(),
        PreviewState::Unpreviewable => "Nobody can say what the target makes of it".to_owned(),
        PreviewState::Deferred => {
            let by = change.preview.by.parse::<ResourceId>().ok();
            match by.and_then(|id| numbers.get(&id).copied()) {
                Some(number) => format!("Shown as asked for; evaluated once [{number}] is made"),
                None => "Shown as asked for; evaluated once what it needs is made".to_owned(),
            }
        }
    };
    if change.preview.because.is_empty() {
        return vec![vec![Piece::words(format!("{told}."))]];
    }
    vec![vec![Piece::words(format!("{told}: ")), because]]
}

/// What a preview that is deferred waits for, where that is one of the known cases.
fn awaits(change: &Change, numbers: &BTreeMap<&ResourceId, usize>) -> Option<String> {
    if change.preview.state != PreviewState::Deferred {
        return None;
    }
    let by = change.preview.by.parse::<ResourceId>().ok()?;
    if by == change.id {
        let told = "Shown as asked for; what the target adds is known once the old one is gone.";
        return Some(told.to_owned());
    }
    let what = match change.preview.because.as_str() {
        "namespace" => "its namespace",
        "crd" => "its kind",
        _ => return None,
    };
    let number = numbers.get(&by)?;
    Some(format!("Shown as asked for; what the target adds is known once [{number}] made {what}."))
}

fn object_notes(change: &Change, in_tree: bool) -> Vec<Line> {
    let mut notes = Vec::new();
    if !change.replace_paths.is_empty() {
        let replaced = change.actions == [Step::Delete, Step::Create];
        let (before, behind) = match replaced {
            true => ("Deleted and made anew, because of ", ", which cannot be changed in place."),
            false => ("Cannot be changed in place: ", "."),
        };
        let mut line = vec![Piece::words(before)];
        line.extend(pointers(&change.replace_paths));
        line.push(Piece::words(behind));
        notes.push(line);
    }
    let finalizers = change.before.pointer("/metadata/finalizers").and_then(|list| list.as_array());
    let finalizers: Vec<&str> =
        finalizers.into_iter().flatten().filter_map(|f| f.as_str()).collect();
    if !in_tree && change.actions.contains(&Step::Delete) && !finalizers.is_empty() {
        let mut line = vec![Piece::words("Goes only once its finalizers are done: ")];
        for (index, finalizer) in finalizers.iter().enumerate() {
            line.extend((index > 0).then(|| Piece::words(", ")));
            line.push(Piece::name(*finalizer));
        }
        line.push(Piece::words("."));
        notes.push(line);
    }
    if let Some(text) = words::propagation(change).filter(|_| !in_tree) {
        notes.push(vec![Piece::words(text)]);
    }
    if !change.flags.is_empty() {
        let flags: Vec<&str> = change.flags.iter().map(|flag| words::flag(*flag)).collect();
        let word = if flags.len() == 1 { "Flag" } else { "Flags" };
        notes.push(vec![Piece::words(format!("{word}: {}.", flags.join(", ")))]);
    }
    for forced in &change.force {
        notes.push(vec![
            Piece::words("Takes "),
            Piece::Value(forced.path.to_string()),
            Piece::words(" over from "),
            Piece::name(&forced.manager),
            Piece::words("."),
        ]);
    }
    if !change.without_effect.is_empty() {
        let mut line =
            vec![Piece::words("Left out of the operation, and stays because others hold it: ")];
        line.extend(pointers(&change.without_effect));
        notes.push(line);
    }
    if !change.unknown.is_empty() {
        let mut line = vec![Piece::words("Only the target decides: ")];
        line.extend(pointers(&change.unknown));
        notes.push(line);
    }
    notes
}

fn pointers(paths: &[Pointer]) -> Line {
    let mut line = Line::new();
    for (index, path) in paths.iter().take(page::NAMES).enumerate() {
        line.extend((index > 0).then(|| Piece::words(", ")));
        line.push(Piece::Value(path.to_string()));
    }
    if let Some(more) = paths.len().checked_sub(page::NAMES).filter(|more| *more > 0) {
        line.push(Piece::words(format!(" and {more} more")));
    }
    line
}

fn quotes(reasons: &BTreeMap<&Label, &str>, change: &Change) -> Vec<Quote> {
    let warned =
        change.warnings.iter().map(|text| page::quote("The target warns (untrusted)", text));
    let reason = reasons.get(&change.operation);
    let reason = reason.map(|reason| page::quote("The reason given (untrusted)", reason));
    warned.chain(reason).flatten().collect()
}
