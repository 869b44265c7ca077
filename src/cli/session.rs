//! What a command works with: the project it is in, the trusted side, the user's state folder, and
//! the options. Found when asked for, never guessed.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::fault::Fault;
use super::progress::Progress;
use super::world::World;
use super::{Colour, Options, Output, present};
use crate::clock::Instant;
use crate::config;
use crate::custody::state::{State, StateError};
use crate::document::code::Code;
use crate::gate::{Trusted, TrustedError};
use crate::ledger::Ledger;
use crate::review::Style;

/// A command's surroundings.
pub(crate) struct Session<'s, 'w> {
    options: Options,
    world: &'s mut World<'w>,
    progress: Progress,
    spends: bool,
    ledgers: Vec<Kept>,
}

/// A ledger that is open.
struct Kept {
    configured: config::Ledger,
    files: bool,
    ledger: Rc<Ledger>,
}

impl<'s, 'w> Session<'s, 'w> {
    pub(super) fn new(options: Options, world: &'s mut World<'w>) -> Self {
        Self { options, world, progress: Progress::new(), spends: false, ledgers: Vec::new() }
    }

    pub(super) fn options(&self) -> &Options {
        &self.options
    }

    pub(super) fn world(&mut self) -> &mut World<'w> {
        self.world
    }

    /// From now on approvals may be spent and the target changed: a failure is what it says it is,
    /// and no interrupt stands for it.
    pub(super) fn spend(&mut self) {
        self.spends = true;
    }

    /// Whether [`Session::spend`] was called.
    pub(super) fn spends(&self) -> bool {
        self.spends
    }

    /// A ledger that was opened before: one is asked for once, however many plans a command is about.
    pub(super) fn ledger(&self, configured: &config::Ledger, files: bool) -> Option<Rc<Ledger>> {
        let same = |kept: &&Kept| kept.configured == *configured && kept.files == files;
        self.ledgers.iter().find(same).map(|kept| Rc::clone(&kept.ledger))
    }

    /// Keeps a ledger that was opened.
    pub(super) fn keep_ledger(
        &mut self,
        configured: config::Ledger,
        files: bool,
        ledger: Ledger,
    ) -> Rc<Ledger> {
        let ledger = Rc::new(ledger);
        self.ledgers.push(Kept { configured, files, ledger: Rc::clone(&ledger) });
        ledger
    }

    pub(super) fn now(&self) -> Instant {
        (self.world.clock)()
    }

    pub(super) fn json(&self) -> bool {
        self.options.output == Output::Json
    }

    pub(super) fn quiet(&self) -> bool {
        self.options.quiet
    }

    pub(super) fn verbose(&self) -> bool {
        self.options.verbose
    }

    /// A variable of the environment.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        self.world.variable(name).map(str::to_owned)
    }

    /// Whether somebody can be asked.
    pub(super) fn answers(&self) -> bool {
        self.world.answers && !self.options.no_input
    }

    pub(super) fn style(&self) -> Style {
        let colour = match self.options.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => self.world.terminal && self.world.variable("NO_COLOR").is_none(),
        };
        Style { colour, reasons: self.options.verbose, ..Style::default() }
    }

    /// Writes text to stdout.
    pub(super) fn print(&mut self, text: &str) {
        self.progress.pause();
        present::raw(self.world.stdout, text);
    }

    /// Writes one JSON document to stdout.
    pub(super) fn print_json<T: serde::Serialize>(&mut self, value: &T) {
        self.progress.pause();
        present::json(self.world, value);
    }

    /// Writes to stderr what must be seen even by who asked for quiet.
    pub(super) fn tell(&mut self, text: &str) {
        self.progress.pause();
        present::raw(self.world.stderr, text);
    }

    /// Writes a line to stderr, unless asked to be quiet.
    pub(super) fn note(&mut self, text: &str) {
        if !self.options.quiet {
            present::note(self.world, text);
        }
    }

    /// Says what is being done, if the command takes longer than half a second.
    pub(super) fn progress(&mut self, text: &str) {
        if !self.options.quiet && self.world.watched {
            self.progress.doing(text);
        }
    }

    /// Says the same from within a work that is in progress, of which it has been said so before.
    /// What it is told may come from elsewhere.
    pub(super) fn teller(&self) -> impl Fn(&str) + use<> {
        let heard = !self.options.quiet && self.world.watched;
        let more = heard.then(|| self.progress.more());
        move |text| {
            if let Some(more) = &more {
                more(&crate::review::neutral::terminal(text));
            }
        }
    }

    /// What is shown or asked from now on is no work in progress.
    pub(super) fn pause(&self) {
        self.progress.pause();
    }

    /// A folder named by `-C` that is none is an error: above it may lie another project.
    pub(super) fn entered(&self) -> Result<(), Fault> {
        let Some(typed) = &self.options.directory else {
            return Ok(());
        };
        match self.directory().is_dir() {
            true => Ok(()),
            false => {
                Err(Fault::new(Code::Error, format!("-C {}: no such folder", typed.display())))
            }
        }
    }

    /// The folder the command works in.
    pub(super) fn directory(&self) -> PathBuf {
        match &self.options.directory {
            Some(directory) => self.world.directory.join(directory),
            None => self.world.directory.clone(),
        }
    }

    /// A path as the user typed it.
    pub(super) fn path(&self, typed: &Path) -> PathBuf {
        self.directory().join(typed)
    }

    /// The project: the nearest folder upwards that holds countersign.toml.
    pub(super) fn project(&self) -> Result<PathBuf, Fault> {
        let start = self.directory();
        let found = start.ancestors().find(|folder| folder.join("countersign.toml").exists());
        found.map(Path::to_owned).ok_or_else(|| {
            Fault::new(
                Code::Error,
                format!("no countersign.toml in {} or any folder above it", start.display()),
            )
            .hint("`countersign init` makes one, or name the project with `-C DIR`")
        })
    }

    /// The folder of the trusted side. `demanded` says that it must be named where nobody sits at a
    /// terminal.
    pub(super) fn trusted_folder(&self, demanded: bool) -> Result<PathBuf, Fault> {
        match &self.options.trusted {
            Some(folder) => Ok(self.path(folder)),
            None if demanded && !self.world.answers => Err(Fault::new(
                Code::Usage,
                "nobody sits at a terminal, and --trusted does not say where trust comes from",
            )
            .hint(
                "name the checkout of the trusted branch: `--trusted DIR` (`--trusted .` if this is it)",
            )),
            None => self.project(),
        }
    }

    /// The trusted side.
    pub(super) fn trusted(&self, demanded: bool) -> Result<Trusted, Fault> {
        let folder = self.trusted_folder(demanded)?;
        Trusted::load(&folder).map_err(|error| trusted_fault(&error))
    }

    /// The user's state folder: `COUNTERSIGN_STATE`, or `countersign` in the XDG state folder.
    pub(super) fn state(&self) -> Result<PathBuf, Fault> {
        if let Some(state) = self.world.variable("COUNTERSIGN_STATE") {
            return Ok(self.directory().join(state));
        }
        let absolute = |name: &str| {
            self.world.variable(name).map(PathBuf::from).filter(|path| path.is_absolute())
        };
        if let Some(state) = absolute("XDG_STATE_HOME") {
            return Ok(state.join("countersign"));
        }
        match absolute("HOME") {
            Some(home) => Ok(home.join(".local/state/countersign")),
            None => Err(Fault::new(Code::Error, "there is no home folder to keep state in")
                .hint("set HOME, or COUNTERSIGN_STATE to a folder of yours")),
        }
    }

    /// The user's state folder, if it is there a plain folder that is this user's alone.
    pub(super) fn state_checked(&self, code: Code) -> Result<PathBuf, Fault> {
        let root = self.state()?;
        match State::open(&root) {
            Ok(_) => Ok(root),
            // What is missed in it is named by whoever looks for it.
            Err(StateError::File(error)) if error.is_absent() => Ok(root),
            Err(error) => Err(state_fault(code, &error)),
        }
    }

    /// Asks for one line; an error that names `flag` where nobody answers.
    pub(super) fn ask(&mut self, question: &str, flag: &str) -> Result<String, Fault> {
        if !self.answers() {
            let question = question.trim_end_matches(':');
            return Err(Fault::new(Code::Error, "an answer is missing, and nobody can be asked")
                .because(format!("asked for: {question}"))
                .hint(format!("give it with {flag}")));
        }
        self.progress.pause();
        present::raw(self.world.stderr, &format!("{question} "));
        let mut line = Vec::new();
        let mut byte = [0_u8; 1];
        loop {
            match self.world.stdin.read(&mut byte) {
                Ok(1) if byte != [b'\n'] && line.len() < 4096 => line.extend(byte),
                Ok(_) => break,
                Err(error) => return Err(Fault::of(Code::Error, &error)),
            }
        }
        Ok(String::from_utf8_lossy(&line).trim().to_owned())
    }
}

/// What a state folder that cannot be used looks like.
pub(super) fn state_fault(code: Code, error: &StateError) -> Fault {
    Fault::of(code, error).hint(
        "the state folder must be yours alone and outside every checkout; COUNTERSIGN_STATE names another",
    )
}

/// What a trusted side that does not load looks like.
pub(super) fn trusted_fault(error: &TrustedError) -> Fault {
    let code = match error {
        TrustedError::Bundle(_) => Code::Error,
        TrustedError::File(_)
        | TrustedError::Config(_)
        | TrustedError::Text
        | TrustedError::Root(_) => Code::TrustInvalid,
    };
    let hint = match error {
        TrustedError::File(file) if file.is_absent() => {
            "restore it (`git checkout` knows the last version); in a new project `countersign init` makes countersign.toml, trust.json and policies/"
        }
        TrustedError::File(_) | TrustedError::Text | TrustedError::Config(_) => {
            "mend it on the trusted side; `countersign schema config` describes countersign.toml"
        }
        TrustedError::Root(_) => {
            "restore the last good version; `countersign trust --help` lists the changes that load"
        }
        TrustedError::Bundle(_) => "mend that file on the trusted side",
    };
    Fault::of(code, error).hint(hint)
}
