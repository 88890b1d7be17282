//! Working memory that a thread keeps between calls.

use std::cell::RefCell;

/// Number of floats in a cache line, a multiple of every vector length: data that starts or is
/// padded at multiples of it is read in whole vectors that never straddle two lines.
pub(crate) const LINE: usize = 16;

thread_local! {
    /// The free buffers. A stack, because a thread that holds one while waiting for others may run
    /// another task that needs one as well.
    static FREE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Round `len` up to whole cache lines.
pub(crate) const fn padded(len: usize) -> usize {
    len.next_multiple_of(LINE)
}

/// Floats of unspecified values, aligned to a cache line, lent by the thread. (An owned value, not
/// a function with a callback: a callback is compiled without the vector instructions of its
/// caller.)
pub(crate) struct Scratch {
    buffer: Vec<f32>,
    start: usize,
    len: usize,
}

impl Scratch {
    /// Lend `len` floats.
    pub(crate) fn new(len: usize) -> Self {
        let mut buffer = FREE.with_borrow_mut(Vec::pop).unwrap_or_default();
        if buffer.len() < len + LINE {
            buffer = vec![0.0; len + LINE];
        }
        let start = buffer.as_ptr().align_offset(LINE * size_of::<f32>());
        Self { buffer, start, len }
    }

    /// Return the floats.
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

/// Split whole cache lines with room for `len` floats off the front of `rest`.
pub(crate) fn cut<'a>(rest: &mut &'a mut [f32], len: usize) -> &'a mut [f32] {
    rest.split_off_mut(..padded(len))
        .expect("the scratch was measured too short")
}
