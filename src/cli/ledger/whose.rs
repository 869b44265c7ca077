//! Which ledger is meant: that of a target, of an environment, or of the project, as the trusted
//! configuration says; a message about it names the command for the same one.

use std::path::PathBuf;

use clap::Args;

use crate::cli::fault::Fault;
use crate::cli::session::Session;
use crate::config::{self, Config, LocalLedger};
use crate::document::code::Code;
use crate::document::ident::Label;
use crate::gate::Trusted;
use crate::ledger::local::Local;
use crate::ledger::{Home, Ledger, LedgerError};

/// What a plan is for: the little of it that is read before it is believed.
#[derive(serde::Deserialize)]
struct Aimed {
    proposal: Aim,
}

#[derive(serde::Deserialize)]
struct Aim {
    environment: Label,
    target: Label,
}

/// Whose ledger; the project's where neither is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub(in crate::cli) struct Whose {
    /// The ledger of this environment, if it has its own
    #[arg(long, value_name = "ENVIRONMENT")]
    pub(in crate::cli) env: Option<Label>,
    /// The ledger of this target, if it has its own; without --env, of the only environment
    #[arg(long)]
    pub(in crate::cli) target: Option<Label>,
}

impl Whose {
    /// That of the target that a plan is for; the project's if the plan cannot be read.
    pub(in crate::cli) fn of_plan(plan: &[u8]) -> Self {
        let place = || {
            let Aimed { proposal } = serde_json::from_slice(plan).ok()?;
            Some((proposal.environment, proposal.target))
        };
        let (env, target) = place().unzip();
        Self { env, target }
    }

    /// With the only environment, where a target is named alone.
    ///
    /// # Errors
    /// A name that the configuration does not have.
    pub(in crate::cli) fn known(self, config: &Config) -> Result<Self, Fault> {
        let unknown = |error| Fault::of(Code::Error, &error);
        let env = match (&self.env, &self.target) {
            (None, Some(target)) => Some(config.only_environment().ok_or_else(|| {
                Fault::new(Code::Error, format!("target {target} of which environment?"))
                    .hint("name it with --env")
            })?),
            (Some(_), _) | (None, None) => self.env,
        };
        match (&env, &self.target) {
            (Some(environment), Some(target)) => {
                config.target(environment, target).map_err(unknown)?;
            }
            (Some(environment), None) => drop(config.environment(environment).map_err(unknown)?),
            (None, _) => {}
        }
        Ok(Self { env, target: self.target })
    }

    /// How the ledger is configured.
    pub(in crate::cli) fn configured<'c>(&self, config: &'c Config) -> &'c config::Ledger {
        match (&self.env, &self.target) {
            (Some(environment), Some(target)) => config.ledger_of(environment, target),
            (Some(environment), None) => {
                let own = config.environments.get(environment);
                own.and_then(|found| found.ledger.as_ref()).unwrap_or(&config.ledger)
            }
            (None, _) => &config.ledger,
        }
    }

    /// The ledger.
    ///
    /// # Errors
    /// Any [`LedgerError`], with its code.
    pub(in crate::cli) fn open(
        &self,
        trusted: &Trusted,
        session: &Session<'_, '_>,
    ) -> Result<Ledger, Fault> {
        self.opened(trusted, session)?.map_err(|error| self.fault(&error, &trusted.config))
    }

    /// The ledger, if there is one: only that it is missing lets a command go on without it.
    ///
    /// # Errors
    /// Any other [`LedgerError`], with its code.
    pub(in crate::cli) fn open_if_there(
        &self,
        trusted: &Trusted,
        session: &Session<'_, '_>,
    ) -> Result<Option<Ledger>, Fault> {
        match self.opened(trusted, session)? {
            Ok(ledger) => Ok(Some(ledger)),
            Err(LedgerError::Missing(_)) => Ok(None),
            Err(error) => Err(self.fault(&error, &trusted.config)),
        }
    }

    fn opened(
        &self,
        trusted: &Trusted,
        session: &Session<'_, '_>,
    ) -> Result<Result<Ledger, LedgerError>, Fault> {
        let Config { name: project, .. } = &trusted.config;
        let configured = self.configured(&trusted.config);
        if *configured == config::Ledger::default() {
            session.state_checked(Code::LedgerUnusable)?;
        }
        if let config::Ledger::Git(git) = configured {
            let store = git_store(git, false, session);
            let store = store.map_err(|error| LedgerError::store(error, &git.branch));
            return Ok(store.and_then(|store| {
                Ledger::open(Home::shared(std::sync::Arc::new(store)), project)
            }));
        }
        let folder = folder(project, configured, session)?;
        let place = folder.display().to_string();
        let store = Local::open(&folder).map_err(|error| LedgerError::store(error, &place));
        Ok(store.and_then(|store| Ledger::open(Home::local(store), project)))
    }

    fn fault(&self, error: &LedgerError, config: &Config) -> Fault {
        let fault = Fault::of(error.code(), error);
        if !matches!(error, LedgerError::Missing(_)) {
            return fault.hint(error.hint());
        }
        fault.hint(format!(
            "`countersign ledger create{}` makes an empty one; an apply never does",
            self.flags(config)
        ))
    }

    /// The flags that name this ledger and no other: as few as the configuration asks for.
    fn flags(&self, config: &Config) -> String {
        let Some(env) = &self.env else {
            return String::new();
        };
        let of_env = Self { env: Some(env.clone()), target: None }.configured(config);
        let own = self.configured(config);
        match &self.target {
            Some(target) if own != of_env => format!(" --env {env} --target {target}"),
            Some(_) | None if own != &config.ledger => format!(" --env {env}"),
            Some(_) | None => String::new(),
        }
    }
}

/// Provisional: the store of a git ledger.
pub(in crate::cli) fn git_store(
    git: &config::GitLedger,
    new: bool,
    session: &Session<'_, '_>,
) -> Result<crate::ledger::git::Git, crate::ledger::store::StoreError> {
    use crate::ledger::git::{Git, GitPlace};
    let wrong = |error| crate::ledger::store::StoreError::Unusable {
        place: git.branch.clone(),
        source: Box::new(error),
    };
    let folder = session.project().unwrap_or_default();
    let repository = crate::git::Repository::open(&folder, session.git(git.timeout()));
    let repository = repository.map_err(wrong)?;
    let author = crate::git::Person {
        name: "countersign".to_owned(),
        address: "countersign@countersign.invalid".to_owned(),
    };
    let place = GitPlace {
        remote: git.remote.clone(),
        branch: git.branch.clone(),
        author,
        lease: git.lease(),
    };
    if new { Git::create(&repository, place) } else { Git::open(&repository, place) }
}

/// Where a ledger is kept on this machine.
pub(in crate::cli) fn folder(
    project: &Label,
    ledger: &config::Ledger,
    session: &Session<'_, '_>,
) -> Result<PathBuf, Fault> {
    match ledger {
        config::Ledger::Local(LocalLedger { path: Some(path) }) => Ok(PathBuf::from(path)),
        config::Ledger::Local(LocalLedger { path: None }) => {
            Ok(session.state()?.join("ledgers").join(project.as_str()))
        }
        config::Ledger::Git(_) | config::Ledger::ObjectStore(_) => {
            Err(Fault::new(Code::LedgerUnusable, "this kind of ledger is not there yet"))
        }
    }
}
