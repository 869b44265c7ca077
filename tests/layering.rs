//! A room names only rooms above it in `src/lib.rs`, by whatever spelling.

use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// The crate's modules, uppermost first, as `src/lib.rs` lists them.
fn rooms(lib: &str) -> Vec<String> {
    let file = syn::parse_file(lib).unwrap();
    let mut rooms = Vec::new();
    for item in file.items {
        match item {
            syn::Item::Mod(item) => rooms.push(item.ident.to_string()),
            other => panic!("src/lib.rs holds more than its rooms: {other:?}"),
        }
    }
    rooms
}

/// Every way in which the source of one module leaves the order.
fn violations(rooms: &[String], module: &[String], source: &str) -> Vec<String> {
    let file = syn::parse_file(source).unwrap();
    let mut visitor = Paths { rooms, module: module.to_vec(), found: Vec::new() };
    visitor.visit_file(&file);
    visitor.found
}

struct Paths<'a> {
    rooms: &'a [String],
    module: Vec<String>,
    found: Vec<String>,
}

impl Paths<'_> {
    /// Checks a path as written; `open` says that it brings all of a module into reach.
    fn check(&mut self, segments: &[String], open: bool) {
        let mut at = self.module.clone();
        let mut rest = segments;
        match rest.first().map(String::as_str) {
            Some("crate") => at.clear(),
            Some("self" | "super") => {}
            Some(_) | None => return,
        }
        while let [first, more @ ..] = rest {
            match first.as_str() {
                "crate" | "self" => {}
                "super" => {
                    at.pop();
                }
                _ => break,
            }
            rest = more;
        }
        at.extend(rest.iter().cloned());
        let shown = segments.join("::");
        let own = self.rooms.iter().position(|room| Some(room) == self.module.first());
        match at.first() {
            None if open => self.found.push(format!("`{shown}` opens the crate's root")),
            None => {}
            Some(named) => {
                let named_at = self.rooms.iter().position(|room| room == named);
                match (own, named_at) {
                    (Some(own), Some(named_at)) if named_at <= own => {}
                    (_, None) => self.found.push(format!("`{shown}` names no room")),
                    _ => self.found.push(format!("`{shown}` names a room below")),
                }
            }
        }
    }

    fn tree(&mut self, tree: &syn::UseTree, before: &[String]) {
        let mut path = before.to_vec();
        match tree {
            syn::UseTree::Path(item) => {
                path.push(item.ident.to_string());
                self.tree(&item.tree, &path);
            }
            syn::UseTree::Name(item) => {
                path.push(item.ident.to_string());
                self.check(&path, true);
            }
            syn::UseTree::Rename(item) => {
                path.push(item.ident.to_string());
                self.check(&path, true);
            }
            syn::UseTree::Glob(_) => self.check(&path, true),
            syn::UseTree::Group(group) => {
                for item in &group.items {
                    self.tree(item, &path);
                }
            }
        }
    }

    /// Paths inside macro calls, which are only tokens to the parser.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.check(&std::mem::take(&mut path), false);
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.check(&std::mem::take(&mut path), false);
                    self.tokens(group.stream());
                    colons = 0;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    self.check(&std::mem::take(&mut path), false);
                    colons = 0;
                }
            }
        }
        self.check(&path, false);
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&item.tree, &[]);
    }
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<_> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        self.check(&segments, false);
        visit::visit_path(self, path);
    }
    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn a_room_names_only_rooms_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rooms = rooms(&std::fs::read_to_string(src.join("lib.rs")).unwrap());
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut found = Vec::new();
    let mut seen = 0;
    for file in files {
        let inside = file.strip_prefix(&src).unwrap().with_extension("");
        let mut module: Vec<_> =
            inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        if module == ["lib"] || module == ["main"] {
            continue;
        }
        if module.last().is_some_and(|last| last == "mod") {
            module.pop();
        }
        seen += 1;
        let source = std::fs::read_to_string(&file).unwrap();
        for line in violations(&rooms, &module, &source) {
            found.push(format!("{}: {line}", inside.display()));
        }
    }
    assert!(seen > rooms.len(), "only {seen} modules were read");
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_way_around_the_order_is_seen() {
    let rooms = ["document", "plan", "gate"].map(str::to_owned);
    let module = ["plan".to_owned(), "seal".to_owned()];
    let good = [
        "use crate::document::ident::Label;",
        "use super::diff; fn f() { self::g(); super::diff::fields(); }",
        "use std::gate::Thing; use serde_json::Value;",
        "mod tests { use super::*; use super::super::diff; }",
        "fn f() { println!(\"{}\", crate::document::NAME); }",
        "pub(crate) fn f() {}",
    ];
    for source in good {
        assert_eq!(violations(&rooms, &module, source), [""; 0], "{source}");
    }
    let bad = [
        "use crate::gate::Authorized;",
        "use crate::{document, gate::{self, Authorized}};",
        "pub use crate::gate::Authorized as Yes;",
        "pub use super::super::gate;",
        "use super::super::gate::Authorized;",
        "fn f() { crate::gate::open(); }",
        "fn f() -> super::super::gate::Authorized { todo() }",
        "fn f() { println!(\"{}\", crate::gate::NAME); }",
        "fn f() { vec![(super::super::gate::NAME)]; }",
        "use crate as root; fn f() { root::gate::open(); }",
        "use crate::*;",
        "use super::super::*;",
        "mod inner { use super::super::super::gate; }",
        "impl crate::gate::Open for X {}",
        "type X = Vec<crate::gate::Authorized>;",
        "use crate::elsewhere::X;",
    ];
    for source in bad {
        assert!(!violations(&rooms, &module, source).is_empty(), "{source}");
    }
}
