//! Whose fields a change takes over: exactly those that the plan lists, or it is not made.
//!
//! Who owns a field is part of an object's version. So between the rehearsal that lists the owners
//! and the request that takes their fields over, which is tied to that version, nobody can come in.

use std::collections::BTreeSet;

use crate::document::effect::Forced;
use crate::remote::kubernetes::{Failure, Reason};

/// The fields that a rehearsal says are held by others, with their managers, as the cluster spells
/// them; `None` if it failed for another reason.
pub(super) fn of(failure: &Failure) -> Option<Vec<(String, String)>> {
    match failure.reason() {
        Some(Reason::Conflict(held)) => Some(held.clone()),
        Some(
            Reason::Changed
            | Reason::OtherObject
            | Reason::Exists
            | Reason::Absent
            | Reason::NamespaceAbsent
            | Reason::NamespaceEnding
            | Reason::KindAbsent
            | Reason::Immutable(_)
            | Reason::Invalid
            | Reason::Malformed
            | Reason::NoDryRun
            | Reason::Forbidden
            | Reason::Denied
            | Reason::Unauthorized
            | Reason::Busy
            | Reason::Expired
            | Reason::Other,
        )
        | None => None,
    }
}

/// In what the fields held by others are not those of the plan, in words.
pub(super) fn differ(planned: &[Forced], held: &[Forced]) -> Option<String> {
    let planned: BTreeSet<&Forced> = planned.iter().collect();
    let held: BTreeSet<&Forced> = held.iter().collect();
    let words = |one: &&Forced| format!("{} of {:?}", one.path, one.manager);
    if let Some(more) = held.difference(&planned).next() {
        return Some(format!(
            "it would also take over {}, which the plan does not say",
            words(more)
        ));
    }
    let less = planned.difference(&held).next();
    less.map(|less| format!("{} is not there to be taken over any more", words(less)))
}
