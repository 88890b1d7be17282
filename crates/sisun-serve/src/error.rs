//! Errors of the server, and requests that it refuses.

use std::io;

/// An error of starting a server.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another program listens on the port.
    #[error("port {port} is in use by another program")]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// The system does not let this user listen on the port.
    #[error("this user may not listen on port {port}")]
    PortForbidden {
        /// The port.
        port: u16,
    },
    /// Anything else that the system refuses.
    #[error("cannot listen on 127.0.0.1: {0}")]
    Listen(#[source] io::Error),
    /// The system has no random numbers.
    #[error("the system gives no random numbers for the address: {0}")]
    Random(String),
}

/// A request that is refused: the status, and a sentence for the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Status code of HTTP.
    pub status: u16,
    /// The reason, as plain text.
    pub reason: String,
}

impl Refusal {
    /// Refuse with a status and a reason.
    pub fn new(status: u16, reason: impl Into<String>) -> Self {
        Self {
            status,
            reason: reason.into(),
        }
    }

    /// Return the name of the status.
    pub(crate) fn phrase(status: u16) -> &'static str {
        match status {
            200 => "OK",
            204 => "No Content",
            400 => "Bad Request",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            408 => "Request Timeout",
            411 => "Length Required",
            413 => "Content Too Large",
            431 => "Request Header Fields Too Large",
            501 => "Not Implemented",
            503 => "Service Unavailable",
            505 => "HTTP Version Not Supported",
            _ => "Error",
        }
    }
}
