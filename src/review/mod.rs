//! Values become text for people; all untrusted text is neutralised here.

pub mod change;
pub mod comments;
pub mod field;
pub mod files;
mod json;
mod layout;
pub mod log;
mod markdown;
pub mod neutral;
pub mod page;
pub mod piece;
pub mod standing;
pub mod state;
mod terminal;
mod ways;
mod words;

pub use json::json;
pub use layout::Style;
pub use log::receipts;
pub use markdown::markdown;
pub use page::Page;
pub use standing::StandingView;
pub use terminal::{Rendered, gravest, status, terminal};

/// What renders a plan for an approver, as approvals name it. Another number is another way of
/// showing the same plan.
pub const RENDERER: &str = "countersign-text/1";
