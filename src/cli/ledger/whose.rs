//! Which ledger is meant: that of a target, of an environment, or of the project, as the trusted
//! configuration says; a message about it names the command for the same one.

use std::rc::Rc;

use clap::Args;

use super::home::{self, Purpose};
use crate::cli::fault::Fault;
use crate::cli::session::Session;
use crate::config::{self, Config, Target};
use crate::document::code::Code;
use crate::document::ident::Label;
use crate::gate::Trusted;
use crate::ledger::{Ledger, LedgerError};

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
    pub(super) fn configured<'c>(&self, config: &'c Config) -> &'c config::Ledger {
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
        session: &mut Session<'_, '_>,
    ) -> Result<Rc<Ledger>, Fault> {
        self.opened(trusted, session)?.map_err(|error| self.fault(&error, &trusted.config))
    }

    /// The ledger, if there is one: only that it is missing on this machine, and may be on another,
    /// lets a command go on without it. A shared one that is missing is missing everywhere.
    ///
    /// # Errors
    /// Any other [`LedgerError`], with its code.
    pub(in crate::cli) fn open_if_there(
        &self,
        trusted: &Trusted,
        session: &mut Session<'_, '_>,
    ) -> Result<Option<Rc<Ledger>>, Fault> {
        match self.opened(trusted, session)? {
            Ok(ledger) => Ok(Some(ledger)),
            Err(LedgerError::Missing(_)) if self.is_local(&trusted.config) => Ok(None),
            Err(error) => Err(self.fault(&error, &trusted.config)),
        }
    }

    fn opened(
        &self,
        trusted: &Trusted,
        session: &mut Session<'_, '_>,
    ) -> Result<Result<Rc<Ledger>, LedgerError>, Fault> {
        let Config { name: project, .. } = &trusted.config;
        let configured = self.configured(&trusted.config);
        let files = self.is_of_files(&trusted.config);
        if let Some(ledger) = session.ledger(configured, files) {
            return Ok(Ok(ledger));
        }
        let opened = home::open(project, configured, Purpose::Use { files }, session)?;
        let ledger = opened.and_then(|opened| Ledger::open(opened.home, project));
        Ok(ledger.map(|ledger| session.keep_ledger(configured.clone(), files, ledger)))
    }

    fn is_local(&self, config: &Config) -> bool {
        match self.configured(config) {
            config::Ledger::Local(_) => true,
            config::Ledger::Git(_)
            | config::Ledger::ObjectStore(_)
            | config::Ledger::Kubernetes(_) => false,
        }
    }

    /// Whether it is asked for a target that is a folder of this machine.
    fn is_of_files(&self, config: &Config) -> bool {
        let target = self.env.as_ref().zip(self.target.as_ref());
        let target = target.and_then(|(env, target)| config.target(env, target).ok());
        target.is_some_and(|target| match target {
            Target::Directory(_) => true,
            Target::Kubernetes(_) | Target::Cloudformation(_) => false,
        })
    }

    fn fault(&self, error: &LedgerError, config: &Config) -> Fault {
        let fault = Fault::of(error.code(), error);
        if !matches!(error, LedgerError::Missing(_)) {
            return fault.hint(error.hint());
        }
        let fault = match self.configured(config) {
            config::Ledger::Local(_) => fault,
            config::Ledger::Git(_)
            | config::Ledger::ObjectStore(_)
            | config::Ledger::Kubernetes(_) => fault.hint(
                "if there was one, find out who took it away and restore it: in an empty one, approvals that were spent count again",
            ),
        };
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
