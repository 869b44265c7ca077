//! Receipts as `log` shows them: what was applied, by whom, how it ended, and whether the chain of
//! them holds.

use super::layout::{Sheet, Style, Tone};
use super::piece::{Line, Piece, plain};
use super::words;
use crate::document::ident::Digest;
use crate::document::statement::{Fate, Outcome, Receipt, ReceiptItem};

/// How a receipt hangs on the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// It names none, and none is known.
    First,
    /// It names the one before it.
    Follows,
    /// It does not, or its signature does not hold; this is why.
    Broken(String),
}

/// One receipt of a chain.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Name of the plan, where its folder is known; else empty.
    pub name: &'a str,
    /// Digest of the plan.
    pub plan: Digest,
    /// What apply signed.
    pub receipt: &'a Receipt,
    /// Its place in the chain of its target.
    pub link: Link,
}

/// Receipts in the order given. With `style.texts`, every item; else those that were not written or are not ready.
pub fn receipts(entries: &[Entry<'_>], style: Style) -> String {
    let mut sheet = Sheet::new(style);
    for entry in entries {
        sheet.gap();
        receipt(&mut sheet, entry, style);
    }
    let broken = entries.iter().filter(|entry| matches!(entry.link, Link::Broken(_))).count();
    sheet.gap();
    let count = words::count(entries.len() as u64, "receipt");
    if broken == 0 {
        sheet.line(&match entries.len() {
            0 => "No receipts.".to_owned(),
            1 => format!("{count}; the chain holds."),
            _ => format!("{count}; each follows from the one before it."),
        });
    } else {
        let told = format!("{count}; THE CHAIN DOES NOT HOLD at {broken} of them.");
        sheet.text(0, Tone::Grave, &told, "");
    }
    sheet.finish()
}

fn receipt(sheet: &mut Sheet, entry: &Entry<'_>, style: Style) {
    let Entry { name, plan, receipt, link } = entry;
    let Receipt {
        principal,
        apply_id,
        outcome,
        started_at,
        finished_at,
        generator: _,
        environment,
        target,
        policy_digest: _,
        trust_version: _,
        approvals,
        items,
        previous: _,
        reason,
    } = receipt;
    let (word, rest) = match words::outcome(*outcome).split_once(", ") {
        Some((word, rest)) => (word, format!(": {rest}")),
        None => (words::outcome(*outcome), String::new()),
    };
    let tone = match outcome {
        Outcome::Applied => Tone::Good,
        Outcome::NotReady | Outcome::FailedClean | Outcome::Abandoned => Tone::Careful,
        Outcome::Partial | Outcome::Indeterminate => Tone::Grave,
    };
    let name: Line = if name.is_empty() { Vec::new() } else { vec![Piece::name(*name)] };
    let lead = format!("{started_at}  {word}");
    let at = if name.is_empty() { "" } else { "   " };
    let text = format!("{rest}{at}{}   env {environment}, target {target}", plain(&name));
    sheet.hanging(0, tone, &lead, &text, 4);
    let seconds = finished_at.seconds_since(*started_at);
    let counts: Vec<String> = [Fate::Written, Fate::AlreadyWritten, Fate::NotWritten, Fate::Failed]
        .into_iter()
        .map(|fate| (items.iter().filter(|item| item.fate == fate).count(), words::fate(fate)))
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}"))
        .collect();
    let counts = if counts.is_empty() { "nothing written".to_owned() } else { counts.join(", ") };
    let spent = words::count(approvals.len() as u64, "approval");
    let told =
        format!("{counts} in {seconds} s by {principal}; {spent} spent; apply id {apply_id}");
    sheet.hanging(4, Tone::Plain, "", &told, 2);
    if !reason.is_empty() {
        let said = plain(&[Piece::Prose(reason.clone())]);
        sheet.hanging(4, Tone::Plain, "", &format!("Said: \"{said}\""), 2);
    }
    for ReceiptItem { item, fate, digest: _, because } in items {
        let done = matches!(fate, Fate::Written | Fate::AlreadyWritten);
        if done && because.is_empty() && !style.texts {
            continue;
        }
        let mut line = vec![Piece::Value(item.clone())];
        if !because.is_empty() {
            line.extend([Piece::words(": "), Piece::Prose(because.clone())]);
        }
        let tone = if done { Tone::Plain } else { Tone::Bad };
        sheet.hanging(4, tone, &format!("{:<16}", words::fate(*fate)), &plain(&line), 2);
    }
    if let Link::Broken(why) = link {
        let why = plain(&[Piece::Prose(why.clone())]);
        sheet.hanging(4, Tone::Grave, "CHAIN BROKEN: ", &why, 2);
    }
    sheet.line(&format!("    sha256 {plan}"));
}
