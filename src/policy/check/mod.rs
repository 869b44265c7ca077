//! The look at a bundle before it is asked: what the engine would find out only when a rule is
//! reached, or never, is an error here that names the place.

mod builtins;
mod call;
mod data;
mod entry;
mod graph;
mod index;
mod input;
mod scope;
mod syntax;
mod walk;

use regorus::Engine;
use serde_json::Value;

use super::engine::problem;
use super::problem::Problem;
use super::request::ModuleFile;

pub(super) use entry::{Entry, Kind, TestCase};

/// First part of the packages that belong to the built-in bundle.
pub(super) const OWN: &str = "countersign";
/// Package of the generated module, which no bundle may define.
pub(super) const AGGREGATOR: &str = "__countersign";

/// What there is to ask, once nothing is wrong.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    /// One per package and kind, sorted.
    pub(super) entries: Vec<Entry>,
    /// Every test, by file and line.
    pub(super) tests: Vec<TestCase>,
}

/// Parses every module into `engine`, and looks at all of them together.
pub(super) fn check(
    engine: &mut Engine,
    files: &[ModuleFile],
    data: &Value,
) -> Result<Catalogue, Vec<Problem>> {
    let mut problems = Vec::new();
    for file in files {
        if let Err(error) = engine.add_policy(file.file.clone(), file.text.clone()) {
            let mut found = problem(error);
            if found.file.is_empty() {
                found.file.clone_from(&file.file);
            }
            problems.push(found);
        }
    }
    // Without all modules, every name of a missing one would look undefined.
    if !problems.is_empty() {
        return Err(problems);
    }
    let parsed = engine.get_modules().clone();
    let index = index::Index::build(files, &parsed, data, &mut problems);
    let catalogue = entry::catalogue(&index, &mut problems);
    data::overlaps(&index, data, &mut problems);
    let uses = walk::walk(&index, &mut problems);
    graph::recursion(&index, &uses, &mut problems);
    if catalogue.entries.is_empty() && problems.is_empty() {
        let message =
            "no package defines `deny`, `warn` or `require_approval`: nothing would be asked";
        problems.push(Problem::new("", 0, message));
    }
    if problems.is_empty() {
        Ok(catalogue)
    } else {
        problems.sort();
        problems.dedup();
        Err(problems)
    }
}
