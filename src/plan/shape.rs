//! Reads from Kubernetes objects what the rules need. A member that is absent or of another type
//! is an answer, never an error.

use serde_json::{Map, Value};

use crate::document::ident::ResourceId;

/// The text at a pointer; empty where there is none.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The integer at a pointer.
pub(crate) fn number(value: &Value, pointer: &str) -> Option<i64> {
    value.pointer(pointer).and_then(Value::as_i64)
}

/// Whether `true` stands at a pointer.
pub(crate) fn yes(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer) == Some(&Value::Bool(true))
}

/// The items of the list at a pointer.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The members of the object at a pointer.
pub(crate) fn members<'a>(
    value: &'a Value,
    pointer: &str,
) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
    let map = value.pointer(pointer).and_then(Value::as_object);
    map.into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

/// The labels of an object, or of a pod template.
pub(crate) fn labels(object: &Value) -> Option<&Map<String, Value>> {
    object.pointer("/metadata/labels").and_then(Value::as_object)
}

/// The one member of `metadata.annotations`, whose key may hold slashes.
pub(crate) fn annotation<'a>(object: &'a Value, key: &str) -> &'a str {
    object
        .pointer("/metadata/annotations")
        .and_then(|all| all.get(key))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The one member of `metadata.labels`, whose key may hold slashes.
pub(crate) fn label<'a>(object: &'a Value, key: &str) -> &'a str {
    labels(object).and_then(|all| all.get(key)).and_then(Value::as_str).unwrap_or_default()
}

/// The owner that controls an object.
pub(crate) fn controller(object: &Value) -> Option<&Value> {
    list(object, "/metadata/ownerReferences").iter().find(|owner| yes(owner, "/controller"))
}

/// The group of an `apiVersion`: empty for the core API.
pub(crate) fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// An identity from its parts.
pub(crate) fn id(group: &str, kind: &str, namespace: &str, name: &str) -> ResourceId {
    ResourceId {
        group: group.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

/// The kinds that run pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    Deployment,
    StatefulSet,
    DaemonSet,
    ReplicaSet,
    ReplicationController,
    Job,
    CronJob,
    Pod,
}

impl Workload {
    pub(crate) fn of(group: &str, kind: &str) -> Option<Self> {
        Some(match (group, kind) {
            ("apps", "Deployment") => Self::Deployment,
            ("apps", "StatefulSet") => Self::StatefulSet,
            ("apps", "DaemonSet") => Self::DaemonSet,
            ("apps", "ReplicaSet") => Self::ReplicaSet,
            ("", "ReplicationController") => Self::ReplicationController,
            ("batch", "Job") => Self::Job,
            ("batch", "CronJob") => Self::CronJob,
            ("", "Pod") => Self::Pod,
            _ => return None,
        })
    }

    pub(crate) fn is(id: &ResourceId) -> bool {
        Self::of(&id.group, &id.kind).is_some()
    }

    /// Where its pod template stands; a pod is its own.
    pub(crate) fn template(self) -> &'static str {
        match self {
            Self::Pod => "",
            Self::CronJob => "/spec/jobTemplate/spec/template",
            Self::Deployment
            | Self::StatefulSet
            | Self::DaemonSet
            | Self::ReplicaSet
            | Self::ReplicationController
            | Self::Job => "/spec/template",
        }
    }

    /// Its declared size: what it is written to run, never what happens to run.
    pub(crate) fn size(self, object: &Value) -> u64 {
        let declared = |pointer: &str| {
            let n = number(object, pointer).unwrap_or(1);
            u64::try_from(n).unwrap_or(0)
        };
        match self {
            Self::Deployment
            | Self::StatefulSet
            | Self::ReplicaSet
            | Self::ReplicationController => declared("/spec/replicas"),
            Self::Job => declared("/spec/parallelism"),
            Self::CronJob => 0,
            Self::DaemonSet | Self::Pod => u64::from(!object.is_null()),
        }
    }
}

/// The declared size of a workload; 0 of what does not exist.
pub(crate) fn size(id: &ResourceId, object: &Value) -> u64 {
    match Workload::of(&id.group, &id.kind) {
        Some(workload) if !object.is_null() => workload.size(object),
        Some(_) | None => 0,
    }
}

/// The pod template of an object. Kinds that are not built in count if they have one in the usual
/// place.
pub(crate) fn template<'a>(group: &str, kind: &str, object: &'a Value) -> Option<&'a Value> {
    let template = match Workload::of(group, kind) {
        Some(workload) => object.pointer(workload.template()),
        None => object.pointer("/spec/template"),
    };
    template.filter(|template| !list(template, "/spec/containers").is_empty())
}

/// Every container of a pod template, those of the start and of debugging included.
pub(crate) fn containers(template: &Value) -> impl Iterator<Item = &Value> {
    ["/spec/containers", "/spec/initContainers", "/spec/ephemeralContainers"]
        .into_iter()
        .flat_map(move |pointer| list(template, pointer))
}

/// Whether an object holds or mounts persistent data.
pub(crate) fn is_stateful(id: &ResourceId, object: &Value) -> bool {
    match (id.group.as_str(), id.kind.as_str()) {
        ("", "PersistentVolumeClaim" | "PersistentVolume") => true,
        ("snapshot.storage.k8s.io", "VolumeSnapshotContent") => true,
        _ => {
            !list(object, "/spec/volumeClaimTemplates").is_empty()
                || template(&id.group, &id.kind, object).is_some_and(|template| {
                    list(template, "/spec/volumes")
                        .iter()
                        .any(|volume| volume.get("persistentVolumeClaim").is_some())
                })
        }
    }
}

/// A count or a percentage of `n`, rounded up or down; absent: `default`.
pub(crate) fn share(value: Option<&Value>, default: &str, n: i64, up: bool) -> i64 {
    let percent = |text: &str| -> Option<i64> {
        let part: i64 = text.strip_suffix('%')?.parse().ok()?;
        let whole = part.saturating_mul(n);
        let floor = whole.div_euclid(100);
        Some(if up && whole.rem_euclid(100) != 0 { floor.saturating_add(1) } else { floor })
    };
    let of_text = |text: &str| percent(text).or_else(|| text.parse().ok()).unwrap_or(0);
    match value {
        Some(Value::Number(count)) => count.as_i64().unwrap_or(0),
        Some(Value::String(text)) => of_text(text),
        Some(_) | None => of_text(default),
    }
}

/// The ordinals of a StatefulSet: from `start` on, `n` of them.
pub(crate) fn ordinals(set: &Value) -> std::ops::Range<i64> {
    if set.is_null() {
        return 0..0;
    }
    let start = number(set, "/spec/ordinals/start").unwrap_or(0).max(0);
    let n = number(set, "/spec/replicas").unwrap_or(1).max(0);
    start..start.saturating_add(n)
}

/// Names of the claim templates of a StatefulSet.
pub(crate) fn claim_templates(set: &Value) -> impl Iterator<Item = &str> {
    list(set, "/spec/volumeClaimTemplates").iter().map(|claim| text(claim, "/metadata/name"))
}

/// Whether an annotation asks for a restart when configuration changes (controllers that do so
/// are found by their prefixes).
pub(crate) fn reloads(object: &Value) -> bool {
    const PREFIXES: [&str; 5] = [
        "reloader.stakater.com/",
        "configmap.reloader.stakater.com/",
        "secret.reloader.stakater.com/",
        "wave.pusher.com/",
        "k8s.io/config-reload",
    ];
    ["/metadata/annotations", "/spec/template/metadata/annotations"].into_iter().any(|pointer| {
        members(object, pointer)
            .any(|(key, _)| PREFIXES.iter().any(|prefix| key.starts_with(prefix)))
    })
}
