//! HTTP/1.1 as far as the servers of the tests speak it: a message is its first line, its fields and
//! its body, read to the end that its framing names, so that a connection can serve several.

use std::fmt::{self, Write as _};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// Longest line of a head, in bytes.
const MAX_LINE: u64 = 64 << 10;

/// First line and fields of a message.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    first: String,
    fields: Vec<(String, String)>,
}

impl Head {
    fn read(from: &mut impl BufRead) -> io::Result<Option<Self>> {
        let Some(first) = line(from)? else {
            return Ok(None);
        };
        let mut fields = Vec::new();
        loop {
            let field = line(from)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            if field.is_empty() {
                return Ok(Some(Self { first, fields }));
            }
            let (name, value) = field.split_once(':').ok_or(io::ErrorKind::InvalidData)?;
            fields.push((name.to_owned(), value.trim().to_owned()));
        }
    }

    /// The value of a field, whatever the case of its name.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let same = |(found, _): &&(String, String)| found.eq_ignore_ascii_case(name);
        self.fields.iter().find(same).map(|(_, value)| value.as_str())
    }

    /// Word number `at` of the first line, from 0.
    fn word(&self, at: usize) -> &str {
        self.first.split(' ').nth(at).unwrap_or_default()
    }

    /// As it is sent on, without the fields that were dealt with here.
    fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.first);
        for (name, value) in &self.fields {
            if !name.eq_ignore_ascii_case("expect") {
                write!(text, "{name}: {value}\r\n").unwrap();
            }
        }
        text.push_str("\r\n");
        text.into_bytes()
    }

    fn framing(&self, otherwise: Framing) -> io::Result<Framing> {
        let chunked = self.field("transfer-encoding").is_some_and(|coding| coding != "identity");
        match self.field("content-length") {
            _ if chunked => Ok(Framing::Chunks),
            Some(length) => {
                length.parse().map(Framing::Length).map_err(|_| io::ErrorKind::InvalidData.into())
            }
            None => Ok(otherwise),
        }
    }
}

/// Where a body ends.
#[derive(Clone, Copy, Debug)]
enum Framing {
    Length(u64),
    Chunks,
    Close,
}

/// A whole request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Its first line and fields.
    pub(crate) head: Head,
    /// What it carries, out of its chunks.
    pub(crate) body: Vec<u8>,
    /// The body as it came.
    framed: Vec<u8>,
}

impl Request {
    /// `GET`, `POST`, ...
    pub(crate) fn method(&self) -> &str {
        self.head.word(0)
    }

    /// Path and query.
    pub(crate) fn target(&self) -> &str {
        self.head.word(1)
    }

    /// Everything, as it is sent on.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        [self.head.bytes(), self.framed.clone()].concat()
    }
}

/// The status of an answer, and all of its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Such as 200.
    pub(crate) status: u16,
    /// Its first line and fields.
    pub(crate) head: Head,
    /// What it carries.
    pub(crate) body: Vec<u8>,
    /// All of it as it came.
    pub(crate) bytes: Vec<u8>,
    /// Whether its end is the end of the connection.
    pub(crate) last: bool,
}

/// What bytes come from and go to: a socket, or TLS over one.
pub(crate) trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

/// One side of a connection.
pub(crate) struct Connection {
    from: BufReader<Box<dyn Stream>>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Connection {
    pub(crate) fn over(stream: &TcpStream) -> io::Result<Self> {
        Ok(Self::through(stream.try_clone()?))
    }

    pub(crate) fn through(stream: impl Stream + 'static) -> Self {
        Self { from: BufReader::new(Box::new(stream)) }
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.from.get_mut().write_all(bytes)?;
        self.from.get_mut().flush()
    }

    /// The next request, which is asked for its body if its sender waits for that; `None` when
    /// there are no more.
    pub(crate) fn request(&mut self) -> io::Result<Option<Request>> {
        let Some(head) = Head::read(&mut self.from)? else {
            return Ok(None);
        };
        if head.field("expect").is_some() {
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let framing = head.framing(Framing::Length(0))?;
        let (body, framed) = self.body(framing, &mut |_| Ok(()))?;
        Ok(Some(Request { head, body, framed }))
    }

    /// The answer to a request; its bytes are also handed on as they come.
    pub(crate) fn answer(
        &mut self,
        method: &str,
        on: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<Answer> {
        let mut bytes = Vec::new();
        loop {
            let head = Head::read(&mut self.from)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            on(&head.bytes())?;
            bytes.extend(head.bytes());
            let status = head.word(1).parse().map_err(|_| io::ErrorKind::InvalidData)?;
            if status < 200 {
                continue;
            }
            let empty = method == "HEAD" || status == 204 || status == 304;
            let framing = if empty { Framing::Length(0) } else { head.framing(Framing::Close)? };
            let (body, framed) = self.body(framing, on)?;
            bytes.extend(framed);
            let closes = head.field("connection").is_some_and(|value| value == "close");
            let last = closes || matches!(framing, Framing::Close);
            return Ok(Answer { status, head, body, bytes, last });
        }
    }

    /// Waits until the other side has left.
    pub(crate) fn wait_for_the_end(&mut self) {
        // An error is an end, too.
        drop(io::copy(&mut self.from, &mut io::sink()));
    }

    fn body(
        &mut self,
        framing: Framing,
        on: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<(Vec<u8>, Vec<u8>)> {
        let mut body = Vec::new();
        match framing {
            Framing::Length(length) => {
                self.piece(length, &mut body, on)?;
                Ok((body.clone(), body))
            }
            Framing::Close => {
                while self.piece_at_hand(u64::MAX, &mut body, on)? > 0 {}
                Ok((body.clone(), body))
            }
            Framing::Chunks => {
                let mut framed = Vec::new();
                loop {
                    let start = line(&mut self.from)?.ok_or(io::ErrorKind::UnexpectedEof)?;
                    let digits = start.split(';').next().unwrap_or_default().trim();
                    let length = u64::from_str_radix(digits, 16)
                        .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
                    let size = format!("{start}\r\n");
                    on(size.as_bytes())?;
                    framed.extend(size.as_bytes());
                    let before = body.len();
                    self.piece(length, &mut body, on)?;
                    framed.extend(&body[before..]);
                    // The line feed behind a chunk; behind the last one fields may stand first.
                    loop {
                        let after = line(&mut self.from)?.ok_or(io::ErrorKind::UnexpectedEof)?;
                        let after = format!("{after}\r\n");
                        on(after.as_bytes())?;
                        framed.extend(after.as_bytes());
                        if after == "\r\n" {
                            break;
                        }
                    }
                    if length == 0 {
                        return Ok((body, framed));
                    }
                }
            }
        }
    }

    fn piece(
        &mut self,
        length: u64,
        to: &mut Vec<u8>,
        on: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut left = length;
        while left > 0 {
            match self.piece_at_hand(left, to, on)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => left -= read,
            }
        }
        Ok(())
    }

    fn piece_at_hand(
        &mut self,
        most: u64,
        to: &mut Vec<u8>,
        on: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<u64> {
        let here = self.from.fill_buf()?;
        let here = &here[..here.len().min(usize::try_from(most).unwrap_or(usize::MAX))];
        on(here)?;
        to.extend(here);
        let read = here.len();
        self.from.consume(read);
        Ok(read as u64)
    }
}

/// A line without its end; `None` where the connection ended before it.
fn line(from: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    from.take(MAX_LINE).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    String::from_utf8(bytes).map(Some).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// The bytes of an answer with a body of a known length; `fields` are whole lines.
pub(crate) fn answer(status: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{fields}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}
