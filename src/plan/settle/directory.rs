//! Of a folder of manifests everything follows: what an operation makes of an object is computed
//! here again.

use super::{Own, steps, wrong};
use crate::document::effect::{Preview, PreviewState};
use crate::document::operation::{Consent, Operation};
use crate::observe::ObservedChange;
use crate::observe::directory::{Budget, result_of};
use crate::plan::class;
use crate::plan::derive::DeriveError;

pub(super) fn own(
    operation: &Operation,
    seen: &ObservedChange,
    budget: &mut Budget,
) -> Result<Own, DeriveError> {
    let after = result_of(&operation.action, &seen.before, budget)
        .map_err(|message| wrong(operation, &message))?;
    if after != seen.after {
        return Err(wrong(operation, "`after` is not what the operation makes of `before`"));
    }
    let observed_nothing = seen.unknown.is_empty()
        && seen.force.is_empty()
        && seen.warnings.is_empty()
        && seen.guard.is_empty();
    if !observed_nothing {
        let message =
            "a folder of manifests has no unknown, force, warnings, fields without effect or guard";
        return Err(wrong(operation, message));
    }
    let both = !seen.before.is_null() && !seen.after.is_null();
    let replace_paths = match both {
        true => class::replace_paths(&seen.resource, &seen.before, &seen.after),
        false => Vec::new(),
    };
    let blocked = !replace_paths.is_empty() && operation.replace == Consent::Refused;
    let because = match replace_paths.first() {
        Some(path) if blocked => {
            format!("{path} is immutable; the operation lacks `replace: allowed`")
        }
        Some(_) | None => String::new(),
    };
    let state = if blocked { PreviewState::Blocked } else { PreviewState::Local };
    let actions = steps(&seen.before, &seen.after, !replace_paths.is_empty());
    let preview = Preview { state, because, by: String::new() };
    let (id, needs) = (seen.resource.id(), operation.depends_on.clone());
    // Whoever syncs a tree decides how dependents go; nothing in the tree says it.
    let propagation = None;
    let without_effect = Vec::new();
    Ok(Own { id, actions, preview, replace_paths, without_effect, propagation, needs })
}
