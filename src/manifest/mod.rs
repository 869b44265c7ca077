//! Manifest text and the objects in it: a strict reader, an emitter, and an editor that keeps what it does not change. Pure.
