//! What must be listed before class and radius can be settled.

use std::collections::BTreeSet;

use crate::observe::ListOf;
use crate::plan::judgement::Case;

/// The lists that the rules of these changes need, as few as possible.
pub fn wanted(cases: &[Case<'_>]) -> BTreeSet<ListOf> {
    let _ = cases;
    BTreeSet::new()
}
