//! Blocks of C between a kernel and C.
#![allow(unsafe_code)] // instructions that the compiler does not know; each block has its proof

use std::arch::x86_64::*;

/// Rows and columns of the block of C that one kernel computes.
pub(super) const PANEL: usize = 32;

/// A block of C in memory of its own.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Sum(pub(super) [[f32; PANEL]; PANEL]);

impl Sum {
    /// A block of zeros.
    pub(super) const ZERO: Self = Self([[0.0; PANEL]; PANEL]);
}

/// Position of a block in memory.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Pointer to the first element.
    pub(super) start: *mut f32,
    /// Distance from one row to the next, in elements.
    pub(super) stride: usize,
}

impl Place {
    /// Return the place of a separate block.
    pub(super) fn of(sum: *mut Sum) -> Self {
        Self {
            start: sum.cast(),
            stride: PANEL,
        }
    }

    /// Return the place of a block of zeros, for reading only.
    pub(super) fn zero() -> Self {
        static ROW: [f32; PANEL] = [0.0; PANEL];
        Self {
            start: ROW.as_ptr().cast_mut(),
            stride: 0,
        }
    }
}

/// A pending addition, target = products + source, of one block. Adding up the slices of k outside
/// the tiles costs nothing (see [`super::amx::multiply`]) and reduces rounding, since each slice's
/// sum starts small (Blanchard, Higham, Mary 2020, "A Class of Fast and Accurate Summation
/// Algorithms").
///
/// To be moved, the products and the source must be readable, and the target writable with no other
/// reference to it.
#[derive(Clone, Copy)]
pub(super) struct Move {
    /// Results of a kernel, in rows of [`PANEL`].
    pub(super) products: *const f32,
    /// The sum so far. It may be the target.
    pub(super) source: Place,
    /// Destination of the new sum.
    pub(super) target: Place,
}

impl Move {
    /// Return a move that only writes zeros to `nowhere`, any number of times.
    pub(super) fn idle(nowhere: *mut Sum) -> Self {
        Self {
            products: nowhere.cast(),
            source: Place::zero(),
            target: Place {
                start: nowhere.cast(),
                stride: 0,
            },
        }
    }

    /// Move `columns` of rows `rows`.
    ///
    /// # Safety
    ///
    /// The CPU has AVX-512, and this part of the block can be moved.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn rows(self, rows: std::ops::Range<usize>, columns: usize) {
        for row in rows {
            for (start, count) in [(0, columns.min(16)), (16, columns.saturating_sub(16))] {
                let mask = ((1_u32 << count) - 1) as __mmask16;
                let at = |place: Place| place.start.wrapping_add(row * place.stride + start);
                // SAFETY: the mask selects only `columns`, which the caller guarantees.
                unsafe {
                    let products = _mm512_maskz_loadu_ps(
                        mask,
                        self.products.wrapping_add(row * PANEL + start),
                    );
                    let source = _mm512_maskz_loadu_ps(mask, at(self.source));
                    _mm512_mask_storeu_ps(at(self.target), mask, _mm512_add_ps(products, source));
                }
            }
        }
    }
}
