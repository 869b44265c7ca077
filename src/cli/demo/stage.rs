//! Where the demo plays: every command is run as its own process, and shown with its output and its
//! exit code.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::cli::fault::Fault;
use crate::cli::session::Session;
use crate::document::code::Code;
use crate::document::ident::Digest;
use crate::review::neutral;

/// What a command must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It works, and changes no manifest.
    Works,
    /// It applies the plan.
    Applies,
    /// It refuses with this code.
    Refused(Code),
}

pub(super) struct Stage<'a, 's, 'w> {
    program: PathBuf,
    root: PathBuf,
    session: &'a mut Session<'s, 'w>,
    search: String,
    /// Refusals that happened as they must.
    pub(super) refused: u32,
    /// Applies that happened as they must.
    pub(super) applied: u32,
    /// What did not happen as it must.
    pub(super) wrong: Vec<String>,
}

impl<'a, 's, 'w> Stage<'a, 's, 'w> {
    pub(super) fn new(program: &Path, root: &Path, session: &'a mut Session<'s, 'w>) -> Self {
        Self {
            program: program.to_owned(),
            root: root.to_owned(),
            search: session.variable("PATH").unwrap_or_else(|| "/usr/bin:/bin".to_owned()),
            session,
            refused: 0,
            applied: 0,
            wrong: Vec::new(),
        }
    }

    /// A sentence of ours.
    pub(super) fn say(&mut self, text: &str) {
        self.session.print(&format!("{text}\n"));
    }

    /// A command of a shell that the demo carries out itself.
    pub(super) fn shell(&mut self, command: &str) {
        self.session.print(&format!("   $ {command}\n"));
    }

    /// Text under a heading.
    pub(super) fn output(&mut self, heading: &str, text: &str) {
        self.say(&format!("   {heading}"));
        self.quote(text);
    }

    fn quote(&mut self, text: &str) {
        let mut out = String::new();
        for line in text.lines() {
            let line = neutral::neutral(line, neutral::Kind::Source, usize::MAX).text;
            out.push_str(&format!("   | {line}\n"));
        }
        self.session.print(&out);
    }

    /// Runs this program with these arguments, and shows everything.
    pub(super) fn run(&mut self, arguments: &[&str], step: Step) -> Result<(), Fault> {
        self.shell(&format!("countersign {}", arguments.join(" ")));
        let program = self.program.clone();
        let output = self.start(&program, arguments)?;
        self.quote(&String::from_utf8_lossy(&output.stdout));
        self.quote(&String::from_utf8_lossy(&output.stderr));
        self.judge(arguments, &output, step);
        Ok(())
    }

    /// Runs this program, and shows only the end of what it prints: the page has been seen.
    pub(super) fn briefly(&mut self, arguments: &[String]) -> Result<(), Fault> {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.shell(&format!("countersign {}", arguments.join(" ")));
        let program = self.program.clone();
        let output = self.start(&program, &arguments)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let end = lines.len().saturating_sub(2);
        let shown = lines.get(end..).unwrap_or_default().join("\n");
        if end > 0 {
            self.say("   | (the page above, and then)");
        }
        self.quote(&shown);
        self.quote(&String::from_utf8_lossy(&output.stderr));
        self.judge(&arguments, &output, Step::Works);
        Ok(())
    }

    fn judge(&mut self, arguments: &[&str], output: &Output, step: Step) {
        let found = output.status.code();
        let shown = found.map_or_else(|| "none".to_owned(), |code| code.to_string());
        let wanted = match step {
            Step::Works | Step::Applies => Code::Ok,
            Step::Refused(code) => code,
        };
        self.say(&format!("   exit {shown}"));
        if found != Some(i32::from(wanted.number())) {
            let line = arguments.join(" ");
            let wanted = wanted.number();
            self.wrong.push(format!("`countersign {line}` exited with {shown}, not {wanted}"));
            return;
        }
        match step {
            Step::Works => {}
            Step::Applies => self.applied += 1,
            Step::Refused(_) => self.refused += 1,
        }
    }

    fn start(&self, program: &Path, arguments: &[&str]) -> Result<Output, Fault> {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.root.join("shop"))
            .env_clear()
            .env("COUNTERSIGN_STATE", self.root.join("state"))
            .env("HOME", &self.root)
            .env("PATH", &self.search)
            .stdin(Stdio::null())
            .output();
        output.map_err(|error| {
            Fault::of(Code::Error, &error).because(format!("starting {}", program.display()))
        })
    }

    /// Whether a program of this name can be started.
    pub(super) fn installed(&self, name: &str) -> bool {
        self.search.split(':').any(|folder| Path::new(folder).join(name).is_file())
    }

    /// Compares with what `sha256sum` says, where it is installed.
    pub(super) fn sha256sum(&mut self, path: &str, digest: &str) -> Result<(), Fault> {
        if !self.installed("sha256sum") {
            self.say("   (sha256sum is not installed here)");
            return Ok(());
        }
        self.shell(&format!("sha256sum {path}"));
        let output = self.start(Path::new("sha256sum"), &[path])?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        self.quote(&text);
        if !text.starts_with(digest) {
            self.wrong.push(format!("sha256sum {path} does not give the digest of the plan"));
        }
        Ok(())
    }

    /// Signs the prepared statement whose name begins with `start`.
    pub(super) fn ssh_keygen_signs(
        &mut self,
        folder: &str,
        start: &str,
        key: &str,
    ) -> Result<(), Fault> {
        let names = crate::files::names(&self.root.join("shop").join(folder));
        let names = names.map_err(|error| Fault::of(Code::Error, &error))?;
        let Some(name) = names.iter().find(|name| name.starts_with(start)) else {
            self.wrong.push(format!("no prepared statement of {start} in {folder}"));
            return Ok(());
        };
        let path = format!("{folder}/{name}");
        let arguments = ["-Y", "sign", "-n", crate::trust::sshsig::NAMESPACE, "-f", key, &path];
        self.shell(&format!("ssh-keygen {}", arguments.join(" ")));
        let output = self.start(Path::new("ssh-keygen"), &arguments)?;
        self.quote(&String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            self.wrong.push("ssh-keygen did not sign".to_owned());
        }
        Ok(())
    }

    /// Says that something is as it was; if it is not, the demo has failed.
    pub(super) fn same(&mut self, what: &str, before: Digest, after: Digest) {
        if before == after {
            self.say(&format!("   {what}, before and after: {before}"));
        } else {
            self.wrong.push(format!("{what} changed: {before}, then {after}"));
        }
    }
}
