//! Biases of scores as the page's scripts read them.

use sisun_infer::LanguageModel;
use sisun_model::to_host;

/// Return the bias of the scores of at most `most` tokens by head and offset, if the model has one.
pub(super) fn bias_by_offset(loaded: &LanguageModel, most: usize) -> Option<Vec<f32>> {
    let (_, values) = to_host(loaded.model.score_bias(most)?);
    let width = 2 * most - 1;
    // With a mask, keys never follow their query: offsets start at 0.
    let from = if loaded.model.config().causal {
        most - 1
    } else {
        0
    };
    let rows = values.chunks(width);
    Some(rows.flat_map(|row| row[from..].iter().copied()).collect())
}
