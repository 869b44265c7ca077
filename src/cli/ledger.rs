//! `countersign ledger create`, `ledger show`, `ledger unlock`

use clap::{Args, Subcommand};
use serde_json::json;

use super::fault::Fault;
use super::keys;
use super::session::Session;
use crate::custody::state::State;
use crate::document::code::Code;
use crate::document::ident::Label;
use crate::document::statement::ApprovalId;
use crate::ledger::local::Local;
use crate::ledger::{Ledger, LedgerError};
use crate::review;

/// Make and look at the ledger, which makes "once" true
#[derive(Debug, Subcommand)]
pub(super) enum LedgerCommand {
    Create,
    Show,
    Unlock(UnlockArgs),
}

/// Take away the lock of an apply whose process is gone
///
/// Example: countersign ledger unlock 5f0c…
#[derive(Debug, Args)]
pub(super) struct UnlockArgs {
    /// Id of the lock, as `ledger show` prints it
    id: ApprovalId,
}

pub(super) fn ledger_fault(error: &LedgerError) -> Fault {
    Fault::of(error.code(), error).hint(error.hint())
}

pub(super) fn run(command: &LedgerCommand, session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    match command {
        LedgerCommand::Create => {
            let trusted = session.trusted(false)?;
            let place = create(&trusted.config.name, session)?;
            if session.json() {
                session.print_json(&json!({"created": place}));
            } else {
                session.print(&format!("Made an empty ledger at {place}\n"));
            }
        }
        LedgerCommand::Show => show(session)?,
        LedgerCommand::Unlock(args) => unlock(args, session)?,
    }
    Ok(Code::Ok)
}

/// Makes the empty ledger of a project, and says where it is.
pub(super) fn create(project: &Label, session: &Session<'_, '_>) -> Result<String, Fault> {
    let fault = |error: LedgerError| ledger_fault(&error);
    let state = State::made(&session.state()?)
        .map_err(|error| Fault::of(Code::LedgerUnusable, &error))?;
    let folder = state.ledger_made(project).map_err(|e| Fault::of(Code::LedgerUnusable, &e))?;
    let place = folder.path().display().to_string();
    let store = Local::create(folder.path())
        .map_err(|error| Fault::of(Code::LedgerUnusable, &error))?;
    Ledger::create(Box::new(store), project, keys::random_id()?, session.now()).map_err(fault)?;
    Ok(place)
}

fn show(session: &mut Session<'_, '_>) -> Result<(), Fault> {
    let trusted = session.trusted(false)?;
    let ledger = session.ledger(&trusted)?;
    let found = ledger.describe().map_err(|error| ledger_fault(&error))?;
    if session.json() {
        session.print_json(&found);
    } else {
        let text = review::ledger(&found);
        session.print(&text);
    }
    Ok(())
}

fn unlock(args: &UnlockArgs, session: &mut Session<'_, '_>) -> Result<(), Fault> {
    let trusted = session.trusted(false)?;
    let ledger = session.ledger(&trusted)?;
    let was = ledger.unlock(&args.id).map_err(|error| ledger_fault(&error))?;
    let holder = &was.lock.holder;
    if session.json() {
        session.print_json(&json!({"unlocked": args.id, "target": was.target, "was": was.lock}));
    } else {
        session.print(&format!(
            "Unlocked {}, which {} held since {} for plan {}\n",
            was.target, holder.principal, holder.since, was.lock.plan
        ));
    }
    Ok(())
}
