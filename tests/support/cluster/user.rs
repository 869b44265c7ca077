//! Who asks the API server for something, and the kubeconfig that says so.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Place;
use super::authority::Leaf;
use super::client::Client;
use crate::support::proxy::Proxy;

/// A user of a cluster.
#[derive(Clone, Debug)]
pub(crate) struct User {
    place: Arc<Place>,
    name: String,
    credential: Credential,
}

/// What a user shows.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    Token(String),
    Certificate(Leaf),
}

impl User {
    pub(super) fn with_token(place: Arc<Place>, name: String, token: String) -> Self {
        Self { place, name, credential: Credential::Token(token) }
    }

    pub(super) fn with_certificate(place: Arc<Place>, name: &str, groups: &[&str]) -> Self {
        let leaf = place.authority.client(name, groups);
        Self { place, name: name.to_owned(), credential: Credential::Certificate(leaf) }
    }

    /// As the audit log has it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The token of a user who has one.
    pub(crate) fn token(&self) -> &str {
        match &self.credential {
            Credential::Token(token) => token,
            Credential::Certificate(_) => panic!("{} comes with a certificate", self.name),
        }
    }

    /// The same user with a certificate, which a proxy that ends TLS does not pass on.
    pub(crate) fn by_certificate(&self) -> Self {
        Self::with_certificate(Arc::clone(&self.place), &self.name, &[])
    }

    /// Requests in this name.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.place.address, &self.place.authority, &self.credential)
    }

    /// Writes `kubeconfig` into a folder: one context, `prod`.
    pub(crate) fn kubeconfig(&self, folder: &Path) -> PathBuf {
        self.kubeconfig_to(folder, &self.place.server, self.place.authority.pem())
    }

    /// The same for another address, and the authority (PEM) behind that.
    pub(crate) fn kubeconfig_to(&self, folder: &Path, server: &str, ca: &str) -> PathBuf {
        let path = folder.join("kubeconfig");
        // YAML reads JSON.
        std::fs::write(&path, format!("{:#}\n", self.kubeconfig_value(server, ca))).unwrap();
        path
    }

    /// The same by way of a proxy before this cluster.
    pub(crate) fn kubeconfig_by(&self, folder: &Path, proxy: &Proxy) -> PathBuf {
        let server = format!("https://{}", proxy.address());
        self.kubeconfig_to(folder, &server, self.place.authority.pem())
    }

    /// A kubeconfig, to be changed before it is written.
    pub(crate) fn kubeconfig_value(&self, server: &str, ca: &str) -> Value {
        let user = match &self.credential {
            Credential::Token(token) => json!({"token": token}),
            Credential::Certificate(Leaf { pem, key }) => json!({
                "client-certificate-data": STANDARD.encode(pem),
                "client-key-data": STANDARD.encode(key),
            }),
        };
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "prod",
            "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": self.name}}],
            "clusters": [{"name": "prod", "cluster": {
                "server": server, "certificate-authority-data": STANDARD.encode(ca),
            }}],
            "users": [{"name": self.name, "user": user}],
        })
    }
}
