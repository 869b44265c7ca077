//! LocalStack, which answers as AWS does: one for all tests of a run, started by the first one that
//! wants it, and ended with this process, however that ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use countersign::ledger::object::Bucket;

/// In children, and for a server that was started by hand: its address.
const ADDRESS: &str = "COUNTERSIGN_TEST_LOCALSTACK";
/// The services that tests use.
const SERVICES: [&str; 2] = ["s3", "sts"];
/// An access key id of twelve digits chooses an account of LocalStack.
pub(crate) const ACCOUNT: &str = "111111111111";

struct Running {
    address: String,
    /// It ends when its standard input does, and that does with this process.
    _server: Option<Child>,
}

static RUNNING: OnceLock<Running> = OnceLock::new();

/// `http://127.0.0.1:PORT`.
pub(crate) fn address() -> &'static str {
    &RUNNING.get_or_init(start).address
}

/// What a child needs to find the server, if there is one.
pub(crate) fn for_children() -> Option<(&'static str, &'static str)> {
    RUNNING.get().map(|running| (ADDRESS, running.address.as_str()))
}

fn start() -> Running {
    if let Ok(address) = std::env::var(ADDRESS) {
        return Running { address, _server: None };
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join(".cache/localstack/bin/python");
    assert!(python.exists(), "LocalStack is not installed: run tests/localstack/install once");
    let mut server = Command::new(python)
        .arg(root.join("tests/localstack/serve.py"))
        .args(SERVICES)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut address).unwrap();
    assert!(address.starts_with("http://127.0.0.1:"), "LocalStack did not start: {address:?}");
    Running { address: address.trim_end().to_owned(), _server: Some(server) }
}

/// A ledger's place in a new bucket that no other test has.
pub(crate) fn bucket() -> Bucket {
    let mut bits = [0; 8];
    getrandom::fill(&mut bits).unwrap();
    let name = format!("ledger-{:016x}", u64::from_le_bytes(bits));
    let (status, body) = request("PUT", &format!("/{name}"), b"");
    assert_eq!(status, 200, "{body}");
    at(&format!("s3://{name}/shop"))
}

/// A ledger's place in a bucket that is there, for children too.
pub(crate) fn at(url: &str) -> Bucket {
    Bucket {
        url: url.to_owned(),
        region: Some("us-east-1".to_owned()),
        endpoint: Some(address().to_owned()),
        lease: Duration::from_secs(6),
        patience: Duration::from_secs(30),
    }
}

/// An environment with credentials for it.
pub(crate) fn credentials(name: &str) -> Option<String> {
    match name {
        "AWS_ACCESS_KEY_ID" => Some(ACCOUNT.to_owned()),
        "AWS_SECRET_ACCESS_KEY" => Some("secret".to_owned()),
        _ => None,
    }
}

/// One request past the store; LocalStack looks at the access key id, and verifies no signature.
/// Gives back the status and the whole answer.
pub(crate) fn request(method: &str, path: &str, body: &[u8]) -> (u16, String) {
    let host = address().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let signed = format!(
        "AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/us-east-1/s3/aws4_request, \
         SignedHeaders=host, Signature=0"
    );
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {signed}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}
