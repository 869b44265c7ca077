//! What the two processes say to each other. The request is its length as eight bytes, big-endian,
//! then that many bytes of JSON, then the plan's bytes to the end; the answer is one JSON document.

use serde::{Deserialize, Serialize};

use super::data::DataFile;
use super::problem::Problem;
use super::test::TestResult;
use super::verdict::{Finding, Raise};

/// What the worker is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Task {
    /// Judge the plan that follows.
    Judge,
    /// Run tests; no plan follows.
    Test,
}

/// One file of rules or tests.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ModuleFile {
    /// `bundle/path`.
    pub(super) file: String,
    /// Whether it is of the built-in bundle.
    pub(super) builtin: bool,
    /// Whether it holds tests.
    pub(super) tests: bool,
    /// Whether its tests are to be run.
    pub(super) run: bool,
    /// Its text.
    pub(super) text: String,
}

/// The JSON part of a request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Request {
    /// What to do.
    pub(super) task: Task,
    /// Rules and tests, sorted by file.
    pub(super) modules: Vec<ModuleFile>,
    /// Data, sorted by file.
    pub(super) data: Vec<DataFile>,
    /// Bytes of the plan that follow.
    pub(super) plan_bytes: u64,
}

/// What the worker answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Answer {
    /// The policies decided.
    Judged(Box<Judged>),
    /// The tests ran.
    Tested(Vec<TestResult>),
    /// The policies are wrong, or failed on this plan.
    Refused(Vec<Problem>),
}

/// What the policies decided.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Judged {
    /// Sorted.
    pub(super) deny: Vec<Finding>,
    /// Sorted.
    pub(super) warn: Vec<Finding>,
    /// Sorted.
    pub(super) require_approval: Vec<Raise>,
    /// How many rules were asked.
    pub(super) rules: u32,
}
