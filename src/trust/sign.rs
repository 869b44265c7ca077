//! Something that signs with one key, wherever that key is held.

use thiserror::Error;

use super::fingerprint::Fingerprint;
use super::key::PublicKey;

/// The holder of a key did not sign.
#[derive(Debug, Error)]
#[error("the key {key} did not sign")]
pub struct SignError {
    /// The key.
    pub key: Fingerprint,
    /// Why, in the words of its holder.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// A holder of one private key.
pub trait Sign {
    /// The public half of the key.
    fn public(&self) -> &PublicKey;

    /// An Ed25519 signature over exactly `message`.
    ///
    /// # Errors
    /// [`SignError`], with the reason of the holder.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError>;
}
