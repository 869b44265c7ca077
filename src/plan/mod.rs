//! A proposal and what was observed become a plan: one canonical byte string, made the same way by
//! everybody. Pure and deterministic.

pub mod diff;
pub mod judgement;
