//! StatefulSets: pods with a name each, and the claims that go with them.

use crate::document::effect::{Flag, Known};
use crate::plan::class::look::{Findings, Look};
use crate::plan::class::table::short::{D, M, MAY, O, R, SURE, UNREAD};
use crate::plan::class::verb::Verb;
use crate::plan::facts::properties::{MAX_ORDINALS, endangered_claims};
use crate::plan::shape::{claim_templates, number, ordinals, share, text};

use super::workload::{orphans, replicas};

pub(super) fn judge(look: &Look<'_>, out: &mut Findings) {
    if (look.group(), look.kind()) != ("apps", "StatefulSet") {
        return;
    }
    match look.verb {
        Verb::Update => {
            if look.differs("/spec/template") {
                rolls(look, out);
            }
            replicas(look, out);
            moved(look, out);
            claims(look, out);
        }
        Verb::Delete => claims(look, out),
        Verb::Replace => {
            claims(look, out);
            renamed(look, out);
        }
        Verb::Create | Verb::Nothing => {}
    }
}

fn rolls(look: &Look<'_>, out: &mut Findings) {
    let after = look.after();
    let rule = "statefulset.rolls";
    let n = number(after, "/spec/replicas").unwrap_or(1).max(0);
    let rolling = "/spec/updateStrategy/rollingUpdate";
    let partition = number(after, &format!("{rolling}/partition")).unwrap_or(0).max(0);
    let touched = n.saturating_sub(partition).max(0);
    if text(after, "/spec/updateStrategy/type") == "OnDelete" {
        out.add(M, SURE, rule, "takes effect when its pods are deleted");
    } else if touched == 0 {
        out.add(M, SURE, rule, "takes effect later");
    } else if touched == n
        && share(after.pointer(&format!("{rolling}/maxUnavailable")), "1", n, true) >= n
    {
        // A pod goes before its successor is made.
        out.add(O, SURE, rule, "all its pods stop before new ones start");
    } else {
        out.add(R, SURE, rule, "restarts its pods");
    }
}

/// Other ordinals: other pods.
fn moved(look: &Look<'_>, out: &mut Findings) {
    if !look.differs("/spec/ordinals/start") {
        return;
    }
    let (before, after) = (ordinals(look.before()), ordinals(look.after()));
    if before.is_empty() {
        return;
    }
    let apart = before.end <= after.start || after.end <= before.start;
    if apart {
        out.add(O, SURE, "statefulset.ordinals", "all its pods stop for others");
    } else {
        out.add(R, SURE, "statefulset.ordinals", "some of its pods stop for others");
    }
}

/// Claims that go with their ordinals, or with the whole set.
fn claims(look: &Look<'_>, out: &mut Findings) {
    let endangered = endangered_claims(look.case, look.verb);
    let rule = "statefulset.claims";
    let says = match look.verb {
        Verb::Update => "deletes the volumes of removed ordinals",
        Verb::Create | Verb::Delete | Verb::Replace | Verb::Nothing => "deletes its volumes",
    };
    if endangered.len() >= MAX_ORDINALS {
        out.add(D, UNREAD, rule, says);
    }
    for claim in &endangered {
        let Some(fact) = look.volume(claim) else {
            out.add(D, UNREAD, rule, says);
            continue;
        };
        match (fact.bound, fact.reclaim.as_str()) {
            (Known::No, _) => {}
            // Left to themselves, claims keep their owner reference or lose it.
            (Known::Yes, _) if orphans(look) => out.add(D, UNREAD, rule, says),
            (Known::Yes, "Retain") => {
                out.add(R, SURE, rule, "its volumes are kept, but no claim finds them again");
                out.flag(Flag::Irreversible, rule, "");
            }
            (Known::Yes, "") | (Known::Unread, _) => out.add(D, UNREAD, rule, says),
            (Known::Yes, _) => out.add(D, SURE, rule, says),
        }
    }
}

/// Claims are found again by name; a template of another name starts on empty volumes.
fn renamed(look: &Look<'_>, out: &mut Findings) {
    let kept: Vec<&str> = claim_templates(look.after()).collect();
    if claim_templates(look.before()).any(|name| !kept.contains(&name)) {
        out.add(D, MAY, "statefulset.claim-renamed", "starts on an empty volume");
    }
}
