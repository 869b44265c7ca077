//! Opens the home of a ledger of each kind: with the user's credentials, the memory of this machine,
//! and its own journals where the target is files of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::causes;
use crate::cli::fault::Fault;
use crate::cli::session::{Session, state_fault};
use crate::cli::{keys, reach};
use crate::config::{self, GitLedger, KubernetesLedger, LocalLedger, ObjectStoreLedger};
use crate::custody::state::State;
use crate::document::code::Code;
use crate::document::ident::Label;
use crate::git::{Person, Repository, Surroundings};
use crate::ledger::git::{Git, GitPlace};
use crate::ledger::kubernetes::{Location, Namespace};
use crate::ledger::local::Local;
use crate::ledger::object::{Bucket, Objects};
use crate::ledger::store::{Store, StoreError};
use crate::ledger::{Home, LedgerError, Memory};
use crate::remote::kubernetes::Access;

/// What a home is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A ledger that is there.
    Use {
        /// Whether the target is a folder of this machine, so that its journal may be here too.
        files: bool,
    },
    /// A ledger that is to be made.
    Make,
}

/// A home, and what was found out about it, for people.
pub(super) struct Opened {
    pub(super) home: Home,
    pub(super) proof: Option<String>,
}

/// Opens the home of a ledger.
///
/// # Errors
/// A fault of this machine's side; else what the store says.
pub(super) fn open(
    project: &Label,
    ledger: &config::Ledger,
    purpose: Purpose,
    session: &mut Session<'_, '_>,
) -> Result<Result<Opened, LedgerError>, Fault> {
    let opened = match ledger {
        config::Ledger::Local(local) => return folder(project, local, purpose, session),
        config::Ledger::Git(git) => branch(git, purpose, session)?,
        config::Ledger::ObjectStore(store) => bucket(store, purpose, session)?,
        config::Ledger::Kubernetes(cluster) => namespace(cluster, purpose, session)?,
    };
    let (store, proof) = match opened {
        Ok(opened) => opened,
        Err(StoreError::Missing(place)) => {
            // One that was seen here before is not simply missing.
            let seen = memory(&place, session)?;
            let seen = seen.and_then(|seen| seen.check_missing().map(|()| seen));
            return Ok(Err(seen.err().unwrap_or(LedgerError::Missing(place))));
        }
        Err(error) => return Ok(Err(LedgerError::store(error, ""))),
    };
    let memory = match memory(&store.place(), session)? {
        Ok(memory) => memory,
        Err(error) => return Ok(Err(error)),
    };
    let interrupted = Arc::clone(&session.world().interrupted);
    let interrupted = Arc::new(move || interrupted.load(Ordering::SeqCst));
    let home = Home::shared(store).remembered(memory).interruptible(interrupted);
    let home = match purpose {
        Purpose::Use { files: true } => home.with_journals(journals(project, session)?),
        Purpose::Use { files: false } | Purpose::Make => home,
    };
    Ok(Ok(Opened { home, proof }))
}

fn folder(
    project: &Label,
    ledger: &LocalLedger,
    purpose: Purpose,
    session: &Session<'_, '_>,
) -> Result<Result<Opened, LedgerError>, Fault> {
    let default = ledger.path.is_none();
    let path = path(project, ledger, session)?;
    let place = path.display().to_string();
    let store = match purpose {
        Purpose::Make => {
            if default {
                let made = made(session)?.ledger_made(project);
                made.map_err(|error| state_fault(Code::LedgerUnusable, &error))?;
            }
            Local::create(&path)
        }
        Purpose::Use { .. } => {
            if default {
                session.state_checked(Code::LedgerUnusable)?;
            }
            Local::open(&path)
        }
    };
    let opened = store.map(|store| Opened { home: Home::local(store), proof: None });
    Ok(opened.map_err(|error| LedgerError::store(error, &place)))
}

/// Where a ledger of one machine is kept.
pub(in crate::cli) fn path(
    project: &Label,
    ledger: &LocalLedger,
    session: &Session<'_, '_>,
) -> Result<PathBuf, Fault> {
    match &ledger.path {
        Some(path) => Ok(PathBuf::from(path)),
        None => Ok(session.state()?.join("ledgers").join(project.as_str())),
    }
}

type Found = Result<(Arc<dyn Store>, Option<String>), StoreError>;

fn branch(
    ledger: &GitLedger,
    purpose: Purpose,
    session: &mut Session<'_, '_>,
) -> Result<Found, Fault> {
    let repository = repository(ledger, session)?;
    let place = GitPlace {
        remote: ledger.remote.clone(),
        branch: ledger.branch.clone(),
        author: Person {
            name: "countersign".to_owned(),
            address: format!("countersign@{}", session.world().host),
        },
        lease: ledger.lease(),
    };
    session.progress("asking the remote for the ledger");
    let store = match purpose {
        Purpose::Make => Git::create(&repository, place),
        Purpose::Use { .. } => Git::open(&repository, place),
    };
    Ok(store.map(|store| (Arc::new(store) as Arc<dyn Store>, None)))
}

/// The clone that the project lies in, with git as it is to be run for a ledger.
///
/// # Errors
/// A fault if there is none, or git cannot be run.
pub(in crate::cli) fn repository(
    ledger: &GitLedger,
    session: &mut Session<'_, '_>,
) -> Result<Repository, Fault> {
    let folder = match session.project() {
        Ok(folder) => folder,
        Err(_) => session.trusted_folder(false)?,
    };
    let interrupted = Arc::clone(&session.world().interrupted);
    let surroundings = Surroundings {
        program: "git".into(),
        environment: session.world().environment.clone(),
        patience: ledger.timeout(),
        interrupted: Arc::new(move || interrupted.load(Ordering::SeqCst)),
        clock: Arc::clone(&session.world().clock),
    };
    Repository::open(&folder, surroundings).map_err(|error| {
        Fault::of(Code::LedgerUnusable, &error)
            .hint("a ledger of kind `git` needs the project in a clone, and the program git")
    })
}

fn bucket(
    ledger: &ObjectStoreLedger,
    purpose: Purpose,
    session: &mut Session<'_, '_>,
) -> Result<Found, Fault> {
    let ObjectStoreLedger { url, region, endpoint, .. } = ledger;
    let bucket = Bucket {
        url: url.clone(),
        region: region.clone(),
        endpoint: endpoint.clone(),
        lease: ledger.lease(),
        patience: ledger.timeout(),
    };
    session.progress("asking the store for the ledger");
    let environment = &session.world().environment;
    let variable = |name: &str| {
        let found = environment.iter().find(|(known, _)| known == name);
        found.and_then(|(_, value)| value.clone().into_string().ok())
    };
    let store = match Objects::open(&bucket, &variable) {
        Ok(store) => store,
        Err(error) => return Ok(Err(error)),
    };
    let proof = match purpose {
        Purpose::Use { .. } => None,
        Purpose::Make => match store.prove(keys::random_bits()?) {
            Ok(proof) => Some(proof.to_string()),
            Err(error) => return Ok(Err(error)),
        },
    };
    Ok(Ok((Arc::new(store) as Arc<dyn Store>, proof)))
}

fn namespace(
    ledger: &KubernetesLedger,
    purpose: Purpose,
    session: &mut Session<'_, '_>,
) -> Result<Found, Fault> {
    session.progress("asking the cluster for the ledger");
    let store = match Namespace::open(&location(ledger, session)) {
        Ok(store) => store,
        Err(error) => return Ok(Err(error)),
    };
    let proof = match purpose {
        Purpose::Use { .. } => None,
        Purpose::Make => match store.make(keys::random_bits()?) {
            Ok(proof) => Some(proof.to_string()),
            Err(error) => return Ok(Err(error)),
        },
    };
    Ok(Ok((Arc::new(store) as Arc<dyn Store>, proof)))
}

fn location(ledger: &KubernetesLedger, session: &mut Session<'_, '_>) -> Location {
    let KubernetesLedger { context, cluster, ca, namespace, .. } = ledger;
    let access = Access { patience: ledger.timeout(), ..reach::access(context, session) };
    let (cluster, ca, namespace) = (cluster.clone(), ca.clone(), namespace.clone());
    Location { access, cluster, ca, namespace, lease: ledger.lease() }
}

/// What this machine has seen of the ledger that is configured, whether or not it is there.
pub(super) fn memory_of(
    project: &Label,
    ledger: &config::Ledger,
    session: &mut Session<'_, '_>,
) -> Result<Result<Memory, LedgerError>, Fault> {
    let store = match ledger {
        config::Ledger::Local(local) => {
            let place = path(project, local, session)?.display().to_string();
            return memory(&place, session);
        }
        config::Ledger::Git(git) => branch(git, Purpose::Make, session)?,
        config::Ledger::ObjectStore(store) => {
            bucket(store, Purpose::Use { files: false }, session)?
        }
        // Its cluster may be gone.
        config::Ledger::Kubernetes(cluster) => {
            return memory(&location(cluster, session).place(), session);
        }
    };
    match store {
        Ok((store, _)) => memory(&store.place(), session),
        Err(error) => Ok(Err(LedgerError::store(error, ""))),
    }
}

/// What this machine has seen of a shared ledger.
fn memory(place: &str, session: &Session<'_, '_>) -> Result<Result<Memory, LedgerError>, Fault> {
    let folder = made(session)?.folder().private_folder_made("seen");
    let folder = folder.map_err(|error| Fault::of(Code::LedgerUnusable, &error))?;
    Ok(Memory::open(folder, place))
}

/// Where journals of targets that are files of this machine are kept.
fn journals(project: &Label, session: &Session<'_, '_>) -> Result<Local, Fault> {
    let folder = made(session)?.folder().private_folder_made("journals");
    let folder = folder.map_err(|error| Fault::of(Code::LedgerUnusable, &error))?;
    Local::create(&folder.path().join(project.as_str())).map_err(|error| {
        Fault::new(Code::LedgerUnusable, "the journal of an apply cannot be kept")
            .because(causes::line(&error))
    })
}

fn made(session: &Session<'_, '_>) -> Result<State, Fault> {
    State::made(&session.state()?).map_err(|error| state_fault(Code::LedgerUnusable, &error))
}
