//! In which state a plan is, and what comes next.

use std::collections::BTreeSet;

use super::change::Item;
use super::page::NAMES;
use super::piece::{Line, Piece};
use super::standing::{self, StandingView};
use super::words;
use crate::document::effect::{Effect, PreviewState};
use crate::policy::verdict::Verdict;

/// A state of the plan as a whole, in capitals beside its name. Worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// The target refuses a change, or cannot say what it would do.
    Blocked,
    /// It can be looked at and never applied.
    Incomplete,
    /// A policy refuses it.
    Denied,
    /// A person who could have approved it said no.
    Rejected,
    /// Approvals are missing.
    NotApproved,
    /// Nothing is missing.
    Approved,
}

impl State {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Blocked => "BLOCKED",
            Self::Incomplete => "INCOMPLETE",
            Self::Denied => "DENIED",
            Self::Rejected => "REJECTED",
            Self::NotApproved => "NOT APPROVED",
            Self::Approved => "APPROVED",
        }
    }
}

/// Every state that holds.
pub(super) fn of(
    effect: &Effect,
    verdict: Option<&Verdict>,
    standing: Option<&StandingView<'_>>,
) -> BTreeSet<State> {
    let mut states = BTreeSet::new();
    let stuck = effect.changes.iter().any(|change| match change.preview.state {
        PreviewState::Blocked | PreviewState::Unpreviewable => true,
        PreviewState::Server | PreviewState::Local | PreviewState::Deferred => false,
    });
    if stuck {
        states.insert(State::Blocked);
    } else if !effect.complete {
        states.insert(State::Incomplete);
    }
    if verdict.is_some_and(|verdict| !verdict.passes()) {
        states.insert(State::Denied);
    }
    if let Some(StandingView { standing, .. }) = standing {
        if !standing.rejected.is_empty() {
            states.insert(State::Rejected);
        } else if states.is_empty() {
            let met = standing.is_met();
            states.insert(if met { State::Approved } else { State::NotApproved });
        }
    }
    states
}

/// What a person does now; nothing where nothing is known beside the plan. `judged`: the policies
/// were asked.
pub(super) fn next(
    place: &str,
    states: &BTreeSet<State>,
    changes: &[Item],
    judged: bool,
    standing: Option<&StandingView<'_>>,
) -> Option<Line> {
    let command = |verb: &str| Piece::Command(format!("countersign {verb} {place}"));
    // Judged, with nothing against it, and nobody has counted approvals yet.
    let first = states.first().or(judged.then_some(&State::NotApproved))?;
    Some(match first {
        State::Blocked | State::Incomplete | State::Denied => {
            let open: Vec<String> = changes
                .iter()
                .filter(|item| item.is_open())
                .map(|item| format!("[{}]", item.number))
                .collect();
            let (some, rest) = open.split_at(open.len().min(NAMES));
            let what = match (some.is_empty(), rest.len()) {
                (true, _) => "what is named above".to_owned(),
                (false, 0) => words::list(some, "and"),
                (false, more) => format!("{} and {more} more", some.join(", ")),
            };
            vec![Piece::words(format!("settle {what}, then plan again."))]
        }
        State::Rejected => vec![Piece::words(
            "talk to whoever rejected it: only they can withdraw that, or plan something else.",
        )],
        State::NotApproved => {
            let who = standing.map(standing::who_could).unwrap_or_default();
            let who = if who.is_empty() { "an approver".to_owned() } else { who };
            vec![Piece::words(format!("{who} runs ")), command("approve"), Piece::words(".")]
        }
        State::Approved => vec![command("apply")],
    })
}
