//! What a person types: one file per command. Nothing is decided here: a command reads its
//! arguments, calls the rooms above, and shows what they say.

mod apply;
mod approve;
mod completion;
mod demo;
pub mod fault;
mod init;
mod keys;
mod ledger;
mod log;
mod paths;
mod plan;
mod policy;
mod present;
mod progress;
mod reach;
mod review;
mod schema;
mod secrets;
mod session;
mod status;
mod trust;
mod usage;
mod verify;
pub mod world;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::document::code::Code;
use crate::policy::worker;
use fault::Fault;
use session::Session;
use world::World;

/// Every variable that is looked at.
const ENVIRONMENT: &str = "\
Environment:
  COUNTERSIGN_KEY          key of approve and reject: a file, or agent:SHA256:...
  COUNTERSIGN_PLANNER_KEY  key of plan, in a pipeline: a file, or its text
  COUNTERSIGN_APPLIER_KEY  key of apply, in a pipeline: a file, or its text
  COUNTERSIGN_MASKING_KEY  masks the secrets of a plan, in a pipeline: 64 hexadecimal digits
  KUBECONFIG               kubeconfig files of Kubernetes targets, instead of ~/.kube/config
  COUNTERSIGN_STATE        folder of keys and ledgers, instead of ~/.local/state/countersign
  HOME, XDG_STATE_HOME     where that folder and ~/.ssh are
  SSH_AUTH_SOCK            the ssh-agent
  SSH_CONNECTION           set where one is logged in from afar: the agent may be forwarded
  NO_COLOR                 if set, no colour but with --color always

Exit codes: 0 done, 1 error, 2 changes (plan --detailed-exitcode), 10 to 18 refused and nothing
changed, 20 to 25 apply did not end well, 64 wrong usage, 130 interrupted.";

/// Turns proposed changes into canonical plans, judges them by policy, gets them approved with
/// local signatures, and applies exactly those bytes
///
/// Example: countersign demo
#[derive(Debug, Parser)]
#[command(name = "countersign", version, max_term_width = 100, after_help = ENVIRONMENT)]
struct Line {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

/// Heading of the options that every command takes.
const COMMON: &str = "Options of every command";

/// Options that every command takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Work as if started in this folder
    #[arg(short = 'C', value_name = "DIR", global = true, help_heading = COMMON)]
    directory: Option<std::path::PathBuf>,
    /// How results are written to stdout
    #[arg(short, long, value_enum, default_value_t = Output::Text, global = true, value_name = "FORMAT", help_heading = COMMON)]
    output: Output,
    /// When colour is used
    #[arg(long, value_enum, default_value_t = Colour::Auto, global = true, value_name = "WHEN", help_heading = COMMON)]
    color: Colour,
    /// Say less: no progress, no hints about what comes next
    #[arg(short, long, global = true, help_heading = COMMON)]
    quiet: bool,
    /// Say more: why each change has its class
    #[arg(short, long, global = true, help_heading = COMMON)]
    verbose: bool,
    /// Never ask: a missing answer is an error that names its flag
    #[arg(long, global = true, help_heading = COMMON)]
    no_input: bool,
    /// Where countersign.toml, trust.json and policies come from (`.` in a pipeline on the trusted branch)
    #[arg(long, value_name = "DIR", global = true, help_heading = COMMON)]
    trusted: Option<std::path::PathBuf>,
}

/// Formats of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// Exactly one JSON document.
    Json,
    /// For pull requests (`review` only).
    Markdown,
}

/// When colour is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::InitArgs),
    Plan(plan::PlanArgs),
    Review(review::ReviewArgs),
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    Status(status::StatusArgs),
    Approve(approve::ApproveArgs),
    Reject(approve::RejectArgs),
    Verify(verify::VerifyArgs),
    Apply(apply::ApplyArgs),
    Log(log::LogArgs),
    #[command(subcommand)]
    Trust(trust::TrustCommand),
    #[command(subcommand)]
    Ledger(ledger::LedgerCommand),
    Schema(schema::SchemaArgs),
    Demo(demo::DemoArgs),
    Completion(completion::CompletionArgs),
}

/// Runs the program on the process's own arguments, environment and streams.
pub fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().is_some_and(|first| first == worker::COMMAND) {
        let rest: Vec<String> = arguments.collect();
        return worker::serve(&rest, &mut std::io::stdin().lock(), &mut std::io::stdout().lock());
    }
    let code = run(std::env::args_os(), &mut World::of_this_process());
    ExitCode::from(code.number())
}

/// Runs one command line in a world, and says how it ended. Everything it prints goes to the
/// world's streams.
pub fn run(arguments: impl IntoIterator<Item = OsString>, world: &mut World<'_>) -> Code {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let line = match Line::try_parse_from(&arguments) {
        Ok(line) => line,
        Err(error) => return usage::show(&error, &arguments, world),
    };
    let output = line.options.output;
    let mut session = Session::new(line.options, world);
    let result = session.entered().and_then(|()| {
        line.command.takes(output)?;
        dispatch(line.command, &mut session)
    });
    // Nothing is being done any more, whatever is shown now.
    session.pause();
    match result {
        Ok(code) => code,
        Err(fault) => {
            let fault = interrupted(fault, &mut session);
            let code = fault.code();
            present::fault(&fault, output, session.world());
            code
        }
    }
}

impl Command {
    /// Refuses a format that this command does not write.
    fn takes(&self, output: Output) -> Result<(), Fault> {
        let refused = |message: &str, hint: &str| Err(Fault::new(Code::Usage, message).hint(hint));
        match (self, output) {
            (Self::Review(_), _) | (_, Output::Text) => Ok(()),
            (_, Output::Markdown) => refused(
                "only `review` writes Markdown",
                "`countersign review PLAN -o markdown`; other commands take text or json",
            ),
            (Self::Demo(_), Output::Json) => {
                refused("the demo is told as text only", "leave `-o json` out")
            }
            (_, Output::Json) => Ok(()),
        }
    }
}

/// A failure before anything can be spent, in a run that somebody stopped, is the stop: the same
/// key press ends the process that asks the policies. Any later one says itself what became of the
/// target.
fn interrupted(fault: Fault, session: &mut Session<'_, '_>) -> Fault {
    if session.world().is_interrupted() && !session.spends() {
        return Fault::new(Code::Interrupted, "interrupted; nothing was changed");
    }
    fault
}

fn dispatch(command: Command, session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    match command {
        Command::Init(args) => init::run(&args, session),
        Command::Plan(args) => plan::run(&args, session),
        Command::Review(args) => review::run(&args, session),
        Command::Policy(command) => policy::run(&command, session),
        Command::Status(args) => status::run(&args, session),
        Command::Approve(args) => approve::run(&args, session),
        Command::Reject(args) => approve::reject(&args, session),
        Command::Verify(args) => verify::run(&args, session),
        Command::Apply(args) => apply::run(&args, session),
        Command::Log(args) => log::run(&args, session),
        Command::Trust(command) => trust::run(&command, session),
        Command::Ledger(command) => ledger::run(&command, session),
        Command::Demo(args) => demo::run(&args, session),
        Command::Schema(args) => schema::run(&args, session),
        Command::Completion(args) => completion::run(&args, &mut Line::command(), session),
    }
}
