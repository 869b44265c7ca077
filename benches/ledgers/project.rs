//! A project with manifests, a remote and a ledger; a desk where plans are made and approved, and
//! for each apply a runner that is born empty.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use countersign::custody::key_file::SecretKey;
use countersign::document::ident::Digest;
use countersign::files;
use countersign::remote::kubernetes::Identity;
use serde_json::json;

use crate::Kind;
use crate::support::cluster::{self, cluster};
use crate::support::git::git;
use crate::support::git_http::{GitHttp, Rights};
use crate::support::localstack;
use crate::support::proxy::Proxy;
use crate::trips::Counter;

/// Thresholds that let a plan of any size pass the built-in rules.
const SETTINGS: &str = r#"{"settings": {"max_changes": 1000000, "max_namespaces": 1000000}}"#;

/// The project, in a temporary folder.
pub(crate) struct Project {
    root: tempfile::TempDir,
    kind: Kind,
    files: usize,
    counter: Counter,
    rounds: Cell<usize>,
}

impl Project {
    /// A project of so many manifests, with an empty ledger.
    pub(crate) fn new(kind: Kind, files: usize) -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        let at = root.path();
        let counter = match kind {
            Kind::Local => Counter::Nobody,
            Kind::GitFile | Kind::GitCommit => Counter::program(&at.join("counting")),
            Kind::GitHttp => Counter::Server(GitHttp::serve(at, Rights::open())),
            Kind::Object => {
                let address = localstack::address().trim_start_matches("http://");
                Counter::Proxy(Proxy::before(address.parse().expect("it is an address")))
            }
            Kind::Kubernetes => Counter::Proxy(cluster().proxy()),
        };
        let project = Self { root, kind, files, counter, rounds: Cell::new(0) };
        project.make();
        project
    }

    fn make(&self) {
        let root = self.root.path();
        git(root, &["init", "--quiet", "--bare", "remote.git"]);
        git(root, &["init", "--quiet", "desk"]);
        let desk = root.join("desk");
        git(&desk, &["remote", "add", "origin", &self.address()]);
        fs::create_dir(root.join("home")).expect("a folder for the home");
        let person = "[user]\n\tname = carol\n\temail = carol@example.com\n";
        fs::write(root.join("home/.gitconfig"), person).expect("git knows who it is");
        for file in 0..self.files {
            let path = desk.join(format!("manifests/team-{:02}/app-{file:04}.yaml", file / 20));
            fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
            fs::write(path, manifest(file)).expect("a manifest is written");
        }
        let top = files::open_folder(root).expect("the folder opens");
        let keys = top.private_folder_made("keys").expect("a folder for keys");
        SecretKey::create(&keys, "carol", "carol", &[1; 32]).expect("a key is made");
        let init = ["init", "--name", "shop", "--person", "carol", "--key", "../keys/carol.pub"];
        self.desk(&init);
        for entry in fs::read_dir(desk.join("policies")).expect("init makes it") {
            fs::remove_file(entry.expect("an entry").path()).expect("the example rule goes");
        }
        fs::write(desk.join("policies/settings.json"), SETTINGS).expect("settings are written");
        let path = desk.join("countersign.toml");
        let text = fs::read_to_string(&path).expect("init makes it");
        let (before, _) = text.split_once("[ledger]").expect("init says where the ledger is");
        fs::write(path, format!("{before}[ledger]\n{}", self.ledger())).expect("it is written");
        self.desk(&["ledger", "create"]);
        self.commit("A project");
    }

    /// The table `ledger` of the project's configuration.
    fn ledger(&self) -> String {
        match &self.counter {
            Counter::Nobody => {
                format!("kind = \"local\"\npath = \"{}\"\n", self.path("ledger").display())
            }
            Counter::Program(_) | Counter::Server(_) => "kind = \"git\"\n".to_owned(),
            Counter::Proxy(proxy) if self.kind == Kind::Kubernetes => {
                let (namespace, user) = cluster::ledger::granted();
                user.kubeconfig_by(&self.path("home"), proxy);
                let Identity { uid, ca_spki } = cluster::ledger::identity();
                format!(
                    "kind = \"kubernetes\"\ncontext = \"prod\"\ncluster = \"{uid}\"\n\
                     ca = \"{ca_spki}\"\nnamespace = \"{}\"\n",
                    namespace.name()
                )
            }
            Counter::Proxy(proxy) => format!(
                "kind = \"object-store\"\nurl = \"{}\"\nregion = \"us-east-1\"\n\
                 endpoint = \"http://{}\"\n",
                localstack::bucket().url,
                proxy.address()
            ),
        }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    /// Of the remote.
    fn address(&self) -> String {
        match &self.counter {
            Counter::Server(http) => format!("http://{}/remote.git", http.address()),
            Counter::Nobody | Counter::Program(_) | Counter::Proxy(_) => {
                format!("file://{}", self.path("remote.git").display())
            }
        }
    }

    fn commit(&self, why: &str) {
        let desk = self.path("desk");
        git(&desk, &["add", "--all"]);
        git(&desk, &["commit", "--quiet", "-m", why]);
        git(&desk, &["push", "--quiet", "origin", "HEAD:main"]);
    }

    fn desk(&self, arguments: &[&str]) {
        self.run(self.command("desk", "state"), arguments);
    }

    /// The program in a clone, with a state folder and nothing else of this machine but its programs.
    fn command(&self, clone: &str, state: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.current_dir(self.path(clone)).env_clear().stdin(Stdio::null());
        command.env("PATH", path_of_this_machine()).env("HOME", self.path("home"));
        command.env("COUNTERSIGN_STATE", self.path(state));
        command.env("KUBECONFIG", self.path("home/kubeconfig"));
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            command.envs(localstack::credentials(name).map(|value| (name, value)));
        }
        command
    }

    /// Runs it to its end, and panics with what it said if that is not success.
    fn run(&self, mut command: Command, arguments: &[&str]) -> Duration {
        command.args(arguments);
        let begun = Instant::now();
        let output = command.output().expect("the program starts");
        let time = begun.elapsed();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {}\n{said}", output.status);
        time
    }

    /// Time by the clock of an apply of a plan that changes all files.
    pub(crate) fn apply(&self) -> Duration {
        self.applied(None)
    }

    /// Round trips of one more apply. It is not one that is timed, because counting may take time.
    pub(crate) fn trips(&self) -> String {
        let first = match &self.counter {
            Counter::Program(folder) => Some(folder.as_path()),
            Counter::Nobody | Counter::Server(_) | Counter::Proxy(_) => None,
        };
        self.applied(first);
        self.counter.take()
    }

    /// An apply whose programs are looked for in `first` before all else.
    fn applied(&self, first: Option<&Path>) -> Duration {
        let round = self.rounds.get();
        self.rounds.set(round + 1);
        let place = self.approved(round);
        let (clone, state) = (format!("runner-{round}"), format!("runner-{round}-state"));
        let address = self.address();
        let source = ["clone", "--quiet", "--single-branch", "--branch", "main", &address, &clone];
        git(self.root.path(), &source);
        let mut command = self.command(&clone, &state);
        command.env("COUNTERSIGN_APPLIER_KEY", self.path("state/keys/shop/applier"));
        if let Some(first) = first {
            let mut path = first.as_os_str().to_owned();
            path.push(":");
            path.push(path_of_this_machine());
            command.env("PATH", path);
        }
        let mut arguments = vec!["apply", &place, "--trusted", "."];
        arguments.extend((self.kind == Kind::GitCommit).then_some("--commit"));
        if let Counter::Server(_) | Counter::Proxy(_) = self.counter {
            let _before = self.counter.take();
        }
        let time = self.run(command, &arguments);
        fs::remove_dir_all(self.path(&clone)).expect("the runner's clone goes");
        time
    }

    /// Plans, approves and pushes a change of all files; where the plan is.
    fn approved(&self, round: usize) -> String {
        let desk = self.path("desk");
        if self.kind == Kind::GitCommit {
            git(&desk, &["pull", "--quiet", "--ff-only", "origin", "main"]);
        }
        let name = format!("change-{round}");
        let operations: Vec<_> = (0..self.files)
            .map(|file| {
                let resource = json!({
                    "apiVersion": "v1", "kind": "ConfigMap",
                    "namespace": format!("team-{:02}", file / 20), "name": format!("app-{file:04}"),
                });
                let merge = json!({"data": {"pool.size": format!("{}", 21 + round)}});
                json!({"patch": {"resource": resource, "merge": merge}})
            })
            .collect();
        let proposal = json!({
            "apiVersion": "countersign/v1", "kind": "Proposal", "name": name,
            "environment": "prod", "target": "manifests",
            "intent": {"request": "measure", "summary": format!("Change {} files", self.files)},
            "operations": operations,
        });
        fs::write(self.path("proposal.json"), proposal.to_string()).expect("it is written");
        self.desk(&["plan", "-f", "../proposal.json", "--requested-by", "carol"]);
        let place = format!("plans/{name}");
        let bytes = fs::read(desk.join(&place).join("plan.json")).expect("the plan is there");
        let digest = Digest::of(&bytes).to_string();
        self.desk(&["approve", &place, "--digest", &digest, "--key", "../keys/carol"]);
        self.commit("A plan, approved");
        place
    }
}

fn path_of_this_machine() -> std::ffi::OsString {
    std::env::var_os("PATH").expect("there is a PATH")
}

fn manifest(file: usize) -> String {
    format!(
        "# Read by app-{file:04} when it starts.\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  \
         name: app-{file:04}\n  namespace: team-{:02}\n  labels:\n    app: app-{file:04}\n    \
         tier: web  # read by the dashboards\ndata:\n  log.level: info\n  pool.size: \"20\"\n  \
         greeting: |\n    Welcome.\n    Have a look around.\n",
        file / 20
    )
}
