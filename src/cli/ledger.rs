//! `countersign ledger create`, `ledger show`, `ledger unlock`

pub(super) mod whose;

use clap::{Args, Subcommand};
use serde_json::json;

use super::fault::Fault;
use super::keys;
use super::session::Session;
use crate::config;
use crate::custody::state::State;
use crate::document::code::Code;
use crate::document::ident::Label;
use crate::document::statement::ApprovalId;
use crate::ledger::local::Local;
use crate::ledger::{Description, Home, Ledger, LedgerError};
use crate::review::neutral::terminal as neutral;
use whose::Whose;

/// Make and look at the ledger, which makes "once" true
#[derive(Debug, Subcommand)]
pub(super) enum LedgerCommand {
    /// Make the empty ledger of this project, an environment or a target; never over another
    ///
    /// Example: countersign ledger create
    Create(Whose),
    /// Show locks, what was begun, and the chains of receipts
    ///
    /// Example: countersign ledger show
    Show(Whose),
    Unlock(UnlockArgs),
}

/// Take away the lock of an apply whose process is gone
///
/// Example: countersign ledger unlock 5f0c…
#[derive(Debug, Args)]
pub(super) struct UnlockArgs {
    /// Id of the lock, as `ledger show` prints it
    id: ApprovalId,
    #[command(flatten)]
    whose: Whose,
}

pub(super) fn ledger_fault(error: &LedgerError) -> Fault {
    Fault::of(error.code(), error).hint(error.hint())
}

pub(super) fn run(command: &LedgerCommand, session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    match command {
        LedgerCommand::Create(whose) => {
            let trusted = session.trusted(false)?;
            let whose = whose.clone().known(&trusted.config)?;
            let ledger = whose.configured(&trusted.config);
            let place = create(&trusted.config.name, ledger, session)?;
            if session.json() {
                session.print_json(&json!({"created": place}));
            } else {
                session.print(&format!("Made an empty ledger at {place}\n"));
            }
        }
        LedgerCommand::Show(whose) => show(whose, session)?,
        LedgerCommand::Unlock(args) => unlock(args, session)?,
    }
    Ok(Code::Ok)
}

/// Makes the empty ledger of a project, and says where it is.
pub(super) fn create(
    project: &Label,
    ledger: &config::Ledger,
    session: &Session<'_, '_>,
) -> Result<String, Fault> {
    let fault = |error: LedgerError| ledger_fault(&error);
    if let config::Ledger::Git(git) = ledger {
        let store = whose::git_store(git, true, session);
        let store = store.map_err(|error| Fault::of(Code::LedgerUnusable, &error))?;
        let home = Home::shared(std::sync::Arc::new(store));
        Ledger::create(home, project, keys::random_id()?, session.now()).map_err(fault)?;
        return Ok(git.branch.clone());
    }
    let folder = whose::folder(project, ledger, session)?;
    if *ledger == config::Ledger::default() {
        let state = State::made(&session.state()?)
            .map_err(|error| Fault::of(Code::LedgerUnusable, &error))?;
        state.ledger_made(project).map_err(|e| Fault::of(Code::LedgerUnusable, &e))?;
    }
    let place = folder.display().to_string();
    let store = Local::create(&folder).map_err(|error| Fault::of(Code::LedgerUnusable, &error))?;
    Ledger::create(Home::local(store), project, keys::random_id()?, session.now())
        .map_err(fault)?;
    Ok(place)
}

fn show(whose: &Whose, session: &mut Session<'_, '_>) -> Result<(), Fault> {
    let trusted = session.trusted(false)?;
    let ledger = whose.clone().known(&trusted.config)?.open(&trusted, session)?;
    let found = ledger.describe().map_err(|error| ledger_fault(&error))?;
    if session.json() {
        session.print_json(&found);
    } else {
        let text = told(&found);
        session.print(&text);
    }
    Ok(())
}

fn told(found: &Description) -> String {
    let Description { place, project, id, created_at, trust, locks, plans, chains } = found;
    let mut text = format!("Ledger {id} of project {project}, made {created_at}\n  {place}\n");
    if let Some(trust) = trust {
        text.push_str(&format!("  newest trust.json seen: version {}\n", trust.version));
    }
    for held in locks {
        let holder = &held.lock.holder;
        text.push_str(&format!(
            "  LOCKED {} by {} on {} (process {}) since {}\n    for plan {}; lock id {}\n",
            held.target,
            holder.principal,
            neutral(&holder.host),
            holder.pid,
            holder.since,
            held.lock.plan,
            held.lock.id
        ));
    }
    for plan in plans {
        let applies = match plan.rounds.len() {
            1 => "1 apply".to_owned(),
            many => format!("{many} applies"),
        };
        text.push_str(&format!("  plan {}: {applies}\n", plan.plan));
    }
    for chain in chains {
        let receipts = if chain.length == 1 { "receipt" } else { "receipts" };
        let (target, length, head) = (&chain.target, chain.length, chain.head);
        text.push_str(&format!("  {target}: {length} {receipts}, head {head}\n"));
    }
    text
}

fn unlock(args: &UnlockArgs, session: &mut Session<'_, '_>) -> Result<(), Fault> {
    let trusted = session.trusted(false)?;
    let ledger = args.whose.clone().known(&trusted.config)?.open(&trusted, session)?;
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
