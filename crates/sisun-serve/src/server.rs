//! The server: a thread that accepts connections, and one for each connection.

use crate::error::{Refusal, ServeError};
use crate::guard::Guard;
use crate::reply::Reply;
use crate::request::Request;
use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Most connections at a time.
const CONNECTIONS: usize = 64;
/// Time that a client has to send a request, and to take each part of an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The answers of a server.
pub trait Site: Send + Sync + 'static {
    /// Answer a request, whose path is what follows the token. Requests of several connections are
    /// answered at the same time.
    ///
    /// # Errors
    /// If the connection is broken or too slow; nothing more can be sent then.
    fn answer(&self, request: &Request, reply: Reply<'_>) -> std::io::Result<()>;
}

/// A server on 127.0.0.1.
#[derive(Debug)]
pub struct Server {
    guard: Arc<Guard>,
    listener: TcpListener,
    open: Arc<AtomicUsize>,
}

impl Server {
    /// Listen on a port; on any free one if it is 0.
    ///
    /// # Errors
    /// If the port is in use or may not be used.
    pub fn bind(port: u16) -> Result<Self, ServeError> {
        let listen = |error: std::io::Error| match error.kind() {
            ErrorKind::AddrInUse => ServeError::PortInUse { port },
            ErrorKind::PermissionDenied => ServeError::PortForbidden { port },
            _ => ServeError::Listen(error),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(listen)?;
        let port = listener.local_addr().map_err(ServeError::Listen)?.port();
        Ok(Self {
            guard: Arc::new(Guard::new(port)?),
            listener,
            open: Arc::default(),
        })
    }

    /// Return the address to open, with its token and a `/` at the end.
    pub fn address(&self) -> String {
        self.guard.address()
    }

    /// Answer requests, on threads of their own, until the process ends.
    ///
    /// # Errors
    /// If the system starts no thread.
    pub fn start(&self, site: Arc<dyn Site>) -> Result<(), ServeError> {
        let listener = self.listener.try_clone().map_err(ServeError::Listen)?;
        let (guard, open) = (Arc::clone(&self.guard), Arc::clone(&self.open));
        let accepts = std::thread::Builder::new().name("accept".to_owned());
        let accept = move || {
            loop {
                match listener.accept() {
                    Ok((stream, _)) => admit(stream, &guard, &site, &open),
                    // Too many open files, for instance: some will be closed.
                    Err(_) => std::thread::sleep(Duration::from_millis(50)),
                }
            }
        };
        accepts.spawn(accept).map_err(ServeError::Listen)?;
        Ok(())
    }

    /// Wait until every answer that has begun is sent, or the time is over.
    pub fn drain(&self, patience: Duration) {
        let until = Instant::now() + patience;
        while self.open.load(Ordering::Acquire) > 0 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Counts a connection for as long as it is open.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

/// Give a connection a thread, if there are not too many.
fn admit(mut stream: TcpStream, guard: &Arc<Guard>, site: &Arc<dyn Site>, open: &Arc<AtomicUsize>) {
    let before = open.fetch_add(1, Ordering::Acquire);
    let counted = Open(Arc::clone(open));
    // Parts of an answer are whole: none waits for more.
    let set = stream
        .set_write_timeout(Some(PATIENCE))
        .and_then(|()| stream.set_nodelay(true));
    if set.is_err() {
        return;
    }
    if before >= CONNECTIONS {
        let busy = Refusal::new(503, "there are too many connections");
        // The client learns it, or finds the connection closed.
        let _ = Reply::new(&mut stream).refuse(&busy);
        return;
    }
    let (guard, site) = (Arc::clone(guard), Arc::clone(site));
    let thread = std::thread::Builder::new().name("connection".to_owned());
    // Without a thread the connection is closed.
    let _ = thread.spawn(move || {
        let _counted = counted;
        // A client that has gone needs no answer.
        let _ = serve(&mut stream, &guard, &*site);
        close(&mut stream);
    });
}

/// Answer the request of a connection.
fn serve(stream: &mut TcpStream, guard: &Guard, site: &dyn Site) -> std::io::Result<()> {
    let request = match Request::read(stream, PATIENCE) {
        Ok(Some(request)) => request,
        Ok(None) => return Ok(()),
        Err(refusal) => return Reply::new(stream).refuse(&refusal),
    };
    // Browsers ask for it by themselves, without the token.
    if request.path == "/favicon.ico" {
        return Reply::new(stream).nothing();
    }
    let path = match guard.check(&request) {
        Ok(path) => path.to_owned(),
        Err(refusal) => return Reply::new(stream).refuse(&refusal),
    };
    site.answer(&Request { path, ..request }, Reply::new(stream))
}

/// Close a connection so that the client can read all of the answer: unread bytes of its request
/// would otherwise reset it.
fn close(stream: &mut TcpStream) {
    const MOST: usize = 1 << 20;
    let ended = stream
        .shutdown(Shutdown::Write)
        .and_then(|()| stream.set_read_timeout(Some(Duration::from_millis(200))));
    let mut part = [0; 4096];
    let mut read = 0;
    while ended.is_ok() && read < MOST {
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return,
            Ok(count) => read += count,
        }
    }
}
