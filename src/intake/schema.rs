//! JSON Schema of what is written down. That of a Proposal is the form that a model is asked to
//! write: nothing that has to be known elsewhere, every member described.
//!
//! A schema says what a document looks like; the readers stay the ones that decide. A test holds
//! the members named here to those that `read` knows.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

use crate::config::Config;
use crate::document::operation::{Consent, Propagation};
use crate::document::plan::PlanDocument;
use crate::document::statement::Receipt;

/// The written form of a Proposal. Everything stands in place, so that the schema can be handed to
/// a model as it is.
pub fn proposal() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let mut schema = settings.into_generator().into_root_schema_for::<Proposal>().to_value();
    without_defaults(&mut schema);
    schema
}

/// Takes out the `default` members: those of the types here are no defaults of the reader, which
/// stand in the descriptions.
fn without_defaults(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.remove("default");
            map.values_mut().for_each(without_defaults);
        }
        Value::Array(items) => items.iter_mut().for_each(without_defaults),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// `plan.json`.
pub fn plan() -> Value {
    of::<PlanDocument>()
}

/// The predicate of a receipt.
pub fn receipt() -> Value {
    of::<Receipt>()
}

/// countersign.toml.
pub fn config() -> Value {
    of::<Config>()
}

fn of<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value()
}

/// A DNS label.
fn label(_: &mut schemars::SchemaGenerator) -> Schema {
    schemars::json_schema!({
        "type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
    })
}

fn labels(_: &mut schemars::SchemaGenerator) -> Schema {
    schemars::json_schema!({
        "type": "array", "uniqueItems": true,
        "items": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"}
    })
}

macro_rules! shape {
    ($(#[$about:meta])* $name:ident { $($(#[$field:meta])* $member:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(JsonSchema)]
        #[schemars(rename_all = "camelCase", deny_unknown_fields)]
        #[allow(dead_code, reason = "describes a document; the reader builds other values")]
        struct $name { $($(#[$field])* $member: $type,)* }
    };
}

shape! {
    /// What should be changed, as a person or a model asks for it. Nothing is changed by it: it
    /// becomes a plan that people review and approve.
    Proposal {
        /// Always `countersign/v1`.
        #[schemars(extend("const" = "countersign/v1"))]
        api_version: String,
        /// Always `Proposal`.
        #[schemars(extend("const" = "Proposal"))]
        kind: String,
        /// Short name of the plan: lower-case letters, digits and `-`.
        #[schemars(default, schema_with = "label")]
        name: String,
        /// Environment that is changed, such as `prod`.
        #[schemars(default, schema_with = "label")]
        environment: String,
        /// Target within that environment.
        #[schemars(default, schema_with = "label")]
        target: String,
        /// The request, in words.
        #[schemars(default)]
        intent: Intent,
        /// What is to be done: at least one operation, each on another object.
        #[schemars(length(min = 1))]
        operations: Vec<Operation>,
    }
}

shape! {
    /// Two texts that are shown to the reviewers as quotations.
    #[derive(Default, serde::Serialize)]
    Intent {
        /// What the person asked for, in their words.
        #[schemars(default)]
        request: String,
        /// What the operations do, in one sentence.
        #[schemars(default)]
        summary: String,
    }
}

/// One operation: exactly one verb.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "describes a document; the reader builds other values")]
enum Operation {
    /// Create an object, or give an existing one this content.
    Apply(Apply),
    /// Change parts of an existing object.
    Patch(PatchOperation),
    /// Remove an existing object.
    Delete(DeleteOperation),
    /// Bring a CloudFormation stack into this state.
    Stack(StackOperation),
}

macro_rules! operation {
    ($(#[$about:meta])* $name:ident { $(#[$field:meta])* $verb:ident: $type:ty }) => {
        shape! {
            $(#[$about])*
            $name {
                $(#[$field])*
                $verb: $type,
                /// Name of the operation within the Proposal; by default `op-` and its number.
                #[schemars(default, schema_with = "label")]
                id: String,
                /// Why, in a few words for the reviewers.
                #[schemars(default)]
                reason: String,
                /// Ids of operations that must be done first.
                #[schemars(default, schema_with = "labels")]
                depends_on: Vec<String>,
                /// Whether the object may be deleted and created anew where a field cannot be
                /// changed. By default it is not.
                #[schemars(default)]
                replace: Consent,
                /// Whether fields that somebody else manages may be taken over. By default they
                /// are not.
                #[schemars(default)]
                force: Consent,
                /// What to wait for afterwards.
                #[schemars(default)]
                wait: Wait,
            }
        }
    };
}

operation! {
    /// Create an object, or give an existing one this content.
    Apply {
        /// The whole Kubernetes object: apiVersion, kind, metadata with name and namespace, and
        /// the rest. No status, no other field that the server writes, no secret value.
        apply: Map<String, Value>
    }
}

operation! {
    /// Change parts of an existing object.
    PatchOperation {
        /// The object and the change: either `merge` or `operations`.
        patch: Patch
    }
}

operation! {
    /// Remove an existing object.
    DeleteOperation {
        /// The object that goes.
        delete: Delete
    }
}

operation! {
    /// Bring a CloudFormation stack into this state.
    StackOperation {
        /// The stack.
        stack: Stack
    }
}

shape! {
    /// What to wait for.
    #[derive(Default, serde::Serialize)]
    Wait {
        /// Whether to wait until the object is ready. By default yes.
        #[schemars(default)]
        ready: bool,
        /// Longest wait, in seconds. By default 600.
        #[schemars(default, range(min = 1, max = 86_400))]
        timeout_seconds: u32,
    }
}

/// A change of parts: one of two forms.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "describes a document; the reader builds other values")]
enum Patch {
    /// As a merge patch.
    Merge(Merge),
    /// As a list of operations.
    Operations(JsonPatch),
}

shape! {
    /// A JSON merge patch (RFC 7396).
    Merge {
        /// The object that is changed.
        resource: Resource,
        /// Members to set; null removes one.
        merge: Map<String, Value>,
    }
}

shape! {
    /// A JSON patch (RFC 6902).
    JsonPatch {
        /// The object that is changed.
        resource: Resource,
        /// The operations, in order.
        #[schemars(length(min = 1))]
        operations: Vec<JsonPatchOperation>,
    }
}

shape! {
    /// One operation of RFC 6902.
    JsonPatchOperation {
        /// What is done.
        #[schemars(extend("enum" = ["add", "remove", "replace", "move", "copy", "test"]))]
        op: String,
        /// Where, as a JSON pointer.
        path: String,
        /// From where, for `move` and `copy`.
        #[schemars(default)]
        from: String,
        /// What is put there or expected there, for `add`, `replace` and `test`.
        #[schemars(default)]
        value: Value,
    }
}

shape! {
    /// How an object is named.
    Resource {
        /// Such as `apps/v1`.
        api_version: String,
        /// Such as `Deployment`.
        kind: String,
        /// Its namespace; left out where the object has none.
        #[schemars(default)]
        namespace: String,
        /// Its name.
        name: String,
    }
}

shape! {
    /// The object that goes.
    Delete {
        /// Such as `apps/v1`.
        api_version: String,
        /// Such as `Deployment`.
        kind: String,
        /// Its namespace; left out where the object has none.
        #[schemars(default)]
        namespace: String,
        /// Its name.
        name: String,
        /// What happens to its dependents; by default `Background`.
        #[schemars(default = "background")]
        propagation: Propagation,
    }
}

fn background() -> Propagation {
    Propagation::Background
}

shape! {
    /// A CloudFormation stack as it should be.
    Stack {
        /// Name of the stack.
        name: String,
        /// The template, as a map; null deletes the stack.
        template: Option<Map<String, Value>>,
        /// Values of its parameters. One with NoEcho takes only `{"$secret": "name"}`.
        #[schemars(default)]
        parameters: BTreeMap<String, Value>,
        /// Tags.
        #[schemars(default)]
        tags: BTreeMap<String, String>,
        /// Acknowledged capabilities.
        #[schemars(default)]
        capabilities: Vec<String>,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{body, form, operation, patch};
    use super::*;

    fn members(schema: &Value, pointer: &str) -> Vec<String> {
        let mut names: Vec<_> = schema
            .pointer(pointer)
            .and_then(|at| at.get("properties"))
            .and_then(Value::as_object)
            .map(|map| map.keys().cloned().collect())
            .unwrap_or_default();
        names.sort();
        names
    }

    fn sorted(names: &[&str]) -> Vec<String> {
        let mut names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_schema_names_the_members_that_are_read() {
        let schema = proposal();
        assert_eq!(members(&schema, ""), sorted(&form::PROPOSAL));
        assert_eq!(members(&schema, "/properties/intent"), sorted(&form::INTENT));
        let verbs = "/properties/operations/items/anyOf";
        for (index, verb) in operation::VERBS.into_iter().enumerate() {
            let at = format!("{verbs}/{index}");
            let wanted = [&[verb], operation::BESIDE.as_slice()].concat();
            assert_eq!(members(&schema, &at), sorted(&wanted), "{at}");
            assert_eq!(
                members(&schema, &format!("{at}/properties/wait")),
                sorted(&operation::WAIT)
            );
        }
        let patches = format!("{verbs}/1/properties/patch/anyOf");
        assert_eq!(members(&schema, &format!("{patches}/0")), sorted(&["resource", "merge"]));
        assert_eq!(members(&schema, &format!("{patches}/1")), sorted(&["resource", "operations"]));
        assert_eq!(sorted(&patch::PATCH), sorted(&["merge", "operations", "resource"]));
        let resource = format!("{patches}/0/properties/resource");
        assert_eq!(members(&schema, &resource), sorted(&body::RESOURCE));
        assert_eq!(
            members(&schema, &format!("{verbs}/2/properties/delete")),
            sorted(&body::DELETE)
        );
        assert_eq!(members(&schema, &format!("{verbs}/3/properties/stack")), sorted(&body::STACK));
    }
}
