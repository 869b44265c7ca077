//! Small values for tests that lock, spend, write and finish.

use std::collections::BTreeSet;
use std::path::Path;

use base64::Engine as _;
use countersign::clock::Instant;
use countersign::document::ident::{Digest, Label};
use countersign::document::statement::{
    ApprovalId, Outcome, PAYLOAD_TYPE, Receipt, ReceiptItem, Statement,
};
use countersign::ledger::local::Local;
use countersign::ledger::{Holder, Home, Ledger, LedgerError, Lock, Spending, Spent, TargetKey};

pub(crate) fn label(text: &str) -> Label {
    text.parse().unwrap()
}

/// The id that belongs to a number.
pub(crate) fn id(number: u64) -> ApprovalId {
    ApprovalId::from_random(u128::from(number).to_be_bytes())
}

pub(crate) fn ids(numbers: &[u64]) -> BTreeSet<ApprovalId> {
    numbers.iter().map(|number| id(*number)).collect()
}

pub(crate) fn now() -> Instant {
    "2026-03-01T09:00:00Z".parse().unwrap()
}

pub(crate) fn plan(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

pub(crate) fn target(name: &str) -> TargetKey {
    TargetKey { environment: label("prod"), target: label(name) }
}

pub(crate) fn holder() -> Holder {
    Holder {
        principal: label("applier"),
        host: "runner".to_owned(),
        pid: std::process::id(),
        since: now(),
    }
}

pub(crate) fn local(path: &Path) -> Ledger {
    Ledger::open(Home::local(Local::open(path).unwrap()), &label("shop")).unwrap()
}

pub(crate) fn local_created(path: &Path) -> Ledger {
    let store = Home::local(Local::create(path).unwrap());
    Ledger::create(store, &label("shop"), id(1), now()).unwrap()
}

pub(crate) fn locked(ledger: &Ledger, name: &str, plan: Digest, resume: bool) -> Lock {
    ledger.lock(&target(name), plan, fresh(), holder(), resume).unwrap()
}

/// An id that no other call gives.
pub(crate) fn fresh() -> ApprovalId {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).unwrap();
    ApprovalId::from_random(bits)
}

/// A receipt's envelope as [`Ledger::finish`] takes it; the ledger verifies no signature.
pub(crate) fn envelope(statement: &Statement<Receipt>) -> Vec<u8> {
    let payload = base64::engine::general_purpose::STANDARD.encode(statement.to_bytes().unwrap());
    let envelope = serde_json::json!({
        "payload": payload, "payloadType": PAYLOAD_TYPE, "signatures": [],
    });
    serde_json::to_vec(&envelope).unwrap()
}

pub(crate) fn receipt(
    lock: &Lock,
    apply_id: &ApprovalId,
    outcome: Outcome,
    items: Vec<ReceiptItem>,
) -> Statement<Receipt> {
    let TargetKey { environment, target } = lock.target().clone();
    let previous = lock.previous();
    let predicate = Receipt {
        principal: label("applier"),
        apply_id: apply_id.clone(),
        outcome,
        started_at: now(),
        finished_at: now(),
        generator: "test".to_owned(),
        environment,
        target,
        policy_digest: plan("policy"),
        trust_version: "1".to_owned(),
        approvals: Vec::new(),
        items,
        previous: previous.map(|digest| digest.to_string()).unwrap_or_default(),
        reason: String::new(),
    };
    Statement { plan: lock.plan(), predicate }
}

/// Spends under version 1 of the trust root.
pub(crate) fn spend(
    ledger: &Ledger,
    lock: Lock,
    approvals: &BTreeSet<ApprovalId>,
    apply_id: ApprovalId,
    resume: bool,
) -> Result<Spent, LedgerError> {
    let (approvals, trust) = (approvals.clone(), (1, plan("trust")));
    ledger.spend(lock, Spending { approvals, apply_id, resume, branch: None, trust, now: now() })
}

pub(crate) fn finish(
    ledger: &Ledger,
    spent: Spent,
    outcome: Outcome,
) -> Result<Digest, LedgerError> {
    let apply_id = spent.apply_id().clone();
    let receipt = receipt(spent.lock(), &apply_id, outcome, Vec::new());
    ledger.finish(spent, &envelope(&receipt), None)
}
