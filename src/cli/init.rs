//! `countersign init`

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::fault::Fault;
use super::paths::file_fault;
use super::session::Session;
use super::{keys, ledger};
use crate::config::{self, TargetPath};
use crate::custody::key_file::SecretKey;
use crate::custody::masking::MaskingKey;
use crate::custody::random;
use crate::custody::signer::Candidate;
use crate::custody::state::{State, StateError};
use crate::document::code::Code;
use crate::document::ident::Label;
use crate::files::{self, Folder, Mode};
use crate::trust::key::PublicKey;
use crate::trust::root::{Initial, TrustRoot};
use crate::trust::sign::Sign as _;

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

/// An example of a policy, for the user to change.
const POLICY: &str = include_str!("init/replicas.rego");
/// Its tests.
const POLICY_TEST: &str = include_str!("init/replicas_test.rego");
/// Keeps Git from changing line ends of what is signed.
const ATTRIBUTES: &str = "plans/** -text\ntrust.json -text\n";

pub(super) fn run(args: &InitArgs, session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    let path = match &args.folder {
        Some(folder) => session.path(folder),
        None => session.directory(),
    };
    let root = files::open_folder(&path).map_err(|error| file_fault(&error))?;
    for name in ["countersign.toml", "trust.json"] {
        if root.kind(name).map_err(|error| file_fault(&error))?.is_some() {
            return Err(Fault::new(
                Code::Error,
                format!("{} is there already; init never overwrites", path.join(name).display()),
            )
            .hint("this is a project already: `countersign status` says where it stands"));
        }
    }
    let project = name(args, &path)?;
    let person = person(args, session)?;
    let key = key(args, session)?;
    let manifests = manifests(args, &root)?;
    let example = example(&root, manifests.as_str())?;

    let state = State::made(&session.state()?).map_err(|error| state_fault(&error))?;
    let planner = machine(&state, &project, "planner")?;
    let applier = machine(&state, &project, "applier")?;
    if MaskingKey::read(state.folder()).is_err() {
        let bits = random::bytes::<32>().map_err(|error| Fault::of(Code::Error, &error))?;
        MaskingKey::create(state.folder(), &bits).map_err(|e| Fault::of(Code::Error, &e))?;
    }
    let ledger = match ledger::create(&project, &config::Ledger::default(), session) {
        Ok(place) => place,
        // A project of this name was here before: its ledger stays, so that what it spent stays spent.
        Err(fault) if fault.code() == Code::LedgerUnusable => {
            let place =
                session.ledger_folder(&project, &config::Ledger::default())?.display().to_string();
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
    let config = toml(&project, &args.env, &manifests);
    write(&root, &config, &trust)?;

    let proposal = format!("countersign plan -f {example} --name first-plan");
    if session.json() {
        session.print_json(&json!({
            "project": project, "person": person, "key": key.fingerprint(),
            "manifests": manifests.as_str(), "ledger": ledger, "next": proposal,
        }));
        return Ok(Code::Ok);
    }
    session.print(&format!(
        "Made project {project} in {}\n\
         \x20 countersign.toml  environment {}, target manifests: {manifests}/\n\
         \x20 trust.json        {person} approves, with key {}; planner and applier are {person}'s machines\n\
         \x20 policies/         an example with its test, after the built-in rules\n\
         \x20 .gitattributes    keeps the bytes of plans as they are\n\
         Keys and ledger, outside the project: {}\n\
         One person may approve what they asked for (\"self-approved\"); see requesterMayApprove in trust.json.\n\
         Next: change {example} in a copy of your own, then `{proposal}` with that copy\n",
        path.display(),
        args.env,
        key.fingerprint(),
        session.state()?.display(),
    ));
    Ok(Code::Ok)
}

fn state_fault(error: &StateError) -> Fault {
    Fault::of(Code::Error, error)
        .hint("the state folder must be yours alone and outside every checkout; COUNTERSIGN_STATE names another")
}

/// Letters, digits and dashes of a text, as a label.
fn label(text: &str) -> Option<Label> {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let text: String = text.chars().map(plain).take(63).collect();
    text.trim_matches('-').parse().ok()
}

fn name(args: &InitArgs, path: &Path) -> Result<Label, Fault> {
    let of_folder = || {
        let full = std::path::absolute(path).ok()?;
        label(full.file_name()?.to_str()?)
    };
    args.name.clone().or_else(of_folder).ok_or_else(|| {
        Fault::new(Code::Error, "the folder's name makes no project name")
            .hint("give one with --name")
    })
}

fn person(args: &InitArgs, session: &Session<'_, '_>) -> Result<Label, Fault> {
    let home = || {
        let home = session.variable("HOME")?;
        label(Path::new(&home).file_name()?.to_str()?)
    };
    args.person.clone().or_else(home).ok_or_else(|| {
        Fault::new(Code::Error, "there is no name for you").hint("give one with --person")
    })
}

fn key(args: &InitArgs, session: &Session<'_, '_>) -> Result<PublicKey, Fault> {
    if let Some(path) = &args.key {
        let bytes = files::read_path(&session.path(path), 16 << 10).map_err(|e| file_fault(&e))?;
        return PublicKey::from_openssh(&String::from_utf8_lossy(&bytes))
            .map_err(|error| Fault::of(Code::Error, &error));
    }
    let found = keys::candidates(session)?;
    match found.candidates.as_slice() {
        [one] => Ok(one.public.clone()),
        [] => Err(Fault::new(Code::Error, "you have no Ed25519 key")
            .because(format!("looked at {}", found.looked.join("; ")))
            .hint("make one with `ssh-keygen -t ed25519`, or name a `.pub` file with --key")),
        many => {
            let each = |one: &Candidate| format!("{} ({})", one.place, one.public.fingerprint());
            let all: Vec<_> = many.iter().map(each).collect();
            Err(Fault::new(
                Code::Error,
                format!("you have {} Ed25519 keys: {}", many.len(), all.join(", ")),
            )
            .hint("choose one: `--key FILE.pub`"))
        }
    }
}

/// The folder of manifests: the one that was named, else the usual names, else the only folder that
/// holds one.
fn manifests(args: &InitArgs, root: &Folder) -> Result<TargetPath, Fault> {
    let usual = ["manifests", "k8s", "kubernetes", "deploy", "base"];
    let there = |name: &&str| matches!(root.kind(name), Ok(Some(true)));
    let name = match &args.manifests {
        Some(named) => named.trim_end_matches('/').to_owned(),
        None => match usual.iter().find(|name| there(name)) {
            Some(name) => (*name).to_owned(),
            None => only_folder(root)?,
        },
    };
    let path = TargetPath::try_from(name).map_err(|error| Fault::of(Code::Error, &error))?;
    root.folder(path.as_str()).map_err(|error| {
        file_fault(&error).hint("--manifests names a folder inside the project")
    })?;
    Ok(path)
}

fn only_folder(root: &Folder) -> Result<String, Fault> {
    let entries = root.entries().map_err(|error| file_fault(&error))?;
    let mut found = entries.iter().filter(|entry| {
        entry.folder
            && !entry.name.starts_with('.')
            && root.folder(&entry.name).is_ok_and(|folder| first_manifest(&folder, 4).is_some())
    });
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.name.clone()),
        (None, _) => Err(Fault::new(Code::Error, "no folder of manifests was found")
            .hint("name it with --manifests PATH")),
        (Some(_), Some(_)) => Err(Fault::new(Code::Error, "several folders hold manifests")
            .hint("name one with --manifests PATH")),
    }
}

/// Path of the first manifest in a folder, in the order of the alphabet.
fn first_manifest(folder: &Folder, depth: usize) -> Option<String> {
    let entries = folder.entries().ok()?;
    let manifest =
        |name: &str| name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json");
    let here = entries.iter().find(|entry| {
        !entry.folder
            && !entry.name.starts_with('.')
            && manifest(&entry.name)
            && !entry.name.to_lowercase().starts_with("kustomization")
    });
    if let Some(entry) = here {
        return Some(entry.name.clone());
    }
    let depth = depth.checked_sub(1)?;
    entries.iter().filter(|entry| entry.folder && !entry.name.starts_with('.')).find_map(|entry| {
        let inner = folder.folder(&entry.name).ok()?;
        Some(format!("{}/{}", entry.name, first_manifest(&inner, depth)?))
    })
}

/// A real file of the user's, for the command that comes next.
fn example(root: &Folder, manifests: &str) -> Result<String, Fault> {
    let folder = root.folder(manifests).map_err(|error| file_fault(&error))?;
    Ok(match first_manifest(&folder, 8) {
        Some(file) => format!("{manifests}/{file}"),
        None => "proposal.yaml".to_owned(),
    })
}

/// The public key of a machine, whose private half is made if there is none yet.
fn machine(state: &State, project: &Label, role: &str) -> Result<PublicKey, Fault> {
    let label: Label = role.parse().map_err(|error| Fault::of(Code::Error, &error))?;
    let path = state.key(project, &label);
    if path.exists() {
        let key = SecretKey::read(&path, &mut crate::custody::passphrase::nobody);
        return Ok(key.map_err(|error| Fault::of(Code::Error, &error))?.public().clone());
    }
    let folder = state.keys_made(project).map_err(|error| state_fault(&error))?;
    let seed = random::bytes::<32>().map_err(|error| Fault::of(Code::Error, &error))?;
    let comment = format!("{role} of {project}");
    let key = SecretKey::create(&folder, role, &comment, &seed);
    Ok(key.map_err(|error| Fault::of(Code::Error, &error))?.public().clone())
}

fn toml(project: &Label, environment: &Label, manifests: &TargetPath) -> String {
    format!(
        "# Read from the trusted side only. `countersign schema config` describes every key.\n\
         name = \"{project}\"\n\
         \n\
         [environments.{environment}.targets.manifests]\n\
         kind = \"directory\"\n\
         path = \"{manifests}\"\n\
         \n\
         [policy]\n\
         bundles = [\"policies\"]   # after the built-in rules; `builtin = false` leaves those out\n\
         \n\
         [ledger]\n\
         kind = \"local\"           # one machine; a pipeline with many runners needs a shared one\n"
    )
}

fn write(root: &Folder, config: &str, trust: &TrustRoot) -> Result<(), Fault> {
    let fault = |error| file_fault(&error);
    if root.kind("policies").map_err(fault)?.is_none() {
        let policies = root.folder_made("policies").map_err(fault)?;
        policies.create("replicas.rego", POLICY.as_bytes(), Mode::Open).map_err(fault)?;
        policies.create("replicas_test.rego", POLICY_TEST.as_bytes(), Mode::Open).map_err(fault)?;
    }
    if root.kind(".gitattributes").map_err(fault)?.is_none() {
        root.create(".gitattributes", ATTRIBUTES.as_bytes(), Mode::Open).map_err(fault)?;
    }
    root.create("trust.json", trust.to_bytes(), Mode::Open).map_err(fault)?;
    // Last, because it is what makes the folder a project.
    root.create("countersign.toml", config.as_bytes(), Mode::Open).map_err(fault)
}
