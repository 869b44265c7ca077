//! Tests of the room `ledger`. What every kind of store must do is in [`suite`], once.

#[macro_use]
mod suite;

mod crash;
mod git;
mod leased;
mod local;
mod memory;
mod object;
mod race;
