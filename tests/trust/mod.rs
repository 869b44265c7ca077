//! Tests of the room `trust`.

mod any_bytes;
mod edit;
mod envelope;
mod key;
mod quorum;
mod root;
mod sshsig;
