//! Every permission that a plan needs is asked about before anything is rehearsed, so that what is
//! lacking is named at once and by name.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{ObserveError, Rights};
use super::observer::Observer;
use super::subject::{Standing, Subject};
use crate::document::operation::Action;
use crate::remote::kubernetes::{Kind, Permission, Place};

/// More objects of one kind and namespace than this are read by a list.
const SINGLY: usize = 3;

/// What the caller may do beyond what every operation needs.
#[derive(Debug, Default)]
pub(super) struct May {
    /// Kinds and namespaces whose objects are read by a list.
    pub(super) list: BTreeSet<(Kind, String)>,
    /// Kinds and namespaces in which not every object may be created.
    not_create: BTreeSet<(Kind, String)>,
}

/// Objects per verb, kind and namespace.
type Needs = BTreeMap<(&'static str, Kind, String), BTreeSet<String>>;

/// Asks about everything that the operations need.
///
/// # Errors
/// [`ObserveError::Rights`], with everything that is lacking.
pub(super) async fn check(observer: &Observer, subjects: &[Subject]) -> Result<May, ObserveError> {
    let mut needs = Needs::new();
    let mut need = |verb, place: &Place| {
        let key = (verb, place.kind.clone(), scope_of(place));
        needs.entry(key).or_default().insert(place.name.clone());
    };
    let mut creating = BTreeSet::new();
    for subject in subjects {
        let Standing::Served(place) = &subject.standing else { continue };
        need("get", place);
        match &subject.operation.action {
            Action::Apply(_) => {
                need("patch", place);
                creating.insert((place.kind.clone(), scope_of(place)));
            }
            Action::Patch(_) => need("patch", place),
            Action::Delete(_) => need("delete", place),
            Action::Stack(_) => {}
        }
    }
    let listed: BTreeSet<(Kind, String)> = needs
        .iter()
        .filter(|((verb, kind, _), names)| {
            *verb == "get" && names.len() > SINGLY && kind.listable && !is_namespace(kind)
        })
        .map(|((_, kind, namespace), _)| (kind.clone(), namespace.clone()))
        .collect();
    let whole = |(kind, namespace): &(Kind, String), verb| {
        let (kind, namespace) = (kind.clone(), namespace.clone());
        Permission { verb, kind, namespace, name: String::new() }
    };
    let keys = needs
        .keys()
        .map(|(verb, kind, namespace)| whole(&(kind.clone(), namespace.clone()), *verb));
    let optional = listed.iter().map(|key| whole(key, "list"));
    let creations = creating.iter().map(|key| whole(key, "create"));
    let lacking = ask(observer, keys.chain(optional).chain(creations).collect()).await?;
    let mut may = May { list: listed, ..May::default() };
    let mut by_name = Vec::new();
    for one in lacking {
        let Permission { verb, kind, namespace, name: _ } = one;
        match verb {
            "list" => {
                may.list.remove(&(kind, namespace));
            }
            "create" => {
                may.not_create.insert((kind, namespace));
            }
            _ => {
                let names = needs.get(&(verb, kind.clone(), namespace.clone()));
                by_name.extend(names.into_iter().flatten().map(|name| Permission {
                    verb,
                    kind: kind.clone(),
                    namespace: namespace.clone(),
                    name: name.clone(),
                }));
            }
        }
    }
    refuse(observer, ask(observer, by_name).await?)?;
    Ok(may)
}

/// Asks about the creation of these objects, where not every one may be created.
///
/// # Errors
/// As [`check`].
pub(super) async fn check_creations(
    observer: &Observer,
    may: &May,
    absent: impl Iterator<Item = &Place>,
) -> Result<(), ObserveError> {
    let doubtful = |place: &&Place| may.not_create.contains(&(place.kind.clone(), scope_of(place)));
    let wanted: Vec<Permission> =
        absent.filter(doubtful).map(|place| to("create", place)).collect();
    refuse(observer, ask(observer, wanted).await?)
}

/// Asks about the creation of one object.
///
/// # Errors
/// As [`check`].
pub(super) async fn check_creation(observer: &Observer, place: &Place) -> Result<(), ObserveError> {
    refuse(observer, ask(observer, vec![to("create", place)]).await?)
}

async fn ask(
    observer: &Observer,
    wanted: Vec<Permission>,
) -> Result<Vec<Permission>, ObserveError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    observer.cluster().lacking(wanted).await.map_err(|failure| observer.failed(failure))
}

/// The error for permissions that lack, if any do.
///
/// # Errors
/// [`ObserveError::Rights`].
pub(super) fn refuse(
    observer: &Observer,
    mut lacking: Vec<Permission>,
) -> Result<(), ObserveError> {
    if lacking.is_empty() {
        return Ok(());
    }
    lacking.sort();
    let context = observer.context().to_owned();
    Err(ObserveError::Rights(Box::new(Rights { context, lacking })))
}

fn is_namespace(kind: &Kind) -> bool {
    (kind.group.as_str(), kind.kind.as_str()) == ("", "Namespace")
}

/// A permission about one object.
pub(super) fn to(verb: &'static str, place: &Place) -> Permission {
    let (kind, namespace) = (place.kind.clone(), scope_of(place));
    Permission { verb, kind, namespace, name: place.name.clone() }
}

/// The namespace that a request is judged in. A request about a namespace is judged as one in it,
/// which is how the API server reads its path.
fn scope_of(place: &Place) -> String {
    if is_namespace(&place.kind) { place.name.clone() } else { place.namespace.clone() }
}
