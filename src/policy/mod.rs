//! A plan and a policy bundle become a verdict. The engine runs in a process of its own; its death
//! or silence is an error and never a pass.

pub mod verdict;
