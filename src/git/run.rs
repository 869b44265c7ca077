//! One run of git: a bounded answer within a bounded time, or an error; when it returns, nothing
//! that it started is at work any more, except what a well ended git left running on purpose.

use std::ffi::OsString;
use std::io::{Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::error::GitError;
use super::shown;
use super::surroundings::Surroundings;
use crate::clock::Deadline;

/// How often it is asked whether to stop.
const ASK: Duration = Duration::from_millis(20);
/// How often a process is looked at that is about to end.
const LOOK: Duration = Duration::from_millis(1);
/// How long stderr may stay open when git has ended: a shared connection of ssh keeps it.
const LINGER: Duration = Duration::from_millis(200);
/// How long processes that were asked to end have for it: git removes its lock files then.
const LEAVE: Duration = Duration::from_secs(2);
/// How much of stderr is kept: its end.
const WORDS: usize = 64 << 10;
/// How much git may answer, in bytes, unless something else is said.
const MOST: u64 = 64 << 20;

/// What git is to do.
#[derive(Debug)]
pub(super) struct Call {
    /// In short, for people: `git push to origin`.
    what: String,
    arguments: Vec<OsString>,
    stdin: Vec<u8>,
    most: u64,
}

/// What it said.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) what: String,
    /// `None` if a signal ended it.
    pub(super) code: Option<i32>,
    pub(super) stdout: Vec<u8>,
    /// The last lines of stderr, fit to be shown.
    pub(super) words: Vec<String>,
    status: ExitStatus,
}

impl Call {
    pub(super) fn new(what: impl Into<String>, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(OsString::from).collect();
        Self { what: what.into(), arguments, stdin: Vec::new(), most: MOST }
    }

    pub(super) fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub(super) fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.stdin = bytes;
        self
    }

    /// The most bytes that stdout may have.
    pub(super) fn most(mut self, most: u64) -> Self {
        self.most = most;
        self
    }

    /// Runs it in a folder, to its end, whatever that is.
    pub(super) fn run(
        self,
        folder: &Path,
        surroundings: &Surroundings,
    ) -> Result<Answer, GitError> {
        let Self { what, arguments, stdin, most } = self;
        let failed = |source| GitError::Program { program: surroundings.program.clone(), source };
        let deadline = Deadline::after(surroundings.patience);
        let mut command = Command::new(&surroundings.program);
        command.env_clear().envs(surroundings.of_git());
        command.args(Surroundings::options()).args(arguments).current_dir(folder);
        // A group of its own, so that what git starts can be ended with it, and nothing else.
        command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.stdin(if stdin.is_empty() { Stdio::null() } else { Stdio::piped() });
        let mut child = command.spawn().map_err(failed)?;
        let mut pipes = Pipes::of(&mut child, stdin, most);
        loop {
            if pipes.is_answered()
                && let Some(status) = child.try_wait().map_err(failed)?
            {
                pipes.listen_out(LINGER);
                let Pipes { stdout, stderr, .. } = pipes;
                let stdout = stdout.unwrap_or_default();
                if u64::try_from(stdout.len()).unwrap_or(u64::MAX) > most {
                    return Err(GitError::TooLarge { what, most });
                }
                let words = shown::last_lines(&tail(&stderr));
                return Ok(Answer { what, code: status.code(), stdout, words, status });
            }
            pipes.listen();
            if pipes
                .stdout
                .as_ref()
                .is_some_and(|bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most)
            {
                end(&mut child, &mut pipes);
                return Err(GitError::TooLarge { what, most });
            }
            if (surroundings.interrupted)() {
                end(&mut child, &mut pipes);
                return Err(GitError::Interrupted(what));
            }
            if deadline.left().is_none() {
                end(&mut child, &mut pipes);
                let said = shown::last_lines(&tail(&pipes.stderr)).join("; ");
                let said = if said.is_empty() { said } else { format!(": {said}") };
                return Err(GitError::Late { what, patience: surroundings.patience, said });
            }
        }
    }
}

impl Answer {
    /// What it wrote on stdout, if it ended well.
    pub(super) fn succeeded(self) -> Result<Vec<u8>, GitError> {
        if self.code == Some(0) { Ok(self.stdout) } else { Err(self.failure()) }
    }

    /// As an error, however it ended.
    pub(super) fn failure(self) -> GitError {
        let words =
            if self.words.is_empty() { "it says nothing".into() } else { self.words.join("; ") };
        GitError::Failed { what: self.what, status: self.status.to_string(), words }
    }

    /// An answer that is not understood.
    pub(super) fn strange(self) -> GitError {
        GitError::Answer(self.what)
    }
}

/// The ends of a child's pipes, each read or written by a thread of its own.
struct Pipes {
    heard: Receiver<Heard>,
    /// All of stdout, once it has ended.
    stdout: Option<Vec<u8>>,
    stderr: Arc<Mutex<Vec<u8>>>,
    stderr_ended: bool,
}

enum Heard {
    Stdout(Vec<u8>),
    StderrEnded,
}

impl Pipes {
    fn of(child: &mut Child, stdin: Vec<u8>, most: u64) -> Self {
        let (say, heard) = channel();
        if let Some(mut pipe) = child.stdin.take() {
            // Whoever does not read all of it says why by the way it ends.
            std::thread::spawn(move || drop(pipe.write_all(&stdin)));
        }
        if let Some(pipe) = child.stdout.take() {
            let say = say.clone();
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                // What cannot be read is missing at the end, and every answer has a known end.
                let _cut = pipe.take(most.saturating_add(1)).read_to_end(&mut bytes);
                say.send(Heard::Stdout(bytes))
            });
        }
        let stderr = Arc::new(Mutex::new(Vec::new()));
        if let Some(mut pipe) = child.stderr.take() {
            let kept = Arc::clone(&stderr);
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.extend_from_slice(buffer.get(..count).unwrap_or_default());
                    let over = kept.len().saturating_sub(WORDS);
                    kept.drain(..over);
                }
                say.send(Heard::StderrEnded)
            });
        }
        Self { heard, stdout: None, stderr, stderr_ended: false }
    }

    fn is_answered(&self) -> bool {
        self.stdout.is_some()
    }

    /// Waits a moment for whatever comes.
    fn listen(&mut self) {
        self.listen_for(if self.is_answered() { LOOK } else { ASK });
    }

    fn listen_for(&mut self, time: Duration) {
        match self.heard.recv_timeout(time) {
            Ok(Heard::Stdout(bytes)) => self.stdout = Some(bytes),
            Ok(Heard::StderrEnded) => self.stderr_ended = true,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(time),
        }
    }

    /// Waits until stderr has ended, but not long.
    fn listen_out(&mut self, most: Duration) {
        let deadline = Deadline::after(most);
        while !self.stderr_ended && deadline.left().is_some() {
            self.listen_for(LOOK);
        }
    }
}

fn tail(bytes: &Mutex<Vec<u8>>) -> Vec<u8> {
    bytes.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Ends a child and all of its group: first asked, then not. Until it is waited for, its number is
/// nobody else's.
fn end(child: &mut Child, pipes: &mut Pipes) {
    let group = Pid::from_child(child);
    // A group that is gone already needs no signal, and nothing else can be wrong with it.
    let send = |signal| {
        let _gone = kill_process_group(group, signal);
    };
    send(Signal::TERM);
    send(Signal::CONT);
    let deadline = Deadline::after(LEAVE);
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    while deadline.left().is_some() {
        let ended = matches!(waitid(WaitId::Pid(group), options), Ok(Some(_)));
        // Those that git started have its stderr, and close it when they end.
        if ended && pipes.stderr_ended {
            break;
        }
        pipes.listen_for(ASK);
    }
    send(Signal::KILL);
    let _it_was_killed = child.wait();
    // The others of the group end at the same time, or as soon as the system gets to it.
    pipes.listen_out(LEAVE);
}
