//! A proposal and what was observed become a plan: one canonical byte string, made the same way by
//! everybody. Pure and deterministic.

mod again;
pub mod class;
mod derive;
pub mod diff;
pub mod facts;
mod files;
pub mod judgement;
pub mod radius;
mod seal;
mod selector;
mod settle;
mod shape;
mod stale;
pub mod waves;
mod whole;

pub use again::Worse;
pub use derive::DeriveError;
pub use files::FilesError;
pub use seal::{MakeError, OpenError, Plan};
pub use stale::{differences, unread};
pub use whole::{PlanError, plan};
