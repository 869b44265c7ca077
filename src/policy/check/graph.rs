//! No rule and no function needs itself, by whatever way: the engine ends its process there.

use std::collections::{BTreeMap, BTreeSet};

use super::super::problem::Problem;
use super::index::{Index, Path};

/// What each rule reads.
pub(super) type Uses = BTreeMap<Path, BTreeSet<Path>>;

/// Notes the rules that need themselves. Iterative, so that a long chain of rules is no danger.
pub(super) fn recursion(index: &Index<'_>, uses: &Uses, problems: &mut Vec<Problem>) {
    let mut readers: BTreeMap<&Path, Vec<&Path>> = BTreeMap::new();
    let mut open: BTreeMap<&Path, usize> = BTreeMap::new();
    for (reader, read) in uses {
        open.insert(reader, read.len());
        for rule in read {
            readers.entry(rule).or_default().push(reader);
        }
    }
    let mut settled: Vec<&Path> =
        index.rules.keys().filter(|rule| open.get(rule).is_none_or(|count| *count == 0)).collect();
    while let Some(rule) = settled.pop() {
        open.remove(rule);
        for reader in readers.get(rule).into_iter().flatten() {
            if let Some(count) = open.get_mut(*reader) {
                *count -= 1;
                if *count == 0 {
                    settled.push(reader);
                }
            }
        }
    }
    // What is left needs itself, or needs something that does. Follow it into the circle.
    while let Some(start) = open.keys().next().copied() {
        let circle = circle(start, uses, &open);
        if let Some(named) = circle.first().and_then(|first| index.rules.get(*first)) {
            let names: Vec<String> =
                circle.iter().chain(circle.first()).map(|rule| rule.join(".")).collect();
            let message = format!("recursion: {}", names.join(" needs "));
            problems.push(Problem::new(&named.file, named.line, message));
        }
        // One circle is reported for all that lead to it; the next run shows the next.
        open.clear();
    }
}

fn circle<'a>(start: &'a Path, uses: &'a Uses, open: &BTreeMap<&Path, usize>) -> Vec<&'a Path> {
    let mut way: Vec<&Path> = Vec::new();
    let mut at = start;
    loop {
        if let Some(seen) = way.iter().position(|rule| *rule == at) {
            return way.split_off(seen);
        }
        way.push(at);
        let next = uses.get(at).and_then(|read| read.iter().find(|rule| open.contains_key(rule)));
        match next {
            Some(next) => at = next,
            None => return way,
        }
    }
}
