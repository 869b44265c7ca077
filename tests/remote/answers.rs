//! What the real server's answers are taken for.
