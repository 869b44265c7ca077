//! Tests of the room `review`.

mod hostile;
mod neutral;
mod page;
mod plans;
mod ways;
