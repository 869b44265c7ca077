//! Whether what stands around a plan has become worse since: the changes as they were approved, on
//! facts that are read again.

use std::collections::BTreeSet;

use super::derive::DeriveError;
use super::facts;
use super::judgement::Case;
use super::settle::{self, Settled};
use super::{Plan, class, radius};
use crate::config::Target;
use crate::observe::{self, ListOf, Outside};

impl Plan {
    /// What the changes would do now that they did not do when they were planned: a worse class, a
    /// security-relevant fact, dependents that nobody was told of, facts that cannot be read any
    /// more. Empty for a folder, around which nothing is read.
    ///
    /// # Errors
    /// [`DeriveError`] where it cannot be said.
    pub fn worse_by_now(
        &self,
        target: &Target,
        outside: &Outside<'_>,
    ) -> Result<Vec<String>, DeriveError> {
        match target {
            Target::Kubernetes(_) => {}
            Target::Directory(_) | Target::Cloudformation(_) => return Ok(Vec::new()),
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
        let unread = impact.unresolved.iter().filter(|read| !told.unresolved.contains(read));
        worse.extend(unread.map(|read| format!("not readable any more: {read}")));
        if impact.truncated && !told.truncated {
            worse.push("its blast radius is larger than what is listed".to_owned());
        }
        Ok(worse)
    }
}
