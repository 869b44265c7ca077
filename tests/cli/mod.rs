//! The room `cli` as a new user meets it: real runs of the built program, each in a world of its
//! own, with what it prints and how it ends.

mod bounds;
mod cluster;
mod codes;
mod demo;
mod filter;
mod help;
mod json;
pub(crate) mod kube_project;
mod network;
mod others;
mod ledgers;
mod output;
mod pipeline;
mod refusals;
mod rights;
mod schema;
mod secrets;
mod shared;
pub(crate) mod shop;
mod signals;
mod symlinks;
mod terminal;
mod way;
