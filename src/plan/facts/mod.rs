//! Everything that class and radius rest on besides the changes themselves: as little as the rules
//! of this very plan read, the same for the same objects, and nothing that moves by itself.

mod fill;
mod graph;
mod holds;
pub(crate) mod links;
mod needs;
pub(crate) mod properties;
pub(crate) mod rows;
mod select;
mod wanted;
mod wide;

use std::collections::{BTreeMap, BTreeSet};

use super::class;
use super::judgement::Case;
use super::radius;
use crate::document::effect::{Class, Edge, Facts};
use crate::document::ident::ResourceId;
use crate::observe::Surroundings;

pub use wanted::{surround, wanted};

/// How much of the truth the surroundings can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// A folder of manifests: an object that is missing from it may exist elsewhere, and what only
    /// a cluster knows (volumes behind claims, uids) stays unread.
    Tree,
    /// Everything that the rules ask for was listed: what is missing does not exist.
    Whole,
}

/// Which changes are followed to their dependents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follow {
    Disruptive,
    All,
}

/// The facts of a plan: what its changes need of other objects, before and after all of them.
pub fn extract(cases: &[Case<'_>], surroundings: &Surroundings, target: Coverage) -> Facts {
    gather(&graph::Graph::of(cases, surroundings, target), cases, Follow::Disruptive)
}

/// As [`extract`], with the dependents of every change, whatever its class: for figures that are
/// shown and never stored.
pub fn survey(cases: &[Case<'_>], surroundings: &Surroundings, target: Coverage) -> Facts {
    gather(&graph::Graph::of(cases, surroundings, target), cases, Follow::All)
}

fn changed<'c>(cases: &'c [Case<'_>]) -> BTreeSet<&'c ResourceId> {
    cases.iter().map(|case| &case.id).collect()
}

/// What the rules of each change read of other objects.
fn rules(graph: &graph::Graph<'_>, cases: &[Case<'_>]) -> Facts {
    let changed = changed(cases);
    let mut edges: BTreeSet<Edge> = BTreeSet::new();
    for case in cases {
        fill::rule_edges(graph, case, &changed, &mut edges);
    }
    let mut facts = fill::properties(graph, cases);
    facts.edges = edges.into_iter().collect();
    facts
}

/// That, and the dependents of each change that is followed.
fn gather(graph: &graph::Graph<'_>, cases: &[Case<'_>], follow: Follow) -> Facts {
    let changed = changed(cases);
    let mut facts = rules(graph, cases);
    let starts: BTreeMap<ResourceId, bool> = cases
        .iter()
        .zip(class::classify(cases, &facts))
        .filter(|(_, judgement)| follow == Follow::All || judgement.class >= Class::Disruptive)
        .map(|(case, _)| (case.id.clone(), radius::goes(case)))
        .collect();
    let walk = radius::walk(&starts, &changed, &|to, goes| graph.dependents(to, goes));
    let mut edges: BTreeSet<Edge> = std::mem::take(&mut facts.edges).into_iter().collect();
    edges.extend(walk.edges);
    facts.edges = edges.into_iter().collect();
    let reached = walk.reached.iter().chain(starts.keys());
    facts.declared.extend(fill::declared(graph, reached));
    facts.declared.sort();
    facts.declared.dedup();
    facts
}
