//! The request that an operation is, on the very object that was read: the same when it is rehearsed
//! and when it is sent.

use serde_json::{Map, Value, json};

use super::secrets;
use crate::custody::vault::Vault;
use crate::document::operation::{Action, Patch, Propagation, ResourceRef};
use crate::remote::kubernetes::{Call, Change, Place};

/// The version that an object has which is not there: a server that has one says that it changed.
const NOT_THERE: &str = "1";

/// The uid and the version of an object that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version<'o> {
    /// Of this very object.
    pub uid: &'o str,
    /// Of its state.
    pub resource_version: &'o str,
}

impl<'o> Version<'o> {
    /// As an object says; `None` if it says neither or one only.
    pub fn of(object: &'o Value) -> Option<Self> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let (uid, resource_version) = (text("/metadata/uid")?, text("/metadata/resourceVersion")?);
        (!uid.is_empty() && !resource_version.is_empty()).then_some(Self { uid, resource_version })
    }
}

/// The request of an operation, with the preconditions that tie it to the object as it was read
/// (`None`: that there is none).
///
/// # Errors
/// Why there is no such request, in words.
pub fn call(
    action: &Action,
    place: &Place,
    live: Option<&Value>,
    force: bool,
    vault: &Vault,
) -> Result<Call, String> {
    let resource = action.resource().ok_or(NO_OBJECT)?;
    let version = match live {
        Some(live) => Some(Version::of(live).ok_or("the cluster's object has no uid or version")?),
        None => None,
    };
    let present = || version.ok_or(NOT_PRESENT.to_owned());
    let change = match action {
        Action::Apply(body) => {
            let mut body = secrets::filled(vault, &resource, body)?;
            let metadata = metadata_of(&mut body)?;
            match version {
                Some(version) => preconditions(metadata, version),
                None => {
                    metadata.insert("resourceVersion".to_owned(), NOT_THERE.into());
                }
            }
            Change::Apply { body, force }
        }
        Action::Patch(body) => patch(&body.patch, &resource, present()?, vault)?,
        Action::Delete(body) => delete(present()?, body.propagation),
        Action::Stack(_) => return Err("a cluster has no stacks".to_owned()),
    };
    Ok(Call { place: place.clone(), change })
}

/// The deletion of an object that was read.
///
/// # Errors
/// As [`call`].
pub fn deletion(place: &Place, live: &Value, propagation: Propagation) -> Result<Call, String> {
    let version = Version::of(live).ok_or("the cluster's object has no uid or version")?;
    Ok(Call { place: place.clone(), change: delete(version, propagation) })
}

/// An operation is about an object.
pub(super) const NO_OBJECT: &str = "the body names no object";

/// What can be patched or deleted exists.
pub(super) const NOT_PRESENT: &str = "the object is not there";

fn delete(version: Version<'_>, propagation: Propagation) -> Change {
    let Version { uid, resource_version } = version;
    Change::Delete {
        uid: uid.to_owned(),
        resource_version: resource_version.to_owned(),
        propagation,
    }
}

fn patch(
    patch: &Patch,
    resource: &ResourceRef,
    version: Version<'_>,
    vault: &Vault,
) -> Result<Change, String> {
    match patch {
        Patch::Merge(body) => {
            let mut body = secrets::filled(vault, resource, body)?;
            preconditions(metadata_of(&mut body)?, version);
            Ok(Change::Merge(body))
        }
        Patch::Operations(operations) => {
            let Value::Array(operations) = secrets::filled(vault, resource, operations)? else {
                return Err("the patch is not RFC 6902: it is no list".to_owned());
            };
            let Version { uid, resource_version } = version;
            let mut all = vec![
                json!({"op": "test", "path": "/metadata/uid", "value": uid}),
                json!({
                    "op": "test",
                    "path": "/metadata/resourceVersion",
                    "value": resource_version,
                }),
            ];
            all.extend(operations);
            Ok(Change::Operations(Value::Array(all)))
        }
    }
}

fn preconditions(metadata: &mut Map<String, Value>, version: Version<'_>) {
    let Version { uid, resource_version } = version;
    metadata.insert("uid".to_owned(), uid.into());
    metadata.insert("resourceVersion".to_owned(), resource_version.into());
}

/// `metadata` of a body, which a patch need not have.
fn metadata_of(body: &mut Value) -> Result<&mut Map<String, Value>, String> {
    let members = body.as_object_mut().ok_or("the body is no object")?;
    let metadata = members.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    metadata.as_object_mut().ok_or_else(|| "`metadata` of the body is no object".to_owned())
}
