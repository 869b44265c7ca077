//! Secret values on their way into a request and out of an answer, by the vault. Whatever the vault
//! says no to is an error of the operation.

use serde_json::Value;

use crate::causes;
use crate::custody::vault::Vault;
use crate::document::operation::{Action, Patch, ResourceRef};

/// The body of an operation, as far as it says what an object should be.
fn asked(action: &Action) -> Option<&Value> {
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
pub(super) fn filled(vault: &Vault, resource: &ResourceRef, body: &Value) -> Result<Value, String> {
    if !resource.is_secret() {
        return Ok(body.clone());
    }
    let filled = vault.fill(resource, body).map_err(|error| causes::line(&error))?;
    Ok(filled.body().clone())
}

/// An object as a plan may hold it, before the operation or after it. Its values are known to the
/// vault from then on.
///
/// # Errors
/// Why there is none, in words.
pub fn shown(
    vault: &Vault,
    action: &Action,
    resource: &ResourceRef,
    object: Value,
) -> Result<Value, String> {
    if !resource.is_secret() {
        return Ok(object);
    }
    vault.masked(resource, &object, asked(action)).map_err(|error| causes::line(&error))
}
