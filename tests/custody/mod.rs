//! Tests of the room `custody`.
