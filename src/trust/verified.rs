//! Bytes that an enrolled key signed. Only a successful verification makes one.

use super::key::PublicKey;

/// The very bytes that were verified, and the key that signed them. What they say is not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    payload: Vec<u8>,
    key: PublicKey,
}

impl Verified {
    pub(super) fn new(payload: Vec<u8>, key: PublicKey) -> Self {
        Self { payload, key }
    }

    /// The signed bytes.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The key that signed them.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }
}
