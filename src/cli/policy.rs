//! `countersign policy check`, `policy test`, `policy digest`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::fault::Fault;
use super::paths;
use super::session::Session;
use crate::document::code::Code;
use crate::policy::judge::{PolicyError, WorkerLimits, judge};
use crate::policy::test::{Outcome, run_tests};
use crate::review;

/// Judge plans by the trusted policies, and test those
#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    Check(CheckArgs),
    /// Run the Rego unit tests of every bundle
    ///
    /// Example: countersign policy test
    Test,
    /// Print the digest of every policy that is loaded, as approvals name it
    ///
    /// Example: countersign policy digest
    Digest,
}

/// The verdict on plans; offline
///
/// Example: countersign policy check plans/scale-web
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The plans' folders, or their plan.json
    #[arg(value_name = "PLAN", required = true)]
    plan: Vec<PathBuf>,
}

pub(super) fn run(command: &PolicyCommand, session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    match command {
        PolicyCommand::Check(args) => check(args, session),
        PolicyCommand::Test => test(session),
        PolicyCommand::Digest => digest(session),
    }
}

pub(super) fn policy_fault(error: &PolicyError) -> Fault {
    let mut fault = Fault::of(Code::Error, error);
    for (at, problem) in error.problems().iter().enumerate() {
        // The error says the first one itself.
        if at > 0 {
            fault = fault.because(problem.to_string());
        }
        fault = fault.hint(problem.hint.clone());
    }
    fault
}

fn check(args: &CheckArgs, session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    let trusted = session.trusted(false)?;
    let worker = session.world().program.clone();
    let mut verdicts = Vec::new();
    for typed in &args.plan {
        let folder = paths::open(typed, trusted.config.limits.max_plan_bytes, session)?;
        let plan = folder.plan()?;
        session.progress("asking the policies");
        let verdict = judge(&worker, &trusted.bundle, plan.bytes(), WorkerLimits::default())
            .map_err(|error| policy_fault(&error))?;
        verdicts.push((folder.shown, verdict));
    }
    let denied = verdicts.iter().any(|(_, verdict)| !verdict.passes());
    if session.json() {
        let all: Vec<_> =
            verdicts.iter().map(|(plan, v)| json!({"plan": plan, "verdict": v})).collect();
        session.print_json(&all);
    } else {
        for (plan, verdict) in &verdicts {
            let word = if verdict.passes() { "passes" } else { "DENIED" };
            let mut text = format!("{plan}: {word} ({} rules)\n", verdict.rules);
            let neutral = review::neutral::terminal;
            for (word, findings) in [("DENY", &verdict.deny), ("WARN", &verdict.warn)] {
                for f in findings {
                    text.push_str(&format!("  {word} {}  {}:{}\n", f.rule, f.file, f.line));
                    text.push_str(&format!("       {}\n", neutral(&f.message)));
                }
            }
            for raise in &verdict.require_approval {
                let f = &raise.finding;
                text.push_str(&format!(
                    "  NEEDS {} × {}  {}:{}\n",
                    raise.count, raise.role, f.file, f.line
                ));
                text.push_str(&format!("       {}\n", neutral(&f.message)));
            }
            text.push_str(&format!("  policy sha256 {}\n", verdict.policy));
            session.print(&text);
        }
    }
    Ok(if denied { Code::PolicyDenied } else { Code::Ok })
}

/// Runs the Rego unit tests of every bundle
fn test(session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    let trusted = session.trusted(false)?;
    let worker = session.world().program.clone();
    session.progress("running the tests");
    let report = run_tests(&worker, &trusted.bundle, WorkerLimits::default())
        .map_err(|error| policy_fault(&error))?;
    if session.json() {
        session.print_json(&report);
    } else {
        let mut text = String::new();
        for result in &report.tests {
            let word = match &result.outcome {
                Outcome::Passed => "pass",
                Outcome::Failed => "FAIL",
                Outcome::Error(_) => "ERROR",
                Outcome::Skipped => "skipped",
            };
            text.push_str(&format!("{word}  {}  {}:{}\n", result.name, result.file, result.line));
            if let Outcome::Error(message) = &result.outcome {
                text.push_str(&format!("      {}\n", review::neutral::terminal(message)));
            }
        }
        let good = report.tests.iter().filter(|r| r.outcome == Outcome::Passed).count();
        text.push_str(&format!("{good} of {} tests pass\n", report.tests.len()));
        session.print(&text);
    }
    Ok(if report.passes() { Code::Ok } else { Code::Error })
}

/// The digest of every policy that is loaded
fn digest(session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    let trusted = session.trusted(false)?;
    if session.json() {
        let files: Vec<_> = trusted.bundle.files().iter().map(|file| file.name()).collect();
        session.print_json(&json!({"digest": trusted.bundle.digest(), "files": files}));
    } else {
        session.print(&format!("{}\n", trusted.bundle.digest()));
    }
    Ok(Code::Ok)
}
