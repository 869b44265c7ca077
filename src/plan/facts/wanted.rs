//! What must be listed before class and radius can be settled: what the facts of these very changes
//! are read from, found by extracting them from what is known so far and noting what was missed.
//!
//! Rules are settled before anything is followed, so that a change that turns out harmless has no
//! dependents listed.

use std::collections::BTreeSet;

use super::needs::{Lists, covers};
use super::{Follow, gather, graph, rules};
use crate::observe::{ListOf, Surroundings};
use crate::plan::judgement::Case;

/// Steps of reading at most: one for each step of the walk, and a few for what rules read of what
/// they read. Nothing needs more; a cluster that answers otherwise each time must not keep us.
const STEPS: usize = 24;

/// The lists that are needed next, when those in `read` have been read (or refused) and gave
/// `around`. As few as possible: none is needed twice, and none is within another. Empty: the facts
/// can be extracted.
pub fn wanted(
    cases: &[Case<'_>],
    around: &Surroundings,
    read: &BTreeSet<ListOf>,
) -> BTreeSet<ListOf> {
    let graph = graph::Graph::asking(cases, around);
    rules(&graph, cases);
    let open = missing(graph.take_asked(), read);
    if !open.is_empty() {
        return open;
    }
    gather(&graph, cases, Follow::Disruptive);
    missing(graph.take_asked(), read)
}

fn missing(asked: Lists, read: &BTreeSet<ListOf>) -> BTreeSet<ListOf> {
    let new: Vec<ListOf> = asked
        .into_iter()
        .filter(|list| !list.kind.is_empty() && !read.iter().any(|read| covers(read, list)))
        .collect();
    let within = |list: &ListOf| new.iter().any(|other| other != list && covers(other, list));
    new.iter().filter(|list| !within(list)).cloned().collect()
}

/// Reads everything that the facts of these changes need, list by list, until nothing is missing.
/// `look` reads lists; what it cannot read it says in [`Surroundings::unread`].
///
/// # Errors
/// Those of `look`.
pub fn surround<E>(
    cases: &[Case<'_>],
    mut look: impl FnMut(&BTreeSet<ListOf>) -> Result<Surroundings, E>,
) -> Result<Surroundings, E> {
    let mut around = Surroundings::default();
    let mut read = BTreeSet::new();
    for _ in 0..STEPS {
        let open = wanted(cases, &around, &read);
        if open.is_empty() {
            return Ok(around);
        }
        let Surroundings { objects, unresolved, unread } = look(&open)?;
        around.objects.extend(objects);
        around.unresolved.extend(unresolved);
        around.unread.extend(unread);
        read.extend(open);
    }
    let left = "what stands around the changes: different at each look";
    around.unresolved.insert(left.to_owned());
    Ok(around)
}
