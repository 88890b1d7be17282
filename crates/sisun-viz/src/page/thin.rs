//! Reducing patterns to the size of a page.

/// Maximum number of weights on a page: all heads of a 6 × 6 model on 1,024 tokens, and a little
/// more.
pub(crate) const MOST_WEIGHTS: usize = 20_000_000;

/// Return the number of weights of one pattern on a page.
pub(crate) fn weights(n: usize, causal: bool) -> usize {
    if causal { n * (n + 1) / 2 } else { n * n }
}

/// Return the number of consecutive tokens per cell for which `patterns` patterns of `n` tokens
/// have at most `most` weights.
pub(crate) fn cell_of(n: usize, patterns: usize, causal: bool, most: usize) -> usize {
    let fits = |cell: &usize| weights(n.div_ceil(*cell), causal).saturating_mul(patterns) <= most;
    (1..=n.max(1)).find(fits).unwrap_or(n.max(1))
}

/// Reduce a pattern to cells of `cell` tokens: keys are summed and queries averaged, so that each
/// row still sums to 1.
///
/// # Shapes
/// - `pattern`: `[query, key]`, `n` × `n`
/// - result: `[⌈n/cell⌉, ⌈n/cell⌉]`
pub(crate) fn thinned(pattern: &[f32], n: usize, cell: usize) -> Vec<f32> {
    let cells = n.div_ceil(cell);
    let mut small = vec![0.0; cells * cells];
    for (query, row) in pattern.chunks_exact(n).enumerate() {
        let queries = cell.min(n - query / cell * cell) as f32;
        let out = &mut small[query / cell * cells..][..cells];
        for (sum, keys) in out.iter_mut().zip(row.chunks(cell)) {
            *sum += keys.iter().sum::<f32>() / queries;
        }
    }
    small
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_as_small_as_fits() {
        assert_eq!(
            cell_of(1024, 36, true, MOST_WEIGHTS),
            1,
            "what the page promises"
        );
        assert_eq!(cell_of(4096, 36, true, MOST_WEIGHTS), 4);
        assert_eq!(cell_of(1024, 36, false, MOST_WEIGHTS), 2);
        assert_eq!(
            cell_of(5, usize::MAX, true, 1),
            5,
            "one cell is the least there is"
        );
    }

    #[test]
    fn thinned_rows_still_sum_to_one() {
        #[rustfmt::skip]
        let pattern = [
            1.0, 0.0, 0.0,
            0.25, 0.75, 0.0,
            0.5, 0.125, 0.375,
        ];
        assert_eq!(thinned(&pattern, 3, 2), [1.0, 0.0, 0.625, 0.375]);
        assert_eq!(thinned(&pattern, 3, 1), pattern);
        assert_eq!(thinned(&pattern, 3, 3), [1.0]);
    }
}
