//! A small, strict HTTP/1.1 server for pages that this machine's own browser opens.
//!
//! It listens on 127.0.0.1 only. An address holds a random token, so that other users and other
//! programs of the machine cannot guess it; `Host` must name this server, so that a foreign domain
//! that resolves to 127.0.0.1 (DNS rebinding) reaches nothing; a request of another page (`Origin`,
//! `Sec-Fetch-Site`) is refused. Sizes and times are bounded, and each connection has a thread of its
//! own, so that a slow client delays no other. There are no files: paths are compared, not opened.

mod error;
mod events;
mod guard;
mod queue;
mod reply;
mod request;
mod server;

pub use error::{Refusal, ServeError};
pub use events::{Events, Limits};
pub use queue::Queue;
pub use reply::Reply;
pub use request::{Method, Request};
pub use server::{Server, Site};
