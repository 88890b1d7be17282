//! Buffers that are used again.
//!
//! A training step asks for the same few sizes over and over. Memory fresh from the system costs a page fault every
//! 4 KiB, and memory from an allocator would have to be cleared before it may be borrowed as `&mut [f32]`. A buffer
//! that was here before costs neither: its old numbers are simply there to be overwritten.

use bytemuck::{Pod, Zeroable};
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One cache line and one 512-bit vector: buffers start at such a border.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
pub(crate) struct Line([f32; LINE]);

const LINE: usize = 16;

/// What may lie idle beside what is lent, as a multiple of the most that was ever lent at one time.
const SLACK: f64 = 1.25;

/// Idle memory below this many lines is never given back (64 MiB).
const ALWAYS_KEPT: usize = 1 << 20;

/// Numbers in memory of the pool; they return to it when dropped.
pub(crate) struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

impl Buffer {
    /// `len` numbers of no particular value: whatever stood there before, or zeros.
    pub(crate) fn uncleared(len: usize) -> Self {
        Self { lines: pool().take(len.div_ceil(LINE)), len }
    }

    /// `len` zeros.
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

/// Idle memory by length, each piece with the time it came back; all counts are of lines.
struct Pool {
    idle: BTreeMap<usize, Vec<(u64, Vec<Line>)>>,
    idle_total: usize,
    lent: usize,
    most_lent: usize,
    clock: u64,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { idle: BTreeMap::new(), idle_total: 0, lent: 0, most_lent: 0, clock: 0 });

fn pool() -> MutexGuard<'static, Pool> {
    // A thread that panicked in here has left whole vectors behind, nothing half done.
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
        self.idle.entry(n_lines).or_default().push((self.clock, lines));
        let most = ((self.most_lent as f64 * SLACK) as usize).max(ALWAYS_KEPT);
        while self.lent + self.idle_total > most {
            self.free_oldest();
        }
    }

    /// Gives back the piece that was idle for longest. Each list is in order of time, oldest first.
    fn free_oldest(&mut self) {
        let oldest = self.idle.iter().filter_map(|(n, pieces)| Some((pieces.first()?.0, *n))).min();
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
