//! A public key that passed the enrolment check: an Ed25519 point of prime order in its one
//! encoding. A key that could verify what nobody signed, or that has a twin, is never a value here.

use std::fmt;
use std::hash::{Hash, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use thiserror::Error;

use super::fingerprint::Fingerprint;
use super::wire::{Wire, push_string};

/// Name of the algorithm in the SSH formats.
pub(crate) const ED25519: &str = "ssh-ed25519";

/// Why a key is not enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not one line of the form of a `.pub` file.
    #[error("not an OpenSSH public key (one line: ssh-ed25519, base64, and perhaps a comment)")]
    Line,
    /// A private key where a public one belongs.
    #[error("a private key; give its .pub file instead")]
    Private,
    /// Another kind of key.
    #[error("a key of kind {0:?}; only ssh-ed25519 keys sign (ssh-keygen -t ed25519 makes one)")]
    Kind(String),
    /// A key on a FIDO device.
    #[error("a key of kind {0:?}; FIDO keys come later, use an ssh-ed25519 key until then")]
    Fido(String),
    /// A certificate.
    #[error("a certificate ({0:?}); give the plain public key")]
    Certificate(String),
    /// The base64 is not the one spelling, or what it holds is not framed as a key.
    #[error("the base64 of the key does not hold an {ED25519} key")]
    Encoding,
    /// Not a point of the curve.
    #[error("the key is not a point of the curve")]
    Point,
    /// A point in a second spelling (RFC 8032, section 5.1.3 wants the reduced one).
    #[error("the key is not canonically encoded")]
    NotCanonical,
    /// A point of small order, under which anybody can sign.
    #[error("the key is weak: anybody can make signatures that it accepts")]
    Weak,
    /// A point with a component of small order: one secret would have several public keys.
    #[error("the key is of mixed order: its owner could have a second key for the same secret")]
    MixedOrder,
}

/// An Ed25519 public key that may be enrolled.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Checks the 32 bytes of a key (RFC 8032, section 5.1.5).
    ///
    /// # Errors
    /// [`KeyError`] for a weak, mixed-order or non-canonical key, or no key at all.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::Point)?;
        if key.to_edwards().compress().as_bytes() != bytes {
            return Err(KeyError::NotCanonical);
        }
        if key.is_weak() {
            return Err(KeyError::Weak);
        }
        if !key.to_edwards().is_torsion_free() {
            return Err(KeyError::MixedOrder);
        }
        Ok(Self(key))
    }

    /// Reads the line of a `.pub` file. A comment is read over; options before the key are not.
    ///
    /// # Errors
    /// [`KeyError`], which names another kind of key.
    pub fn from_openssh(line: &str) -> Result<Self, KeyError> {
        Self::with_comment(line).map(|(key, _)| key)
    }

    /// As [`PublicKey::from_openssh`], with the comment (untrusted text; empty if there is none).
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn with_comment(line: &str) -> Result<(Self, &str), KeyError> {
        let line = line.trim_end_matches(['\n', '\r']);
        if line.starts_with("-----BEGIN") {
            return Err(KeyError::Private);
        }
        if line.contains(['\n', '\r']) {
            return Err(KeyError::Line);
        }
        let (kind, rest) = line.split_once(' ').ok_or(KeyError::Line)?;
        if kind != ED25519 {
            return Err(other_kind(kind));
        }
        let (encoded, comment) = rest.split_once(' ').unwrap_or((rest, ""));
        let blob = STANDARD.decode(encoded).map_err(|_| KeyError::Encoding)?;
        Ok((Self::from_blob(&blob)?, comment.trim()))
    }

    /// Reads a key in the SSH wire form.
    ///
    /// # Errors
    /// [`KeyError`].
    pub(crate) fn from_blob(blob: &[u8]) -> Result<Self, KeyError> {
        let mut wire = Wire::new(blob);
        let kind = wire.string().map_err(|_| KeyError::Encoding)?;
        if kind != ED25519.as_bytes() {
            let named = other_kind(&String::from_utf8_lossy(kind));
            return Err(if named == KeyError::Line { KeyError::Encoding } else { named });
        }
        let point = wire.string().map_err(|_| KeyError::Encoding)?;
        wire.end().map_err(|_| KeyError::Encoding)?;
        Self::from_bytes(point.try_into().map_err(|_| KeyError::Encoding)?)
    }

    /// The key in the SSH wire form.
    pub(crate) fn to_blob(&self) -> Vec<u8> {
        let mut blob = Vec::with_capacity(51);
        push_string(&mut blob, ED25519.as_bytes());
        push_string(&mut blob, self.0.as_bytes());
        blob
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The line of a `.pub` file, without a comment and without a line feed.
    pub fn to_openssh(&self) -> String {
        format!("{ED25519} {}", STANDARD.encode(self.to_blob()))
    }

    /// The name that people compare.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_blob(&self.to_blob())
    }

    /// Whether this key signed `message`. Only by `verify_strict`: it also refuses an `R` of small
    /// order, and an `S` that is not reduced.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

/// The error for a key whose algorithm has this name.
pub(crate) fn other_kind(kind: &str) -> KeyError {
    let plain =
        !kind.is_empty() && kind.bytes().all(|c| c.is_ascii_alphanumeric() || b"-@._".contains(&c));
    if !plain {
        KeyError::Line
    } else if kind.contains("-cert-v") {
        KeyError::Certificate(kind.to_owned())
    } else if kind.starts_with("sk-") {
        KeyError::Fido(kind.to_owned())
    } else if ["ssh-", "ecdsa-", "rsa-", "x509"].iter().any(|known| kind.starts_with(known)) {
        KeyError::Kind(kind.to_owned())
    } else {
        KeyError::Line
    }
}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}
