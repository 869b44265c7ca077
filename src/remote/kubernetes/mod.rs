//! The API of a Kubernetes cluster: requests are built without I/O, sent over one connection whose
//! identity was proven, and their answers have names.
//!
//! What only reads or rehearses is asked of a [`Cluster`] and its [`Rehearsal`]; what changes
//! something of a [`Writer`], which `apply` and `ledger` alone name (a test reads the sources).

mod access;
mod answer;
mod authority;
mod call;
mod cluster;
mod field;
mod kinds;
mod list;
mod meaning;
mod proxy;
mod review;
mod send;
mod wording;
mod write;

pub use access::{Access, ConnectError};
pub use answer::{Answer, Cause, Failure, Reason, Refused, Unanswered};
pub use call::{Call, Change, FIELD_MANAGER, Place};
pub use cluster::{Cluster, Identity, Rehearsal};
pub use field::{Managed, ManagedEntry};
pub use kinds::{Kind, Kinds};
pub use proxy::Proxies;
pub use review::Permission;
pub use write::Writer;
