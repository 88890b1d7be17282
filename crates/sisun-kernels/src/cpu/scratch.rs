//! Working memory that a thread keeps between calls.

use std::cell::RefCell;

/// Floats in a cache line, and a multiple of every vector length: what starts or is padded at
/// multiples of it is read in whole vectors that never straddle two lines.
pub(crate) const LINE: usize = 16;

thread_local! {
    /// The buffers not in use. A stack, because a thread that waits for others while it holds one
    /// may be given another task that wants one as well.
    static FREE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// `len` rounded up to whole cache lines.
pub(crate) const fn padded(len: usize) -> usize {
    len.next_multiple_of(LINE)
}

/// Floats of unspecified values at the start of a cache line, lent by the thread. (An owner, not a
/// function that calls back: vector instructions do not reach through a callback, which is compiled
/// for any machine.)
pub(crate) struct Scratch {
    buffer: Vec<f32>,
    start: usize,
    len: usize,
}

impl Scratch {
    /// Lends `len` floats.
    pub(crate) fn new(len: usize) -> Self {
        let mut buffer = FREE.with_borrow_mut(Vec::pop).unwrap_or_default();
        if buffer.len() < len + LINE {
            buffer = vec![0.0; len + LINE];
        }
        let start = buffer.as_ptr().align_offset(LINE * size_of::<f32>());
        Self { buffer, start, len }
    }

    /// The floats.
    pub(crate) fn floats(&mut self) -> &mut [f32] {
        &mut self.buffer[self.start..self.start + self.len]
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.buffer);
        FREE.with_borrow_mut(|free| free.push(buffer));
    }
}

/// Cuts whole cache lines with room for `len` floats off the front of `rest`.
pub(crate) fn cut<'a>(rest: &mut &'a mut [f32], len: usize) -> &'a mut [f32] {
    rest.split_off_mut(..padded(len))
        .expect("the scratch was measured too short")
}
