//! Ed25519 private keys in the OpenSSH format: read only from a file that is its owner's alone,
//! made only outside every Git work tree, and never over an existing file.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData};
use ssh_key::public::Ed25519PublicKey;
use ssh_key::{Kdf, LineEnding, PrivateKey};
use thiserror::Error;
use zeroize::Zeroizing;

use super::passphrase::{Ask, Unanswered};
use crate::files::{self, FileError, Folder, Mode};
use crate::trust::key::{ED25519, KeyError, PublicKey};
use crate::trust::sign::{Sign, SignError};
use crate::trust::wire::Wire;

/// Most bytes of a key file.
pub(super) const MAX_BYTES: u64 = 64 << 10;
/// Most rounds of the key derivation: a file must not keep the program busy for minutes.
/// `ssh-keygen` writes 16 or 24, unless `-a` says another number; 1,000 take about 20 seconds.
const MAX_ROUNDS: u32 = 1_000;

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC: &[u8] = b"openssh-key-v1\0";

/// Why a private key is not read or made.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// The file cannot be used.
    #[error("the key file cannot be used")]
    File(#[source] FileError),
    /// A key would be committed sooner or later.
    #[error("{path} lies in the Git work tree {tree}; keys are kept outside", path = .path.display(), tree = .tree.display())]
    WorkTree {
        /// Where the key was to go.
        path: PathBuf,
        /// The work tree.
        tree: PathBuf,
    },
    /// Not a private key in the OpenSSH format.
    #[error("{path} is {found}, not an OpenSSH private key", path = .path.display())]
    Format {
        /// The file, or the name of what held the text.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// A private key, and damaged.
    #[error("{path} is damaged", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        source: ssh_key::Error,
    },
    /// A key of another kind.
    #[error("{path} holds a key of kind {kind}; only ssh-ed25519 keys sign (ssh-keygen -t ed25519 makes one)", path = .path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// Its kind.
        kind: String,
    },
    /// An encrypted key, and nobody gave the passphrase.
    #[error("{path} is encrypted", path = .path.display())]
    Passphrase {
        /// The file.
        path: PathBuf,
        /// Why there is no passphrase.
        source: Unanswered,
    },
    /// The passphrase does not open it.
    #[error("the passphrase does not open {path}", path = .path.display())]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// A derivation that would take minutes.
    #[error("{path} asks for {rounds} rounds of key derivation; at most {MAX_ROUNDS} are done", path = .path.display())]
    Rounds {
        /// The file.
        path: PathBuf,
        /// How many it asks for.
        rounds: u32,
    },
    /// The public half in the file is not that of the private half.
    #[error("the public key in {path} does not belong to its private key", path = .path.display())]
    Halves {
        /// The file.
        path: PathBuf,
    },
    /// The public half could not be enrolled.
    #[error("the key in {path} is refused", path = .path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
}

/// A private key in memory. It is wiped when dropped.
pub struct SecretKey {
    signing: SigningKey,
    public: PublicKey,
}

impl SecretKey {
    /// The key of this seed (RFC 8032, section 5.1.5).
    ///
    /// # Errors
    /// [`KeyError`] never in practice: the key of a seed is of prime order.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, KeyError> {
        let signing = SigningKey::from_bytes(seed);
        let public = PublicKey::from_bytes(signing.verifying_key().as_bytes())?;
        Ok(Self { signing, public })
    }

    /// Reads a key file. `ask` is called only if it is encrypted.
    ///
    /// # Errors
    /// [`KeyFileError`]; also if others may read the file, or it is a symlink.
    pub fn read(path: &Path, ask: &mut Ask<'_>) -> Result<Self, KeyFileError> {
        let bytes = files::read_private_path(path, MAX_BYTES).map_err(KeyFileError::File)?;
        Self::parse(&bytes, path, ask)
    }

    /// Reads the text of a key file; `name` says in messages where it came from.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn parse(text: &[u8], name: &Path, ask: &mut Ask<'_>) -> Result<Self, KeyFileError> {
        let path = || name.to_owned();
        if let Some(found) = other_format(text) {
            return Err(KeyFileError::Format { path: path(), found });
        }
        // Named before a passphrase is asked for in vain.
        if let Some(kind) = other_kind(text) {
            return Err(KeyFileError::Kind { path: path(), kind });
        }
        let damaged = |source| KeyFileError::Damaged { path: path(), source };
        let mut key = PrivateKey::from_openssh(text).map_err(damaged)?;
        if key.is_encrypted() {
            key = decrypt(&key, name, ask)?;
        }
        let pair = key.key_data().ed25519().ok_or_else(|| KeyFileError::Halves { path: path() })?;
        let seed = Zeroizing::new(pair.private.to_bytes());
        let secret = Self::from_seed(&seed)
            .map_err(|source| KeyFileError::Refused { path: path(), source })?;
        // The public half in the file is not believed: signing with a false one leaks the key.
        if secret.public.as_bytes() != pair.public.as_ref() {
            return Err(KeyFileError::Halves { path: path() });
        }
        Ok(secret)
    }

    /// Makes a key pair of `seed`: `name` with the private half, unencrypted and its owner's alone,
    /// and `name.pub`. Neither may be there yet.
    ///
    /// # Errors
    /// [`KeyFileError::WorkTree`] inside a Git work tree; [`KeyFileError::File`] if a file exists.
    pub fn create(
        folder: &Folder,
        name: &str,
        comment: &str,
        seed: &[u8; 32],
    ) -> Result<Self, KeyFileError> {
        let path = folder.path().join(name);
        outside_work_trees(&path)?;
        let secret = Self::from_seed(seed)
            .map_err(|source| KeyFileError::Refused { path: path.clone(), source })?;
        let damaged = |source| KeyFileError::Damaged { path: path.clone(), source };
        let pair = Ed25519Keypair {
            public: Ed25519PublicKey(*secret.public.as_bytes()),
            private: Ed25519PrivateKey::from_bytes(seed),
        };
        let text = PrivateKey::new(KeypairData::Ed25519(pair), comment)
            .and_then(|key| key.to_openssh(LineEnding::LF))
            .map_err(damaged)?;
        let public_name = format!("{name}.pub");
        if folder.kind(&public_name).map_err(KeyFileError::File)?.is_some() {
            let path = folder.path().join(public_name);
            return Err(KeyFileError::File(FileError::Exists { path }));
        }
        let public = format!("{} {comment}\n", secret.public.to_openssh());
        folder
            .create(name, text.as_bytes(), Mode::Private)
            .and_then(|()| folder.create(&public_name, public.as_bytes(), Mode::Open))
            .map_err(KeyFileError::File)?;
        Ok(secret)
    }
}

/// Refuses a place for a secret that Git could pick up.
pub(super) fn outside_work_trees(path: &Path) -> Result<(), KeyFileError> {
    match files::git_work_tree_above(path).map_err(KeyFileError::File)? {
        Some(tree) => Err(KeyFileError::WorkTree { path: path.to_owned(), tree }),
        None => Ok(()),
    }
}

fn decrypt(key: &PrivateKey, name: &Path, ask: &mut Ask<'_>) -> Result<PrivateKey, KeyFileError> {
    let path = || name.to_owned();
    if let Kdf::Bcrypt { rounds, .. } = key.kdf()
        && *rounds > MAX_ROUNDS
    {
        return Err(KeyFileError::Rounds { path: path(), rounds: *rounds });
    }
    let passphrase =
        ask(name).map_err(|source| KeyFileError::Passphrase { path: path(), source })?;
    key.decrypt(passphrase.as_bytes()).map_err(|source| {
        // The two check numbers differ: what a wrong passphrase looks like.
        match source == ssh_key::Error::Crypto {
            true => KeyFileError::WrongPassphrase { path: path() },
            false => KeyFileError::Damaged { path: path(), source },
        }
    })
}

/// What a text is that does not begin as a private key of OpenSSH does.
fn other_format(text: &[u8]) -> Option<&'static str> {
    let begins = |with: &str| text.starts_with(with.as_bytes());
    if begins(BEGIN) {
        None
    } else if ["ssh-", "ecdsa-", "sk-"].iter().any(|kind| begins(kind)) {
        Some("a public key (give the file without .pub, or agent:SHA256:…)")
    } else if begins("-----BEGIN ENCRYPTED PRIVATE KEY-----") || begins("-----BEGIN PRIVATE KEY") {
        Some("a key in PKCS#8 PEM")
    } else if begins("-----BEGIN RSA") || begins("-----BEGIN EC ") || begins("-----BEGIN DSA") {
        Some("a key of another kind in PEM")
    } else {
        Some("something else")
    }
}

/// The kind of a well-framed key that is not Ed25519, from its public half, which is never
/// encrypted (OpenSSH, PROTOCOL.key, section 1). The parser of the key knows only some kinds.
fn other_kind(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    let body = text.trim_end().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let joined = Zeroizing::new(body.split_ascii_whitespace().collect::<String>());
    let blob = Zeroizing::new(STANDARD.decode(joined.as_bytes()).ok()?);
    let mut wire = Wire::new(&blob);
    wire.take(MAGIC.len()).ok().filter(|magic| *magic == MAGIC)?;
    for _cipher_kdf_options in 0..3 {
        wire.string().ok()?;
    }
    let _how_many = wire.uint32().ok()?;
    let kind = Wire::new(wire.string().ok()?).string().ok()?;
    let kind = std::str::from_utf8(kind).ok()?;
    // It is shown. In a file that was mangled, anything may stand in its place.
    let plain = kind.bytes().all(|c| c.is_ascii_alphanumeric() || b"-@._".contains(&c));
    let known = ["ssh-", "ecdsa-", "sk-", "rsa-"].iter().any(|start| kind.starts_with(start));
    (plain && known && kind.len() <= 64 && kind != ED25519).then(|| kind.to_owned())
}

impl Sign for SecretKey {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        Ok(self.signing.sign(message).to_bytes())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({}, private half not shown)", self.public.fingerprint())
    }
}
