//! Events that are pushed to pages (server-sent events), with a bounded history.

use crate::reply::Reply;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Time after which a line is sent that says nothing, so that a client that has gone is noticed.
const QUIET: Duration = Duration::from_secs(15);

/// Bounds of the history of one kind of event. Beyond them every second one is dropped, so that
/// the whole course stays.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Number of events.
    pub count: usize,
    /// Their bytes.
    pub bytes: usize,
}

/// An event that is kept.
#[derive(Clone, Debug)]
struct Kept {
    number: u64,
    lane: (&'static str, usize),
    text: Arc<str>,
}

/// The history.
#[derive(Debug, Default)]
struct History {
    kept: Vec<Kept>,
    next: u64,
    ended: bool,
}

/// Events, in order, for any number of pages.
#[derive(Debug, Default)]
pub struct Events {
    history: Mutex<History>,
    changed: Condvar,
}

impl Events {
    /// Add an event: one line of JSON. Events of one `lane`, a kind and the number of a run, are
    /// held within `limits`.
    pub fn push(&self, lane: (&'static str, usize), limits: Limits, text: String) {
        debug_assert!(!text.contains(['\n', '\r']), "an event is one line");
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let number = history.next;
        history.next += 1;
        history.kept.push(Kept {
            number,
            lane,
            text: text.into(),
        });
        history.thin(lane, limits);
        self.changed.notify_all();
    }

    /// End the events: pages are told, and their answers end.
    pub fn end(&self) {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.ended = true;
        self.changed.notify_all();
    }

    /// Return the history, oldest first.
    pub fn history(&self) -> Vec<Arc<str>> {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        history
            .kept
            .iter()
            .map(|one| Arc::clone(&one.text))
            .collect()
    }

    /// Send the history and then each event as it comes, until the end or until the client goes.
    /// `after` is the number of the last event that the client has.
    ///
    /// # Errors
    /// If the connection is broken or too slow.
    pub fn send(&self, reply: Reply<'_>, after: Option<u64>) -> io::Result<()> {
        let mut parts = reply.stream("text/event-stream; charset=utf-8")?;
        let mut from = after.map_or(0, |number| number.saturating_add(1));
        loop {
            let (new, ended) = self.wait(from);
            let mut text = String::new();
            for Kept {
                number,
                text: event,
                ..
            } in &new
            {
                text += &format!("id: {number}\ndata: {event}\n\n");
                from = number + 1;
            }
            if ended {
                text += "event: end\ndata: {}\n\n";
                parts.send(text.as_bytes())?;
                return parts.end();
            }
            if text.is_empty() {
                text += ":\n\n";
            }
            parts.send(text.as_bytes())?;
        }
    }

    /// Return the events from a number on as soon as there are some, and whether there will be no
    /// more.
    fn wait(&self, from: u64) -> (Vec<Kept>, bool) {
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let none = |history: &mut History| history.next <= from && !history.ended;
        let (history, _) = self
            .changed
            .wait_timeout_while(history, QUIET, none)
            .unwrap_or_else(PoisonError::into_inner);
        let new = history.kept.iter().filter(|one| one.number >= from);
        (new.cloned().collect(), history.ended)
    }
}

impl History {
    /// Drop every second event of a lane but the newest, if it is beyond its limits.
    fn thin(&mut self, lane: (&'static str, usize), limits: Limits) {
        loop {
            let of_lane = self.kept.iter().filter(|one| one.lane == lane);
            let (count, bytes) = of_lane.fold((0, 0), |(count, bytes), one| {
                (count + 1, bytes + one.text.len())
            });
            if count <= 2 || (count <= limits.count && bytes <= limits.bytes) {
                return;
            }
            let mut place = 0;
            self.kept.retain(|one| {
                let own = one.lane == lane;
                place += usize::from(own);
                // Counted from 1: the first and the newest stay.
                !own || place % 2 == 1 || place == count
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEW: Limits = Limits {
        count: 4,
        bytes: 1000,
    };

    fn texts(events: &Events) -> Vec<String> {
        events
            .history()
            .iter()
            .map(|text| text.to_string())
            .collect()
    }

    #[test]
    fn a_history_keeps_its_whole_course() {
        let events = Events::default();
        for i in 0..20 {
            events.push(("loss", 0), FEW, i.to_string());
        }
        let kept = texts(&events);
        assert!(kept.len() <= 4, "{kept:?}");
        assert_eq!(kept.first().map(String::as_str), Some("0"));
        assert_eq!(kept.last().map(String::as_str), Some("19"));
    }

    #[test]
    fn lanes_do_not_crowd_each_other_out() {
        let events = Events::default();
        events.push(("sample", 0), FEW, "once".to_owned());
        for i in 0..20 {
            events.push(("loss", 0), FEW, i.to_string());
            events.push(("loss", 1), FEW, i.to_string());
        }
        let kept = texts(&events);
        assert_eq!(kept[0], "once");
        assert!(kept.len() <= 9);
    }

    #[test]
    fn bytes_are_bounded() {
        let events = Events::default();
        for _ in 0..20 {
            events.push(("heads", 0), FEW, "x".repeat(400));
        }
        assert_eq!(texts(&events).len(), 2);
    }

    #[test]
    fn a_page_gets_what_it_lacks() {
        let events = Events::default();
        for i in 0..3 {
            events.push(("loss", 0), FEW, i.to_string());
        }
        let (new, ended) = events.wait(2);
        assert_eq!(new.len(), 1);
        assert!(!ended);
        events.end();
        assert!(events.wait(3).1);
    }
}
