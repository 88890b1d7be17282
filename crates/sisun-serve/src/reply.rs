//! Answering a request.

use crate::error::Refusal;
use std::io::{self, Write};
use std::net::TcpStream;

/// Headers of every answer: nothing is stored, embedded, or told to other pages.
const ALWAYS: &str = "Cache-Control: no-store\r\n\
    X-Content-Type-Options: nosniff\r\n\
    Referrer-Policy: no-referrer\r\n\
    X-Frame-Options: DENY\r\n\
    Content-Security-Policy: frame-ancestors 'none'\r\n\
    Cross-Origin-Opener-Policy: same-origin\r\n\
    Cross-Origin-Resource-Policy: same-origin\r\n\
    Connection: close\r\n";

/// The answer to one request; each method sends a whole answer or begins one.
#[derive(Debug)]
pub struct Reply<'a> {
    stream: &'a mut TcpStream,
}

impl<'a> Reply<'a> {
    pub(crate) fn new(stream: &'a mut TcpStream) -> Self {
        Self { stream }
    }

    /// Send a page.
    ///
    /// # Errors
    /// If the connection is broken or too slow.
    pub fn html(self, page: &str) -> io::Result<()> {
        self.whole(200, "text/html; charset=utf-8", page.as_bytes())
    }

    /// Send nothing: there is nothing to tell.
    ///
    /// # Errors
    /// As [`Reply::html`].
    pub fn nothing(self) -> io::Result<()> {
        self.whole(204, "text/plain; charset=utf-8", b"")
    }

    /// Refuse the request.
    ///
    /// # Errors
    /// As [`Reply::html`].
    pub fn refuse(self, refusal: &Refusal) -> io::Result<()> {
        let reason = format!("{}\n", refusal.reason);
        self.whole(
            refusal.status,
            "text/plain; charset=utf-8",
            reason.as_bytes(),
        )
    }

    /// Begin an answer whose parts follow as they are ready.
    ///
    /// # Errors
    /// As [`Reply::html`].
    pub fn stream(self, kind: &str) -> io::Result<Parts<'a>> {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n{ALWAYS}\r\n"
        );
        self.stream.write_all(head.as_bytes())?;
        Ok(Parts {
            stream: self.stream,
        })
    }

    fn whole(self, status: u16, kind: &str, body: &[u8]) -> io::Result<()> {
        let length = match status {
            204 => String::new(),
            _ => format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len()),
        };
        let phrase = Refusal::phrase(status);
        let head = format!("HTTP/1.1 {status} {phrase}\r\n{length}{ALWAYS}\r\n");
        self.stream.write_all(head.as_bytes())?;
        self.stream.write_all(body)
    }
}

/// An answer in parts (chunks of HTTP/1.1).
#[derive(Debug)]
pub struct Parts<'a> {
    stream: &'a mut TcpStream,
}

impl Parts<'_> {
    /// Send a part. An empty one is left out, as it would end the answer.
    ///
    /// # Errors
    /// If the connection is broken or too slow.
    pub fn send(&mut self, part: &[u8]) -> io::Result<()> {
        if part.is_empty() {
            return Ok(());
        }
        let mut chunk = format!("{:x}\r\n", part.len()).into_bytes();
        chunk.extend_from_slice(part);
        chunk.extend_from_slice(b"\r\n");
        self.stream.write_all(&chunk)
    }

    /// End the answer; without it a client knows that parts are missing.
    ///
    /// # Errors
    /// If the connection is broken or too slow.
    pub fn end(self) -> io::Result<()> {
        self.stream.write_all(b"0\r\n\r\n")
    }
}
