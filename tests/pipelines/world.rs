//! A project with its remote and its people: a bare repository, and one clone per person.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use countersign::cli;
use countersign::cli::world::World as Surroundings;
use countersign::clock::Instant;
use countersign::document::code::Code;

use crate::cli::shop::{copy, fixtures};

/// How one command ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Ended {
    #[track_caller]
    pub(super) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    #[track_caller]
    pub(super) fn says(self, part: &str) -> Self {
        assert!(self.stderr.contains(part) || self.stdout.contains(part), "no {part}: {self:#?}");
        self
    }
}

pub(super) fn end(mut command: Command) -> Ended {
    command.stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A shell that sees nothing of this machine but its programs, and the built one.
pub(super) fn bash(line: &str, folder: &Path, home: &Path) -> Command {
    let built = Path::new(env!("CARGO_BIN_EXE_countersign")).parent().unwrap();
    let path = format!("{}:{}", built.display(), std::env::var("PATH").unwrap());
    fs::create_dir_all(home).unwrap();
    let mut command = Command::new("bash");
    command.args(["-c", line]).current_dir(folder);
    command.env_clear().env("PATH", path).env("HOME", home);
    command
}

pub(super) struct World {
    folder: Folder,
}

enum Folder {
    /// Gone with this value.
    Own(tempfile::TempDir),
    There(PathBuf),
}

/// The branch of the request. Git allows it, and a shell that reads it as code makes a file.
pub(super) const BRANCH: &str = "scale-$(touch${IFS}pwned)";

impl World {
    /// A project of alice whose changes two of bob and carol approve, with an empty ledger on a
    /// branch of its remote.
    pub(super) fn new() -> Self {
        let world = Self { folder: Folder::Own(tempfile::tempdir().unwrap()) };
        for person in ["alice", "bob", "carol"] {
            fs::create_dir_all(world.path(person).join(".ssh")).unwrap();
            let identity = format!("[user]\n\tname = {person}\n\temail = {person}@shop.test\n");
            fs::write(world.path(person).join(".gitconfig"), identity).unwrap();
            let line = format!("ssh-keygen -q -t ed25519 -N '' -C {person} -f ~/.ssh/id_ed25519");
            end(bash(&line, &world.path("."), &world.path(person))).exits(0);
        }
        let shop = world.path("alice/shop");
        copy(&fixtures().join("shop"), &shop.join("manifests"));
        copy(&super::files::folder().join("ci"), &shop.join("ci"));
        world.alice(
            "git init -q --bare -b main ../../shop.git\n\
             git init -q -b main . && git remote add origin \"file://$HOME/../shop.git\"\n\
             countersign -q init --person alice\n\
             for person in bob carol; do\n\
               countersign -q trust add $person --key ~/../$person/.ssh/id_ed25519.pub --role approver\n\
             done\n\
             countersign -q trust quorum prod --require approver=2",
        );
        let toml = fs::read_to_string(shop.join("countersign.toml")).unwrap();
        let (before, _) = toml.split_once("[ledger]").unwrap();
        let ledger = "[ledger]\nkind = \"git\"\nlease-seconds = 12\ntimeout-seconds = 6\n";
        fs::write(shop.join("countersign.toml"), format!("{before}{ledger}")).unwrap();
        world.alice(
            "chmod +x ci/countersign && git add -A && git commit -qm 'A project'\n\
             git push -q -u origin main && countersign -q ledger create",
        );
        world
    }

    pub(super) fn path(&self, below: &str) -> PathBuf {
        match &self.folder {
            Folder::Own(folder) => folder.path().join(below),
            Folder::There(folder) => folder.join(below),
        }
    }

    /// What alice types in her clone.
    pub(super) fn alice(&self, lines: &str) -> Ended {
        let folder = self.path("alice/shop");
        end(bash(&format!("set -e\n{lines}"), &folder, &self.path("alice"))).exits(0)
    }

    /// Runs the program inside this process, in alice's clone, with a clock of the caller's.
    pub(super) fn in_process(
        &self,
        line: &[&str],
        clock: impl Fn() -> Instant + Send + Sync + 'static,
    ) -> (Code, String) {
        let home = self.path("alice");
        let mut environment: Vec<(OsString, OsString)> = vec![("HOME".into(), home.clone().into())];
        environment.extend(std::env::vars_os().filter(|(name, _)| name == "PATH"));
        let mut told = Vec::new();
        let mut surroundings = Surroundings {
            stdin: &mut std::io::empty(),
            stdout: &mut std::io::sink(),
            stderr: &mut told,
            variables: [("HOME".to_owned(), home.display().to_string())].into(),
            environment,
            directory: home.join("shop"),
            program: env!("CARGO_BIN_EXE_countersign").into(),
            host: "runner".to_owned(),
            answers: false,
            terminal: false,
            watched: false,
            clock: Arc::new(clock),
            passphrase: |_| Err(std::io::Error::other("nobody answers")),
            interrupted: Arc::new(AtomicBool::new(false)),
        };
        let line = ["countersign"].iter().chain(line).map(OsString::from);
        let code = cli::run(line, &mut surroundings);
        (code, String::from_utf8(told).unwrap())
    }

    /// The world in a folder that is there.
    pub(super) fn at(folder: PathBuf) -> Self {
        Self { folder: Folder::There(folder) }
    }

    /// What git says about the remote.
    pub(super) fn remote(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        command.env_clear().env("PATH", std::env::var("PATH").unwrap());
        command.arg("--git-dir").arg(self.path("shop.git")).args(arguments);
        end(command).exits(0).stdout.trim_end().to_owned()
    }

    /// Alice asks for a change; gives the request's head.
    pub(super) fn requested(&self) -> String {
        let proposal = fixtures().join("proposals/scale-web.chat.md");
        self.alice(&format!(
            "git switch -qc '{BRANCH}' main && mkdir -p proposals\n\
             cp '{}' proposals/scale-web.md && git add proposals\n\
             git commit -qm 'The shop is slow' && git push -q origin HEAD",
            proposal.display()
        ));
        self.head(BRANCH)
    }

    /// The usual plan, approved by bob and carol, on the base branch.
    pub(super) fn approved_on_main(&self) {
        let proposal = fixtures().join("proposals/scale-web.chat.md");
        self.planned_on_main(&proposal.display().to_string());
    }

    /// What a proposal plans, approved by bob and carol, on the base branch.
    pub(super) fn planned_on_main(&self, proposal: &str) {
        self.alice(&format!(
            "countersign -q plan -f '{proposal}' && git add -A\n\
             for person in bob carol; do\n\
               countersign -q approve plans/scale-web --key ~/../$person/.ssh/id_ed25519 \
                 --digest \"$(sha256sum plans/scale-web/plan.json | cut -c 1-64)\"\n\
             done\n\
             git add -A && git commit -qm 'A plan, approved' && git push -q -u origin main"
        ));
    }

    /// The same world once more, as it stands.
    pub(super) fn again(&self) -> Self {
        let world = Self { folder: Folder::Own(tempfile::tempdir().unwrap()) };
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(self.path(".")).arg(world.path("."));
        end(copy).exits(0);
        world.alice("git remote set-url origin \"file://$HOME/../shop.git\"");
        world
    }

    pub(super) fn head(&self, branch: &str) -> String {
        self.remote(&["rev-parse", &format!("refs/heads/{branch}")])
    }

    /// Somebody approves what the request plans, and pushes that.
    pub(super) fn approved_by(&self, person: &str) {
        self.approved(person, BRANCH, "scale-web");
    }

    /// Somebody approves a plan of a branch, and pushes that.
    pub(super) fn approved(&self, person: &str, branch: &str, plan: &str) {
        let (home, shop) = (self.path(person), self.path(person).join("shop"));
        let line = format!(
            "set -e\n[ -d shop ] || git clone -q \"file://$HOME/../shop.git\" shop\ncd shop\n\
             git fetch -q origin && git switch -q '{branch}' && git pull -q --ff-only\n\
             countersign -q approve plans/{plan} --reason 'read it' \
               --digest \"$(sha256sum plans/{plan}/plan.json | cut -c 1-64)\"\n\
             git add plans && git commit -qm 'Approve {plan}' && git push -q origin HEAD"
        );
        end(bash(&line, &home, &home)).exits(0);
        assert!(shop.join("plans").join(plan).join("approvals").is_dir());
    }

    /// Alice merges the request; gives the base branch before and after.
    pub(super) fn merged(&self) -> (String, String) {
        let before = self.head("main");
        self.alice(&format!(
            "git fetch -q origin && git switch -q main && git merge -q --ff-only origin/main\n\
             git merge -q --no-ff -m 'Merge the request' 'origin/{BRANCH}' && git push -q origin main"
        ));
        (before, self.head("main"))
    }

    /// The private key of a machine.
    pub(super) fn machine(&self, role: &str) -> PathBuf {
        self.path("alice/.local/state/countersign/keys/shop").join(role)
    }

    /// Installs a hook of the remote that ends the program at its push of that word in the ledger's
    /// history, once.
    pub(super) fn dies_at(&self, hook: &str, word: &str) {
        let script = format!(
            "#!/bin/bash\n\
             while read -r _ new name; do\n\
               [[ $name = */countersign-ledger ]] || continue\n\
               [[ $(git log -1 --format=%s $new) = '{word} '* ]] && mkdir died 2>/dev/null || exit 0\n\
             done\n\
             at=$PPID\n\
             while [ \"$at\" -gt 1 ]; do\n\
               if [ \"$(cat /proc/$at/comm)\" = countersign ]; then kill -KILL $at; exit 1; fi\n\
               at=$(cut -d ' ' -f 4 /proc/$at/stat)\n\
             done\n"
        );
        self.hook(hook, &script);
    }

    pub(super) fn hook(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.path("shop.git/hooks").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Commits that applied the plan, newest first.
    pub(super) fn applies(&self) -> Vec<String> {
        let found =
            self.remote(&["log", "--format=%H", "--grep=^Countersign-Apply:", "refs/heads/main"]);
        found.lines().map(str::to_owned).collect()
    }
}
