//! Whether what stands around a plan has become worse since: the changes as they were approved, on
//! facts that are read again.

use std::collections::BTreeSet;

use super::derive::DeriveError;
use super::facts;
use super::judgement::Case;
use super::settle::{self, Settled};
use super::{Plan, class, radius, stale};
use crate::config::Target;
use crate::observe::{self, ListOf, Outside};

/// What is worse than when a plan was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Worse {
    /// What is known: a worse class, a security-relevant fact, dependents that nobody was told of; in words.
    pub known: Vec<String>,
    /// Lists that cannot be read any more, each with why.
    pub unread: Vec<String>,
}

impl Worse {
    /// All of it, in words; empty where nothing is worse.
    pub fn lines(self) -> Vec<String> {
        let Self { mut known, unread } = self;
        known.extend(unread.iter().map(|read| format!("not readable any more: {read}")));
        known
    }
}

impl Plan {
    /// What the changes would do now that they did not do when they were planned, and what cannot be
    /// said of it any more. Nothing for a folder, around which nothing is read.
    ///
    /// # Errors
    /// [`DeriveError`] where it cannot be said.
    pub fn worse_by_now(
        &self,
        target: &Target,
        outside: &Outside<'_>,
    ) -> Result<Worse, DeriveError> {
        match target {
            Target::Kubernetes(_) => {}
            Target::Directory(_) | Target::Cloudformation(_) => return Ok(Worse::default()),
        }
        let effect = &self.document().effect;
        let seen = self.seen();
        let settled = settle::settle(&self.document().proposal, &effect.target, &seen)?;
        let cases: Vec<Case<'_>> = settled.iter().map(Settled::case).collect();
        let look = |wanted: &BTreeSet<ListOf>| observe::surroundings(wanted, target, outside);
        let found = facts::surround(&cases, look);
        let found = found.map_err(|error| DeriveError::Surroundings(Box::new(error)))?;
        let now = facts::extract(&cases, &found, facts::Coverage::Whole);
        let judgements = class::classify(&cases, &now);
        let impact = radius::impact(&cases, &judgements, &now, &found.unresolved);
        let mut worse = Vec::new();
        for (change, judgement) in effect.changes.iter().zip(&judgements) {
            for flag in judgement.flags.difference(&change.flags) {
                let word = serde_json::to_value(flag).unwrap_or_default();
                let (id, word) = (&change.id, word.as_str().unwrap_or_default());
                worse.push(format!("{id}: its flags have {word} now, and had not when planned"));
            }
            if judgement.class > change.class {
                let (id, now, then) = (&change.id, judgement.class, change.class);
                worse.push(format!("{id}: its class is {now} now, and was {then} when planned"));
            }
        }
        let told = &effect.impact;
        let new = impact.dependents.iter().filter(|id| !told.dependents.contains(id));
        worse.extend(new.map(|id| format!("it would reach {id} too, which nobody was told of")));
        if impact.truncated && !told.truncated {
            worse.push("its blast radius is larger than what is listed".to_owned());
        }
        let unread = stale::unread_now(effect, &impact.unresolved).cloned().collect();
        Ok(Worse { known: worse, unread })
    }
}
