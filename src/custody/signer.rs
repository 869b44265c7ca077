//! Finds the key that a person means: the one they name, or the only one there is. Two are never
//! chosen between, and a key that was looked for and not found says where.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use thiserror::Error;

use super::agent::{Agent, AgentError};
use super::key_file::{KeyFileError, SecretKey};
use super::passphrase::Ask;
use super::setting::{self, SettingError};
use crate::causes;
use crate::files::{self, FileError};
use crate::trust::fingerprint::{Fingerprint, FingerprintError};
use crate::trust::key::PublicKey;
use crate::trust::sign::{Sign, SignError};

/// Where keys are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// The person's `~/.ssh`.
    pub ssh: Option<&'a Path>,
    /// The socket of their agent.
    pub agent: Option<&'a Path>,
}

/// A key that somebody named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A file with a private key.
    File(PathBuf),
    /// A key of the agent.
    Agent(Fingerprint),
}

/// A text that names no key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NamedError {
    /// `agent:` and something else than a fingerprint.
    #[error(transparent)]
    Fingerprint(#[from] FingerprintError),
    /// It looks like the key itself, and is not shown.
    #[error("what should name a key looks like a private key itself; it is not shown")]
    Secret,
}

impl FromStr for Named {
    type Err = NamedError;
    fn from_str(text: &str) -> Result<Self, NamedError> {
        if setting::is_secret(text) {
            return Err(NamedError::Secret);
        }
        match text.strip_prefix("agent:") {
            Some(fingerprint) => Ok(Self::Agent(fingerprint.parse()?)),
            None => Ok(Self::File(text.into())),
        }
    }
}

/// Why there is no key to sign with.
#[derive(Debug, Error)]
pub enum SignerError {
    /// The file that was named, or the only one, is of no use.
    #[error("the key cannot be used")]
    File(#[source] KeyFileError),
    /// The agent is of no use.
    #[error("the key of the agent cannot be used")]
    Agent(#[source] AgentError),
    /// A key of the agent was named, and there is no agent.
    #[error("there is no agent to ask for {0} (SSH_AUTH_SOCK is not set)")]
    NoAgent(Fingerprint),
    /// Nothing fits.
    #[error("no key of yours is accepted here; looked at {}", .looked.join("; "))]
    None {
        /// What was looked at, and what was there.
        looked: Vec<String>,
    },
    /// More than one fits.
    #[error("several keys of yours are accepted here, say which: {}", list(.found))]
    Several {
        /// All of them.
        found: Vec<Candidate>,
    },
    /// A setting gives no key.
    #[error("the key cannot be used")]
    Setting(#[source] SettingError),
    /// `~/.ssh` cannot be listed.
    #[error("the folder of your keys cannot be listed")]
    Ssh(#[source] FileError),
}

fn list(found: &[Candidate]) -> String {
    let each = found.iter().map(|one| format!("{} ({})", one.place, one.public.fingerprint()));
    each.collect::<Vec<_>>().join(", ")
}

/// A key that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its public half.
    pub public: PublicKey,
    /// Where its private half is.
    pub place: Place,
}

/// Where a private key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    File(PathBuf),
    /// In the agent.
    Agent(Fingerprint),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Agent(fingerprint) => write!(f, "agent:{fingerprint}"),
        }
    }
}

/// The keys of a person.
#[derive(Clone, Debug)]
pub struct Found {
    /// Ed25519 keys, the agent's first; a key that is in the agent and in a file stands once.
    pub candidates: Vec<Candidate>,
    /// What was looked at, and what was there: one clause each.
    pub looked: Vec<String>,
}

/// Something to sign with, and where its key is.
pub struct Signer {
    sign: Box<dyn Sign>,
    place: String,
}

impl Signer {
    /// Where the key is, to be told to the person.
    pub fn place(&self) -> &str {
        &self.place
    }
}

impl Sign for Signer {
    fn public(&self) -> &PublicKey {
        self.sign.public()
    }
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        self.sign.sign(message)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}, {})", self.public().fingerprint(), self.place)
    }
}

/// Every Ed25519 key of a person: those of the agent, and `id_*` of `~/.ssh`, by their `.pub`. An
/// agent that cannot be reached is said in `looked`, and no error: the files may have the key.
///
/// # Errors
/// [`SignerError::Ssh`] if `~/.ssh` is there and cannot be listed.
pub fn find(places: Places<'_>) -> Result<Found, SignerError> {
    let mut found = Found { candidates: Vec::new(), looked: Vec::new() };
    match places.agent {
        None => found.looked.push("no agent (SSH_AUTH_SOCK is not set)".to_owned()),
        Some(path) => in_agent(path, &mut found),
    }
    match places.ssh {
        None => found.looked.push("no ~/.ssh".to_owned()),
        Some(path) => in_folder(path, &mut found)?,
    }
    Ok(found)
}

/// The key that somebody named or, without a name, the one key that `accepts`.
///
/// # Errors
/// [`SignerError`].
pub fn resolve(
    named: Option<&Named>,
    places: Places<'_>,
    accepts: &dyn Fn(&PublicKey) -> bool,
    ask: &mut Ask<'_>,
) -> Result<Signer, SignerError> {
    let place = match named {
        Some(Named::File(path)) => Place::File(path.clone()),
        Some(Named::Agent(fingerprint)) => Place::Agent(fingerprint.clone()),
        None => {
            let Found { candidates, looked } = find(places)?;
            let mut found: Vec<_> =
                candidates.into_iter().filter(|one| accepts(&one.public)).collect();
            match (found.pop(), found.is_empty()) {
                (None, _) => return Err(SignerError::None { looked }),
                (Some(one), true) => one.place,
                (Some(last), false) => {
                    found.push(last);
                    return Err(SignerError::Several { found });
                }
            }
        }
    };
    open(&place, places, ask)
}

/// A key from a setting that holds the text of a key file, or the path of one. `name` is the name
/// of the setting: messages have it in place of the value, which is never shown.
///
/// # Errors
/// [`SignerError::Setting`] if it holds neither; [`SignerError::File`] for a key that is of no use.
pub fn from_setting(name: &str, value: &str, ask: &mut Ask<'_>) -> Result<Signer, SignerError> {
    let key = setting::read(name, value, ask)?;
    Ok(Signer { sign: Box::new(key), place: name.to_owned() })
}

fn open(place: &Place, places: Places<'_>, ask: &mut Ask<'_>) -> Result<Signer, SignerError> {
    let sign: Box<dyn Sign> = match place {
        Place::File(path) => Box::new(SecretKey::read(path, ask).map_err(SignerError::File)?),
        Place::Agent(fingerprint) => {
            let Some(socket) = places.agent else {
                return Err(SignerError::NoAgent(fingerprint.clone()));
            };
            Box::new(Agent::at(socket).signer(fingerprint).map_err(SignerError::Agent)?)
        }
    };
    Ok(Signer { sign, place: place.to_string() })
}

fn in_agent(path: &Path, found: &mut Found) {
    let socket = path.display();
    match Agent::at(path).keys() {
        Ok(holding) => {
            found.looked.push(format!(
                "the agent at {socket}: {} Ed25519, {} other",
                holding.keys.len(),
                holding.others
            ));
            for (public, _) in holding.keys {
                let place = Place::Agent(public.fingerprint());
                add(found, Candidate { public, place });
            }
        }
        Err(error) => {
            found.looked.push(causes::line(&error));
        }
    }
}

fn in_folder(path: &Path, found: &mut Found) -> Result<(), SignerError> {
    let names = match files::names(path) {
        Ok(names) => names,
        Err(error) if error.is_absent() => {
            found.looked.push(format!("{} is not there", path.display()));
            return Ok(());
        }
        Err(error) => return Err(SignerError::Ssh(error)),
    };
    let mut count = 0_usize;
    for name in names {
        let Some(private) = name.strip_suffix(".pub").filter(|name| name.starts_with("id_")) else {
            continue;
        };
        // A link, a folder, or a file of another kind is not a candidate, and no reason to stop.
        let Ok(line) = files::read_path(&path.join(&name), 16 << 10) else { continue };
        let Ok(public) = PublicKey::from_openssh(&String::from_utf8_lossy(&line)) else { continue };
        count += 1;
        add(found, Candidate { public, place: Place::File(path.join(private)) });
    }
    found.looked.push(format!("{}: {count} Ed25519 (id_*.pub)", path.display()));
    Ok(())
}

fn add(found: &mut Found, candidate: Candidate) {
    if found.candidates.iter().all(|known| known.public != candidate.public) {
        found.candidates.push(candidate);
    }
}
