//! Tests of the room `manifest`.

mod edit;
mod read;
