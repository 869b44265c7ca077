//! Git over HTTP: a small server on the loopback interface that hands each request to the
//! `git http-backend` of the machine, for a folder of bare repositories. Stops when dropped.

use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::http::{Connection, Request, answer};
use super::listen::{Guest, Listening, Port};

mod tests;

/// What a server lets people do.
#[derive(Clone, Debug)]
pub(crate) struct Rights {
    /// User and password that everything asks for.
    pub(crate) login: Option<(String, String)>,
    /// Whether anybody may push.
    pub(crate) push: bool,
}

impl Rights {
    /// Everybody may do everything.
    pub(crate) fn open() -> Self {
        Self { login: None, push: true }
    }

    /// Who names this user and password may do everything.
    pub(crate) fn login(user: &str, password: &str) -> Self {
        Self { login: Some((user.to_owned(), password.to_owned())), ..Self::open() }
    }
}

/// What a client of Git asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Which protocol there is, and perhaps which refs, in order to fetch.
    FetchRefs,
    /// Which refs, in order to push.
    PushRefs,
    /// One step of a fetch.
    Fetch,
    /// A push.
    Push,
    /// Something else.
    Other,
}

/// A request, and the status of its answer.
pub(crate) type Served = (Asked, u16);

/// The server.
#[derive(Debug)]
pub(crate) struct GitHttp {
    listening: Listening,
    served: Arc<Mutex<Vec<Served>>>,
}

impl GitHttp {
    /// Serves the bare repositories in `folder`, each under its name.
    pub(crate) fn serve(folder: &Path, rights: Rights) -> Self {
        let served = Arc::default();
        let backend = Backend {
            program: exec_path().join("git-http-backend"),
            folder: folder.canonicalize().unwrap(),
            rights,
            served: Arc::clone(&served),
        };
        let listening = Port::free().open(move |guest| {
            // A client that leaves early has its reasons.
            drop(backend.serve(&guest));
        });
        Self { listening, served }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.listening.address()
    }

    /// What was answered since this was asked last.
    pub(crate) fn take_served(&self) -> Vec<Served> {
        std::mem::take(&mut self.served.lock().unwrap())
    }
}

fn exec_path() -> PathBuf {
    let said = Command::new("git").arg("--exec-path").output().unwrap();
    assert!(said.status.success());
    String::from_utf8(said.stdout).unwrap().trim_end().into()
}

#[derive(Debug)]
struct Backend {
    program: PathBuf,
    folder: PathBuf,
    rights: Rights,
    served: Arc<Mutex<Vec<Served>>>,
}

impl Backend {
    fn serve(&self, guest: &Guest) -> io::Result<()> {
        let mut client = Connection::over(&guest.stream)?;
        while let Some(request) = client.request()? {
            let (status, bytes) = if self.lets_in(&request) {
                self.run(&request)?
            } else {
                let fields = "WWW-Authenticate: Basic realm=\"tests\"\r\n";
                (401, answer("401 Unauthorized", fields, b""))
            };
            self.served.lock().unwrap().push((asked(&request), status));
            client.send(&bytes)?;
        }
        Ok(())
    }

    fn lets_in(&self, request: &Request) -> bool {
        let Some((user, password)) = &self.rights.login else {
            return true;
        };
        let wanted = STANDARD.encode(format!("{user}:{password}"));
        let given = request.head.field("authorization").and_then(|given| given.split_once(' '));
        // The name of the scheme has no case; some clients write it small.
        given.is_some_and(|(scheme, rest)| scheme.eq_ignore_ascii_case("basic") && rest == wanted)
    }

    /// Runs the backend for one request (RFC 3875); its answer, with the status.
    fn run(&self, request: &Request) -> io::Result<(u16, Vec<u8>)> {
        let (path, query) = request.target().split_once('?').unwrap_or((request.target(), ""));
        let mut command = Command::new(&self.program);
        command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let user = self.rights.login.as_ref().map(|(user, _)| user.as_str());
        let field = |name| request.head.field(name);
        let length = request.body.len().to_string();
        let settings = [
            ("PATH", std::env::var("PATH").ok().as_deref()),
            ("GIT_CONFIG_NOSYSTEM", Some("1")),
            ("GIT_CONFIG_GLOBAL", Some("/dev/null")),
            ("GIT_CONFIG_COUNT", Some("1")),
            ("GIT_CONFIG_KEY_0", Some("http.receivepack")),
            ("GIT_CONFIG_VALUE_0", Some(if self.rights.push { "true" } else { "false" })),
            ("GIT_PROJECT_ROOT", self.folder.to_str()),
            ("GIT_HTTP_EXPORT_ALL", Some("1")),
            ("GATEWAY_INTERFACE", Some("CGI/1.1")),
            ("SERVER_PROTOCOL", Some("HTTP/1.1")),
            ("REMOTE_ADDR", Some("127.0.0.1")),
            ("REMOTE_USER", user),
            ("REQUEST_METHOD", Some(request.method())),
            ("PATH_INFO", Some(path)),
            ("QUERY_STRING", Some(query)),
            ("CONTENT_TYPE", field("content-type")),
            ("CONTENT_LENGTH", Some(&length)),
            ("HTTP_CONTENT_ENCODING", field("content-encoding")),
            ("HTTP_GIT_PROTOCOL", field("git-protocol")),
        ]
        .map(|(name, value)| value.map(|value| (name, value.to_owned())));
        let mut child = command.envs(settings.into_iter().flatten()).spawn()?;
        let mut input = child.stdin.take().unwrap();
        let mut output = Vec::new();
        std::thread::scope(|scope| {
            // A backend that refuses does not read all of it.
            scope.spawn(move || drop(input.write_all(&request.body)));
            child.stdout.take().unwrap().read_to_end(&mut output)
        })?;
        child.wait()?;
        Ok(from_script(&output))
    }
}

/// The answer that the output of a script stands for.
fn from_script(output: &[u8]) -> (u16, Vec<u8>) {
    let end = output.windows(4).position(|part| part == b"\r\n\r\n");
    let head = end.and_then(|end| std::str::from_utf8(&output[..end]).ok());
    let (Some(end), Some(head)) = (end, head) else {
        return (500, answer("500 Internal Server Error", "", b"the backend said nothing\n"));
    };
    let mut status = "200 OK";
    let mut fields = String::new();
    for line in head.lines() {
        match line.strip_prefix("Status: ") {
            Some(other) => status = other,
            None => write!(fields, "{line}\r\n").unwrap(),
        }
    }
    let number = status.split(' ').next().and_then(|number| number.parse().ok());
    (number.unwrap_or(500), answer(status, &fields, &output[end + 4..]))
}

fn asked(request: &Request) -> Asked {
    let target = request.target();
    let ends = |path: &str| target.ends_with(path);
    match request.method() {
        "GET" if ends("/info/refs?service=git-upload-pack") => Asked::FetchRefs,
        "GET" if ends("/info/refs?service=git-receive-pack") => Asked::PushRefs,
        "POST" if ends("/git-upload-pack") => Asked::Fetch,
        "POST" if ends("/git-receive-pack") => Asked::Push,
        _ => Asked::Other,
    }
}
