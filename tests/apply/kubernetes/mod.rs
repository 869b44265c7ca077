//! The executor for clusters, on a real one: through the library, as a user with the rights that the
//! README says applying needs.

mod crash;
mod hidden;
mod meddled;
mod network;
mod readiness;
mod secrets;
mod stage;
mod waits;
mod whole;
