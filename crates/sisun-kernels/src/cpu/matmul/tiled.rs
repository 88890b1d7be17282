//! The matrix product on AMX tiles: order of packing, and division of C among threads.
//!
//! k is cut into slices whose panels stay in L1. The longer side of C is cut into tasks, and a
//! task's part into chunks that fit its L2 cache: the task packs its own lanes chunk by chunk and
//! slice by slice, while all threads together pack the shared operand beforehand, and every chunk
//! reads all of that.
//!
//! Every element of C is the sum of the same products in the same order however C is cut, so the
//! result does not depend on the number of threads.
#![allow(unsafe_code)] // instructions that the compiler does not know; each block has its proof

use crate::cpu::buffer::Buffer;
use crate::cpu::threads::n_threads;
use std::cell::Cell;
use std::ops::Range;
use std::thread::LocalKey;

use rayon::prelude::*;

use super::amx::{Block, Tiles, moved_rows, multiply as multiply_block};
use super::matrix::{Matrix, MatrixProduct};
use super::pack::{Side, TILE_DEPTH, TILE_LANES, Tile, pack, parts, tile_count};
use super::sums::{Move, PANEL, Place, Sum};
use crate::MatmulPrecision;

/// Bytes of a task's chunk, packed lanes and sums: less than half of an L2 cache of 2 MiB, because
/// the shared operand passes through it as well.
const CHUNK_BYTES: usize = 768 << 10;
/// Multiply-adds (m n k) below which one thread is faster than two.
const PARALLEL_THRESHOLD: usize = 1 << 20;
/// Maximum multiply-adds of a task. Work is divided this finely so that other threads can take over
/// from one that is delayed.
const TASK_LIMIT: usize = 1 << 27;
/// Minimum k that may be cut in two.
const HALVES_THRESHOLD: usize = 256;
/// Number of elements of C from which all threads add up the two halves of k.
const PARALLEL_ADD: usize = 1 << 16;

/// Return the number of steps of 32 k in a slice: two panels and a block of C fit in 48 KiB.
fn slice_steps(precision: MatmulPrecision) -> usize {
    match precision {
        MatmulPrecision::Float32 => 4,
        MatmulPrecision::Bf16 => 8,
    }
}

thread_local! {
    static OWN: Cell<Vec<Tile>> = const { Cell::new(Vec::new()) };
    static SHARED: Cell<Vec<Tile>> = const { Cell::new(Vec::new()) };
    static SUMS: Cell<Vec<Sum>> = const { Cell::new(Vec::new()) };
}

/// Lend a thread's buffer, at least `count` long, to avoid page faults in every product. A nested
/// call (rayon may run another product while this one waits) finds the buffer lent and gets a new
/// one.
fn with_buffer<T: Copy, R>(
    buffer: &'static LocalKey<Cell<Vec<T>>>,
    count: usize,
    zero: T,
    work: impl FnOnce(&mut [T]) -> R,
) -> R {
    let mut lent = buffer.take();
    if lent.len() < count {
        lent.resize(count, zero);
    }
    let result = work(&mut lent[..count]);
    buffer.set(lent);
    result
}

/// One product, with its operands as lanes x k.
struct Product<'a> {
    c: *mut f32,
    c_row_stride: usize,
    accumulate: bool,
    precision: MatmulPrecision,
    /// The operand of which each task packs its part, and the side it is on.
    own: Matrix<'a>,
    own_side: Side,
    /// The operand packed beforehand.
    shared: Matrix<'a>,
    shared_side: Side,
    /// Length in k of every slice but the last.
    slice: usize,
}

// SAFETY: tasks on several threads share a product. Each writes only the rows or columns of C of
// its own lanes, which belong to no other task; everything else is only read.
unsafe impl Sync for Product<'_> {}

/// Compute C = A B (+ C) for k of at least 1; see [`super::matmul_on`], which has checked the
/// shapes.
///
/// A long k is cut in two (always, because the cut affects the last bits of the result): two
/// products that share no data. If threads packed for each other instead, every packed tile would
/// have to pass from one core's cache to another's.
pub(super) fn multiply(whole: MatrixProduct<'_>, c: &mut [f32], c_row_stride: usize) {
    let MatrixProduct { a, b, .. } = whole;
    assert!(
        crate::cpu::amx_detection::amx_available(),
        "no AMX on this machine"
    );
    let (m, k, n) = (a.rows(), a.columns(), b.columns());
    let threads = if m * n * k < PARALLEL_THRESHOLD {
        1
    } else {
        n_threads()
    };
    if k < HALVES_THRESHOLD || k < m.max(n) {
        return product(whole, c, c_row_stride, threads);
    }
    let middle = (k / 2).next_multiple_of(TILE_DEPTH);
    let b = b.transpose();
    let [first, second] = [0..middle, middle..k].map(|depth| MatrixProduct {
        a: a.take_columns(depth.clone()),
        b: b.take_columns(depth).transpose(),
        ..whole
    });
    let mut sum = Buffer::uncleared(m * n);
    let each = threads.div_ceil(2);
    let second = MatrixProduct {
        accumulate: false,
        ..second
    };
    let first = |c: &mut [f32]| product(first, c, c_row_stride, each);
    let second = |sum: &mut [f32]| product(second, sum, n, each);
    if threads == 1 {
        first(c);
        second(&mut sum);
    } else {
        rayon::join(|| first(c), || second(&mut sum));
    }
    let add = |(c, sum): (&mut [f32], &[f32])| c.iter_mut().zip(sum).for_each(|(c, sum)| *c += sum);
    if threads == 1 || m * n < PARALLEL_ADD {
        c.chunks_mut(c_row_stride.max(n))
            .zip(sum.chunks(n))
            .for_each(add);
    } else {
        c.par_chunks_mut(c_row_stride.max(n))
            .zip(sum.par_chunks(n))
            .with_min_len(m.div_ceil(threads))
            .for_each(add);
    }
}

/// Compute C = A B (+ C) on this many threads.
fn product(part: MatrixProduct<'_>, c: &mut [f32], c_row_stride: usize, threads: usize) {
    let MatrixProduct {
        a,
        b,
        accumulate,
        precision,
    } = part;
    let (m, k, n) = (a.rows(), a.columns(), b.columns());
    let b = b.transpose();
    let (own, own_side, shared, shared_side) = if m >= n {
        (a, Side::Left, b, Side::Right)
    } else {
        (b, Side::Right, a, Side::Left)
    };
    let steps = k.div_ceil(TILE_DEPTH);
    let slice = steps.div_ceil(steps.div_ceil(slice_steps(precision))) * TILE_DEPTH;
    let product = Product {
        c: c.as_mut_ptr(),
        c_row_stride,
        accumulate,
        precision,
        own,
        own_side,
        shared,
        shared_side,
        slice,
    };

    let rounds = (m * n * k).div_ceil(threads * TASK_LIMIT);
    let tasks = if threads == 1 { 1 } else { threads * rounds };
    let task = own.rows().div_ceil(tasks).next_multiple_of(PANEL);
    let tasks = (0..own.rows())
        .step_by(task)
        .map(|start| start..own.rows().min(start + task));
    with_buffer(
        &SHARED,
        tile_count(shared.rows(), k, parts(precision)),
        Tile::ZERO,
        |packed| {
            let pieces = product.pieces(packed);
            if threads == 1 {
                pieces
                    .into_iter()
                    .for_each(|piece| product.pack_shared(piece));
                tasks.for_each(|lanes| product.task(lanes, packed));
            } else {
                pieces
                    .into_par_iter()
                    .for_each(|piece| product.pack_shared(piece));
                let packed = &*packed;
                tasks
                    .collect::<Vec<_>>()
                    .into_par_iter()
                    .with_max_len(1)
                    .for_each(|lanes| product.task(lanes, packed));
            }
        },
    );
}

/// A panel of one slice of the shared operand, with its packed destination.
struct Piece<'a> {
    lanes: Range<usize>,
    depth: Range<usize>,
    tiles: &'a mut [Tile],
}

impl Product<'_> {
    fn slices(&self) -> impl Iterator<Item = Range<usize>> {
        let k = self.own.columns();
        (0..k)
            .step_by(self.slice)
            .map(move |start| start..k.min(start + self.slice))
    }

    /// Split the shared operand into pieces, \[slice]\[panel].
    fn pieces<'t>(&self, mut packed: &'t mut [Tile]) -> Vec<Piece<'t>> {
        let mut pieces = Vec::new();
        for depth in self.slices() {
            for start in (0..self.shared.rows()).step_by(PANEL) {
                let lanes = start..self.shared.rows().min(start + PANEL);
                let count = tile_count(lanes.len(), depth.len(), parts(self.precision));
                let (tiles, rest) = packed.split_at_mut(count);
                packed = rest;
                pieces.push(Piece {
                    lanes,
                    depth: depth.clone(),
                    tiles,
                });
            }
        }
        pieces
    }

    fn pack_shared(&self, piece: Piece<'_>) {
        // SAFETY: `multiply` has asserted that AMX is available.
        unsafe {
            pack(
                self.shared,
                self.shared_side,
                piece.lanes,
                piece.depth,
                self.precision,
                piece.tiles,
            )
        }
    }

    /// Compute the rows (own side left) or columns (right) `lanes` of C.
    fn task(&self, lanes: Range<usize>, shared: &[Tile]) {
        // SAFETY: `multiply` has asserted that AMX is available.
        let _tiles = unsafe { Tiles::configure() };
        let lane_bytes =
            self.slice * 2 * parts(self.precision) + self.shared.rows() * size_of::<f32>();
        let limit = (CHUNK_BYTES / lane_bytes).max(PANEL);
        let chunk = lanes
            .len()
            .div_ceil(lanes.len().div_ceil(limit))
            .next_multiple_of(PANEL);
        for start in lanes.clone().step_by(chunk) {
            let lanes = start..lanes.end.min(start + chunk);
            let blocks = lanes.len().div_ceil(PANEL) * self.shared.rows().div_ceil(PANEL);
            with_buffer(&SUMS, blocks, Sum::ZERO, |sums| {
                with_buffer(
                    &OWN,
                    tile_count(lanes.len(), self.slice, parts(self.precision)),
                    Tile::ZERO,
                    |own| {
                        let mut shared = shared;
                        for depth in self.slices() {
                            let tiles =
                                tile_count(self.shared.rows(), depth.len(), parts(self.precision));
                            let (slice, rest) = shared.split_at(tiles);
                            shared = rest;
                            // SAFETY: tiles are configured; the lanes are this task's own.
                            unsafe { self.slice(lanes.clone(), depth, own, slice, sums) };
                        }
                    },
                );
            });
        }
    }

    /// Add one slice's products to a chunk of C, reading and writing the chunk's sums; the first
    /// slice starts from zero or from C, and the last one writes to C.
    ///
    /// # Safety
    ///
    /// Tiles are configured, and no other thread accesses these lanes of C.
    unsafe fn slice(
        &self,
        lanes: Range<usize>,
        depth: Range<usize>,
        own: &mut [Tile],
        shared: &[Tile],
        sums: &mut [Sum],
    ) {
        // SAFETY: configured tiles imply AMX.
        unsafe {
            pack(
                self.own,
                self.own_side,
                lanes.clone(),
                depth.clone(),
                self.precision,
                own,
            )
        };
        let parts = parts(self.precision);
        let steps = depth.len().div_ceil(TILE_DEPTH);
        let panel = PANEL / TILE_LANES * steps * parts;
        let own = &own[..tile_count(lanes.len(), depth.len(), parts)];
        let (m, n) = match self.own_side {
            Side::Left => (self.own.rows(), self.shared.rows()),
            Side::Right => (self.shared.rows(), self.own.rows()),
        };
        let (first, last) = (depth.start == 0, depth.end == self.own.columns());
        let mut nowhere = Sum::ZERO;
        let idle = Move::idle(&mut nowhere);
        let mut previous = idle;
        let mut products = [Sum::ZERO; 2];
        let mut turns = [0, 1].into_iter().cycle();
        let mut sums = sums.iter_mut();
        for (shared_lane, shared) in (0..).step_by(PANEL).zip(shared.chunks(panel)) {
            for (lane, own) in (lanes.start..).step_by(PANEL).zip(own.chunks(panel)) {
                let (a, b, row, column) = match self.own_side {
                    Side::Left => (own, shared, lane, shared_lane),
                    Side::Right => (shared, own, shared_lane, lane),
                };
                let shape = (a.len() / (steps * parts), b.len() / (steps * parts));
                let block = Block {
                    a: a.as_ptr(),
                    b: b.as_ptr(),
                    steps,
                    parts,
                    shape,
                };
                let products: *mut Sum = &mut products[turns.next().unwrap_or(0)];
                let sum = Place::of(sums.next().expect("a sum for each block"));
                let c = Place {
                    start: self.c.wrapping_add(row * self.c_row_stride + column),
                    stride: self.c_row_stride,
                };
                let source = match (first, self.accumulate) {
                    (true, false) => Place::zero(),
                    (true, true) => c,
                    (false, _) => sum,
                };
                let next = Move {
                    products: products.cast(),
                    source,
                    target: if last { c } else { sum },
                };
                let (rows, columns) = ((m - row).min(PANEL), (n - column).min(PANEL));
                // SAFETY: tiles are configured; the block's panels have this many tiles; products
                // and sums belong to this thread, and the block of C is in its lanes. Only whole
                // blocks are left to the next kernel; of others, only the part inside C is moved.
                unsafe {
                    multiply_block(block, products, previous);
                    previous.rows(steps * moved_rows(parts)..PANEL, PANEL);
                    previous = next;
                    if (rows, columns) != (PANEL, PANEL) {
                        next.rows(0..rows, columns);
                        previous = idle;
                    }
                }
            }
        }
        // SAFETY: as above.
        unsafe { previous.rows(0..PANEL, PANEL) };
    }
}
