//! The addresses of a page that watches training.

use super::Course;
use sisun_serve::{Method, Refusal, Reply, Request, Site};
use std::io;

/// The page, and its events.
pub(crate) struct WatchSite {
    page: String,
    course: Course,
}

impl WatchSite {
    pub(crate) fn new(course: Course) -> Self {
        Self {
            page: course.page(),
            course,
        }
    }
}

impl Site for WatchSite {
    fn answer(&self, request: &Request, reply: Reply<'_>) -> io::Result<()> {
        match (request.method, request.path.as_str()) {
            (Method::Get, "" | "watch") => reply.html(&self.page),
            (Method::Get, "events") => {
                // A browser that has lost the connection says what it has.
                let last = match request.header("Last-Event-ID") {
                    Ok(last) => last.and_then(|last| last.parse().ok()),
                    Err(refusal) => return reply.refuse(&refusal),
                };
                self.course.events.send(reply, last)
            }
            (_, "" | "watch" | "events") => {
                reply.refuse(&Refusal::new(405, "another method is needed"))
            }
            _ => reply.refuse(&Refusal::new(404, "there is nothing at this address")),
        }
    }
}
