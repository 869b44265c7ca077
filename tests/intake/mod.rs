//! What is taken in, as what; and what is refused, where, with which advice.

mod accepted;
mod gathering;
mod refused;
mod schema;

use countersign::config::Limits;
use countersign::intake::{Defaults, Intake, IntakeError, Located, Source, read};

pub(crate) fn label(text: &str) -> countersign::document::ident::Label {
    text.parse().unwrap()
}

fn defaults() -> Defaults {
    Defaults {
        project: label("shop"),
        planner: label("planner"),
        name: None,
        environment: None,
        target: None,
        only: None,
        requested_by: None,
    }
}

/// As the command line fills everything that manifests cannot say.
fn filled() -> Defaults {
    Defaults {
        name: Some(label("n")),
        environment: Some(label("prod")),
        target: Some(label("manifests")),
        ..defaults()
    }
}

fn source(text: impl Into<Vec<u8>>) -> Source {
    Source { name: "in.yaml".to_owned(), bytes: text.into() }
}

fn take(text: impl Into<Vec<u8>>, defaults: &Defaults) -> Result<Intake, IntakeError> {
    read(&[source(text)], defaults, &Limits::default())
}

fn problems(text: impl Into<Vec<u8>>) -> Vec<Located> {
    take(text, &filled()).unwrap_err().problems
}

fn fixture(name: &str) -> Source {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/proposals");
    Source { name: name.to_owned(), bytes: std::fs::read(path.join(name)).unwrap() }
}

/// A Proposal with these operations, as lines of YAML.
fn proposal(operations: &str) -> String {
    format!("apiVersion: countersign/v1\nkind: Proposal\noperations:\n{operations}")
}
