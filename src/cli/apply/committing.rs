//! `apply --commit`: which branch of which remote, and what is said of it.

use super::ApplyArgs;
use crate::apply::Applied;
use crate::apply::commit::{Asked, Base, CommitError};
use crate::cli::fault::Fault;
use crate::cli::ledger::home;
use crate::cli::ledger::whose::Whose;
use crate::cli::paths::PlanFolder;
use crate::cli::session::Session;
use crate::config::{self, DirectoryTarget, GitLedger, Target};
use crate::document::code::Code;
use crate::gate::Trusted;
use crate::git::{GitError, RefName, Remote};
use crate::plan::Plan;

/// What is asked for, as far as options and configuration go.
pub(super) struct Wish<'t> {
    remote: Remote,
    branch: Option<RefName>,
    target: &'t DirectoryTarget,
    ledger: &'t GitLedger,
}

/// What `--commit` and `--branch` ask for; `None` without them.
pub(super) fn wish<'t>(
    args: &ApplyArgs,
    whose: &Whose,
    trusted: &'t Trusted,
) -> Result<Option<Wish<'t>>, Fault> {
    if !args.commit {
        return Ok(None);
    }
    let usage = |error: &GitError| Fault::of(Code::Usage, error);
    let target = whose.env.as_ref().zip(whose.target.as_ref());
    let ledger = target.map(|(env, target)| trusted.config.ledger_of(env, target));
    let Some(config::Ledger::Git(ledger)) = ledger else {
        return Err(Fault::new(
            Code::Usage,
            "--commit needs a ledger of kind `git`: only there branch and ledger change in one stroke",
        )
        .hint("leave it out and commit the files yourself, or set `[ledger] kind = \"git\"` on the trusted side"));
    };
    let target = target.and_then(|(env, target)| trusted.config.target(env, target).ok());
    let Some(Target::Directory(target)) = target else {
        return Err(Fault::new(Code::Usage, "--commit is for targets of kind `directory`"));
    };
    let remote = ledger.remote.parse().map_err(|error| {
        usage(&error).hint("--commit needs a remote that the clone knows by name, such as `origin`")
    })?;
    let branch = args.branch.as_deref().map(RefName::branch).transpose();
    let branch = branch.map_err(|error| usage(&error))?;
    Ok(Some(Wish { remote, branch, target, ledger }))
}

/// The commit that is built upon.
pub(super) fn base(
    wish: Option<&Wish<'_>>,
    plan: &Plan,
    resume: bool,
    (trusted, folder): (&Trusted, &PlanFolder),
    session: &mut Session<'_, '_>,
) -> Result<Option<Base>, Fault> {
    let Some(wish) = wish else { return Ok(None) };
    session.progress("comparing the target with what is committed");
    let project = session.project()?;
    let surroundings = home::repository(wish.ledger, session)?.surroundings().clone();
    let asked = Asked {
        project: &project,
        plan: folder.folder.path(),
        remote: &wish.remote,
        branch: wish.branch.as_ref(),
        target: wish.target,
        limits: &trusted.config.limits,
        resume,
        surroundings: &surroundings,
    };
    let fault = |error: CommitError| Fault::of(error.code(), &error).hint(error.hint());
    Base::find(plan, &asked).map(Some).map_err(fault)
}

/// Says that the branch has the commit, and whether the checkout follows it.
pub(super) fn landed(applied: &Applied, session: &mut Session<'_, '_>) {
    let Some(landed) = &applied.landed else { return };
    if !session.json() {
        let text = format!("Committed to branch {}: {}\n", landed.branch, landed.commit);
        session.print(&text);
    }
    if !landed.behind.is_empty() {
        let why = landed.behind.join(": ");
        let line = format!(
            "warning: the remote has the commit, and this checkout does not follow it ({why}); `git fetch`, then `git reset --soft {}` here",
            landed.commit
        );
        session.tell(&format!("{}\n", crate::review::neutral::terminal(&line)));
    }
}
