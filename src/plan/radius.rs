//! How far a plan reaches: a bounded walk from every change of class disruptive or worse to what
//! depends on it. Works on the document alone; reaching a limit is said, never hidden.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::facts::rows;
use super::judgement::{Case, Judgement};
use super::shape::{Workload, is_stateful, size};
use crate::document::effect::{Change, Class, Edge, Effect, Facts, Impact, Step};
use crate::document::ident::ResourceId;

/// Edges from a change to the farthest dependent that is still looked at.
pub const MAX_DEPTH: usize = 8;

/// Dependents that are listed at most.
pub const MAX_DEPENDENTS: usize = 1_000;

/// Whether a change makes its object go, be it to come back.
pub(crate) fn goes(case: &Case<'_>) -> bool {
    case.actions.contains(&Step::Delete)
}

/// Whether the dependent of an edge goes when this change deletes the other end: what a namespace
/// holds, what a definition defines, what is owned and not orphaned.
pub fn goes_along(change: &Change, edge: &Edge) -> bool {
    let orphaned = change.propagation == "Orphan" && rows::row(&edge.by) == rows::OWNER;
    !orphaned && rows::carries(&edge.by, true)
}

/// What a walk met.
pub(crate) struct Walk {
    /// Every object that was reached, the changed ones included.
    pub(crate) reached: BTreeSet<ResourceId>,
    /// The edges that were followed.
    pub(crate) edges: BTreeSet<Edge>,
    /// Whether a limit was hit.
    pub(crate) truncated: bool,
}

/// Walks from `starts` (true: the object goes) against the edges that `into` gives for a node that
/// goes, or does not.
pub(crate) fn walk(
    starts: &BTreeMap<ResourceId, bool>,
    changed: &BTreeSet<&ResourceId>,
    into: &dyn Fn(&ResourceId, bool) -> Vec<Edge>,
) -> Walk {
    let mut walk = Walk { reached: BTreeSet::new(), edges: BTreeSet::new(), truncated: false };
    let mut gone: BTreeMap<ResourceId, bool> = starts.clone();
    let mut front: BTreeSet<ResourceId> = starts.keys().cloned().collect();
    let mut dependents = 0usize;
    for depth in 0..=MAX_DEPTH {
        let mut next = BTreeSet::new();
        for to in &front {
            let goes = gone.get(to).copied().unwrap_or(false);
            for edge in into(to, goes) {
                if !rows::followed(&edge.by, goes) {
                    continue;
                }
                let from = edge.from.clone();
                let carried = rows::carries(&edge.by, goes);
                let known = gone.get(&from).copied();
                // Seen again, and now it goes as well: what depends on that is still to come.
                let worth = known.is_none_or(|known| carried && !known);
                if worth && depth == MAX_DEPTH {
                    // Kept, so that whoever reads the plan hits the limit at the same place.
                    walk.truncated = true;
                    walk.edges.insert(edge);
                    continue;
                }
                if known.is_none() && !changed.contains(&from) {
                    if dependents > MAX_DEPENDENTS {
                        walk.truncated = true;
                        continue;
                    }
                    dependents += 1;
                }
                if worth {
                    gone.insert(from.clone(), carried);
                    next.insert(from.clone());
                }
                walk.reached.insert(from);
                walk.edges.insert(edge);
            }
        }
        front = next;
    }
    walk.truncated |= dependents > MAX_DEPENDENTS;
    walk
}

/// Edges of a document by the end that is depended on.
fn by_target(facts: &Facts) -> BTreeMap<&ResourceId, Vec<Edge>> {
    let mut index: BTreeMap<&ResourceId, Vec<Edge>> = BTreeMap::new();
    for edge in &facts.edges {
        index.entry(&edge.to).or_default().push(edge.clone());
    }
    index
}

fn walk_facts(cases: &[Case<'_>], starts: &BTreeMap<ResourceId, bool>, facts: &Facts) -> Walk {
    walk_from(&cases.iter().map(|case| &case.id).collect(), starts, facts)
}

fn walk_from(
    changed: &BTreeSet<&ResourceId>,
    starts: &BTreeMap<ResourceId, bool>,
    facts: &Facts,
) -> Walk {
    let index = by_target(facts);
    walk(starts, changed, &|to, _| index.get(to).cloned().unwrap_or_default())
}

/// The edges over which a plan reaches its dependents, from its effect alone.
pub fn followed(effect: &Effect) -> BTreeSet<Edge> {
    let worse = effect.changes.iter().filter(|change| change.class >= Class::Disruptive);
    let goes = |change: &Change| change.actions.contains(&Step::Delete);
    let starts = worse.map(|change| (change.id.clone(), goes(change))).collect();
    let changed = effect.changes.iter().map(|change| &change.id).collect();
    walk_from(&changed, &starts, &effect.facts).edges
}

/// The side of a change that has its object: the one before, unless it is new.
fn present<'a>(case: &Case<'a>) -> [&'a Value; 2] {
    [case.before, case.after]
}

/// How far the plan reaches, from the document alone. `judgements` stand in the order of `cases`.
pub fn impact(
    cases: &[Case<'_>],
    judgements: &[Judgement],
    facts: &Facts,
    unresolved: &BTreeSet<String>,
) -> Impact {
    let starts = starts(cases, judgements);
    let walk = walk_facts(cases, &starts, facts);
    let changed: BTreeSet<&ResourceId> = cases.iter().map(|case| &case.id).collect();
    let dependents = walk.reached.iter().filter(|id| !changed.contains(id)).cloned();
    let mut impact = Impact {
        by_class: CLASSES.into_iter().map(|class| (class, 0)).collect(),
        dependents: dependents.take(MAX_DEPENDENTS).collect(),
        unresolved: unresolved.iter().cloned().collect(),
        truncated: walk.truncated,
        ..Impact::default()
    };
    for (case, judgement) in cases.iter().zip(judgements) {
        let counter = match case.actions {
            [Step::Create] => Some(&mut impact.create),
            [Step::Update] => Some(&mut impact.update),
            [Step::Delete] => Some(&mut impact.delete),
            [] => None,
            [_, ..] => Some(&mut impact.replace),
        };
        if let Some(counter) = counter {
            *counter += 1;
        }
        *impact.by_class.entry(judgement.class).or_default() += 1;
        let kind = format!("{}/{}", case.id.group, case.id.kind);
        *impact.by_kind.entry(kind).or_default() += 1;
    }
    let mut namespaces = BTreeSet::new();
    for id in changed.iter().copied().chain(&walk.reached) {
        let own = (id.group.is_empty() && id.kind == "Namespace").then_some(&id.name);
        namespaces.extend(own.into_iter().chain([&id.namespace]).filter(|ns| !ns.is_empty()));
    }
    impact.namespaces = namespaces.into_iter().cloned().collect();
    let cluster = changed.iter().filter(|id| id.namespace.is_empty());
    impact.cluster_scoped = cluster.map(|id| (*id).clone()).collect();
    impact.stateful = stateful(cases, &changed, &walk.reached, facts).into_iter().collect();
    impact
}

const CLASSES: [Class; 6] = [
    Class::None,
    Class::Additive,
    Class::Mutating,
    Class::Disruptive,
    Class::Outage,
    Class::DataLoss,
];

/// The changes whose dependents are listed, with whether the object goes.
fn starts(cases: &[Case<'_>], judgements: &[Judgement]) -> BTreeMap<ResourceId, bool> {
    let judged = cases.iter().zip(judgements);
    let worse = judged.filter(|(_, judgement)| judgement.class >= Class::Disruptive);
    worse.map(|(case, _)| (case.id.clone(), goes(case))).collect()
}

fn stateful(
    cases: &[Case<'_>],
    changed: &BTreeSet<&ResourceId>,
    reached: &BTreeSet<ResourceId>,
    facts: &Facts,
) -> BTreeSet<ResourceId> {
    let own = cases
        .iter()
        .filter(|case| present(case).iter().any(|v| !v.is_null() && is_stateful(&case.id, v)));
    let declared: BTreeSet<&ResourceId> =
        facts.declared.iter().filter(|fact| fact.stateful).map(|fact| &fact.workload).collect();
    let reached = reached.iter().filter(|id| !changed.contains(id));
    let reached = reached.filter(|id| declared.contains(id) || is_stateful(id, &Value::Null));
    own.map(|case| &case.id).chain(reached).cloned().collect()
}

/// What a person and a test want to know of a radius. Derived, never stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Objects reached and not changed.
    pub dependents: u64,
    /// Workloads changed or reached.
    pub workloads: u64,
    /// Their declared replicas; under an autoscaler its maximum.
    pub replicas: u64,
    /// Objects changed or reached that hold or mount persistent data.
    pub stateful: u64,
}

/// Figures of what the given changes reach, whatever their class. `facts` must reach as far:
/// those of a plan do for changes of class disruptive or worse, those of a survey for all.
pub fn figures(cases: &[Case<'_>], of: &BTreeSet<ResourceId>, facts: &Facts) -> Figures {
    let chosen: Vec<&Case<'_>> = cases.iter().filter(|case| of.contains(&case.id)).collect();
    let starts = chosen.iter().map(|case| (case.id.clone(), goes(case))).collect();
    let walk = walk_facts(cases, &starts, facts);
    let changed: BTreeSet<&ResourceId> = cases.iter().map(|case| &case.id).collect();
    let ids: BTreeSet<&ResourceId> = walk.reached.iter().chain(starts.keys()).collect();
    let declared: BTreeMap<&ResourceId, u64> = facts
        .declared
        .iter()
        .map(|fact| (&fact.workload, fact.max.unwrap_or(0).max(fact.n)))
        .collect();
    let own: BTreeMap<&ResourceId, u64> = cases
        .iter()
        .map(|case| {
            let [before, after] = present(case).map(|object| size(&case.id, object));
            (&case.id, before.max(after))
        })
        .collect();
    let workloads = ids.iter().filter(|id| Workload::is(id));
    let replicas = workloads.clone().map(|id| {
        let written = own.get(id).copied().unwrap_or(0);
        written.max(declared.get(id).copied().unwrap_or(0))
    });
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let stateful = stateful(cases, &changed, &walk.reached, facts);
    Figures {
        dependents: count(walk.reached.iter().filter(|id| !changed.contains(id)).count()),
        workloads: count(workloads.count()),
        replicas: replicas.fold(0, u64::saturating_add),
        stateful: count(stateful.iter().filter(|id| ids.contains(id)).count()),
    }
}
