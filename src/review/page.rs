//! What a person is shown of a plan, before anybody decides how it is laid out. What is said of
//! the plan is a pure function of its bytes; what stands beside them is kept apart.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{self, Item};
use super::comments;
use super::field::Field;
use super::files::{self, FileDiff};
use super::piece::{self, Line, Piece};
use super::standing::{self, StandingView};
use super::state::{self, State};
use super::{ways, words};
use crate::document::effect::{Change, Effect, Impact, Step, TargetIdentity};
use crate::document::ident::{Digest, ResourceId};
use crate::document::plan::PlanDocument;
use crate::document::proposal::Proposal;
use crate::plan::judgement::Judgement;
use crate::plan::radius;
use crate::policy::verdict::{Finding, Verdict};

/// Names in a list before the rest is a number.
pub(super) const NAMES: usize = 6;
/// Lines of a quotation before the rest is a number.
const QUOTED: usize = 20;

/// Everything that a review is made of.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The plan.
    pub plan: &'a PlanDocument,
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// What the rules make of each change, in the plan's order: the clause beside it. A pure
    /// function of the plan. Empty: no clauses.
    pub judgements: &'a [Judgement],
    /// What the policies say; not part of the plan.
    pub verdict: Option<&'a Verdict>,
    /// Where the approvals stand; not part of the plan.
    pub standing: Option<&'a StandingView<'a>>,
    /// The plan's folder as the person would type it, for the next command; `None`: none is named.
    pub place: Option<&'a str>,
    /// What else the command has to say; not part of the plan.
    pub notes: &'a [String],
}

/// Sentences of somebody else, line by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Whose they are, in our words.
    pub by: String,
    /// Each of them a [`Piece::Prose`].
    pub lines: Vec<Piece>,
    /// Lines that are left out.
    pub more: usize,
}

/// A `deny` or `warn` as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// `DENY`, `WARN` or `NEEDS`.
    pub word: &'static str,
    /// The rule and where it stands.
    pub rule: Line,
    /// What it says; empty if nothing.
    pub message: Line,
}

/// The page as it is shown.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Name of the plan.
    pub name: String,
    /// Environment.
    pub environment: String,
    /// In the order of their words.
    pub states: BTreeSet<State>,
    /// What the target is.
    pub target: Line,
    /// `1 delete`, `1 create`: worst first.
    pub counts: Vec<String>,
    /// `1 namespace`, `1 stateful`.
    pub reach: Vec<String>,
    /// What policies say of the plan as a whole.
    pub said: Vec<Said>,
    /// The changes, the most dangerous first.
    pub changes: Vec<Item>,
    /// What else there is to know of the plan.
    pub remarks: Vec<Line>,
    /// What the proposal says of itself.
    pub quotes: Vec<Quote>,
    /// Who asked, who planned.
    pub asked: Line,
    /// What is known beside the plan's bytes.
    pub beside: Vec<Line>,
    /// What to do now.
    pub next: Option<Line>,
    /// The texts that change.
    pub files: Vec<FileDiff>,
    /// SHA-256 of the plan's bytes.
    pub digest: Digest,
}

/// Where a plan stands, without its changes.
#[derive(Clone, Debug)]
pub struct Brief {
    /// Name of the plan.
    pub name: String,
    /// Environment.
    pub environment: String,
    /// In the order of their words.
    pub states: BTreeSet<State>,
    /// What is known beside the plan's bytes.
    pub beside: Vec<Line>,
    /// What to do now.
    pub next: Option<Line>,
    /// SHA-256 of the plan's bytes.
    pub digest: Digest,
}

impl Page<'_> {
    /// Where the plan stands: of what is shown, the part that needs no look at each change.
    pub fn brief(&self) -> Brief {
        let Self { plan, digest, judgements, verdict, standing, place, notes: _ } = *self;
        let PlanDocument { api_version: _, kind: _, rules: _, proposal, effect } = plan;
        let states = state::of(effect, verdict, standing);
        // Changes are named only where one of them is in the way.
        let changes = match states.iter().all(|state| *state > State::Denied) {
            true => Vec::new(),
            false => change::items(plan, judgements, verdict, &comments::Losses::default()),
        };
        let next = place
            .and_then(|place| state::next(place, &states, &changes, verdict.is_some(), standing));
        Brief {
            name: proposal.name.to_string(),
            environment: proposal.environment.to_string(),
            beside: self.beside(&states),
            states,
            next,
            digest,
        }
    }

    fn beside(&self, states: &BTreeSet<State>) -> Vec<Line> {
        let mut beside: Vec<Line> = self.verdict.map(policies).unwrap_or_default();
        let open = states.iter().all(|state| *state > State::Denied);
        beside.extend(self.standing.map(|view| standing::lines(view, open)).unwrap_or_default());
        beside.extend(self.notes.iter().map(|note| vec![Piece::Prose(note.clone())]));
        beside
    }

    /// What is shown.
    pub fn shown(&self) -> Shown {
        let Self { plan, digest, judgements, verdict, standing, place, notes: _ } = *self;
        let PlanDocument { api_version: _, kind: _, rules: _, proposal, effect } = plan;
        let states = state::of(effect, verdict, standing);
        let losses = comments::lost(&effect.files);
        let changes = change::items(plan, judgements, verdict, &losses);
        let beside = self.beside(&states);
        let mut said = Vec::new();
        if let Some(verdict) = verdict {
            let known: BTreeSet<String> =
                effect.changes.iter().map(|change| change.id.to_string()).collect();
            let whole = |finding: &&Finding| !known.contains(&finding.change);
            let whole = |word, findings: &[Finding]| -> Vec<Said> {
                findings.iter().filter(whole).map(|finding| Said::of_plan(word, finding)).collect()
            };
            said.extend(whole("DENY", &verdict.deny));
            said.extend(whole("WARN", &verdict.warn));
            said.extend(verdict.require_approval.iter().map(|raise| {
                let mut said = Said::of_plan("NEEDS", &raise.finding);
                let demand = format!("{} {}  ", raise.count, raise.role);
                said.rule.insert(0, Piece::words(demand));
                said
            }));
        }
        let next = place
            .and_then(|place| state::next(place, &states, &changes, verdict.is_some(), standing));
        Shown {
            name: proposal.name.to_string(),
            environment: proposal.environment.to_string(),
            states,
            target: target(plan),
            counts: counts(effect),
            reach: reach(&effect.impact),
            said,
            remarks: remarks(effect, &changes, &losses),
            changes,
            quotes: quotes(proposal),
            asked: asked(proposal),
            beside,
            next,
            files: files::of(effect),
            digest,
        }
    }
}

impl Shown {
    /// Characters that the page leaves out. What a field leaves out stands in the texts, where
    /// those are shown.
    pub fn cut(&self, texts: bool) -> usize {
        let lines = self.remarks.iter().chain([&self.target, &self.asked]);
        let quotes = self.quotes.iter().chain(self.changes.iter().flat_map(|item| &item.quotes));
        let notes = self.changes.iter().flat_map(|item| item.notes.iter().chain([&item.clause]));
        let said = self.said.iter().chain(self.changes.iter().flat_map(|item| &item.said));
        let mut cut: usize = lines.chain(notes).map(|line| piece::cut(line)).sum();
        cut += quotes.map(|quote| piece::cut(&quote.lines)).sum::<usize>();
        cut += said.map(|said| piece::cut(&said.rule) + piece::cut(&said.message)).sum::<usize>();
        cut += self
            .changes
            .iter()
            .map(|item| piece::cut(&[Piece::Object(item.id.clone())]))
            .sum::<usize>();
        if texts {
            cut + self.files.iter().map(|file| file.cut).sum::<usize>()
        } else {
            let fields = self.changes.iter().flat_map(|item| &item.fields);
            cut + fields.map(Field::cut).sum::<usize>()
        }
    }

    /// Whether the page shows all of what would be applied: every name, and every changed line of
    /// a text, or every field where there are no texts. Quotations decide nothing and may be cut.
    pub fn whole(&self, texts: bool) -> bool {
        let named = |item: &Item| piece::cut(&[Piece::Object(item.id.clone())]) == 0;
        let shown = match texts {
            true => self.files.iter().all(|file| file.cut == 0),
            false => self.files.is_empty(),
        };
        shown && self.changes.iter().all(named)
    }
}

impl Said {
    /// A finding under its word.
    pub(super) fn of(word: &'static str, finding: &Finding) -> Self {
        let Finding { rule, message, change: _, file, line } = finding;
        let rule = vec![
            Piece::name(rule),
            Piece::words("  "),
            Piece::name(file),
            Piece::words(format!(":{line}")),
        ];
        let message =
            if message.is_empty() { Vec::new() } else { vec![Piece::Prose(message.clone())] };
        Self { word, rule, message }
    }

    /// A finding that stands with none of the changes, and says so if it names one.
    fn of_plan(word: &'static str, finding: &Finding) -> Self {
        let mut said = Self::of(word, finding);
        if !finding.change.is_empty() {
            said.rule.push(Piece::words(", about "));
            said.rule.push(Piece::Value(finding.change.clone()));
        }
        said
    }
}

fn target(plan: &PlanDocument) -> Line {
    let mut line = vec![Piece::words(format!("Target {}: ", plan.proposal.target))];
    match &plan.effect.target {
        TargetIdentity::Directory { project, path } => {
            let path = if path == "." { "" } else { path.as_str() };
            line.push(Piece::words("directory, "));
            line.push(Piece::name(format!("{path}/")));
            line.push(Piece::words(format!(" in project {project}")));
        }
        TargetIdentity::Kubernetes { cluster_uid, ca_spki: _, namespaces: _ } => {
            line.push(Piece::words("kubernetes, cluster "));
            line.push(Piece::name(cluster_uid));
        }
        TargetIdentity::Cloudformation { partition, account, region, stack, stack_id } => {
            line.push(Piece::words("cloudformation, stack "));
            line.push(Piece::name(stack));
            line.push(Piece::words(if stack_id.is_empty() {
                " (new), account "
            } else {
                ", account "
            }));
            line.push(Piece::name(account));
            line.push(Piece::words(", "));
            line.push(Piece::name(region));
            if partition != "aws" {
                line.extend([Piece::words(", partition "), Piece::name(partition)]);
            }
        }
    }
    line
}

fn counts(effect: &Effect) -> Vec<String> {
    let Impact { create, update, replace, delete, .. } = &effect.impact;
    let kept = effect.changes.iter().filter(|change| change.actions.is_empty()).count() as u64;
    let all = [(delete, "delete"), (replace, "replace"), (update, "update"), (create, "create")];
    let mut counts: Vec<String> =
        all.iter().filter(|(n, _)| **n > 0).map(|(n, word)| format!("{n} {word}")).collect();
    if kept > 0 {
        counts.push(format!("{kept} unchanged"));
    }
    if counts.is_empty() {
        counts.push("no change".to_owned());
    }
    counts
}

fn reach(impact: &Impact) -> Vec<String> {
    let Impact { namespaces, cluster_scoped, stateful, dependents, .. } = impact;
    let all = [
        (namespaces.len(), words::count(namespaces.len() as u64, "namespace")),
        (cluster_scoped.len(), format!("{} cluster-scoped", cluster_scoped.len())),
        (stateful.len(), format!("{} stateful", stateful.len())),
        (dependents.len(), words::count(dependents.len() as u64, "dependent")),
    ];
    all.into_iter().filter(|(n, _)| *n > 0).map(|(_, text)| text).collect()
}

/// Some objects by name, the rest as a number.
pub(super) fn names(ids: &[&ResourceId]) -> Line {
    let mut line = Line::new();
    for (index, id) in ids.iter().take(NAMES).enumerate() {
        if index > 0 {
            line.push(Piece::words(", "));
        }
        line.push(Piece::Object((*id).clone()));
    }
    if ids.len() > NAMES {
        line.push(Piece::words(format!(" and {} more", ids.len() - NAMES)));
    }
    line
}

fn remarks(effect: &Effect, changes: &[Item], losses: &comments::Losses) -> Vec<Line> {
    let mut remarks = Vec::new();
    let Effect { impact, target, files, .. } = effect;
    let told: BTreeSet<&ResourceId> = changes.iter().flat_map(|item| &item.reaches).collect();
    remarks.extend(ways::lines(effect, &told));
    if !impact.unresolved.is_empty() {
        let mut line = vec![Piece::words("Not readable, and needed: ")];
        for (index, what) in impact.unresolved.iter().take(NAMES).enumerate() {
            line.extend((index > 0).then(|| Piece::words(", ")));
            line.push(Piece::Value(what.clone()));
        }
        if let Some(more) = impact.unresolved.len().checked_sub(NAMES).filter(|n| *n > 0) {
            line.push(Piece::words(format!(" and {more} more")));
        }
        remarks.push(line);
    }
    if impact.truncated {
        remarks
            .push(vec![Piece::words("A limit was hit: this plan reaches further than it says.")]);
    }
    for (path, loss) in &losses.files {
        let told = match loss {
            Some(n) => words::count((*n).into(), "comment") + " lost: a document is written anew.",
            None => "comments cannot be counted.".to_owned(),
        };
        remarks.push(vec![Piece::name(path), Piece::words(format!(": {told}"))]);
    }
    let is_directory = matches!(target, TargetIdentity::Directory { .. });
    let deletes = effect.changes.iter().any(|change| change.actions.contains(&Step::Delete));
    if is_directory && deletes {
        let gone = files.iter().filter(|file| file.after.is_none()).count() as u64;
        let removed = match gone {
            0 => String::new(),
            n => format!("{} removed. ", words::count(n, "file")),
        };
        remarks.push(vec![Piece::words(format!(
            "{removed}If a GitOps controller syncs this folder, it may leave a deleted object \
             running: it removes objects only where pruning is on."
        ))]);
    }
    if !effect.complete {
        remarks.push(vec![Piece::words(
            "This plan is not complete: it can be reviewed, not applied.",
        )]);
    }
    remarks
}

fn quotes(proposal: &Proposal) -> Vec<Quote> {
    let all = [
        ("The request was (untrusted)", &proposal.intent.request),
        ("The model says (untrusted)", &proposal.intent.summary),
    ];
    all.into_iter().filter_map(|(by, text)| quote(by, text)).collect()
}

/// A quotation; `None` if there is nothing to quote.
pub(super) fn quote(by: &str, text: &str) -> Option<Quote> {
    let lines: Vec<&str> = text.lines().collect();
    (!text.trim().is_empty()).then(|| Quote {
        by: by.to_owned(),
        lines: lines.iter().take(QUOTED).map(|line| Piece::Prose((*line).to_owned())).collect(),
        more: lines.len().saturating_sub(QUOTED),
    })
}

fn asked(proposal: &Proposal) -> Line {
    let planner = &proposal.planner;
    vec![Piece::words(match &proposal.requested_by {
        Some(person) => format!("Requested by {person}, planned by {planner}."),
        None => format!("Planned by {planner}; nobody is named as the one who asked."),
    })]
}

fn policies(verdict: &Verdict) -> Vec<Line> {
    let Verdict { plan: _, policy, deny, warn, require_approval, rules } = verdict;
    let mut told = format!("Policies: {} deny, {} warn", deny.len(), warn.len());
    if !require_approval.is_empty() {
        told.push_str(&format!(", {} asking for approvals", require_approval.len()));
    }
    told.push_str(&format!(", of {} asked.", words::count((*rules).into(), "rule")));
    vec![vec![Piece::words(told)], vec![Piece::words(format!("Policy sha256 {policy}"))]]
}

/// The objects that go together with the one that a change deletes.
pub(super) fn along<'a>(effect: &'a Effect, change: &Change) -> BTreeSet<&'a ResourceId> {
    if !change.actions.contains(&Step::Delete) {
        return BTreeSet::new();
    }
    let edges = effect.facts.edges.iter().filter(|edge| edge.to == change.id);
    edges.filter(|edge| radius::goes_along(change, edge)).map(|edge| &edge.from).collect()
}

/// Direct dependents of each object among those that the plan reaches.
pub(super) fn direct(effect: &Effect) -> BTreeMap<&ResourceId, BTreeSet<&ResourceId>> {
    let reached: BTreeSet<&ResourceId> = effect.impact.dependents.iter().collect();
    let mut direct: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for edge in &effect.facts.edges {
        if reached.contains(&edge.from) {
            direct.entry(&edge.to).or_default().insert(&edge.from);
        }
    }
    direct
}
