//! Tests of the room `ledger`. What every kind of store must do is in [`suite`], once.

#[macro_use]
mod suite;

mod crash;
mod faults;
mod git;
mod git_http;
mod kinds;
mod kubernetes;
mod kubernetes_faults;
mod leased;
mod local;
mod memory;
mod object;
mod object_faults;
mod race;
mod trips;
