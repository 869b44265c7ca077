//! A proposal and what was observed become a plan: one canonical byte string, made the same way by
//! everybody. Pure and deterministic.

pub mod class;
pub mod facts;
pub mod judgement;
pub mod radius;
mod selector;
mod shape;
