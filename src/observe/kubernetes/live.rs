//! Objects as they are: a few by their names, many by one list.

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::ObserveError;
use super::observer::{Observer, WIDTH};
use super::rights::{self, May};
use crate::remote::kubernetes::{Kind, Place, Reason};

/// One read.
#[derive(Clone, Debug)]
enum Read {
    One(Place),
    List(Kind, String),
}

/// The objects at these places, as far as they are there.
///
/// # Errors
/// The first read that failed.
pub(super) async fn read(
    observer: &Observer,
    places: impl Iterator<Item = &Place>,
    may: &May,
) -> Result<BTreeMap<Place, Value>, ObserveError> {
    let mut reads = Vec::new();
    let mut listed: BTreeMap<(Kind, String), BTreeMap<String, Place>> = BTreeMap::new();
    for place in places {
        let key = (place.kind.clone(), place.namespace.clone());
        if may.list.contains(&key) {
            listed.entry(key).or_default().insert(place.name.clone(), place.clone());
        } else {
            reads.push(Read::One(place.clone()));
        }
    }
    // Lists take longest: they begin first.
    let lists = listed.keys().map(|(kind, namespace)| Read::List(kind.clone(), namespace.clone()));
    let reads: Vec<Read> = lists.chain(reads).collect();
    let results = observer
        .cluster()
        .side_by_side(reads, WIDTH, |cluster, read| async move {
            let found = match &read {
                Read::One(place) => {
                    cluster.get(place).await.map(|found| found.into_iter().collect())
                }
                Read::List(kind, namespace) => cluster.list(kind, namespace).await,
            };
            (read, found)
        })
        .await;
    let (mut objects, mut lacking) = (BTreeMap::new(), Vec::new());
    for (read, found) in results {
        let found: Vec<Value> = match (found, &read) {
            (Ok(found), _) => found,
            (Err(failure), Read::One(place)) if failure.reason() == Some(&Reason::Forbidden) => {
                lacking.push(rights::to_get(place));
                continue;
            }
            (Err(failure), _) => return Err(observer.failed(failure)),
        };
        match read {
            Read::One(place) => objects.extend(found.into_iter().map(|one| (place.clone(), one))),
            Read::List(kind, namespace) => {
                let Some(wanted) = listed.get(&(kind, namespace)) else { continue };
                for object in found {
                    let name = object.pointer("/metadata/name").and_then(Value::as_str);
                    if let Some(place) = name.and_then(|name| wanted.get(name)) {
                        objects.insert(place.clone(), object);
                    }
                }
            }
        }
    }
    rights::refuse(observer, lacking)?;
    Ok(objects)
}
