//! Tests of the room `plan`.

mod diff;
mod impact;
mod make;
