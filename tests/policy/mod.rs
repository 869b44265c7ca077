//! Tests of the room `policy`.
