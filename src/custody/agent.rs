//! A client of ssh-agent: lists Ed25519 keys and has one of them sign. What comes back is bounded,
//! waited for only so long, and verified before it is believed.
//! Protocol: draft-ietf-sshm-ssh-agent, sections 3.5 (list) and 3.6 (sign).

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use crate::clock::Deadline;
use crate::files::{self, FileError};
use crate::trust::fingerprint::Fingerprint;
use crate::trust::key::{ED25519, PublicKey};
use crate::trust::sign::{Sign, SignError};
use crate::trust::wire::{self, Misframed, Wire, push_string};

/// Most bytes of a request or an answer (OpenSSH's own limit, `AGENT_MAX_LEN`).
const MAX_MESSAGE: u32 = 256 << 10;
/// How long the list of keys is waited for.
const LIST: Duration = Duration::from_secs(5);
/// How long a signature is waited for: a person may have to confirm it (`ssh-add -c`).
const SIGN: Duration = Duration::from_secs(60);

const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;

/// Why the agent was of no use.
#[derive(Debug, Error)]
pub enum AgentError {
    /// The socket is not one to trust.
    #[error("the socket of the agent cannot be used")]
    Socket(#[source] FileError),
    /// Nobody listens, or the connection broke.
    #[error("the agent at {path} cannot be reached", path = .path.display())]
    Connection {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It did not answer.
    #[error("the agent at {path} did not answer within {seconds} seconds", path = .path.display())]
    Silent {
        /// The socket.
        path: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// An answer longer than any it has reason to give.
    #[error("the agent at {path} answers with {bytes} bytes; at most {MAX_MESSAGE} are read", path = .path.display())]
    TooLarge {
        /// The socket.
        path: PathBuf,
        /// How many it announced.
        bytes: u32,
    },
    /// A message longer than an agent reads.
    #[error(
        "{bytes} bytes are too many for an agent to sign, which reads {MAX_MESSAGE}; sign with a key file"
    )]
    MessageTooLarge {
        /// How many there are, with the frame around them.
        bytes: usize,
    },
    /// Not an answer to what was asked.
    #[error("the agent at {path} gives no proper answer", path = .path.display())]
    Answer {
        /// The socket.
        path: PathBuf,
    },
    /// It will not list its keys.
    #[error("the agent at {path} refuses to list its keys; it may be locked (ssh-add -X)", path = .path.display())]
    ListRefused {
        /// The socket.
        path: PathBuf,
    },
    /// It has the key, and does not sign with it.
    #[error(
        "the agent refuses to sign with {key}: it was not confirmed, or may be used for some hosts only (ssh-add -h)"
    )]
    SignRefused {
        /// The key.
        key: Fingerprint,
    },
    /// A signature that is not by this key over this message.
    #[error("the agent gave a signature that is not by {key}")]
    WrongSignature {
        /// The key that was asked for.
        key: Fingerprint,
    },
    /// It does not have the key.
    #[error("the agent at {path} has no Ed25519 key {key}", path = .path.display())]
    NoKey {
        /// The socket.
        path: PathBuf,
        /// The key that was asked for.
        key: Fingerprint,
    },
}

/// An agent that listens at a socket.
#[derive(Clone, Debug)]
pub struct Agent {
    path: PathBuf,
    list: Duration,
    sign: Duration,
}

/// What an agent holds.
#[derive(Clone, Debug)]
pub struct Holding {
    /// Its Ed25519 keys that can be enrolled, in its order, each with its comment (untrusted text).
    pub keys: Vec<(PublicKey, String)>,
    /// How many other keys it has.
    pub others: usize,
}

impl Agent {
    /// The agent at this socket. Nothing is opened yet.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), list: LIST, sign: SIGN }
    }

    /// Waits no longer than this for any answer.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { path: self.path, list: patience, sign: patience }
    }

    /// The socket.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds.
    ///
    /// # Errors
    /// [`AgentError`].
    pub fn keys(&self) -> Result<Holding, AgentError> {
        let answer = self.ask(&[REQUEST_IDENTITIES], self.list)?;
        let broken = |_: Misframed| AgentError::Answer { path: self.path.clone() };
        let mut wire = Wire::new(&answer);
        match wire.byte().map_err(broken)? {
            IDENTITIES_ANSWER => {}
            FAILURE => return Err(AgentError::ListRefused { path: self.path.clone() }),
            _ => return Err(broken(Misframed)),
        }
        let mut holding = Holding { keys: Vec::new(), others: 0 };
        for _ in 0..wire.uint32().map_err(broken)? {
            let blob = wire.string().map_err(broken)?;
            let comment = String::from_utf8_lossy(wire.string().map_err(broken)?).into_owned();
            match PublicKey::from_blob(blob) {
                Ok(key) => holding.keys.push((key, comment)),
                Err(_) => holding.others += 1,
            }
        }
        wire.end().map_err(broken)?;
        Ok(holding)
    }

    /// The key with this fingerprint, as something that signs.
    ///
    /// # Errors
    /// [`AgentError::NoKey`] if the agent does not have it.
    pub fn signer(&self, fingerprint: &Fingerprint) -> Result<AgentSigner, AgentError> {
        let found =
            self.keys()?.keys.into_iter().find(|(key, _)| key.fingerprint() == *fingerprint);
        match found {
            Some((public, _)) => Ok(AgentSigner { agent: self.clone(), public }),
            None => Err(AgentError::NoKey { path: self.path.clone(), key: fingerprint.clone() }),
        }
    }

    fn signature(&self, key: &PublicKey, message: &[u8]) -> Result<[u8; 64], AgentError> {
        let mut request = vec![SIGN_REQUEST];
        push_string(&mut request, &key.to_blob());
        push_string(&mut request, message);
        request.extend_from_slice(&0_u32.to_be_bytes());
        let answer = self.ask(&request, self.sign)?;
        let broken = |_: Misframed| AgentError::Answer { path: self.path.clone() };
        let mut wire = Wire::new(&answer);
        match wire.byte().map_err(broken)? {
            SIGN_RESPONSE => {}
            FAILURE => return Err(AgentError::SignRefused { key: key.fingerprint() }),
            _ => return Err(broken(Misframed)),
        }
        let blob = wire.string().map_err(broken)?;
        wire.end().map_err(broken)?;
        let (kind, signature) = wire::pair(blob).map_err(broken)?;
        let wrong = || AgentError::WrongSignature { key: key.fingerprint() };
        let signature: [u8; 64] = signature.try_into().map_err(|_| wrong())?;
        if kind == ED25519.as_bytes() && key.verify(message, &signature) {
            Ok(signature)
        } else {
            Err(wrong())
        }
    }

    /// One request, one answer, on a connection of its own.
    fn ask(&self, request: &[u8], patience: Duration) -> Result<Vec<u8>, AgentError> {
        if request.len() > usize::try_from(MAX_MESSAGE).unwrap_or_default() {
            return Err(AgentError::MessageTooLarge { bytes: request.len() });
        }
        files::check_socket(&self.path).map_err(AgentError::Socket)?;
        let deadline = Deadline::after(patience);
        let silent = || AgentError::Silent { path: self.path.clone(), seconds: patience.as_secs() };
        let failed = |source: std::io::Error| {
            use std::io::ErrorKind::{TimedOut, WouldBlock};
            match [TimedOut, WouldBlock].contains(&source.kind()) {
                true => silent(),
                false => AgentError::Connection { path: self.path.clone(), source },
            }
        };
        let mut stream = UnixStream::connect(&self.path).map_err(failed)?;
        stream.set_write_timeout(Some(patience)).map_err(failed)?;
        let mut framed = Vec::new();
        push_string(&mut framed, request);
        stream.write_all(&framed).map_err(failed)?;

        // The time left is set again before each read, so that a slow drip gains nothing.
        let mut fill = |buffer: &mut [u8]| {
            let mut rest = buffer;
            while !rest.is_empty() {
                let left = deadline.left().ok_or_else(silent)?;
                stream.set_read_timeout(Some(left)).map_err(failed)?;
                match stream.read(rest) {
                    Ok(0) => return Err(failed(std::io::ErrorKind::UnexpectedEof.into())),
                    Ok(count) => rest = rest.get_mut(count..).unwrap_or_default(),
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(failed(error)),
                }
            }
            Ok(())
        };
        let mut length = [0; 4];
        fill(&mut length)?;
        let bytes = u32::from_be_bytes(length);
        if bytes > MAX_MESSAGE {
            return Err(AgentError::TooLarge { path: self.path.clone(), bytes });
        }
        let mut answer = vec![0; usize::try_from(bytes).unwrap_or_default()];
        fill(&mut answer)?;
        Ok(answer)
    }
}

/// One key of an agent.
#[derive(Clone, Debug)]
pub struct AgentSigner {
    agent: Agent,
    public: PublicKey,
}

impl Sign for AgentSigner {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        self.agent
            .signature(&self.public, message)
            .map_err(|error| SignError { key: self.public.fingerprint(), source: Box::new(error) })
    }
}
