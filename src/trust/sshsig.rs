//! Signatures by a plain `ssh-keygen -Y sign`: accepted only in this project's namespace, under a
//! key that the caller trusts, and with nothing before, between or after.
//! Format: OpenSSH, PROTOCOL.sshsig.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::Digest as _;
use thiserror::Error;

use super::Verified;
use super::fingerprint::Fingerprint;
use super::key::{self, ED25519, KeyError, PublicKey};
use super::wire::{self, Misframed, Wire, push_string};

/// `-n` of `ssh-keygen -Y sign`: an approval, and nothing else that the key may sign.
pub const NAMESPACE: &str = "approval.v1@countersign";

/// Most bytes of a signature, as a file. A real one has about 300.
pub const MAX_BYTES: usize = 16 << 10;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
const MAGIC: &[u8] = b"SSHSIG";

/// Why an SSH signature does not count.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SshsigError {
    /// More than [`MAX_BYTES`].
    #[error("the SSH signature is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// Not one block between its two lines, alone in the file.
    #[error("the SSH signature is not exactly one block from {BEGIN:?} to {END:?}")]
    Armor,
    /// Not base64, or not its one spelling.
    #[error("the SSH signature is not canonical base64")]
    Base64,
    /// Cut short, too long, or not an SSH signature at all.
    #[error("the SSH signature is cut short, has something after its end, or is no such signature")]
    Framing,
    /// Another version.
    #[error("the SSH signature is of version {0}, not 1")]
    Version(u32),
    /// Made for something else.
    #[error("the SSH signature is for the namespace {0:?}; sign with -n {NAMESPACE}")]
    Namespace(String),
    /// The field that must be empty is not.
    #[error("the SSH signature has something in its reserved field")]
    Reserved,
    /// Neither SHA-256 nor SHA-512.
    #[error("the SSH signature is over a {0:?} hash, not sha256 or sha512")]
    Hash(String),
    /// By a key of another kind, or a bad one.
    #[error("the SSH signature is by a key that is not accepted")]
    Key(#[source] KeyError),
    /// By a key that the caller does not trust.
    #[error("the SSH signature is by the key {0}, which is not one of the keys tried")]
    Stranger(Fingerprint),
    /// Not over these bytes.
    #[error("the SSH signature by the key {0} is not over these bytes")]
    NotSigned(Fingerprint),
}

impl From<Misframed> for SshsigError {
    fn from(_: Misframed) -> Self {
        Self::Framing
    }
}

/// Verifies the text of a `.sig` file over `message`.
///
/// # Errors
/// [`SshsigError`].
pub fn verify(armored: &str, message: &[u8], keys: &[&PublicKey]) -> Result<Verified, SshsigError> {
    let blob = unarmor(armored)?;
    let mut wire = Wire::new(&blob);
    if wire.take(MAGIC.len())? != MAGIC {
        return Err(SshsigError::Framing);
    }
    let version = wire.uint32()?;
    if version != 1 {
        return Err(SshsigError::Version(version));
    }
    let signer = wire.string()?;
    let namespace = wire.string()?;
    let reserved = wire.string()?;
    let hash = wire.string()?;
    let signature = wire.string()?;
    wire.end()?;
    if namespace != NAMESPACE.as_bytes() {
        return Err(SshsigError::Namespace(String::from_utf8_lossy(namespace).into_owned()));
    }
    if !reserved.is_empty() {
        return Err(SshsigError::Reserved);
    }
    let digest = match hash {
        b"sha256" => sha2::Sha256::digest(message).to_vec(),
        b"sha512" => sha2::Sha512::digest(message).to_vec(),
        _ => return Err(SshsigError::Hash(String::from_utf8_lossy(hash).into_owned())),
    };
    let signer = PublicKey::from_blob(signer).map_err(SshsigError::Key)?;
    let signature = raw_signature(signature)?;
    let Some(key) = keys.iter().find(|key| ***key == signer) else {
        return Err(SshsigError::Stranger(signer.fingerprint()));
    };
    if !key.verify(&signed(hash, &digest), &signature) {
        return Err(SshsigError::NotSigned(signer.fingerprint()));
    }
    Ok(Verified::new(message.to_vec(), signer))
}

/// What the key signs.
fn signed(hash: &[u8], digest: &[u8]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    for part in [NAMESPACE.as_bytes(), b"", hash, digest] {
        push_string(&mut out, part);
    }
    out
}

/// The 64 bytes inside a signature in the SSH wire form.
fn raw_signature(blob: &[u8]) -> Result<[u8; 64], SshsigError> {
    let (kind, signature) = wire::pair(blob)?;
    if kind != ED25519.as_bytes() {
        return Err(SshsigError::Key(key::other_kind(&String::from_utf8_lossy(kind))));
    }
    signature.try_into().map_err(|_| SshsigError::Framing)
}

fn unarmor(armored: &str) -> Result<Vec<u8>, SshsigError> {
    if armored.len() > MAX_BYTES {
        return Err(SshsigError::TooLarge);
    }
    let inner = armored
        .strip_suffix('\n')
        .and_then(|rest| rest.strip_prefix(BEGIN))
        .and_then(|rest| rest.strip_prefix('\n'))
        .and_then(|rest| rest.strip_suffix(END))
        .and_then(|rest| rest.strip_suffix('\n'))
        .ok_or(SshsigError::Armor)?;
    if inner.contains('-') || inner.split('\n').any(str::is_empty) {
        return Err(SshsigError::Armor);
    }
    STANDARD.decode(inner.replace('\n', "")).map_err(|_| SshsigError::Base64)
}
