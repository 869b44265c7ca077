//! Tests of the room `apply`.

mod crash;
mod directory;
mod meddled;
mod sandbox;
