//! The addresses of `sisun live`.

use crate::watching::WatchSite;
use serde::Deserialize;
use sisun_serve::{Method, Queue, Refusal, Reply, Request, Site};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

/// A request to the model.
#[derive(Debug)]
pub(super) struct Job {
    /// The page's JSON.
    pub(super) request: Vec<u8>,
    /// Takes the frames of the answer; the answer ends when it is dropped.
    pub(super) to: Sender<Vec<u8>>,
}

/// The number of the page that asks, in its JSON.
#[derive(Deserialize)]
struct Asking {
    page: u64,
}

/// The page of a model with the requests to it, and the page of training.
pub(super) struct LiveSite {
    page: Option<String>,
    watch: Option<WatchSite>,
    jobs: Arc<Queue<Job>>,
}

impl LiveSite {
    pub(super) fn new(
        page: Option<String>,
        watch: Option<WatchSite>,
        jobs: Arc<Queue<Job>>,
    ) -> Self {
        Self { page, watch, jobs }
    }

    /// Have the model answer, and pass each frame on. A request that a newer one of its page
    /// replaces gets an answer without an end.
    fn ask(&self, request: &Request, reply: Reply<'_>) -> io::Result<()> {
        let asking: Asking = match serde_json::from_slice(&request.body) {
            Ok(asking) => asking,
            Err(error) => {
                let reason = format!("the request cannot be read: {error}");
                return reply.refuse(&Refusal::new(400, reason));
            }
        };
        let (to, frames) = channel();
        let job = Job {
            request: request.body.clone(),
            to,
        };
        drop(self.jobs.push(asking.page, job));
        let mut parts = reply.stream("application/octet-stream")?;
        for frame in frames {
            parts.send(&frame)?;
        }
        parts.end()
    }
}

impl Site for LiveSite {
    fn answer(&self, request: &Request, reply: Reply<'_>) -> io::Result<()> {
        match (&self.page, request.method, request.path.as_str()) {
            (Some(page), Method::Get, "") => reply.html(page),
            (Some(_), Method::Post, "ask") => self.ask(request, reply),
            (Some(_), _, "" | "ask") => {
                reply.refuse(&Refusal::new(405, "another method is needed"))
            }
            _ => match &self.watch {
                Some(watch) => watch.answer(request, reply),
                None => reply.refuse(&Refusal::new(404, "there is nothing at this address")),
            },
        }
    }
}
