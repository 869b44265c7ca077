//! Tests of the room `document`.

mod canonical;
