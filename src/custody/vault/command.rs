//! One run of a command that prints a secret: no shell, nothing on its standard input, a bounded
//! answer in a bounded time, and not a word of what it says besides. One that gives no value in time is
//! ended with all that it started.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use thiserror::Error;
use zeroize::Zeroizing;

use super::source::SourceWorld;
use crate::clock::Deadline;

/// How often it is asked whether to stop.
const ASK: Duration = Duration::from_millis(20);

/// Why a command gave no value. Nothing that it printed is repeated: it may be the value.
#[derive(Debug, Error)]
pub enum CommandError {
    /// It cannot be started, or waited for.
    #[error("it cannot be run")]
    Start(#[source] std::io::Error),
    /// It says that it failed.
    #[error("it ended with {0}; what it says is not shown, so run it by hand")]
    Failed(ExitStatus),
    /// What it prints cannot be read.
    #[error("what it prints cannot be read")]
    Read(#[source] std::io::Error),
    /// It prints too much.
    #[error("it prints more than {0} bytes, the most that is read")]
    TooLarge(u64),
    /// It takes too long.
    #[error("it did not end within {} s; it can ask nobody", .0.as_secs_f32())]
    Late(Duration),
    /// Somebody asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// What a command prints, at most `most` bytes.
pub(super) fn run(
    command: &[String],
    most: u64,
    world: SourceWorld<'_>,
) -> Result<Zeroizing<Vec<u8>>, CommandError> {
    let SourceWorld { environment, folder, patience, interrupted } = world;
    let [program, arguments @ ..] = command else {
        return Err(CommandError::Start(std::io::ErrorKind::InvalidInput.into()));
    };
    let deadline = Deadline::after(patience);
    let folder = std::path::absolute(folder).map_err(CommandError::Start)?;
    // A path is found from the folder of the configuration, a name in the PATH.
    let mut started = match program.contains('/') {
        true => Command::new(folder.join(program)),
        false => Command::new(program),
    };
    started.args(arguments).current_dir(&folder);
    started.env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
    // A group of its own, so that what it starts can be ended with it, and nothing else.
    started.process_group(0);
    started.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = started.spawn().map_err(CommandError::Start)?;
    let result = answer(&mut child, most, deadline, patience, interrupted);
    match &result {
        // It was waited for.
        Ok(_) | Err(CommandError::Failed(_)) => {}
        Err(
            CommandError::Start(_)
            | CommandError::Read(_)
            | CommandError::TooLarge(_)
            | CommandError::Late(_)
            | CommandError::Interrupted,
        ) => end(&mut child),
    }
    result
}

fn answer(
    child: &mut Child,
    most: u64,
    deadline: Deadline,
    patience: Duration,
    interrupted: &dyn Fn() -> bool,
) -> Result<Zeroizing<Vec<u8>>, CommandError> {
    let (say, heard) = channel();
    let pipe = child.stdout.take();
    std::thread::spawn(move || {
        // Room for all of it at once: a vector that grows leaves copies behind.
        let room = usize::try_from(most.saturating_add(1)).unwrap_or_default();
        let mut bytes = Zeroizing::new(Vec::with_capacity(room));
        let read = match pipe {
            Some(pipe) => pipe.take(most.saturating_add(1)).read_to_end(&mut bytes),
            None => Ok(0),
        };
        // Whoever gave up waiting does not want it.
        say.send(read.map(|_| bytes))
    });
    let mut said = None;
    loop {
        if said.is_none() {
            match heard.recv_timeout(ASK) {
                Ok(read) => said = Some(read.map_err(CommandError::Read)?),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
        if let Some(bytes) = &said {
            if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
                return Err(CommandError::TooLarge(most));
            }
            if let Some(status) = child.try_wait().map_err(CommandError::Start)? {
                return match (status.success(), said) {
                    (true, Some(bytes)) => Ok(bytes),
                    (true | false, _) => Err(CommandError::Failed(status)),
                };
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        if interrupted() {
            return Err(CommandError::Interrupted);
        }
        if deadline.left().is_none() {
            return Err(CommandError::Late(patience));
        }
    }
}

/// Ends a command and all of its group. Until it is waited for, its number is nobody else's.
fn end(child: &mut Child) {
    // A group that is gone already needs no signal.
    let _gone = kill_process_group(Pid::from_child(child), Signal::KILL);
    let _it_was_killed = child.wait();
}
