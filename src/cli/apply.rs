//! `countersign apply`

mod committing;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::fault::Fault;
use super::keys;
use super::ledger::whose::Whose;
use super::paths::{self, PlanFolder};
use super::reach;
use super::session::Session;
use crate::apply::{self, Applied, ApplyError, GivingUp, World};
use crate::causes;
use crate::document::code::Code;
use crate::document::ident::Digest;
use crate::document::statement::{Fate, Outcome};
use crate::files::{self, Mode};
use crate::gate::{self, Live};
use crate::ledger::LedgerError;
use crate::trust::sign::Sign as _;

/// Apply a plan: the gate first, then exactly the approved bytes, then a signed receipt
///
/// Example: countersign apply plans/scale-web --trusted .
#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// The plan's folder, or its plan.json
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// A further folder of approvals
    #[arg(long, value_name = "DIR")]
    approvals: Vec<PathBuf>,
    /// Key of the applier; by default COUNTERSIGN_APPLIER_KEY, or the one that `init` made
    #[arg(long)]
    key: Option<String>,
    /// Go on with an apply of this plan that stopped half-way
    #[arg(long, conflicts_with = "abandon")]
    resume: bool,
    /// Give up an apply of this plan that stopped half-way
    #[arg(long, requires = "reason")]
    abandon: bool,
    /// Why it is given up
    #[arg(long, requires = "abandon")]
    reason: Option<String>,
    /// Also write the receipt to this file
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// Commit the changed files and the receipt, and push that commit and the ledger's record of it
    /// in one stroke: both land, or neither. A part of a change is never committed
    #[arg(long, conflicts_with = "abandon")]
    commit: bool,
    /// Branch that gets the commit, where a commit is checked out without its branch
    #[arg(long, value_name = "NAME", requires = "commit")]
    branch: Option<String>,
}

pub(super) fn run(args: &ApplyArgs, session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    let trusted = session.trusted(true)?;
    let project = session.project()?;
    let folder = paths::open(&args.plan, trusted.config.limits.max_plan_bytes, session)?;
    let whose = Whose::of_plan(&folder.bytes);
    let wish = committing::wish(args, &whose, &trusted)?;
    let ledger = whose.open(&trusted, session)?;
    let applier = keys::applier(args.key.as_deref(), &trusted, session)?;
    session.world().catch_signals().map_err(|error| Fault::of(Code::Error, &error))?;
    let interrupted = std::sync::Arc::clone(&session.world().interrupted);
    let interrupted = move || interrupted.load(std::sync::atomic::Ordering::SeqCst);
    let clock = std::sync::Arc::clone(&session.world().clock);
    let progress = session.teller();
    let world = |outside| World {
        ledger: &ledger,
        config: &trusted.config,
        outside,
        signer: &applier.signer,
        clock: &*clock,
        interrupted: &interrupted,
        progress: &progress,
        commit: None,
    };
    if let (true, Some(reason)) = (args.abandon, &args.reason) {
        let plan = folder.plan()?;
        let outside = reach::outside(&plan.document().proposal, &project, &trusted, session)?;
        session.spend();
        let giving_up = GivingUp {
            applier: applier.principal.clone(),
            host: &session.world().host.clone(),
            process: std::process::id(),
            ids: (keys::random_id()?, keys::random_id()?),
            policy: trusted.bundle.digest(),
            trust_version: trusted.root.version(),
            reason,
        };
        let applied = apply::abandon(&plan, giving_up, world(&outside))
            .map_err(|error| apply_fault(&error, &folder.shown))?;
        return finish(args, &folder, &applied, session);
    }
    let papers = folder.papers(&args.approvals, session)?;
    let shown = folder.shown.clone();
    let refused = |refused| Fault::refused(&refused, &shown);
    let examined = folder
        .examined(&papers, &trusted, Some(&ledger), session)
        .map_err(|refusal| Fault::refused(&refusal.into(), &shown))?;
    let cleared = examined.clear().map_err(refused)?;
    if session.world().is_interrupted() {
        return Err(Fault::new(Code::Error, "interrupted"));
    }
    let of = (&trusted, &folder);
    let base = committing::base(wish.as_ref(), cleared.plan(), args.resume, of, session)?;
    let outside = reach::outside(&cleared.plan().document().proposal, &project, &trusted, session)?;
    session.progress("locking the target, and observing it again");
    let host = session.world().host.clone();
    session.spend();
    let authorized = gate::authorize(
        cleared,
        Live {
            trusted: &trusted,
            ledger: &ledger,
            outside: &outside,
            applier: applier.signer.public(),
            host: &host,
            process: std::process::id(),
            clock: &*clock,
            ids: (&keys::random_id()?, &keys::random_id()?),
            resume: args.resume,
            branch: base.as_ref().map(apply::commit::Base::branch),
        },
    )
    .map_err(|refusal| begun(args, Fault::refused(&refusal.into(), &shown)))?;
    session.progress("writing");
    let world = World { commit: base.as_ref(), ..world(&outside) };
    let applied = apply::apply(authorized, world).map_err(|error| apply_fault(&error, &shown))?;
    finish(args, &folder, &applied, session)
}

/// Whoever resumes what was to be committed says so again: nothing else remembers it.
fn begun(args: &ApplyArgs, fault: Fault) -> Fault {
    match args.commit && fault.code() == Code::LockHeld {
        true => fault
            .hint("resume it with `--commit` as well: without it, nothing gets into the branch"),
        false => fault,
    }
}

fn apply_fault(error: &ApplyError, plan: &str) -> Fault {
    if let ApplyError::Ledger(inner) = error
        && matches!(**inner, LedgerError::NothingBegun(_))
    {
        // No receipt was made yet: the ledger's own words are the whole story.
        return Fault::of(error.code(), &**inner).hint(inner.hint());
    }
    Fault::of(error.code(), error).hint(error.hint().replace("{plan}", plan))
}

/// Copies the receipt beside the plan, and says how it ended.
fn finish(
    args: &ApplyArgs,
    folder: &PlanFolder,
    applied: &Applied,
    session: &mut Session<'_, '_>,
) -> Result<Code, Fault> {
    let receipt = &applied.receipt;
    let named = apply::receipt_name(receipt);
    // The ledger has it: a copy that cannot be written is a warning, not a failure.
    let copied = folder.add("receipts", &named, &applied.envelope);
    let shown = match &copied {
        Ok(path) => path.clone(),
        Err(fault) => {
            session.note(&format!(
                "The receipt is in the ledger, but not beside the plan: {}",
                fault.message()
            ));
            "the ledger".to_owned()
        }
    };
    if let Some(path) = &args.receipt {
        let path = session.path(path);
        if let Err(why) = copy(&path, &applied.envelope) {
            let path = path.display().to_string();
            let line = format!("warning: {path} is not written ({why}); the receipt is {shown}");
            session.tell(&format!("{}\n", crate::review::neutral::terminal(&line)));
        }
    }
    let code = code(applied);
    if session.json() && code == Code::Ok {
        session.print_json(&json!({
            "outcome": receipt.outcome, "plan": Digest::of(&folder.bytes), "receipt": receipt,
            "file": copied.ok(), "commit": applied.landed.as_ref().map(|landed| &landed.commit),
        }));
        committing::landed(applied, session);
        return Ok(code);
    }
    tell(args, applied, (&shown, &folder.shown), session)
}

/// Writes the receipt where the user wants it, too.
fn copy(path: &Path, envelope: &[u8]) -> Result<(), String> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str()))
    else {
        return Err("it is not the name of a file".to_owned());
    };
    let written = files::open_folder(parent).and_then(|f| f.replace(name, envelope, Mode::Open));
    written.map_err(|error| causes::line(&error))
}

fn tell(
    args: &ApplyArgs,
    applied: &Applied,
    (shown, plan): (&str, &str),
    session: &mut Session<'_, '_>,
) -> Result<Code, Fault> {
    let receipt = &applied.receipt;
    let count = |fate: Fate| receipt.items.iter().filter(|item| item.fate == fate).count();
    let written = count(Fate::Written) + count(Fate::AlreadyWritten);
    let left = count(Fate::NotWritten) + count(Fate::Failed);
    let code = code(applied);
    let message = match receipt.outcome {
        Outcome::Applied => {
            let plural = if written == 1 { "" } else { "s" };
            let items = applied.items;
            session.print(&format!("Applied {plan}: {written} {items}{plural} written.\n"));
            for item in &receipt.items {
                let word = match item.fate {
                    Fate::Written => "written",
                    Fate::AlreadyWritten => "was written already",
                    Fate::NotWritten => "not written",
                    Fate::Failed => "failed",
                };
                let item = crate::review::neutral::terminal(&item.item);
                session.print(&format!("  {item}  {word}\n"));
            }
            session.print(&format!("Receipt: {shown}\n"));
            committing::landed(applied, session);
            return Ok(code);
        }
        Outcome::NotReady => "everything was written, and not everything is ready",
        Outcome::Abandoned => {
            let how = match (written, applied.stop.as_slice()) {
                (0, [why, ..]) => format!("what is written of it is not known: {why}"),
                _ => format!("{written} written, {left} not"),
            };
            session.print(&format!(
                "Given up: {plan} stays half-applied ({how}); the target is free again.\nReceipt: {shown}\n"
            ));
            return Ok(Code::Ok);
        }
        Outcome::FailedClean => "apply failed before its first write; nothing was changed",
        Outcome::Partial => "apply stopped half-way; the target HAS changed",
        Outcome::Indeterminate => "the result of a write is unknown; look at the target",
    };
    let mut fault = Fault::new(code, message);
    for cause in &applied.stop {
        fault = fault.because(cause);
    }
    fault = fault.hint(format!("{written} written, {left} not; receipt {shown}"));
    if receipt.outcome == Outcome::NotReady {
        let hint = "nothing is left to be written, and the target is free: look at what is not ready; another plan mends it, or takes it back";
        return Err(fault.hint(hint));
    }
    let mut resume = "--resume";
    if args.commit {
        resume = "--resume --commit";
        fault = fault.hint("nothing was committed, because a part of a change never is: what was written stands in this checkout only");
    }
    Err(fault.hint(format!("mend the cause, then `countersign apply {plan} {resume}`, or give up with `--abandon --reason …`")))
}

fn code(applied: &Applied) -> Code {
    match applied.receipt.outcome {
        Outcome::Applied | Outcome::Abandoned => Code::Ok,
        Outcome::FailedClean if applied.interrupted => Code::Interrupted,
        Outcome::FailedClean => Code::ApplyFailedClean,
        Outcome::Partial => Code::ApplyPartial,
        Outcome::Indeterminate => Code::Indeterminate,
        Outcome::NotReady => Code::AppliedNotReady,
    }
}
