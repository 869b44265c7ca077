//! Tests of the room `trust`.

mod envelope;
mod key;
mod quorum;
mod root;
mod sshsig;
