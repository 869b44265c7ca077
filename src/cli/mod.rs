//! One file per command; an error becomes a code, a message and a hint here. Nothing is decided here.
