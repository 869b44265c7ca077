//! Step 2: the trust root may be gone by, the target is declared, and everything in the plan lies
//! within its reach.

use super::refusal::Refusal;
use super::trusted::Trusted;
use crate::clock::Instant;
use crate::config::{DirectoryTarget, Target};
use crate::document::effect::{PreviewState, TargetIdentity};
use crate::document::ident::{Label, ResourceId};
use crate::ledger::Ledger;
use crate::plan::Plan;
use crate::trust::root::TrustRoot;

/// What stands against a trust root that loads: its end, and what applies have seen before. The
/// check of step 2 on its own; it gives no permission.
pub fn against_trust(root: &TrustRoot, ledger: Option<&Ledger>, now: Instant) -> Vec<Refusal> {
    let (version, at) = (root.version(), root.expires_at());
    let mut refusals = Vec::new();
    if root.is_expired(now) {
        refusals.push(Refusal::TrustExpired { version, at });
    }
    match ledger.map(Ledger::trust_seen) {
        None | Some(Ok(None)) => {}
        Some(Ok(Some((seen, _)))) if seen > version => {
            refusals.push(Refusal::TrustRolledBack { version, seen });
        }
        Some(Ok(Some((seen, digest)))) if seen == version && digest != root.digest() => {
            refusals.push(Refusal::TrustForked { version });
        }
        Some(Ok(Some(_))) => {}
        Some(Err(error)) => refusals.push(Refusal::Ledger(Box::new(error))),
    }
    refusals
}

/// Whether the plan is of this project, its target declared, and everything in it within reach.
pub(super) fn target(plan: &Plan, trusted: &Trusted, refusals: &mut Vec<Refusal>) {
    let proposal = &plan.document().proposal;
    let effect = &plan.document().effect;
    if proposal.project != trusted.config.name {
        let (found, wanted) = (proposal.project.clone(), trusted.config.name.clone());
        refusals.push(Refusal::Project { found, wanted });
    }
    match trusted.config.target(&proposal.environment, &proposal.target) {
        Err(error) => refusals.push(Refusal::Target(Box::new(error))),
        Ok(target) => {
            let live = identity(&trusted.config.name, target);
            if live.as_ref() != Some(&effect.target) {
                refusals.push(Refusal::TargetDiffers {
                    target: proposal.target.clone(),
                    live: live.as_ref().map_or_else(|| "of another kind".to_owned(), shown),
                    planned: shown(&effect.target),
                });
            }
            if let Target::Directory(directory) = target {
                let objects = outside(effect.changes.iter().map(|change| &change.id), directory);
                if !objects.is_empty() {
                    let target = proposal.target.clone();
                    refusals.push(Refusal::OutOfScope { target, objects });
                }
            }
        }
    }
    if !effect.complete {
        let mut why: Vec<String> = Vec::new();
        for change in &effect.changes {
            let state = change.preview.state;
            if !matches!(state, PreviewState::Server | PreviewState::Local) {
                why.push(format!("{}: {}", change.id, change.preview.because));
            }
        }
        why.extend(effect.impact.unresolved.iter().map(|read| format!("unresolved: {read}")));
        if effect.impact.truncated {
            why.push("its blast radius is larger than what is listed".to_owned());
        }
        refusals.push(Refusal::Incomplete(why));
    }
}

/// What a target of the configuration is, as far as that needs no look at it.
fn identity(project: &Label, target: &Target) -> Option<TargetIdentity> {
    match target {
        Target::Directory(directory) => Some(TargetIdentity::Directory {
            project: project.clone(),
            path: directory.path.as_str().to_owned(),
        }),
        Target::Kubernetes(_) | Target::Cloudformation(_) => None,
    }
}

fn shown(identity: &TargetIdentity) -> String {
    match identity {
        TargetIdentity::Directory { project, path } => {
            format!("folder {path:?} of project {project}")
        }
        TargetIdentity::Kubernetes { cluster_uid, .. } => format!("cluster {cluster_uid}"),
        TargetIdentity::Cloudformation { account, region, stack, .. } => {
            format!("stack {stack} in {account}/{region}")
        }
    }
}

fn outside<'c>(
    ids: impl Iterator<Item = &'c ResourceId>,
    target: &DirectoryTarget,
) -> Vec<ResourceId> {
    ids.filter(|id| !target.covers(id)).cloned().collect()
}
