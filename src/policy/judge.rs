//! The caller's side: a worker is started with an empty environment, fed, timed and ended. Whatever
//! it does but answer in time is an error with a name of its own.

use std::io::{Read, Write};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use thiserror::Error;

use super::bundle::{Bundle, Role};
use super::problem::Problem;
use super::request::{Answer, ModuleFile, Request, Task};
use super::verdict::Verdict;
use super::{builtin, worker};
use crate::document::ident::Digest;

/// Largest answer, in bytes.
const MOST_ANSWER: u64 = 256 << 20;
/// How much of what a worker writes to stderr is quoted, in bytes.
const MOST_SAID: u64 = 4 << 10;
/// How long a worker may take to end once it has answered, in steps of [`PAUSE`].
const FAREWELL: u32 = 200;
const PAUSE: Duration = Duration::from_millis(10);

/// What a worker may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerLimits {
    /// Processor time, in seconds; also the engine's own limit on one evaluation, by the clock.
    pub cpu_seconds: u64,
    /// Address space, in bytes.
    pub memory_bytes: u64,
    /// Time by the clock until the worker is ended, in seconds.
    pub wall_seconds: u64,
}

impl Default for WorkerLimits {
    /// Enough for a plan of 64 MiB and a few hundred rules.
    fn default() -> Self {
        Self { cpu_seconds: 60, memory_bytes: 4 << 30, wall_seconds: 120 }
    }
}

/// Why there is no verdict. None of these is a pass.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// The policies are wrong, or failed on this plan.
    #[error("{}", listed(.0))]
    Refused(Vec<Problem>),
    /// There is no test to run.
    #[error("the policies have no tests: no rule named test_… in a file that ends in _test.rego")]
    NoTests,
    /// The worker could not be started.
    #[error("the policy worker {program} cannot be started", program = .program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The worker did not end in time and was ended.
    #[error("the policies did not decide within {seconds} s, and were stopped")]
    Time {
        /// The limit.
        seconds: u64,
    },
    /// The worker used up its processor time.
    #[error("the policies used more than {seconds} s of processor time, and were stopped")]
    Processor {
        /// The limit.
        seconds: u64,
    },
    /// The worker was ended by a signal.
    #[error("the policy worker was ended by signal {signal}{}", quoted(.said))]
    Signal {
        /// The signal.
        signal: i32,
        /// What it wrote to stderr, shortened.
        said: String,
    },
    /// The worker ended with a code.
    #[error("the policy worker ended with code {code}{}", quoted(.said))]
    Code {
        /// The code.
        code: i32,
        /// What it wrote to stderr, shortened.
        said: String,
    },
    /// The answer is longer than any verdict.
    #[error("the policies answered more than {MOST_ANSWER} bytes")]
    TooLarge,
    /// The worker ended well and answered nothing.
    #[error("the policy worker answered nothing")]
    Silent,
    /// The answer cannot be read.
    #[error("the policy worker gave an answer that cannot be read")]
    Garbage(#[source] serde_json::Error),
    /// The answer is to another question.
    #[error("the policy worker answered another question than it was asked")]
    Mismatch,
    /// The worker's answer could not be received.
    #[error("the policy worker's answer cannot be received")]
    Pipe(#[source] std::io::Error),
}

/// The first problem, and how many more there are.
pub(super) fn listed(problems: &[Problem]) -> String {
    match problems {
        [] => "the policies cannot be used".to_owned(),
        [only] => only.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
}

fn quoted(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said:?}") }
}

impl PolicyError {
    /// Each thing that is wrong with the policies; empty for an error of another kind.
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Refused(problems) => problems,
            Self::NoTests
            | Self::Start { .. }
            | Self::Time { .. }
            | Self::Processor { .. }
            | Self::Signal { .. }
            | Self::Code { .. }
            | Self::TooLarge
            | Self::Silent
            | Self::Garbage(_)
            | Self::Mismatch
            | Self::Pipe(_) => &[],
        }
    }
}

/// Asks the policies of `bundle` about `plan`, the bytes of a `plan.json`, in a worker process: the
/// program at `program`, which is Countersign itself. `input` is the plan and nothing else.
///
/// # Errors
/// [`PolicyError`]: there is no verdict.
pub fn judge(
    program: &Path,
    bundle: &Bundle,
    plan: &[u8],
    limits: WorkerLimits,
) -> Result<Verdict, PolicyError> {
    match ask(program, &request(bundle, Task::Judge), plan, limits)? {
        Answer::Judged(judged) => Ok(Verdict {
            plan: Digest::of(plan),
            policy: bundle.digest(),
            deny: judged.deny,
            warn: judged.warn,
            require_approval: judged.require_approval,
            rules: judged.rules,
        }),
        Answer::Refused(problems) => Err(PolicyError::Refused(problems)),
        Answer::Tested(_) => Err(PolicyError::Mismatch),
    }
}

pub(super) fn request(bundle: &Bundle, task: Task) -> Request {
    let modules = bundle.files().iter().filter_map(|file| {
        let tests = match file.role {
            Role::Rules => false,
            Role::Tests => true,
            Role::Data => return None,
        };
        Some(ModuleFile {
            file: file.name(),
            builtin: file.bundle == builtin::NAME,
            tests,
            run: false,
            text: file.text.clone(),
        })
    });
    Request { task, modules: modules.collect(), data: bundle.data().to_vec(), plan_bytes: 0 }
}

/// One question, one answer.
pub(super) fn ask(
    program: &Path,
    request: &Request,
    plan: &[u8],
    limits: WorkerLimits,
) -> Result<Answer, PolicyError> {
    let plan_bytes = u64::try_from(plan.len()).unwrap_or(u64::MAX);
    let request = Request { plan_bytes, ..request.clone() };
    let head = serde_json::to_vec(&request).map_err(PolicyError::Garbage)?;
    let length = u64::try_from(head.len()).unwrap_or(u64::MAX).to_be_bytes();
    let start = |source| PolicyError::Start { program: program.to_owned(), source };
    let mut child = Command::new(program)
        .arg(worker::COMMAND)
        .arg(limits.cpu_seconds.to_string())
        .arg(limits.memory_bytes.to_string())
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own: what it starts ends with it, and holds no pipe open.
        .process_group(0)
        .spawn()
        .map_err(start)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        scope.spawn(move || {
            // A worker that ends early closes the pipe; how it ended says more than that.
            if let Some(mut stdin) = stdin {
                let _seen_by_its_end = stdin
                    .write_all(&length)
                    .and_then(|()| stdin.write_all(&head))
                    .and_then(|()| stdin.write_all(plan));
            }
        });
        scope.spawn(move || {
            // Nobody receives any more if the time is over.
            let _late = sender.send(stdout.map_or(Ok(Vec::new()), |from| read(from, MOST_ANSWER)));
        });
        let said = scope.spawn(move || {
            let said = stderr.map_or(Ok(Vec::new()), |from| read(from, MOST_SAID));
            String::from_utf8_lossy(&said.unwrap_or_default()).trim().to_owned()
        });
        let answer = receiver.recv_timeout(Duration::from_secs(limits.wall_seconds));
        let too_large = |bytes: &Vec<u8>| u64::try_from(bytes.len()).is_ok_and(|l| l > MOST_ANSWER);
        let failed = match &answer {
            Ok(Ok(bytes)) if too_large(bytes) => Some(PolicyError::TooLarge),
            Ok(_) if exits(&child) => None,
            Ok(_) | Err(_) => Some(PolicyError::Time { seconds: limits.wall_seconds }),
        };
        kill(&child);
        let status = child.wait().map_err(PolicyError::Pipe)?;
        if let Some(failed) = failed {
            return Err(failed);
        }
        let said = said.join().unwrap_or_default();
        let bytes = match answer {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error)) => return Err(PolicyError::Pipe(error)),
            Err(_) => return Err(PolicyError::Time { seconds: limits.wall_seconds }),
        };
        ended(status, said, limits)?;
        if bytes.is_empty() {
            return Err(PolicyError::Silent);
        }
        serde_json::from_slice(&bytes).map_err(PolicyError::Garbage)
    })
}

fn ended(status: ExitStatus, said: String, limits: WorkerLimits) -> Result<(), PolicyError> {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) => Err(PolicyError::Code { code, said }),
        (None, Some(signal)) if signal == Signal::XCPU.as_raw() => {
            Err(PolicyError::Processor { seconds: limits.cpu_seconds })
        }
        (None, signal) => Err(PolicyError::Signal { signal: signal.unwrap_or_default(), said }),
    }
}

/// Whether a worker that has closed its output ends. It is not reaped here, so that its number
/// stays its own until its group has been ended.
fn exits(child: &Child) -> bool {
    let Some(pid) = pid(child) else { return false };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    for _ in 0..FAREWELL {
        match rustix::process::waitid(WaitId::Pid(pid), options) {
            Ok(Some(_)) => return true,
            Ok(None) => std::thread::sleep(PAUSE),
            Err(_) => return false,
        }
    }
    false
}

/// Ends the worker's process group, which it leads and which holds nobody else.
fn kill(child: &Child) {
    if let Some(group) = pid(child) {
        // Gone already is what is wanted.
        let _gone = rustix::process::kill_process_group(group, Signal::KILL);
    }
}

fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

fn read(from: impl Read, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}
