//! What happens to an object as a whole, told from the calls that a change makes.

use crate::document::effect::Step;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Update,
    Delete,
    Replace,
    Nothing,
}

impl Verb {
    /// Any list that is not one of the plain ones counts as the worst of them.
    pub(crate) fn of(actions: &[Step]) -> Self {
        match actions {
            [] => Self::Nothing,
            [Step::Create] => Self::Create,
            [Step::Update] => Self::Update,
            [Step::Delete] => Self::Delete,
            [_, ..] => Self::Replace,
        }
    }

    /// Whether the object that is there goes.
    pub(crate) fn goes(self) -> bool {
        matches!(self, Self::Delete | Self::Replace)
    }
}
