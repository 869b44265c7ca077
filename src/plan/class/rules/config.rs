//! ConfigMaps and Secrets: who still refers to what goes.

use crate::document::effect::{Certainty, Class, Edge, Flag};
use crate::plan::class::look::{Findings, Look};
use crate::plan::class::table::short::{D, MAY, O, R};
use crate::plan::class::verb::Verb;
use crate::plan::facts::rows;
use crate::plan::shape::{controller, text};

pub(super) fn judge(look: &Look<'_>, out: &mut Findings) {
    let row = match (look.group(), look.kind()) {
        ("", "ConfigMap") => rows::CONFIG,
        ("", "Secret") => rows::SECRET,
        _ => return,
    };
    let id = &look.case.id;
    if id.kind == "ConfigMap"
        && (id.namespace.as_str(), id.name.as_str()) == ("kube-system", "aws-auth")
    {
        out.flag(Flag::Escalation, "config.aws-auth", "says who may enter the cluster");
    }
    let needed = |edge: &&Edge| edge.after && !edge.optional;
    match look.verb {
        Verb::Delete => {
            // The root certificates are put back at once.
            let root = id.kind == "ConfigMap" && id.name == "kube-root-ca.crt";
            let whole = |edge: &&Edge| rows::part(&edge.by).is_empty();
            if !root && look.into(row).filter(whole).any(|edge| needed(&edge)) {
                out.add(O, MAY, "config.needed", "pods that still refer to it cannot start again");
            }
            if id.kind == "Secret" {
                let (class, certainty, says) = secret(look);
                out.add(class, certainty, "secret.deleted", says);
            }
        }
        Verb::Update => {
            let part = |edge: &&Edge| !rows::part(&edge.by).is_empty();
            if look.into(row).filter(part).any(|edge| needed(&edge)) {
                out.add(
                    O,
                    MAY,
                    "config.key-needed",
                    "pods that still refer to a key cannot start again",
                );
            }
            if look.into(rows::RELOAD).any(|edge| edge.after) {
                out.add(R, MAY, "config.reloads", "a controller may restart the pods that read it");
            }
        }
        Verb::Create | Verb::Replace | Verb::Nothing => {}
    }
}

/// What a deleted Secret takes along.
fn secret(look: &Look<'_>) -> (Class, Certainty, &'static str) {
    let before = look.before();
    match text(before, "/type") {
        "kubernetes.io/service-account-token" => (O, MAY, "its token no longer works"),
        "helm.sh/release.v1" => (D, MAY, "a release to go back to is lost"),
        _ if controller(before).is_some() => (R, MAY, "its controller makes it anew"),
        _ => (D, MAY, "may be the only copy"),
    }
}
