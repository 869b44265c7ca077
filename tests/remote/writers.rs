//! Who may change something: `apply` and `ledger` alone name the way to do so.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

fn words(tokens: TokenStream, found: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => words(group.stream(), found),
            TokenTree::Ident(ident) => found.push(ident.to_string()),
            TokenTree::Punct(punct) => found.push(punct.as_char().to_string()),
            TokenTree::Literal(_) => {}
        }
    }
}

/// Whether a source takes hold of the way to write, by its name or with all that stands beside it.
fn takes_the_writer(source: &str) -> bool {
    let mut found = Vec::new();
    words(source.parse().unwrap(), &mut found);
    let has = |word: &str| found.iter().any(|one| one == word);
    let everything = found.windows(4).any(|four| {
        matches!(four, [name, a, b, star] if name == "kubernetes" && a == ":" && b == ":" && star == "*")
    });
    (has("remote") && has("Writer")) || everything
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn apply_and_ledger_alone_can_change_a_cluster() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    sources(&root, &mut all);
    let mut rooms = BTreeSet::new();
    for path in all {
        if takes_the_writer(&std::fs::read_to_string(&path).unwrap()) {
            let below = path.strip_prefix(&root).unwrap();
            let room = below.components().next().unwrap().as_os_str().to_str().unwrap();
            rooms.insert(room.trim_end_matches(".rs").to_owned());
        }
    }
    assert!(rooms.contains("apply"), "it is found where it is");
    rooms.retain(|room| !["apply", "ledger", "remote"].contains(&room.as_str()));
    assert_eq!(rooms, BTreeSet::new());
}

#[test]
fn every_way_to_take_the_writer_is_seen() {
    for source in [
        "use crate::remote::kubernetes::Writer;",
        "use crate::remote::{kubernetes::{Cluster, Writer}, worker};",
        "use crate::remote::kubernetes as k; fn f(_: k::Writer) {}",
        "fn f() { crate::remote::kubernetes::Writer::of(c) }",
        "use crate::remote::kubernetes::Writer as Other;",
        "use crate::remote::kubernetes::*;",
        "use crate::remote::{kubernetes::*};",
    ] {
        assert!(takes_the_writer(source), "{source}");
    }
    for source in ["use crate::remote::kubernetes::Cluster;", "struct Writer; use std::io::*;"] {
        assert!(!takes_the_writer(source), "{source}");
    }
}
