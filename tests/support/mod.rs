//! What tests of several rooms share.

pub(crate) mod apply;
pub(crate) mod cluster;
pub(crate) mod git;
pub(crate) mod git_http;
pub(crate) mod http;
pub(crate) mod killed;
pub(crate) mod listen;
pub(crate) mod localstack;
pub(crate) mod project;
pub(crate) mod proxy;
pub(crate) mod secret;
pub(crate) mod tls;
pub(crate) mod trust;
pub(crate) mod tunnel;
