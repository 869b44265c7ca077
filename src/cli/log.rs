//! `countersign log`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::fault::Fault;
use super::paths;
use super::session::Session;
use crate::document::code::Code;
use crate::document::ident::Digest;
use crate::gate::Trusted;
use crate::ledger::{LedgerError, StoredReceipt, TargetKey};
use crate::review;
use crate::trust::envelope::Envelope;
use crate::trust::key::PublicKey;

/// Show the receipts, with their chain and their signatures verified
///
/// Example: countersign log plans/scale-web
#[derive(Debug, Args)]
pub(super) struct LogArgs {
    /// Only receipts of this plan
    #[arg(value_name = "PLAN")]
    plan: Option<PathBuf>,
}

pub(super) fn run(args: &LogArgs, session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    let trusted = session.trusted(false)?;
    let ledger = session.ledger(&trusted)?;
    let only = match &args.plan {
        None => None,
        Some(typed) => {
            let most = trusted.config.limits.max_plan_bytes;
            Some(Digest::of(&paths::open(typed, most, session)?.bytes))
        }
    };
    let fault = |error: LedgerError| Fault::of(error.code(), &error).hint(error.hint());
    let mut documents = Vec::new();
    let mut text = String::new();
    for target in ledger.targets().map_err(fault)? {
        let receipts = ledger.receipts(&target).map_err(fault)?;
        for receipt in &receipts {
            signed(receipt, &target, &trusted)?;
        }
        let wanted = |receipt: &&StoredReceipt| only.is_none_or(|only| receipt.statement.plan == only);
        for receipt in receipts.iter().filter(wanted) {
            documents.push(json!({
                "target": target.to_string(), "number": receipt.number, "digest": receipt.digest,
                "plan": receipt.statement.plan, "receipt": receipt.statement.predicate,
            }));
            text.push_str(&review::receipt(receipt.number, &receipt.statement, session.style()));
        }
    }
    if session.json() {
        session.print_json(&documents);
    } else if documents.is_empty() {
        session.print("No receipts.\n");
    } else {
        let count = documents.len();
        session.print(&format!("{text}{count} receipts; signatures and chain verified.\n"));
    }
    Ok(Code::Ok)
}

/// Verifies the signature of a receipt by the applier that it names. A key that was revoked since
/// still made the receipts it made.
fn signed(receipt: &StoredReceipt, target: &TargetKey, trusted: &Trusted) -> Result<(), Fault> {
    let named = &receipt.statement.predicate.principal;
    let principal = trusted.root.principal(named);
    let keys: Vec<&PublicKey> = principal.into_iter().flat_map(|found| found.keys()).collect();
    let verified = Envelope::parse(&receipt.envelope).and_then(|envelope| envelope.verify(&keys));
    match verified {
        Ok(_) => Ok(()),
        Err(error) => Err(Fault::of(Code::Error, &error)
            .because(format!("receipt {} of {target} is not signed by {named}", receipt.number))
            .hint("an applier that left trust.json cannot be checked any more; compare with the trust.json of that time")),
    }
}
