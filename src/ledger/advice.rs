//! What each refusal of the ledger means for whoever called, and what they do next.

use super::{LedgerError, Life};
use crate::document::code::Code;

impl LedgerError {
    /// The exit code.
    pub fn code(&self) -> Code {
        match self {
            Self::Missing(_)
            | Self::Exists(_)
            | Self::Foreign { .. }
            | Self::Format { .. }
            | Self::Damaged { .. }
            | Self::Rewound { .. }
            | Self::Unusable { .. }
            | Self::Branch { .. }
            | Self::Unknown { .. }
            | Self::Contended(_)
            | Self::Lost(_)
            | Self::ApplyId(_)
            | Self::Target { .. }
            | Self::Mismatch
            | Self::Receipt(_)
            | Self::ReceiptUnread(_) => Code::LedgerUnusable,
            Self::Held(_) | Self::Busy(_) | Self::Begun { .. } => Code::LockHeld,
            Self::NoLock(_) | Self::NothingBegun(_) => Code::Error,
            Self::Spent { .. } | Self::NoApproval => Code::ApprovalInvalid,
            Self::TrustRolledBack { .. } | Self::TrustDiffers { .. } => Code::TrustInvalid,
        }
    }

    /// What to do next; `{plan}` stands for the plan's folder.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Missing(_) => {
                "`countersign ledger create` makes an empty one; an apply never does"
            }
            Self::Exists(_) => "use it as it is: what it holds is what makes approvals count once",
            Self::Foreign { .. } => {
                "give this project another name, or its ledger another place in countersign.toml (of kind local: another state folder with COUNTERSIGN_STATE)"
            }
            Self::Format { .. } => "use the version of countersign that wrote it",
            Self::Damaged { .. } => {
                "restore it from a backup; an empty ledger would let spent approvals count again"
            }
            Self::Unusable { .. } => {
                "see that it is there, and that you can reach, read and write it; a folder is yours alone, on a disk that is not full"
            }
            Self::Rewound { .. } => {
                "find out who moved it back, deleted or replaced it, and restore it: approvals that were spent would count again (if it was done on purpose: `countersign ledger forget ID`)"
            }
            Self::Branch { .. } => {
                "check the branch out anew, then `countersign apply {plan} --resume --commit`"
            }
            Self::Unknown { .. } => {
                "when it can be reached again: `countersign status`, then apply again, with `--resume` if it was begun"
            }
            Self::Contended(_) | Self::Busy(_) => "wait for the other apply, then try again",
            Self::Lost(_) => {
                "`countersign ledger show` says who holds it now; if nobody unlocked it, the ledger answers too slowly: raise `lease-seconds` well above its answers"
            }
            Self::Held(held) => match held.life {
                Life::Alive => "wait for that apply to end",
                Life::Gone => {
                    "its process is gone: finish it with `--resume`, or look at the target and `countersign ledger unlock ID`"
                }
                Life::Unknown => {
                    "wait for that apply to end; if its process is gone, finish it with `--resume`, or look at the target and `countersign ledger unlock ID`"
                }
            },
            Self::Begun { .. } => {
                "finish it with `countersign apply {plan} --resume`, or give it up with `--abandon --reason …`"
            }
            Self::NoLock(_) => "`countersign ledger show` lists the locks",
            Self::NothingBegun(_) => "there is nothing to resume or to give up",
            Self::Spent { .. } | Self::NoApproval => "ask for new approvals",
            Self::TrustRolledBack { .. } | Self::TrustDiffers { .. } => {
                "use the current trust.json of the trusted branch"
            }
            Self::ApplyId(_) | Self::Target { .. } | Self::Mismatch => "try again",
            Self::Receipt(_) | Self::ReceiptUnread(_) => {
                "look at the target, then `countersign apply {plan} --resume`"
            }
        }
    }
}
