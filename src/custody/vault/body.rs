//! Values on their way into a body that is sent, and out of an object that is kept. What is sent is
//! never kept, and what is kept never holds a value.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use zeroize::{Zeroize as _, Zeroizing};

use super::reference::{self, HOLDERS, MEMBER, Site, held, reference, stored_at};
use super::{Vault, VaultError, filter};
use crate::document::ident::{Digest, Label, Pointer, ResourceId};
use crate::document::operation::ResourceRef;

/// Where kubectl keeps the whole object once more.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A body with the values in it, to be sent and dropped. Its texts are wiped then.
pub struct Filled(Value);

impl Filled {
    /// The body.
    pub fn body(&self) -> &Value {
        &self.0
    }
}

impl fmt::Debug for Filled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Filled(not shown)")
    }
}

impl Drop for Filled {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
    }
}

impl Vault {
    /// A body as it is sent: each reference at `/data/*` or `/stringData/*` of a Secret becomes its
    /// value, in base64 beneath `data`. The body is one that is applied, a merge patch, or a list of
    /// the operations of a JSON patch. Bodies of other kinds stay as they are.
    ///
    /// # Errors
    /// [`VaultError`]; anything but a reference or null at such a place is [`VaultError::Literal`].
    pub fn fill(&self, resource: &ResourceRef, body: &Value) -> Result<Filled, VaultError> {
        let mut filled = Filled(body.clone());
        if !resource.is_secret() {
            return Ok(filled);
        }
        let id = resource.id();
        match &mut filled.0 {
            Value::Array(operations) => {
                for operation in operations {
                    let path = operation.get("path").and_then(Value::as_str).unwrap_or_default();
                    if let (Ok(path), Some(value)) = (path.parse(), operation.get_mut("value")) {
                        self.fill_at(&id, &path, value)?;
                    }
                }
            }
            Value::Object(members) => {
                for holder in HOLDERS {
                    if let Some(value) = members.get_mut(holder) {
                        self.fill_at(&id, &Pointer::default().join(holder), value)?;
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        Ok(filled)
    }

    fn fill_at(&self, id: &ResourceId, at: &Pointer, value: &mut Value) -> Result<(), VaultError> {
        let literal = || VaultError::Literal { place: reference::place(id, at) };
        match (Site::of(at), &mut *value) {
            (Site::Elsewhere, _) | (_, Value::Null) => Ok(()),
            (Site::Map, Value::Object(map)) => {
                map.iter_mut().try_for_each(|(key, value)| self.fill_at(id, &at.join(key), value))
            }
            (Site::Map, _) => Err(literal()),
            (Site::Value, held) => {
                let Some(Ok(name)) = reference(held) else { return Err(literal()) };
                let bytes = self.value(&name, id, at)?;
                let encoded = at.segments().next().is_some_and(|holder| holder == "data");
                *value = Value::String(match encoded {
                    true => STANDARD.encode(bytes),
                    false => std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| {
                        // As it was written: the place where the server keeps it takes bytes.
                        VaultError::NotText { name, place: reference::written(id, at) }
                    })?,
                });
                Ok(())
            }
        }
    }

    /// Remembers every value of a live Secret, as [`Vault::seen`]. What a text looks like once it is
    /// filtered depends on what is known: whoever looks at several objects side by side has all of
    /// them learned first.
    pub fn learn(&self, resource: &ResourceRef, object: &Value) {
        if !resource.is_secret() {
            return;
        }
        for (at, value) in held(object) {
            if !value.is_null() {
                self.seen(&bytes_of(&at, value));
            }
        }
    }

    /// A live or rehearsed object as a plan may hold it. Of a Secret, each value at `/data/*` and
    /// `/stringData/*` becomes `hmac-sha256:…` over its bytes; where `asked`, the body of the
    /// operation, refers to an entry there and the bytes are those of that entry, it becomes
    /// `{"$secret": {"name": …, "value": "hmac-sha256:…"}}`, on both sides of a change alike. A
    /// reference that still stands in the object (nobody could rehearse it) becomes the same.
    ///
    /// kubectl's copy of the object among the annotations is dropped; an annotation that holds a
    /// value, or may hold another such copy, is masked. A text that is no base64 beneath `data` is
    /// masked as it stands, and what is no text as a whole. Every value is remembered as
    /// [`Vault::seen`]. Other kinds stay as they are.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn masked(
        &self,
        resource: &ResourceRef,
        object: &Value,
        asked: Option<&Value>,
    ) -> Result<Value, VaultError> {
        let Some(members) = object.as_object().filter(|_| resource.is_secret()) else {
            return Ok(object.clone());
        };
        let id = resource.id();
        let asked = asked.map(entries_of).unwrap_or_default();
        let mut values = Vec::new();
        let mut out = Map::new();
        for (member, value) in members.iter().filter(|(member, _)| is_holder(member)) {
            let at = Pointer::default().join(member);
            let masked = match value {
                Value::Object(map) => {
                    let mut masked = Map::new();
                    for (key, value) in map {
                        let at = at.join(key);
                        masked.insert(
                            key.clone(),
                            self.mask_one(&id, &at, value, &asked, &mut values)?,
                        );
                    }
                    Value::Object(masked)
                }
                Value::Null => Value::Null,
                Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                    self.mask_one(&id, &at, value, &asked, &mut values)?
                }
            };
            out.insert(member.clone(), masked);
        }
        for (member, value) in members.iter().filter(|(member, _)| !is_holder(member)) {
            let mut value = value.clone();
            if member == "metadata" {
                self.mask_annotations(&id, &mut value, &values)?;
            }
            out.insert(member.clone(), value);
        }
        values.iter().for_each(|value| self.seen(value));
        Ok(Value::Object(out))
    }

    /// One value, masked; its bytes are added to `values`.
    fn mask_one(
        &self,
        id: &ResourceId,
        at: &Pointer,
        value: &Value,
        asked: &BTreeMap<Pointer, Label>,
        values: &mut Vec<Zeroizing<Vec<u8>>>,
    ) -> Result<Value, VaultError> {
        if value.is_null() {
            return Ok(Value::Null);
        }
        if let Some(Ok(name)) = reference(value) {
            let mask = self.mask(id, at, self.value(&name, id, at)?)?;
            return Ok(json!({MEMBER: {"name": name, "value": mask}}));
        }
        let bytes = bytes_of(at, value);
        let mask = self.mask(id, at, &bytes)?;
        let entry = asked
            .get(&stored_at(at))
            .filter(|name| self.value(name, id, at).is_ok_and(|value| value == bytes.as_slice()));
        values.push(bytes);
        Ok(match entry {
            Some(name) => json!({MEMBER: {"name": name, "value": mask}}),
            None => Value::String(mask),
        })
    }

    /// Annotations that hold a value, or a copy of the object in a form that is not looked into.
    fn mask_annotations(
        &self,
        id: &ResourceId,
        metadata: &mut Value,
        values: &[Zeroizing<Vec<u8>>],
    ) -> Result<(), VaultError> {
        let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut)
        else {
            return Ok(());
        };
        annotations.remove(LAST_APPLIED);
        if annotations.is_empty() {
            metadata.as_object_mut().map(|members| members.remove("annotations"));
            return Ok(());
        }
        let at = Pointer::default().join("metadata").join("annotations");
        let entries = || self.entries.values().map(|entry| &entry.value);
        for (name, value) in annotations.iter_mut() {
            let Value::String(text) = &*value else { continue };
            if is_copy(text)
                || values.iter().chain(entries()).any(|known| filter::holds(text, known))
            {
                *value = Value::String(self.mask(id, &at.join(name), text.as_bytes())?);
            }
        }
        Ok(())
    }
}

/// Whether what stands at a place of a value tells nothing of it: what [`Vault::masked`] puts there.
pub fn is_masked(value: &Value) -> bool {
    let mask = |value: &Value| {
        let digits = value.as_str().and_then(|text| text.strip_prefix("hmac-sha256:"));
        digits.is_some_and(|digits| digits.parse::<Digest>().is_ok())
    };
    let named = || {
        let inner = value.as_object().filter(|outer| outer.len() == 1)?.get(MEMBER)?.as_object()?;
        let name = inner.get("name")?.as_str()?.parse::<Label>().is_ok();
        Some(inner.len() == 2 && name && mask(inner.get("value")?))
    };
    value.is_null() || mask(value) || named() == Some(true)
}

/// The first place of a Secret that holds something else than masks; `None` for other kinds.
pub fn unmasked(resource: &ResourceRef, object: &Value) -> Option<Pointer> {
    if !resource.is_secret() {
        return None;
    }
    HOLDERS.into_iter().find_map(|holder| {
        let (held, at) = (object.get(holder)?, Pointer::default().join(holder));
        match held {
            Value::Object(map) => {
                map.iter().find(|(_, value)| !is_masked(value)).map(|(key, _)| at.join(key))
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => (!is_masked(held)).then_some(at),
        }
    })
}

/// The bytes that a value stands for: beneath `data` it is in base64, or else what it is.
fn bytes_of(at: &Pointer, value: &Value) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(match value {
        Value::String(text) if stored_at(at) == *at => {
            STANDARD.decode(text).unwrap_or_else(|_| text.as_bytes().to_vec())
        }
        Value::String(text) => text.as_bytes().to_vec(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string().into_bytes()
        }
    })
}

fn is_holder(member: &str) -> bool {
    HOLDERS.contains(&member)
}

/// Whether a text may be a copy of an object: JSON, or gzip in base64 (as controllers keep theirs).
fn is_copy(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) || text.starts_with("H4sI")
}

/// The entries that a body refers to, by where the server keeps them: of two spellings of one
/// place, the later one goes before, as it does at the server.
fn entries_of(body: &Value) -> BTreeMap<Pointer, Label> {
    let found = held(body).into_iter();
    found.filter_map(|(at, value)| Some((stored_at(&at), reference(value)?.ok()?))).collect()
}
