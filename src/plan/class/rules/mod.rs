//! Rules that need code: one file for each topic. Every rule runs on every change; each looks at
//! the kinds that it knows.

mod access;
mod admission;
mod cluster;
mod config;
pub(super) mod custom;
mod definition;
pub(super) mod meta;
mod namespace;
mod pod;
mod sandbox;
mod service;
mod stateful;
mod storage;
mod traffic;
mod widen;
mod workload;

use super::look::{Findings, Look};

/// Runs all of them.
pub(super) fn run(look: &Look<'_>, out: &mut Findings) {
    meta::judge(look, out);
    workload::judge(look, out);
    stateful::judge(look, out);
    pod::judge(look, out);
    sandbox::judge(look, out);
    service::judge(look, out);
    traffic::judge(look, out);
    config::judge(look, out);
    storage::judge(look, out);
    access::judge(look, out);
    admission::judge(look, out);
    definition::judge(look, out);
    namespace::judge(look, out);
    cluster::judge(look, out);
    custom::judge(look, out);
}
