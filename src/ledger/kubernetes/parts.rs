//! Records that no object can hold whole: their parts are written first, each under its digest, and
//! then the object that lists them. Until that one is written the parts are nothing.

use std::collections::BTreeMap;

use super::Open;
use super::object::{Content, is_lock};
use crate::document::ident::Digest;
use crate::ledger::conditional;
use crate::ledger::store::{Change, Name, Put, StoreError, Version};

/// Most bytes of one object: the API server takes 1 MiB, and some of that are not ours.
pub(super) const PART: usize = 900_000;
/// Most bytes of a record in a ConfigMap, and in a Lease, whose annotations have 256 KiB.
pub(super) const MAX_RECORD: usize = 64 << 20;
pub(super) const MAX_LOCK: usize = 128 << 10;

/// The parts of a text: none if one object holds it.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.len() > PART {
        let (part, more) = rest.split_at(rest.floor_char_boundary(PART));
        parts.push(part);
        rest = more;
    }
    if !parts.is_empty() {
        parts.push(rest);
    }
    parts
}

/// How a record is kept.
pub(super) fn content(text: &str) -> Content {
    match parts(text).as_slice() {
        [] => Content::Whole(text.to_owned()),
        parts => Content::Parts(parts.iter().map(|part| Digest::of(part.as_bytes())).collect()),
    }
}

/// The record of a part.
pub(super) fn name(part: &Digest) -> Name {
    Name::of(&[&"part", part])
}

/// As every store on conditions writes; the parts of a step's records are a step before it.
pub(super) async fn write(open: &Open, change: Change) -> Result<Vec<Version>, StoreError> {
    let mut steps = Vec::new();
    let mut asked = Vec::new();
    for step in change.steps {
        let mut beneath = BTreeMap::new();
        for put in step.iter().filter(|put| !is_lock(&put.name)) {
            let text = std::str::from_utf8(&put.bytes).unwrap_or_default();
            beneath.extend(parts(text).into_iter().map(|part| (Digest::of(part.as_bytes()), part)));
        }
        let beneath: Vec<_> = beneath
            .into_iter()
            .map(|(digest, part)| Put {
                name: name(&digest),
                bytes: part.as_bytes().to_vec(),
                expected: None,
            })
            .collect();
        asked.extend(beneath.iter().map(|_| false));
        asked.extend(step.iter().map(|_| true));
        steps.extend((!beneath.is_empty()).then_some(beneath));
        steps.push(step);
    }
    let versions = conditional::write(open, Change { steps, ..change }).await?;
    let asked_for = versions.into_iter().zip(asked).filter(|(_, asked)| *asked);
    Ok(asked_for.map(|(version, _)| version).collect())
}
