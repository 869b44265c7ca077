//! What stands around the changes, as far as it was asked for: lists side by side. One that is
//! refused or fails is unresolved, which is not the same as empty.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::error::{ObserveError, plural};
use super::normal::normalised;
use super::observer::{Observer, WIDTH};
use crate::document::ident::ResourceId;
use crate::document::operation::{ResourceRef, is_secret_kind};
use crate::observe::{ListOf, Surroundings};
use crate::remote::kubernetes::{Failure, Kind, Kinds, Reason};

/// Kinds that `*` does not stand for: they come and go by themselves, and nothing is lost with them.
const PASSING: [(&str, &str); 2] = [("", "Event"), ("events.k8s.io", "Event")];

/// The member of a VolumeSnapshot's status that names its content.
const BOUND: &str = "boundVolumeSnapshotContentName";

/// The objects of the lists.
///
/// # Errors
/// [`ObserveError`] where the cluster cannot be asked at all.
pub(super) async fn around(
    observer: &Observer,
    wanted: BTreeSet<ListOf>,
) -> Result<Surroundings, ObserveError> {
    let cluster = observer.cluster();
    let kinds = cluster.kinds().await.map_err(|failure| observer.failed(failure))?;
    let lists: Vec<(Kind, String)> = expanded(&wanted, &kinds).into_iter().collect();
    let results = cluster
        .side_by_side(lists, WIDTH, |cluster, (kind, namespace)| async move {
            let found = cluster.list(&kind, &namespace).await.map(|objects| {
                let kept = objects.iter().filter_map(kept);
                kept.collect::<Vec<(ResourceId, Value)>>()
            });
            (kind, namespace, found)
        })
        .await;
    let mut surroundings = Surroundings::default();
    for (kind, namespace, found) in results {
        match found {
            Ok(objects) => surroundings.objects.extend(objects),
            Err(failure) => {
                surroundings.unresolved.insert(unresolved(&kind, &namespace, &failure));
                let Kind { group, kind, .. } = kind;
                surroundings.unread.insert(ListOf { group, kind, namespace });
            }
        }
    }
    Ok(surroundings)
}

/// Every kind and namespace to be listed: `*` is every kind of a namespace, or of a group where no
/// namespace is named. A kind that is not served has no objects; a list of the
/// whole cluster holds those of its namespaces.
fn expanded(wanted: &BTreeSet<ListOf>, kinds: &Kinds) -> BTreeSet<(Kind, String)> {
    let mut lists = BTreeSet::new();
    for ListOf { group, kind, namespace } in wanted {
        if kind == "*" {
            let all = kinds.each().filter(|kind| {
                let of = (kind.group.as_str(), kind.kind.as_str());
                let meant =
                    if namespace.is_empty() { kind.group == *group } else { kind.namespaced };
                meant && kind.listable && !PASSING.contains(&of)
            });
            lists.extend(all.map(|kind| (kind.clone(), namespace.clone())));
        } else if let Some(kind) = kinds.preferred(group, kind).filter(|kind| kind.listable) {
            let namespace = if kind.namespaced { namespace.clone() } else { String::new() };
            lists.insert((kind.clone(), namespace));
        }
    }
    let whole: BTreeSet<Kind> = lists
        .iter()
        .filter(|(kind, namespace)| kind.namespaced && namespace.is_empty())
        .map(|(kind, _)| kind.clone())
        .collect();
    lists.retain(|(kind, namespace)| namespace.is_empty() || !whole.contains(kind));
    lists
}

/// What is kept of an object: as a plan sees it, with the uid by which owners are told, and with what
/// binds it to another object. No value of a Secret is.
fn kept(object: &Value) -> Option<(ResourceId, Value)> {
    let id = ResourceRef::of(object)?.id();
    let mut seen = normalised(object);
    if let (Some(uid), Some(metadata)) =
        (object.pointer("/metadata/uid"), seen.get_mut("metadata").and_then(Value::as_object_mut))
    {
        metadata.insert("uid".to_owned(), uid.clone());
    }
    if is_secret_kind(&id.group, &id.kind) {
        for holder in ["data", "stringData"] {
            for value in seen.get_mut(holder).and_then(Value::as_object_mut).into_iter().flatten() {
                *value.1 = Value::Null;
            }
        }
    }
    let bound = object.get("status").and_then(|status| status.get(BOUND));
    if let (Some(bound), Some(members)) = (bound, seen.as_object_mut()) {
        members.insert("status".to_owned(), json!({BOUND: bound}));
    }
    Some((id, seen))
}

/// `list deployments.apps in shop: forbidden`.
fn unresolved(kind: &Kind, namespace: &str, failure: &Failure) -> String {
    let within = match (kind.namespaced, namespace) {
        (true, "") => " in all namespaces".to_owned(),
        (true, namespace) => format!(" in {namespace}"),
        (false, _) => String::new(),
    };
    let why = match failure.reason() {
        Some(Reason::Forbidden) => "forbidden",
        Some(_) => "refused",
        None => "no answer",
    };
    format!("list {}{within}: {why}", plural(&kind.plural, &kind.group))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_a_secret_is_kept() {
        let secret = json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"namespace": "shop", "name": "db", "uid": "u", "resourceVersion": "7",
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "canary"}},
            "data": {"password": "Y2FuYXJ5"}});
        let (id, seen) = kept(&secret).unwrap();
        assert_eq!(id.to_string(), "/Secret/shop/db");
        assert_eq!(seen["data"], json!({"password": null}));
        assert_eq!(seen["metadata"], json!({"namespace": "shop", "name": "db", "uid": "u"}));
        assert!(!seen.to_string().contains("canary"));
    }
}
