//! The proxy before a trivial server, which writes down what reached it.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::*;
use crate::support::http::{Answer, answer};

/// A server that answers each request with its method, target and body.
struct Echo {
    listening: Listening,
    reached: Arc<Mutex<Vec<String>>>,
}

impl Echo {
    fn new() -> Self {
        let reached = Arc::<Mutex<Vec<String>>>::default();
        let wrote = Arc::clone(&reached);
        let listening = Port::free().open(move |guest| {
            let mut client = Connection::over(&guest.stream).unwrap();
            while let Ok(Some(request)) = client.request() {
                let body = String::from_utf8(request.body.clone()).unwrap();
                let said = format!("{} {} {body}", request.method(), request.target());
                wrote.lock().unwrap().push(said.clone());
                let sent = match request.target() {
                    "/chunks" => {
                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n2\r\nde\r\n\
                         0\r\nafter: it\r\n\r\n"
                            .as_bytes()
                            .to_vec()
                    }
                    "/close" => b"HTTP/1.1 200 OK\r\n\r\nup to the end".to_vec(),
                    _ => answer("200 OK", "", said.as_bytes()),
                };
                client.send(&sent).unwrap();
                if request.target() == "/close" {
                    return;
                }
            }
        });
        Self { listening, reached }
    }

    fn proxy(&self) -> Proxy {
        Proxy::before(self.listening.address())
    }

    fn reached(&self) -> Vec<String> {
        std::mem::take(&mut self.reached.lock().unwrap())
    }
}

struct Client {
    connection: Connection,
    stream: TcpStream,
}

impl Client {
    fn of(proxy: &Proxy) -> io::Result<Self> {
        let stream = TcpStream::connect(proxy.address())?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(Self { connection: Connection::over(&stream)?, stream })
    }

    fn send(&mut self, method: &str, target: &str, body: &str) -> io::Result<()> {
        let length = body.len();
        let text = format!("{method} {target} HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}");
        self.connection.send(text.as_bytes())
    }

    fn ask(&mut self, method: &str, target: &str, body: &str) -> io::Result<Answer> {
        self.send(method, target, body)?;
        self.connection.answer(method, &mut |_| Ok(()))
    }
}

fn put(proxy: &Proxy) -> io::Result<Answer> {
    Client::of(proxy)?.ask("PUT", "/a?b", "some text")
}

const PUT: &str = "PUT /a?b some text";

#[track_caller]
fn lost(answer: io::Result<Answer>) {
    assert!(answer.is_err(), "{answer:?}");
}

#[test]
fn requests_of_one_connection_are_forwarded_and_written_down() {
    let echo = Echo::new();
    let proxy = echo.proxy();
    let mut client = Client::of(&proxy).unwrap();
    for (method, target, body) in [("GET", "/", ""), ("PUT", "/a?b", "x"), ("POST", "/c", "yy")] {
        let answer = client.ask(method, target, body).unwrap();
        assert_eq!(answer.body, format!("{method} {target} {body}").as_bytes());
        assert_eq!((answer.status, answer.last), (200, false));
    }
    let seen: Vec<_> = proxy.take_seen().into_iter().map(|seen| seen.target).collect();
    assert_eq!(seen, ["/", "/a?b", "/c"]);
    assert!(proxy.take_seen().is_empty());
}

#[test]
fn every_framing_of_bodies_passes() {
    let echo = Echo::new();
    let proxy = echo.proxy();
    let mut client = Client::of(&proxy).unwrap();
    assert_eq!(client.ask("GET", "/chunks", "").unwrap().body, b"abcde");
    let chunked = "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n\
                   4\r\nsome\r\n5\r\n text\r\n0\r\n\r\n";
    client.connection.send(chunked.as_bytes()).unwrap();
    let answer = client.connection.answer("POST", &mut |_| Ok(())).unwrap();
    assert_eq!(answer.body, b"POST /x some text");
    assert!(answer.bytes.starts_with(b"HTTP/1.1 100 Continue"));
    let answer = client.ask("GET", "/close", "").unwrap();
    assert_eq!((answer.body.as_slice(), answer.last), (b"up to the end".as_slice(), true));
}

#[test]
fn a_refused_connection_reaches_nobody_until_it_is_healed() {
    let echo = Echo::new();
    let proxy = echo.proxy();
    let mut before = Client::of(&proxy).unwrap();
    before.ask("GET", "/", "").unwrap();
    proxy.refuse();
    proxy.refuse();
    lost(before.ask("GET", "/", ""));
    let refused = put(&proxy).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    proxy.heal();
    put(&proxy).unwrap();
    assert_eq!(echo.reached(), ["GET / ", PUT]);
}

#[test]
fn what_lands_and_what_comes_back_is_as_the_fault_says() {
    let echo = Echo::new();
    let proxy = echo.proxy();
    let table = [
        (Fault::CutHead, false, None),
        (Fault::CutBody, false, None),
        (Fault::CutAfter, true, None),
        (Fault::CutWithin, true, None),
        (Fault::Answer(503), false, Some(503)),
        (Fault::Answer(429), false, Some(429)),
        (Fault::Delay(Duration::from_millis(50)), true, Some(200)),
        (Fault::Hold(Duration::from_millis(50)), true, Some(200)),
    ];
    for (fault, lands, status) in table {
        proxy.add(Rule::each(fault).times(1));
        let begun = Instant::now();
        let answer = put(&proxy);
        assert_eq!(answer.as_ref().ok().map(|answer| answer.status), status, "{fault:?}");
        if let Fault::Delay(time) | Fault::Hold(time) = fault {
            assert!(begun.elapsed() >= time);
        }
        let reached: &[&str] = if lands { &[PUT] } else { &[] };
        assert_eq!(echo.reached(), reached, "{fault:?}");
        assert_eq!(put(&proxy).unwrap().status, 200, "{fault:?}");
        let faults: Vec<_> = proxy.take_seen().into_iter().map(|seen| seen.fault).collect();
        assert_eq!(faults, [Some(fault), None]);
        assert_eq!(echo.reached(), [PUT]);
    }
    for (method, fault) in [("GET", Fault::CutBody), ("HEAD", Fault::CutAfter)] {
        proxy.add(Rule::each(fault).times(1));
        lost(Client::of(&proxy).unwrap().ask(method, "/", ""));
        assert_eq!(echo.reached().len(), usize::from(method == "HEAD"), "without a body");
    }
}

#[test]
fn a_stalled_request_is_answered_by_nothing_while_its_client_waits() {
    let echo = Echo::new();
    let proxy = echo.proxy();
    for (fault, lands) in [(Fault::Stall, 0), (Fault::StallAfter, 1)] {
        proxy.add(Rule::each(fault));
        let mut client = Client::of(&proxy).unwrap();
        client.stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let waited = client.ask("PUT", "/a", "").unwrap_err();
        assert_eq!(waited.kind(), io::ErrorKind::WouldBlock, "{fault:?}");
        let reached = (0..1000).find_map(|_| {
            let reached = echo.reached().len();
            if reached < lands {
                std::thread::sleep(Duration::from_millis(5));
            }
            (reached >= lands).then_some(reached)
        });
        assert_eq!(reached, Some(lands), "{fault:?}");
        proxy.heal();
        put(&proxy).unwrap();
        assert_eq!(echo.reached(), [PUT]);
    }
    // Whoever waits is sent away when the proxy goes.
    proxy.add(Rule::each(Fault::Stall));
    let mut client = Client::of(&proxy).unwrap();
    client.send("GET", "/", "").unwrap();
    while proxy.take_seen().last().is_none_or(|seen| seen.fault != Some(Fault::Stall)) {
        std::thread::sleep(Duration::from_millis(2));
    }
    drop(proxy);
    let left = client.connection.answer("GET", &mut |_| Ok(())).unwrap_err();
    assert_ne!(left.kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn a_request_that_is_held_lands_though_its_client_has_left() {
    let echo = Echo::new();
    let proxy = echo.proxy();
    proxy.add(Rule::each(Fault::Hold(Duration::from_secs(1))).times(1));
    Client::of(&proxy).unwrap().send("PUT", "/late", "").unwrap();
    while proxy.take_seen().is_empty() {
        std::thread::sleep(Duration::from_millis(2));
    }
    put(&proxy).unwrap();
    assert_eq!(echo.reached(), [PUT]);
    let late = (0..1000).any(|_| {
        std::thread::sleep(Duration::from_millis(2));
        echo.reached() == ["PUT /late "]
    });
    assert!(late);
}

#[test]
fn a_request_at_the_gate_waits_for_the_test() {
    let echo = Echo::new();
    let proxy = echo.proxy();
    for lands in [true, false] {
        proxy.add(Rule::each(Fault::Gate).times(1));
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| put(&proxy));
            proxy.held(1);
            assert_eq!(echo.reached().len(), 0);
            if lands {
                proxy.forward_held()
            } else {
                proxy.cut_held()
            }
            assert_eq!(waits.join().unwrap().is_ok(), lands);
        });
        let reached: &[&str] = if lands { &[PUT] } else { &[] };
        assert_eq!(echo.reached(), reached);
    }
    // Nobody waits for a proxy that goes.
    proxy.add(Rule::each(Fault::Gate));
    let mut client = Client::of(&proxy).unwrap();
    client.send("GET", "/", "").unwrap();
    proxy.held(1);
    drop(proxy);
    assert!(client.connection.answer("GET", &mut |_| Ok(())).is_err());
}

#[test]
fn a_rule_meets_the_requests_that_it_names() {
    let echo = Echo::new();
    let proxy = echo.proxy();
    let mut client = Client::of(&proxy).unwrap();
    proxy.add(Rule::each(Fault::Answer(503)).on(("PUT", "plan/")).from(2).times(2));
    let mut status = |method, target| client.ask(method, target, "").unwrap().status;
    let table = [
        ("PUT", "/plan/a", 200),
        ("GET", "/plan/a", 200),
        ("PUT", "/lock/a", 200),
        ("PUT", "/plan/a", 503),
        ("PUT", "/plan/b", 503),
        ("PUT", "/plan/b", 200),
    ];
    for (method, target, wanted) in table {
        assert_eq!(status(method, target), wanted, "{method} {target}");
    }
    proxy.heal();
    proxy.add(Rule::each(Fault::Answer(503)).once_for_each());
    let table = [("/a", 503), ("/b", 503), ("/a", 200), ("/b", 200), ("/c", 503)];
    for (target, wanted) in table {
        assert_eq!(status("GET", target), wanted, "{target}");
    }
    proxy.heal();
    proxy.add(Rule::each(Fault::Answer(500)).on(("GET", "")).times(1));
    proxy.add(Rule::each(Fault::Answer(503)).behind(("PUT", "")));
    let table = [("GET", 500), ("GET", 200), ("PUT", 200), ("GET", 503), ("PUT", 503)];
    for (method, wanted) in table {
        assert_eq!(status(method, "/"), wanted, "{method}");
    }
}
