//! Who may say what: keys, envelopes, the trust root, and the one function that counts people.
//! Pure.

pub mod envelope;
pub mod fingerprint;
pub mod key;
pub mod principal;
pub mod quorum;
pub mod root;
pub mod sign;
pub mod sshsig;
mod places;
mod verified;
pub(crate) mod wire;

pub use verified::Verified;
