//! What tests of several rooms share.

pub(crate) mod apply;
pub(crate) mod git;
pub(crate) mod killed;
pub(crate) mod project;
pub(crate) mod secret;
pub(crate) mod trust;
