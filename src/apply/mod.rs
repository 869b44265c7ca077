//! What was authorized becomes a change and a receipt. The only writer of targets.

pub mod directory;
