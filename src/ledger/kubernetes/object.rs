//! A record as an object, and back: whatever is not this record as it is written here is none.

use serde_json::{Map, Value, json};

use crate::clock::Instant;
use crate::document::ident::Digest;
use crate::ledger::lock::{Holder, LockView};
use crate::ledger::record::LockRecord;
use crate::ledger::store::{Name, Version};
use crate::remote::kubernetes::Kind;

/// Annotation: the name of the record.
const NAME: &str = "countersign/record";
/// Annotation of a Lease: the bytes of the record.
const BYTES: &str = "countersign/bytes";
/// Label: what the first so many segments of the name are, by their number.
const BENEATH: &str = "countersign/beneath-";
/// Keys of a ConfigMap.
const RECORD: &str = "record";
const PARTS: &str = "parts";
/// The first segment of the names of locks.
const LOCK: &str = "lock";
/// Longest value of a label, and longest name of an object.
const LONGEST_LABEL: usize = 63;
const LONGEST_NAME: usize = 253;

/// What the object of a record holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// All of it.
    Whole(String),
    /// The digests of its parts, in order.
    Parts(Vec<Digest>),
}

/// ConfigMap, or Lease for a lock.
pub(super) fn kind(name: &Name) -> Kind {
    let of = |group: &str, kind: &str, plural: &str| Kind {
        group: group.to_owned(),
        version: "v1".to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        namespaced: true,
        listable: true,
    };
    match is_lock(name) {
        true => of("coordination.k8s.io", "Lease", "leases"),
        false => of("", "ConfigMap", "configmaps"),
    }
}

pub(super) fn is_lock(name: &Name) -> bool {
    name.as_str().split('/').next() == Some(LOCK)
}

/// The name of the object, which no other record has; `None` if no object can have it.
pub(super) fn object_name(name: &Name) -> Option<String> {
    let good = |part: &str| !part.starts_with('-') && !part.ends_with('-');
    let text = name.as_str();
    (text.len() <= LONGEST_NAME && text.split('/').all(good)).then(|| text.replace('/', "."))
}

/// What chooses the records beneath a prefix, and perhaps others.
pub(super) fn selector(prefix: &Name) -> String {
    let segments = prefix.as_str().split('/').count();
    format!("{BENEATH}{segments}={}", label(prefix.as_str()))
}

/// Some segments of a name, as a label can hold them.
fn label(segments: &str) -> String {
    let text = segments.replace('/', ".");
    // No label begins or ends with `-`.
    match text.len() <= LONGEST_LABEL && !text.starts_with('-') && !text.ends_with('-') {
        true => text,
        false => {
            let digest = Digest::of(segments.as_bytes()).to_string();
            format!("digest-{}", digest.chars().take(40).collect::<String>())
        }
    }
}

/// The object in which a record is written: anew, or in the place of the expected version.
pub(super) fn body(
    name: &Name,
    object_name: &str,
    namespace: &str,
    content: &Content,
    expected: Option<&Version>,
) -> Value {
    let mut labels = Map::new();
    labels.insert("app.kubernetes.io/managed-by".to_owned(), "countersign".into());
    let ends = name.as_str().match_indices('/').map(|(at, _)| at);
    for (at, end) in ends.enumerate() {
        let above = name.as_str().get(..end).unwrap_or_default();
        labels.insert(format!("{BENEATH}{}", at.saturating_add(1)), label(above).into());
    }
    let mut annotations = Map::new();
    annotations.insert(NAME.to_owned(), name.as_str().into());
    let mut metadata = json!({
        "name": object_name, "namespace": namespace, "labels": labels,
    });
    let mut body = match (is_lock(name), content) {
        (true, Content::Whole(text)) => {
            annotations.insert(BYTES.to_owned(), text.as_str().into());
            json!({
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "spec": shown(text),
            })
        }
        (_, content) => {
            let (key, text) = match content {
                Content::Whole(text) => (RECORD, text.clone()),
                Content::Parts(parts) => {
                    (PARTS, parts.iter().map(|part| format!("{part}\n")).collect())
                }
            };
            json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {key: text}})
        }
    };
    if let Value::Object(metadata) = &mut metadata {
        metadata.insert("annotations".to_owned(), annotations.into());
        if let Some((uid, version)) = expected.and_then(|Version(text)| text.split_once('/')) {
            metadata.insert("uid".to_owned(), uid.into());
            metadata.insert("resourceVersion".to_owned(), version.into());
        }
    }
    if let Value::Object(body) = &mut body {
        body.insert("metadata".to_owned(), metadata);
    }
    body
}

/// What people are shown of a lock. Nothing reads it.
fn shown(record: &str) -> Value {
    let held = serde_json::from_str::<LockRecord>(record).ok().and_then(|record| record.held);
    let Some(LockView { holder, lease, .. }) = held else {
        return json!({});
    };
    let Holder { principal, host, pid, since } = holder;
    // The API wants six digits of the second.
    let time = |at: Instant| at.to_string().replace('Z', ".000000Z");
    let seconds = lease.map(|lease| {
        let seconds = lease.milliseconds.div_ceil(1000);
        i32::try_from(seconds).unwrap_or(i32::MAX).max(1)
    });
    json!({
        "holderIdentity": format!("{principal}@{host}/{pid}"),
        "acquireTime": time(since),
        "renewTime": lease.map(|lease| time(lease.renewed_at)),
        "leaseDurationSeconds": seconds,
    })
}

/// The record that an object says it is, if it stands under the name of that record.
pub(super) fn named(object: &Value) -> Option<Name> {
    let name: Name = text(object, "annotations", NAME)?.parse().ok()?;
    let stands_at = object.get("metadata")?.get("name")?.as_str()?;
    (object_name(&name)? == stands_at).then_some(name)
}

/// What an object holds, if it is this record.
pub(super) fn content(name: &Name, object: &Value) -> Option<Content> {
    if named(object)? != *name {
        return None;
    }
    if is_lock(name) {
        return text(object, "annotations", BYTES).map(|text| Content::Whole(text.to_owned()));
    }
    let data = object.get("data")?.as_object()?;
    let mut entries = data.iter();
    let (Some((key, value)), None) = (entries.next(), entries.next()) else {
        return None;
    };
    let value = value.as_str()?;
    match key.as_str() {
        RECORD => Some(Content::Whole(value.to_owned())),
        PARTS => {
            let parts = value.strip_suffix('\n')?.split('\n').map(|part| part.parse().ok());
            parts.collect::<Option<_>>().map(Content::Parts)
        }
        _ => None,
    }
}

/// Which object it is, in which state.
pub(super) fn version(object: &Value) -> Option<Version> {
    let metadata = object.get("metadata")?;
    let text = |member: &str| metadata.get(member)?.as_str().filter(|text| !text.is_empty());
    Some(Version(format!("{}/{}", text("uid")?, text("resourceVersion")?)))
}

fn text<'o>(object: &'o Value, map: &str, key: &str) -> Option<&'o str> {
    object.get("metadata")?.get(map)?.get(key)?.as_str()
}
