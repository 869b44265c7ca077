//! Claims, volumes, snapshots: which bytes go with them.

use crate::document::effect::{Flag, Known};
use crate::plan::class::look::{Findings, Look};
use crate::plan::class::table::short::{D, M, MAY, O, SURE, UNREAD};
use crate::plan::class::verb::Verb;
use crate::plan::facts::rows;
use crate::plan::shape::text;

pub(super) fn judge(look: &Look<'_>, out: &mut Findings) {
    let gone = look.verb.goes();
    match (look.group(), look.kind()) {
        ("", "PersistentVolumeClaim") if gone => claim(look, out),
        ("", "PersistentVolume") if gone => volume(look, out),
        ("", "Node") if gone && look.into(rows::PINNED).any(|edge| edge.before) => {
            out.add(D, MAY, "node.local-volume", "a local volume is on it");
        }
        ("storage.k8s.io", "StorageClass")
            if look.verb == Verb::Replace || look.verb == Verb::Update =>
        {
            let kept = |object| text(object, "/reclaimPolicy") == "Retain";
            if kept(look.before()) && !kept(look.after()) {
                out.flag(
                    Flag::GuardRemoved,
                    "storageclass.reclaim",
                    "bytes go with their claims from now on",
                );
            }
        }
        ("snapshot.storage.k8s.io", "VolumeSnapshotContent") if gone => {
            policy(text(look.before(), "/spec/deletionPolicy"), out);
        }
        ("snapshot.storage.k8s.io", "VolumeSnapshot") if gone => {
            let fact = look.volume(&look.case.id);
            policy(fact.map_or("", |fact| fact.reclaim.as_str()), out);
        }
        _ => {}
    }
}

fn claim(look: &Look<'_>, out: &mut Findings) {
    let rule = "claim.volume";
    let Some(fact) = look.volume(&look.case.id) else {
        out.add(D, UNREAD, rule, "its volume may be deleted");
        return;
    };
    match (fact.bound, fact.reclaim.as_str(), fact.mounted) {
        (Known::No, _, _) => out.add(M, SURE, rule, "holds no volume yet"),
        (Known::Unread, _, _) | (Known::Yes, "", _) => {
            out.add(D, UNREAD, rule, "its volume may be deleted");
        }
        (Known::Yes, "Retain", Known::Yes) => {
            out.add(O, MAY, rule, "what mounts it cannot start again");
        }
        (Known::Yes, "Retain", Known::No) => {
            out.add(M, SURE, rule, "its volume is kept, but no claim finds it again");
            out.flag(Flag::Irreversible, rule, "");
        }
        (Known::Yes, "Retain", Known::Unread) => {
            out.add(O, UNREAD, rule, "what mounts it cannot start again");
        }
        (Known::Yes, _, _) => out.add(D, SURE, rule, "its volume is deleted"),
    }
}

fn volume(look: &Look<'_>, out: &mut Findings) {
    let before = look.before();
    let rule = "volume.deleted";
    let bound = !text(before, "/spec/claimRef/name").is_empty();
    let kept = text(before, "/spec/persistentVolumeReclaimPolicy") == "Retain";
    if bound {
        out.add(D, MAY, rule, "its claim loses it");
    } else if !look.filled_in() {
        // A cluster writes the claim into the volume; a tree need not have it.
        out.add(D, UNREAD, rule, "its claim may lose it");
    } else if !kept {
        out.add(D, MAY, rule, "its bytes may go with it");
    }
}

fn policy(policy: &str, out: &mut Findings) {
    let rule = "snapshot.deleted";
    match policy {
        "Retain" => out.add(M, SURE, rule, "its bytes are kept"),
        "Delete" => out.add(D, SURE, rule, "its bytes are deleted"),
        _ => out.add(D, UNREAD, rule, "its bytes may be deleted"),
    }
}
