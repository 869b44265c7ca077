//! Lists, page by page, each as of one moment.

use http::Method;
use serde_json::{Value, json};

use super::answer::{Failure, Reason};
use super::cluster::Cluster;
use super::kinds::Kind;
use super::send::{About, Asked, request};

/// Objects that are asked for at once.
const PAGE: usize = 500;
/// Pages of one list at most: a server that never comes to an end is not followed.
const PAGES: usize = 2_000;
/// The forms of an answer: whole objects, or nothing but their metadata.
const WHOLE: &str = "application/json";
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
/// How often a list is begun.
const BEGUN: usize = 4;

impl Cluster {
    /// Every object of a kind, in a namespace (empty: in all of them, or without any). Begins anew
    /// where the server lost its place (410).
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn list(&self, kind: &Kind, namespace: &str) -> Result<Vec<Value>, Failure> {
        let mut items = self.listed(kind, namespace, (WHOLE, "")).await?;
        items.iter_mut().for_each(|item| complete(item, kind));
        Ok(items)
    }

    /// The metadata of those objects that a label selector chooses, each in a
    /// `PartialObjectMetadata`; else as [`Cluster::list`].
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn list_metadata(
        &self,
        kind: &Kind,
        namespace: &str,
        selector: &str,
    ) -> Result<Vec<Value>, Failure> {
        self.listed(kind, namespace, (METADATA, selector)).await
    }

    async fn listed(
        &self,
        kind: &Kind,
        namespace: &str,
        wanted: (&'static str, &str),
    ) -> Result<Vec<Value>, Failure> {
        let place = if namespace.is_empty() { "" } else { " in " };
        let what = format!("{}{place}{namespace}", kind.plural);
        let about = About { verb: "list", what, plural: kind.plural.clone() };
        let path = kind.address(namespace, &about)?;
        let mut begun = 1;
        loop {
            match self.pages(&path, wanted, &about).await {
                Err(failure) if failure.reason() == Some(&Reason::Expired) && begun < BEGUN => {
                    begun += 1;
                }
                ended => return ended,
            }
        }
    }

    async fn pages(
        &self,
        path: &str,
        (form, selector): (&'static str, &str),
        about: &About,
    ) -> Result<Vec<Value>, Failure> {
        let mut all = Vec::new();
        let mut next = String::new();
        for _ in 0..PAGES {
            let mut address = format!("{path}?limit={PAGE}");
            for (parameter, value) in [("labelSelector", selector), ("continue", &next)] {
                if !value.is_empty() {
                    address.push_str(&format!("&{parameter}={}", written(value)));
                }
            }
            let Some(request) = request(Method::GET, &address, form, None) else {
                return Err(about.unanswered("the server's place in the list is none".to_owned()));
            };
            let mut answer = self.ask(&Asked { request, about: about.clone() }).await?;
            match answer.object.get_mut("items").map(Value::take) {
                Some(Value::Array(items)) => all.extend(items),
                // How Go writes an empty list.
                Some(Value::Null) => {}
                Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_))
                | None => return Err(about.unanswered("the answer is no list".to_owned())),
            }
            let place = answer.object.pointer("/metadata/continue").and_then(Value::as_str);
            next = place.unwrap_or_default().to_owned();
            if next.is_empty() {
                return Ok(all);
            }
        }
        Err(about.unanswered(format!("the list has more than {PAGES} pages of {PAGE}")))
    }
}

/// What an item of a list lacks, because the list says it for all of them.
fn complete(item: &mut Value, kind: &Kind) {
    let Kind { group, version, kind, plural: _, namespaced: _, listable: _ } = kind;
    let slash = if group.is_empty() { "" } else { "/" };
    if let Some(item) = item.as_object_mut() {
        item.insert("apiVersion".to_owned(), json!(format!("{group}{slash}{version}")));
        item.insert("kind".to_owned(), json!(kind));
    }
}

/// A text as the value of a query.
fn written(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                written.push(char::from(byte));
            }
            _ => written.push_str(&format!("%{byte:02X}")),
        }
    }
    written
}
