//! One request about one object, built without I/O.

use http::Method;
use serde_json::{Value, json};

use super::answer::{Failure, Reason, Refused};
use super::kinds::Kind;
use super::send::{About, Asked, request};
use crate::document::operation::Propagation;

/// Under which name fields are owned.
pub const FIELD_MANAGER: &str = "countersign";

/// Where an object stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Its kind, as the cluster serves it.
    pub kind: Kind,
    /// Namespace; empty where the kind has none.
    pub namespace: String,
    /// Name.
    pub name: String,
}

/// What is to be done to an object. A body never lacks its preconditions: `metadata.uid` and
/// `metadata.resourceVersion` of the object that was read, or `resourceVersion: "1"` without a uid
/// for one that must not exist yet.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Server-side apply: the fields to own, as this manager.
    Apply {
        /// The body.
        body: Value,
        /// Whether fields of other managers are taken over.
        force: bool,
    },
    /// RFC 7396. Its preconditions stand in its `metadata`.
    Merge(Value),
    /// RFC 6902. It begins with a `test` of uid and resourceVersion.
    Operations(Value),
    /// Creation by POST: for objects of the ledger and reviews.
    Create(Value),
    /// The whole object: for objects of the ledger.
    Replace(Value),
    /// Deletion.
    Delete {
        /// uid of the object that goes.
        uid: String,
        /// The state of it that was read.
        resource_version: String,
        /// What happens to dependents.
        propagation: Propagation,
    },
}

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The object.
    pub place: Place,
    /// What is to be done.
    pub change: Change,
}

/// Whether a request is only rehearsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Earnest {
    /// The server changes nothing.
    Rehearsed,
    /// It does.
    Meant,
}

impl Place {
    /// The request for the object as it is.
    pub(super) fn read(&self) -> Result<Asked, Failure> {
        let about = self.about("get");
        let address = self.address(&about)?;
        asked(about, Method::GET, &address, None)
    }

    fn about(&self, verb: &'static str) -> About {
        let Self { kind, namespace, name } = self;
        let slash = if namespace.is_empty() { "" } else { "/" };
        let what = format!("{} {namespace}{slash}{name}", kind.kind);
        About { verb, what, plural: kind.plural.clone() }
    }

    /// The path of the object. No name leaves its segment of it.
    fn address(&self, about: &About) -> Result<String, Failure> {
        match segment(&self.name) {
            Some(name) => Ok(format!("{}/{name}", self.kind.address(&self.namespace, about)?)),
            None => Err(misplaced(about, "no object can have this name")),
        }
    }
}

impl Kind {
    /// The path of its objects, in one namespace, or (empty) in all of them or none.
    pub(super) fn address(&self, namespace: &str, about: &About) -> Result<String, Failure> {
        let Self { group, version, kind: _, plural, namespaced, listable: _ } = self;
        let (Some(version), Some(plural)) = (segment(version), segment(plural)) else {
            return Err(misplaced(about, "the cluster's name for the kind is none"));
        };
        let root = match (group.as_str(), segment(group)) {
            ("", _) => format!("/api/{version}"),
            (_, Some(group)) => format!("/apis/{group}/{version}"),
            (_, None) => return Err(misplaced(about, "the cluster's name for the kind is none")),
        };
        match (namespace, segment(namespace)) {
            ("", _) => Ok(format!("{root}/{plural}")),
            (_, Some(name)) if *namespaced => Ok(format!("{root}/namespaces/{name}/{plural}")),
            (_, Some(_)) => Err(misplaced(about, "objects of this kind have no namespace")),
            (_, None) => Err(misplaced(about, "no namespace can have this name")),
        }
    }
}

impl Call {
    /// The request. Its address names the object alone, and its query says whether it is meant.
    pub(super) fn asked(&self, earnest: Earnest) -> Result<Asked, Failure> {
        let Self { place, change } = self;
        let dry = match earnest {
            Earnest::Rehearsed => "dryRun=All&",
            Earnest::Meant => "",
        };
        let strict = format!("{dry}fieldManager={FIELD_MANAGER}&fieldValidation=Strict");
        let (verb, method, kind, body, query) = match change {
            Change::Apply { body, force } => (
                "patch",
                Method::PATCH,
                "application/apply-patch+yaml",
                body.to_string(),
                format!("{dry}fieldManager={FIELD_MANAGER}&force={force}&fieldValidation=Strict"),
            ),
            Change::Merge(body) => {
                ("patch", Method::PATCH, "application/merge-patch+json", body.to_string(), strict)
            }
            Change::Operations(body) => {
                ("patch", Method::PATCH, "application/json-patch+json", body.to_string(), strict)
            }
            Change::Create(body) => {
                ("create", Method::POST, "application/json", body.to_string(), strict)
            }
            Change::Replace(body) => {
                ("update", Method::PUT, "application/json", body.to_string(), strict)
            }
            Change::Delete { uid, resource_version, propagation } => {
                let mut options = json!({
                    "apiVersion": "v1",
                    "kind": "DeleteOptions",
                    "preconditions": {"uid": uid, "resourceVersion": resource_version},
                    "propagationPolicy": propagation,
                });
                if let (Earnest::Rehearsed, Some(options)) = (earnest, options.as_object_mut()) {
                    options.insert("dryRun".to_owned(), json!(["All"]));
                }
                let query = dry.trim_end_matches('&').to_owned();
                ("delete", Method::DELETE, "application/json", options.to_string(), query)
            }
        };
        let about = place.about(verb);
        if place.kind.namespaced == place.namespace.is_empty() {
            return Err(misplaced(
                &about,
                "it lacks a namespace, or has one that its kind has not",
            ));
        }
        let path = match change {
            Change::Create(_) => place.kind.address(&place.namespace, &about)?,
            Change::Apply { .. }
            | Change::Merge(_)
            | Change::Operations(_)
            | Change::Replace(_)
            | Change::Delete { .. } => place.address(&about)?,
        };
        let mark = if query.is_empty() { "" } else { "?" };
        let address = format!("{path}{mark}{query}");
        asked(about, method, &address, Some((kind, body.into_bytes())))
    }
}

fn asked(
    about: About,
    method: Method,
    address: &str,
    content: Option<(&'static str, Vec<u8>)>,
) -> Result<Asked, Failure> {
    match request(method, address, "application/json", content) {
        Some(request) => Ok(Asked { request, about }),
        None => Err(misplaced(&about, "its address cannot be written")),
    }
}

/// A request that is not sent, because it would not be about the object that is meant.
fn misplaced(about: &About, why: &str) -> Failure {
    Failure::Refused(Box::new(Refused {
        verb: about.verb,
        what: about.what.clone(),
        status: 0,
        reason: Reason::Malformed,
        reason_words: why.to_owned(),
        message: String::new(),
        causes: Vec::new(),
        retry_after: None,
    }))
}

/// A name as a segment of a path (RFC 3986); `None` for one that leads elsewhere.
fn segment(name: &str) -> Option<String> {
    if matches!(name, "" | "." | "..") || name.contains(['/', '%']) {
        return None;
    }
    let mut written = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => {
                written.push(char::from(byte));
            }
            _ => written.push_str(&format!("%{byte:02X}")),
        }
    }
    Some(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(group: &str, version: &str, plural: &str, namespaced: bool) -> Kind {
        Kind {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: "Thing".to_owned(),
            plural: plural.to_owned(),
            namespaced,
            listable: true,
        }
    }

    fn place(kind: Kind, namespace: &str, name: &str) -> Place {
        Place { kind, namespace: namespace.to_owned(), name: name.to_owned() }
    }

    fn sent(asked: &Asked) -> (String, String, String, String) {
        let (head, body) = asked.request.clone().into_parts();
        let kind = head.headers.get("content-type").map_or("", |kind| kind.to_str().unwrap());
        let body = String::from_utf8(body).unwrap();
        (head.method.to_string(), head.uri.to_string(), kind.to_owned(), body)
    }

    #[test]
    fn each_change_is_one_exact_request() {
        let config = "/api/v1/namespaces/shop/configmaps";
        let strict = "fieldManager=countersign&fieldValidation=Strict";
        let body = json!({"a": 1});
        let delete = Change::Delete {
            uid: "u".to_owned(),
            resource_version: "7".to_owned(),
            propagation: Propagation::Foreground,
        };
        let cases = [
            (
                Change::Apply { body: body.clone(), force: false },
                "PATCH",
                format!(
                    "{config}/flags?DRYfieldManager=countersign&force=false&fieldValidation=Strict"
                ),
                "application/apply-patch+yaml",
            ),
            (
                Change::Apply { body: body.clone(), force: true },
                "PATCH",
                format!(
                    "{config}/flags?DRYfieldManager=countersign&force=true&fieldValidation=Strict"
                ),
                "application/apply-patch+yaml",
            ),
            (
                Change::Merge(body.clone()),
                "PATCH",
                format!("{config}/flags?DRY{strict}"),
                "application/merge-patch+json",
            ),
            (
                Change::Operations(body.clone()),
                "PATCH",
                format!("{config}/flags?DRY{strict}"),
                "application/json-patch+json",
            ),
            (
                Change::Create(body.clone()),
                "POST",
                format!("{config}?DRY{strict}"),
                "application/json",
            ),
            (
                Change::Replace(body),
                "PUT",
                format!("{config}/flags?DRY{strict}"),
                "application/json",
            ),
        ];
        for (change, method, address, content) in cases {
            let place = place(kind("", "v1", "configmaps", true), "shop", "flags");
            let call = Call { place, change };
            for (earnest, dry) in [(Earnest::Rehearsed, "dryRun=All&"), (Earnest::Meant, "")] {
                let expected = (method.to_owned(), address.replace("DRY", dry), content.to_owned());
                let (method, uri, content, body) = sent(&call.asked(earnest).unwrap());
                assert_eq!((method, uri, content), expected);
                assert_eq!(body, r#"{"a":1}"#);
            }
        }
        let place = place(kind("apps", "v1", "deployments", true), "shop", "web");
        let call = Call { place, change: delete };
        let (method, uri, _, body) = sent(&call.asked(Earnest::Meant).unwrap());
        assert_eq!(
            (method.as_str(), uri.as_str()),
            ("DELETE", "/apis/apps/v1/namespaces/shop/deployments/web")
        );
        let mut options = json!({"apiVersion": "v1", "kind": "DeleteOptions",
            "preconditions": {"uid": "u", "resourceVersion": "7"},
            "propagationPolicy": "Foreground"});
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), options);
        let (_, uri, _, body) = sent(&call.asked(Earnest::Rehearsed).unwrap());
        assert!(uri.ends_with("/web?dryRun=All"), "{uri}");
        options["dryRun"] = json!(["All"]);
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), options);
    }

    #[test]
    fn no_name_leaves_its_segment() {
        let roles = || kind("rbac.authorization.k8s.io", "v1", "clusterroles", false);
        let read = |name: &str| place(roles(), "", name).read().map(|asked| sent(&asked).1);
        let root = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
        assert_eq!(read("system:node").unwrap(), format!("{root}/system:node"));
        assert_eq!(read("a?b#c d").unwrap(), format!("{root}/a%3Fb%23c%20d"));
        assert_eq!(read("é").unwrap(), format!("{root}/%C3%A9"));
        for bad in ["", ".", "..", "a/b", "a%2fb", "../x"] {
            assert_eq!(read(bad).unwrap_err().reason(), Some(&Reason::Malformed), "{bad}");
        }
        let maps = || kind("", "v1", "configmaps", true);
        for (kind, namespace) in [(maps(), "a/b"), (maps(), ".."), (roles(), "shop")] {
            assert!(place(kind, namespace, "x").read().is_err(), "{namespace}");
        }
        for (kind, namespace) in [(maps(), ""), (roles(), "shop")] {
            let call =
                Call { place: place(kind, namespace, "x"), change: Change::Merge(json!({})) };
            assert!(call.asked(Earnest::Meant).is_err(), "{namespace}");
        }
    }
}
