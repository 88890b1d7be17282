//! Table lookup and its gradient.

use super::Number;
use super::buffer::Buffer;
use super::threads::{for_rows, rows_a_task};
use rayon::prelude::*;

/// Return the rows of `table` at the indices `tokens`.
///
/// # Shapes
/// - `table`: `[vocab, d]`
/// - result: `[n, d]`
pub(crate) fn forward<T: Number>(table: &[T], d: usize, tokens: &[usize]) -> Buffer {
    let mut out = Buffer::uncleared(tokens.len() * d);
    for_rows(&mut out, d, d, |first, out| {
        for (row, &token) in out.chunks_exact_mut(d).zip(&tokens[first..]) {
            row.iter_mut()
                .zip(&table[token * d..][..d])
                .for_each(|(to, from)| *to = from.value());
        }
    });
    out
}

/// Return the gradient of the table: row `t` is the sum of the `dy` at the positions with token
/// `t`, in order of position.
///
/// # Shapes
/// - `dy`: `[n, d]`
/// - result: `[vocab, d]`
pub(crate) fn backward(dy: &[f32], d: usize, tokens: &[usize], vocab: usize) -> Buffer {
    let mut out = Buffer::zeros(vocab * d);
    // Each task owns some rows of the table and reads all tokens.
    let rows = rows_a_task(vocab, tokens.len() * d / vocab.max(1));
    let gather = |(task, out): (usize, &mut [f32])| {
        let owned = task * rows..task * rows + out.len() / d;
        for (dy, token) in dy
            .chunks_exact(d)
            .zip(tokens)
            .filter(|(_, token)| owned.contains(token))
        {
            let row = &mut out[(token - owned.start) * d..][..d];
            row.iter_mut().zip(dy).for_each(|(sum, dy)| *sum += dy);
        }
    };
    if d > 0 && rows >= vocab {
        gather((0, &mut out));
    } else if d > 0 {
        out.par_chunks_mut(rows * d).enumerate().for_each(gather);
    }
    out
}
