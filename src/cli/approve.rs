//! `countersign approve` and `countersign reject`

mod confirm;

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::fault::Fault;
use super::keys::{self, Person};
use super::ledger::whose::Whose;
use super::paths::{self, PlanFolder};
use super::session::Session;
use crate::document::code::Code;
use crate::document::effect::Class;
use crate::document::ident::Digest;
use crate::document::statement::{Approval, ApprovalId, Decision, Statement};
use crate::gate::{Examined, Refusal, Trusted};
use crate::review;
use crate::trust::{envelope, sshsig};

/// Sign an approval of a plan
///
/// Example: countersign approve plans/scale-web --expires-in 4h --reason "reviewed with bob"
#[derive(Debug, Args)]
pub(super) struct ApproveArgs {
    /// The plan's folder, or its plan.json
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// A key file, or `agent:SHA256:…`; by default the one key that trust.json knows
    #[arg(long, env = "COUNTERSIGN_KEY", hide_env_values = true)]
    key: Option<String>,
    /// How long it holds: `30m`, `8h`, `2d`
    #[arg(long, default_value = "8h", value_name = "TIME", value_parser = seconds)]
    expires_in: i64,
    /// Why, for those who read it later
    #[arg(long, default_value = "")]
    reason: String,
    /// The whole digest of the plan, instead of being asked
    #[arg(long, value_name = "HEX")]
    digest: Option<Digest>,
    /// Classes of change that are known and wanted, instead of being asked: `data-loss,outage`
    #[arg(long, value_delimiter = ',', value_name = "CLASS", value_parser = class)]
    acknowledge: Vec<Class>,
    /// Write the statement to be signed by `ssh-keygen -Y sign`, and print the command
    #[arg(long)]
    prepare: bool,
}

/// Sign a no, which refuses the plan; it also takes back one's own approval
///
/// Example: countersign reject plans/drop-db --reason "the orders are in there"
#[derive(Debug, Args)]
pub(super) struct RejectArgs {
    /// The plan's folder, or its plan.json
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// Why
    #[arg(long)]
    reason: String,
    /// A key file, or `agent:SHA256:…`; by default the one key that trust.json knows
    #[arg(long, env = "COUNTERSIGN_KEY", hide_env_values = true)]
    key: Option<String>,
}

fn seconds(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is not a time like 30m, 8h or 2d");
    let split = text.len().checked_sub(1).ok_or_else(wrong)?;
    let (number, unit) = text.split_at_checked(split).ok_or_else(wrong)?;
    let number: i64 = number.parse().map_err(|_| wrong())?;
    let unit = match unit {
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit).filter(|seconds| *seconds > 0).ok_or_else(wrong)
}

pub(super) fn class(text: &str) -> Result<Class, String> {
    serde_json::from_value(json!(text)).map_err(|_| {
        format!(
            "{text:?} is no class; classes are data-loss, outage, disruptive, mutating, additive, none"
        )
    })
}

/// A plan that may be decided about, and what was found in it.
struct Desk {
    folder: PlanFolder,
    trusted: Trusted,
    examined: Examined,
}

fn desk(plan: &std::path::Path, session: &mut Session<'_, '_>) -> Result<Desk, Fault> {
    let trusted = session.trusted(false)?;
    let folder = paths::open(plan, trusted.config.limits.max_plan_bytes, session)?;
    let papers = folder.papers(&[], session)?;
    let ledger = Whose::of_plan(&folder.bytes).open_if_there(&trusted, session)?;
    let examined = folder
        .examined(&papers, &trusted, ledger.as_deref(), session)
        .map_err(|refusal| Fault::refused(&refusal.into(), &folder.shown))?;
    let rounds = ledger.as_ref().map(|ledger| ledger.rounds(examined.plan().digest()));
    let last = rounds.and_then(Result::ok).and_then(|rounds| rounds.last().cloned());
    if let Some(round) = last {
        let at = round.started_at;
        session.note(&format!("An apply of this plan was begun at {at}."));
    }
    Ok(Desk { folder, trusted, examined })
}

pub(super) fn run(args: &ApproveArgs, session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    let desk = desk(&args.plan, session)?;
    refuse_what_no_approval_mends(&desk)?;
    let person = keys::person(args.key.as_deref(), args.prepare, &desk.trusted, session)?;
    let hours = desk.trusted.root.approval_max_hours();
    let most = i64::from(hours).saturating_mul(3_600);
    if args.expires_in > most {
        return Err(Fault::new(
            Code::Error,
            format!("trust.json lets nobody approve for longer than {hours} hours"),
        )
        .hint("choose a shorter --expires-in"));
    }
    let now = session.now();
    let approval = Approval {
        decision: Decision::Approve,
        approval_id: keys::random_id()?,
        principal: person.principal.clone(),
        approved_at: now,
        expires_at: now.plus_seconds(args.expires_in),
        policy_digest: desk.trusted.bundle.digest(),
        trust_version: desk.trusted.root.version().to_string(),
        renderer: review::RENDERER.to_owned(),
        reason: args.reason.clone(),
    };
    would_count(&desk, &approval)?;
    confirm::show(&desk, &person, session)?;
    confirm::confirm(args, &desk, session)?;
    finish(&desk, &person, approval, args.prepare, session)
}

pub(super) fn reject(args: &RejectArgs, session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    let desk = desk(&args.plan, session)?;
    let person = keys::person(args.key.as_deref(), false, &desk.trusted, session)?;
    let now = session.now();
    let hours = i64::from(desk.trusted.root.approval_max_hours());
    let rejection = Approval {
        decision: Decision::Reject,
        approval_id: keys::random_id()?,
        principal: person.principal.clone(),
        approved_at: now,
        expires_at: now.plus_seconds(hours.saturating_mul(3_600)),
        policy_digest: desk.trusted.bundle.digest(),
        trust_version: desk.trusted.root.version().to_string(),
        renderer: review::RENDERER.to_owned(),
        reason: args.reason.clone(),
    };
    confirm::signing(&person, session);
    finish(&desk, &person, rejection, false, session)
}

/// Everything that stands against the plan but missing approvals: those are what this is for.
fn refuse_what_no_approval_mends(desk: &Desk) -> Result<(), Fault> {
    let approvals_mend = |refusal: &&Refusal| {
        matches!(
            refusal,
            Refusal::BelowQuorum(_) | Refusal::BadApproval { .. } | Refusal::Rejected(_)
        )
    };
    let mut against = desk.examined.refusals().iter().filter(|refusal| !approvals_mend(refusal));
    let Some(first) = against.next() else {
        return Ok(());
    };
    let mut fault = Fault::refusal(first, &desk.folder.shown);
    for other in against {
        fault = fault.because(format!("also: {other} [{}]", other.code().name()));
    }
    Err(fault)
}

/// Refuses an approval that would fill no place: a signature for nothing misleads whoever sees it.
fn would_count(desk: &Desk, approval: &Approval) -> Result<(), Fault> {
    let standing = desk.examined.count_with(&desk.trusted, approval);
    let standing = standing
        .map_err(|error| Fault::refusal(&Refusal::Quorum(Box::new(error)), &desk.folder.shown))?;
    if standing.counted.iter().any(|counted| counted.principal == approval.principal) {
        return Ok(());
    }
    let who = &approval.principal;
    if standing.rejected.contains(who) {
        return Err(Fault::new(Code::Error, format!("{who} rejected this plan just now"))
            .because("of two statements of the same second, the no counts")
            .hint("run the same command again"));
    }
    let wanted: Vec<_> =
        standing.required.iter().map(|d| format!("{} × {}", d.count, d.role)).collect();
    let could: BTreeSet<_> =
        standing.missing.iter().flat_map(|m| m.could.iter().map(|p| p.as_str())).collect();
    let could = could.into_iter().collect::<Vec<_>>().join(", ");
    Err(Fault::new(Code::Error, format!("an approval by {who} would not count for this plan"))
        .because(format!("it needs {}; who could: {could}", wanted.join(" and ")))
        .because("whoever asked for a plan, or owns its planner, approves it only where trust.json says so")
        .hint("ask one of those who could"))
}

fn finish(
    desk: &Desk,
    person: &Person,
    approval: Approval,
    prepare: bool,
    session: &mut Session<'_, '_>,
) -> Result<Code, Fault> {
    let (decision, id, expires) =
        (approval.decision, approval.approval_id.clone(), approval.expires_at);
    let statement = Statement { plan: desk.examined.plan().digest(), predicate: approval };
    let bytes = statement.to_bytes().map_err(|error| Fault::of(Code::Error, &error))?;
    let name = file_name(person, &id);
    if prepare {
        let written = desk.folder.add("approvals", &format!("{name}.json"), &bytes)?;
        let command = format!("ssh-keygen -Y sign -n {} -f KEY {written}", sshsig::NAMESPACE);
        if session.json() {
            session.print_json(&json!({"prepared": written, "approvalId": id, "sign": command}));
        } else {
            session.print(&format!("Prepared {written}. Sign it with:\n  {command}\n"));
        }
        return Ok(Code::Ok);
    }
    let Some(signer) = &person.signer else {
        return Err(Fault::new(Code::Error, "there is no private key to sign with"));
    };
    let envelope =
        envelope::seal(&bytes, signer).map_err(|error| Fault::of(Code::Error, &error))?;
    let written = desk.folder.add("approvals", &format!("{name}.intoto.json"), &envelope)?;
    let (word, until) = match decision {
        Decision::Approve => ("Approved", format!(" until {expires}")),
        Decision::Reject => ("Rejected", String::new()),
    };
    if session.json() {
        session.print_json(&json!({
            "decision": decision, "approvalId": id, "principal": person.principal,
            "plan": statement.plan, "expiresAt": expires, "file": written,
        }));
        return Ok(Code::Ok);
    }
    session.print(&format!("{word} by {}{until}: {written}\n", person.principal));
    let next = match decision {
        Decision::Approve => format!("Next: countersign status {}\n", desk.folder.shown),
        Decision::Reject => {
            format!(
                "{} takes it back with: countersign approve {}\n",
                person.principal, desk.folder.shown
            )
        }
    };
    if !session.quiet() {
        session.print(&next);
    }
    Ok(Code::Ok)
}

fn file_name(person: &Person, id: &ApprovalId) -> String {
    let short: String = id.as_str().chars().take(12).collect();
    format!("{}-{short}", person.principal)
}
