//! The schemas say what the readers read.
