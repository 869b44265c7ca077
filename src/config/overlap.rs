//! Two environments must not reach the same object: a plan must not choose its quorum.

use super::{Config, ConfigError, ConfigPlace, Target};
use crate::document::ident::Label;

pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let all: Vec<_> = config
        .environments
        .iter()
        .flat_map(|(env, e)| e.targets.iter().map(move |(name, target)| (env, name, target)))
        .collect();
    for (index, (env, name, target)) in all.iter().enumerate() {
        let others = all.iter().skip(index + 1).filter(|(other, ..)| other != env);
        for (other_env, other_name, other) in others {
            if same_objects(target, other) {
                let first = ConfigPlace(env, name).to_string();
                let second = ConfigPlace(other_env, other_name).to_string();
                return Err(ConfigError::Overlap { first, second });
            }
        }
    }
    Ok(())
}

fn same_objects(a: &Target, b: &Target) -> bool {
    match (a, b) {
        (Target::Directory(a), Target::Directory(b)) => {
            let scopes = shared(a.namespaces.as_deref(), b.namespaces.as_deref());
            let cluster = a.takes_cluster_scoped() && b.takes_cluster_scoped();
            a.path.overlaps(&b.path) && (scopes || cluster)
        }
        (Target::Kubernetes(a), Target::Kubernetes(b)) => {
            let scopes = shared(Some(&a.namespaces), Some(&b.namespaces));
            a.cluster == b.cluster && (scopes || (a.cluster_scoped && b.cluster_scoped))
        }
        (Target::Cloudformation(a), Target::Cloudformation(b)) => {
            let both = |x: &String| b.stacks.iter().any(|y| patterns_meet(x, y));
            a.account == b.account && a.region == b.region && a.stacks.iter().any(both)
        }
        (Target::Directory(_) | Target::Kubernetes(_) | Target::Cloudformation(_), _) => false,
    }
}

fn shared(a: Option<&[Label]>, b: Option<&[Label]>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.iter().any(|name| b.contains(name)),
        (None, _) | (_, None) => true,
    }
}

/// Whether some name matches both patterns, of which each may end in `*`.
fn patterns_meet(a: &str, b: &str) -> bool {
    match (a.strip_suffix('*'), b.strip_suffix('*')) {
        (Some(a), Some(b)) => a.starts_with(b) || b.starts_with(a),
        (Some(a), None) => b.starts_with(a),
        (None, Some(b)) => a.starts_with(b),
        (None, None) => a == b,
    }
}
