//! What several tests share.

pub(crate) mod apply;
pub(crate) mod killed;
