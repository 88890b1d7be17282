//! Reading a request: strict, and bounded in size and time.

use crate::error::Refusal;
use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Most bytes of a request line with its headers.
const HEAD_BYTES: usize = 16 << 10;
/// Most headers.
const HEADERS: usize = 64;
/// Most bytes of a body.
pub(crate) const BODY_BYTES: usize = 256 << 10;

/// The methods that the server knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path as it was sent, from its `/` on; after [`Server`](crate::Server) has checked the
    /// token, the part behind the token's slash.
    pub path: String,
    /// The body; empty for GET.
    pub body: Vec<u8>,
    pub(crate) headers: Vec<(String, String)>,
}

impl Request {
    /// Return the value of a header that occurs once; `None` if it is absent.
    ///
    /// # Errors
    /// If it occurs several times.
    pub fn header(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let mut found = self
            .headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str());
        let first = found.next();
        match found.next() {
            None => Ok(first),
            Some(_) => Err(Refusal::new(400, format!("{name} occurs several times"))),
        }
    }

    /// Read a request from a connection; all of it must have come after `patience`.
    ///
    /// # Errors
    /// If it is malformed, too large or too slow. `Ok(None)` if the client sent nothing.
    pub(crate) fn read(
        stream: &mut TcpStream,
        patience: Duration,
    ) -> Result<Option<Self>, Refusal> {
        let until = Instant::now() + patience;
        let mut bytes = Vec::new();
        let (mut request, body_at) = loop {
            if let Some(found) = parse(&bytes)? {
                break found;
            }
            if bytes.len() >= HEAD_BYTES {
                return Err(Refusal::new(431, "the headers are too long"));
            }
            let room = HEAD_BYTES - bytes.len();
            if receive(stream, &mut bytes, room, until)? == 0 {
                return match bytes.is_empty() {
                    true => Ok(None),
                    false => Err(Refusal::new(400, "the request ends early")),
                };
            }
        };
        let length = request.body_length()?;
        let mut body = bytes.split_off(body_at);
        if body.len() > length {
            return Err(Refusal::new(400, "the body is longer than it states"));
        }
        while body.len() < length {
            let room = length - body.len();
            if receive(stream, &mut body, room, until)? == 0 {
                return Err(Refusal::new(400, "the body ends early"));
            }
        }
        request.body = body;
        Ok(Some(request))
    }

    /// Return the number of bytes of the body.
    fn body_length(&self) -> Result<usize, Refusal> {
        if self.header("Transfer-Encoding")?.is_some() {
            return Err(Refusal::new(501, "Transfer-Encoding is not supported"));
        }
        let Some(stated) = self.header("Content-Length")? else {
            return match self.method {
                Method::Get => Ok(0),
                Method::Post => Err(Refusal::new(411, "Content-Length is missing")),
            };
        };
        // Digits alone: `parse` would take a sign.
        let digits = !stated.is_empty() && stated.bytes().all(|byte| byte.is_ascii_digit());
        let length = match stated.parse::<usize>() {
            Ok(length) if digits => length,
            _ if digits => usize::MAX,
            _ => return Err(Refusal::new(400, "Content-Length is not a number")),
        };
        if length > BODY_BYTES {
            let reason = format!("the body is longer than {BODY_BYTES} bytes");
            return Err(Refusal::new(413, reason));
        }
        if self.method == Method::Get && length > 0 {
            return Err(Refusal::new(400, "GET has no body"));
        }
        Ok(length)
    }
}

/// Read up to `room` bytes; 0 if the client has ended.
fn receive(
    stream: &mut TcpStream,
    bytes: &mut Vec<u8>,
    room: usize,
    until: Instant,
) -> Result<usize, Refusal> {
    let slow = || Refusal::new(408, "the request did not come in time");
    let mut part = [0; 4096];
    let room = room.min(part.len());
    loop {
        let left = until.saturating_duration_since(Instant::now());
        // A timeout of zero would mean none.
        if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
            return Err(slow());
        }
        match stream.read(&mut part[..room]) {
            Ok(count) => {
                bytes.extend_from_slice(&part[..count]);
                return Ok(count);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(slow());
            }
            Err(_) => return Err(Refusal::new(400, "the connection broke")),
        }
    }
}

/// Parse the head, once it is complete; return the position of the body too.
fn parse(bytes: &[u8]) -> Result<Option<(Request, usize)>, Refusal> {
    let bad = |reason: &str| Refusal::new(400, reason);
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let body_at = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(body_at)) => body_at,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Refusal::new(431, "there are too many headers"));
        }
        Err(httparse::Error::Version) => {
            return Err(Refusal::new(505, "the version of HTTP is not supported"));
        }
        Err(_) => return Err(bad("the request is malformed")),
    };
    let method = match parsed.method {
        Some("GET") => Method::Get,
        Some("POST") => Method::Post,
        _ => return Err(Refusal::new(405, "only GET and POST are supported")),
    };
    let path = parsed.path.unwrap_or_default();
    if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(bad("the path is malformed"));
    }
    let mut kept = Vec::new();
    for header in parsed.headers.iter() {
        let value = std::str::from_utf8(header.value)
            .map_err(|_| bad("a header is not UTF-8"))?
            .trim();
        kept.push((header.name.to_owned(), value.to_owned()));
    }
    let request = Request {
        method,
        path: path.to_owned(),
        body: Vec::new(),
        headers: kept,
    };
    Ok(Some((request, body_at)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

    /// Read what a client sends, which then ends its side.
    fn read(sent: &[u8]) -> Result<Option<Request>, Refusal> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut served, _) = listener.accept().unwrap();
        let sent = sent.to_vec();
        let writer = std::thread::spawn(move || {
            // The server may have closed by then.
            let _ = client.write_all(&sent);
            let _ = client.shutdown(std::net::Shutdown::Write);
            client
        });
        let read = Request::read(&mut served, Duration::from_secs(10));
        drop(served);
        writer.join().unwrap();
        read
    }

    fn status(sent: &[u8]) -> u16 {
        read(sent).unwrap_err().status
    }

    #[test]
    fn requests_are_read() {
        let get = read(b"GET /a/b?c HTTP/1.1\r\nHost: h\r\n\r\n")
            .unwrap()
            .unwrap();
        assert_eq!((get.method, get.path.as_str()), (Method::Get, "/a/b?c"));
        assert_eq!(get.header("host").unwrap(), Some("h"));
        assert_eq!(get.header("origin").unwrap(), None);
        let post = read(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");
        assert_eq!(post.unwrap().unwrap().body, b"abc");
        assert!(read(b"").unwrap().is_none());
    }

    #[test]
    fn malformed_requests_are_refused() {
        for bad in [
            &b"\0\x01\x02\r\n\r\n"[..],
            b"GET\r\n\r\n",
            b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
            b"GET http://127.0.0.1/ HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nA: \xff\xfe\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a",
            b"GET / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx",
            b"POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\nx",
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
            b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nx",
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nxy",
        ] {
            assert_eq!(status(bad), 400, "{}", String::from_utf8_lossy(bad));
        }
        assert_eq!(status(b"PUT / HTTP/1.1\r\n\r\n"), 405);
        assert_eq!(status(b"GET / HTTP/3.0\r\n\r\n"), 505);
        assert_eq!(status(b"POST / HTTP/1.1\r\n\r\n"), 411);
        let chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        assert_eq!(status(chunked), 501);
    }

    #[test]
    fn sizes_are_bounded() {
        let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(HEAD_BYTES));
        assert_eq!(status(long.as_bytes()), 431);
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(HEADERS + 1));
        assert_eq!(status(many.as_bytes()), 431);
        for length in ["262145", "99999999999999999999999999"] {
            let large = format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n");
            assert_eq!(status(large.as_bytes()), 413);
        }
    }

    #[test]
    fn a_client_has_a_limited_time() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(b"GET / HT").unwrap();
        let (mut served, _) = listener.accept().unwrap();
        let began = Instant::now();
        let refused = Request::read(&mut served, Duration::from_millis(50)).unwrap_err();
        assert_eq!(refused.status, 408);
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}
