//! What a rule may look at, and where it puts what it finds: one change, the facts of the plan, and
//! the other changes; nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::changed::{Changed, changed, fit};
use super::verb::Verb;
use crate::document::effect::{
    Certainty, Class, ContentFact, DeclaredFact, Edge, Facts, Flag, InstanceFact, Known,
    OwnerState, PreviewState, RoleFact, VolumeFact,
};
use crate::document::ident::{Pointer, ResourceId};
use crate::plan::facts::rows;
use crate::plan::judgement::{Case, Reason};

/// Facts of a plan, found by what they are about.
pub(crate) struct Index<'a> {
    into: BTreeMap<&'a ResourceId, Vec<&'a Edge>>,
    out: BTreeMap<&'a ResourceId, Vec<&'a Edge>>,
    volumes: BTreeMap<&'a ResourceId, &'a VolumeFact>,
    roles: BTreeMap<&'a ResourceId, &'a RoleFact>,
    instances: BTreeMap<&'a ResourceId, &'a InstanceFact>,
    owners: BTreeMap<(&'a ResourceId, &'a str), OwnerState>,
    contents: BTreeMap<&'a str, &'a ContentFact>,
    declared: BTreeMap<&'a ResourceId, &'a DeclaredFact>,
    cases: BTreeMap<&'a ResourceId, &'a Case<'a>>,
}

impl<'a> Index<'a> {
    pub(crate) fn of(cases: &'a [Case<'a>], facts: &'a Facts) -> Self {
        let Facts { edges, volumes, roles, instances, owners, contents, declared } = facts;
        let mut into: BTreeMap<&ResourceId, Vec<&Edge>> = BTreeMap::new();
        let mut out: BTreeMap<&ResourceId, Vec<&Edge>> = BTreeMap::new();
        for edge in edges {
            into.entry(&edge.to).or_default().push(edge);
            out.entry(&edge.from).or_default().push(edge);
        }
        Self {
            into,
            out,
            volumes: volumes.iter().map(|fact| (&fact.claim, fact)).collect(),
            roles: roles.iter().map(|fact| (&fact.role, fact)).collect(),
            instances: instances.iter().map(|fact| (&fact.crd, fact)).collect(),
            owners: owners
                .iter()
                .map(|fact| ((&fact.object, fact.uid.as_str()), fact.state))
                .collect(),
            contents: contents.iter().map(|fact| (fact.namespace.as_str(), fact)).collect(),
            declared: declared.iter().map(|fact| (&fact.workload, fact)).collect(),
            cases: cases.iter().map(|case| (&case.id, case)).collect(),
        }
    }
}

/// One change and what may be known about it.
pub(crate) struct Look<'a> {
    pub(crate) case: &'a Case<'a>,
    pub(crate) verb: Verb,
    /// What differs; empty unless both sides are there.
    pub(crate) changed: Vec<Changed<'a>>,
    index: &'a Index<'a>,
}

impl<'a> Look<'a> {
    pub(crate) fn at(case: &'a Case<'a>, index: &'a Index<'a>) -> Self {
        let verb = Verb::of(case.actions);
        let both = !case.before.is_null() && !case.after.is_null();
        let changed = if both { changed(case.before, case.after) } else { Vec::new() };
        Self { case, verb, changed, index }
    }

    pub(crate) fn before(&self) -> &'a Value {
        self.case.before
    }

    pub(crate) fn after(&self) -> &'a Value {
        self.case.after
    }

    /// The side that is there: as it will be, unless it goes.
    pub(crate) fn object(&self) -> &'a Value {
        if self.case.after.is_null() { self.case.before } else { self.case.after }
    }

    pub(crate) fn group(&self) -> &'a str {
        &self.case.id.group
    }

    pub(crate) fn kind(&self) -> &'a str {
        &self.case.id.kind
    }

    /// Whether anything at a pattern differs.
    pub(crate) fn touches(&self, pattern: &str) -> bool {
        self.changed.iter().any(|changed| fit(pattern, &changed.segments).is_some())
    }

    /// Whether the value at a pointer differs, absent being a value.
    pub(crate) fn differs(&self, pointer: &str) -> bool {
        self.before().pointer(pointer) != self.after().pointer(pointer)
    }

    /// Edges of a row that end at this object.
    pub(crate) fn into(&self, row: &'static str) -> impl Iterator<Item = &'a Edge> + use<'a> {
        let edges = self.index.into.get(&self.case.id).into_iter().flatten().copied();
        edges.filter(move |edge| rows::row(&edge.by) == row)
    }

    /// Edges of a row that start at this object.
    pub(crate) fn out(&self, row: &'static str) -> impl Iterator<Item = &'a Edge> + use<'a> {
        let edges = self.index.out.get(&self.case.id).into_iter().flatten().copied();
        edges.filter(move |edge| rows::row(&edge.by) == row)
    }

    /// Edges with exactly this name that start at another object.
    pub(crate) fn of_other(
        &self,
        from: &ResourceId,
        by: &'a str,
    ) -> impl Iterator<Item = &'a Edge> + use<'a> {
        let edges = self.index.out.get(from).into_iter().flatten().copied();
        edges.filter(move |edge| edge.by == by)
    }

    /// Another change of the plan, or this one.
    pub(crate) fn other(&self, id: &ResourceId) -> Option<&'a Case<'a>> {
        self.index.cases.get(id).copied()
    }

    /// Whether what this object refers to over a row is there afterwards.
    pub(crate) fn stands(&self, row: &'static str, to: &ResourceId) -> Known {
        if let Some(case) = self.other(to) {
            return if case.after.is_null() { Known::No } else { Known::Yes };
        }
        if self.out(row).any(|edge| edge.to == *to) {
            return Known::Yes;
        }
        let absent = format!("{row}-absent");
        let edges = self.index.out.get(&self.case.id).into_iter().flatten();
        if edges.into_iter().any(|edge| edge.to == *to && edge.by == absent) {
            Known::No
        } else {
            Known::Unread
        }
    }

    pub(crate) fn volume(&self, claim: &ResourceId) -> Option<&'a VolumeFact> {
        self.index.volumes.get(claim).copied()
    }

    pub(crate) fn role(&self, role: &ResourceId) -> Option<&'a RoleFact> {
        self.index.roles.get(role).copied()
    }

    pub(crate) fn instances(&self) -> Known {
        self.index.instances.get(&self.case.id).map_or(Known::Unread, |fact| fact.some)
    }

    pub(crate) fn owner(&self, uid: &str) -> OwnerState {
        let state = self.index.owners.get(&(&self.case.id, uid));
        state.copied().unwrap_or(OwnerState::Unread)
    }

    pub(crate) fn contents(&self, namespace: &str) -> Option<&'a ContentFact> {
        self.index.contents.get(namespace).copied()
    }

    pub(crate) fn declared(&self) -> Option<&'a DeclaredFact> {
        self.index.declared.get(&self.case.id).copied()
    }

    /// Whether a cluster was asked, so that what it fills in by itself can be seen.
    pub(crate) fn filled_in(&self) -> bool {
        match self.case.preview.state {
            PreviewState::Server => true,
            PreviewState::Local
            | PreviewState::Deferred
            | PreviewState::Blocked
            | PreviewState::Unpreviewable => false,
        }
    }
}

/// What the rules found in one change.
#[derive(Default)]
pub(crate) struct Findings {
    /// One reason for each rule and outcome; of several pointers the first.
    reasons: BTreeMap<(String, Class, Certainty, &'static str), Pointer>,
    flags: BTreeSet<Flag>,
}

impl Findings {
    /// A class, for the object as a whole.
    pub(crate) fn add(
        &mut self,
        class: Class,
        certainty: Certainty,
        rule: &str,
        says: &'static str,
    ) {
        self.at(&Pointer::default(), class, certainty, rule, says);
    }

    /// A class, for one pointer.
    pub(crate) fn at(
        &mut self,
        path: &Pointer,
        class: Class,
        certainty: Certainty,
        rule: &str,
        says: &'static str,
    ) {
        let key = (rule.to_owned(), class, certainty, says);
        let first = self.reasons.entry(key).or_insert_with(|| path.clone());
        if path < first {
            *first = path.clone();
        }
    }

    /// A flag, and the rule that sets it.
    pub(crate) fn flag(&mut self, flag: Flag, rule: &str, says: &'static str) {
        self.flags.insert(flag);
        self.add(Class::None, Certainty::Certain, rule, says);
    }

    /// Flags of a row that has given its reason already.
    pub(crate) fn flags(&mut self, flags: &[Flag]) {
        self.flags.extend(flags);
    }

    /// Everything that another set of findings holds; all of it `premise` if that is not certain.
    pub(crate) fn absorb(&mut self, other: Self, premise: Certainty) {
        self.flags.extend(other.flags);
        for ((rule, class, certainty, says), path) in other.reasons {
            let certainty = if premise == Certainty::Certain { certainty } else { premise };
            self.at(&path, class, certainty, &rule, says);
        }
    }

    /// The worst class and, of it, the first present of certain, unknown, possible.
    pub(crate) fn worst(&self) -> Option<(Class, Certainty)> {
        self.reasons.keys().map(|(_, class, certainty, _)| (*class, *certainty)).max()
    }

    /// Flags, and reasons with the worst first.
    pub(crate) fn into_parts(self) -> (BTreeSet<Flag>, Vec<Reason>) {
        let mut reasons: Vec<Reason> = self
            .reasons
            .into_iter()
            .map(|((rule, class, certainty, says), path)| Reason {
                rule,
                class,
                certainty,
                path,
                says: says.to_owned(),
            })
            .collect();
        reasons.sort_by(|a, b| {
            (b.class, b.certainty).cmp(&(a.class, a.certainty)).then_with(|| a.cmp(b))
        });
        (self.flags, reasons)
    }
}
