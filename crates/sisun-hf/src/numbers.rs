//! Conversion of stored numbers to float32, into their final layout.

use half::f16;
use rayon::prelude::*;
use safetensors::Dtype;

/// Side of the blocks in which a matrix is transposed: a block of the source and one of the target
/// fit in the L1 cache.
const BLOCK: usize = 64;

/// A part of a row-major matrix: `columns` columns of a matrix that is `width` wide, starting at
/// column `first`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Columns {
    pub(crate) first: usize,
    pub(crate) count: usize,
    pub(crate) width: usize,
}

/// Write the numbers of a file into some columns of `to`, on all threads; if `transposed`, the file
/// has them column by column. Numbers of any type other than float32, float16 and bfloat16 are
/// skipped.
pub(crate) fn place(
    bytes: &[u8],
    dtype: Dtype,
    transposed: bool,
    columns: Columns,
    to: &mut [f32],
) {
    match dtype {
        Dtype::F32 => place_as(bytes, transposed, columns, to, f32::from_le_bytes),
        Dtype::F16 => place_as(bytes, transposed, columns, to, |b| {
            f16::from_le_bytes(b).to_f32()
        }),
        // The upper half of a float32.
        Dtype::BF16 => place_as(bytes, transposed, columns, to, |[low, high]| {
            f32::from_le_bytes([0, 0, low, high])
        }),
        _ => {}
    }
}

fn place_as<const N: usize>(
    bytes: &[u8],
    transposed: bool,
    columns: Columns,
    to: &mut [f32],
    number: impl Fn([u8; N]) -> f32 + Sync,
) {
    let (from, _) = bytes.as_chunks::<N>();
    let rows = to.len() / columns.width;
    // Each thread touches its own rows first, so that the system clears their pages on all threads
    // as well.
    to.par_chunks_mut(BLOCK * columns.width)
        .enumerate()
        .for_each(|(block, to)| {
            let first = block * BLOCK;
            match transposed {
                false => copy(&from[first * columns.count..], columns, to, &number),
                true => turn_block(&from[first..], rows, columns, to, &number),
            }
        });
}

/// Copy rows of numbers.
fn copy<T: Copy>(
    from: &[T],
    Columns {
        first,
        count,
        width,
    }: Columns,
    to: &mut [f32],
    number: impl Fn(T) -> f32,
) {
    for (row, from) in to.chunks_exact_mut(width).zip(from.chunks_exact(count)) {
        for (to, from) in row[first..first + count].iter_mut().zip(from) {
            *to = number(*from);
        }
    }
}

/// Write columns of a row-major matrix, `width` wide, as rows of `row` numbers, on all threads.
pub(crate) fn turn(from: &[f32], width: usize, row: usize, to: &mut [f32]) {
    let columns = Columns {
        first: 0,
        count: row,
        width: row,
    };
    to.par_chunks_mut(BLOCK * row)
        .enumerate()
        .for_each(|(block, to)| {
            turn_block(&from[block * BLOCK..], width, columns, to, |number| number)
        });
}

/// Copy columns of numbers whose starts are `stride` apart.
fn turn_block<T: Copy>(
    from: &[T],
    stride: usize,
    Columns {
        first,
        count,
        width,
    }: Columns,
    to: &mut [f32],
    number: impl Fn(T) -> f32,
) {
    for columns in (0..count).step_by(BLOCK) {
        for (row, to) in to.chunks_exact_mut(width).enumerate() {
            let to = &mut to[first..first + count];
            for column in columns..count.min(columns + BLOCK) {
                to[column] = number(from[column * stride + row]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Columns, place};
    use half::{bf16, f16};
    use safetensors::Dtype;

    #[test]
    fn matrices_larger_than_a_block_are_turned() {
        let (rows, count) = (131, 71);
        let number = |row: usize, column: usize| (row * 1000 + column) as f32;
        let bytes: Vec<u8> = (0..count)
            .flat_map(|column| (0..rows).flat_map(move |row| number(row, column).to_le_bytes()))
            .collect();
        let columns = Columns {
            first: 3,
            count,
            width: 3 + count + 5,
        };
        let mut to = vec![-1.0; rows * columns.width];
        place(&bytes, Dtype::F32, true, columns, &mut to);
        for (row, values) in to.chunks_exact(columns.width).enumerate() {
            assert!(
                values[..3]
                    .iter()
                    .chain(&values[3 + count..])
                    .all(|value| *value == -1.0)
            );
            let expected: Vec<f32> = (0..count).map(|column| number(row, column)).collect();
            assert_eq!(values[3..3 + count], expected);
        }
    }

    #[test]
    fn every_number_of_16_bits_is_converted_exactly() {
        let bytes: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
        let columns = Columns {
            first: 0,
            count: 1 << 16,
            width: 1 << 16,
        };
        let mut to = vec![0.0; 1 << 16];
        for (dtype, number) in [
            (
                Dtype::F16,
                (|bits| f16::from_bits(bits).to_f64()) as fn(u16) -> f64,
            ),
            (Dtype::BF16, |bits| bf16::from_bits(bits).to_f64()),
        ] {
            place(&bytes, dtype, false, columns, &mut to);
            for (bits, found) in (0..=u16::MAX).zip(&to) {
                let expected = number(bits);
                assert!(
                    f64::from(*found) == expected || (found.is_nan() && expected.is_nan()),
                    "{dtype} {bits:#06x}"
                );
            }
        }
    }
}
