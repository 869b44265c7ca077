//! Processes that end by SIGKILL at a durable step of their choice. A child is this very test
//! binary, told to run one ignored test.

use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign::files::steps;

const FOLDER: &str = "COUNTERSIGN_TEST_FOLDER";
const DIES_AT: &str = "COUNTERSIGN_TEST_DIES_AT";
const STEPS: &str = "steps.txt";

/// A child that runs one ignored test in `folder`.
pub(crate) fn child(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(FOLDER, folder).stdout(Stdio::null());
    command.envs(super::localstack::for_children());
    command.envs(super::cluster::for_children());
    command
}

/// In a child: the folder that it works in.
pub(crate) fn folder() -> std::path::PathBuf {
    std::env::var_os(FOLDER).expect("started by its parent only").into()
}

/// In a child: writes every step down, and dies at the chosen one.
pub(crate) fn watch_steps() {
    let dies_at: usize = std::env::var(DIES_AT).unwrap().parse().unwrap();
    let path = folder().join(STEPS);
    let seen = AtomicUsize::new(0);
    steps::observe(Box::new(move |step| {
        use std::io::Write as _;
        let mut file = std::fs::File::options().append(true).create(true).open(&path).unwrap();
        writeln!(file, "{step}").unwrap();
        if seen.fetch_add(1, Ordering::SeqCst) + 1 == dies_at {
            let own = rustix::process::getpid();
            rustix::process::kill_process(own, rustix::process::Signal::KILL).unwrap();
        }
    }));
}

/// Runs the child undisturbed; the steps that it took.
pub(crate) fn undisturbed(mut child: Command, folder: &Path) -> Vec<String> {
    let status = child.env(DIES_AT, "0").status().unwrap();
    assert!(status.success(), "{status}");
    let steps = std::fs::read_to_string(folder.join(STEPS)).unwrap();
    steps.lines().map(str::to_owned).collect()
}

/// Runs the child until it dies at its step number `at`, from 1.
pub(crate) fn killed(mut child: Command, at: usize) {
    let status = child.env(DIES_AT, at.to_string()).status().unwrap();
    assert!(died(status), "{status}");
}

/// Runs the child until its step number `at`; whether it died there (else it succeeded before).
pub(crate) fn killed_if_reached(mut child: Command, at: usize) -> bool {
    let status = child.env(DIES_AT, at.to_string()).status().unwrap();
    assert!(died(status) || status.success(), "{status}");
    died(status)
}

/// Runs every case on its own, a few at a time: each waits for the disk most of its time.
pub(crate) fn side_by_side<T: Send>(
    cases: impl IntoIterator<Item = T>,
    run: impl Fn(T) + Send + Sync,
) {
    so_many_side_by_side(6, cases, run);
}

/// The same, for cases that wait for something else.
pub(crate) fn so_many_side_by_side<T: Send>(
    count: usize,
    cases: impl IntoIterator<Item = T>,
    run: impl Fn(T) + Send + Sync,
) {
    let cases = std::sync::Mutex::new(cases.into_iter().collect::<Vec<_>>().into_iter());
    std::thread::scope(|scope| {
        for _ in 0..count {
            scope.spawn(|| {
                loop {
                    let next = cases.lock().unwrap().next();
                    match next {
                        Some(case) => run(case),
                        None => return,
                    }
                }
            });
        }
    });
}

/// A child that may not write where its folder is read-only, not even if the tests run as root.
pub(crate) fn unprivileged(test: &str, folder: &Path) -> Command {
    use std::os::unix::process::CommandExt as _;
    let mut command = child(test, folder);
    if rustix::process::geteuid().is_root() {
        // Nobody must be able to reach the program, wherever it was built.
        let program = folder.join("program");
        given_to(folder, 65534);
        std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        let mut copied = Command::new(program);
        copied.args(command.get_args()).env(FOLDER, folder).stdout(Stdio::null());
        copied.current_dir(folder).uid(65534).gid(65534);
        command = copied;
    }
    command
}

/// Hands everything in a folder to another user, who may be held to own it.
fn given_to(path: &Path, user: u32) {
    std::os::unix::fs::lchown(path, Some(user), Some(user)).unwrap();
    if path.is_dir() && !path.is_symlink() {
        for entry in std::fs::read_dir(path).unwrap() {
            given_to(&entry.unwrap().path(), user);
        }
    }
}

fn died(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal() == Some(9)
}
