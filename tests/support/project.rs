//! A whole project in a folder of its own: manifests, keys, trust root, policies and ledger, made by
//! the program's own commands. Every command runs in this process, with a clock of the test.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use countersign::cli;
use countersign::cli::world::World;
use countersign::clock::Instant;
use countersign::custody::key_file::SecretKey;
use countersign::custody::passphrase;
use countersign::document::code::Code;
use countersign::document::ident::Digest;
use countersign::document::statement::{Approval, Decision, Statement};
use countersign::files::open_folder;
use countersign::gate::{Papers, Trusted};
use countersign::ledger::local::Local;
use countersign::ledger::{Home, Ledger};
use countersign::trust::envelope::seal;

use super::apply::{fresh, label, now};
use super::trust::secret;

/// The seed of a person's key. Erin owns the machines; alice, bob and carol approve; mallory and
/// `alice2` are not enrolled.
pub(crate) const PEOPLE: [(&str, u8); 6] =
    [("erin", 10), ("alice", 11), ("bob", 12), ("carol", 13), ("mallory", 14), ("alice2", 15)];

/// The folder of the plan that tests work on, beneath the project.
pub(crate) const PLAN: &str = "plans/change";

const FLAGS: &str = "\
# Switches of the shop.
apiVersion: v1
kind: ConfigMap
metadata:
  name: flags
  namespace: shop
data:
  beta: \"off\"   # the new checkout
";
const OLD: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: old
  namespace: shop
data:
  a: b
";
const LIMITS: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: limits
  namespace: shop
data:
  most: \"10\"
";

/// One change of one object.
pub(crate) const SMALL: &str = "\
apiVersion: countersign/v1
kind: Proposal
name: change
environment: prod
target: manifests
intent: {request: more, summary: less}
operations:
- id: flags
  patch:
    resource: {apiVersion: v1, kind: ConfigMap, namespace: shop, name: flags}
    merge: {data: {beta: \"on\"}}
";

/// A change, a removal and two new files, one in a new folder.
pub(crate) const MANY: &str = "\
apiVersion: countersign/v1
kind: Proposal
name: change
environment: prod
target: manifests
intent: {request: more, summary: less}
operations:
- id: flags
  patch:
    resource: {apiVersion: v1, kind: ConfigMap, namespace: shop, name: flags}
    merge: {data: {beta: \"on\"}}
- id: gone
  delete: {apiVersion: v1, kind: ConfigMap, namespace: shop, name: old}
  dependsOn: [flags]
- id: fresh
  apply: {apiVersion: v1, kind: ConfigMap, metadata: {name: fresh, namespace: shop}, data: {x: \"1\"}}
- id: far
  apply: {apiVersion: v1, kind: ConfigMap, metadata: {name: far, namespace: other}, data: {x: \"1\"}}
  dependsOn: [gone]
";

/// How a command ended, and what it printed.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Code,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Fails unless the command ended so; gives what it wrote to stderr.
    #[track_caller]
    pub(crate) fn must(&self, code: Code) -> &str {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        &self.err
    }

    /// Fails unless the command ended so, and names this.
    #[track_caller]
    pub(crate) fn must_say(&self, code: Code, what: &str) {
        self.must(code);
        assert!(self.err.contains(what), "{what:?} is not in\n{}", self.err);
    }
}

/// What a test gives for the time.
pub(crate) type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// Where a command runs in this process.
pub(crate) struct Place {
    pub(crate) directory: PathBuf,
    pub(crate) home: PathBuf,
    pub(crate) state: PathBuf,
    pub(crate) environment: Vec<(OsString, OsString)>,
}

impl Place {
    /// Runs one command line by this clock.
    pub(crate) fn run(self, clock: &Clock, arguments: &[&str]) -> Said {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let variables = [("HOME", self.home), ("COUNTERSIGN_STATE", self.state)];
        let text = |(name, path): (&str, PathBuf)| (name.to_owned(), path.display().to_string());
        let mut world = World {
            stdin: &mut std::io::empty(),
            stdout: &mut out,
            stderr: &mut err,
            environment: self.environment,
            variables: variables.map(text).into(),
            directory: self.directory,
            program: env!("CARGO_BIN_EXE_countersign").into(),
            host: "runner".to_owned(),
            answers: false,
            terminal: false,
            watched: false,
            clock: Arc::clone(clock),
            passphrase: |_| Err(std::io::Error::other("nobody answers")),
            interrupted: Arc::new(AtomicBool::new(false)),
        };
        let line = ["countersign"].iter().chain(arguments).map(OsString::from);
        let code = cli::run(line, &mut world);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { code, out: text(out), err: text(err) }
    }
}

/// Every file beneath a folder: its bytes, or where it points to.
pub(crate) type Snapshot = BTreeMap<String, Vec<u8>>;

pub(crate) struct Project {
    root: PathBuf,
    _kept: Option<tempfile::TempDir>,
    clock: Clock,
}

impl Project {
    /// A project with nothing planned.
    pub(crate) fn new() -> Self {
        static BARE: OnceLock<Project> = OnceLock::new();
        BARE.get_or_init(Self::made).copied()
    }

    /// A project with [`SMALL`] planned.
    pub(crate) fn planned() -> Self {
        static PLANNED: OnceLock<Project> = OnceLock::new();
        PLANNED.get_or_init(|| Self::new().with_plan(SMALL)).copied()
    }

    /// A project with [`SMALL`] planned, and approved by alice and bob.
    pub(crate) fn approved() -> Self {
        static APPROVED: OnceLock<Project> = OnceLock::new();
        APPROVED.get_or_init(|| Self::planned().with_approvals()).copied()
    }

    /// A project with [`MANY`] planned, and approved by alice and bob.
    pub(crate) fn many_approved() -> Self {
        static APPROVED: OnceLock<Project> = OnceLock::new();
        APPROVED.get_or_init(|| Self::new().with_plan(MANY).with_approvals()).copied()
    }

    /// The project that lies in this folder already.
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), _kept: None, clock: Arc::new(now) }
    }

    /// This project, with a clock of the test.
    pub(crate) fn with_clock(self, clock: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// This project, so many seconds later.
    pub(crate) fn later(self, seconds: i64) -> Self {
        self.with_clock(move || now().plus_seconds(seconds))
    }

    fn copied(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(&self.root, folder.path());
        let root = folder.path().to_owned();
        Self { root, _kept: Some(folder), clock: Arc::new(now) }
    }

    /// A copy of this project into a folder that is there.
    pub(crate) fn copied_to(&self, folder: &Path) -> Self {
        copy(&self.root, folder);
        Self::at(folder)
    }

    fn made() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o700)).unwrap();
        for name in ["home", "shop/manifests/shop"] {
            std::fs::create_dir_all(root.join(name)).unwrap();
        }
        for (name, text) in [("flags", FLAGS), ("old", OLD), ("limits", LIMITS)] {
            let path = root.join(format!("shop/manifests/shop/{name}.yaml"));
            std::fs::write(path, text).unwrap();
        }
        let keys = open_folder(&root).unwrap().private_folder_made("keys").unwrap();
        for (person, seed) in PEOPLE {
            SecretKey::create(&keys, person, person, &[seed; 32]).unwrap();
        }
        let project = Self { root, _kept: Some(folder), clock: Arc::new(now) };
        project.works(&["init", "--person", "erin", "--key", "../keys/erin.pub"]);
        for person in ["alice", "bob", "carol"] {
            let key = format!("../keys/{person}.pub");
            project.works(&["trust", "add", person, "--key", &key, "--role", "approver"]);
        }
        project.works(&["trust", "quorum", "prod", "--require", "approver=2"]);
        project
    }

    /// This project with a proposal planned.
    pub(crate) fn with_plan(self, proposal: &str) -> Self {
        std::fs::write(self.root.join("proposal.yaml"), proposal).unwrap();
        self.works(&["plan", "-f", "../proposal.yaml", "--requested-by", "erin"]);
        self
    }

    /// This project with the plan approved by alice and bob.
    pub(crate) fn with_approvals(self) -> Self {
        for person in ["alice", "bob"] {
            self.approve(person);
        }
        self
    }

    /// The folder of everything.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A file of the project.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.root.join("shop").join(name)
    }

    /// A file of the plan's folder.
    pub(crate) fn paper(&self, name: &str) -> PathBuf {
        self.file(PLAN).join(name)
    }

    /// Replaces one text by another in a file of the project; it must be there.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let path = self.file(name);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from:?} is not in {text}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    }

    /// Runs one command line in the project's folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        let place = Place {
            directory: self.root.join("shop"),
            home: self.root.join("home"),
            state: self.root.join("state"),
            environment: std::env::vars_os().collect(),
        };
        place.run(&self.clock, arguments)
    }

    /// As [`Project::run`], for a command that must succeed.
    #[track_caller]
    pub(crate) fn works(&self, arguments: &[&str]) {
        self.run(arguments).must(Code::Ok);
    }

    pub(crate) fn apply(&self) -> Said {
        self.apply_with(&[])
    }

    pub(crate) fn apply_with(&self, more: &[&str]) -> Said {
        self.run(&[&["apply", PLAN, "--trusted", "."], more].concat())
    }

    pub(crate) fn verify(&self) -> Said {
        self.run(&["verify", PLAN, "--trusted", "."])
    }

    #[track_caller]
    pub(crate) fn approve(&self, person: &str) {
        let key = format!("../keys/{person}");
        let digest = self.digest().to_string();
        let all = "--acknowledge=data-loss,outage";
        self.works(&["approve", PLAN, "--key", &key, "--digest", &digest, all]);
    }

    /// Digest of the plan as it lies there.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&std::fs::read(self.paper("plan.json")).unwrap())
    }

    pub(crate) fn trusted(&self) -> Trusted {
        Trusted::load(&self.file("")).unwrap()
    }

    pub(crate) fn papers(&self) -> Papers {
        Papers::read(&open_folder(&self.file(PLAN)).unwrap()).unwrap()
    }

    pub(crate) fn ledger(&self) -> Ledger {
        let folder = self.root.join("state/ledgers/shop");
        Ledger::open(Home::local(Local::open(&folder).unwrap()), &label("shop")).unwrap()
    }

    /// The private key of `planner` or `applier`.
    pub(crate) fn machine(&self, name: &str) -> SecretKey {
        let path = self.root.join("state/keys/shop").join(name);
        SecretKey::read(&path, &mut passphrase::nobody).unwrap()
    }

    /// An approval by somebody that nothing is wrong with.
    pub(crate) fn approval(&self, person: &str) -> Approval {
        let trusted = self.trusted();
        Approval {
            decision: Decision::Approve,
            approval_id: fresh(),
            principal: label(person),
            approved_at: now(),
            expires_at: now().plus_seconds(3_600),
            policy_digest: trusted.bundle.digest(),
            trust_version: trusted.root.version().to_string(),
            renderer: "test".to_owned(),
            reason: String::new(),
        }
    }

    /// Puts an approval of this plan beside it, signed with this key.
    pub(crate) fn put(&self, key: &SecretKey, approval: Approval) {
        self.put_for(self.digest(), key, approval);
    }

    /// As [`Project::put`], for a plan of this digest.
    pub(crate) fn put_for(&self, plan: Digest, key: &SecretKey, approval: Approval) {
        let id: String = approval.approval_id.as_str().chars().take(12).collect();
        let name = format!("{}-{id}.intoto.json", approval.principal);
        let statement = Statement { plan, predicate: approval };
        self.put_paper(&name, &seal(&statement.to_bytes().unwrap(), key).unwrap());
    }

    /// Puts these bytes among the approvals.
    pub(crate) fn put_paper(&self, name: &str, bytes: &[u8]) {
        let folder = self.paper("approvals");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), bytes).unwrap();
    }

    /// Everything that must stay as it was: project, plans, and what the ledger says. Locks that
    /// nobody holds and the empty files of [`files::Hold`](countersign::files::Hold) say nothing.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut all = Snapshot::new();
        walk(&self.root, "", &mut all);
        all.retain(|name, bytes| {
            let says_nothing = name.starts_with("state/ledgers/shop/hold")
                || name.ends_with("write.hold")
                || (name.contains("/lock/") && String::from_utf8_lossy(bytes).contains("null"));
            !says_nothing
        });
        all
    }

    /// The manifests alone.
    pub(crate) fn manifests(&self) -> Snapshot {
        let mut all = Snapshot::new();
        walk(&self.file("manifests"), "", &mut all);
        all
    }

    /// An apply that must be refused so, saying this, and change nothing.
    #[track_caller]
    pub(crate) fn refuses(&self, code: Code, what: &str) {
        let before = self.snapshot();
        let said = self.apply();
        said.must_say(code, what);
        assert!(self.snapshot() == before, "something changed: {}", said.err);
    }
}

/// The key of a person.
pub(crate) fn key_of(person: &str) -> SecretKey {
    let found = PEOPLE.iter().find(|(name, _)| *name == person).unwrap();
    secret(found.1)
}

/// Every file beneath a folder, by its path; folders by their path and a slash.
pub(crate) fn walk(folder: &Path, prefix: &str, all: &mut Snapshot) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().into_string().unwrap());
        let kind = entry.file_type().unwrap();
        if kind.is_symlink() {
            let to = std::fs::read_link(entry.path()).unwrap();
            all.insert(name, to.into_os_string().into_encoded_bytes());
        } else if kind.is_dir() {
            walk(&entry.path(), &format!("{name}/"), all);
        } else {
            all.insert(name, std::fs::read(entry.path()).unwrap());
        }
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
            std::fs::set_permissions(&to, entry.metadata().unwrap().permissions()).unwrap();
        } else {
            std::fs::copy(entry.path(), &to).unwrap();
        }
    }
}
