//! What git finds around it: the environment and settings under which it does the same everywhere,
//! asks nobody, and runs nothing of the clone's.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Instant;

/// How git is run.
#[derive(Clone)]
pub struct Surroundings {
    /// The program: `git`, looked for in the `PATH` of the environment, or a path.
    pub program: PathBuf,
    /// The environment of the user, whole: git's credentials are found by it. Variables that would
    /// lead git elsewhere (`GIT_DIR` ...) are not handed on.
    pub environment: Vec<(OsString, OsString)>,
    /// How long one run may take.
    pub patience: Duration,
    /// Whether somebody asked to stop; git is ended then.
    pub interrupted: Arc<dyn Fn() -> bool + Send + Sync>,
    /// The time that commits get.
    pub clock: Arc<dyn Fn() -> Instant + Send + Sync>,
}

/// The variables of git itself that are handed on: how it connects and proves who it is, and
/// where its configuration is. Whatever says which repository, index or objects to use is not.
const KEPT: [&str; 22] = [
    "GIT_ALLOW_PROTOCOL",
    "GIT_ASKPASS",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_SYSTEM",
    "GIT_CEILING_DIRECTORIES",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_EXEC_PATH",
    "GIT_HTTP_LOW_SPEED_LIMIT",
    "GIT_HTTP_LOW_SPEED_TIME",
    "GIT_HTTP_USER_AGENT",
    "GIT_PROTOCOL_FROM_USER",
    "GIT_PROXY_COMMAND",
    "GIT_PROXY_SSL_CAINFO",
    "GIT_PROXY_SSL_CERT",
    "GIT_PROXY_SSL_KEY",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_SSL_NO_VERIFY",
];
/// And those that begin with one of these.
const KEPT_PREFIXES: [&str; 3] = ["GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_", "GIT_SSL_C"];

/// What is set for git in every run.
const SET: [(&str, &str); 4] = [
    ("LC_ALL", "C"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
];

/// Set where the user has nothing else: ssh then fails at once where it would ask at a terminal,
/// which nobody of its process group may read.
const SET_IF_UNSET: [(&str, &str); 2] =
    [("SSH_ASKPASS", "false"), ("SSH_ASKPASS_REQUIRE", "force")];

/// Settings that go before those of any file. The hooks of a clone, its file monitor and its
/// upkeep are for people at work in it; `ext` runs a command that stands in an address.
const SETTINGS: [&str; 9] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "fetch.writeCommitGraph=false",
    "color.ui=false",
    "protocol.ext.allow=never",
    "protocol.fd.allow=never",
    "core.ignoreCase=false",
];

impl Surroundings {
    /// Options that stand before every command.
    pub(super) fn options() -> impl Iterator<Item = &'static str> {
        let settings = SETTINGS.iter().flat_map(|setting| ["-c", setting]);
        ["--no-pager"].into_iter().chain(settings)
    }

    /// The environment of git.
    pub(super) fn of_git(&self) -> Vec<(OsString, OsString)> {
        let mut found = Vec::new();
        for (name, value) in &self.environment {
            let text = name.to_string_lossy();
            let of_git = text.starts_with("GIT_");
            let kept = KEPT.contains(&&*text) || KEPT_PREFIXES.iter().any(|k| text.starts_with(k));
            if (of_git && !kept) || SET.iter().any(|(set, _)| *set == text) {
                continue;
            }
            let mut value = value.clone();
            if text == "GIT_ALLOW_PROTOCOL" {
                // It goes before every setting.
                let allowed = value.to_string_lossy().into_owned();
                let allowed: Vec<_> =
                    allowed.split(':').filter(|kind| !matches!(*kind, "ext" | "fd")).collect();
                value = allowed.join(":").into();
            }
            found.push((name.clone(), value));
        }
        for (name, value) in SET_IF_UNSET {
            if !found.iter().any(|(known, _)| known == name) {
                found.push((name.into(), value.into()));
            }
        }
        found.extend(SET.map(|(name, value)| (name.into(), value.into())));
        found
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The environment holds secrets.
        f.debug_struct("Surroundings")
            .field("program", &self.program)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_git_elsewhere_is_not_handed_on() {
        let given = [
            ("HOME", "/h"),
            ("LC_ALL", "de"),
            ("GIT_DIR", "/x"),
            ("GIT_INDEX_FILE", "/x"),
            ("GIT_TRACE2_EVENT", "/x"),
            ("GIT_QUARANTINE_PATH", "/x"),
            ("GIT_TERMINAL_PROMPT", "1"),
            ("GIT_SSH_COMMAND", "ssh -v"),
            ("GIT_CONFIG_KEY_0", "a.b"),
            ("GIT_ALLOW_PROTOCOL", "https:ext:ssh"),
            ("SSH_ASKPASS", "ask"),
        ];
        let surroundings = Surroundings {
            program: "git".into(),
            environment: given.map(|(name, value)| (name.into(), value.into())).to_vec(),
            patience: Duration::from_secs(1),
            interrupted: Arc::new(|| false),
            clock: Arc::new(Instant::now),
        };
        let mut found = surroundings.of_git();
        found.sort();
        let mut expected = [
            ("HOME", "/h"),
            ("LC_ALL", "C"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_SSH_COMMAND", "ssh -v"),
            ("GIT_CONFIG_KEY_0", "a.b"),
            ("GIT_ALLOW_PROTOCOL", "https:ssh"),
            ("SSH_ASKPASS", "ask"),
            ("SSH_ASKPASS_REQUIRE", "force"),
        ];
        expected.sort();
        assert_eq!(found, expected.map(|(name, value)| (name.into(), value.into())));
    }
}
