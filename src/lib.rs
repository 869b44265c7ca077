//! Countersign turns what somebody wants to change into a canonical plan, checks it against
//! policies, gets it approved with local signatures, and applies exactly those bytes or nothing.
//!
//! The modules below are rooms on the way that data goes, in that order: a room names only rooms
//! above it, and a test reads the sources to hold them to it.

pub mod causes;
pub mod clock;
pub mod files;
pub mod git;
pub mod document;
pub mod trust;
pub mod config;
pub mod custody;
pub mod remote;
pub mod manifest;
pub mod intake;
pub mod observe;
pub mod plan;
pub mod policy;
pub mod ledger;
pub mod gate;
pub mod apply;
pub mod review;
pub mod cli;
