//! Both graphs of a plan: the live one, and the one that stands once every change is made. Named
//! references are linked once; what a selector or a namespace takes is looked up when asked for.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::links::{self, Key, key};
use super::needs::{self, Lists};
use super::{Coverage, holds, rows, wide};
use crate::document::effect::Edge;
use crate::document::ident::ResourceId;
use crate::observe::{ListOf, Surroundings};
use crate::plan::judgement::Case;
use crate::plan::shape::{Workload, controller, id, labels, list, template, text};

/// Of the two graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Before,
    After,
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::Before, Self::After];
}

/// One object on both sides.
pub(super) struct Node<'a> {
    pub(super) id: &'a ResourceId,
    pub(super) before: Option<&'a Value>,
    pub(super) after: Option<&'a Value>,
    pub(super) changed: bool,
    /// Runs pods, and no controller stands above it.
    pub(super) workload: Option<Workload>,
    /// Follows an owner, so is never reached on its own.
    pub(super) owned: bool,
}

impl<'a> Node<'a> {
    pub(super) fn on(&self, side: Side) -> Option<&'a Value> {
        match side {
            Side::Before => self.before,
            Side::After => self.after,
        }
    }

    /// The labels of its pods on one side, if it runs any there.
    pub(super) fn pod_labels(
        &self,
        side: Side,
    ) -> Option<Option<&'a serde_json::Map<String, Value>>> {
        self.workload?;
        let object = self.on(side)?;
        Some(template(&self.id.group, &self.id.kind, object).and_then(labels))
    }
}

/// An object before and after, and whether the plan changes it.
type Sides<'a> = (Option<&'a Value>, Option<&'a Value>, bool);

/// A link between nodes, with the sides that show it.
#[derive(Clone, Copy)]
pub(super) struct Tie<'a> {
    pub(super) to: u32,
    pub(super) from: u32,
    pub(super) row: &'static str,
    pub(super) part: &'a str,
    /// By side: whether it stands, and whether the dependent can do without.
    pub(super) sides: [(bool, bool); 2],
}

/// See the module.
pub(super) struct Graph<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) by_key: BTreeMap<Key<'a>, u32>,
    by_namespace: BTreeMap<&'a str, Vec<u32>>,
    pod_labels: [ByLabel<'a>; 2],
    by_uid: BTreeMap<&'a str, u32>,
    policies: holds::Policies<'a>,
    /// Sorted by the end that is depended on.
    ties: Vec<Tie<'a>>,
    /// Places in `ties`, sorted by dependent.
    outward: Vec<u32>,
    pub(super) target: Coverage,
    /// Lists that could not be read.
    pub(super) unread: &'a BTreeSet<ListOf>,
    /// Lists that were looked for, where somebody wants to know.
    pub(super) asked: Option<RefCell<Lists>>,
}

impl<'a> Graph<'a> {
    /// The graph of a cluster that may not have been read yet: it notes which lists are looked for.
    pub(super) fn asking(cases: &'a [Case<'a>], surroundings: &'a Surroundings) -> Self {
        let graph = Self::of(cases, surroundings, Coverage::Whole);
        Self { asked: Some(RefCell::default()), ..graph }
    }

    /// The lists that were looked for since the last time.
    pub(super) fn take_asked(&self) -> Lists {
        self.asked.as_ref().map(RefCell::take).unwrap_or_default()
    }

    pub(super) fn of(
        cases: &'a [Case<'a>],
        surroundings: &'a Surroundings,
        target: Coverage,
    ) -> Self {
        let mut found: BTreeMap<&'a ResourceId, Sides<'a>> =
            surroundings.objects.iter().map(|(id, v)| (id, (Some(v), Some(v), false))).collect();
        let there = |value: &'a Value| (!value.is_null()).then_some(value);
        for case in cases {
            found.insert(&case.id, (there(case.before), there(case.after), true));
        }
        let nodes: Vec<Node<'a>> = found
            .into_iter()
            .map(|(id, (before, after, changed))| {
                let owned = before.or(after).and_then(controller).is_some();
                let workload = Workload::of(&id.group, &id.kind).filter(|_| !owned);
                Node { id, before, after, changed, workload, owned: owned && !changed }
            })
            .collect();
        let mut graph = Self {
            nodes,
            by_key: BTreeMap::new(),
            by_namespace: BTreeMap::new(),
            pod_labels: [BTreeMap::new(), BTreeMap::new()],
            by_uid: BTreeMap::new(),
            policies: holds::Policies::default(),
            ties: Vec::new(),
            outward: Vec::new(),
            target,
            unread: &surroundings.unread,
            asked: None,
        };
        graph.index();
        for case in cases.iter().filter(|case| !case.uid.is_empty()) {
            if let Some(place) = graph.find(key(&case.id)) {
                graph.by_uid.insert(case.uid, place);
            }
        }
        graph.link();
        graph
    }

    fn index(&mut self) {
        for (place, node) in (0u32..).zip(&self.nodes) {
            self.by_key.insert(key(node.id), place);
            self.policies.add(node, place);
            if !node.id.namespace.is_empty() {
                self.by_namespace.entry(&node.id.namespace).or_default().push(place);
            }
            if let Some(object) = node.before {
                let uid = text(object, "/metadata/uid");
                if !uid.is_empty() {
                    self.by_uid.insert(uid, place);
                }
            }
            for (side, index) in Side::BOTH.into_iter().zip(&mut self.pod_labels) {
                for (key, value) in node.pod_labels(side).flatten().into_iter().flatten() {
                    if let Some(value) = value.as_str() {
                        let entry = (node.id.namespace.as_str(), key.as_str(), value);
                        index.entry(entry).or_default().push(place);
                    }
                }
            }
        }
    }

    fn link(&mut self) {
        let mut ties = Vec::new();
        for node in &self.nodes {
            let same =
                matches!((node.before, node.after), (Some(a), Some(b)) if std::ptr::eq(a, b));
            for side in Side::BOTH {
                let Some(object) = node.on(side) else { continue };
                let sides = match side {
                    Side::Before if same => [true, true],
                    Side::Before => [true, false],
                    Side::After if same => continue,
                    Side::After => [false, true],
                };
                self.named(node, object, sides, &mut ties);
            }
            for side in Side::BOTH {
                self.selected(node, side, &mut ties);
            }
            self.retained(node, &mut ties);
        }
        ties.sort_by_key(|tie| (tie.to, tie.from, tie.row, tie.part));
        ties.dedup_by(|next, kept| {
            let same = (next.to, next.from, next.row, next.part)
                == (kept.to, kept.from, kept.row, kept.part);
            if same {
                for (kept, next) in kept.sides.iter_mut().zip(next.sides) {
                    // One reference that cannot do without is enough.
                    kept.1 = match (kept.0, next.0) {
                        (true, true) => kept.1 && next.1,
                        (true, false) => kept.1,
                        (false, _) => next.1,
                    };
                    kept.0 |= next.0;
                }
            }
            same
        });
        let mut outward: Vec<u32> = (0u32..).take(ties.len()).collect();
        let from = |place: &u32| ties.get(at(*place)).map(|tie: &Tie<'a>| (tie.from, tie.to));
        outward.sort_by_key(from);
        self.ties = ties;
        self.outward = outward;
    }

    /// Links that the object shows by name.
    fn named(&self, node: &Node<'a>, object: &'a Value, sides: [bool; 2], ties: &mut Vec<Tie<'a>>) {
        for link in links::of(node.id, object) {
            let (Some(from), Some(to)) = (self.find(link.from), self.find(link.to)) else {
                continue;
            };
            let sides = sides.map(|stands| (stands, link.optional));
            ties.push(Tie { to, from, row: link.row, part: link.part, sides });
        }
        let own = self.find(key(node.id));
        for owner in list(object, "/metadata/ownerReferences") {
            let uid = text(owner, "/uid");
            let to = self.by_uid.get(uid).copied().filter(|to| self.may_own(*to, node.id));
            if let (Some(from), Some(to)) = (own, to) {
                let sides = sides.map(|stands| (stands, false));
                ties.push(Tie { to, from, row: rows::OWNER, part: "", sides });
            }
        }
    }

    /// Whether an object can own another: the garbage collector looks in no other namespace.
    fn may_own(&self, owner: u32, object: &ResourceId) -> bool {
        let space = self.nodes.get(at(owner)).map(|node| node.id.namespace.as_str());
        space.is_some_and(|space| space.is_empty() || space == object.namespace)
    }

    /// Workloads of a namespace that may have a label, or all of them.
    pub(super) fn taken<'s>(
        &'s self,
        namespace: &str,
        label: Option<(&str, &str)>,
        side: Side,
    ) -> Vec<(u32, &'s Node<'a>, Side)> {
        let [before, after] = &self.pod_labels;
        let index = match side {
            Side::Before => before,
            Side::After => after,
        };
        let places = match label {
            Some((key, value)) => narrow_labels(index).get(&(namespace, key, value)),
            None => narrow_names(&self.by_namespace).get(namespace),
        };
        let places = places.into_iter().flatten();
        let node = |place: &u32| self.nodes.get(at(*place)).map(|node| (*place, node, side));
        places.filter_map(node).filter(|(_, node, _)| node.workload.is_some()).collect()
    }

    /// Every node in a namespace.
    pub(super) fn in_namespace<'s>(&'s self, name: &str) -> impl Iterator<Item = &'s Node<'a>> {
        let places = narrow_names(&self.by_namespace).get(name).into_iter().flatten();
        places.filter_map(|place| self.nodes.get(at(*place)))
    }

    /// Every node of a kind.
    pub(super) fn of_kind<'s>(
        &'s self,
        group: &'s str,
        kind: &'s str,
    ) -> impl Iterator<Item = (u32, &'s Node<'a>)> {
        let all = narrow(&self.by_key).range((group, kind, "", "")..);
        all.take_while(move |((g, k, _, _), _)| (*g, *k) == (group, kind))
            .filter_map(|(_, place)| self.nodes.get(at(*place)).map(|node| (*place, node)))
    }

    pub(super) fn find(&self, key: Key<'_>) -> Option<u32> {
        narrow(&self.by_key).get(&key).copied()
    }

    pub(super) fn node(&self, id: &ResourceId) -> Option<&Node<'a>> {
        self.nodes.get(at(self.find(key(id))?))
    }

    pub(super) fn by_uid(&self, uid: &str) -> Option<&Node<'a>> {
        let place = self.by_uid.get(uid)?;
        self.nodes.get(at(*place))
    }

    /// Network policies whose hold over a workload may change with the labels of its pods.
    pub(super) fn policies_by_labels(&self, node: &Node<'a>) -> Vec<&Node<'a>> {
        let places = self.policies.of(node);
        places.into_iter().filter_map(|place| self.nodes.get(at(place))).collect()
    }

    /// Everything that depends on a node that goes, or does not.
    pub(super) fn dependents(&self, to: &ResourceId, goes: bool) -> Vec<Edge> {
        let Some(node) = self.node(to) else { return Vec::new() };
        self.ask(|lists| {
            let followed = rows::ALL.iter().filter(|row| rows::followed(row, goes));
            followed.for_each(|row| needs::dependents(node, row, lists));
        });
        let mut edges = self.ties_to(to);
        edges.extend(wide::dependents(self, to, &|row| rows::followed(row, goes)));
        edges.sort();
        edges
    }

    /// Dependents over some rows of links that are kept.
    pub(super) fn tied(&self, to: &ResourceId, rows: &[&str]) -> Vec<Edge> {
        if let Some(node) = self.node(to) {
            self.ask_dependents(node, rows);
        }
        let mut edges = self.ties_to(to);
        edges.retain(|edge| rows.contains(&rows::row(&edge.by)));
        edges
    }

    /// Dependents over links that are kept, without those that are looked up.
    fn ties_to(&self, to: &ResourceId) -> Vec<Edge> {
        let Some(place) = self.find(key(to)) else { return Vec::new() };
        let start = self.ties.partition_point(|tie| tie.to < place);
        let ties = self.ties.iter().skip(start).take_while(|tie| tie.to == place);
        ties.filter_map(|tie| self.edge(tie)).collect()
    }

    /// Services that send to a workload, or may do so from now on if what decides about it `differs`.
    pub(super) fn selecting(&self, to: &ResourceId, differs: bool) -> Vec<Edge> {
        const ROWS: [&str; 2] = [rows::SELECTS, rows::PORT];
        if differs {
            return self.tied(to, &ROWS);
        }
        // Only a Service that the plan changes can make a difference, and that one is known.
        let mut edges = self.ties_to(to);
        edges.retain(|edge| ROWS.contains(&rows::row(&edge.by)));
        edges
    }

    /// What a node depends on, over some rows of links that are kept.
    pub(super) fn dependencies(&self, from: &ResourceId, rows: &[&str]) -> Vec<Edge> {
        let Some(place) = self.find(key(from)) else { return Vec::new() };
        if let Some(node) = self.nodes.get(at(place)) {
            self.ask_dependencies(node, rows);
        }
        let tie = |index: &u32| self.ties.get(at(*index));
        let start =
            self.outward.partition_point(|index| tie(index).is_some_and(|tie| tie.from < place));
        let ties = self.outward.iter().skip(start).map_while(tie);
        let own = ties.take_while(|tie| tie.from == place);
        own.filter(|tie| rows.contains(&tie.row)).filter_map(|tie| self.edge(tie)).collect()
    }

    fn edge(&self, tie: &Tie<'a>) -> Option<Edge> {
        let from = self.nodes.get(at(tie.from))?;
        let to = self.nodes.get(at(tie.to))?;
        if from.owned {
            return None;
        }
        let [before, after] = tie.sides;
        Some(Edge {
            from: from.id.clone(),
            to: to.id.clone(),
            by: by(tie.row, tie.part),
            optional: if after.0 { after.1 } else { before.1 },
            before: before.0,
            after: after.0,
        })
    }
}

pub(super) fn by(row: &str, part: &str) -> String {
    if part.is_empty() { row.to_owned() } else { format!("{row}:{part}") }
}

/// Indexes fit 32 bits: a tree is bounded by its bytes.
pub(super) fn at(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

// A map of longer-lived keys serves look-ups with shorter-lived ones; the functions say so.
pub(super) fn narrow<'s, 'a: 's>(map: &'s BTreeMap<Key<'a>, u32>) -> &'s BTreeMap<Key<'s>, u32> {
    map
}
fn narrow_names<'s, 'a: 's>(
    map: &'s BTreeMap<&'a str, Vec<u32>>,
) -> &'s BTreeMap<&'s str, Vec<u32>> {
    map
}
/// Places of workloads by namespace, key and value of a label of their pods.
type ByLabel<'a> = BTreeMap<(&'a str, &'a str, &'a str), Vec<u32>>;
fn narrow_labels<'s, 'a: 's>(map: &'s ByLabel<'a>) -> &'s ByLabel<'s> {
    map
}

/// A pattern that stands for every object of a kind.
pub(super) fn pattern(group: &str, kind: &str, namespace: &str) -> ResourceId {
    id(group, kind, namespace, "*")
}
