//! Values become text for people; all untrusted text is neutralised here.

pub mod change;
pub mod comments;
pub mod field;
pub mod files;
mod layout;
pub mod neutral;
pub mod page;
pub mod piece;
pub mod standing;
mod terminal;
mod words;

pub use layout::Style;
pub use page::Page;
pub use terminal::{Rendered, terminal};

/// What renders a plan for an approver, as approvals name it. Another number is another way of
/// showing the same plan.
pub const RENDERER: &str = "countersign-text/1";
