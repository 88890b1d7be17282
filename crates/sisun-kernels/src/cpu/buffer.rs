//! Reusable buffers.
//!
//! A training step allocates the same few sizes over and over. Fresh memory from the system costs a
//! page fault every 4 KiB, and memory from an allocator would have to be cleared before it could be
//! borrowed as `&mut [f32]`. A reused buffer costs neither: its old numbers are simply overwritten.

use bytemuck::{Pod, Zeroable};
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One cache line and one 512-bit vector: buffers are aligned to it.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
pub(crate) struct Line([f32; LINE]);

const LINE: usize = 16;

/// Maximum size of the lent and idle memory together, as a multiple of the most that was ever lent
/// at one time.
const SLACK: f64 = 1.25;

/// Size in lines below which idle memory is never freed (64 MiB).
const ALWAYS_KEPT: usize = 1 << 20;

/// Numbers in memory from the pool, which returns there on drop.
pub(crate) struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

impl Buffer {
    /// Return `len` numbers of unspecified values: earlier contents, or zeros.
    pub(crate) fn uncleared(len: usize) -> Self {
        Self {
            lines: pool().take(len.div_ceil(LINE)),
            len,
        }
    }

    /// Return `len` zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        let mut buffer = Self::uncleared(len);
        buffer.fill(0.0);
        buffer
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        pool().put(std::mem::take(&mut self.lines));
    }
}

/// Idle memory by length, each piece with the time of its return; all counts are in lines.
struct Pool {
    idle: BTreeMap<usize, Vec<(u64, Vec<Line>)>>,
    idle_total: usize,
    lent: usize,
    most_lent: usize,
    clock: u64,
}

static POOL: Mutex<Pool> = Mutex::new(Pool {
    idle: BTreeMap::new(),
    idle_total: 0,
    lent: 0,
    most_lent: 0,
    clock: 0,
});

fn pool() -> MutexGuard<'static, Pool> {
    // A thread that panicked in here left only complete vectors behind.
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    fn take(&mut self, n_lines: usize) -> Vec<Line> {
        self.lent += n_lines;
        self.most_lent = self.most_lent.max(self.lent);
        match self.idle.get_mut(&n_lines).and_then(Vec::pop) {
            Some((_, lines)) => {
                self.idle_total -= n_lines;
                lines
            }
            None => vec![Line::zeroed(); n_lines],
        }
    }

    fn put(&mut self, lines: Vec<Line>) {
        let n_lines = lines.len();
        if n_lines == 0 {
            return;
        }
        self.lent -= n_lines;
        self.idle_total += n_lines;
        self.clock += 1;
        self.idle
            .entry(n_lines)
            .or_default()
            .push((self.clock, lines));
        let most = ((self.most_lent as f64 * SLACK) as usize).max(ALWAYS_KEPT);
        while self.lent + self.idle_total > most {
            self.free_oldest();
        }
    }

    /// Free the piece that has been idle the longest. Each list is ordered by time, oldest first.
    fn free_oldest(&mut self) {
        let oldest = self
            .idle
            .iter()
            .filter_map(|(n, pieces)| Some((pieces.first()?.0, *n)))
            .min();
        let Some((_, n_lines)) = oldest else { return };
        if let Some(pieces) = self.idle.get_mut(&n_lines) {
            pieces.remove(0);
            if pieces.is_empty() {
                self.idle.remove(&n_lines);
            }
            self.idle_total -= n_lines;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Pool {
        Pool {
            idle: BTreeMap::new(),
            idle_total: 0,
            lent: 0,
            most_lent: 0,
            clock: 0,
        }
    }

    #[test]
    fn starts_at_a_cache_line() {
        for len in [0, 1, 15, 16, 17, 1000, 4099] {
            let buffer = Buffer::uncleared(len);
            assert_eq!(buffer.len(), len);
            assert!(
                buffer.as_ptr().addr().is_multiple_of(64),
                "{len} numbers at {:p}",
                buffer.as_ptr()
            );
        }
    }

    #[test]
    fn a_buffer_comes_back_uncleared_or_as_zeros() {
        // A length that no other test requests, since all tests share the pool.
        const LEN: usize = 77_777;
        let mut first = Buffer::uncleared(LEN);
        first.fill(3.0);
        let at = first.as_ptr();
        drop(first);
        let second = Buffer::uncleared(LEN);
        assert_eq!(second.as_ptr(), at, "other memory");
        assert!(second.iter().all(|&x| x == 3.0), "somebody cleared it");
        let beside = Buffer::uncleared(LEN);
        assert_ne!(beside.as_ptr(), at, "lent twice");
        drop(second);
        let third = Buffer::zeros(LEN);
        assert_eq!(third.as_ptr(), at);
        assert!(third.iter().all(|&x| x == 0.0));
    }

    #[test]
    fn what_lies_idle_is_bounded_and_the_oldest_goes_first() {
        let mut pool = empty();
        let sizes: Vec<usize> = (0..10).map(|i| ALWAYS_KEPT / 4 + i).collect();
        for &size in &sizes {
            let lines = pool.take(size);
            pool.put(lines);
            assert!(
                pool.lent == 0 && pool.idle_total <= ALWAYS_KEPT,
                "{} lines idle",
                pool.idle_total
            );
        }
        let idle: Vec<usize> = pool
            .idle
            .iter()
            .flat_map(|(n, pieces)| vec![*n; pieces.len()])
            .collect();
        assert_eq!(idle.iter().sum::<usize>(), pool.idle_total);
        assert_eq!(idle, sizes[7..]);
    }

    #[test]
    fn more_may_lie_idle_where_more_was_lent() {
        let mut pool = empty();
        let large = [pool.take(ALWAYS_KEPT), pool.take(ALWAYS_KEPT)];
        let small: Vec<_> = (0..10).map(|i| pool.take(ALWAYS_KEPT / 8 + i)).collect();
        let most = pool.lent;
        assert_eq!(pool.most_lent, most);
        large
            .into_iter()
            .chain(small)
            .for_each(|lines| pool.put(lines));
        assert_eq!(
            (pool.lent, pool.idle_total),
            (0, most),
            "all of it fits into the slack"
        );
        for i in 0..10 {
            let lines = pool.take(ALWAYS_KEPT / 2 + i);
            pool.put(lines);
            assert!(pool.idle_total as f64 <= SLACK * most as f64);
        }
        assert!(pool.idle_total > most);
    }
}
