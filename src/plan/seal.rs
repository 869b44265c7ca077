//! A plan is its own canonical bytes: made in one place, and reopened only if deriving it again
//! gives the same bytes.

use std::collections::BTreeSet;

use serde_json::Value;
use thiserror::Error;

use super::derive::{self, Around, Basis, DeriveError, Derived};
use super::facts;
use super::judgement::{Case, Judgement};
use crate::document::canonical::{self, CanonicalError};
use crate::document::effect::{Change, Effect, Facts, FileChange};
use crate::document::ident::{Digest, Pointer};
use crate::document::plan::{ApiVersion, PlanDocument, PlanKind, RULES};
use crate::observe::{ListOf, ObserveError, Observed, ObservedChange, Surroundings};

/// Why no plan can be made of what was observed.
#[derive(Debug, Error)]
pub enum MakeError {
    /// Nothing follows from it.
    #[error("the plan cannot be made")]
    Derive(#[from] DeriveError),
    /// It has no canonical bytes.
    #[error("the plan cannot be written")]
    Canonical(#[from] CanonicalError),
}

/// Why bytes are not a plan that can be believed.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Not canonical, or not a plan document.
    #[error("plan.json is not a canonical plan document")]
    Canonical(#[from] CanonicalError),
    /// Made by another version of the rules.
    #[error("plan.json was made by version {found} of the rules; this program has version {RULES}")]
    Rules {
        /// What stands in it.
        found: String,
    },
    /// The document contradicts itself.
    #[error("plan.json contradicts itself")]
    Contradiction(#[from] DeriveError),
    /// A derived member is not what follows from the rest.
    #[error("{at} in plan.json does not follow from the rest of it")]
    Derived {
        /// The first member that differs.
        at: Pointer,
    },
}

/// A sealed plan: its bytes, their digest, and what they mean.
#[derive(Clone, Debug)]
pub struct Plan {
    bytes: Vec<u8>,
    digest: Digest,
    document: PlanDocument,
    judgements: Vec<Judgement>,
    order: Vec<String>,
}

impl Plan {
    /// Makes the plan of what was observed of a folder of manifests: what stands around the changes
    /// was read with them.
    ///
    /// # Errors
    /// [`MakeError`].
    pub fn make(mut observed: Observed) -> Result<Self, MakeError> {
        let surroundings = std::mem::take(&mut observed.surroundings);
        Self::seal(observed, |cases| {
            let facts = facts::extract(cases, &surroundings, facts::Coverage::Tree);
            Ok(Around { facts, unresolved: surroundings.unresolved })
        })
    }

    /// Makes the plan of what was observed of a cluster: `look` reads what stands around the changes,
    /// and is asked for as little as class and radius need, until nothing is missing.
    ///
    /// # Errors
    /// [`MakeError`].
    pub fn make_around(
        observed: Observed,
        look: impl FnMut(&BTreeSet<ListOf>) -> Result<Surroundings, ObserveError>,
    ) -> Result<Self, MakeError> {
        Self::seal(observed, |cases| {
            let found = facts::surround(cases, look);
            let surroundings = found.map_err(|e| DeriveError::Surroundings(Box::new(e)))?;
            let facts = facts::extract(cases, &surroundings, facts::Coverage::Whole);
            Ok(Around { facts, unresolved: surroundings.unresolved })
        })
    }

    fn seal(
        observed: Observed,
        around: impl FnOnce(&[Case<'_>]) -> Result<Around, DeriveError>,
    ) -> Result<Self, MakeError> {
        let Observed { proposal, target, mut changes, files, stack, masking, surroundings: _ } =
            observed;
        changes.sort_by_cached_key(|change| change.resource.id());
        let basis = Basis { proposal: &proposal, target, changes, files, stack, masking };
        let derived = derive::derive(basis, around)?;
        let Derived { effect, judgements, order } = derived;
        let (api_version, kind) = (ApiVersion::V1, PlanKind::Plan);
        let document = PlanDocument { api_version, kind, rules: RULES, proposal, effect };
        let bytes = canonical::to_bytes(&document)?;
        let digest = Digest::of(&bytes);
        Ok(Self { bytes, digest, document, judgements, order })
    }

    /// Opens the bytes of a plan: canonical, of these rules, and derived again to the same. The one
    /// function by which everything that reads a plan believes it.
    ///
    /// # Errors
    /// [`OpenError`], which names the first member that is not as it must be.
    pub fn open(bytes: Vec<u8>) -> Result<Self, OpenError> {
        let mut document = read(&bytes)?;
        let Held { facts, objects, texts } = Held::out_of(&mut document.effect);
        let Effect { target, changes, files, stack, impact, masking, .. } = &document.effect;
        let basis = Basis {
            proposal: &document.proposal,
            target: target.clone(),
            changes: changes.iter().zip(objects).map(stored).collect(),
            files: files.iter().map(|file| file.path.clone()).zip(texts).collect(),
            stack: stack.clone(),
            masking: masking.clone(),
        };
        let unresolved = impact.unresolved.iter().cloned().collect();
        let derived = derive::derive(basis, |_| Ok(Around { facts, unresolved }))?;
        let Derived { mut effect, judgements, order } = derived;
        let held = Held::out_of(&mut effect);
        if effect != document.effect {
            return Err(OpenError::Derived { at: first_difference(&effect, &document.effect) });
        }
        held.back_into(&mut document.effect);
        let digest = Digest::of(&bytes);
        Ok(Self { bytes, digest, document, judgements, order })
    }

    /// The canonical bytes: `plan.json`.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the bytes.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What the bytes mean.
    pub fn document(&self) -> &PlanDocument {
        &self.document
    }

    /// Why each change has its class, in the order of `effect.changes`.
    pub fn judgements(&self) -> &[Judgement] {
        &self.judgements
    }

    /// The observed members of every change, in the order of `effect.changes`.
    pub(super) fn seen(&self) -> Vec<ObservedChange> {
        let both = |change: &Change| (change.before.clone(), change.after.clone());
        self.document.effect.changes.iter().map(|change| stored((change, both(change)))).collect()
    }

    /// Whether nothing would be changed.
    pub fn is_empty(&self) -> bool {
        self.document.effect.changes.iter().all(|change| change.actions.is_empty())
    }

    /// The files of a directory target in the order of execution.
    pub fn files_in_order(&self) -> Vec<&FileChange> {
        let files = &self.document.effect.files;
        let named = |path: &String| {
            files.binary_search_by(|file| file.path.cmp(path)).ok().and_then(|at| files.get(at))
        };
        self.order.iter().filter_map(named).collect()
    }
}

/// The document in canonical bytes.
fn read(bytes: &[u8]) -> Result<PlanDocument, OpenError> {
    let value = canonical::parse_strict(bytes)?;
    if let Some(rules) = value.get("rules").filter(|rules| rules.as_u64() != Some(u64::from(RULES)))
    {
        let found = rules.to_string();
        canonical::check(bytes)?;
        return Err(OpenError::Rules { found });
    }
    // Written once, from the document: that it gives these bytes says that they are canonical, and
    // also that its readers took no liberty (an array for a struct, an absent option).
    let shaped = serde_json::from_value(value).map_err(CanonicalError::Shape);
    let written = shaped.and_then(|document: PlanDocument| {
        let again = canonical::to_bytes(&document)?;
        if again == bytes { Ok(document) } else { Err(CanonicalError::Bytes { at: 0 }) }
    });
    written.or_else(|error| {
        // Bytes that are not canonical are named first, with their place.
        canonical::check(bytes)?;
        Err(error.into())
    })
}

fn stored((change, (before, after)): (&Change, (Value, Value))) -> ObservedChange {
    ObservedChange {
        operation: change.operation.clone(),
        resource: change.resource.clone(),
        before,
        after,
        preview: change.preview.clone(),
        unknown: change.unknown.clone(),
        replace_paths: change.replace_paths.clone(),
        force: change.force.clone(),
        warnings: change.warnings.clone(),
        without_effect: change.without_effect.clone(),
        guard: change.guard.clone(),
    }
}

/// The large members that a derivation hands through as they are: taken out of an effect, so that
/// they are neither copied nor compared with themselves.
struct Held {
    facts: Facts,
    /// `before` and `after` of each change.
    objects: Vec<(Value, Value)>,
    /// `before` of each file.
    texts: Vec<Option<String>>,
}

impl Held {
    fn out_of(effect: &mut Effect) -> Self {
        let both = |change: &mut Change| (change.before.take(), change.after.take());
        Self {
            facts: std::mem::take(&mut effect.facts),
            objects: effect.changes.iter_mut().map(both).collect(),
            texts: effect.files.iter_mut().map(|file| file.before.take()).collect(),
        }
    }

    fn back_into(self, effect: &mut Effect) {
        let Self { facts, objects, texts } = self;
        effect.facts = facts;
        for (change, (before, after)) in effect.changes.iter_mut().zip(objects) {
            (change.before, change.after) = (before, after);
        }
        for (file, text) in effect.files.iter_mut().zip(texts) {
            file.before = text;
        }
    }
}

/// The first member in which two documents differ, from `/effect` down.
fn first_difference(a: &Effect, b: &Effect) -> Pointer {
    let plain = |effect: &Effect| serde_json::to_value(effect).unwrap_or_default();
    differing(&plain(a), &plain(b), &Pointer::default().join("effect"))
}

/// The innermost place, in document order, at which two values differ.
pub(super) fn differing(a: &Value, b: &Value, at: &Pointer) -> Pointer {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let names = a.keys().chain(b.keys().filter(|name| !a.contains_key(*name)));
            let name = names.into_iter().find(|name| a.get(*name) != b.get(*name));
            let Some(name) = name else { return at.clone() };
            let null = Value::Null;
            let (a, b) = (a.get(name).unwrap_or(&null), b.get(name).unwrap_or(&null));
            differing(a, b, &at.join(name))
        }
        (Value::Array(a), Value::Array(b)) => {
            let index = a.iter().zip(b).position(|(a, b)| a != b);
            match index.and_then(|index| Some((index, a.get(index)?, b.get(index)?))) {
                Some((index, a, b)) => differing(a, b, &at.join(&index.to_string())),
                None => at.join(&a.len().min(b.len()).to_string()),
            }
        }
        _ => at.clone(),
    }
}
