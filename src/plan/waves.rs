//! The order of execution: what an operation depends on comes before it, and otherwise objects
//! come in the natural order of their kinds. Pure; the order of the input does not matter.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::document::ident::{Label, ResourceId};

/// Why there is no order.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OrderError {
    /// Operations that wait for each other.
    #[error("operations depend on each other in a circle: {}", .0.iter().map(Label::as_str).collect::<Vec<_>>().join(", "))]
    Cycle(Vec<Label>),
    /// A dependence on nothing.
    #[error("operation {operation} depends on {missing}, which is no operation of this plan")]
    Missing {
        /// The operation.
        operation: Label,
        /// What it names.
        missing: Label,
    },
}

/// One change, as far as its order matters.
#[derive(Clone, Debug)]
pub struct Item<'a> {
    /// The operation that asks for it.
    pub operation: &'a Label,
    /// The object.
    pub id: &'a ResourceId,
    /// Operations that come before it.
    pub depends_on: &'a [Label],
    /// Whether the object goes.
    pub deletes: bool,
    /// Whether anything is sent for it at all.
    pub acts: bool,
}

/// Kinds in the order in which a cluster needs them; others stand before `LATE`. What admits or
/// routes comes last, so that it meets what it applies to.
const EARLY: [&str; 22] = [
    "Namespace",
    "CustomResourceDefinition",
    "PriorityClass",
    "StorageClass",
    "ResourceQuota",
    "LimitRange",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "Service",
    "DaemonSet",
    "Deployment",
    "StatefulSet",
    "ReplicaSet",
];
const LATE: [&str; 7] = [
    "HorizontalPodAutoscaler",
    "Job",
    "CronJob",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// Rank of a change: creations and updates in the order of kinds, then deletions in the reverse.
fn rank(item: &Item<'_>) -> usize {
    let kind = item.id.kind.as_str();
    let late = || LATE.iter().position(|known| *known == kind).map(|at| EARLY.len() + 1 + at);
    let place = EARLY.iter().position(|known| *known == kind).or_else(late).unwrap_or(EARLY.len());
    let most = EARLY.len() + LATE.len() + 1;
    if item.deletes { most + (most - place) } else { place }
}

/// Ids in waves: one after the other, and within a wave in any order.
///
/// # Errors
/// [`OrderError`].
pub fn waves(items: &[Item<'_>]) -> Result<Vec<Vec<ResourceId>>, OrderError> {
    let by_operation: BTreeMap<&Label, &Item<'_>> =
        items.iter().map(|item| (item.operation, item)).collect();
    let mut waiting: BTreeMap<&Label, usize> = BTreeMap::new();
    let mut unlocks: BTreeMap<&Label, Vec<&Label>> = BTreeMap::new();
    for item in items {
        let needed: BTreeSet<&Label> = item.depends_on.iter().collect();
        if let Some(missing) = needed.iter().find(|name| !by_operation.contains_key(**name)) {
            let (operation, missing) = (item.operation.clone(), (*missing).clone());
            return Err(OrderError::Missing { operation, missing });
        }
        waiting.insert(item.operation, needed.len());
        for name in needed {
            unlocks.entry(name).or_default().push(item.operation);
        }
    }
    let mut ready: BTreeMap<usize, BTreeSet<(&ResourceId, &Label)>> = BTreeMap::new();
    let free = |item: &&Item<'_>| item.depends_on.is_empty();
    for item in items.iter().filter(free) {
        ready.entry(rank(item)).or_default().insert((item.id, item.operation));
    }
    let mut found = Vec::new();
    let mut taken = 0;
    while let Some((_, wave)) = ready.pop_first() {
        taken += wave.len();
        for (_, operation) in &wave {
            for next in unlocks.get(operation).into_iter().flatten() {
                let left = waiting.entry(next).or_default();
                *left = left.saturating_sub(1);
                if let (0, Some(item)) = (*left, by_operation.get(next)) {
                    ready.entry(rank(item)).or_default().insert((item.id, item.operation));
                }
            }
        }
        let acts = |operation| by_operation.get(operation).is_some_and(|item| item.acts);
        let sent: Vec<_> =
            wave.iter().filter(|(_, op)| acts(op)).map(|(id, _)| (*id).clone()).collect();
        if !sent.is_empty() {
            found.push(sent);
        }
    }
    if taken == items.len() {
        return Ok(found);
    }
    let stuck = waiting.into_iter().filter(|(_, left)| *left > 0).map(|(name, _)| name.clone());
    Err(OrderError::Cycle(stuck.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(items: &[(&str, &str, &[&str], bool)]) -> Result<Vec<Vec<String>>, OrderError> {
        let labels: Vec<(Label, ResourceId, Vec<Label>, bool)> = items
            .iter()
            .map(|(op, id, needs, deletes)| {
                let needs = needs.iter().map(|n| n.parse().unwrap()).collect();
                (op.parse().unwrap(), id.parse().unwrap(), needs, *deletes)
            })
            .collect();
        let items: Vec<Item<'_>> = labels
            .iter()
            .map(|(operation, id, depends_on, deletes)| Item {
                operation,
                id,
                depends_on,
                deletes: *deletes,
                acts: true,
            })
            .collect();
        let waves = waves(&items)?;
        Ok(waves.iter().map(|w| w.iter().map(|id| id.name.clone()).collect()).collect())
    }

    #[test]
    fn kinds_come_in_their_natural_order_and_deletions_in_the_reverse() {
        let found = order(&[
            ("a", "apps/Deployment/s/deploy", &[], false),
            ("b", "/Namespace//ns", &[], false),
            ("c", "/ConfigMap/s/config", &[], false),
            ("d", "example.org/Thing/s/custom", &[], false),
            ("e", "networking.k8s.io/Ingress/s/ingress", &[], false),
            ("f", "/ConfigMap/s/old-config", &[], true),
            ("g", "apps/Deployment/s/old-deploy", &[], true),
        ])
        .unwrap();
        let wanted = ["ns", "config", "deploy", "custom", "ingress", "old-deploy", "old-config"];
        assert_eq!(found.concat(), wanted);
    }

    #[test]
    fn what_is_depended_on_comes_first_and_circles_are_refused() {
        let found = order(&[
            ("ns", "/Namespace//ns", &["web"], false),
            ("web", "apps/Deployment/s/web", &["gone"], false),
            ("gone", "/ConfigMap/s/gone", &[], true),
        ])
        .unwrap();
        assert_eq!(found, [["gone"], ["web"], ["ns"]]);
        let circle = order(&[
            ("a", "/ConfigMap/s/a", &["b"], false),
            ("b", "/ConfigMap/s/b", &["a"], false),
            ("c", "/ConfigMap/s/c", &[], false),
        ]);
        assert!(matches!(circle, Err(OrderError::Cycle(names)) if names.len() == 2));
        let missing = order(&[("a", "/ConfigMap/s/a", &["x"], false)]);
        assert!(matches!(missing, Err(OrderError::Missing { .. })));
    }
}
