//! Manifest text and the objects in it: a strict reader, an emitter, and an editor that keeps what
//! it does not change. Pure.

pub mod edit;
pub mod emit;
pub mod kinds;
pub mod many;
pub mod node;
pub mod object;
pub mod problem;
pub mod read;
pub mod scalar;
pub mod size;
pub mod text;

/// What a text may be at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one text, and of all that aliases expand to.
    pub max_bytes: usize,
    /// Nesting of lists and maps.
    pub max_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 32 << 20, max_depth: crate::document::canonical::MAX_DEPTH }
    }
}
