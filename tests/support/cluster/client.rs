//! Requests to the API server without any code of the product: one connection for each, and the
//! answer as it came.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use serde_json::Value;

use super::authority::Authority;
use super::user::Credential;
use crate::support::http::{Answer, Connection};
use crate::support::tls::{to_server, trusting};

/// How long a test waits for what a controller is to do.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long for an answer.
const ANSWER: Duration = Duration::from_secs(60);

pub(crate) const JSON: &str = "application/json";
pub(crate) const APPLY: &str = "application/apply-patch+yaml";
pub(crate) const MERGE: &str = "application/merge-patch+json";
pub(crate) const JSON_PATCH: &str = "application/json-patch+json";

/// Asks in the name of one user.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    token: Option<String>,
}

impl Client {
    pub(super) fn new(address: SocketAddr, authority: &Authority, credential: &Credential) -> Self {
        let (leaf, token) = match credential {
            Credential::Token(token) => (None, Some(token.clone())),
            Credential::Certificate(leaf) => (Some(leaf), None),
        };
        let begun = trusting(authority);
        let tls = match leaf {
            Some(leaf) => begun.with_client_auth_cert(leaf.chain(), leaf.private()).unwrap(),
            None => begun.with_no_client_auth(),
        };
        Self { address, tls: Arc::new(tls), token }
    }

    /// The same user, who asks elsewhere.
    pub(crate) fn at(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// Sends a request and gives back the whole answer.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        content: &str,
        body: &[u8],
    ) -> io::Result<Answer> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER))?;
        let mut connection = Connection::through(to_server(&self.tls, self.address, stream)?);
        let token = self.token.iter().map(|token| format!("Authorization: Bearer {token}\r\n"));
        let fields = format!("{}Content-Type: {content}\r\n", token.collect::<String>());
        exchange(&mut connection, (method, path), self.address, &fields, body)
    }

    fn ask(&self, method: &str, path: &str, content: &str, body: &[u8]) -> (u16, Value) {
        let answer = self.send(method, path, content, body).unwrap();
        value(&answer)
    }

    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        self.ask("GET", path, JSON, b"")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask("POST", path, JSON, body.to_string().as_bytes())
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask("PUT", path, JSON, body.to_string().as_bytes())
    }

    /// `content` is the type of the patch, such as [`MERGE`].
    pub(crate) fn patch(&self, path: &str, content: &str, body: &Value) -> (u16, Value) {
        self.ask("PATCH", path, content, body.to_string().as_bytes())
    }

    /// `body` is a `DeleteOptions`, or null.
    pub(crate) fn delete(&self, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        self.ask("DELETE", path, JSON, &body)
    }

    /// The object at a path, which is there.
    pub(crate) fn read(&self, path: &str) -> Value {
        let (status, answer) = self.get(path);
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// Server-side apply in the name of a field manager of its own, `setup`, which takes what
    /// others own; gives back the object.
    pub(crate) fn apply(&self, object: &Value) -> Value {
        self.apply_as("setup", object)
    }

    /// The same, for a field manager.
    pub(crate) fn apply_as(&self, manager: &str, object: &Value) -> Value {
        let path = format!("{}?fieldManager={manager}&force=true", path(object));
        let (status, answer) = self.patch(&path, APPLY, object);
        assert!(status == 200 || status == 201, "{path}: {status} {answer}");
        answer
    }

    /// Waits until the object at a path is as it should be (null: until it is gone).
    pub(crate) fn wait_for(&self, path: &str, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let (status, answer) = self.get(path);
            let answer = if status == 404 { Value::Null } else { answer };
            if is_so(&answer) {
                return answer;
            }
            let waited = begun.elapsed();
            assert!(
                waited < PATIENCE,
                "{path}: {what}: not within {waited:?}: {status} {answer:#}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn exchange(
    connection: &mut Connection,
    (method, path): (&str, &str),
    host: SocketAddr,
    fields: &str,
    body: &[u8],
) -> io::Result<Answer> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{fields}Accept: {JSON}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    connection.send(&[head.as_bytes(), body].concat())?;
    connection.answer(method, &mut |_| Ok(()))
}

/// Status and body; a body that is no JSON as a string.
fn value(answer: &Answer) -> (u16, Value) {
    let text = || Value::String(String::from_utf8_lossy(&answer.body).into_owned());
    (answer.status, serde_json::from_slice(&answer.body).unwrap_or_else(|_| text()))
}

/// A POST without TLS.
pub(super) fn plain(address: SocketAddr, path: &str, body: &Value) -> (u16, Value) {
    let mut connection = Connection::over(&TcpStream::connect(address).unwrap()).unwrap();
    let body = body.to_string();
    let asked = ("POST", path);
    value(&exchange(&mut connection, asked, address, "", body.as_bytes()).unwrap())
}

/// Where an object is, by its kind and name.
pub(crate) fn path(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (api, kind) = (text(&object["apiVersion"]), text(&object["kind"]).to_lowercase());
    let resource = match kind.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if kind == "endpoints" => kind,
        _ if kind.ends_with('s') => format!("{kind}es"),
        _ => format!("{kind}s"),
    };
    let root = if api.contains('/') { "apis" } else { "api" };
    let name = text(&object["metadata"]["name"]);
    match text(&object["metadata"]["namespace"]).as_str() {
        "" => format!("/{root}/{api}/{resource}/{name}"),
        namespace => format!("/{root}/{api}/namespaces/{namespace}/{resource}/{name}"),
    }
}
