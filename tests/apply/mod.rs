//! Tests of the room `apply`.

mod crash;
mod directory;
mod kubernetes;
mod meddled;
mod sandbox;
