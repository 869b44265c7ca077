//! Bytes that an enrolled key signed. Only a successful verification makes one.

use super::key::PublicKey;

/// The very bytes that were verified, and the key that signed them. What they say is not read yet.
///
/// There is no other way to one:
///
/// ```compile_fail,E0451
/// # use countersign::trust::{Verified, key::PublicKey};
/// fn forge(payload: Vec<u8>, key: PublicKey) -> Verified {
///     Verified { payload, key }
/// }
/// ```
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
