//! What the caller may do, asked of the cluster before anything is refused half-way.

use http::Method;
use serde_json::{Value, json};

use super::answer::Failure;
use super::cluster::Cluster;
use super::kinds::Kind;
use super::send::{About, Asked, request};

/// Reviews that are asked for at once.
const AT_ONCE: usize = 16;

/// One permission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// `get`, `list`, `create`, `patch`, `delete` ...
    pub verb: &'static str,
    /// The kind.
    pub kind: Kind,
    /// Namespace; empty: all, or none.
    pub namespace: String,
    /// Name; empty: every object.
    pub name: String,
}

impl Cluster {
    /// Those of the permissions that the caller lacks, by SelfSubjectAccessReview.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn lacking(&self, wanted: Vec<Permission>) -> Result<Vec<Permission>, Failure> {
        let work = |cluster: Self, permission: Permission| async move {
            let allowed = cluster.allows(&permission).await?;
            Ok((!allowed).then_some(permission))
        };
        let asked: Result<Vec<_>, Failure> =
            self.side_by_side(wanted, AT_ONCE, work).await.into_iter().collect();
        Ok(asked?.into_iter().flatten().collect())
    }

    /// Who the cluster takes the caller for, by SelfSubjectReview.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn user(&self) -> Result<String, Failure> {
        let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let about = About {
            verb: "create",
            what: "SelfSubjectReview".to_owned(),
            plural: "selfsubjectreviews".to_owned(),
        };
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let answer = self.review(path, &review, &about).await?;
        match answer.pointer("/status/userInfo/username").and_then(Value::as_str) {
            Some(user) => Ok(user.to_owned()),
            None => Err(about.unanswered("the answer names no user".to_owned())),
        }
    }

    async fn allows(&self, permission: &Permission) -> Result<bool, Failure> {
        let Permission { verb, kind, namespace, name } = permission;
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "verb": verb, "group": kind.group, "resource": kind.plural,
                "namespace": namespace, "name": name,
            }},
        });
        let about = About {
            verb: "create",
            what: "SelfSubjectAccessReview".to_owned(),
            plural: "selfsubjectaccessreviews".to_owned(),
        };
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let answer = self.review(path, &review, &about).await?;
        match answer.pointer("/status/allowed").and_then(Value::as_bool) {
            Some(allowed) => Ok(allowed),
            None => Err(about.unanswered("the answer does not say".to_owned())),
        }
    }

    /// A review is made by POST and kept nowhere.
    async fn review(&self, path: &str, review: &Value, about: &About) -> Result<Value, Failure> {
        let content = ("application/json", review.to_string().into_bytes());
        match request(Method::POST, path, "application/json", Some(content)) {
            Some(request) => Ok(self.ask(&Asked { request, about: about.clone() }).await?.object),
            None => Err(about.unanswered("no request can be made".to_owned())),
        }
    }
}
