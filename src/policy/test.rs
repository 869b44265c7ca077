//! Tests of policies: a test passes if it is exactly `true`. False, undefined, an error, and no
//! tests at all are four ways not to pass.

use std::path::Path;
use std::time::Duration;

use regorus::Value;
use serde::{Deserialize, Serialize};

use super::bundle::Bundle;
use super::check::{self, TestCase};
use super::engine;
use super::judge::{self, PolicyError, WorkerLimits};
use super::problem::Problem;
use super::request::{Answer, Request, Task};
use super::{builtin, data};

/// How one test ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It is true.
    Passed,
    /// It is false or undefined.
    Failed,
    /// Its name begins with `todo_`.
    Skipped,
    /// It could not be decided, and why.
    Error(String),
}

/// One test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestResult {
    /// Package and rule, without `data.`.
    pub name: String,
    /// `bundle/path`.
    pub file: String,
    /// Line of the rule, from 1.
    pub line: u32,
    /// How it ended.
    pub outcome: Outcome,
}

/// All tests, by file and line; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TestReport {
    /// Each test.
    pub tests: Vec<TestResult>,
}

impl TestReport {
    /// Whether every test passed; one that was skipped does not count against it, but one at least
    /// must have run.
    pub fn passes(&self) -> bool {
        let mut ran = 0_usize;
        let mut failed = 0_usize;
        for test in &self.tests {
            match test.outcome {
                Outcome::Passed => ran += 1,
                Outcome::Failed | Outcome::Error(_) => failed += 1,
                Outcome::Skipped => {}
            }
        }
        failed == 0 && ran > 0
    }
}

/// Runs the tests of a bundle in a worker process, the program at `program`. The built-in bundle's
/// own tests are run only where it is the only one: its thresholds are the user's elsewhere.
///
/// # Errors
/// [`PolicyError`], also where there is no test.
pub fn run_tests(
    program: &Path,
    bundle: &Bundle,
    limits: WorkerLimits,
) -> Result<TestReport, PolicyError> {
    let mut request = judge::request(bundle, Task::Test);
    let only_builtin = bundle.files().iter().all(|file| file.bundle == builtin::NAME);
    for module in &mut request.modules {
        module.run = module.tests && (only_builtin || !module.builtin);
    }
    match judge::ask(program, &request, &[], limits)? {
        Answer::Tested(tests) if tests.is_empty() => Err(PolicyError::NoTests),
        Answer::Tested(tests) => Ok(TestReport { tests }),
        Answer::Refused(problems) => Err(PolicyError::Refused(problems)),
        Answer::Judged(_) => Err(PolicyError::Mismatch),
    }
}

/// The worker's side.
pub(super) fn run(request: &Request, limit: Duration) -> Result<Vec<TestResult>, Vec<Problem>> {
    let merged = data::merge(&request.data)?;
    let mut checked = engine::bare(limit).map_err(|problem| vec![problem])?;
    let catalogue = check::check(&mut checked, &request.modules, &merged)?;
    let mut engine = checked;
    engine::add_data(&mut engine, &request.data)?;
    let mut results = Vec::new();
    for TestCase { name, file, line, unfit, todo } in catalogue.tests {
        let outcome = match (todo, unfit) {
            (true, _) => Outcome::Skipped,
            (false, "") => match engine.eval_rule(format!("data.{name}")) {
                Ok(Value::Bool(true)) => Outcome::Passed,
                Ok(Value::Bool(false) | Value::Undefined) => Outcome::Failed,
                Ok(
                    Value::Null
                    | Value::Number(_)
                    | Value::String(_)
                    | Value::Array(_)
                    | Value::Set(_)
                    | Value::Object(_),
                ) => Outcome::Error("it is neither true nor false".to_owned()),
                Err(error) => Outcome::Error(engine::problem(error).to_string()),
            },
            (false, unfit) => Outcome::Error(unfit.to_owned()),
        };
        results.push(TestResult { name, file, line, outcome });
    }
    Ok(results)
}
