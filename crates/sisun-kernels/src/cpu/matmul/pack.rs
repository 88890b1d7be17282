//! Splitting of float32 into bfloat16 parts, laid out as AMX tiles.
//!
//! Float32 precision: x = x1 + x2 + x3 exactly, each part the leading 8 bits of the significand of
//! the remainder (truncated, so that nothing overflows near `f32::MAX` and every part has the sign
//! of x). The kernels add the products (1,1) (1,2) (2,1) (2,2) (1,3) (3,1) in float32; the omitted
//! products are below 2^-21 of |x y|, about 2^-24 on average (Henry, Tang, Heinecke 2019,
//! "Leveraging the bfloat16 Artificial Intelligence Datatype For Higher-Precision Computations").
//! The split is exact down to |x| of 2^-102; the last parts of smaller numbers are denormals, which
//! tiles treat as zero. An infinity becomes NaN.
//!
//! Bf16 precision: one part, rounded to nearest even.
//!
//! Both operands are treated as lanes x k: A's lanes are its rows, B's are its columns. A tile
//! holds 16 lanes x 32 values of k. A tile of A has one lane per row; a tile of B has one pair of k
//! per row. The pairing of k is arbitrary as long as A and B agree: here j pairs with j + 16, so
//! that a row of pairs consists of two vectors of the source, one shifted into the low halves of
//! the other, and no shuffle is needed.
#![allow(unsafe_code)] // instructions that the compiler does not know; each block has its proof

use std::arch::x86_64::*;
use std::ops::Range;

use super::matrix::Matrix;
use crate::MatmulPrecision;

/// Number of rows or columns of C that one tile covers.
pub(super) const TILE_LANES: usize = 16;
/// Number of values of k that one tile covers.
pub(super) const TILE_DEPTH: usize = 32;

/// A tile: 16 rows of 64 bytes.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Tile([u32; 256]);

impl Tile {
    /// A tile with all bits zero.
    pub(super) const ZERO: Self = Self([0; 256]);
}

/// The operand to pack.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// A: a tile's rows are lanes.
    Left,
    /// B: a tile's rows are pairs of k.
    Right,
}

/// Return the number of bfloat16 parts of an element.
pub(super) fn parts(precision: MatmulPrecision) -> usize {
    match precision {
        MatmulPrecision::Float32 => 3,
        MatmulPrecision::Bf16 => 1,
    }
}

/// Return the number of tiles for `lanes` lanes of `depth` values, padded with zeros.
pub(super) fn tile_count(lanes: usize, depth: usize, parts: usize) -> usize {
    lanes.div_ceil(TILE_LANES) * depth.div_ceil(TILE_DEPTH) * parts
}

/// Pack `lanes` x `depth` of `source` (lanes x k) into panels of two tiles of lanes; the last panel
/// may have one. A panel is laid out \[step of 32 k]\[part]\[tile of lanes], the order in which the
/// kernel reads it.
///
/// # Safety
///
/// `cpu::amx_detection::amx_available()` must have returned true.
pub(super) unsafe fn pack(
    source: Matrix<'_>,
    side: Side,
    lanes: Range<usize>,
    depth: Range<usize>,
    precision: MatmulPrecision,
    out: &mut [Tile],
) {
    assert!(lanes.end <= source.rows() && depth.end <= source.columns());
    assert!(out.len() >= tile_count(lanes.len(), depth.len(), parts(precision)));
    // A vector runs along k where k is contiguous, which is the layout that A needs, and along the
    // lanes otherwise.
    let along_depth = source.column_stride() == 1 || source.row_stride() != 1;
    let transpose = along_depth != (side == Side::Left);
    // SAFETY: the caller guarantees AVX-512, and the asserts check the bounds.
    unsafe {
        match (precision, transpose) {
            (MatmulPrecision::Float32, false) => {
                pack_lanes::<3, false>(source, along_depth, lanes, depth, out)
            }
            (MatmulPrecision::Float32, true) => {
                pack_lanes::<3, true>(source, along_depth, lanes, depth, out)
            }
            (MatmulPrecision::Bf16, false) => {
                pack_lanes::<1, false>(source, along_depth, lanes, depth, out)
            }
            (MatmulPrecision::Bf16, true) => {
                pack_lanes::<1, true>(source, along_depth, lanes, depth, out)
            }
        }
    }
}

/// The two halves of 16 lanes x 32 k in the source: vector `i` of a half is 16 contiguous values
/// from `i * step` on.
struct Source {
    low: *const f32,
    high: *const f32,
    step: usize,
    /// Number of vectors in each half that exist; the others are zero.
    counts: [usize; 2],
    /// Mask of the values in a vector of each half that exist; the others are zero.
    masks: [__mmask16; 2],
}

/// Implement [`pack`] for one kind of source and number of parts.
///
/// # Safety
///
/// The processor must have the features below; lanes and depth must be inside the source, and `out`
/// must have room for their tiles.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn pack_lanes<const PARTS: usize, const TRANSPOSE: bool>(
    source: Matrix<'_>,
    along_depth: bool,
    lanes: Range<usize>,
    depth: Range<usize>,
    out: &mut [Tile],
) {
    let tiles = lanes.len().div_ceil(TILE_LANES);
    let steps = depth.len().div_ceil(TILE_DEPTH);
    let gather = source.row_stride() != 1 && source.column_stride() != 1;
    let mut copy = [0.0; TILE_LANES * TILE_DEPTH];
    let mut pack_tile = |tile: usize, step: usize| {
        let lane = lanes.start + tile * TILE_LANES;
        let k = depth.start + step * TILE_DEPTH;
        let lane_count = (lanes.end - lane).min(TILE_LANES);
        let k_counts = [
            (depth.end - k).min(16),
            (depth.end - k).saturating_sub(16).min(16),
        ];
        let panel_tiles = (tiles - (tile & !1)).min(2);
        let first = (tile & !1) * steps * PARTS + step * PARTS * panel_tiles + (tile & 1);
        debug_assert!(first + (PARTS - 1) * panel_tiles < out.len());
        let out = out.as_mut_ptr().wrapping_add(first).cast::<__m512i>();
        let (data, row_stride, column_stride) = if gather {
            copy_block(
                source,
                lane..lane + lane_count,
                k..(k + TILE_DEPTH).min(depth.end),
                &mut copy,
            );
            (copy.as_ptr(), TILE_DEPTH, 1)
        } else {
            let offset = lane * source.row_stride() + k * source.column_stride();
            (
                source.data().as_ptr().wrapping_add(offset),
                source.row_stride(),
                source.column_stride(),
            )
        };
        let block = Source {
            low: data,
            high: data.wrapping_add(16 * column_stride),
            step: if along_depth {
                row_stride
            } else {
                column_stride
            },
            counts: if along_depth {
                [lane_count; 2]
            } else {
                k_counts
            },
            masks: if along_depth {
                k_counts.map(mask)
            } else {
                [mask(lane_count); 2]
            },
        };
        // SAFETY: `block` marks only lanes and k inside the source as present; the tiles of this
        // panel and step are inside `out`, whose length `pack` has checked.
        unsafe { pack_block::<PARTS, TRANSPOSE>(&block, out, panel_tiles * 16) }
    };
    // Visit neighbours in memory one after the other.
    if along_depth {
        for tile in 0..tiles {
            for step in 0..steps {
                pack_tile(tile, step);
            }
        }
    } else {
        for step in 0..steps {
            for tile in 0..tiles {
                pack_tile(tile, step);
            }
        }
    }
}

/// Return a mask of the first `count` of 16 values.
fn mask(count: usize) -> __mmask16 {
    ((1u32 << count) - 1) as __mmask16
}

/// Copy `lanes` x `depth` of a source with no contiguous axis, as rows of 32.
#[cold]
fn copy_block(source: Matrix<'_>, lanes: Range<usize>, depth: Range<usize>, copy: &mut [f32]) {
    for (lane, row) in lanes.zip(copy.chunks_exact_mut(TILE_DEPTH)) {
        for (k, value) in depth.clone().zip(row) {
            *value = source.data()[lane * source.row_stride() + k * source.column_stride()];
        }
    }
}

/// Pack 16 lanes x 32 k into one tile for each part; `part_rows` is the distance from one part's
/// tile to the next, in rows of a tile.
///
/// # Safety
///
/// Everything that `block` marks as present must be readable, and `PARTS` tiles from `out` on must
/// be writable.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
#[inline]
unsafe fn pack_block<const PARTS: usize, const TRANSPOSE: bool>(
    block: &Source,
    out: *mut __m512i,
    part_rows: usize,
) {
    let load = |start: *const f32, half: usize, i: usize| {
        let mask = if i < block.counts[half] {
            block.masks[half]
        } else {
            0
        };
        // SAFETY: the mask selects only values that are present; the rest is not accessed.
        unsafe { _mm512_maskz_loadu_ps(mask, start.wrapping_add(i * block.step)) }
    };
    // SAFETY: the row is one of the 16 of this block's tiles.
    let store = |low, high, i| unsafe { store_pairs::<PARTS>(low, high, out.add(i), part_rows) };
    if TRANSPOSE {
        // Plain loops: a closure handed to a function without AVX-512 would not be inlined.
        let (mut low, mut high) = ([_mm512_setzero_ps(); 16], [_mm512_setzero_ps(); 16]);
        for (i, low) in low.iter_mut().enumerate() {
            *low = load(block.low, 0, i);
        }
        low = transpose(low);
        for (i, high) in high.iter_mut().enumerate() {
            *high = load(block.high, 1, i);
        }
        high = transpose(high);
        for i in 0..16 {
            store(low[i], high[i], i);
        }
    } else {
        for i in 0..16 {
            store(load(block.low, 0, i), load(block.high, 1, i), i);
        }
    }
}

/// Store the parts of 16 pairs (low, high), each pair one dword, at `out`, `out + part_rows`, ...
///
/// # Safety
///
/// Those `PARTS` vectors must be writable.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
#[inline]
unsafe fn store_pairs<const PARTS: usize>(
    low: __m512,
    high: __m512,
    out: *mut __m512i,
    part_rows: usize,
) {
    if PARTS == 1 {
        // VCVTNE2PS2BF16 puts all of low before all of high; interleave them.
        let interleave = _mm512_set_epi16(
            31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20,
            4, 19, 3, 18, 2, 17, 1, 16, 0,
        );
        // SAFETY: both are 64 bytes of plain bits.
        let rounded: __m512i = unsafe { std::mem::transmute(_mm512_cvtne2ps_pbh(high, low)) };
        // SAFETY: the caller guarantees `out`.
        unsafe { _mm512_store_si512(out, _mm512_permutexvar_epi16(interleave, rounded)) };
        return;
    }
    let leading = _mm512_set1_epi32(0xffff_0000_u32 as i32);
    let (mut low, mut high) = (low, high);
    for part in 0..PARTS {
        let (low_bits, high_bits) = (_mm512_castps_si512(low), _mm512_castps_si512(high));
        // (leading & high) | low >> 16
        let pairs = _mm512_ternarylogic_epi32::<0xf8>(
            _mm512_srli_epi32::<16>(low_bits),
            leading,
            high_bits,
        );
        // SAFETY: the caller guarantees `out`.
        unsafe { _mm512_store_si512(out.add(part * part_rows), pairs) };
        // This is exact: the part is a prefix of the significand.
        low = _mm512_sub_ps(
            low,
            _mm512_castsi512_ps(_mm512_and_si512(low_bits, leading)),
        );
        high = _mm512_sub_ps(
            high,
            _mm512_castsi512_ps(_mm512_and_si512(high_bits, leading)),
        );
    }
}

/// Transpose 16 x 16 values.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
#[inline]
fn transpose(rows: [__m512; 16]) -> [__m512; 16] {
    let mut a = [_mm512_setzero_pd(); 16];
    // Transpose 2 x 2 values, then 2 x 2 pairs, inside each 128-bit lane.
    for i in (0..16).step_by(2) {
        a[i] = _mm512_castps_pd(_mm512_unpacklo_ps(rows[i], rows[i + 1]));
        a[i + 1] = _mm512_castps_pd(_mm512_unpackhi_ps(rows[i], rows[i + 1]));
    }
    let mut b = [_mm512_setzero_ps(); 16];
    for i in (0..16).step_by(4) {
        b[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a[i], a[i + 2]));
        b[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a[i], a[i + 2]));
        b[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(a[i + 1], a[i + 3]));
        b[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(a[i + 1], a[i + 3]));
    }
    // b[4 g + j], lane l holds rows 4 g .. 4 g + 4 of column 4 l + j. Gather the four g.
    let mut out = [_mm512_setzero_ps(); 16];
    for j in 0..4 {
        let even = _mm512_shuffle_f32x4::<0x88>(b[j], b[4 + j]);
        let odd = _mm512_shuffle_f32x4::<0xdd>(b[j], b[4 + j]);
        let even_end = _mm512_shuffle_f32x4::<0x88>(b[8 + j], b[12 + j]);
        let odd_end = _mm512_shuffle_f32x4::<0xdd>(b[8 + j], b[12 + j]);
        out[j] = _mm512_shuffle_f32x4::<0x88>(even, even_end);
        out[8 + j] = _mm512_shuffle_f32x4::<0xdd>(even, even_end);
        out[4 + j] = _mm512_shuffle_f32x4::<0x88>(odd, odd_end);
        out[12 + j] = _mm512_shuffle_f32x4::<0xdd>(odd, odd_end);
    }
    out
}
