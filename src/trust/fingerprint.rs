//! The name of a key that people compare: `SHA256:` and base64, as `ssh-keygen -l` prints it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use thiserror::Error;

/// A fingerprint. It names a key and proves nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(String);

/// A text that is no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not a fingerprint (SHA256: and 43 characters, as ssh-keygen -l prints it)")]
pub struct FingerprintError(String);

const PREFIX: &str = "SHA256:";

impl Fingerprint {
    /// The fingerprint of a public key in the SSH wire form.
    pub(crate) fn of_blob(blob: &[u8]) -> Self {
        Self(format!("{PREFIX}{}", STANDARD_NO_PAD.encode(sha2::Sha256::digest(blob))))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let wrong = || FingerprintError(text.to_owned());
        let encoded = text.strip_prefix(PREFIX).ok_or_else(wrong)?;
        let bytes = STANDARD_NO_PAD.decode(encoded).map_err(|_| wrong())?;
        if bytes.len() == 32 { Ok(Self(text.to_owned())) } else { Err(wrong()) }
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = FingerprintError;
    fn try_from(text: String) -> Result<Self, FingerprintError> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
