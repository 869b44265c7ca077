//! Everything becomes `Authorized`, or a refusal that says why. The order of the checks is the
//! order of this room's contract (steps 1 to 8), and nothing else makes an [`Authorized`].
//!
//! ```compile_fail
//! // It cannot be made by hand.
//! let forged = countersign::gate::Authorized {};
//! ```
//! ```compile_fail
//! // It cannot be copied: permission is spent once.
//! fn twice(authorized: countersign::gate::Authorized) {
//!     let copy = authorized.clone();
//! }
//! ```
//! ```compile_fail
//! // It cannot be stored and read back.
//! fn store(authorized: &countersign::gate::Authorized) -> String {
//!     serde_json::to_string(authorized).unwrap()
//! }
//! ```

mod again;
pub mod approval;
mod authorize;
mod examine;
mod papers;
mod people;
mod planner;
mod reach;
mod refusal;
mod trusted;

pub use again::same_bytes;
pub use authorize::{Authorized, Live, Parts, applier, authorize, target_key};
pub use examine::{Cleared, Examined, Inputs, Weighed, examine};
pub use papers::{Paper, Papers, PapersError};
pub use planner::planned_by;
pub use reach::against_trust;
pub use refusal::{Refusal, Refused, short};
pub use trusted::{Trusted, TrustedError};
