//! `countersign plan`

mod write;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::fault::Fault;
use super::keys;
use super::paths::file_fault;
use super::policy::policy_fault;
use super::reach;
use super::session::Session;
use crate::document::code::Code;
use crate::document::ident::{Digest, Label};
use crate::document::statement::{GENERATOR, Planned, Statement};
use crate::files;
use crate::gate::Trusted;
use crate::intake::{self, Defaults, GatherError, Input};
use crate::observe::ObserveError;
use crate::plan::{self, Plan, PlanError};
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
    /// Environment, if the proposal has none; by default the only one
    #[arg(long, value_name = "ENVIRONMENT")]
    env: Option<Label>,
    /// Target, if the proposal has none; by default the only one
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
    if let Some(requester) = &args.requested_by {
        known(requester, &trusted)?;
    }
    let planner = keys::machine("planner", "COUNTERSIGN_PLANNER_KEY", &trusted, session)?;
    let (plan, input) = make(args, &planner.principal, &trusted, session)?;
    let shown = shown(&project, &plan, session);
    let root = files::open_folder(&project).map_err(|error| file_fault(&error))?;
    if args.locked {
        write::locked(&root, &shown, &plan)?;
        session.note(&format!("{shown}/plan.json is what comes out."));
    }
    if plan.is_empty() {
        return Ok(no_change(&plan, session));
    }
    if !args.locked {
        let statement = Statement {
            plan: plan.digest(),
            predicate: Planned {
                principal: planner.principal.clone(),
                planned_at: session.now(),
                generator: GENERATOR.to_owned(),
                model: args.model.clone().unwrap_or_default(),
                prompt_digest: prompt(args, session)?,
                input_digest: input,
                commit: write::commit(&project),
            },
        };
        let bytes = statement.to_bytes().map_err(|error| Fault::of(Code::Error, &error))?;
        let envelope = envelope::seal(&bytes, &planner.signer)
            .map_err(|error| Fault::of(Code::Error, &error))?;
        let written = write::write(&root, &shown, &plan, &envelope)?;
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
        place: Some(&shown).filter(|_| !session.quiet()).map(String::as_str),
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

/// Whoever asks is kept from approving, so a name that is nobody's would keep nobody.
fn known(requester: &Label, trusted: &Trusted) -> Result<(), Fault> {
    let root = &trusted.root;
    if root.principal(requester).is_some() {
        return Ok(());
    }
    let people = root.principals().filter(|one| !one.is_machine());
    let people: Vec<_> = people.map(|one| one.id().as_str()).collect();
    Err(Fault::new(
        Code::Error,
        format!("{requester} is nobody in trust.json version {}", root.version()),
    )
    .because("--requested-by keeps whoever asked from approving, so it names one of trust.json")
    .hint(format!("people there: {}", people.join(", ")))
    .hint(format!(
        "or enrol them on the trusted side: `countersign trust add {requester} --key FILE.pub --role ROLE`"
    )))
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
    session.progress("reading the input");
    let mut sources = intake::gather(&inputs, session.world().stdin, &limits)
        .map_err(|error| gather_fault(&error))?;
    // As the user typed it, for whoever reads about a place in it.
    let beneath = format!("{}/", session.directory().display());
    for source in &mut sources {
        if let Some(typed) = source.name.strip_prefix(&beneath) {
            source.name = typed.to_owned();
        }
    }
    let defaults = Defaults {
        project: trusted.config.name.clone(),
        planner: planner.clone(),
        name: args.name.clone(),
        environment: args.env.clone(),
        target: args.target.clone(),
        only: only(trusted),
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
    session.progress("reading the target");
    let project = session.project()?;
    let outside = reach::outside(&proposal, &project, trusted, session)?;
    let plan = plan::plan(proposal, &target, &outside).map_err(|error| match error {
        PlanError::Observe(error) => observe_fault(&error),
        PlanError::Make(error) => Fault::of(Code::Error, &error),
    })?;
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

/// Every operation that cannot be carried out: each a cause, and a problem for a program to mend.
fn observe_fault(error: &ObserveError) -> Fault {
    let lines = error.lines();
    let code = match error.is_of_another_target() {
        true => Code::PlanStale,
        false => Code::Error,
    };
    if lines.len() < 2 {
        return Fault::of(code, error).hint(error.hint());
    }
    let fault = Fault::of(code, error).hint(error.hint());
    lines
        .into_iter()
        .fold(fault, |fault, line| fault.because(line.clone()).problem(&json!({"message": line})))
}

/// The only target that is configured, if there is just one.
fn only(trusted: &Trusted) -> Option<(Label, Label)> {
    let mut all = trusted.config.environments.iter().flat_map(|(environment, inner)| {
        inner.targets.keys().map(move |target| (environment.clone(), target.clone()))
    });
    all.next().filter(|_| all.next().is_none())
}

/// The plan's folder as the user would type it from where they are.
fn shown(project: &Path, plan: &Plan, session: &Session<'_, '_>) -> String {
    let below = session.directory();
    let depth = below.strip_prefix(project).map_or(0, |rest| rest.components().count());
    format!("{}plans/{}", "../".repeat(depth), plan.document().proposal.name)
}

fn gather_fault(error: &GatherError) -> Fault {
    let hint = match error {
        GatherError::Files(file) if file.is_absent() => {
            "-f names a file, a folder, or - for standard input"
        }
        GatherError::TooLarge { .. } => {
            "split it, or raise `limits.max-bytes` in countersign.toml on the trusted side"
        }
        GatherError::Twice => "give `-f -` once",
        GatherError::Empty { .. } => {
            "-f names a folder of manifests, a file, or - for standard input"
        }
        GatherError::Files(_) | GatherError::Standard(_) | GatherError::Depth { .. } => "",
    };
    Fault::of(Code::Error, error).hint(hint)
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

fn prompt(args: &PlanArgs, session: &Session<'_, '_>) -> Result<String, Fault> {
    let Some(prompt) = &args.prompt else {
        return Ok(String::new());
    };
    let bytes = files::read_path(&session.path(prompt), 64 << 20).map_err(|e| file_fault(&e))?;
    Ok(Digest::of(&bytes).to_string())
}
