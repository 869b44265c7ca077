//! What one run of git is bound to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use countersign::git::{Depth, GitError, RefName, Refspec, Repository};

use crate::support::git::*;

fn spec() -> [Refspec; 1] {
    let to = "refs/countersign/x".parse().unwrap();
    [Refspec { from: RefName::branch("main").unwrap(), to }]
}

/// A clone whose remote is behind an ssh that hangs and does not want to end, and says who it is.
fn hanging(server: &Server) -> std::path::PathBuf {
    let folder = server.clone("one", &[]);
    git(&folder, &["remote", "set-url", "origin", "ssh://host/x.git"]);
    let pid = server.folder.path().join("pid");
    let script = format!(
        "trap '' TERM\necho $$ > {0}.new\nmv {0}.new {0}\nwhile :; do sleep 1; done",
        pid.display()
    );
    script_at(&server.folder.path().join("ssh"), &script);
    folder
}

/// Whether the ssh is at work; whoever was killed has a moment to be gone.
fn is_alive(server: &Server) -> bool {
    let pid = std::fs::read_to_string(server.folder.path().join("pid")).unwrap();
    let is_at_work = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        stat.is_ok_and(|stat| !stat.contains(") Z ") && !stat.contains(") X "))
    };
    let began = Instant::now();
    while is_at_work() && began.elapsed() < Duration::from_secs(2) {
        std::thread::sleep(Duration::from_millis(10));
    }
    is_at_work()
}

#[test]
fn a_remote_that_hangs_ends_at_the_deadline_with_nothing_left_running() {
    let server = Server::new();
    let folder = hanging(&server);
    let mut surroundings = server.surroundings();
    surroundings.patience = Duration::from_secs(2);
    let ssh = server.folder.path().join("ssh");
    surroundings.environment.push(("GIT_SSH_COMMAND".into(), ssh.into()));
    let repository = Repository::open(&folder, surroundings).unwrap();
    let began = Instant::now();
    let error = repository.fetch(&origin(), &spec(), Depth::Missing).unwrap_err();
    assert!(matches!(error, GitError::Late { .. }), "{error}");
    assert!(began.elapsed() < Duration::from_secs(20));
    if cfg!(target_os = "linux") {
        assert!(!is_alive(&server));
    }
}

#[test]
fn an_interrupt_ends_git_and_all_it_started() {
    let server = Server::new();
    let folder = hanging(&server);
    let mut surroundings = server.surroundings();
    let asked = Arc::new(AtomicBool::new(false));
    let asks = Arc::clone(&asked);
    surroundings.interrupted = Arc::new(move || asks.load(Ordering::SeqCst));
    let ssh = server.folder.path().join("ssh");
    surroundings.environment.push(("GIT_SSH_COMMAND".into(), ssh.into()));
    let repository = Repository::open(&folder, surroundings).unwrap();
    let pid = server.folder.path().join("pid");
    let watch = std::thread::spawn(move || {
        while !pid.exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
        asked.store(true, Ordering::SeqCst);
    });
    let error = repository.fetch(&origin(), &spec(), Depth::Missing).unwrap_err();
    watch.join().unwrap();
    assert!(matches!(error, GitError::Interrupted(_)), "{error}");
    if cfg!(target_os = "linux") {
        assert!(!is_alive(&server));
    }
}

#[test]
fn a_connection_that_stays_open_for_others_keeps_nobody_waiting() {
    let server = Server::new();
    let folder = server.clone("one", &[]);
    git(&folder, &["remote", "set-url", "origin", "ssh://host/x.git"]);
    // As ssh does that shares its connection: a process stays that has its stderr.
    let script = format!(
        "sleep 30 </dev/null >/dev/null &\nexec git-upload-pack {}",
        server.bare().display()
    );
    let ssh = server.folder.path().join("ssh");
    script_at(&ssh, &script);
    let mut surroundings = server.surroundings();
    surroundings.environment.push(("GIT_SSH_COMMAND".into(), ssh.into()));
    let repository = Repository::open(&folder, surroundings).unwrap();
    let began = Instant::now();
    repository.fetch(&origin(), &spec(), Depth::Missing).unwrap();
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn variables_that_lead_git_elsewhere_lead_nowhere() {
    let server = Server::new();
    let folder = server.clone("one", &[]);
    let mut surroundings = server.surroundings();
    for name in [
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_COMMON_DIR",
        "GIT_NAMESPACE",
    ] {
        surroundings.environment.push((name.into(), "/nowhere".into()));
    }
    let trace = server.folder.path().join("trace");
    surroundings.environment.push(("GIT_TRACE2_EVENT".into(), trace.clone().into()));
    surroundings.environment.push(("GIT_TRACE".into(), trace.clone().into()));
    let repository = Repository::open(&folder, surroundings).unwrap();
    repository.fetch(&origin(), &spec(), Depth::Missing).unwrap();
    assert!(repository.head().unwrap().is_some());
    assert!(!trace.exists());
}

#[test]
fn no_hook_of_the_clone_runs() {
    let server = Server::new();
    let folder = server.clone("one", &[]);
    let ran = server.folder.path().join("ran");
    let hooks = folder.join("own-hooks");
    std::fs::create_dir(&hooks).unwrap();
    for hook in ["pre-push", "reference-transaction", "post-update", "pre-auto-gc"] {
        for place in [&hooks, &folder.join(".git/hooks")] {
            script_at(&place.join(hook), &format!("touch {}\nexit 1", ran.display()));
        }
    }
    for settings in [&[][..], &["config", "core.hooksPath", "own-hooks"][..]] {
        if !settings.is_empty() {
            git(&folder, settings);
        }
        let repository = Repository::open(&folder, server.surroundings()).unwrap();
        repository.fetch(&origin(), &spec(), Depth::Missing).unwrap();
        let head = repository.head().unwrap().unwrap();
        let name = RefName::branch(&format!("made-{}", settings.len())).unwrap();
        let update = countersign::git::RefUpdate { name, expected: None, new: head };
        let ends = repository.push(&origin(), &[update], true).unwrap();
        assert_eq!(ends, [countersign::git::Pushed::Taken]);
    }
    assert!(!ran.exists());
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let server = Server::new();
    let mut surroundings = server.surroundings();
    surroundings.program = "/nowhere/git".into();
    let error = Repository::open(&server.bare(), surroundings).unwrap_err();
    assert_eq!(error.to_string(), "/nowhere/git cannot be run");
}
