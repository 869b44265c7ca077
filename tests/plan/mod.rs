//! Tests of the room `plan`.

mod diff;
mod files;
mod impact;
mod make;
