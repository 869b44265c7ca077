//! How often an apply asked its remote or its bucket.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::git::script_at;
use crate::support::git_http::{Asked, GitHttp};
use crate::support::proxy::Proxy;

/// What counts.
#[derive(Debug)]
pub(crate) enum Counter {
    /// Nobody is asked.
    Nobody,
    /// A program `git` before the machine's own, in a folder that is to be first in `PATH`.
    Program(PathBuf),
    /// The server of the repository.
    Server(GitHttp),
    /// A proxy before the store or the cluster.
    Proxy(Proxy),
}

impl Counter {
    /// A program that notes in this new folder what git is asked.
    pub(crate) fn program(folder: &Path) -> Self {
        let path = std::env::var("PATH").expect("there is a PATH");
        let git = std::env::split_paths(&path).map(|folder| folder.join("git"));
        let git = git.into_iter().find(|git| git.is_file()).expect("git is in PATH");
        fs::create_dir(folder).expect("a new folder");
        let script =
            format!("echo \"$*\" >> '{}/log'\nexec '{}' \"$@\"", folder.display(), git.display());
        script_at(&folder.join("git"), &script);
        Self::Program(folder.to_owned())
    }

    /// What happened since this was asked last.
    pub(crate) fn take(&self) -> String {
        match self {
            Self::Nobody => "none".to_owned(),
            Self::Program(folder) => {
                let log = folder.join("log");
                let said = fs::read_to_string(&log).expect("git was asked something");
                fs::remove_file(&log).expect("the log is this program's");
                let of =
                    |word| said.lines().filter(|line| line.split(' ').any(|at| at == word)).count();
                let [looks, fetches, pushes] = ["ls-remote", "fetch", "push"].map(of);
                match looks {
                    0 => git(fetches, pushes),
                    _ => format!("{looks} ls-remote, {}", git(fetches, pushes)),
                }
            }
            Self::Server(http) => {
                let served = http.take_served();
                let of = |what| served.iter().filter(|(asked, _)| *asked == what).count();
                let git = git(of(Asked::FetchRefs), of(Asked::PushRefs));
                format!("{git}: {} requests", served.len())
            }
            Self::Proxy(proxy) => {
                let mut counts = BTreeMap::<String, usize>::new();
                for seen in proxy.take_seen() {
                    let list = ["list-type=", "limit="].iter().any(|of| seen.target.contains(of));
                    let what = if list { "LIST".to_owned() } else { seen.method };
                    *counts.entry(what).or_default() += 1;
                }
                let all: usize = counts.values().sum();
                let each: Vec<_> =
                    counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
                format!("{}: {all} requests", each.join(", "))
            }
        }
    }
}

fn git(fetches: usize, pushes: usize) -> String {
    let many = |count, one: &str, many: &str| match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    };
    format!("{}, {}", many(fetches, "fetch", "fetches"), many(pushes, "push", "pushes"))
}
