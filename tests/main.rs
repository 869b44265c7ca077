//! The one integration-test binary: heavy dependencies link once.
#![allow(missing_docs, reason = "a test's name is its documentation")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at the first surprise"
)]

mod apply;
mod behind;
mod cli;
mod cluster;
mod config;
mod custody;
mod document;
mod files;
mod gate;
mod git;
mod intake;
mod layering;
mod ledger;
mod manifest;
mod observe;
mod pipelines;
mod plan;
mod plans;
mod policy;
mod readme;
mod remote;
mod review;
mod support;
mod trust;
