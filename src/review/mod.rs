//! Values become text for people; all untrusted text is neutralised here.

pub mod neutral;
