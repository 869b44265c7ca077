//! Objects as they are: a few by their names, many by one list.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::error::ObserveError;
use super::observer::{Observer, WIDTH};
use super::rights::{self, May};
use crate::remote::kubernetes::{Cluster, Failure, Kind, Place, Reason};

/// One read.
#[derive(Clone, Debug)]
enum Read {
    One(Place),
    List(Kind, String, Arc<BTreeMap<String, Place>>),
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
    let lists = listed
        .into_iter()
        .map(|((kind, namespace), wanted)| Read::List(kind, namespace, Arc::new(wanted)));
    let reads: Vec<Read> = lists.chain(reads).collect();
    let results = observer
        .cluster()
        .side_by_side(reads, WIDTH, |cluster, read| async move {
            let found = look(&cluster, &read).await;
            (read, found)
        })
        .await;
    let (mut objects, mut lacking) = (BTreeMap::new(), Vec::new());
    for (read, found) in results {
        match (found, read) {
            (Ok(found), _) => objects.extend(found),
            (Err(failure), Read::One(place)) if failure.reason() == Some(&Reason::Forbidden) => {
                lacking.push(rights::to("get", &place));
            }
            (Err(failure), _) => return Err(observer.failed(failure)),
        }
    }
    rights::refuse(observer, lacking)?;
    Ok(objects)
}

/// What one read gives. Of a list nothing is kept but what was asked for.
async fn look(cluster: &Cluster, read: &Read) -> Result<Vec<(Place, Value)>, Failure> {
    Ok(match read {
        Read::One(place) => {
            let found = cluster.get(place).await?;
            found.into_iter().map(|object| (place.clone(), object)).collect()
        }
        Read::List(kind, namespace, wanted) => {
            let known = |object: Value| {
                let name = object.pointer("/metadata/name").and_then(Value::as_str);
                let place = wanted.get(name?)?.clone();
                Some((place, object))
            };
            cluster.list(kind, namespace).await?.into_iter().filter_map(known).collect()
        }
    })
}
