//! The built-in bundle as it is shipped, and the runner of tests.

use std::path::Path;

use countersign::files::open_folder;
use countersign::policy::builtin::FILES;
use countersign::policy::bundle::Bundle;
use countersign::policy::judge::PolicyError;
use countersign::policy::test::{Outcome, TestReport, run_tests};

use super::{folder, limits, load, program};

#[test]
fn every_file_in_policies_is_embedded() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let bundle = Bundle::load(false, &[("policies".to_owned(), open_folder(&path).unwrap())]);
    let bundle = bundle.unwrap();
    let found: Vec<(&str, &str)> =
        bundle.files().iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
    assert_eq!(found, FILES);
}

#[test]
fn the_tests_of_the_built_in_bundle_pass() {
    let bundle = Bundle::load(true, &[]).unwrap();
    let report = run_tests(program(), &bundle, limits()).unwrap();
    let bad: Vec<_> = report.tests.iter().filter(|test| test.outcome != Outcome::Passed).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert!(report.passes() && report.tests.len() > 24, "{}", report.tests.len());
}

fn outcomes(files: &[(&str, &str)]) -> Result<TestReport, PolicyError> {
    run_tests(program(), &load(files).unwrap(), limits())
}

const RULE: &str = "package main\ndeny contains \"x\" if input.effect.complete == false\n";

#[test]
fn a_test_passes_if_it_is_exactly_true() {
    let tests = r#"package main_test
import data.main

test_denies if count(main.deny) == 1 with input as {"effect": {"complete": false}}

test_false if count(main.deny) == 2 with input as {"effect": {"complete": false}}

test_plain_false := false

test_number := 1

test_text := "true"

test_error if to_number("x") == 1

test_cases[name] if { some name in ["a", "b"]; name == "a" }

test_set contains "a" if true

test_twice if true

test_twice if false

todo_test_later if false

not_a_test if false
"#;
    let report = outcomes(&[("m.rego", RULE), ("m_test.rego", tests)]).unwrap();
    let shown: Vec<String> = report
        .tests
        .iter()
        .map(|test| {
            let outcome = match &test.outcome {
                Outcome::Passed => "passed",
                Outcome::Failed => "failed",
                Outcome::Skipped => "skipped",
                Outcome::Error(_) => "error",
            };
            format!("{}:{} {} {outcome}", test.file, test.line, test.name)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "p/m_test.rego:4 main_test.test_denies passed",
            "p/m_test.rego:6 main_test.test_false failed",
            "p/m_test.rego:8 main_test.test_plain_false failed",
            "p/m_test.rego:10 main_test.test_number error",
            "p/m_test.rego:12 main_test.test_text error",
            "p/m_test.rego:14 main_test.test_error error",
            "p/m_test.rego:16 main_test.test_cases error",
            "p/m_test.rego:18 main_test.test_set error",
            "p/m_test.rego:20 main_test.test_twice passed",
            "p/m_test.rego:22 main_test.test_twice error",
            "p/m_test.rego:24 main_test.todo_test_later skipped",
        ]
    );
    assert!(!report.passes());
}

#[test]
fn no_tests_is_an_error_and_only_skipped_ones_do_not_pass() {
    assert!(matches!(outcomes(&[("m.rego", RULE)]), Err(PolicyError::NoTests)));
    let todo = "package t\ntodo_test_x if false\n";
    assert!(!outcomes(&[("m.rego", RULE), ("t_test.rego", todo)]).unwrap().passes());
    let good = "package t\ntest_x if true\n";
    assert!(outcomes(&[("m.rego", RULE), ("t_test.rego", good)]).unwrap().passes());
}

#[test]
fn a_bundle_that_is_refused_runs_no_tests() {
    let tests = "package t\ntest_x if cuont([]) == 0\ntest_y if true\n";
    let refused = outcomes(&[("m.rego", RULE), ("t_test.rego", tests)]);
    assert!(matches!(refused, Err(PolicyError::Refused(_))), "{refused:?}");
}

#[test]
fn beside_a_users_bundle_the_built_in_tests_are_not_run() {
    let files = folder(&[("m.rego", RULE), ("m_test.rego", "package t\ntest_x if true\n")]);
    let bundle = Bundle::load(true, &[("p".to_owned(), open_folder(files.path()).unwrap())]);
    let report = run_tests(program(), &bundle.unwrap(), limits()).unwrap();
    assert_eq!(report.tests.len(), 1);
}
