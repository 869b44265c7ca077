//! Custom resource definitions: which objects, fields and versions a change takes away.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::admission::backend;
use crate::document::effect::{Flag, Known};
use crate::plan::class::look::{Findings, Look};
use crate::plan::class::table::short::{D, M, MAY, O, R, SURE, UNREAD};
use crate::plan::class::verb::Verb;
use crate::plan::shape::{list, members, text, yes};

pub(super) fn judge(look: &Look<'_>, out: &mut Findings) {
    if (look.group(), look.kind()) != ("apiextensions.k8s.io", "CustomResourceDefinition") {
        return;
    }
    match look.verb {
        Verb::Delete | Verb::Replace => match look.instances() {
            Known::Yes => out.add(D, SURE, "crd.instances", "all objects of its kind are deleted"),
            Known::Unread => {
                out.add(
                    D,
                    UNREAD,
                    "crd.instances",
                    "objects of its kind are deleted, if there are any",
                );
            }
            Known::No => out.add(M, SURE, "crd.instances", "there is no object of its kind"),
        },
        Verb::Update => {
            versions(look, out);
            between_versions(look, out);
            conversion(look, out);
        }
        Verb::Create | Verb::Nothing => {}
    }
}

fn by_name(object: &Value) -> BTreeMap<&str, &Value> {
    list(object, "/spec/versions").iter().map(|version| (text(version, "/name"), version)).collect()
}

fn versions(look: &Look<'_>, out: &mut Findings) {
    let (before, after) = (by_name(look.before()), by_name(look.after()));
    for (name, old) in &before {
        let Some(new) = after.get(name) else {
            if yes(old, "/served") {
                out.add(O, SURE, "crd.unserved", "a version is no longer served");
            }
            continue;
        };
        if yes(old, "/served") && !yes(new, "/served") {
            out.add(O, SURE, "crd.unserved", "a version is no longer served");
        }
        let status = |version: &Value| version.pointer("/subresources/status").is_some();
        if status(old) != status(new) {
            out.add(R, MAY, "crd.status", "writes to its status are taken in another way");
        }
        if status(old) == status(new)
            && old.pointer("/subresources") != new.pointer("/subresources")
        {
            out.add(R, MAY, "crd.subresources", "its scaling is taken in another way");
        }
        schema(old, new, out);
    }
}

/// Fields of a schema, each by its path; beneath what keeps unknown fields, everything is known.
struct Fields {
    known: BTreeSet<String>,
    open: BTreeSet<String>,
    defaults: BTreeSet<String>,
}

impl Fields {
    fn of(version: &Value) -> Self {
        let mut fields =
            Self { known: BTreeSet::new(), open: BTreeSet::new(), defaults: BTreeSet::new() };
        if let Some(schema) = version.pointer("/schema/openAPIV3Schema") {
            fields.walk("", schema);
        } else {
            fields.open.insert(String::new());
        }
        fields
    }

    // As deep as the document, whose depth is bounded where it is read.
    fn walk(&mut self, path: &str, schema: &Value) {
        if yes(schema, "/x-kubernetes-preserve-unknown-fields") {
            self.open.insert(path.to_owned());
        }
        if let Some(default) = schema.get("default") {
            self.defaults.insert(format!("{path}={default}"));
        }
        for (name, inner) in members(schema, "/properties") {
            let path = format!("{path}/{name}");
            self.walk(&path, inner);
            self.known.insert(path);
        }
        for (member, part) in [("items", "[]"), ("additionalProperties", "{}")] {
            if let Some(inner) = schema.get(member).filter(|inner| inner.is_object()) {
                self.walk(&format!("{path}/{part}"), inner);
            }
        }
    }

    fn keeps(&self, path: &str) -> bool {
        let within = |open: &String| {
            path.strip_prefix(open.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        // Of its own, an object always keeps these.
        let implied = ["/apiVersion", "/kind", "/metadata"];
        self.known.contains(path) || self.open.iter().any(within) || implied.contains(&path)
    }

    /// Fields that `self` knows and `other` drops.
    fn lost_in(&self, other: &Self) -> BTreeSet<String> {
        let known = self.known.iter().filter(|path| !other.keeps(path)).cloned();
        let open = self.open.iter().filter(|path| !other.open.contains(*path));
        known.chain(open.map(|path| format!("{path}/*"))).collect()
    }
}

fn schema(old: &Value, new: &Value, out: &mut Findings) {
    if old.get("schema") == new.get("schema") {
        return;
    }
    let (before, after) = (Fields::of(old), Fields::of(new));
    if !before.lost_in(&after).is_empty() {
        out.add(
            D,
            MAY,
            "crd.field-removed",
            "a field is lost for good at the next write of each object",
        );
    }
    if !after.defaults.is_subset(&before.defaults) {
        out.add(R, MAY, "crd.default", "existing objects read differently");
    }
    let at = "/schema/openAPIV3Schema";
    let tightened = match (old.pointer(at), new.pointer(at)) {
        (Some(old), Some(new)) => tightened(old, new),
        (None, Some(_)) => true,
        (_, None) => false,
    };
    if tightened {
        out.add(R, MAY, "crd.tightened", "writes that were taken may be refused");
    }
}

/// Whether anything but descriptions, defaults and new fields differs.
fn tightened(old: &Value, new: &Value) -> bool {
    const LOOSE: [&str; 6] =
        ["description", "default", "properties", "title", "example", "externalDocs"];
    let (Some(before), Some(after)) = (old.as_object(), new.as_object()) else {
        return old != new;
    };
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let plain = keys.into_iter().filter(|key| !LOOSE.contains(&key.as_str())).any(|key| {
        match (before.get(key), after.get(key)) {
            (Some(old), Some(new)) if old.is_object() => tightened(old, new),
            (old, new) => old != new,
        }
    });
    let fields = members(old, "/properties").any(|(name, inner)| {
        let now = new.get("properties").and_then(|all| all.get(name));
        now.is_some_and(|now| tightened(inner, now))
    });
    plain || fields
}

/// Fields that some served or stored version knows and another drops, with no conversion between.
fn lacking(object: &Value) -> BTreeSet<String> {
    if text(object, "/spec/conversion/strategy") == "Webhook" {
        return BTreeSet::new();
    }
    let used = |version: &&Value| yes(version, "/served") || yes(version, "/storage");
    let versions: Vec<_> = list(object, "/spec/versions")
        .iter()
        .filter(used)
        .map(|version| (text(version, "/name"), Fields::of(version)))
        .collect();
    let mut found = BTreeSet::new();
    for (wide, fields) in &versions {
        for (narrow, others) in &versions {
            let lost = fields.lost_in(others).into_iter();
            found.extend(lost.map(|path| format!("{wide}>{narrow}{path}")));
        }
    }
    found
}

fn between_versions(look: &Look<'_>, out: &mut Findings) {
    if !lacking(look.after()).is_subset(&lacking(look.before())) {
        out.add(
            D,
            MAY,
            "crd.version-narrower",
            "each write through the narrower version drops fields",
        );
    }
}

fn conversion(look: &Look<'_>, out: &mut Findings) {
    if !look.differs("/spec/conversion") {
        return;
    }
    out.flag(Flag::Admission, "crd.conversion", "objects are rewritten on the way");
    let webhook = |object| text(object, "/spec/conversion/strategy") == "Webhook";
    let rule = "crd.conversion";
    let says = "other versions cannot be read while the webhook does not answer";
    if webhook(look.after()) {
        let service = look.after().pointer("/spec/conversion/webhook/clientConfig/service");
        let certainty = match backend(look, service) {
            Known::Unread => UNREAD,
            Known::Yes | Known::No => MAY,
        };
        out.add(O, certainty, rule, says);
    } else {
        out.add(M, SURE, rule, "");
    }
}
