//! Class, flags and radius, held to the cases of the reference, by their numbers.

mod trial;
mod workloads;
