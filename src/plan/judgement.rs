//! What is thought of one change, and why. The reasons are derived and never stored.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::document::effect::{Certainty, Class, Flag, Preview, Step};
use crate::document::ident::{Pointer, ResourceId};
use crate::document::operation::{Propagation, ResourceRef};

/// One change as the rules see it: observed members only.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// Identity.
    pub id: ResourceId,
    /// The object, with its version.
    pub resource: &'a ResourceRef,
    /// `[create] [update] [delete] [delete,create] []`.
    pub actions: &'a [Step],
    /// How `after` came about.
    pub preview: &'a Preview,
    /// The object as it is; null if absent.
    pub before: &'a Value,
    /// The object as it will be; null if it goes.
    pub after: &'a Value,
    /// What only the target will decide.
    pub unknown: &'a [Pointer],
    /// uid of the object that is there; empty where none is, or it is not known.
    pub uid: &'a str,
    /// Of a delete: what happens to dependents.
    pub propagation: Option<Propagation>,
}

/// Why a change has its class or a flag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// Stable id of the rule, such as `workload.rolls`.
    pub rule: String,
    /// The class it gives.
    pub class: Class,
    /// How sure.
    pub certainty: Certainty,
    /// The pointer that changed; empty for the object as a whole.
    pub path: Pointer,
    /// One short clause for a person, such as `restarts its pods`; empty where the class says all.
    pub says: String,
}

/// What the rules make of one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Judgement {
    /// The worst it may do.
    pub class: Class,
    /// How sure that is.
    pub certainty: Certainty,
    /// Security-relevant facts.
    pub flags: BTreeSet<Flag>,
    /// Why, worst first.
    pub reasons: Vec<Reason>,
}
