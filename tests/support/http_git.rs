//! Git over HTTP on this machine: git's own `http-backend` behind a server of a few lines, which
//! can be told to fail.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use super::git::environment;

/// What the server does with the next pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Serves them.
    None,
    /// Wants to know who it is, and is never content.
    Unauthorized,
    /// Ends the connection of the next one before anything is done.
    CutBefore,
    /// Does what the next one asks, and ends the connection without an answer.
    CutAfter,
}

/// A server over the bare repositories of a folder.
pub(crate) struct HttpServer {
    pub(crate) address: String,
    fault: Arc<Mutex<Fault>>,
}

impl HttpServer {
    pub(crate) fn new(root: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let fault = Arc::new(Mutex::new(Fault::None));
        let (root, faults) = (root.to_owned(), Arc::clone(&fault));
        // Ends with the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (root, faults) = (root.clone(), Arc::clone(&faults));
                // A client that goes away is no failure of the server.
                std::thread::spawn(move || serve(stream, &root, &faults).ok());
            }
        });
        Self { address, fault }
    }

    pub(crate) fn fail(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }
}

fn serve(stream: TcpStream, root: &PathBuf, fault: &Mutex<Fault>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut parts = line.split(' ');
    let (method, target) = (parts.next().unwrap(), parts.next().unwrap_or("/").to_owned());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut headers = std::collections::BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let header = |name: &str| headers.get(name).map_or("", String::as_str);
    if header("expect") == "100-continue" {
        writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let mut body = Vec::new();
    if header("transfer-encoding") == "chunked" {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size)?;
            let size = u64::from_str_radix(size.trim(), 16).unwrap();
            reader.by_ref().take(size).read_to_end(&mut body)?;
            reader.read_line(&mut String::new())?;
            if size == 0 {
                break;
            }
        }
    } else {
        let length = header("content-length").parse().unwrap_or(0);
        reader.by_ref().take(length).read_to_end(&mut body)?;
    }
    let push = method == "POST" && path.ends_with("/git-receive-pack");
    // Git asks with an empty request first whether a large one is welcome.
    let sent = push && body.len() > 4;
    let wanted = {
        let mut fault = fault.lock().unwrap();
        let wanted = *fault;
        if sent && matches!(wanted, Fault::CutBefore | Fault::CutAfter) {
            *fault = Fault::None;
        }
        wanted
    };
    match wanted {
        Fault::Unauthorized => {
            let head = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\n";
            let end = "Content-Length: 0\r\nConnection: close\r\n\r\n";
            return writer.write_all(format!("{head}{end}").as_bytes());
        }
        Fault::CutBefore if sent => return Ok(()),
        Fault::None | Fault::CutBefore | Fault::CutAfter => {}
    }
    let mut command = Command::new("git");
    command.arg("http-backend").env_clear().envs(environment(root));
    command.env("GIT_PROJECT_ROOT", root).env("GIT_HTTP_EXPORT_ALL", "1");
    command.env("REQUEST_METHOD", method).env("PATH_INFO", path).env("QUERY_STRING", query);
    command.env("CONTENT_TYPE", header("content-type")).env("REMOTE_USER", "robot");
    command.env("CONTENT_LENGTH", body.len().to_string());
    command.env("HTTP_CONTENT_ENCODING", header("content-encoding"));
    command.env("GIT_PROTOCOL", header("git-protocol"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().unwrap();
    std::thread::spawn(move || stdin.write_all(&body).ok());
    let answer = child.wait_with_output()?.stdout;
    if wanted == Fault::CutAfter && sent {
        return Ok(());
    }
    let at = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..at]).into_owned();
    let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    let length = answer.len() - at - 4;
    let start = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n");
    writer.write_all(start.as_bytes())?;
    writer.write_all(&answer)
}
