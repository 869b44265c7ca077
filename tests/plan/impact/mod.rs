//! Class, flags and radius, held to the cases of the reference, by their numbers.

mod access;
mod network_storage;
mod properties;
mod sections;
mod trial;
mod workloads;
