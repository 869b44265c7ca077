//! One thing that was asked for: a verb and what it needs, already in its shape.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ident::{Label, ResourceId};

/// How one object is named in a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceRef {
    /// `group/version`, or `version` for the core API.
    pub api_version: String,
    /// Kind, in the spelling of the API.
    pub kind: String,
    /// Namespace; empty where the object has none.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl ResourceRef {
    /// The API group: empty for the core API.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Identity without the version: two versions of one object are one object.
    pub fn id(&self) -> ResourceId {
        ResourceId {
            group: self.group().to_owned(),
            kind: self.kind.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }

    /// Whether it holds secret values: [`is_secret_kind`].
    pub fn is_secret(&self) -> bool {
        is_secret_kind(self.group(), &self.kind)
    }

    /// What a whole object says of itself; `None` where apiVersion, kind or name is missing.
    pub fn of(object: &Value) -> Option<Self> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        Some(Self {
            api_version: text("/apiVersion")?.to_owned(),
            kind: text("/kind")?.to_owned(),
            namespace: text("/metadata/namespace").unwrap_or_default().to_owned(),
            name: text("/metadata/name")?.to_owned(),
        })
    }
}

/// Whether a kind is Secret in any spelling: a value is kept out of plans even where the API would
/// not know the kind.
pub fn is_secret_kind(group: &str, kind: &str) -> bool {
    group.is_empty() && kind.eq_ignore_ascii_case("Secret")
}

/// The change a `patch` makes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Patch {
    /// RFC 7396 merge patch.
    Merge(Value),
    /// RFC 6902 operations, an array.
    Operations(Value),
}

/// Body of a `patch`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchBody {
    /// The object that is changed; it must exist.
    pub resource: ResourceRef,
    /// The change.
    pub patch: Patch,
}

/// What happens to the dependents of a deleted object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Propagation {
    /// The object goes first, its dependents after it.
    Background,
    /// The dependents go first.
    Foreground,
    /// The dependents stay.
    Orphan,
}

/// Body of a `delete`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeleteBody {
    /// The object that goes; it must exist.
    pub resource: ResourceRef,
    /// What happens to its dependents. Never left to the server's default, which differs by kind.
    pub propagation: Propagation,
}

/// Body of a `stack`: a CloudFormation stack as it should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StackBody {
    /// Stack name.
    pub name: String,
    /// The template, as JSON; null to delete the stack.
    pub template: Value,
    /// Parameter values by name.
    pub parameters: std::collections::BTreeMap<String, Value>,
    /// Tags by key.
    pub tags: std::collections::BTreeMap<String, String>,
    /// Acknowledged capabilities, such as `CAPABILITY_IAM`.
    pub capabilities: Vec<String>,
}

/// What is done, with what it needs.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The whole object (directory), or the set of fields to own (Kubernetes).
    Apply(Value),
    /// A patch of an existing object.
    Patch(PatchBody),
    /// Removal of an existing object.
    Delete(DeleteBody),
    /// A CloudFormation stack.
    Stack(StackBody),
}

impl Action {
    /// The object this is about; `None` for a stack, or an `apply` body that names no object.
    pub fn resource(&self) -> Option<ResourceRef> {
        match self {
            Self::Apply(object) => ResourceRef::of(object),
            Self::Patch(body) => Some(body.resource.clone()),
            Self::Delete(body) => Some(body.resource.clone()),
            Self::Stack(_) => None,
        }
    }
}

/// The word for an [`Action`] in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// See [`Action::Apply`].
    Apply,
    /// See [`Action::Patch`].
    Patch,
    /// See [`Action::Delete`].
    Delete,
    /// See [`Action::Stack`].
    Stack,
}

/// Whether something that is refused by default was asked for in so many words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Consent {
    /// Not asked for.
    #[default]
    Refused,
    /// Asked for.
    Allowed,
}

/// How long to wait for what was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wait {
    /// Whether to wait until the object is ready.
    pub ready: bool,
    /// Longest wait, in seconds.
    pub timeout_seconds: u32,
}

impl Default for Wait {
    fn default() -> Self {
        Self { ready: true, timeout_seconds: 600 }
    }
}

/// One operation of a proposal, every member explicit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WrittenOperation", into = "WrittenOperation")]
pub struct Operation {
    /// Name within the proposal.
    pub id: Label,
    /// What is done.
    pub action: Action,
    /// Why, in the words of whoever asked. Untrusted text.
    pub reason: String,
    /// Operations that must be done before this one.
    pub depends_on: Vec<Label>,
    /// Whether the object may be deleted and created anew where a field cannot be changed.
    pub replace: Consent,
    /// Whether fields that another manager owns may be taken over.
    pub force: Consent,
    /// What to wait for afterwards.
    pub wait: Wait,
}

/// The written form of an [`Operation`]: verb and body beside the rest.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Operation")]
pub struct WrittenOperation {
    id: Label,
    verb: Verb,
    body: Value,
    reason: String,
    depends_on: Vec<Label>,
    replace: Consent,
    force: Consent,
    wait: Wait,
}

impl JsonSchema for Operation {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        WrittenOperation::schema_name()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        WrittenOperation::json_schema(generator)
    }
}

impl TryFrom<WrittenOperation> for Operation {
    type Error = serde_json::Error;
    fn try_from(written: WrittenOperation) -> Result<Self, serde_json::Error> {
        let WrittenOperation { id, verb, body, reason, depends_on, replace, force, wait } = written;
        let action = match verb {
            Verb::Apply => Action::Apply(body),
            Verb::Patch => Action::Patch(serde_json::from_value(body)?),
            Verb::Delete => Action::Delete(serde_json::from_value(body)?),
            Verb::Stack => Action::Stack(serde_json::from_value(body)?),
        };
        Ok(Self { id, action, reason, depends_on, replace, force, wait })
    }
}

impl From<Operation> for WrittenOperation {
    fn from(operation: Operation) -> Self {
        let Operation { id, action, reason, depends_on, replace, force, wait } = operation;
        // The three bodies are plain data with string keys: turning them into a value cannot fail.
        let (verb, body) = match action {
            Action::Apply(body) => (Verb::Apply, body),
            Action::Patch(body) => (Verb::Patch, plain(&body)),
            Action::Delete(body) => (Verb::Delete, plain(&body)),
            Action::Stack(body) => (Verb::Stack, plain(&body)),
        };
        Self { id, verb, body, reason, depends_on, replace, force, wait }
    }
}

fn plain<T: Serialize>(body: &T) -> Value {
    serde_json::to_value(body).unwrap_or_default()
}
