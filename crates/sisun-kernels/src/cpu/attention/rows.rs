//! Layout of the vectors of heads in borrowed memory.

use std::marker::PhantomData;

/// Offset and strides of vectors: element `i` of the vector of `(batch, head, pos)` is at
/// `offset + batch·batch_stride + head·head_stride + pos·pos_stride + i`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    /// Index of the first element of the first vector.
    pub offset: usize,
    /// Distance from one sequence of the batch to the next.
    pub batch_stride: usize,
    /// Distance from one head to the next.
    pub head_stride: usize,
    /// Distance from one position to the next.
    pub pos_stride: usize,
}

impl Rows {
    /// Return the layout of the heads that start at column `offset` of a buffer
    /// `[batch, pos, width]`, such as a fused projection.
    pub(crate) fn columns(offset: usize, n_pos: usize, width: usize, d_head: usize) -> Self {
        Self {
            offset,
            batch_stride: n_pos * width,
            head_stride: d_head,
            pos_stride: width,
        }
    }

    /// Return the index of the first element of the vector of `(batch, head, pos)`.
    #[inline(always)]
    pub(crate) fn start(&self, batch: usize, head: usize, pos: usize) -> usize {
        self.offset + batch * self.batch_stride + head * self.head_stride + pos * self.pos_stride
    }

    /// Return one past the index of the last element of vectors of `d_head` elements for
    /// `[batch, head, pos]`; no size may be 0.
    fn end(&self, [batch, heads, n_pos]: [usize; 3], d_head: usize) -> usize {
        self.start(batch - 1, heads - 1, n_pos - 1) + d_head
    }
}

/// The vectors of heads, for reading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadRows<'a> {
    /// The buffer that holds the vectors, possibly among other data.
    pub data: &'a [f32],
    /// Layout of the vectors in the buffer.
    pub rows: Rows,
}

impl<'a> HeadRows<'a> {
    /// Return the memory from the start of the vector of `(batch, head, pos)` to the end of the
    /// buffer.
    #[inline(always)]
    pub(crate) fn from(&self, batch: usize, head: usize, pos: usize) -> &'a [f32] {
        &self.data[self.rows.start(batch, head, pos)..]
    }

    /// Check that the vectors are inside the buffer.
    ///
    /// # Panics
    /// If the vectors of `sizes` `[batch, head, pos]` are not inside the data.
    pub(crate) fn check(&self, sizes: [usize; 3], d_head: usize) {
        let end = self.rows.end(sizes, d_head);
        assert!(
            end <= self.data.len(),
            "{:?} of {sizes:?} ends at {end}, beyond {}",
            self.rows,
            self.data.len()
        );
    }
}

/// A subset of the vectors in one buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) rows: Rows,
    /// Sizes `[batch, head, pos]`.
    pub(crate) sizes: [usize; 3],
    pub(crate) width: usize,
}

impl Part {
    /// Return the number of elements from the first to the last, or `None` if two vectors may
    /// overlap.
    fn span(&self) -> Option<usize> {
        let Rows {
            batch_stride,
            head_stride,
            pos_stride,
            ..
        } = self.rows;
        let [batch, heads, n_pos] = self.sizes;
        nested(
            self.width,
            [
                (batch, batch_stride),
                (heads, head_stride),
                (n_pos, pos_stride),
            ],
        )
    }

    /// Return true if this part and the other provably share no element: one lies after the other,
    /// or both are columns of one buffer `[batch, pos, …]`.
    fn is_disjoint_from(&self, other: &Self) -> bool {
        let columns = |part: &Self| {
            let start = part.rows.offset;
            start..start + (part.sizes[1] - 1) * part.rows.head_stride + part.width
        };
        let (mine, others) = (columns(self), columns(other));
        let (first, last) = (mine.start.min(others.start), mine.end.max(others.end));
        let strides = |part: &Self| (part.rows.batch_stride, part.rows.pos_stride);
        let (end, other_end) = (
            self.rows.end(self.sizes, self.width),
            other.rows.end(other.sizes, other.width),
        );
        let (batch, n_pos) = (
            self.sizes[0].max(other.sizes[0]),
            self.sizes[2].max(other.sizes[2]),
        );
        end <= other.rows.offset
            || other_end <= self.rows.offset
            || (mine.end <= others.start || others.end <= mine.start)
                && strides(self) == strides(other)
                && nested(
                    last - first,
                    [(batch, strides(self).0), (n_pos, strides(self).1)],
                )
                .is_some()
    }
}

/// Return the span of blocks of `width` elements repeated along dimensions of (size, stride), or
/// `None` if two blocks overlap.
fn nested<const N: usize>(width: usize, mut dims: [(usize, usize); N]) -> Option<usize> {
    dims.sort_unstable_by_key(|&(_, stride)| stride);
    dims.into_iter()
        .filter(|&(size, _)| size > 1)
        .try_fold(width, |span, (size, stride)| {
            if stride < span {
                None
            } else {
                (size - 1).checked_mul(stride)?.checked_add(span)
            }
        })
}

/// Vectors of one buffer that tasks on several threads write at the same time, each task its own
/// vectors.
pub(crate) struct RowsMut<'a> {
    /// The start of the buffer.
    data: *mut f32,
    part: Part,
    buffer: PhantomData<&'a mut [f32]>,
}

// SAFETY: the shared pointer leads to memory borrowed mutably for 'a. Only `row` dereferences it,
// whose caller promises that no two threads hold the same vector, and different vectors share no
// element (checked in `split`).
#[allow(unsafe_code)]
unsafe impl Sync for RowsMut<'_> {}

impl<'a> RowsMut<'a> {
    /// Split one buffer into parts that can be written independently.
    ///
    /// # Panics
    /// If a part does not fit in the buffer, or if any two vectors overlap.
    pub(crate) fn split<const N: usize>(data: &'a mut [f32], parts: [Part; N]) -> [Self; N] {
        for (i, part) in parts.iter().enumerate() {
            let span = part
                .span()
                .unwrap_or_else(|| panic!("vectors overlap: {part:?}"));
            let end = part.rows.offset.saturating_add(span);
            assert!(
                end <= data.len(),
                "{part:?} ends at {end}, beyond {}",
                data.len()
            );
            for other in &parts[..i] {
                assert!(
                    part.is_disjoint_from(other),
                    "not known to be apart: {part:?} and {other:?}"
                );
            }
        }
        let data = data.as_mut_ptr();
        parts.map(|part| Self {
            data,
            part,
            buffer: PhantomData,
        })
    }

    /// Return the vector of `(batch, head, pos)`.
    ///
    /// # Safety
    /// While the result is alive, no other reference to the same vector may exist.
    #[inline(always)]
    #[allow(unsafe_code, clippy::mut_from_ref)]
    pub(crate) unsafe fn row(&self, batch: usize, head: usize, pos: usize) -> &mut [f32] {
        let [n_batch, heads, n_pos] = self.part.sizes;
        assert!(
            batch < n_batch && head < heads && pos < n_pos,
            "no such vector"
        );
        // SAFETY: `split` has checked that all vectors are inside the buffer, which is borrowed for
        // longer than `self`, and that no two overlap; the caller holds the only reference to this
        // one.
        unsafe {
            std::slice::from_raw_parts_mut(
                self.data.add(self.part.rows.start(batch, head, pos)),
                self.part.width,
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(offset: usize, strides: [usize; 3], sizes: [usize; 3]) -> Part {
        let [batch_stride, head_stride, pos_stride] = strides;
        Part {
            rows: Rows {
                offset,
                batch_stride,
                head_stride,
                pos_stride,
            },
            sizes,
            width: 4,
        }
    }

    #[test]
    #[allow(unsafe_code)]
    fn parts_of_a_fused_projection_are_apart() {
        // [batch 2, pos 5, (6 + 3 + 3) · 4]
        let parts = [(0, 6), (24, 3), (36, 3)]
            .map(|(offset, heads)| part(offset, [240, 4, 48], [2, heads, 5]));
        let mut data = vec![0.0; 480];
        let rows = RowsMut::split(&mut data, parts);
        for (value, rows) in rows.iter().enumerate() {
            for batch in 0..2 {
                for head in 0..rows.part.sizes[1] {
                    for pos in 0..5 {
                        // SAFETY: there is one thread, which holds one vector at a time.
                        unsafe { rows.row(batch, head, pos) }
                            .iter_mut()
                            .for_each(|x| *x += 1.0 + value as f32);
                    }
                }
            }
        }
        assert_eq!(data.iter().sum::<f32>(), (240 + 2 * 120 + 3 * 120) as f32);
        assert!(data.iter().all(|&x| (1.0..=3.0).contains(&x)));
    }

    #[test]
    fn one_after_the_other() {
        let parts = [
            part(0, [40, 20, 4], [2, 2, 5]),
            part(80, [20, 4, 4], [2, 1, 5]),
        ];
        RowsMut::split(&mut [0.0; 120], parts);
    }

    #[test]
    #[should_panic(expected = "vectors overlap")]
    fn overlap_in_a_part() {
        RowsMut::split(&mut [0.0; 480], [part(0, [240, 3, 48], [2, 6, 5])]);
    }

    #[test]
    #[should_panic(expected = "not known to be apart")]
    fn overlap_of_parts() {
        RowsMut::split(
            &mut [0.0; 480],
            [
                part(0, [240, 4, 48], [2, 6, 5]),
                part(20, [240, 4, 48], [2, 3, 5]),
            ],
        );
    }

    #[test]
    #[should_panic(expected = "beyond")]
    fn beyond_the_buffer() {
        RowsMut::split(&mut [0.0; 479], [part(36, [240, 4, 48], [2, 3, 5])]);
    }
}
