//! Who may say what: keys, envelopes, the trust root, and the one function that counts people.
//! Pure.

pub mod quorum;
