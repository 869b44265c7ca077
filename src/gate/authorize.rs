//! Steps 7 and 8: the target is locked and observed again, time and revocation are looked at once
//! more, and the approvals are spent. Up to the spend nothing has been changed; after it there is
//! an [`Authorized`], which owns the bytes that were verified.

use std::collections::BTreeSet;

use super::again::same_bytes;
use super::approval;
use super::examine::Cleared;
use super::refusal::Refusal;
use super::trusted::Trusted;
use crate::clock::Instant;
use crate::document::ident::{Digest, Label};
use crate::document::statement::{Approval, ApprovalId};
use crate::ledger::{
    ApprovalUse, Holder, Ledger, LedgerError, Lock, Round, Spending, Spent, TargetKey,
};
use crate::observe::Outside;
use crate::plan::Plan;
use crate::trust::key::PublicKey;
use crate::trust::principal::{APPLIER, Principal};
use crate::trust::quorum::Standing;

/// What the live half of the gate needs: the world, as arguments.
#[derive(Clone, Copy)]
pub struct Live<'a> {
    /// The trusted side that cleared the plan.
    pub trusted: &'a Trusted,
    /// The ledger.
    pub ledger: &'a Ledger,
    /// How to reach the target.
    pub outside: &'a Outside<'a>,
    /// Key that will sign the receipt.
    pub applier: &'a PublicKey,
    /// Host and process, for the lock.
    pub host: &'a str,
    /// Process id, for the lock.
    pub process: u32,
    /// Reads the clock.
    pub clock: &'a dyn Fn() -> Instant,
    /// Random ids: of the round, and of the lock.
    pub ids: (&'a ApprovalId, &'a ApprovalId),
    /// Whether an unfinished round goes on.
    pub resume: bool,
    /// The branch that will get what is changed, if one will.
    pub branch: Option<&'a str>,
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
    /// Who approved.
    pub standing: Standing,
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
    let applies = |found: &&Principal| found.roles().any(|role| role.as_str() == APPLIER);
    let found = root.principal_of(key).filter(applies);
    found.map(|found| found.id().clone()).ok_or_else(|| Refusal::NotApplier {
        key: key.fingerprint().to_string(),
        version: root.version(),
    })
}

/// Name of a plan's target in the ledger.
pub fn target_key(plan: &Plan) -> TargetKey {
    let proposal = &plan.document().proposal;
    TargetKey { environment: proposal.environment.clone(), target: proposal.target.clone() }
}

/// Runs steps 7 and 8.
///
/// # Errors
/// [`Refusal`]; the lock is released again (a round that was begun keeps it) and nothing was changed.
pub fn authorize(cleared: Cleared, live: Live<'_>) -> Result<Authorized, Refusal> {
    let refuse = |error| Refusal::Ledger(Box::new(error));
    let applier = applier(live.trusted, live.applier)?;
    let digest = cleared.plan.digest();
    let rounds = live.ledger.rounds(digest).map_err(refuse)?;
    match (rounds.last().filter(|round| round.state.is_open()), live.resume) {
        (Some(_), false) => return Err(Refusal::Begun),
        (None, true) => return Err(Refusal::NothingBegun),
        (Some(open), true) => committed_as_begun(open, live.branch)?,
        (None, false) => {}
    }
    let started_at = (live.clock)();
    let holder = Holder {
        principal: applier.clone(),
        host: live.host.to_owned(),
        pid: live.process,
        since: started_at,
    };
    let key = target_key(&cleared.plan);
    let (apply_id, lock_id) = live.ids;
    let lock = live.ledger.lock(&key, digest, lock_id.clone(), holder, live.resume);
    let lock = lock.map_err(refuse)?;
    let (now, expires_at) = match last_look(&cleared, &live, &lock) {
        Ok(found) => found,
        Err(refusal) => {
            // It says more than a lock that stays, which everybody can see.
            let _lock_may_stay = live.ledger.release(lock);
            return Err(refusal);
        }
    };
    let Cleared { plan, verdict, standing, counted, trust } = cleared;
    let approvals: BTreeSet<ApprovalId> =
        counted.into_iter().map(|approval| approval.approval_id).collect();
    let (apply_id, resume) = (apply_id.clone(), live.resume);
    let branch = live.branch.map(str::to_owned);
    let spending = Spending { approvals, apply_id, resume, branch, trust, now };
    let spent = live.ledger.spend(lock, spending);
    let spent = spent.map_err(refuse)?;
    let (policy, trust_version) = (verdict.policy, trust.0);
    let parts =
        Parts { plan, spent, expires_at, started_at, applier, policy, trust_version, standing };
    Ok(Authorized { parts })
}

/// An apply whose result a branch is to get is not ended without it.
fn committed_as_begun(open: &Round, branch: Option<&str>) -> Result<(), Refusal> {
    match &open.branch {
        Some(begun) if branch != Some(begun) => Err(Refusal::BegunForBranch(begun.clone())),
        Some(_) | None => Ok(()),
    }
}

/// Everything between the lock and the spend. Gives the moment of the spend, and the end of the
/// first approval.
fn last_look(
    cleared: &Cleared,
    live: &Live<'_>,
    lock: &Lock,
) -> Result<(Instant, Instant), Refusal> {
    unspent(cleared, lock)?;
    same_bytes(&cleared.plan, live.trusted, live.outside, live.resume)?;
    let again = live.trusted.root_again().map_err(|e| Refusal::TrustUnreadable(Box::new(e)))?;
    if again.digest() != cleared.trust.1 {
        return Err(Refusal::TrustChanged);
    }
    let now = (live.clock)();
    if let Some(last) = lock.last_finished()
        && last.seconds_since(now) > approval::CLOCK_SKEW_SECONDS
    {
        return Err(Refusal::ClockBehind { now, last });
    }
    if again.is_expired(now) {
        let (version, at) = (again.version(), again.expires_at());
        return Err(Refusal::TrustExpired { version, at });
    }
    let late = |approval: &&Approval| approval::in_window(approval, &again, now).is_err();
    if let Some(approval) = cleared.counted.iter().find(late) {
        return Err(Refusal::ExpiredMeanwhile { at: approval.expires_at });
    }
    let seen = lock.check_trust(again.version(), again.digest());
    seen.map_err(|error| Refusal::Ledger(Box::new(error)))?;
    let first = cleared.counted.iter().map(|approval| approval.expires_at).min();
    Ok((now, first.unwrap_or_else(|| again.expires_at()).min(again.expires_at())))
}

/// Looks at the approvals once more, now that nobody else holds the target: an apply that ended in
/// between has spent them, which says more than the traces it left on the target.
fn unspent(cleared: &Cleared, lock: &Lock) -> Result<(), Refusal> {
    for approval in &cleared.counted {
        let id = &approval.approval_id;
        match lock.approval_use(id) {
            ApprovalUse::Unspent | ApprovalUse::Resumable { .. } => {}
            ApprovalUse::Spent { plan } => {
                let spent = LedgerError::Spent { approval: id.clone(), plan };
                return Err(Refusal::Ledger(Box::new(spent)));
            }
        }
    }
    Ok(())
}
