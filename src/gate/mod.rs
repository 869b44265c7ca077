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

pub mod approval;
mod authorize;
mod examine;
mod papers;
mod refusal;
mod trusted;

pub use authorize::{Authorized, Live, Parts, applier, authorize, same_bytes, target_key};
pub use examine::{Cleared, Examined, Inputs, Weighed, against_trust, examine, planned_by};
pub use papers::{Paper, Papers, PapersError};
pub use refusal::{Refusal, Refused, short};
pub use trusted::{Trusted, TrustedError};
