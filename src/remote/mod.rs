//! Connections to the systems that hold targets: TLS, proxies, patience, and what an answer means.
//! Nothing here knows of plans.

pub mod kubernetes;
pub(crate) mod worker;
