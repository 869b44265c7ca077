//! `countersign init`

mod find;
mod make;

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::fault::Fault;
use super::ledger;
use super::paths::file_fault;
use super::session::{Session, state_fault};
use crate::config;
use crate::custody::masking::MaskingKey;
use crate::custody::random;
use crate::custody::state::State;
use crate::document::code::Code;
use crate::document::ident::Label;
use crate::files;
use crate::trust::root::{Initial, TrustRoot};

/// Make a project: countersign.toml, trust.json, policies/, keys and the ledger
///
/// Example: countersign init
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The project's folder
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Folder of manifests; by default the one that holds them
    #[arg(long, value_name = "PATH")]
    manifests: Option<String>,
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
    for name in ["countersign.toml", "trust.json"] {
        if root.kind(name).map_err(|error| file_fault(&error))?.is_some() {
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
    let manifests = find::manifests(args, &root)?;
    let example = find::example(&root, manifests.as_str())?;

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
    let config = make::toml(&project, &args.env, &manifests);
    make::write(&root, &config, &trust)?;

    let copy = example.rsplit('/').next().unwrap_or(&example);
    let next = format!("countersign plan -f {copy} --name first-plan");
    if session.json() {
        session.print_json(&json!({
            "project": project, "person": person, "key": key.fingerprint(),
            "manifests": manifests.as_str(), "ledger": ledger, "example": example, "next": next,
        }));
        return Ok(Code::Ok);
    }
    session.print(&format!(
        "Made project {project} in {}\n\
         \x20 countersign.toml  environment {}, target manifests: {manifests}/\n\
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
        session.print(&format!(
            "Next: copy a manifest, change the copy, and plan it:\n  cp {example} .\n  {next}\n"
        ));
    }
    Ok(Code::Ok)
}
