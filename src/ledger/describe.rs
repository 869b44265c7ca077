//! The whole ledger at a glance, for `ledger show`, `status` and `log`.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Ledger;
use super::error::LedgerError;
use super::lock::LockView;
use super::record::{self, PlanRecord, Round, TargetKey};
use super::store::{Name, Version};
use crate::clock::Instant;
use crate::document::ident::{Digest, Label};
use crate::document::statement::ApprovalId;

/// What a ledger holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// Where it is.
    pub place: String,
    /// Its project.
    pub project: Label,
    /// Its random id.
    pub id: ApprovalId,
    /// When it was made.
    pub created_at: Instant,
    /// Newest trust root that was applied with.
    pub trust: Option<Trust>,
    /// Held locks, sorted by target.
    pub locks: Vec<TargetLock>,
    /// Plans that were begun, sorted by digest.
    pub plans: Vec<PlanHistory>,
    /// Chains of receipts, sorted by target.
    pub chains: Vec<Chain>,
}

/// A version of the trust root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Trust {
    /// Its version.
    pub version: u64,
    /// Its digest.
    pub digest: Digest,
}

/// A held lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetLock {
    /// The target.
    pub target: TargetKey,
    /// The lock.
    pub lock: LockView,
}

/// Every apply of one plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanHistory {
    /// The plan.
    pub plan: Digest,
    /// Its target.
    pub target: TargetKey,
    /// Its applies, oldest first.
    pub rounds: Vec<Round>,
}

/// The receipts of one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Chain {
    /// The target.
    pub target: TargetKey,
    /// How many there are.
    pub length: u64,
    /// Digest of the payload of the newest.
    pub head: Digest,
}

impl Ledger {
    /// Reads all of it, and checks each chain of receipts.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`], [`LedgerError::Unusable`].
    pub fn describe(&self) -> Result<Description, LedgerError> {
        let trust = self.trust_seen()?.map(|(version, digest)| Trust { version, digest });
        let mut locks: Vec<_> =
            self.locks()?.into_iter().map(|(target, lock)| TargetLock { target, lock }).collect();
        locks.sort_by(|a, b| a.target.cmp(&b.target));
        let history = |(_, found): (Name, PlanRecord)| {
            let PlanRecord { plan, target, rounds } = found;
            PlanHistory { plan, target, rounds }
        };
        let plans = self.plan_records()?.into_iter().map(history).collect();
        let mut chains = Vec::new();
        for target in self.targets()? {
            let receipts = self.receipts(&target)?;
            let newest = receipts.last();
            chains.extend(newest.map(|newest| Chain {
                target: target.clone(),
                length: newest.number,
                head: newest.digest,
            }));
        }
        Ok(Description {
            place: self.place(),
            project: self.head.project.clone(),
            id: self.head.id.clone(),
            created_at: self.head.created_at,
            trust,
            locks,
            plans,
            chains,
        })
    }

    /// Every target that has a receipt, or that the record of a plan says has one, sorted.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`], [`LedgerError::Unusable`].
    pub fn targets(&self) -> Result<Vec<TargetKey>, LedgerError> {
        let names = self.names(&record::all_receipts())?;
        let mut targets = BTreeSet::new();
        for name in names {
            let mut parts = name.as_str().split('/').skip(1);
            let key = (parts.next(), parts.next());
            let (Some(Ok(environment)), Some(Ok(target))) =
                (key.0.map(str::parse::<Label>), key.1.map(str::parse::<Label>))
            else {
                return Err(self.misplaced(&name));
            };
            targets.insert(TargetKey { environment, target });
        }
        let told = |record: &PlanRecord| record.rounds.iter().any(|r| r.state.receipt().is_some());
        let records = self.plan_records()?.into_iter().map(|(_, record)| record);
        targets.extend(records.filter(told).map(|record| record.target));
        Ok(targets.into_iter().collect())
    }

    /// The record of every plan that was begun, by its name.
    pub(super) fn plan_records(&self) -> Result<Vec<(Name, PlanRecord)>, LedgerError> {
        let checked = |(name, found, _): (Name, PlanRecord, Version)| match name {
            name if name == record::plan(&found.plan) => Ok((name, found)),
            name => Err(self.misplaced(&name)),
        };
        self.all::<PlanRecord>(&record::plans())?.into_iter().map(checked).collect()
    }
}
