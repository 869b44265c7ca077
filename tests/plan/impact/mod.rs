//! Class, flags and radius, held to the cases of the reference, by their numbers.

mod access;
mod network_storage;
mod properties;
mod rows;
mod sections_cluster;
mod sections_storage;
mod sections_traffic;
pub(crate) mod trial;
mod workloads;
