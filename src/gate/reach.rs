//! Step 2: the trust root may be gone by, the target is declared, and everything in the plan lies
//! within its reach.

use super::refusal::Refusal;
use super::trusted::Trusted;
use crate::clock::Instant;
use crate::config::Target;
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
            if !is(&trusted.config.name, target, &effect.target) {
                refusals.push(Refusal::TargetDiffers {
                    target: proposal.target.clone(),
                    live: declared(&trusted.config.name, target),
                    planned: shown(&effect.target),
                });
            }
            let ids = effect.changes.iter().map(|change| &change.id);
            let outside = |id: &&ResourceId| match target {
                Target::Directory(directory) => !directory.covers(id),
                Target::Kubernetes(cluster) => !cluster.covers(id),
                Target::Cloudformation(_) => true,
            };
            let objects: Vec<ResourceId> = ids.filter(outside).cloned().collect();
            if !objects.is_empty() {
                let target = proposal.target.clone();
                refusals.push(Refusal::OutOfScope { target, objects });
            }
        }
    }
    if !effect.complete {
        let mut why: Vec<String> = Vec::new();
        for change in &effect.changes {
            let state = change.preview.state;
            if matches!(state, PreviewState::Blocked | PreviewState::Unpreviewable) {
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

/// Whether a target of the configuration is the one that a plan was made for, as far as that needs
/// no look at it.
fn is(project: &Label, target: &Target, planned: &TargetIdentity) -> bool {
    match (target, planned) {
        (Target::Directory(directory), TargetIdentity::Directory { project: of, path }) => {
            of == project && path == directory.path.as_str()
        }
        (
            Target::Kubernetes(cluster),
            TargetIdentity::Kubernetes { cluster_uid, ca_spki, namespaces: _ },
        ) => *cluster_uid == cluster.cluster && *ca_spki == cluster.ca,
        (Target::Directory(_) | Target::Kubernetes(_) | Target::Cloudformation(_), _) => false,
    }
}

/// A target of the configuration, for people.
fn declared(project: &Label, target: &Target) -> String {
    match target {
        Target::Directory(directory) => {
            format!("folder {:?} of project {project}", directory.path.as_str())
        }
        Target::Kubernetes(cluster) => {
            format!("cluster {} with authority {}", cluster.cluster, cluster.ca)
        }
        Target::Cloudformation(stacks) => {
            format!("stacks in {}/{}", stacks.account, stacks.region)
        }
    }
}

fn shown(identity: &TargetIdentity) -> String {
    match identity {
        TargetIdentity::Directory { project, path } => {
            format!("folder {path:?} of project {project}")
        }
        TargetIdentity::Kubernetes { cluster_uid, ca_spki, namespaces: _ } => {
            format!("cluster {cluster_uid} with authority {ca_spki}")
        }
        TargetIdentity::Cloudformation { account, region, stack, .. } => {
            format!("stack {stack} in {account}/{region}")
        }
    }
}
