//! Tests of the room `custody`.

mod agent;
mod key_file;
mod masking;
mod signer;
mod state;
mod vault;
