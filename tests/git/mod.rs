//! Tests of the room `git`, against the real program and bare repositories on this machine.

mod objects;
mod remotes;
mod runs;
