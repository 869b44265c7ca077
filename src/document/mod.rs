//! What is written down: every document Countersign signs, hashes or applies, as a type that can
//! only hold a valid one. Pure: no file, clock, network or environment is touched here.

pub mod canonical;
pub mod code;
pub mod effect;
pub mod ident;
pub mod operation;
pub mod plan;
pub mod proposal;
pub mod statement;
