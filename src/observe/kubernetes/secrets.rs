//! Until the vault is here: no Secret is observed.

use serde_json::Value;

use crate::document::operation::{Action, Patch, ResourceRef};

/// See above.
#[derive(Debug, Default)]
pub struct Vault;

impl Vault {
    /// As it is.
    pub fn filter(&self, text: &str) -> String {
        text.to_owned()
    }
}

/// The body of an operation, as far as it says what an object should be.
pub(super) fn asked(action: &Action) -> Option<&Value> {
    match action {
        Action::Apply(body) => Some(body),
        Action::Patch(body) => match &body.patch {
            Patch::Merge(body) | Patch::Operations(body) => Some(body),
        },
        Action::Delete(_) | Action::Stack(_) => None,
    }
}

/// A body as it is sent.
///
/// # Errors
/// Why there is none, in words.
pub(super) fn filled(_: &Vault, resource: &ResourceRef, body: &Value) -> Result<Value, String> {
    if crate::manifest::object::is_secret_kind(resource.group(), &resource.kind) {
        return Err("secrets are not taken yet".to_owned());
    }
    Ok(body.clone())
}

/// An object as a plan may hold it.
///
/// # Errors
/// Why there is none, in words.
pub(super) fn masked(
    _: &Vault,
    resource: &ResourceRef,
    object: Value,
    _: Option<&Value>,
) -> Result<Value, String> {
    if crate::manifest::object::is_secret_kind(resource.group(), &resource.kind) {
        return Err("secrets are not taken yet".to_owned());
    }
    Ok(object)
}
