//! Tests of the room `plan`.
mod impact;
