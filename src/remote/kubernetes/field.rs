//! Who owns which field: `managedFields`, and the two spellings in which the API names fields.

use serde_json::Value;

use crate::document::ident::Pointer;

/// Who owns which fields of one object, from its `metadata.managedFields`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Managed {
    /// One per manager, operation and subresource.
    pub entries: Vec<ManagedEntry>,
}

/// What one manager owns.
#[derive(Clone, Debug, PartialEq)]
pub struct ManagedEntry {
    /// Name of the manager.
    pub manager: String,
    /// `Apply` or `Update`.
    pub operation: String,
    /// `status`, `scale` ...; empty for the object itself.
    pub subresource: String,
    /// The fields, resolved against the object (list items by their keys become indexes), leaves only.
    pub fields: Vec<Pointer>,
}

impl Managed {
    /// Reads what an object says of its managers; entries that cannot be resolved are left out.
    pub fn of(object: &Value) -> Self {
        let _ = object;
        unimplemented!()
    }

    /// The field of a conflict's cause (`.spec.template.spec.containers[name="web"].image`) as a
    /// pointer into this object; where the object lacks it, the segments as they are spelled.
    pub fn pointer(field: &str, object: &Value) -> Pointer {
        let _ = (field, object);
        unimplemented!()
    }
}
