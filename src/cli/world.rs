//! The world of a command: streams, environment, clock, and who sits there. The one place that
//! reads the process's environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{IsTerminal as _, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use zeroize::Zeroizing;

use crate::clock::Instant;

/// Everything outside that a command may look at.
pub struct World<'w> {
    /// Standard input.
    pub stdin: &'w mut dyn Read,
    /// Results.
    pub stdout: &'w mut dyn Write,
    /// Progress and diagnostics.
    pub stderr: &'w mut dyn Write,
    /// Environment variables that the program knows.
    pub variables: BTreeMap<String, String>,
    /// The whole environment: for the program git, and for the credentials of a cloud, which are
    /// found in it as their own tools find them.
    pub environment: Vec<(OsString, OsString)>,
    /// The folder it was started in.
    pub directory: PathBuf,
    /// The program itself, which also runs the policy worker.
    pub program: PathBuf,
    /// Host name, for locks.
    pub host: String,
    /// Whether somebody can answer.
    pub answers: bool,
    /// Whether stdout is a terminal.
    pub terminal: bool,
    /// Whether a thread may say on the process's own stderr what is being done.
    pub watched: bool,
    /// Reads the clock.
    pub clock: Arc<dyn Fn() -> Instant + Send + Sync>,
    /// Asks for a passphrase without showing it.
    pub passphrase: fn(&str) -> std::io::Result<Zeroizing<String>>,
    /// Whether somebody asked to stop.
    pub interrupted: Arc<AtomicBool>,
}

/// Variables that are looked at, besides those that begin with `COUNTERSIGN_`.
const KNOWN: [&str; 8] =
    ["HOME", "PATH", "XDG_STATE_HOME", "SSH_AUTH_SOCK", "SSH_CONNECTION", "NO_COLOR", "CI", "TERM"];

impl World<'static> {
    /// The world of this process.
    pub fn of_this_process() -> Self {
        let known = |name: &str| name.starts_with("COUNTERSIGN_") || KNOWN.contains(&name);
        let text = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        let variables =
            std::env::vars_os().filter_map(text).filter(|(name, _)| known(name)).collect();
        let stdin = std::io::stdin();
        let answers = stdin.is_terminal() && std::io::stderr().is_terminal();
        Self {
            answers,
            watched: true,
            terminal: std::io::stdout().is_terminal(),
            stdin: Box::leak(Box::new(stdin)),
            stdout: Box::leak(Box::new(std::io::BufWriter::new(std::io::stdout()))),
            stderr: Box::leak(Box::new(std::io::stderr())),
            variables,
            environment: std::env::vars_os().collect(),
            directory: std::env::current_dir().unwrap_or_default(),
            program: std::env::current_exe().unwrap_or_default(),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            clock: Arc::new(Instant::now),
            passphrase: |prompt| rpassword::prompt_password(prompt).map(Zeroizing::new),
            interrupted: Arc::new(AtomicBool::new(false)),
        }
    }
}

impl World<'_> {
    /// A variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether somebody asked to stop.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }

    /// From now on, SIGINT and SIGTERM ask to stop instead of ending the process.
    ///
    /// # Errors
    /// The system refuses.
    pub fn catch_signals(&self) -> std::io::Result<()> {
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&self.interrupted))?;
        }
        Ok(())
    }
}
