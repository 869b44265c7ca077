//! A proposal and what was observed become a plan: one canonical byte string, made the same way by
//! everybody. Pure and deterministic.

mod derive;
pub mod diff;
mod files;
pub mod judgement;
mod seal;
mod stale;
pub mod waves;

pub use derive::DeriveError;
pub use files::FilesError;
pub use seal::{MakeError, OpenError, Plan};
pub use stale::differences;
pub mod class; pub mod facts; pub mod radius;
