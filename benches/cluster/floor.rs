//! The least that a plan needs: one list of each kind, and one rehearsal of each object, many at
//! once, by a client that does nothing else. Its answers are read and not understood.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use serde_json::Value;

use crate::objects::{PATHS, address};
use crate::support::cluster::Cluster;
use crate::support::http::Connection;
use crate::support::tls::{to_server, trusting};

/// Connections, each with one request at a time.
const WIDTH: usize = 16;

/// A bare client of one user.
pub(crate) struct Bare {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    token: String,
}

impl Bare {
    /// One of this cluster.
    pub(crate) fn of(cluster: &Cluster, token: &str) -> Self {
        let tls = Arc::new(trusting(cluster.authority()).with_no_client_auth());
        Self { address: cluster.address(), tls, token: token.to_owned() }
    }

    fn connection(&self) -> Connection {
        let stream = TcpStream::connect(self.address).expect("the server listens");
        stream.set_nodelay(true).expect("it is a socket");
        let stream =
            to_server(&self.tls, self.address, stream).expect("the server is the right one");
        Connection::through(stream)
    }

    fn ask(&self, connection: &mut Connection, method: &str, path: &str, body: &[u8]) {
        let Self { address, token, tls: _ } = self;
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/apply-patch+yaml\r\nAccept: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        connection.send(&[head.as_bytes(), body].concat()).expect("it is sent");
        let answer = connection.answer(method, &mut |_| Ok(())).expect("it is answered");
        let text = || String::from_utf8_lossy(&answer.body).into_owned();
        assert!(answer.status == 200 || answer.status == 201, "{path}: {}", text());
    }

    /// Lists each kind, one after the other, and then rehearses every object.
    pub(crate) fn plan(&self, namespace: &str, objects: &[Value]) -> Duration {
        let begun = Instant::now();
        let mut connection = self.connection();
        for (root, plural) in PATHS {
            self.ask(
                &mut connection,
                "GET",
                &format!("{root}/namespaces/{namespace}/{plural}"),
                b"",
            );
        }
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..WIDTH {
                scope.spawn(|| {
                    let mut connection = self.connection();
                    while let Some(object) = objects.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let query = "dryRun=All&fieldManager=countersign&force=false";
                        let path = format!("{}?{query}&fieldValidation=Strict", address(object));
                        self.ask(&mut connection, "PATCH", &path, object.to_string().as_bytes());
                    }
                });
            }
        });
        begun.elapsed()
    }
}
