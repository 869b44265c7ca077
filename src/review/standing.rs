//! Who approved, who is missing, who could: the lines of `status`, and the end of a review.

use super::piece::{Line, Piece};
use super::words;
use crate::clock::Instant;
use crate::trust::quorum::{Counted, Demand, Missing, Standing};

/// An approval that is there and does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// File that holds it.
    pub file: String,
    /// Why it does not count.
    pub because: String,
}

/// Where a plan stands with its approvers, and what is known beside that.
#[derive(Clone, Copy, Debug)]
pub struct StandingView<'a> {
    /// The count.
    pub standing: &'a Standing,
    /// When the first of the counted approvals expires.
    pub expires: Option<Instant>,
    /// Approvals that are there and do not count.
    pub set_aside: &'a [SetAside],
}

/// The lines of `status`. `open` says that the plan can be approved at all.
pub fn lines(view: &StandingView<'_>, open: bool) -> Vec<Line> {
    let StandingView { standing, expires, set_aside } = *view;
    let Standing { required, counted, missing, rejected } = standing;
    let mut lines = Vec::new();
    if open {
        let needed: u64 = required.iter().map(|demand| u64::from(demand.count)).sum();
        let given: Vec<String> = counted.iter().map(given).collect();
        let who = if given.is_empty() { String::new() } else { format!(": {}", given.join(", ")) };
        let mut told = format!("Approvals: {} of {needed}{who}.", counted.len());
        if let Some(expires) = expires {
            told.push_str(&format!(" Valid until {expires}."));
        }
        lines.push(vec![Piece::words(told)]);
        lines.extend(missing.iter().map(|place| vec![Piece::words(open_place(place))]));
    } else {
        let demands: Vec<String> =
            required.iter().map(|Demand { role, count }| format!("{count} {role}")).collect();
        let told = match demands.is_empty() {
            true => "Approvals: none can be given yet.".to_owned(),
            false => {
                format!("Approvals: none can be given yet; would need {}.", demands.join(" + "))
            }
        };
        lines.push(vec![Piece::words(told)]);
    }
    if !rejected.is_empty() {
        let names: Vec<String> = rejected.iter().map(ToString::to_string).collect();
        lines.push(vec![Piece::words(format!("Rejected by {}.", words::list(&names, "and")))]);
    }
    for SetAside { file, because } in set_aside {
        lines.push(vec![
            Piece::words("Not counted: "),
            Piece::name(file),
            Piece::words(": "),
            Piece::Prose(because.clone()),
        ]);
    }
    lines
}

fn given(counted: &Counted) -> String {
    let Counted { principal, role, approval: _, self_approved } = counted;
    let note = if *self_approved { ", self-approved" } else { "" };
    format!("{principal} ({role}{note})")
}

fn open_place(missing: &Missing) -> String {
    let Missing { role, count, could } = missing;
    let names: Vec<String> = could.iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [] => format!("Missing: {count} {role}; nobody is left who could."),
        names => format!("Missing: {count} {role} ({}).", words::list(names, "or")),
    }
}

/// Everybody who could fill a place that is open, as words; empty if nobody could.
pub(super) fn who_could(view: &StandingView<'_>) -> String {
    let mut names: Vec<String> = view
        .standing
        .missing
        .iter()
        .flat_map(|missing| &missing.could)
        .map(ToString::to_string)
        .collect();
    names.sort();
    names.dedup();
    words::list(&names, "or")
}
