//! A folder of manifests: what is read of it, what is refused, and what operations make of it. And the
//! same of a cluster.

mod forms;
mod items;
mod kubernetes;
mod patches;
mod rehearsing;
mod tree;

use std::path::Path;

use countersign::config::{Config, DirectoryTarget, Limits, Target};
use countersign::document::ident::Label;
use countersign::intake::{Defaults, Source, read};
use countersign::observe::Observed;
use countersign::observe::directory::{ObserveError, observe};

fn label(text: &str) -> Label {
    text.parse().unwrap()
}

/// The target `m` of the folder `m`, with these lines in its entry.
fn target(lines: &str) -> DirectoryTarget {
    let text = format!(
        "name = \"a\"\n[environments.prod.targets.m]\nkind = \"directory\"\npath = \"m\"\n{lines}\n"
    );
    let config = Config::parse(&text).unwrap();
    match config.target(&label("prod"), &label("m")).unwrap() {
        Target::Directory(target) => target.clone(),
        other => panic!("{other:?}"),
    }
}

/// A project whose folder `m` has these files, made in this order.
fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("m")).unwrap();
    for (name, text) in files {
        let path = folder.path().join("m").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn configmap(name: &str, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: s\ndata:\n  a: {value}\n"
    )
}

/// What the operations (lines of YAML) make of a project's folder.
fn observed(
    project: &Path,
    target: &DirectoryTarget,
    operations: &str,
) -> Result<Observed, ObserveError> {
    let text = format!(
        "apiVersion: countersign/v1\nkind: Proposal\nname: one\nenvironment: prod\ntarget: m\noperations:\n{operations}"
    );
    let defaults = Defaults {
        project: label("a"),
        planner: label("planner"),
        name: None,
        environment: None,
        target: None,
        only: None,
        requested_by: None,
    };
    let source = Source { name: "p".to_owned(), bytes: text.into_bytes() };
    let proposal = read(&[source], &defaults, &Limits::default()).unwrap().proposal;
    observe(proposal, project, target, &Limits::default())
}

/// The error and everything it came from, in one text.
fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
