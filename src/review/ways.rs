//! How a plan reaches what it does not change, as chains of who needs what: `Ingress shop/web ->
//! Service shop/web -> 3 Deployments`. A pure function of the plan; what is alike stands once.

use std::collections::{BTreeMap, BTreeSet};

use super::page::NAMES;
use super::piece::{Line, Piece};
use super::words;
use crate::document::effect::Effect;
use crate::document::ident::ResourceId;
use crate::plan::radius;

/// Every chain that leads to an object which is not among those told already, the longest first.
pub(super) fn lines(effect: &Effect, told: &BTreeSet<&ResourceId>) -> Vec<Line> {
    let further: BTreeSet<&ResourceId> =
        effect.impact.dependents.iter().filter(|id| !told.contains(id)).collect();
    if further.is_empty() {
        return Vec::new();
    }
    let edges = radius::followed(effect);
    let needs: Vec<(&ResourceId, &ResourceId)> =
        edges.iter().map(|edge| (&edge.from, &edge.to)).collect();
    let steps = Steps::of(effect, &needs);
    let mut chains: Vec<Vec<BTreeSet<&ResourceId>>> =
        steps.ends().into_values().map(|end| steps.chain(end)).collect();
    chains.retain(|chain| chain.iter().flatten().any(|id| further.contains(id)));
    chains.sort_by_key(|chain| std::cmp::Reverse(chain.len()));
    let mut lines: Vec<Line> = chains.iter().take(NAMES).map(|chain| line(chain)).collect();
    let shown: BTreeSet<_> = chains.iter().take(NAMES).flatten().flatten().collect();
    let left = further.iter().filter(|id| !shown.contains(id)).count();
    if left > 0 {
        let more = words::count(left as u64, "object");
        lines.push(vec![Piece::words(format!("Reaches {more} more."))]);
    }
    lines
}

/// Which objects are how many needs away from a change, and whom they need there.
struct Steps<'a> {
    needs: BTreeMap<&'a ResourceId, BTreeSet<&'a ResourceId>>,
    needed: BTreeSet<&'a ResourceId>,
}

impl<'a> Steps<'a> {
    fn of(effect: &'a Effect, edges: &[(&'a ResourceId, &'a ResourceId)]) -> Self {
        let mut into: BTreeMap<&ResourceId, Vec<&ResourceId>> = BTreeMap::new();
        for (from, to) in edges {
            into.entry(to).or_default().push(from);
        }
        let mut known: BTreeSet<&ResourceId> =
            effect.changes.iter().map(|change| &change.id).collect();
        let mut front: Vec<&ResourceId> = known.iter().copied().collect();
        let (mut needs, mut needed) = (BTreeMap::new(), BTreeSet::new());
        while !front.is_empty() {
            let mut next: BTreeMap<&ResourceId, BTreeSet<&ResourceId>> = BTreeMap::new();
            for to in front {
                for from in into.get(to).into_iter().flatten() {
                    if !known.contains(from) {
                        next.entry(from).or_default().insert(to);
                        needed.insert(to);
                    }
                }
            }
            front = next.keys().copied().collect();
            known.extend(&front);
            needs.extend(next);
        }
        Self { needs, needed }
    }

    /// Objects that nothing else is reached through: those of a kind that need the same together.
    fn ends(&self) -> BTreeMap<(&str, &str, &BTreeSet<&'a ResourceId>), BTreeSet<&'a ResourceId>> {
        let mut ends: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (id, needs) in self.needs.iter().filter(|(id, _)| !self.needed.contains(*id)) {
            let kind = (id.group.as_str(), id.kind.as_str(), needs);
            ends.entry(kind).or_default().insert(*id);
        }
        ends
    }

    /// From an end to the changes.
    fn chain(&self, end: BTreeSet<&'a ResourceId>) -> Vec<BTreeSet<&'a ResourceId>> {
        let mut chain = vec![end];
        while let Some(next) = chain.last().map(|last| {
            let needs = last.iter().filter_map(|id| self.needs.get(id));
            needs.flatten().copied().collect::<BTreeSet<_>>()
        }) {
            if next.is_empty() {
                break;
            }
            chain.push(next);
        }
        chain
    }
}

fn line(chain: &[BTreeSet<&ResourceId>]) -> Line {
    let mut line = vec![Piece::words("Reaches ")];
    for (place, step) in chain.iter().enumerate() {
        line.extend((place > 0).then(|| Piece::words(" -> ")));
        line.extend(named(step));
    }
    line.push(Piece::words("."));
    line
}

/// One object by its name, several by their kind.
fn named(step: &BTreeSet<&ResourceId>) -> Line {
    let mut kinds: BTreeMap<(&str, &str), Vec<&ResourceId>> = BTreeMap::new();
    for id in step {
        kinds.entry((&id.kind, &id.group)).or_default().push(id);
    }
    let mut line = Line::new();
    let last = kinds.len().saturating_sub(1);
    for (place, ((kind, _), ids)) in kinds.iter().enumerate() {
        if place > 0 {
            line.push(Piece::words(if place == last { " and " } else { ", " }));
        }
        match ids.as_slice() {
            [id] if id.name == "*" => {
                line.extend([Piece::words("every "), Piece::name(*kind)]);
            }
            [id] => line.push(Piece::Object((*id).clone())),
            several => {
                line.push(Piece::words(format!("{} ", several.len())));
                line.push(Piece::name(words::plural(kind)));
            }
        }
    }
    line
}
