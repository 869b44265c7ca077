//! Two namespaces of one cluster with the same objects, one for `kubectl` and one for the release
//! build, with its project; and each piece of work as a process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use countersign::custody::key_file::SecretKey;
use countersign::document::ident::Digest;
use countersign::files;
use serde_json::{Value, json};

use crate::floor::Bare;
use crate::objects::{manifest, objects, proposal};
use crate::process::{Used, watch};
use crate::requests::Requests;
use crate::support::cluster::client::Client;
use crate::support::cluster::{Cluster, Namespace};

/// Thresholds that let a plan of any size pass the built-in rules.
const SETTINGS: &str = r#"{"settings": {"max_changes": 1000000, "max_deletes": 1000000,
 "max_outages": 1000000, "max_namespaces": 1000000, "max_dependents": 1000000}}"#;
/// How `kubectl` is to apply: as the release build does.
const KUBECTL: [&str; 3] = ["--server-side", "--field-manager=countersign", "-f"];

/// See the module.
pub(crate) struct Scene<'c> {
    root: tempfile::TempDir,
    theirs: Namespace,
    ours: Namespace,
    count: usize,
    kubectl: PathBuf,
    admin: Client,
    bare: Bare,
    cluster: &'c Cluster,
}

impl<'c> Scene<'c> {
    /// A scene of so many objects, none of which is there yet.
    pub(crate) fn new(cluster: &'c Cluster, count: usize) -> Self {
        let user = cluster.user();
        let all = json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]);
        cluster.grant(&user, None, &all);
        let (theirs, ours) = (cluster.namespace("theirs"), cluster.namespace("ours"));
        user.client()
            .wait_for(&ours.path("secrets"), "a right", |answer| answer["items"].is_array());
        let root = tempfile::tempdir().expect("a temporary folder");
        let config = root.path().join("home/.kube");
        fs::create_dir_all(&config).expect("a folder for the home");
        let path = user.kubeconfig(&config);
        fs::rename(path, config.join("config")).expect("it is renamed");
        let scene = Self {
            theirs,
            ours,
            count,
            kubectl: kubectl(),
            admin: cluster.admin(),
            bare: Bare::of(cluster, user.token()),
            root,
            cluster,
        };
        scene.make();
        scene
    }

    /// Objects on each side.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// What the API server was asked until now.
    pub(crate) fn requests(&self) -> Requests {
        Requests::so_far(&self.admin)
    }

    fn make(&self) {
        let root = self.root.path();
        let project = root.join("project");
        fs::create_dir(&project).expect("a folder");
        let top = files::open_folder(root).expect("the folder opens");
        let keys = top.private_folder_made("keys").expect("a folder for keys");
        SecretKey::create(&keys, "carol", "carol", &[1; 32]).expect("a key is made");
        let person = ["--person", "carol", "--key", "../keys/carol.pub"];
        let target = ["init", "--context", "prod", "--namespace", self.ours.name()];
        self.countersign(&[&target[..], &person[..]].concat());
        for entry in fs::read_dir(project.join("policies")).into_iter().flatten() {
            fs::remove_file(entry.expect("an entry").path()).expect("the example rule goes");
        }
        fs::create_dir_all(project.join("policies")).expect("a folder");
        fs::write(project.join("policies/settings.json"), SETTINGS).expect("settings are written");
    }

    fn objects(&self, namespace: &Namespace, version: usize) -> Vec<Value> {
        objects(namespace.name(), self.count, version)
    }

    /// The floor of a plan of this version.
    pub(crate) fn floor(&self, version: usize) -> Duration {
        self.bare.plan(self.ours.name(), &self.objects(&self.ours, version))
    }

    /// `kubectl diff` or `kubectl apply` of this version.
    pub(crate) fn kubectl(&self, verb: &str, version: usize) -> Used {
        let file = self.root.path().join("theirs.yaml");
        fs::write(&file, manifest(&self.objects(&self.theirs, version))).expect("it is written");
        let mut command = Command::new(&self.kubectl);
        command.arg(verb).args(KUBECTL).arg(file);
        // A diff that finds something ends with 1.
        self.run(command, if verb == "diff" { 1 } else { 0 })
    }

    /// `countersign plan` of this version.
    pub(crate) fn plan(&self, version: usize) -> Used {
        let (name, project) = (name(version), self.root.path().join("project"));
        let text = proposal(&name, &self.objects(&self.ours, version));
        fs::write(project.join("proposal.json"), text).expect("the proposal is written");
        self.countersign(&["plan", "-f", "proposal.json"])
    }

    /// The same where it has been applied, by another name.
    pub(crate) fn plan_again(&self, version: usize) -> Used {
        let text = proposal("again", &self.objects(&self.ours, version));
        let path = self.root.path().join("project/proposal.json");
        fs::write(path, text).expect("the proposal is written");
        self.countersign(&["plan", "-f", "proposal.json"])
    }

    /// The digest of the plan of this version.
    fn digest(&self, version: usize) -> String {
        let path = format!("project/plans/{}/plan.json", name(version));
        let bytes = fs::read(self.root.path().join(path)).expect("plan.json is there");
        Digest::of(&bytes).to_string()
    }

    /// `countersign apply` of a plan, which is approved before.
    pub(crate) fn apply(&self, version: usize) -> Used {
        let digest = self.digest(version);
        let place = format!("plans/{}", name(version));
        let key = ["--acknowledge", "data-loss,outage", "--key", "../keys/carol"];
        self.countersign(&[&["approve", &place, "--digest", &digest][..], &key[..]].concat());
        self.countersign(&["apply", &place, "--trusted", "."])
    }

    fn countersign(&self, arguments: &[&str]) -> Used {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.args(arguments);
        self.run(command, 0)
    }

    /// Runs a program in the project, which must end with this code.
    fn run(&self, mut command: Command, code: i32) -> Used {
        let root = self.root.path();
        let said = fs::File::create(root.join("stderr")).expect("a file for what it says");
        command.current_dir(root.join("project")).env_clear();
        command.env("HOME", root.join("home")).env("COUNTERSIGN_STATE", root.join("state"));
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
        let (used, status) = watch(&mut command);
        let said = fs::read_to_string(root.join("stderr")).unwrap_or_default();
        assert_eq!(status.code(), Some(code), "{command:?} of {}:\n{said}", self.cluster.server());
        used
    }
}

fn name(version: usize) -> String {
    format!("version-{version}")
}

/// Where `kubectl` is.
fn kubectl() -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubernetes/install");
    let output = Command::new(script).arg("--print").output().expect("the script runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let path = text.lines().find_map(|line| line.strip_prefix("kubectl "));
    PathBuf::from(path.expect("Kubernetes is installed: tests/kubernetes/install"))
}
