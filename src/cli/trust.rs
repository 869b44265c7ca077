//! `countersign trust show`, `check`, `whoami`, `add`, `remove`, `revoke`, `quorum`, `renew`

mod show;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::fault::Fault;
use super::keys;
use super::paths::file_fault;
use super::session::Session;
use crate::document::code::Code;
use crate::document::effect::Class;
use crate::document::ident::Label;
use crate::files::{self, FileError};
use crate::trust::principal::Nature;
use crate::trust::quorum::Demand;
use crate::trust::root::{Addition, Revocation, RootError, TrustRoot};

/// Who may approve what; every change raises the version of trust.json
#[derive(Debug, Subcommand)]
pub(super) enum TrustCommand {
    /// Show who is who, who may approve what, and what is revoked
    ///
    /// Example: countersign trust show
    Show,
    /// Say whether trust.json loads, and how long it holds
    ///
    /// Example: countersign trust check
    Check,
    /// Say who trust.json takes you for, by your keys
    ///
    /// Example: countersign trust whoami
    Whoami,
    Add(AddArgs),
    Remove(RemoveArgs),
    Revoke(RevokeArgs),
    Quorum(QuorumArgs),
    Renew(RenewArgs),
}

/// Enrol a person or a machine, or a further key or role of one
///
/// Example: countersign trust add bob --key bob.pub --role approver
#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Its name
    name: Label,
    /// Its public key, an OpenSSH Ed25519 `.pub` file
    #[arg(long, value_name = "PUB")]
    key: PathBuf,
    /// A role it gets
    #[arg(long, required = true)]
    role: Vec<Label>,
    /// It is a machine: it never counts as an approver
    #[arg(long, requires = "owner")]
    machine: bool,
    /// The person who answers for the machine
    #[arg(long, requires = "machine", value_name = "PERSON")]
    owner: Option<Label>,
}

/// Remove a principal with all its keys
///
/// Example: countersign trust remove bob
#[derive(Debug, Args)]
pub(super) struct RemoveArgs {
    /// Its name
    name: Label,
}

/// Revoke one approval, or one key with everything that it signed
///
/// Example: countersign trust revoke SHA256:…
#[derive(Debug, Args)]
pub(super) struct RevokeArgs {
    /// An approval's id, or a key's fingerprint
    #[arg(value_name = "ID")]
    id: Revocation,
}

/// Set how many people of which role must approve in an environment
///
/// Example: countersign trust quorum prod --from disruptive --require approver=2
#[derive(Debug, Args)]
pub(super) struct QuorumArgs {
    /// The environment
    environment: Label,
    /// The least class of change that it holds for
    #[arg(long, value_name = "CLASS", value_parser = super::approve::class, default_value = "none")]
    from: Class,
    /// So many people of a role; each person fills one place
    #[arg(long, value_name = "ROLE=N", required = true, value_parser = demand)]
    require: Vec<Demand>,
    /// Whoever asked for a plan may approve it, too (shown as "self-approved" everywhere)
    #[arg(long)]
    requester_may_approve: bool,
}

/// Let trust.json hold for longer
///
/// Example: countersign trust renew --days 365
#[derive(Debug, Args)]
pub(super) struct RenewArgs {
    /// From now on
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..))]
    days: u16,
    /// The longest that an approval may hold, from now on
    #[arg(long, value_name = "HOURS")]
    approval_max_hours: Option<u32>,
}

/// Bytes of trust.json that are read at most.
const MOST: u64 = 4 << 20;

fn demand(text: &str) -> Result<Demand, String> {
    let wrong = || format!("{text:?} is not ROLE=N, such as approver=2");
    let (role, count) = text.split_once('=').ok_or_else(wrong)?;
    let role = role.parse().map_err(|_| wrong())?;
    Ok(Demand { role, count: count.parse().map_err(|_| wrong())? })
}

pub(super) fn run(command: &TrustCommand, session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    let folder = files::open_folder(&session.trusted_folder(false)?).map_err(|e| file_fault(&e))?;
    let bytes = folder.read("trust.json", MOST).map_err(|error| {
        Fault::of(Code::TrustInvalid, &error).hint(
            "restore it (`git checkout trust.json`); in a new project `countersign init` makes it",
        )
    })?;
    let root = TrustRoot::parse(&bytes).map_err(|error| root_fault(&error))?;
    let changed = match command {
        TrustCommand::Show => {
            show::show(&root, session);
            return Ok(Code::Ok);
        }
        TrustCommand::Check => return show::check(&root, session),
        TrustCommand::Whoami => return show::whoami(&root, session),
        TrustCommand::Add(args) => add(args, &root, session)?,
        TrustCommand::Remove(args) => root.without(&args.name).map_err(|e| root_fault(&e))?,
        TrustCommand::Revoke(args) => root.revoke(&args.id).map_err(|e| root_fault(&e))?,
        TrustCommand::Quorum(args) => root
            .with_quorum(&args.environment, args.from, &args.require, args.requester_may_approve)
            .map_err(|e| root_fault(&e))?,
        TrustCommand::Renew(args) => {
            let at = session.now().plus_seconds(i64::from(args.days) * 86_400);
            root.renewed(at, args.approval_max_hours).map_err(|e| root_fault(&e))?
        }
    };
    folder
        .replace_if("trust.json", changed.to_bytes(), MOST, &|found| found == bytes)
        .map_err(|error| written_fault(&error))?;
    if session.json() {
        session.print_json(&json!({"version": changed.version(), "digest": changed.digest()}));
    } else {
        session.print(&format!(
            "trust.json is version {} now. Merge it on the trusted side before it is needed.\n",
            changed.version()
        ));
    }
    Ok(Code::Ok)
}

/// Two edits at once: neither is lost without a word.
fn written_fault(error: &FileError) -> Fault {
    match matches!(error, FileError::Changed { .. }) {
        true => Fault::new(Code::TrustInvalid, "trust.json changed meanwhile; run it again")
            .hint("the other change stands, and this one was not made"),
        false => file_fault(error),
    }
}

fn root_fault(error: &RootError) -> Fault {
    Fault::of(Code::TrustInvalid, error).hint("trust.json is as it was")
}

fn add(args: &AddArgs, root: &TrustRoot, session: &Session<'_, '_>) -> Result<TrustRoot, Fault> {
    let path = session.path(&args.key);
    let line = files::read_path(&path, 16 << 10).map_err(|error| file_fault(&error))?;
    let key = keys::public_key(&args.key, &line)?;
    let nature = match (&args.owner, args.machine) {
        (Some(owner), true) => Nature::Machine { owner: owner.clone() },
        (_, _) => Nature::Person,
    };
    let addition = Addition { id: args.name.clone(), nature, key, roles: args.role.clone() };
    root.with(&addition).map_err(|error| root_fault(&error))
}
