//! The process that has the servers of a cluster, and what it is given.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use super::authority::{Authority, Leaf};
use super::{USERS, random, user_name};

/// Who the servers are, and the groups they are in.
const SERVERS: [(&str, &str); 4] = [
    ("supervisor", "system:masters"),
    ("kube-controller-manager", "system:masters"),
    ("kube-scheduler", "system:masters"),
    ("kwok", "system:masters"),
];

/// The process that has the servers; it ends when its standard input does, and that does with this
/// process.
#[derive(Debug)]
pub(super) struct Supervisor {
    process: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// What the supervisor writes into the folder of the cluster.
pub(super) fn files(authority: &Authority) -> Value {
    let mut files = serde_json::Map::new();
    let mut pair = |name: &str, Leaf { pem, key }: Leaf| {
        files.insert(format!("{name}.pem"), pem.into());
        files.insert(format!("{name}.key"), key.into());
    };
    pair("ca", Leaf { pem: authority.pem().to_owned(), key: authority.key_pem() });
    pair("server", authority.server());
    pair("service-account", authority.client("service-account", &[]));
    for (name, group) in SERVERS {
        pair(name, authority.client(name, &[group]));
    }
    let tokens: String = (0..USERS)
        .map(|at| format!("{}{},{name},{name}\n", random(), random(), name = user_name(at)))
        .collect();
    files.insert("tokens.csv".to_owned(), tokens.into());
    files.into()
}

impl Supervisor {
    pub(super) fn start(files: &Value, arguments: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubernetes/serve.py");
        let mut process = Command::new("python3")
            .arg(script)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // A signal to the group of the tests leaves it time to end the servers.
            .process_group(0)
            .spawn()
            .unwrap();
        let commands = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().unwrap());
        let mut supervisor = Self { process, commands, answers };
        supervisor.command(&files.to_string());
        supervisor
    }

    pub(super) fn command(&mut self, line: &str) {
        let commands = self.commands.as_mut().unwrap();
        commands.write_all(format!("{line}\n").as_bytes()).unwrap();
        commands.flush().unwrap();
    }

    pub(super) fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "the cluster ended; its last words stand above");
        line.trim_end().to_owned()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.commands.take());
        // Whether it ended well is of no concern any more.
        drop(self.process.wait());
    }
}
