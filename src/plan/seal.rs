//! A plan is its own canonical bytes: made in one place, and reopened only if deriving it again
//! gives the same bytes.

use std::collections::BTreeMap;

use serde_json::Value;
use thiserror::Error;

use super::derive::{self, Basis, DeriveError, Derived, Seen};
use super::facts;
use super::judgement::Judgement;
use crate::document::canonical::{self, CanonicalError};
use crate::document::effect::{Effect, FileChange};
use crate::document::ident::{Digest, Pointer};
use crate::document::plan::{ApiVersion, PlanDocument, PlanKind, RULES};
use crate::observe::{Observed, ObservedChange};

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
    comments_lost: BTreeMap<String, u32>,
    order: Vec<String>,
}

impl Plan {
    /// Makes the plan of what was observed.
    ///
    /// # Errors
    /// [`MakeError`].
    pub fn make(observed: Observed) -> Result<Self, MakeError> {
        let Observed { proposal, target, changes, files, stack, surroundings } = observed;
        let mut changes: Vec<Seen> = changes.into_iter().map(seen).collect();
        changes.sort_by_cached_key(|change| change.resource.id());
        let facts = {
            let settled = derive::settle(&proposal, &changes)?;
            let cases: Vec<_> = settled.iter().map(derive::Settled::case).collect();
            facts::extract(&cases, &surroundings, facts::Coverage::Tree)
        };
        let unresolved = surroundings.unresolved;
        let basis = Basis { proposal: &proposal, target, facts, changes, files, stack, unresolved };
        let derived = derive::derive(basis)?;
        let Derived { effect, judgements, comments_lost, order } = derived;
        let (api_version, kind) = (ApiVersion::V1, PlanKind::Plan);
        let document = PlanDocument { api_version, kind, rules: RULES, proposal, effect };
        let bytes = canonical::to_bytes(&document)?;
        let digest = Digest::of(&bytes);
        Ok(Self { bytes, digest, document, judgements, comments_lost, order })
    }

    /// Opens the bytes of a plan: canonical, of these rules, and derived again to the same. The one
    /// function by which everything that reads a plan believes it.
    ///
    /// # Errors
    /// [`OpenError`], which names the first member that is not as it must be.
    pub fn open(bytes: Vec<u8>) -> Result<Self, OpenError> {
        let value = canonical::read_value(&bytes)?;
        if let Some(rules) =
            value.get("rules").filter(|rules| rules.as_u64() != Some(u64::from(RULES)))
        {
            return Err(OpenError::Rules { found: rules.to_string() });
        }
        let document: PlanDocument =
            serde_json::from_value(value).map_err(CanonicalError::Shape)?;
        // Readers accept more than writers write: an array for a struct, an absent option.
        if canonical::to_bytes(&document)? != bytes {
            return Err(OpenError::Canonical(CanonicalError::Bytes { at: 0 }));
        }
        let Effect { target, facts, changes, files, stack, impact, .. } = &document.effect;
        let before = |file: &FileChange| (file.path.clone(), file.before.clone());
        let basis = Basis {
            proposal: &document.proposal,
            target: target.clone(),
            facts: facts.clone(),
            changes: changes.iter().map(stored).collect(),
            files: files.iter().map(before).collect(),
            stack: stack.clone(),
            unresolved: impact.unresolved.iter().cloned().collect(),
        };
        let Derived { effect, judgements, comments_lost, order } = derive::derive(basis)?;
        if effect != document.effect {
            return Err(OpenError::Derived { at: first_difference(&effect, &document.effect) });
        }
        let digest = Digest::of(&bytes);
        Ok(Self { bytes, digest, document, judgements, comments_lost, order })
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

    /// Comments that files lose because a document is written anew, by path.
    pub fn comments_lost(&self) -> &BTreeMap<String, u32> {
        &self.comments_lost
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

fn seen(change: ObservedChange) -> Seen {
    let ObservedChange {
        operation,
        resource,
        before,
        after,
        preview: _,
        unknown,
        force,
        warnings,
        guard,
    } = change;
    Seen { operation, resource, before, after, unknown, force, warnings, guard }
}

fn stored(change: &crate::document::effect::Change) -> Seen {
    Seen {
        operation: change.operation.clone(),
        resource: change.resource.clone(),
        before: change.before.clone(),
        after: change.after.clone(),
        unknown: change.unknown.clone(),
        force: change.force.clone(),
        warnings: change.warnings.clone(),
        guard: change.guard.clone(),
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
