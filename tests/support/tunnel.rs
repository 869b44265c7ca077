//! An HTTP proxy that lets connections through (CONNECT), for whom it knows.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::listen::{Guest, Listening, Port};

/// The proxy.
#[derive(Debug)]
pub(crate) struct Tunnel {
    listening: Listening,
    refused: Arc<AtomicUsize>,
}

impl Tunnel {
    /// Lets everybody through, or only who says `Proxy-Authorization: AUTHORIZATION`.
    pub(crate) fn open(authorization: Option<&str>) -> Self {
        let refused = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&refused);
        let authorization = authorization.map(str::to_owned);
        let listening = Port::free().open(move |guest| {
            // Whoever hangs up in the middle was let through.
            if let Ok(false) = serve(guest, authorization.as_deref()) {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { listening, refused }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.listening.address()
    }

    /// Connections that were sent away so far.
    pub(crate) fn refused(&self) -> usize {
        self.refused.load(Ordering::SeqCst)
    }
}

/// Whether the guest was let through, at the end of the connection.
fn serve(mut guest: Guest, authorization: Option<&str>) -> io::Result<bool> {
    let mut reader = BufReader::new(guest.stream.try_clone()?);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(false);
        }
        match line.trim_end() {
            "" => break,
            text => head.push(text.to_owned()),
        }
    }
    let mut words = head[0].split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    assert_eq!(method, "CONNECT", "whatever goes through is TLS");
    let said = head.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("proxy-authorization").then_some(value)
    });
    if said != authorization {
        guest.stream.write_all(
            b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
        )?;
        return Ok(false);
    }
    let mut server = guest.connect(target.parse().map_err(io::Error::other)?)?;
    guest.stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let (mut back, mut forth) = (server.stream.try_clone()?, guest.stream.try_clone()?);
    let answers = std::thread::spawn(move || {
        let copied = io::copy(&mut back, &mut forth);
        drop(forth.shutdown(std::net::Shutdown::Both));
        copied
    });
    let asked = io::copy(&mut reader, &mut server.stream);
    drop(server);
    drop(answers.join());
    asked.map(|_| true)
}
