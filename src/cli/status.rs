//! `countersign status`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::json;

use super::fault::Fault;
use super::ledger::whose::Whose;
use super::paths;
use super::session::Session;
use crate::document::code::Code;
use crate::document::statement::Outcome;
use crate::files;
use crate::gate::{Examined, Refusal, Trusted, Weighed};
use crate::ledger::{Round, RoundState};
use crate::review::standing::SetAside;
use crate::review::{self, Page, StandingView};

/// Say where plans stand: verdict, approvals given and missing, what comes next
///
/// Example: countersign status plans/scale-web
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// The plans' folders; without any, every plan of the project
    #[arg(value_name = "PLAN")]
    plan: Vec<PathBuf>,
    /// Only plans in this state
    #[arg(long, value_enum)]
    state: Option<State>,
}

/// Where a plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    /// It was applied.
    Applied,
    /// An apply began and did not finish.
    Begun,
    /// Somebody gave a partial apply up.
    Abandoned,
    /// Approvals are missing.
    Waiting,
    /// Everything offline speaks for it.
    Ready,
    /// Policies or a person refuse it.
    Refused,
    /// It cannot be believed, or never be applied.
    Broken,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Begun => "begun and not finished",
            Self::Abandoned => "given up half-way",
            Self::Waiting => "waiting for approvals",
            Self::Ready => "ready",
            Self::Refused => "refused",
            Self::Broken => "broken",
        }
    }
}

pub(super) fn run(args: &StatusArgs, session: &mut Session<'_, '_>) -> Result<Code, Fault> {
    let trusted = session.trusted(false)?;
    let plans = match args.plan.as_slice() {
        [] => every_plan(session)?,
        some => some.to_vec(),
    };
    let mut documents = Vec::new();
    let mut text = String::new();
    for typed in &plans {
        session.progress("examining plans");
        let (state, document, lines) = one(typed, &trusted, session)?;
        if args.state.is_none_or(|wanted| wanted == state) {
            documents.push(document);
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&lines);
        }
    }
    if session.json() {
        session.print_json(&documents);
    } else if documents.is_empty() {
        let what = match args.state {
            Some(state) => format!("No plan is {}.\n", state.word()),
            None => "No plan yet: `countersign plan -f FILE` makes one.\n".to_owned(),
        };
        session.print(&what);
    } else {
        session.print(&text);
    }
    Ok(Code::Ok)
}

/// Shows the page of a plan with everything that is known beside its bytes.
pub(super) fn shown<T>(
    examined: &Examined,
    place: Option<&str>,
    show: impl FnOnce(&Page<'_>) -> T,
) -> T {
    let aside = |weighed: &Weighed| {
        let because = weighed.result.as_ref().err()?.to_string();
        Some(SetAside { file: weighed.name.clone(), because })
    };
    let set_aside: Vec<SetAside> = examined.approvals().iter().filter_map(aside).collect();
    let expires = examined.expires_at();
    let view = examined.standing().map(|standing| StandingView {
        standing,
        expires,
        set_aside: &set_aside,
    });
    let plan = examined.plan();
    show(&Page {
        plan: plan.document(),
        digest: plan.digest(),
        judgements: plan.judgements(),
        verdict: examined.verdict(),
        standing: view.as_ref(),
        place,
        notes: &[],
    })
}

/// Folders beneath `plans/` that hold a plan.json.
fn every_plan(session: &Session<'_, '_>) -> Result<Vec<PathBuf>, Fault> {
    let project = session.project()?;
    let root = files::open_folder(&project).map_err(|error| paths::file_fault(&error))?;
    let mut found = Vec::new();
    let entries = match root.folder("plans") {
        Ok(folder) => folder.entries().map_err(|error| paths::file_fault(&error))?,
        Err(error) if error.is_absent() => Vec::new(),
        Err(error) => return Err(paths::file_fault(&error)),
    };
    for entry in entries.iter().filter(|entry| entry.folder) {
        let path = project.join("plans").join(&entry.name);
        if path.join("plan.json").exists() {
            let typed = path.strip_prefix(session.directory()).map_or(path.clone(), PathBuf::from);
            found.push(typed);
        }
    }
    Ok(found)
}

fn one(
    typed: &std::path::Path,
    trusted: &Trusted,
    session: &mut Session<'_, '_>,
) -> Result<(State, serde_json::Value, String), Fault> {
    let folder = paths::open(typed, trusted.config.limits.max_plan_bytes, session)?;
    let papers = folder.papers(&[], session)?;
    let ledger = Whose::of_plan(&folder.bytes).open_if_there(trusted, session)?;
    let examined = folder.examined(&papers, trusted, ledger.as_deref(), session);
    let place = &folder.shown;
    let examined = match examined {
        Ok(examined) => examined,
        Err(refusal) => {
            let fault = Fault::refusal(&refusal, place);
            let lines = format!("{place}: broken\n{}", told(&fault));
            return Ok((
                State::Broken,
                json!({"plan": place, "state": State::Broken, "refusals": [fault]}),
                lines,
            ));
        }
    };
    let digest = examined.plan().digest();
    let rounds = ledger.as_ref().map(|ledger| ledger.rounds(digest)).transpose();
    let rounds = rounds.map_err(|e| Fault::of(e.code(), &e).hint(e.hint()))?.unwrap_or_default();
    let state = state(&examined, rounds.last());
    let faults: Vec<Fault> =
        examined.refusals().iter().map(|refusal| Fault::refusal(refusal, place)).collect();
    let next = next(state, &faults, place);
    let document = json!({
        "plan": place, "digest": digest, "state": state, "standing": examined.standing(),
        "denied": examined.verdict().map(|verdict| &verdict.deny),
        "refusals": faults, "next": next,
    });
    let mut lines = format!("{place}: {}\n", state.word());
    match state {
        // What was applied needs no approvals any more.
        State::Applied | State::Abandoned | State::Begun => {
            lines.push_str(&format!("  sha256 {digest}\n"));
            if !next.is_empty() && !session.quiet() {
                lines.push_str(&format!("  Next: {next}\n"));
            }
        }
        State::Waiting | State::Ready | State::Refused => {
            let place = Some(place.as_str()).filter(|_| !session.quiet());
            lines.push_str(&shown(&examined, place, |page| review::status(page, session.style())));
        }
        State::Broken => faults.iter().for_each(|fault| lines.push_str(&told(fault))),
    }
    if ledger.is_none() {
        lines.push_str("  Not checked: what is spent or applied; there is no ledger.\n");
    }
    Ok((state, document, lines))
}

fn state(examined: &Examined, last: Option<&Round>) -> State {
    if let Some(last) = last {
        return match &last.state {
            RoundState::Finished { outcome: Outcome::Abandoned, .. } => State::Abandoned,
            RoundState::Finished { .. } => State::Applied,
            RoundState::Begun | RoundState::Stopped { .. } | RoundState::Resumed => State::Begun,
        };
    }
    let against = |test: fn(&Refusal) -> bool| examined.refusals().iter().any(test);
    let waits = |refusal: &Refusal| {
        matches!(refusal, Refusal::BelowQuorum(_) | Refusal::BadApproval { .. })
    };
    let refused = |refusal: &Refusal| matches!(refusal, Refusal::Denied(_) | Refusal::Rejected(_));
    if examined.refusals().is_empty() {
        State::Ready
    } else if examined.refusals().iter().all(waits) {
        State::Waiting
    } else if against(refused) {
        State::Refused
    } else {
        State::Broken
    }
}

fn next(state: State, faults: &[Fault], plan: &str) -> String {
    match state {
        State::Applied => String::new(),
        State::Abandoned => "plan again for what is still wanted".to_owned(),
        State::Begun => format!("countersign apply {plan} --resume"),
        State::Waiting => format!("countersign approve {plan}"),
        State::Ready => format!("countersign apply {plan}"),
        State::Refused | State::Broken => {
            faults.first().and_then(|fault| fault.hints().first()).cloned().unwrap_or_default()
        }
    }
}

/// A fault in the lines of `status`.
fn told(fault: &Fault) -> String {
    let neutral = review::neutral::terminal;
    let mut text = format!("  {} [{}]\n", neutral(fault.message()), fault.code().name());
    for cause in fault.causes() {
        text.push_str(&format!("  Caused by: {}\n", neutral(cause)));
    }
    for hint in fault.hints() {
        text.push_str(&format!("  Hint: {}\n", neutral(hint)));
    }
    text
}
