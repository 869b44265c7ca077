//! Carries out the operations of RFC 6902 one by one. Before each, it is known that the value grows
//! no deeper than a body may be, and that all patches of a plan together copy, move and shift a
//! bounded amount: a plan is read long before anybody has signed it.

use json_patch::jsonptr::Pointer;
use json_patch::{PatchOperation, patch_unsafe};
use serde_json::Value;

use crate::manifest::size::{BODY_DEPTH, depth, weight};

/// What the patches of one plan may still copy, move and shift in memory.
#[derive(Debug)]
pub struct Budget {
    left: usize,
}

impl Budget {
    /// Bytes for all patches of one plan.
    pub const BYTES: usize = 32 << 20;

    fn spend(&mut self, bytes: Option<usize>) -> Result<(), String> {
        let left = bytes.and_then(|bytes| self.left.checked_sub(bytes));
        self.left = left.ok_or_else(|| {
            let most = Self::BYTES;
            format!("the patches of this plan copy, move and shift more than {most} bytes")
        })?;
        Ok(())
    }

    /// Pays for an operation, which is not carried out yet.
    fn admit(&mut self, value: &Value, operation: &PatchOperation) -> Result<(), String> {
        match operation {
            PatchOperation::Add(add) => {
                fits(&add.path, &add.value)?;
                self.spend(Some(shifted(value, &add.path)))
            }
            PatchOperation::Replace(replace) => fits(&replace.path, &replace.value),
            PatchOperation::Remove(remove) => self.spend(Some(shifted(value, &remove.path))),
            PatchOperation::Move(moved) => {
                self.spend(Some(shifted(value, &moved.from)))?;
                self.carry(value, &moved.from, &moved.path)
            }
            PatchOperation::Copy(copied) => self.carry(value, &copied.from, &copied.path),
            PatchOperation::Test(_) => Ok(()),
        }
    }

    /// Pays for a part of the value that goes to another place. One that is only moved costs as
    /// much, because measuring its depth does.
    fn carry(&mut self, value: &Value, from: &Pointer, to: &Pointer) -> Result<(), String> {
        // What is not there is refused by the operation itself.
        let Some(part) = value.pointer(from.as_str()) else { return Ok(()) };
        self.spend(weight(part, self.left))?;
        fits(to, part)?;
        self.spend(Some(shifted(value, to)))
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: Self::BYTES }
    }
}

/// Carries out a patch.
///
/// # Errors
/// Why it cannot be, in words; the value is then half-changed and of no use.
pub(super) fn patch(
    value: &mut Value,
    operations: &Value,
    budget: &mut Budget,
) -> Result<(), String> {
    let patch: json_patch::Patch = serde_json::from_value(operations.clone())
        .map_err(|error| format!("the patch is not RFC 6902: {error}"))?;
    for (index, operation) in patch.iter().enumerate() {
        let failed =
            |why: String| format!("the patch does not apply: its operation {index}: {why}");
        budget.admit(value, operation).map_err(failed)?;
        patch_unsafe(value, std::slice::from_ref(operation))
            .map_err(|error| failed(format!("{}: {}", error.path, error.kind)))?;
    }
    Ok(())
}

/// Whether a value at this place nests no deeper than a body may.
fn fits(path: &Pointer, value: &Value) -> Result<(), String> {
    if path.count() + depth(value) <= BODY_DEPTH {
        return Ok(());
    }
    Err(format!("it would nest deeper than {BODY_DEPTH} levels"))
}

/// Bytes that move when an item comes to this place of a list, or goes from it. The index is read
/// as the patch reads it; what is no index costs nothing, because it is refused.
fn shifted(value: &Value, path: &Pointer) -> usize {
    let Some((parent, last)) = path.split_back() else { return 0 };
    let items = value.pointer(parent.as_str()).and_then(Value::as_array).map_or(0, Vec::len);
    let index = last.encoded().parse::<usize>().unwrap_or(items);
    items.saturating_sub(index).saturating_mul(size_of::<Value>())
}
