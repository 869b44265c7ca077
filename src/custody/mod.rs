//! What must not leak: key files, the agent, secret sources, masking, the user's state folder.
//! Secrets are wiped when dropped, shown by no `Debug`, and never made inside a Git work tree.

pub mod agent;
pub mod key_file;
pub mod masking;
pub mod passphrase;
pub mod random;
pub mod setting;
pub mod signer;
pub mod state;
pub mod vault;
