//! Tests of the room `plan`.

mod around;
mod diff;
mod files;
mod golden;
mod impact;
mod make;
mod wanted;
