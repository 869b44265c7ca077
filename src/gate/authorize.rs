//! Steps 7 and 8: the target is locked and observed again, time and revocation are looked at once
//! more, and the approvals are spent. Up to the spend nothing has been changed; after it there is
//! an [`Authorized`], which owns the bytes that were verified.

use std::collections::BTreeSet;
use std::path::Path;

use super::approval;
use super::examine::Cleared;
use super::refusal::Refusal;
use super::trusted::Trusted;
use crate::clock::Instant;
use crate::config::Target;
use crate::document::ident::{Digest, Label};
use crate::document::statement::{Approval, ApprovalId};
use crate::ledger::{Holder, Ledger, Lock, Spent, TargetKey};
use crate::observe::directory::{self, ObserveError};
use crate::plan::{self, Plan};
use crate::trust::key::PublicKey;
use crate::trust::quorum::Standing;

/// What the live half of the gate needs: the world, as arguments.
#[derive(Clone, Copy)]
pub struct Live<'a> {
    /// The trusted side that cleared the plan.
    pub trusted: &'a Trusted,
    /// The ledger.
    pub ledger: &'a Ledger,
    /// The project's folder, beneath which a directory target lies.
    pub project: &'a Path,
    /// Key that will sign the receipt.
    pub applier: &'a PublicKey,
    /// Host and process, for the lock.
    pub host: &'a str,
    /// Process id, for the lock.
    pub process: u32,
    /// Reads the clock.
    pub clock: &'a dyn Fn() -> Instant,
    /// Random bits for the apply id of a new round.
    pub apply_id: &'a ApprovalId,
    /// Whether an unfinished round goes on.
    pub resume: bool,
}

/// Permission to apply one plan once. Made here only, consumed by the apply; it cannot be copied,
/// stored or made by hand.
#[derive(Debug)]
pub struct Authorized {
    parts: Parts,
}

/// What an [`Authorized`] turns into when it is consumed.
#[derive(Debug)]
pub struct Parts {
    /// The plan whose bytes were verified.
    pub plan: Plan,
    /// The approvals that were spent for it.
    pub spent: Spent,
    /// The target's lock.
    pub lock: Lock,
    /// No write begins at or after this.
    pub expires_at: Instant,
    /// When the apply began.
    pub started_at: Instant,
    /// Principal of the applier.
    pub applier: Label,
    /// Digest of the policies that passed it.
    pub policy: Digest,
    /// Version of the trust root.
    pub trust_version: u64,
    /// Ids of the approvals that fill places.
    pub approvals: BTreeSet<ApprovalId>,
    /// Who approved.
    pub standing: Standing,
    /// Whether an unfinished round goes on.
    pub resume: bool,
}

impl Authorized {
    /// The plan that may be applied.
    pub fn plan(&self) -> &Plan {
        &self.parts.plan
    }

    /// Who approved it.
    pub fn standing(&self) -> &Standing {
        &self.parts.standing
    }

    /// Spends the permission. For the apply room.
    pub(crate) fn consume(self) -> Parts {
        self.parts
    }
}

/// The principal whose applier key this is.
///
/// # Errors
/// [`Refusal::NotApplier`].
pub fn applier(trusted: &Trusted, key: &PublicKey) -> Result<Label, Refusal> {
    let root = &trusted.root;
    let found = root.principal_of(key).filter(|found| found.is_applier());
    found.filter(|_| !root.is_revoked_key(key)).map(|found| found.id().clone()).ok_or_else(|| {
        Refusal::NotApplier { key: key.fingerprint().to_string(), version: root.version() }
    })
}

/// Name of a plan's target in the ledger.
pub fn target_key(plan: &Plan) -> TargetKey {
    let proposal = &plan.document().proposal;
    TargetKey::new(&proposal.environment, &proposal.target)
}

/// Runs steps 7 and 8.
///
/// # Errors
/// [`Refusal`]; the lock is released again and nothing was changed.
pub fn authorize(cleared: Cleared, live: Live<'_>) -> Result<Authorized, Refusal> {
    let refuse = |error| Refusal::Ledger(Box::new(error));
    let applier = applier(live.trusted, live.applier)?;
    let digest = cleared.plan.digest();
    let begun = live.ledger.unfinished(digest).map_err(refuse)?;
    match (begun, live.resume) {
        (true, false) => return Err(Refusal::Begun),
        (false, true) => return Err(Refusal::NothingBegun),
        (true, true) | (false, false) => {}
    }
    let started_at = (live.clock)();
    let holder = Holder {
        principal: applier.clone(),
        host: live.host.to_owned(),
        process: live.process,
        since: started_at,
    };
    let key = target_key(&cleared.plan);
    let lock = live.ledger.lock(&key, digest, holder, live.resume).map_err(refuse)?;
    match spend(&cleared, &live, &lock) {
        Ok((spent, expires_at)) => {
            let Cleared { plan, verdict, standing, counted, trust } = cleared;
            let approvals = counted.into_iter().map(|approval| approval.approval_id).collect();
            let (policy, trust_version, resume) = (verdict.policy, trust.0, live.resume);
            let parts = Parts {
                plan,
                spent,
                lock,
                expires_at,
                started_at,
                applier,
                policy,
                trust_version,
                approvals,
                standing,
                resume,
            };
            Ok(Authorized { parts })
        }
        Err(refusal) => {
            // A round that was begun keeps its lock: the target may be half-changed.
            if !live.resume {
                live.ledger.release(lock).map_err(refuse)?;
            }
            Err(refusal)
        }
    }
}

fn spend(cleared: &Cleared, live: &Live<'_>, lock: &Lock) -> Result<(Spent, Instant), Refusal> {
    if !live.resume {
        same_bytes(&cleared.plan, live)?;
    }
    let again = live.trusted.root_again().map_err(|e| Refusal::TrustUnreadable(Box::new(e)))?;
    if again.digest() != cleared.trust.1 {
        return Err(Refusal::TrustChanged);
    }
    let now = (live.clock)();
    if again.expires_at() <= now {
        let (version, at) = (again.version(), again.expires_at());
        return Err(Refusal::TrustExpired { version, at });
    }
    let late = |approval: &&Approval| approval::in_window(approval, &again, now).is_err();
    if let Some(approval) = cleared.counted.iter().find(late) {
        return Err(Refusal::ExpiredMeanwhile { at: approval.expires_at });
    }
    let refuse = |error| Refusal::Ledger(Box::new(error));
    live.ledger.see_trust(again.version(), again.digest()).map_err(refuse)?;
    let expires_at = cleared.counted.iter().map(|approval| approval.expires_at).min();
    let expires_at = expires_at.unwrap_or_else(|| again.expires_at());
    let approvals = &cleared.counted;
    let spent = live.ledger.spend(lock, approvals, live.apply_id, live.resume, now);
    Ok((spent.map_err(refuse)?, expires_at))
}

/// Observes the target again and compares the plan that follows byte for byte.
///
/// # Errors
/// [`Refusal::Stale`], which names what differs.
pub fn same_bytes(plan: &Plan, live: &Live<'_>) -> Result<(), Refusal> {
    let proposal = plan.document().proposal.clone();
    let target = live
        .trusted
        .config
        .target(&proposal.environment, &proposal.target)
        .map_err(|error| Refusal::Target(Box::new(error)))?;
    let stale = |differences| Refusal::Stale { plan: plan.digest(), differences };
    let observed = match target {
        Target::Directory(target) => {
            directory::observe(proposal, live.project, target, &live.trusted.config.limits)
        }
        Target::Kubernetes(_) | Target::Cloudformation(_) => {
            return Err(stale(vec!["the target is of another kind now".to_owned()]));
        }
    };
    let observed = observed.map_err(|error| {
        if error.is_of_the_state() {
            stale(vec![error.to_string()])
        } else {
            Refusal::Unobservable(Box::new(error))
        }
    })?;
    let again = match Plan::make(observed) {
        Ok(again) => again,
        Err(error) => return Err(stale(vec![format!("it cannot be planned again: {error}")])),
    };
    if again.bytes() == plan.bytes() {
        return Ok(());
    }
    Err(stale(plan::differences(plan.document(), again.document())))
}
