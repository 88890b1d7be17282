//! Choosing rows of a batch.

use sisun_kernels::Lens;

/// Return the lengths of these rows.
pub(crate) fn select_lens(lens: &Option<Lens>, rows: &[usize]) -> Option<Lens> {
    lens.as_ref()
        .map(|lens| rows.iter().map(|row| lens[*row]).collect())
}
