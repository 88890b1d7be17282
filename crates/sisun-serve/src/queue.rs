//! Requests that wait for one worker.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Most pages whose requests wait at a time.
const MOST: usize = 64;

/// Requests in the order in which they came; of each page only the newest waits.
#[derive(Debug)]
pub struct Queue<T> {
    waiting: Mutex<VecDeque<(u64, T)>>,
    came: Condvar,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            came: Condvar::new(),
        }
    }
}

impl<T> Queue<T> {
    /// Add the request of a page. If an older one of the same page waits, the new one takes its
    /// place. Return the request that will not be answered: the older one, or this one if too many
    /// wait.
    pub fn push(&self, page: u64, request: T) -> Option<T> {
        // A panic of another thread leaves a whole queue.
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, older)) = waiting.iter_mut().find(|(of, _)| *of == page) {
            return Some(std::mem::replace(older, request));
        }
        if waiting.len() >= MOST {
            return Some(request);
        }
        waiting.push_back((page, request));
        self.came.notify_one();
        None
    }

    /// Take the request that came first, or `None` if none comes in time.
    pub fn pop(&self, patience: Duration) -> Option<T> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut waiting, _) = self
            .came
            .wait_timeout_while(waiting, patience, |waiting| waiting.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        waiting.pop_front().map(|(_, request)| request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_of_a_page_waits() {
        let queue = Queue::default();
        assert_eq!(queue.push(1, "a"), None);
        assert_eq!(queue.push(2, "b"), None);
        assert_eq!(queue.push(1, "c"), Some("a"));
        let now = Duration::ZERO;
        assert_eq!(queue.pop(now), Some("c"));
        assert_eq!(queue.pop(now), Some("b"));
        assert_eq!(queue.pop(now), None);
    }

    #[test]
    fn the_number_of_waiting_pages_is_bounded() {
        let queue = Queue::default();
        for page in 0..MOST as u64 {
            assert_eq!(queue.push(page, page), None);
        }
        assert_eq!(queue.push(1000, 1000), Some(1000));
    }
}
