//! `countersign ledger create`, `ledger show`, `ledger unlock`

pub(super) mod home;
pub(super) mod whose;

use clap::{Args, Subcommand};
use serde_json::json;

use super::fault::Fault;
use super::keys;
use super::session::Session;
use crate::config;
use crate::document::code::Code;
use crate::document::ident::Label;
use crate::document::statement::ApprovalId;
use crate::ledger::{Description, Ledger, LedgerError};
use crate::review::neutral::terminal as neutral;
use home::{Opened, Purpose};
use whose::Whose;

/// Make and look at the ledger, which makes "once" true
#[derive(Debug, Subcommand)]
pub(super) enum LedgerCommand {
    /// Make the empty ledger of this project, an environment or a target; never over another
    ///
    /// The folder, branch, bucket or namespace is the one that countersign.toml names; a namespace
    /// is made, if you may. A bucket or cluster must show first that it keeps to conditional
    /// writes: of two writers that collide, one is refused.
    ///
    /// Example: countersign ledger create
    Create(Whose),
    /// Show locks, what was begun, and the chains of receipts
    ///
    /// Example: countersign ledger show
    Show(Whose),
    Unlock(UnlockArgs),
    Forget(ForgetArgs),
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

/// Forget on this machine a shared ledger that was deleted or replaced on purpose
///
/// What it had recorded as spent counts again wherever its approvals are still good: revoke them
/// first (`countersign trust revoke`).
///
/// Example: countersign ledger forget 5f0c…
#[derive(Debug, Args)]
pub(super) struct ForgetArgs {
    /// Id of the ledger that is gone, as the refusal names it
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
            let Made { place, proof } = create(&trusted.config.name, ledger, session)?;
            if session.json() {
                session.print_json(&json!({"created": place, "proof": proof}));
            } else {
                let proof = proof.map(|proof| format!("{proof}\n")).unwrap_or_default();
                session.print(&format!("{proof}Made an empty ledger at {place}\n"));
            }
        }
        LedgerCommand::Show(whose) => show(whose, session)?,
        LedgerCommand::Unlock(args) => unlock(args, session)?,
        LedgerCommand::Forget(args) => forget(args, session)?,
    }
    Ok(Code::Ok)
}

/// A ledger that was made.
pub(super) struct Made {
    /// Where it is.
    pub(super) place: String,
    /// What its store proved, if it had to.
    proof: Option<String>,
}

/// Makes the empty ledger of a project.
pub(super) fn create(
    project: &Label,
    ledger: &config::Ledger,
    session: &mut Session<'_, '_>,
) -> Result<Made, Fault> {
    let (id, now) = (keys::random_id()?, session.now());
    let opened = home::open(project, ledger, Purpose::Make, session)?;
    let Opened { home, proof } = opened.map_err(|error| ledger_fault(&error))?;
    let ledger = Ledger::create(home, project, id, now).map_err(|error| ledger_fault(&error))?;
    Ok(Made { place: ledger.place(), proof })
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
        if let Some(lease) = held.lock.lease {
            let (seconds, at) = (lease.milliseconds.div_ceil(1000), lease.renewed_at);
            text.push_str(&format!(
                "    renewed {at}; a holder that lives renews within {seconds} s\n"
            ));
        }
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
    session.progress("watching whether the holder of the lock is alive");
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

fn forget(args: &ForgetArgs, session: &mut Session<'_, '_>) -> Result<(), Fault> {
    let trusted = session.trusted(false)?;
    let whose = args.whose.clone().known(&trusted.config)?;
    let configured = whose.configured(&trusted.config);
    let memory = home::memory_of(&trusted.config.name, configured, session)?;
    let memory = memory.map_err(|error| ledger_fault(&error))?;
    match memory.ledger() {
        Some(id) if id == args.id => {}
        Some(id) => {
            return Err(Fault::new(
                Code::Error,
                format!("this machine has seen ledger {id} there"),
            )
            .hint("name that one, if it is gone on purpose"));
        }
        None => {
            return Err(Fault::new(Code::Error, "this machine has seen no ledger there"));
        }
    }
    memory.forget().map_err(|error| ledger_fault(&error))?;
    if session.json() {
        session.print_json(&json!({"forgot": args.id}));
    } else {
        session.print(&format!("Forgot ledger {}\n", args.id));
    }
    Ok(())
}
