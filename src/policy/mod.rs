//! A plan and a policy bundle become a verdict. The engine runs in a process of its own; its death
//! or silence is an error and never a pass.
//!
//! A [`bundle::Bundle`] is every file that counts, read once and digested. [`judge::judge`] hands it with
//! the bytes of a plan to a worker process ([`worker::serve`]), which checks the rules before it asks
//! them. [`test::run_tests`] runs the tests of a bundle in the same way.

mod aggregate;
pub mod builtin;
pub mod bundle;
mod check;
mod data;
mod engine;
pub mod judge;
pub mod problem;
mod request;
pub mod test;
pub mod verdict;
pub mod worker;

pub use engine::{ENGINE_NAME, ENGINE_VERSION};
