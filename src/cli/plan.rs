//! `countersign plan`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::fault::Fault;
use super::keys;
use super::paths::file_fault;
use super::policy::policy_fault;
use super::session::Session;
use crate::config::Target;
use crate::document::code::Code;
use crate::document::ident::{Digest, Label};
use crate::document::statement::{GENERATOR, Planned, Statement};
use crate::files::{self, Folder, Mode};
use crate::gate::Trusted;
use crate::intake::{self, Defaults, Input};
use crate::observe::directory;
use crate::plan::Plan;
use crate::policy::judge::{WorkerLimits, judge};
use crate::review::{self, Page};
use crate::trust::envelope;

/// Turn a proposal into a plan: nothing is changed
///
/// Example: countersign plan -f answer.md --name scale-web --requested-by alice
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// A proposal, manifests, a folder of them, or a model's answer (`-`: standard input)
    #[arg(short, long = "file", value_name = "FILE|DIR|-", required = true)]
    file: Vec<PathBuf>,
    /// Name of the plan, if the proposal has none
    #[arg(long)]
    name: Option<Label>,
    /// Environment, if the proposal has none
    #[arg(long, value_name = "ENVIRONMENT")]
    env: Option<Label>,
    /// Target, if the proposal has none
    #[arg(long)]
    target: Option<Label>,
    /// Person who asked; cannot approve then
    #[arg(long, value_name = "PERSON")]
    requested_by: Option<Label>,
    /// Model that wrote the proposal, for the planner's statement
    #[arg(long, value_name = "PROVIDER/NAME")]
    model: Option<String>,
    /// The prompt; only its digest is kept
    #[arg(long, value_name = "FILE")]
    prompt: Option<PathBuf>,
    /// The plan must equal the committed one; nothing is written
    #[arg(long)]
    locked: bool,
    /// Exit with 2 if the plan changes something
    #[arg(long)]
    detailed_exitcode: bool,
}

pub(super) fn run(args: &PlanArgs, session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    let project = session.project()?;
    let trusted = session.trusted(false)?;
    let planner = keys::machine("planner", "COUNTERSIGN_PLANNER_KEY", &trusted, session)?;
    let (plan, input) = make(args, &planner.principal, &trusted, session)?;
    if plan.is_empty() {
        return Ok(no_change(&plan, session));
    }
    let name = plan.document().proposal.name.clone();
    let shown = format!("plans/{name}");
    let root = files::open_folder(&project).map_err(|error| file_fault(&error))?;
    if args.locked {
        locked(&root, &shown, &plan)?;
    } else {
        let statement = Statement {
            plan: plan.digest(),
            predicate: Planned {
                principal: planner.principal.clone(),
                planned_at: session.now(),
                generator: GENERATOR.to_owned(),
                model: args.model.clone().unwrap_or_default(),
                prompt_digest: prompt(args, session)?,
                input_digest: input,
                commit: commit(&project),
            },
        };
        let bytes = statement.to_bytes().map_err(|error| Fault::of(Code::Error, &error))?;
        let envelope = envelope::seal(&bytes, &planner.signer)
            .map_err(|error| Fault::of(Code::Error, &error))?;
        let written = write(&root, &shown, &plan, &envelope)?;
        session.note(&written);
    }
    session.progress("asking the policies");
    let worker = session.world().program.clone();
    let verdict = judge(&worker, &trusted.bundle, plan.bytes(), WorkerLimits::default());
    let verdict = verdict.map_err(|error| {
        policy_fault(&error)
            .because(format!(
                "{shown}/plan.json is written, but without a verdict nobody can approve it"
            ))
            .hint("mend the policies, then `countersign policy check` the plan")
    })?;
    let page = Page {
        plan: plan.document(),
        digest: plan.digest(),
        judgements: plan.judgements(),
        verdict: Some(&verdict),
        standing: None,
        place: Some(&shown),
        notes: &[],
    };
    if session.json() {
        let document = json!({
            "plan": shown, "digest": plan.digest(), "written": !args.locked,
            "review": review::json(&page),
        });
        session.print_json(&document);
    } else {
        let text = review::terminal(&page, session.style()).text;
        session.print(&text);
    }
    Ok(if args.detailed_exitcode { Code::ChangesPresent } else { Code::Ok })
}

/// Intake, observation, plan.
fn make(
    args: &PlanArgs,
    planner: &Label,
    trusted: &Trusted,
    session: &mut Session<'_, '_>,
) -> Result<(Plan, Digest), Fault> {
    let limits = trusted.config.limits;
    let inputs: Vec<Input> = args
        .file
        .iter()
        .map(|typed| match typed.as_os_str() == "-" {
            true => Input::Standard,
            false => Input::Path(session.path(typed)),
        })
        .collect();
    let sources = intake::gather(&inputs, session.world().stdin, &limits)
        .map_err(|error| Fault::of(Code::Error, &error))?;
    let defaults = Defaults {
        project: trusted.config.name.clone(),
        planner: planner.clone(),
        name: args.name.clone(),
        environment: args.env.clone(),
        target: args.target.clone(),
        requested_by: args.requested_by.clone(),
    };
    let read = intake::read(&sources, &defaults, &limits).map_err(|error| input_fault(&error))?;
    for note in &read.notes {
        session.note(&review::neutral::terminal(note));
    }
    let proposal = read.proposal;
    let unknown = |error| {
        Fault::of(Code::Error, &error)
            .hint("name another with --env and --target, or in the proposal")
    };
    let target =
        trusted.config.target(&proposal.environment, &proposal.target).map_err(unknown)?.clone();
    let Target::Directory(target) = target else {
        return Err(Fault::new(Code::Error, "this version plans `directory` targets only"));
    };
    session.progress("reading the target");
    let project = session.project()?;
    let observed = directory::observe(proposal, &project, &target, &limits)
        .map_err(|error| Fault::of(Code::Error, &error))?;
    session.progress("planning");
    let plan = Plan::make(observed).map_err(|error| Fault::of(Code::Error, &error))?;
    let most = limits.max_plan_bytes;
    if plan.bytes().len() > most {
        return Err(Fault::new(
            Code::Error,
            format!("the plan has {} bytes, and at most {most} are read", plan.bytes().len()),
        )
        .hint("split the proposal, or raise `limits.max-plan-bytes` on the trusted side"));
    }
    Ok((plan, read.input_digest))
}

/// Every problem of an input: each a cause of its own.
fn input_fault(error: &intake::IntakeError) -> Fault {
    let mut fault = Fault::new(Code::Error, "the input cannot be used");
    for problem in &error.problems {
        fault = fault.because(problem.to_string()).problem(problem);
    }
    fault
}

fn no_change(plan: &Plan, session: &mut Session<'_, '_>) -> Code {
    let target = &plan.document().proposal.target;
    if session.json() {
        session.print_json(&json!({"plan": null, "digest": null, "written": false}));
    } else {
        session.print(&format!(
            "No change: target {target} is already as proposed. Nothing was written.\n"
        ));
    }
    Code::Ok
}

/// Compares with the committed plan.
fn locked(root: &Folder, shown: &str, plan: &Plan) -> Result<(), Fault> {
    let committed =
        root.folder(shown).and_then(|folder| folder.read("plan.json", u64::MAX)).map_err(
            |error| file_fault(&error).hint("plan without --locked first, and commit the folder"),
        )?;
    if committed == plan.bytes() {
        return Ok(());
    }
    Err(Fault::new(Code::PlanStale, format!("{shown} is not what the proposal gives now"))
        .because(format!("it gives {}, and {} is committed", plan.digest(), Digest::of(&committed)))
        .hint("plan again without --locked, then ask for new approvals"))
}

/// Writes the plan's folder, and says what became of approvals that lay there.
fn write(root: &Folder, shown: &str, plan: &Plan, envelope: &[u8]) -> Result<String, Fault> {
    let fault = |error| file_fault(&error);
    let folder = root.folder_made(shown).map_err(fault)?;
    if let Some(receipts) = sub(&folder, "receipts").map_err(fault)?
        && !receipts.entries().map_err(fault)?.is_empty()
    {
        return Err(Fault::new(
            Code::Error,
            format!("{shown} was applied already: it has a receipt"),
        )
        .hint("choose another name with --name; a plan that was applied stays as it is"));
    }
    let before = folder.read_if_there("plan.json", u64::MAX).map_err(fault)?;
    let same = before.as_deref() == Some(plan.bytes());
    let mut dropped = 0;
    if !same && let Some(approvals) = sub(&folder, "approvals").map_err(fault)? {
        for entry in approvals.entries().map_err(fault)?.iter().filter(|entry| !entry.folder) {
            approvals.remove(&entry.name).map_err(fault)?;
            dropped += 1;
        }
    }
    if !same {
        folder.replace("plan.json", plan.bytes(), Mode::Open).map_err(fault)?;
    }
    folder.replace("planner.intoto.json", envelope, Mode::Open).map_err(fault)?;
    Ok(match (before.is_some(), same, dropped) {
        (false, ..) => format!("Wrote {shown}/plan.json and its planner's statement."),
        (true, true, _) => {
            format!("{shown}/plan.json comes out the same; its approvals still count.")
        }
        (true, false, 0) => format!("Wrote {shown}/plan.json anew: it is another plan now."),
        (true, false, n) => format!(
            "Wrote {shown}/plan.json anew: it is another plan now, and {n} old {} for it {} removed.",
            if n == 1 { "approval" } else { "approvals" },
            if n == 1 { "was" } else { "were" },
        ),
    })
}

fn sub(folder: &Folder, name: &str) -> Result<Option<Folder>, files::FileError> {
    match folder.kind(name)? {
        Some(_) => folder.folder(name).map(Some),
        None => Ok(None),
    }
}

fn prompt(args: &PlanArgs, session: &Session<'_, '_>) -> Result<String, Fault> {
    let Some(prompt) = &args.prompt else {
        return Ok(String::new());
    };
    let bytes = files::read_path(&session.path(prompt), 64 << 20).map_err(|e| file_fault(&e))?;
    Ok(Digest::of(&bytes).to_string())
}

/// The commit that is checked out, if the project is a Git checkout: evidence only, read from files.
fn commit(project: &std::path::Path) -> String {
    let read = |folder: &std::path::Path, name: &str| -> Option<String> {
        let bytes = files::read_path(&folder.join(name), 4096).ok()?;
        Some(String::from_utf8(bytes).ok()?.trim().to_owned())
    };
    let git = project.ancestors().map(|folder| folder.join(".git")).find(|git| git.is_dir());
    let found = git.and_then(|git| {
        let head = read(&git, "HEAD")?;
        match head.strip_prefix("ref: ") {
            Some(name) => read(&git, name),
            None => Some(head),
        }
    });
    let hex = |text: &String| text.len() >= 40 && text.bytes().all(|c| c.is_ascii_hexdigit());
    found.filter(hex).unwrap_or_default()
}
