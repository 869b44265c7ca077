//! Tests of the room `manifest`.

mod edit;
mod identity;
mod read;
mod scalars;
