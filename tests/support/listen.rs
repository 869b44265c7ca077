//! A port of the loopback interface with a thread for each connection. When it is dropped nothing
//! of it runs any more.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket, sockopt};

/// Connections that wait to be taken.
const WAITING: i32 = 64;

/// A port that is taken, so that nobody else gets it, and that refuses every connection.
#[derive(Debug)]
pub(crate) struct Port {
    socket: OwnedFd,
    address: SocketAddr,
}

impl Port {
    /// Some free one.
    pub(crate) fn free() -> Self {
        Self::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    fn at(address: SocketAddr) -> Self {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        fcntl_setfd(&socket, FdFlags::CLOEXEC).unwrap();
        // Connections that just ended here hold the port for a while otherwise.
        sockopt::set_socket_reuseaddr(&socket, true).unwrap();
        // A process that is being started shares whoever listened here, until it runs its program.
        let bound = (0..1000).any(|_| match bind(&socket, &address) {
            Err(Errno::ADDRINUSE) => {
                std::thread::sleep(Duration::from_millis(2));
                false
            }
            other => other.map(|()| true).unwrap(),
        });
        assert!(bound, "{address} stays in use");
        let address = SocketAddr::try_from(getsockname(&socket).unwrap()).unwrap();
        Self { socket, address }
    }

    /// Takes connections from now on, and hands each to `serve` in a thread of its own.
    pub(crate) fn open(self, serve: impl Fn(Guest) + Send + Sync + 'static) -> Listening {
        listen(&self.socket, WAITING).unwrap();
        let listener = TcpListener::from(self.socket);
        let guests = Arc::new(Guests::default());
        let accepting = {
            let guests = Arc::clone(&guests);
            let serve = Arc::new(serve);
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    if guests.leave.load(Ordering::SeqCst) {
                        return;
                    }
                    let Ok(stream) = stream else { continue };
                    guests.welcome(stream, Arc::clone(&serve));
                }
            })
        };
        Listening { address: self.address, guests, accepting: Some(accepting) }
    }
}

/// A port that takes connections.
#[derive(Debug)]
pub(crate) struct Listening {
    address: SocketAddr,
    guests: Arc<Guests>,
    accepting: Option<JoinHandle<()>>,
}

impl Listening {
    /// Where.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Refuses from now on; connections that were taken are cut.
    pub(crate) fn close(self) -> Port {
        let address = self.address;
        drop(self);
        Port::at(address)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.guests.leave.store(true, Ordering::SeqCst);
        // The thread looks at the flag when somebody comes.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            accepting.join().unwrap();
        }
        for stream in self.guests.streams.lock().unwrap().drain(..) {
            // It may have ended by itself.
            drop(stream.shutdown(Shutdown::Both));
        }
        let threads: Vec<_> = self.guests.threads.lock().unwrap().drain(..).collect();
        for thread in threads {
            // A panic of it has been printed; the test sees its connection cut.
            drop(thread.join());
        }
    }
}

/// Who is connected, so that it can be sent away.
#[derive(Debug, Default)]
struct Guests {
    leave: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Guests {
    fn welcome(
        self: &Arc<Self>,
        stream: TcpStream,
        serve: Arc<impl Fn(Guest) + Send + Sync + 'static>,
    ) {
        self.know(&stream);
        let guest = Guest { stream, guests: Arc::clone(self) };
        let mut threads = self.threads.lock().unwrap();
        threads.retain(|thread| !thread.is_finished());
        threads.push(std::thread::spawn(move || serve(guest)));
    }

    fn know(&self, stream: &TcpStream) {
        // An answer of several writes would wait for the other side's acknowledgement.
        stream.set_nodelay(true).unwrap();
        let mut streams = self.streams.lock().unwrap();
        // Ended ones are let go, so that their descriptors are.
        streams.retain(|stream| stream.peer_addr().is_ok());
        streams.push(stream.try_clone().unwrap());
    }
}

/// One connection, which ends with this value.
#[derive(Debug)]
pub(crate) struct Guest {
    /// To the other side.
    pub(crate) stream: TcpStream,
    guests: Arc<Guests>,
}

impl Guest {
    /// Connects on behalf of the guest to somebody else; cut with it when everything stops.
    pub(crate) fn connect(&self, to: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(to)?;
        self.guests.know(&stream);
        let guest = Self { stream, guests: Arc::clone(&self.guests) };
        // Whoever sends all away may have looked before this one was known.
        let leave = self.guests.leave.load(Ordering::SeqCst);
        if leave { Err(io::ErrorKind::Interrupted.into()) } else { Ok(guest) }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // The clone that the list has would keep the connection open.
        drop(self.stream.shutdown(Shutdown::Both));
    }
}
