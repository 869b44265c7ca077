//! Tests of the room `gate`: attacks, each refused with its one code, each leaving everything as it
//! was.

mod approvals;
mod bytes;
mod crash;
mod disk;
mod fixtures;
mod interrupts;
mod lies;
mod live;
mod planner;
mod race;
mod resume;
mod trust;
