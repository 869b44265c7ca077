//! `countersign log`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::fault::Fault;
use super::ledger::whose::Whose;
use super::paths;
use super::session::Session;
use crate::document::code::Code;
use crate::document::ident::Digest;
use crate::gate::Trusted;
use crate::ledger::{LedgerError, StoredReceipt};
use crate::review::log::{Entry, Link};
use crate::review::{self, Style};
use crate::trust::envelope::Envelope;
use crate::trust::key::PublicKey;

/// Show the receipts, with their chain and their signatures verified
///
/// Example: countersign log plans/scale-web
#[derive(Debug, Args)]
pub(super) struct LogArgs {
    /// Only receipts of this plan
    #[arg(value_name = "PLAN", conflicts_with_all = ["env", "target"])]
    plan: Option<PathBuf>,
    #[command(flatten)]
    whose: Whose,
}

pub(super) fn run(args: &LogArgs, session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    let trusted = session.trusted(false)?;
    let most = trusted.config.limits.max_plan_bytes;
    let plan = args.plan.as_ref().map(|typed| paths::open(typed, most, session)).transpose()?;
    let whose = match &plan {
        Some(plan) => Whose::of_plan(&plan.bytes),
        None => args.whose.clone().known(&trusted.config)?,
    };
    let ledger = whose.open(&trusted, session)?;
    let only = plan.map(|plan| Digest::of(&plan.bytes));
    let fault = |error: LedgerError| Fault::of(error.code(), &error).hint(error.hint());
    let mut documents = Vec::new();
    let mut kept = Vec::new();
    for target in ledger.targets().map_err(fault)? {
        let receipts = ledger.receipts(&target).map_err(fault)?;
        let wanted =
            |receipt: &StoredReceipt| only.is_none_or(|only| receipt.statement.plan == only);
        for receipt in receipts.into_iter().filter(wanted) {
            let link = signed(&receipt, &trusted);
            documents.push(json!({
                "target": target.to_string(), "number": receipt.number, "digest": receipt.digest,
                "plan": receipt.statement.plan, "receipt": receipt.statement.predicate,
                "verified": !matches!(link, Link::Broken(_)),
            }));
            kept.push((receipt, link));
        }
    }
    let broken = kept.iter().any(|(_, link)| matches!(link, Link::Broken(_)));
    if session.json() {
        session.print_json(&documents);
    } else {
        let entries: Vec<Entry<'_>> = kept
            .iter()
            .map(|(receipt, link)| Entry {
                name: "",
                plan: receipt.statement.plan,
                receipt: &receipt.statement.predicate,
                link: link.clone(),
            })
            .collect();
        let style = Style { texts: session.verbose(), ..session.style() };
        session.print(&review::receipts(&entries, style));
    }
    Ok(if broken { Code::Error } else { Code::Ok })
}

/// How a receipt hangs on the one before it, which the ledger has checked, and whether the applier
/// that it names signed it. A key that was revoked since still made the receipts it made.
fn signed(receipt: &StoredReceipt, trusted: &Trusted) -> Link {
    let named = &receipt.statement.predicate.principal;
    let principal = trusted.root.principal(named);
    let keys: Vec<&PublicKey> = principal.into_iter().flat_map(|found| found.keys()).collect();
    let verified = Envelope::parse(&receipt.envelope).and_then(|envelope| envelope.verify(&keys));
    match verified {
        Ok(_) if receipt.number == 1 => Link::First,
        Ok(_) => Link::Follows,
        Err(error) => Link::Broken(format!("{error}, as {named} of today's trust.json")),
    }
}
