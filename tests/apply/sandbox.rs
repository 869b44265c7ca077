//! A target's folder beside a ledger, and one plan over it that makes, changes and removes files.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use countersign::apply::directory::execute;
use countersign::apply::{Report, Run};
use countersign::clock::Instant;
use countersign::document::effect::FileChange;
use countersign::document::statement::Outcome;
use countersign::files::open_folder;
use countersign::ledger::{Ledger, Spent};

use crate::support::apply::*;

pub(crate) struct Sandbox {
    pub(crate) path: PathBuf,
}

pub(crate) fn change(path: &str, before: Option<&str>, after: Option<&str>) -> FileChange {
    let [before, after] = [before, after].map(|text| text.map(str::to_owned));
    FileChange { path: path.to_owned(), before, after }
}

/// What the plan does.
pub(crate) fn files() -> Vec<FileChange> {
    vec![
        change("web.yaml", Some("replicas: 3\n"), Some("replicas: 5\n")),
        change("new/deep/flags.yaml", None, Some("beta: on\n")),
        change("jobs/old.yaml", Some("old\n"), None),
        change("jobs/db.yaml", Some("v: 1\n"), Some("v: 2\n")),
    ]
}

/// Every file with its bytes and permissions; every folder.
pub(crate) type Tree = BTreeMap<String, Option<(Vec<u8>, u32)>>;

impl Sandbox {
    pub(crate) fn new(folder: &Path) -> Self {
        drop(local_created(&folder.join("ledger")));
        let path = folder.join("target");
        std::fs::create_dir_all(path.join("jobs")).unwrap();
        let sandbox = Self { path };
        for file in files() {
            if let Some(text) = file.before {
                std::fs::write(sandbox.at(&file.path), text).unwrap();
            }
        }
        std::fs::write(sandbox.at("other.yaml"), "untouched\n").unwrap();
        let private = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(sandbox.at("web.yaml"), private).unwrap();
        sandbox
    }

    pub(crate) fn existing(folder: &Path) -> Self {
        Self { path: folder.join("target") }
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.path.join(path)
    }

    pub(crate) fn ledger(&self) -> Ledger {
        local(&self.path.with_file_name("ledger"))
    }

    pub(crate) fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        walk(&self.path, "", &mut tree);
        tree
    }

    /// The tree once every change is made.
    pub(crate) fn applied(&self) -> Tree {
        let folder = tempfile::tempdir().unwrap();
        let other = Self::new(folder.path());
        for file in files() {
            let path = other.at(&file.path);
            match file.after {
                Some(text) => {
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    std::fs::write(path, text).unwrap();
                }
                None => std::fs::remove_file(path).unwrap(),
            }
        }
        other.tree()
    }

    pub(crate) fn spent(&self, ledger: &Ledger, resume: bool) -> Spent {
        let lock = locked(ledger, "main", plan("a"), resume);
        spend(ledger, lock, &ids(&[10]), fresh(), resume).unwrap()
    }

    pub(crate) fn run(&self, ledger: &Ledger, spent: &Spent) -> Report {
        self.run_with(&files(), ledger, spent, &now, &|| false)
    }

    pub(crate) fn run_with(
        &self,
        files: &[FileChange],
        ledger: &Ledger,
        spent: &Spent,
        now: &dyn Fn() -> Instant,
        interrupted: &dyn Fn() -> bool,
    ) -> Report {
        let folder = open_folder(&self.path).unwrap();
        let expires_at = "2026-03-01T10:00:00Z".parse().unwrap();
        let (progress, recheck) = (&|_: &str| (), &|_| Ok(()));
        let run = Run { ledger, spent, expires_at, now, interrupted, progress, recheck };
        execute(files, &folder, &run)
    }

    /// Ends the round as the report says.
    pub(crate) fn finish(&self, ledger: &Ledger, spent: Spent, report: &Report) -> Outcome {
        let outcome = report.outcome();
        let receipt = receipt(spent.lock(), spent.apply_id(), outcome, report.lines());
        ledger.finish(spent, &envelope(&receipt), None).unwrap();
        outcome
    }
}

fn walk(folder: &Path, prefix: &str, tree: &mut Tree) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            walk(&entry.path(), &format!("{name}/"), tree);
            tree.insert(name, None);
        } else if kind.is_symlink() {
            let to = std::fs::read_link(entry.path()).unwrap();
            tree.insert(name, Some((to.to_str().unwrap().as_bytes().to_vec(), 0)));
        } else {
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            tree.insert(name, Some((std::fs::read(entry.path()).unwrap(), mode)));
        }
    }
}
