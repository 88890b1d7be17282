//! Intel Advanced Matrix Extensions: the tile configuration and the innermost products.
//!
//! A tile is 16 rows of 64 bytes. `TDPBF16PS` multiplies a tile of 16 rows x 32 bfloat16 of A by a
//! tile of 16 pairs of k x 16 columns of B and adds the 16 x 16 products in float32 (Intel SDM vol.
//! 2, TDPBF16PS). It rounds to nearest even regardless of MXCSR, and treats denormal inputs and
//! outputs as zero.
//!
//! Tile instructions are written as inline assembly because `std::arch` offers them on nightly
//! only.
#![allow(unsafe_code)] // instructions that the compiler does not know; each block has its proof

use std::arch::asm;

use super::pack::Tile;
use super::sums::{Move, PANEL, Sum};

/// The operand of LDTILECFG.
#[repr(C, align(64))]
struct TileConfiguration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

/// A guard: while it is alive, this thread's eight tiles are 16 x 64 bytes.
pub(super) struct Tiles(());

impl Tiles {
    /// Configure the tiles of this thread.
    ///
    /// # Safety
    ///
    /// [`crate::cpu::amx_detection::amx_available`] must have returned true.
    pub(super) unsafe fn configure() -> Self {
        let mut configuration = TileConfiguration {
            palette: 1,
            start_row: 0,
            reserved: [0; 14],
            row_bytes: [0; 16],
            rows: [0; 16],
        };
        configuration.row_bytes[..8].fill(64);
        configuration.rows[..8].fill(16);
        // SAFETY: the caller guarantees that the instruction exists; it reads 64 bytes, the size of
        // the struct, and palette 1 allows 16 rows of 64 bytes.
        unsafe {
            asm!("ldtilecfg [{}]", in(reg) &configuration, options(nostack, readonly, preserves_flags))
        };
        Self(())
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: only `configure` makes a `Tiles`, so the instruction exists. Outside a kernel's
        // own assembly no code keeps values in tiles. Released tiles need not be saved when the
        // operating system switches threads.
        unsafe { asm!("tilerelease", options(nostack, nomem, preserves_flags)) };
    }
}

/// Return the number of rows of the previous block that one step moves, so that the steps of a
/// slice move all 32.
pub(super) fn moved_rows(parts: usize) -> usize {
    if parts == 1 { 4 } else { 8 }
}

/// Assign the tiles: a block of C in tiles 0..4 (row-major), the part of A in 4 and 5, the part of
/// B in 6 and 7.
macro_rules! tiles {
    (C 2 2, $each:ident) => {
        concat!($each!("tmm0", 0), $each!("tmm1", 64), $each!("tmm2", 2048), $each!("tmm3", 2112))
    };
    (C 2 1, $each:ident) => {
        concat!($each!("tmm0", 0), $each!("tmm2", 2048))
    };
    (C 1 2, $each:ident) => {
        concat!($each!("tmm0", 0), $each!("tmm1", 64))
    };
    (C 1 1, $each:ident) => {
        $each!("tmm0", 0)
    };
    (A 2, $part:literal) => {
        concat!(load!("tmm4", "a", 2048, $part, 0), load!("tmm5", "a", 2048, $part, 1024))
    };
    (A 1, $part:literal) => {
        load!("tmm4", "a", 1024, $part, 0)
    };
    (B 2, $part:literal) => {
        concat!(load!("tmm6", "b", 2048, $part, 0), load!("tmm7", "b", 2048, $part, 1024))
    };
    (B 1, $part:literal) => {
        load!("tmm6", "b", 1024, $part, 0)
    };
    (product 2 2) => {
        concat!(product!(0, 4, 6), product!(1, 4, 7), product!(2, 5, 6), product!(3, 5, 7))
    };
    (product 2 1) => {
        concat!(product!(0, 4, 6), product!(2, 5, 6))
    };
    (product 1 2) => {
        concat!(product!(0, 4, 6), product!(1, 4, 7))
    };
    (product 1 1) => {
        product!(0, 4, 6)
    };
    // One row of the previous block: target = products + source.
    (move) => {
        "vmovups zmm0, [{products}]
        vmovups zmm1, [{products} + 64]
        vaddps zmm0, zmm0, [{source}]
        vaddps zmm1, zmm1, [{source} + 64]
        vmovups [{target}], zmm0
        vmovups [{target} + 64], zmm1
        add {products}, 128
        add {source}, {source_stride}
        add {target}, {target_stride}
        "
    };
    // The pairs of parts in an order in which each differs from the previous one in one operand: 7
    // pairs of loads instead of 12.
    (step 3, $rows:tt $columns:tt) => {
        concat!(
            tiles!(A $rows, 0), tiles!(B $columns, 2), tiles!(product $rows $columns), tiles!(move),
            tiles!(B $columns, 1), tiles!(product $rows $columns), tiles!(move),
            tiles!(A $rows, 1), tiles!(product $rows $columns), tiles!(move),
            tiles!(B $columns, 0), tiles!(product $rows $columns), tiles!(move), tiles!(move),
            tiles!(A $rows, 0), tiles!(product $rows $columns), tiles!(move),
            tiles!(A $rows, 2), tiles!(product $rows $columns), tiles!(move), tiles!(move),
        )
    };
    (step 1, $rows:tt $columns:tt) => {
        concat!(
            tiles!(A $rows, 0), tiles!(B $columns, 0), tiles!(product $rows $columns),
            tiles!(move), tiles!(move), tiles!(move), tiles!(move),
        )
    };
}

macro_rules! load {
    ($tile:literal, $operand:literal, $size:literal, $part:literal, $offset:literal) => {
        concat!(
            "tileloadd ",
            $tile,
            ", [{",
            $operand,
            "} + {line} + ",
            $size,
            "*",
            $part,
            " + ",
            $offset,
            "]\n"
        )
    };
}

macro_rules! product {
    ($c:literal, $a:literal, $b:literal) => {
        concat!("tdpbf16ps tmm", $c, ", tmm", $a, ", tmm", $b, "\n")
    };
}

macro_rules! zero {
    ($tile:literal, $offset:literal) => {
        concat!("tilezero ", $tile, "\n")
    };
}

macro_rules! store {
    ($tile:literal, $offset:literal) => {
        concat!(
            "tilestored [{sum} + {sum_line} + ",
            $offset,
            "], ",
            $tile,
            "\n"
        )
    };
}

/// Define one kernel: the whole sum over k in one block of assembly, since the compiler does not
/// know tiles.
macro_rules! kernel {
    ($block:ident, $sum:ident, $previous:ident, $parts:tt, $rows:tt $columns:tt) => {
        asm!(
            tiles!(C $rows $columns, zero),
            "2:",
            tiles!(step $parts, $rows $columns),
            concat!("add {a}, 1024*", $parts, "*", $rows),
            concat!("add {b}, 1024*", $parts, "*", $columns),
            "dec {steps}",
            "jnz 2b",
            tiles!(C $rows $columns, store),
            a = inout(reg) $block.a => _,
            b = inout(reg) $block.b => _,
            steps = inout(reg) $block.steps => _,
            line = in(reg) 64usize,
            sum = in(reg) $sum,
            sum_line = in(reg) size_of::<[f32; PANEL]>(),
            products = inout(reg) $previous.products => _,
            source = inout(reg) $previous.source.start => _,
            source_stride = in(reg) size_of::<f32>() * $previous.source.stride,
            target = inout(reg) $previous.target.start => _,
            target_stride = in(reg) size_of::<f32>() * $previous.target.stride,
            out("xmm0") _,
            out("xmm1") _,
            options(nostack),
        )
    };
}

/// The panels whose product is one block of C.
#[derive(Clone, Copy)]
pub(super) struct Block {
    /// Tiles of A, \[step]\[part]\[tile of rows].
    pub(super) a: *const Tile,
    /// Tiles of B, \[step]\[part]\[tile of columns].
    pub(super) b: *const Tile,
    /// Number of steps, k / 32: at least 1, and at most as many as move 32 rows ([`moved_rows`]).
    pub(super) steps: usize,
    /// Number of parts: 1 (bfloat16) or 3 (float32 in three parts, six products: see
    /// [`super::pack`]).
    pub(super) parts: usize,
    /// Numbers of tiles (of rows, of columns), 1 or 2 each.
    pub(super) shape: (usize, usize),
}

/// Compute `sum` = A B of one block, and move the rows of the previous block meanwhile,
/// [`moved_rows`] at each step.
///
/// The tile units are the bottleneck: the CPU does not look further ahead than it has spare tiles
/// for, so moving a block between two kernels would leave the tile units idle, while moving it
/// inside a kernel costs nothing.
///
/// # Safety
///
/// A [`Tiles`] is alive on this thread; `a` and `b` point to as many packed tiles as [`Block`]
/// says; no other reference to `sum` exists; `previous` can be moved ([`Move`]) and does not
/// overlap `sum`.
pub(super) unsafe fn multiply(block: Block, sum: *mut Sum, previous: Move) {
    debug_assert!(block.steps > 0 && block.steps * moved_rows(block.parts) <= PANEL);
    // SAFETY: the caller guarantees the tiles and all the memory; the assembly reads `a` and `b`
    // forward over exactly `steps` steps, moves at most 32 rows, and writes only those and the sum.
    unsafe {
        match (block.parts, block.shape) {
            (3, (2, 2)) => kernel!(block, sum, previous, 3, 2 2),
            (3, (2, 1)) => kernel!(block, sum, previous, 3, 2 1),
            (3, (1, 2)) => kernel!(block, sum, previous, 3, 1 2),
            (3, (1, 1)) => kernel!(block, sum, previous, 3, 1 1),
            (1, (2, 2)) => kernel!(block, sum, previous, 1, 2 2),
            (1, (2, 1)) => kernel!(block, sum, previous, 1, 2 1),
            (1, (1, 2)) => kernel!(block, sum, previous, 1, 1 2),
            (1, (1, 1)) => kernel!(block, sum, previous, 1, 1 1),
            _ => unreachable!("parts are 1 or 3, tiles 1 or 2 each way"),
        }
    }
}
