//! Bare repositories and clones of them, made by the real git, far from the settings of whoever
//! runs the tests.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use countersign::clock::Instant;
use countersign::git::{Remote, Repository, Surroundings};

/// An environment in which git knows nothing of this machine's user.
pub(crate) fn environment(home: &Path) -> Vec<(OsString, OsString)> {
    vec![
        ("PATH".into(), std::env::var_os("PATH").unwrap()),
        ("HOME".into(), home.into()),
        ("GIT_CONFIG_GLOBAL".into(), home.join("gitconfig").into()),
        ("GIT_CONFIG_NOSYSTEM".into(), "1".into()),
    ]
}

/// How tests run git.
pub(crate) fn surroundings(home: &Path) -> Surroundings {
    Surroundings {
        program: "git".into(),
        environment: environment(home),
        patience: Duration::from_secs(60),
        interrupted: Arc::new(|| false),
        clock: Arc::new(Instant::now),
    }
}

/// Runs git as a person would.
pub(crate) fn output(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("git");
    command.env_clear().envs(environment(folder)).current_dir(folder);
    command.args(["-c", "user.name=Person", "-c", "user.email=person@example.com"]);
    command.args(["-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"]);
    command.args(arguments).output().unwrap()
}

/// As [`output`], which must end well; what it wrote on stdout, without its last line feed.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = output(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// A bare repository with one commit on `main`, and room for clones beside it.
pub(crate) struct Server {
    pub(crate) folder: tempfile::TempDir,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self::of("sha1")
    }

    pub(crate) fn of(format: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let format = format!("--object-format={format}");
        git(at, &["init", "--quiet", "--bare", &format, "remote.git"]);
        git(at, &["init", "--quiet", &format, "first"]);
        let first = at.join("first");
        for number in 1..=3 {
            std::fs::write(first.join("README"), format!("{number}\n")).unwrap();
            git(&first, &["add", "README"]);
            git(&first, &["commit", "--quiet", "-m", &format!("Number {number}")]);
        }
        let server = Self { folder };
        git(&first, &["push", "--quiet", &server.address(), "main"]);
        git(&server.bare(), &["symbolic-ref", "HEAD", "refs/heads/main"]);
        server
    }

    pub(crate) fn bare(&self) -> PathBuf {
        self.folder.path().join("remote.git")
    }

    pub(crate) fn address(&self) -> String {
        format!("file://{}", self.bare().display())
    }

    /// A new clone, by name.
    pub(crate) fn clone(&self, name: &str, options: &[&str]) -> PathBuf {
        let address = self.address();
        let arguments = [&["clone", "--quiet"], options, &[address.as_str(), name]].concat();
        git(self.folder.path(), &arguments);
        self.folder.path().join(name)
    }

    pub(crate) fn surroundings(&self) -> Surroundings {
        surroundings(self.folder.path())
    }

    /// A new clone, opened.
    pub(crate) fn cloned(&self, name: &str) -> Repository {
        Repository::open(&self.clone(name, &[]), self.surroundings()).unwrap()
    }

    /// Where a branch is; empty if it is missing.
    pub(crate) fn tip(&self, branch: &str) -> String {
        let name = format!("refs/heads/{branch}");
        let found = output(&self.bare(), &["rev-parse", "--verify", "--quiet", &name]);
        String::from_utf8(found.stdout).unwrap().trim_end().to_owned()
    }

    /// A hook of the server, a script of the shell.
    pub(crate) fn hook(&self, name: &str, script: &str) {
        script_at(&self.bare().join("hooks").join(name), script);
    }
}

/// A clone of `remote.git` in the folder beside it, made if it is not there.
pub(crate) fn cloned(folder: &Path, name: &str) -> PathBuf {
    let clone = folder.join(name);
    if !clone.exists() {
        let address = format!("file://{}", folder.join("remote.git").display());
        git(folder, &["clone", "--quiet", &address, name]);
    }
    clone
}

/// Writes a script that can be run.
pub(crate) fn script_at(path: &Path, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

pub(crate) fn origin() -> Remote {
    "origin".parse().unwrap()
}
