//! Counts the comments that a change loses where a document is written anew, from the texts in the
//! plan alone.

use std::collections::BTreeMap;

use crate::document::effect::FileChange;
use crate::document::ident::ResourceId;
use crate::document::operation::ResourceRef;
use crate::manifest::{Limits, many, read};

/// Comments that stand in the texts before and not after.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// By object that stays.
    pub objects: BTreeMap<ResourceId, u32>,
    /// By path, of documents that no single object is; `None` where a text cannot be read.
    pub files: BTreeMap<String, Option<u32>>,
}

/// What the change of these files loses. A document that goes takes its comments along, and that
/// is no loss.
pub fn lost(files: &[FileChange]) -> Losses {
    let mut losses = Losses::default();
    let counts = many::each(files, |file| match (&file.before, &file.after) {
        (Some(before), Some(after)) => Some((counted(before), counted(after))),
        (None, _) | (_, None) => None,
    });
    for (FileChange { path, .. }, counts) in files.iter().zip(counts) {
        let Some(counts) = counts else { continue };
        match counts {
            (Some(before), Some(after)) => {
                for (id, count) in before {
                    let Some(kept) = after.get(&id) else { continue };
                    let gone = count.saturating_sub(*kept);
                    match id {
                        _ if gone == 0 => {}
                        Some(id) => {
                            losses.objects.insert(id, gone);
                        }
                        None => {
                            losses.files.insert(path.clone(), Some(gone));
                        }
                    }
                }
            }
            _ => {
                losses.files.insert(path.clone(), None);
            }
        }
    }
    losses
}

fn counted(text: &str) -> Option<BTreeMap<Option<ResourceId>, u32>> {
    let mut counts = BTreeMap::new();
    for document in read::documents(text, &Limits::default()).ok()? {
        let id = ResourceRef::of(&document.value).map(|resource| resource.id());
        *counts.entry(id).or_default() += document.comments;
    }
    Some(counts)
}
