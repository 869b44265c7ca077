//! `countersign verify`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::fault::Fault;
use super::ledger::whose::Whose;
use super::paths;
use super::reach;
use super::session::Session;
use super::status::shown;
use crate::document::code::Code;
use crate::gate;
use crate::review;

/// Check a plan and its approvals offline, without credentials
///
/// Example: countersign verify plans/scale-web --trusted .
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// The plan's folder, or its plan.json
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// Also observe the live target and compare
    #[arg(long)]
    live: bool,
    /// A further folder of approvals
    #[arg(long, value_name = "DIR")]
    approvals: Vec<PathBuf>,
}

pub(super) fn run(args: &VerifyArgs, session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    let trusted = session.trusted(true)?;
    let folder = paths::open(&args.plan, trusted.config.limits.max_plan_bytes, session)?;
    let papers = folder.papers(&args.approvals, session)?;
    // Without a ledger the rest can still be checked; what was not is said.
    let ledger = Whose::of_plan(&folder.bytes).open_if_there(&trusted, session)?;
    let mut unchecked = Vec::new();
    if ledger.is_none() {
        unchecked
            .push("whether approvals are spent and trust.json is rolled back: there is no ledger");
    }
    if !args.live {
        unchecked.push("whether the live target still gives this plan: `--live` looks");
    }
    let examined = folder
        .examined(&papers, &trusted, ledger.as_deref(), session)
        .map_err(|refusal| Fault::refused(&refusal.into(), &folder.shown))?;
    let place = Some(folder.shown.as_str()).filter(|_| !session.quiet());
    let standing = shown(&examined, place, |page| review::status(page, session.style()));
    // Looked at in any case, so that all that stands against the plan is told at once.
    let stale = match args.live {
        false => None,
        true => {
            session.progress("observing the target");
            let project = session.project()?;
            let proposal = &examined.plan().document().proposal;
            let outside = reach::outside(proposal, &project, &trusted, session)?;
            gate::same_bytes(examined.plan(), &trusted, &outside, false).err()
        }
    };
    let cleared = match (examined.clear(), stale) {
        (Ok(cleared), None) => Ok(cleared),
        (Ok(_), Some(stale)) => Err(stale.into()),
        (Err(refused), None) => Err(refused),
        (Err(mut refused), Some(stale)) => {
            refused.others.push(stale);
            Err(refused)
        }
    };
    let cleared = cleared.map_err(|refused| Fault::refused(&refused, &folder.shown))?;
    let digest = cleared.plan().digest();
    if session.json() {
        session.print_json(&json!({
            "plan": digest, "verified": true, "standing": cleared.standing(),
            "policy": trusted.bundle.digest(), "trustVersion": trusted.root.version().to_string(),
            "notChecked": unchecked,
        }));
        return Ok(Code::Ok);
    }
    for what in unchecked {
        session.print(&format!("Not checked: {what}.\n"));
    }
    session.print(&format!("{} can be applied.\n{standing}", folder.shown));
    Ok(Code::Ok)
}
