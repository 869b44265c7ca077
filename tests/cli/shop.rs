//! A hermetic project: a home, a state folder and a shop of its own in a temporary folder, and the
//! built program, which sees no other variable of this machine than `PATH`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use countersign::custody::key_file::SecretKey;
use countersign::files;

use super::filter::filtered;

/// No run of the program may take longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// How one run ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) line: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Fails unless the program ended with this code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Fails unless stderr holds all of these.
    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.stderr.contains(part), "no {part:?} in {self:#?}");
        }
        self
    }

    /// The one JSON document on stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// The scratch world of one test.
pub(crate) struct Shop {
    folder: tempfile::TempDir,
    told: std::cell::RefCell<String>,
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }
}

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

impl Shop {
    /// Manifests and the key of alice; no project yet.
    pub(crate) fn bare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shop = Self { folder, told: std::cell::RefCell::default() };
        copy(&fixtures().join("shop"), &shop.path("shop/manifests"));
        fs::create_dir_all(shop.path("alice/.ssh")).unwrap();
        shop.key("alice/.ssh", "id_ed25519", 1);
        shop
    }

    /// A project of alice, who may approve what she asked for.
    pub(crate) fn new() -> Self {
        let shop = Self::bare();
        shop.run(&["init"]).exits(0);
        shop
    }

    /// With the plan `scale-web`.
    pub(crate) fn planned() -> Self {
        let shop = Self::new();
        let answer = fixtures().join("proposals/scale-web.chat.md");
        shop.run(&["plan", "-f", answer.to_str().unwrap(), "--requested-by", "alice"]).exits(0);
        shop
    }

    /// With the plan `scale-web`, approved by alice.
    pub(crate) fn approved() -> Self {
        let shop = Self::planned();
        shop.approve().exits(0);
        shop
    }

    pub(crate) fn approve(&self) -> Run {
        let digest = self.digest("scale-web");
        self.run(&["approve", "plans/scale-web", "--digest", &digest, "--reason", "read it"])
    }

    /// A path in the world.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// Another ledger than the one of this machine.
    pub(crate) fn keeps_its_ledger_in(&self, ledger: &str) {
        let toml = self.text("shop/countersign.toml");
        let line = toml.lines().find(|line| line.starts_with("kind = \"local\"")).unwrap();
        self.write("shop/countersign.toml", toml.replace(line, ledger));
    }

    pub(crate) fn text(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap()
    }

    pub(crate) fn write(&self, below: &str, text: impl AsRef<[u8]>) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Names in a folder, sorted; none if it is absent.
    pub(crate) fn names(&self, below: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(below)) else { return Vec::new() };
        let name = |entry: std::io::Result<fs::DirEntry>| {
            entry.unwrap().file_name().into_string().unwrap()
        };
        let mut names: Vec<String> = entries.map(name).collect();
        names.sort();
        names
    }

    /// Path of the only file in a folder of the shop's plan that ends so.
    pub(crate) fn only(&self, folder: &str, ending: &str) -> PathBuf {
        let folder = format!("shop/plans/scale-web/{folder}");
        let mut names = self.names(&folder);
        names.retain(|name| name.ends_with(ending));
        let [name] = names.as_slice() else { panic!("{names:?}") };
        self.path(&folder).join(name)
    }

    /// Makes a key from a seed: the same fingerprint in every run.
    pub(crate) fn key(&self, folder: &str, name: &str, seed: u8) -> PathBuf {
        let path = self.path(folder);
        fs::create_dir_all(&path).unwrap();
        SecretKey::create(&files::open_folder(&path).unwrap(), name, name, &[seed; 32]).unwrap();
        path.join(name)
    }

    /// Digest of a plan, as `sha256sum` prints it.
    pub(crate) fn digest(&self, plan: &str) -> String {
        let bytes = fs::read(self.path(&format!("shop/plans/{plan}/plan.json"))).unwrap();
        countersign::document::ident::Digest::of(&bytes).to_string()
    }

    /// The program in the shop, with nothing of this machine's environment but `PATH`.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command
            .args(arguments)
            .current_dir(self.path("shop"))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.path("alice"))
            .env("COUNTERSIGN_STATE", self.path("state"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.finish(arguments, self.command(arguments))
    }

    /// As [`Shop::run`], with these bytes on standard input.
    pub(crate) fn fed(&self, arguments: &[&str], input: &[u8]) -> Run {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let feeder = std::thread::spawn(move || {
            // A program that has read enough closes its end.
            let _closed = stdin.write_all(&input);
        });
        let run = self.ended(arguments, wait(child));
        feeder.join().unwrap();
        run
    }

    pub(crate) fn finish(&self, arguments: &[&str], mut command: Command) -> Run {
        self.ended(arguments, wait(command.spawn().unwrap()))
    }

    /// Waits for a run that was started by hand.
    pub(crate) fn waited(&self, arguments: &[&str], child: Child) -> Run {
        self.ended(arguments, wait(child))
    }

    fn ended(&self, arguments: &[&str], output: Output) -> Run {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let line = arguments.join(" ");
        let Output { status, stdout, stderr } = output;
        let run = Run { line, code: status.code(), stdout: text(stdout), stderr: text(stderr) };
        self.told.borrow_mut().push_str(&told(&run));
        run
    }

    /// Everything that was run so far and what it printed, without what differs from run to run.
    pub(crate) fn told(&self) -> String {
        filtered(&self.told.take(), self.folder.path())
    }

    /// Forgets what was run so far.
    pub(crate) fn forget(&self) {
        self.told.take();
    }
}

fn told(run: &Run) -> String {
    let Run { line, code, stdout, stderr } = run;
    let code = code.map_or_else(|| "by a signal".to_owned(), |code| code.to_string());
    let mut text = format!("$ countersign {line}\n");
    // On a busy machine any work is long enough to be told about.
    let progress = |line: &&str| !line.ends_with(" ...\n");
    let stderr: &String = &stderr.split_inclusive('\n').filter(progress).collect();
    for (name, stream) in [("stdout", stdout), ("stderr", stderr)] {
        if !stream.is_empty() {
            text.push_str(&format!("-- {name}\n{stream}"));
        }
    }
    text.push_str(&format!("-- exit {code}\n\n"));
    text
}

/// Waits within bounds; a program that hangs fails the test instead of hanging it.
pub(crate) fn wait(child: Child) -> Output {
    let id = rustix::process::Pid::from_child(&child);
    let (done, ended) = std::sync::mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        let began = Instant::now();
        if ended.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            let _gone = rustix::process::kill_process(id, rustix::process::Signal::KILL);
        }
        began.elapsed()
    });
    let output = child.wait_with_output().unwrap();
    drop(done);
    assert!(watch.join().unwrap() < PATIENCE, "the program did not end");
    output
}
