//! What was found out from a proposal. Members are *observed* (what the target said; observed
//! again at apply) or *derived* (a pure function of the document; checked offline by every reader).

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ident::{Label, Pointer, ResourceId};
use super::operation::ResourceRef;

/// The worst that a change may do, least first, so that the greater is the worse.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// No effective difference.
    None,
    /// Only new objects.
    Additive,
    /// Stored configuration differs; the platform interrupts nothing.
    Mutating,
    /// Processes are restarted, evicted or fewer.
    Disruptive,
    /// Something stops for longer than a restart.
    Outage,
    /// Stored bytes are lost.
    DataLoss,
}

impl Class {
    /// Every class, least first.
    pub const ALL: [Self; 6] = [
        Self::None,
        Self::Additive,
        Self::Mutating,
        Self::Disruptive,
        Self::Outage,
        Self::DataLoss,
    ];
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Additive => "additive",
            Self::Mutating => "mutating",
            Self::Disruptive => "disruptive",
            Self::Outage => "outage",
            Self::DataLoss => "data-loss",
        })
    }
}

/// How sure the class is. At the worst class, the first present of certain, unknown, possible.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// The mechanism is certain, its trigger lies later.
    Possible,
    /// A needed fact was not readable, or the kind is not known.
    Unknown,
    /// Evaluated by the target, and every fact was read.
    Certain,
}

/// A security-relevant fact beside the class (closed list; never changes the class).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Flag {
    /// What the API accepts or rewrites changes.
    Admission,
    /// Authority that suffices to take over.
    Escalation,
    /// Reachable from more places or by more principals.
    Exposure,
    /// A protection was removed or loosened.
    GuardRemoved,
    /// A pod with host or kernel access.
    Host,
    /// Another identity is used.
    Identity,
    /// No API call restores the old value.
    Irreversible,
    /// Owner references added or changed.
    Owner,
    /// Authority that did not exist before.
    Privilege,
    /// References a secret it did not reference before.
    SecretAccess,
    /// An object of the system itself.
    System,
    /// A changed or new image without a digest.
    UnpinnedImage,
}

/// One call that an executor makes for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// The object comes into being.
    Create,
    /// The object changes where it stands.
    Update,
    /// The object goes.
    Delete,
}

/// Where the evaluation of `after` was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PreviewState {
    /// By the target itself.
    Server,
    /// By Countersign, over files.
    Local,
    /// Not yet possible: `by` makes what it needs.
    Deferred,
    /// The target refuses it.
    Blocked,
    /// The target cannot say.
    Unpreviewable,
}

/// How `after` came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Preview {
    /// Where it was evaluated.
    pub state: PreviewState,
    /// Why it could not be; empty where it could.
    pub because: String,
    /// Id of the change that makes what a deferred one needs; else empty.
    pub by: String,
}

/// A field taken over from another manager.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Forced {
    /// The field.
    pub path: Pointer,
    /// Who held it.
    pub manager: String,
}

/// One object that changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Change {
    /// Identity of the object.
    pub id: ResourceId,
    /// The operation that asks for it.
    pub operation: Label,
    /// The object, with its version.
    pub resource: ResourceRef,
    /// Derived: `[create] [update] [delete] [delete,create] []`.
    pub actions: Vec<Step>,
    /// Derived: the worst it may do.
    pub class: Class,
    /// Derived: how sure that is.
    pub certainty: Certainty,
    /// Derived: sorted.
    pub flags: BTreeSet<Flag>,
    /// Observed: how `after` came about.
    pub preview: Preview,
    /// Observed: the whole object as it is, normalised; null if absent.
    pub before: Value,
    /// Observed: the whole object as it will be, normalised; null if it goes.
    pub after: Value,
    /// Observed: what only the target will decide.
    pub unknown: Vec<Pointer>,
    /// Derived: pointers that hold secrets in this kind, where present.
    pub sensitive: Vec<Pointer>,
    /// Immutable paths whose change makes this a replacement. Derived for a folder, observed for a
    /// cluster.
    pub replace_paths: Vec<Pointer>,
    /// Observed: fields taken over from other managers.
    pub force: Vec<Forced>,
    /// Observed: what the target warned of. Untrusted text.
    pub warnings: Vec<String>,
    /// Observed: asked for, and without effect because somebody else holds it.
    pub without_effect: Vec<Pointer>,
    /// Derived: of a delete, what happens to dependents; else empty.
    pub propagation: String,
    /// Observed: what ties the change to this very object (`uid`, `physicalId`).
    pub guard: BTreeMap<String, String>,
}

/// The target as it was identified when observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    tag = "kind",
    rename_all = "lowercase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum TargetIdentity {
    /// A folder of manifests.
    Directory {
        /// Project name.
        project: Label,
        /// Path inside the project, `/`-separated.
        path: String,
    },
    /// A Kubernetes cluster.
    Kubernetes {
        /// uid of namespace `kube-system`.
        cluster_uid: String,
        /// `sha256:` digest of the CA's public key.
        ca_spki: String,
        /// uid by namespace; empty for one that the plan makes.
        namespaces: BTreeMap<String, String>,
    },
    /// A CloudFormation stack.
    Cloudformation {
        /// `aws`, `aws-cn` ...
        partition: String,
        /// Twelve digits.
        account: String,
        /// Region.
        region: String,
        /// Stack name.
        stack: String,
        /// Stack id; empty: must not exist.
        stack_id: String,
    },
}

/// One dependence between two objects: if `to` changes, `from` is in the radius.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Edge {
    /// The dependent.
    pub from: ResourceId,
    /// What it depends on.
    pub to: ResourceId,
    /// Name of the rule that found it.
    pub by: String,
    /// Whether the dependent says that it can do without.
    pub optional: bool,
    /// Whether it stands in the live graph.
    pub before: bool,
    /// Whether it stands once every change of the plan is made.
    pub after: bool,
}

/// A fact that may be out of reach of this target: never rounded to a yes or a no.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Known {
    /// It is so.
    Yes,
    /// It is not so.
    No,
    /// This target cannot say, or the read failed.
    Unread,
}

/// What is known of a claim and the volume behind it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VolumeFact {
    /// The PersistentVolumeClaim.
    pub claim: ResourceId,
    /// Name of the PersistentVolume; empty if none or not known.
    pub volume: String,
    /// Whether it is bound.
    pub bound: Known,
    /// Reclaim policy of the volume (`Delete`, `Retain`); empty if not read.
    pub reclaim: String,
    /// Whether a workload mounts it.
    pub mounted: Known,
}

/// The rules of a role that a binding of the plan refers to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleFact {
    /// The Role or ClusterRole.
    pub role: ResourceId,
    /// Whether it exists.
    pub present: Known,
    /// Its `rules`; an empty array where it has none or was not read.
    pub rules: Value,
}

/// Whether a custom resource definition has instances.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InstanceFact {
    /// The CustomResourceDefinition.
    pub crd: ResourceId,
    /// Whether there is one at least.
    pub some: Known,
}

/// What is known of an owner that a change refers to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OwnerFact {
    /// The object with the reference.
    pub object: ResourceId,
    /// uid in the reference.
    pub uid: String,
    /// `present`, `absent`, `foreign` (another uid or namespace) or `unread`.
    pub state: OwnerState,
}

/// See [`OwnerFact`].
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum OwnerState {
    /// It exists, with this uid, in this namespace or the cluster.
    Present,
    /// It does not exist.
    Absent,
    /// Another uid, or another namespace.
    Foreign,
    /// Not readable here.
    Unread,
}

/// What a namespace holds, as far as its deletion is concerned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContentFact {
    /// The namespace.
    pub namespace: String,
    /// Cases found, sorted: `volume-delete`, `volume-unread`, `custom`, `unreadable`, `secret`,
    /// `workload`, `other`.
    pub cases: BTreeSet<String>,
}

/// The declared size of a workload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeclaredFact {
    /// The workload.
    pub workload: ResourceId,
    /// Declared replicas (absent: 1), Jobs: parallelism, CronJobs 0, DaemonSets and pods 1.
    pub n: u64,
    /// `minReplicas` of an autoscaler that targets it; null if none does.
    pub min: Option<u64>,
    /// `maxReplicas` of that autoscaler.
    pub max: Option<u64>,
    /// Whether it holds or mounts persistent data.
    pub stateful: bool,
}

/// What class and radius rest on besides the changes. Observed; every list sorted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Facts {
    /// Who refers to whom.
    pub edges: Vec<Edge>,
    /// Claims and their volumes.
    pub volumes: Vec<VolumeFact>,
    /// Rules of referenced roles.
    pub roles: Vec<RoleFact>,
    /// Instances of definitions.
    pub instances: Vec<InstanceFact>,
    /// Owners.
    pub owners: Vec<OwnerFact>,
    /// Contents of namespaces.
    pub contents: Vec<ContentFact>,
    /// Sizes of workloads.
    pub declared: Vec<DeclaredFact>,
}

/// One file of a directory target, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileChange {
    /// Path beneath the target's folder, `/`-separated.
    pub path: String,
    /// Observed: its text; null if absent.
    pub before: Option<String>,
    /// Derived: its text afterwards; null if it goes.
    pub after: Option<String>,
}

/// A CloudFormation stack as it will be sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stack {
    /// The template; null to delete.
    pub template: Value,
    /// Effective parameter values.
    pub parameters: BTreeMap<String, Value>,
    /// ARN of the service role; empty if none.
    pub role: String,
    /// ARNs that are notified.
    pub notifications: Vec<String>,
    /// Rollback configuration, as the service takes it.
    pub rollback: Value,
    /// What happens on failure.
    pub on_failure: String,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
    /// Acknowledged capabilities.
    pub capabilities: Vec<String>,
}

/// How far the plan reaches. Derived; names, never counts that move by themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Impact {
    /// Objects created.
    pub create: u64,
    /// Objects updated.
    pub update: u64,
    /// Objects deleted and created anew.
    pub replace: u64,
    /// Objects deleted.
    pub delete: u64,
    /// Changes by class, all six always present.
    pub by_class: BTreeMap<Class, u64>,
    /// Changes by `group/Kind`.
    pub by_kind: BTreeMap<String, u64>,
    /// Namespaces of changed and reached objects, sorted.
    pub namespaces: Vec<String>,
    /// Changed objects without a namespace, sorted.
    pub cluster_scoped: Vec<ResourceId>,
    /// Changed or reached objects that hold or mount persistent data, sorted.
    pub stateful: Vec<ResourceId>,
    /// Reached from changes of class disruptive or worse, and not changed, sorted; at most 1,000.
    /// A whole kind is one pattern id, with `*` as its name.
    pub dependents: Vec<ResourceId>,
    /// Reads that a rule of this plan needs and did not get, sorted. Observed.
    pub unresolved: Vec<String>,
    /// Whether a limit was hit.
    pub truncated: bool,
}

/// All that was found out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Effect {
    /// Observed: the target.
    pub target: TargetIdentity,
    /// Id of the masking key; empty when nothing is sensitive.
    pub masking: String,
    /// Observed: what the rules rest on.
    pub facts: Facts,
    /// One per object, sorted by id.
    pub changes: Vec<Change>,
    /// Files of a directory target, sorted by path; empty for others.
    pub files: Vec<FileChange>,
    /// The stack of a CloudFormation target; null for others.
    pub stack: Option<Stack>,
    /// Derived: how far it reaches.
    pub impact: Impact,
    /// Derived: order of execution.
    pub waves: Vec<Vec<ResourceId>>,
    /// Derived: whether it can be applied at all.
    pub complete: bool,
}
