//! A proposal and what was observed become a plan: sealed bytes and their digest. Pure and deterministic.
