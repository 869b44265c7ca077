//! `countersign init`

mod cluster;
mod find;
mod make;

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::fault::Fault;
use super::ledger;
use super::paths::file_fault;
use super::session::{Session, state_fault};
use crate::config::{self, Config, TargetPath};
use crate::custody::masking::MaskingKey;
use crate::custody::random;
use crate::custody::state::State;
use crate::document::code::Code;
use crate::document::ident::Label;
use crate::files::{self, Folder};
use crate::trust::root::{Initial, TrustRoot};

/// Make a project: countersign.toml, trust.json, policies/, keys and the ledger
///
/// Example: countersign init
///
/// In a project that is there, --context prints the lines that make its cluster a target.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The project's folder
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Folder of manifests; by default the one that holds them
    #[arg(long, value_name = "PATH")]
    manifests: Option<String>,
    /// A cluster instead: a context of the kubeconfig
    #[arg(long, value_name = "NAME", conflicts_with = "manifests")]
    context: Option<String>,
    /// Namespace of it that plans may change (again for each); by default the context's own
    #[arg(long = "namespace", value_name = "NS", requires = "context")]
    namespaces: Vec<Label>,
    /// Plans may also change objects of it that have no namespace
    #[arg(long, requires = "context")]
    cluster_scoped: bool,
    /// Name of the project; by default the folder's
    #[arg(long)]
    name: Option<Label>,
    /// Name of the person in trust.json; by default the user's
    #[arg(long)]
    person: Option<Label>,
    /// The person's key: a `.pub` file; by default the only Ed25519 key of the agent or ~/.ssh
    #[arg(long, value_name = "PUB")]
    key: Option<PathBuf>,
    /// Name of the first environment
    #[arg(long, default_value = "prod")]
    env: Label,
}

pub(super) fn run(args: &InitArgs, session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    let path = match &args.folder {
        Some(folder) => session.path(folder),
        None => session.directory(),
    };
    let root = files::open_folder(&path).map_err(|error| {
        file_fault(&error).hint("init makes a project of a folder that holds manifests already")
    })?;
    let there = |name| root.kind(name).map_err(|error| file_fault(&error));
    if let (Some(context), Some(_)) = (&args.context, there("countersign.toml")?) {
        return add(context, &root, args, session);
    }
    for name in ["countersign.toml", "trust.json"] {
        if there(name)?.is_some() {
            return Err(Fault::new(
                Code::Error,
                format!("{} is there already; init never overwrites", path.join(name).display()),
            )
            .hint("this is a project already: `countersign status` says where it stands"));
        }
    }
    let project = find::name(args, &path)?;
    let person = find::person(args, session)?;
    let key = find::key(args, session)?;
    let first = match &args.context {
        Some(context) => First::Cluster(cluster::find(context, args, session)?),
        None => {
            let manifests = find::manifests(args, &root)?;
            let example = find::example(&root, manifests.as_str())?;
            First::Folder { manifests, example }
        }
    };

    let state = State::made(&session.state()?).map_err(|error| state_fault(Code::Error, &error))?;
    let planner = make::machine(&state, &project, "planner")?;
    let applier = make::machine(&state, &project, "applier")?;
    if MaskingKey::read(state.folder()).is_err() {
        let bits = random::bytes::<32>().map_err(|error| Fault::of(Code::Error, &error))?;
        MaskingKey::create(state.folder(), &bits).map_err(|e| Fault::of(Code::Error, &e))?;
    }
    let ledger = match ledger::create(&project, &config::Ledger::default(), session) {
        Ok(made) => made.place,
        // A project of this name was here before: its ledger stays, so that what it spent stays spent.
        Err(fault) if fault.code() == Code::LedgerUnusable => {
            let local = config::LocalLedger::default();
            let place = ledger::home::path(&project, &local, session)?.display().to_string();
            session.note(&format!("The ledger at {place} stays as it is."));
            place
        }
        Err(fault) => return Err(fault),
    };
    let trust = TrustRoot::initial(&Initial {
        person: &person,
        person_key: &key,
        planner_key: &planner,
        applier_key: &applier,
        environments: std::slice::from_ref(&args.env),
        now: session.now(),
    })
    .map_err(|error| Fault::of(Code::TrustInvalid, &error))?;
    let config = make::toml(&project, &first.toml(&args.env)?);
    make::write(&root, &config, &trust)?;

    let next = first.next();
    if session.json() {
        let key = key.fingerprint();
        let made = match &first {
            First::Folder { manifests, example } => json!({
                "project": project, "person": person, "key": key, "ledger": ledger, "next": next,
                "manifests": manifests.as_str(), "example": example,
            }),
            First::Cluster(found) => json!({
                "project": project, "person": person, "key": key, "ledger": ledger, "next": next,
                "target": found.json(),
            }),
        };
        session.print_json(&made);
        return Ok(Code::Ok);
    }
    let target = match &first {
        First::Folder { manifests, example: _ } => format!("target manifests: {manifests}/"),
        First::Cluster(found) => format!("target {MAIN}: {}", found.told()),
    };
    session.print(&format!(
        "Made project {project} in {}\n\
         \x20 countersign.toml  environment {}, {target}\n\
         \x20 trust.json        {person} approves, with key {}\n\
         \x20                   planner and applier are {person}'s machines\n\
         \x20 policies/         an example with its test, asked after the built-in rules\n\
         \x20 .gitattributes    keeps the bytes of plans as they are\n\
         Keys and ledger are outside the project, in {}\n\
         {person} may also approve what {person} asked for (shown as \"self-approved\").\n",
        path.display(),
        args.env,
        key.fingerprint(),
        session.state()?.display(),
    ));
    if !session.quiet() {
        let before = match &first {
            First::Folder { example, .. } => {
                format!("copy a manifest, change the copy, and plan it:\n  cp {example} .\n")
            }
            First::Cluster(_) => {
                "save a model's answer, and plan it (`countersign schema proposal` \
                                  tells the model its form):\n"
                    .to_owned()
            }
        };
        session.print(&format!("Next: {before}  {next}\n"));
    }
    Ok(Code::Ok)
}

/// The target that a project begins with.
enum First {
    /// A folder of manifests, with a file of it.
    Folder { manifests: TargetPath, example: String },
    /// A cluster.
    Cluster(cluster::Found),
}

impl First {
    fn toml(&self, environment: &Label) -> Result<String, Fault> {
        match self {
            Self::Folder { manifests, example: _ } => Ok(make::folder(environment, manifests)),
            Self::Cluster(found) => Ok(found.toml(environment, &main()?)),
        }
    }

    /// The command that comes next.
    fn next(&self) -> String {
        match self {
            Self::Folder { example, .. } => {
                let copy = example.rsplit('/').next().unwrap_or(example);
                format!("countersign plan -f {copy} --name first-plan")
            }
            Self::Cluster(_) => "countersign plan -f answer.md".to_owned(),
        }
    }
}

/// Name of a cluster's target.
const MAIN: &str = "main";

fn main() -> Result<Label, Fault> {
    MAIN.parse().map_err(|error| Fault::of(Code::Error, &error))
}

/// Prints what makes a cluster a target of a project that is there; the project stays as it is.
fn add(
    context: &str,
    root: &Folder,
    args: &InitArgs,
    session: &mut Session<'_, '_>,
) -> Result<Code, Fault> {
    let found = cluster::find(context, args, session)?;
    let text = root.read("countersign.toml", 1 << 20).map_err(|error| file_fault(&error))?;
    let main = main()?;
    // A configuration that cannot be read is for the next command to refuse.
    let config = std::str::from_utf8(&text).ok().and_then(|text| Config::parse(text).ok());
    let environment = config.and_then(|config| config.environments.get(&args.env).cloned());
    let taken = environment.is_some_and(|one| one.targets.contains_key(&main));
    let name = if taken { found.name().unwrap_or(main) } else { main };
    let lines = found.toml(&args.env, &name);
    if session.json() {
        session.print_json(&json!({"target": found.json(), "toml": lines}));
        return Ok(Code::Ok);
    }
    session.note(&format!("Target {name}: {}", found.told()));
    session.note("countersign.toml is there already and stays as it is; add these lines to it:");
    session.print(&lines);
    Ok(Code::Ok)
}
